"""What a WSGI server imports: `granian --interface wsgi service.wsgi:app`."""

from __future__ import annotations

import os

from service import logs
from service.app import create_app
from service.settings import Settings

__all__ = ["app"]

_settings = Settings.from_env(os.environ)
logs.set_up(_settings)
app = create_app(_settings)
