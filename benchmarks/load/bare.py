"""The page to compare with: Flask, one select, nothing else. `LOAD_DATABASE_URL` names the database."""

from __future__ import annotations

import os

import sqlalchemy as sa
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from service.db import Database
from service.models import Experiment

__all__ = ["app"]

app = Flask(__name__)
database = Database(os.environ["LOAD_DATABASE_URL"])


@app.get("/v1/experiments/<int:key>")
def one(key: int) -> ResponseReturnValue:
    """Return a row."""
    with database.look() as session:
        row = session.execute(
            sa.select(Experiment.id, Experiment.name, Experiment.metrics).where(Experiment.id == key)
        ).one()
    return jsonify(id=row.id, name=row.name, metrics=row.metrics)
