"""A database: Optuna's tables, read with SQLAlchemy and never written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from service.errors import InvalidInputError
from service.transfer.optuna.study import State, Study, Trial

__all__ = ["SCHEMA_VERSION", "read"]

#: The one that Optuna has had since 2.4; what came since are further columns, told apart by looking.
SCHEMA_VERSION: Final = 12
_TABLES: Final = (
    "studies",
    "study_directions",
    "study_user_attributes",
    "study_system_attributes",
    "trials",
    "trial_user_attributes",
    "trial_system_attributes",
    "trial_params",
    "trial_values",
    "version_info",
)
_INFINITIES: Final = {"INF_POS": math.inf, "INF_NEG": -math.inf}


def read(url: str) -> list[Study]:
    """Return the studies of the database at `url`."""
    try:
        engine = sa.create_engine(url, hide_parameters=True)
    except (SQLAlchemyError, ImportError) as error:
        message = f"the address of the database cannot be used: {error}"
        raise InvalidInputError(message, expected="an address as SQLAlchemy takes it") from error
    try:
        with engine.connect() as connection:
            return _Reader(connection, _tables(connection)).studies()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise InvalidInputError(f"the database cannot be read: {reason}", expected="an Optuna storage") from error
    finally:
        engine.dispose()


def _tables(connection: sa.Connection) -> Mapping[str, sa.Table]:
    """Return Optuna's tables as they are there, or say what this is instead."""
    present = set(sa.inspect(connection).get_table_names())
    missing = [name for name in _TABLES if name not in present]
    if missing:
        message = f"this is no Optuna storage: the table {missing[0]} is missing"
        raise InvalidInputError(message, expected="an Optuna storage")
    metadata = sa.MetaData()
    metadata.reflect(connection, only=_TABLES)
    tables = metadata.tables
    version = connection.scalar(sa.select(tables["version_info"].c.schema_version))
    if version != SCHEMA_VERSION:
        message = f"this Optuna storage has schema version {version}: expected {SCHEMA_VERSION}. Upgrade it with Optuna"
        raise InvalidInputError(message, expected=str(SCHEMA_VERSION))
    return tables


class _Reader:
    """Reads table by table, each in one query, and puts the rows together."""

    def __init__(self, connection: sa.Connection, tables: Mapping[str, sa.Table]) -> None:
        self._connection = connection
        self._tables = tables

    def studies(self) -> list[Study]:
        studies = {row["study_id"]: Study(row["study_name"], []) for row in self._rows("studies")}
        for row in self._rows("study_directions", "study_id", "objective"):
            directions = list(studies[row["study_id"]].directions)
            studies[row["study_id"]].directions = [*directions, _direction(row["direction"])]
        for kind in ("user", "system"):
            for row in self._rows(f"study_{kind}_attributes"):
                getattr(studies[row["study_id"]], f"{kind}_attrs")[row["key"]] = json.loads(row["value_json"])
        for study_id, trial in self._trials():
            studies[study_id].trials.append(trial)
        return list(studies.values())

    def _trials(self) -> list[tuple[int, Trial]]:
        owners: dict[int, int] = {}
        trials: dict[int, Trial] = {}
        for row in self._rows("trials", "number", "trial_id"):
            owners[row["trial_id"]] = row["study_id"]
            trials[row["trial_id"]] = Trial(
                number=row["number"],
                state=State(row["state"]),
                started_at=_time(row["datetime_start"]),
                completed_at=_time(row["datetime_complete"]),
            )
        for row in self._rows("trial_params"):
            trials[row["trial_id"]].params[row["param_name"]] = row["param_value"]
            trials[row["trial_id"]].distributions[row["param_name"]] = json.loads(row["distribution_json"])
        for row in self._rows("trial_values", "trial_id", "objective"):
            trials[row["trial_id"]].values = (*trials[row["trial_id"]].values, _value(row))
        for kind in ("user", "system"):
            for row in self._rows(f"trial_{kind}_attributes"):
                getattr(trials[row["trial_id"]], f"{kind}_attrs")[row["key"]] = json.loads(row["value_json"])
        return [(owners[key], trial) for key, trial in trials.items()]

    def _rows(self, name: str, *order: str) -> list[Mapping[str, Any]]:
        table = self._tables[name]
        columns = [sa.cast(column, sa.String) if isinstance(column.type, sa.Enum) else column for column in table.c]
        query = sa.select(*(column.label(name) for column, name in zip(columns, table.c.keys(), strict=True)))
        rows = self._connection.execute(query.order_by(*(table.c[by] for by in order)))
        return [dict(row) for row in rows.mappings()]


def _direction(word: str) -> str:
    return "maximize" if word.upper() == "MAXIMIZE" else "minimize"


def _value(row: Mapping[str, Any]) -> float | None:
    """Return a value; infinities have a column of their own, since 3.0."""
    value: float | None = row["value"]
    return _INFINITIES.get(row.get("value_type", "FINITE"), value)


def _time(at: datetime | None) -> datetime | None:
    """Take a time as UTC, which Optuna writes since 5.0; older ones wrote the machine's local time."""
    return None if at is None else at.replace(tzinfo=UTC)
