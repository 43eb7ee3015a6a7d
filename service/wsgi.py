"""What a WSGI server imports: `granian --interface wsgi service.wsgi:app`."""

from __future__ import annotations

import os

from service.app import create_app
from service.settings import Settings

__all__ = ["app"]

app = create_app(Settings.from_env(os.environ))
