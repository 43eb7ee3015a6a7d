"""What a WSGI server imports: `granian --interface wsgi service.wsgi:app`."""

from __future__ import annotations

import os
import sys
from typing import Final

from sqlalchemy.orm import configure_mappers

from service import logs
from service.app import create_app
from service.settings import Settings

__all__ = ["app"]

#: A request lets go of Python for each statement, and to get it back from a busy thread takes this long; Python's own
#: five milliseconds, a dozen times in a transaction that holds a lock, made the slowest requests a second long.
_SWITCH_S: Final = 0.0005

sys.setswitchinterval(_SWITCH_S)
configure_mappers()  # now, and not in the first request
_settings = Settings.from_env(os.environ)
logs.set_up(_settings)
app = create_app(_settings)
