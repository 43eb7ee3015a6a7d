"""How our processes log: lines on standard output, for whoever runs them to collect."""

from __future__ import annotations

import logging

from service.settings import Settings

__all__ = ["set_up"]


def set_up(settings: Settings) -> None:
    """Log from the settings' level on. Libraries that print addresses at DEBUG stay at INFO: keys may be in them."""
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it says the same two lines at every look at the schema
    for name in ("urllib3", "httpx", "redis", "kombu", "amqp"):
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLogger().level))
