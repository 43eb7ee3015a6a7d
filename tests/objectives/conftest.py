"""Laws are about values, not about time: on a busy machine a single example may take long."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("laws", deadline=None)
settings.load_profile("laws")
