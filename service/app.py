"""The web application, put together: blueprints, error bodies, limits, headers."""

from __future__ import annotations

from typing import Final

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from service.api import (
    advice,
    aiexperiments,
    checkpoints,
    clients,
    deliveries,
    door,
    errors,
    experiment_lists,
    experiments,
    files,
    fronts,
    headers,
    health,
    kept,
    knowledge,
    limits,
    observations,
    openapi,
    paths,
    projects,
    queued_suggestions,
    sessions,
    suggestions,
    tokens,
    training_runs,
    transfer,
    web_data,
    webhooks,
)
from service.db import Database
from service.nudge import Nudge
from service.pages import docs, index, login, report
from service.settings import Settings

__all__ = ["create_app"]

#: No request needs more: a thousand results are a tenth of it. Flask has no limit by default.
LARGEST_BODY: Final = 1024 * 1024
_BLUEPRINTS: Final = (
    sessions.blueprint,
    clients.blueprint,
    tokens.blueprint,
    projects.blueprint,
    experiments.blueprint,
    experiment_lists.blueprint,
    advice.blueprint,
    suggestions.blueprint,
    queued_suggestions.blueprint,
    observations.blueprint,
    fronts.blueprint,
    knowledge.blueprint,
    aiexperiments.blueprint,
    training_runs.blueprint,
    checkpoints.blueprint,
    files.blueprint,
    web_data.blueprint,
    webhooks.blueprint,
    deliveries.blueprint,
    transfer.blueprint,
    openapi.blueprint,
    health.blueprint,
    docs.blueprint,
    index.blueprint,
    login.blueprint,
    report.blueprint,
)


def create_app(settings: Settings) -> Flask:
    """Return the application for these settings. It opens the database lazily and never fits a model."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    database = Database(settings.database_url)
    app.extensions[door.EXTENSION] = door.Services(database, settings, Nudge(settings.celery_broker_url))
    paths.register(app)
    door.register(app)
    kept.register(app)
    headers.register(app)
    limits.register(app, settings)
    errors.register(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    if settings.trusted_proxies:
        _trust(app, settings.trusted_proxies)
    return app


def _trust(app: Flask, proxies: int) -> None:
    """Believe this many proxies about who calls, how and by which address: of sign-ins, of cookies, in replies."""
    fixed = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies, x_prefix=proxies)
    app.wsgi_app = fixed  # type: ignore[method-assign]
