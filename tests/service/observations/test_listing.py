"""A list of observations comes in the order that was asked for, both ways, page by page, nothing twice or left out."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import observations
from service.db import Database
from service.errors import InvalidInputError
from service.models import Experiment
from service.paging import Window
from service.schemas.result import Result, Value
from tests.support import new_experiment

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ODD = 'a "quoted" $.name'
SPACE: dict[str, Any] = {
    "parameters": [
        {"name": "x", "type": "double", "bounds": {"min": 0, "max": 1}},
        {"name": ODD, "type": "categorical", "categorical_values": ["b", "a"]},
        {"name": "deep", "type": "int", "bounds": {"min": 0, "max": 9}, "conditions": {"kind": ["net"]}},
    ],
    "conditionals": [{"name": "kind", "values": ["net", "tree"]}],
    "metrics": [{"name": "accuracy"}, {"name": ODD}],
    "tasks": [{"name": "cheap", "cost": 0.1}, {"name": "full", "cost": 1.0}],
    "observation_budget": 99,
}


def results(experiment: Experiment) -> list[Result]:
    """Nine results, every third of them failed, some with equal values and some with the largest there are."""
    out = []
    for i in range(9):
        kind = "net" if i % 2 else "tree"
        assignments = {"x": (i * 4 % 9) / 9, ODD: "ab"[i % 2], "kind": kind, **({"deep": i} if kind == "net" else {})}
        values = (Value("accuracy", [1e308, 0.5, -1.0][i // 3], None), Value(ODD, float(-i), i / 2 if i else None))
        failed = i % 3 == 2
        task = "cheap" if i < 5 else "full"
        out.append(Result(experiment.id, None, assignments, () if failed else values, failed, None, f"r{i}", task))
    return out


@pytest.fixture
def experiment(database: Database) -> Experiment:
    with database.write() as session:
        row = new_experiment(session, now=NOW, **SPACE)
        for number, result in enumerate(results(row)):
            observations.store(session, [result], source="http", now=NOW + timedelta(seconds=9 - number))
        return row


def value_of(row: Any, metric: str, part: str = "value") -> float:
    found = next((v[part] for v in row[0].values if v["name"] == metric), None)
    return math.inf if found is None else found


def number_of(row: Any, name: str, missing: Any) -> Any:
    return row[1].assignments.get(name, missing)


ORDERS: dict[str, Any] = {
    "id": lambda row: row[0].id,
    "timestamp": lambda row: row[0].created_at,
    "value": lambda row: value_of(row, ODD),
    "value-accuracy": lambda row: value_of(row, "accuracy"),
    f"value-{ODD}": lambda row: value_of(row, ODD),
    "value_stddev": lambda row: value_of(row, ODD, "value_stddev"),
    f"value_stddev-{ODD}": lambda row: value_of(row, ODD, "value_stddev"),
    "parameter-x": lambda row: number_of(row, "x", math.inf),
    "parameter-deep": lambda row: number_of(row, "deep", math.inf),
    f"parameter-{ODD}": lambda row: number_of(row, ODD, "z"),
    "parameter-kind": lambda row: number_of(row, "kind", "z"),
    "task": lambda row: ({"cheap": 0.1, "full": 1.0}[row[0].task], value_of(row, ODD)),
}


def pages(database: Database, experiment: Experiment, sort: str, *, ascending: bool, limit: int) -> list[Any]:
    """Walk the whole list, page by page, the way it goes on."""
    out: list[Any] = []
    window = Window(limit=limit, ascending=ascending)
    while True:
        with database.read() as session:
            row = session.get_one(Experiment, experiment.id)
            page, count = observations.listed(session, row, sort=sort, window=window)
        assert count == 9
        out += page.rows
        onward, back = (page.after, page.before) if ascending else (page.before, page.after)
        assert back is not None
        if onward is None:
            return out
        after, before = (onward, None) if ascending else (None, onward)
        window = Window(limit=limit, ascending=ascending, after=after, before=before)


def test_each_order_is_what_python_s_own_sorting_gives_both_ways_page_by_page(
    database: Database, experiment: Experiment
) -> None:
    for sort, key in ORDERS.items():
        for ascending in (True, False):
            found = pages(database, experiment, sort, ascending=ascending, limit=2)
            expected = sorted(found, key=lambda row: (key(row), row[0].id), reverse=not ascending)
            assert len({row[0].id for row in found}) == 9, sort
            assert [row[0].id for row in found] == [row[0].id for row in expected], (sort, ascending)


def test_without_an_optimized_metric_tasks_are_sorted_by_their_costs_alone(sqlite_only: Database) -> None:
    limits = [{"name": name, "strategy": "constraint", "threshold": 0} for name in ("accuracy", ODD)]
    with sqlite_only.write() as session:
        row = new_experiment(session, now=NOW, **{**SPACE, "metrics": limits})
        observations.store(session, results(row), source="http", now=NOW)
        page, _ = observations.listed(session, row, sort="task", window=Window(ascending=True))
    assert [found[0].result_id for found in page.rows] == [f"r{number}" for number in range(9)]


def test_the_way_back_leads_to_the_page_before(database: Database, experiment: Experiment) -> None:
    with database.read() as session:
        row = session.get_one(Experiment, experiment.id)

        def page(**more: Any) -> Any:
            return observations.listed(session, row, sort="value", window=Window(limit=3, **more))[0]

        first = page()
        second = page(before=first.before)
        assert page(after=second.after).rows == first.rows
        between = page(before=first.before, after=(-100.0, 1))
        assert between.rows == second.rows
        assert observations.listed(session, row, sort="id", window=Window(limit=0))[1] == 9


def test_markers_that_stand_for_a_missing_value_or_for_none_that_is_there(
    database: Database, experiment: Experiment
) -> None:
    with database.read() as session:
        row = session.get_one(Experiment, experiment.id)

        def count(**more: Any) -> int:
            return len(observations.listed(session, row, sort="value", window=Window(**more))[0].rows)

        assert (count(before=(None, 0)), count(after=(None, 0))) == (6, 3)
        assert (count(before=(-100, 0)), count(after=(-100.0, 0))) == (0, 9)


@pytest.mark.parametrize(
    "marker", [(), (1,), ("x", 1), (math.nan, 1), (math.inf, 1), (1.0, 2**70), (1.0, None), (1.0, 2.0, 3), (True, "1")]
)
def test_a_marker_of_another_order_is_refused(sqlite_only: Database, marker: Any) -> None:
    with sqlite_only.write() as session:
        experiment = new_experiment(session, now=NOW, **SPACE)
        with pytest.raises(InvalidInputError, match="Invalid paging marker"):
            observations.listed(session, experiment, sort="value", window=Window(before=marker))


@pytest.mark.parametrize(
    "sort", ["", "name", "value-", "value-acuracy", "value_stddev-x", "parameter", "parameter-z", "task-x", "id-1"]
)
def test_an_order_that_there_is_not_is_refused(sqlite_only: Database, sort: str) -> None:
    with sqlite_only.write() as session:
        experiment = new_experiment(session, now=NOW, **SPACE)
        with pytest.raises(InvalidInputError, match="Invalid sort"):
            observations.listed(session, experiment, sort=sort, window=Window())


def test_deleted_observations_are_a_list_of_their_own(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        row = session.get_one(Experiment, experiment.id)
        first = observations.ends(session, row.id)[0]
        assert first is not None
        observations.delete(session, row, first[0].id, token_id=None, now=NOW)
    with database.read() as session:
        there, count = observations.listed(session, row, sort="value", window=Window())
        gone, gone_count = observations.listed(session, row, sort="value", window=Window(), deleted=True)
    assert (len(there.rows), count) == (8, 8)
    assert ([item.id for item, _ in gone.rows], gone_count) == ([first[0].id], 1)
