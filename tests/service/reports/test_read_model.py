"""The report is what the worker stored, bounded, and of one experiment only: on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import Database
from service.models import Experiment, Front, Refresh
from service.reports import read_model
from service.reports.values import Report
from tests import stories
from tests.factories import (
    NOW,
    make_client,
    make_configuration,
    make_experiment,
    make_front,
    make_metric,
    make_model_state,
    make_observation,
    make_rejection,
    make_suggestion,
)


def report_of(session: Session, experiment: Experiment) -> Report:
    session.flush()
    return read_model.read(session, experiment, now=NOW)


def test_an_untouched_experiment_has_an_empty_report(database: Database) -> None:
    with database.write() as session:
        report = report_of(session, make_experiment(session, name="New", budget=60))
    assert (report.name, report.budget, report.observations, report.front_count) == ("New", 60, 0, 0)
    assert report.options == report.beaten == report.milestones == report.rejected == ()
    assert report.models is None
    assert report.advice.recommended is None


def test_counts_and_generations_are_those_of_the_refresh_row(database: Database) -> None:
    counts = {
        "data_generation": 9,
        "front_generation": 8,
        "model_generation": 7,
        "observation_count": 40,
        "failure_count": 3,
    }
    with database.write() as session:
        experiment = make_experiment(session, refresh={**counts, "last_error": "boom"})
        make_suggestion(session, experiment)
        make_suggestion(session, experiment, state="closed")
        report = report_of(session, experiment)
    assert (report.data_generation, report.front_generation, report.model_generation) == (9, 8, 7)
    assert (report.observations, report.failures, report.open_suggestions) == (40, 3, 1)
    assert report.is_failing


def test_options_are_the_newest_front_from_best_to_worst_of_the_first_metric(database: Database) -> None:
    with database.write() as session:
        experiment = make_experiment(session)
        low, high, middle = (
            make_configuration(
                session, experiment, {"accuracy": (a, 0.1), "latency_ms": ms}, assignments={"depth": a, "rate": 0.1}
            )
            for a, ms in ((0.7, 1.0), (0.9, 9.0), (0.8, 2.0))
        )
        make_front(session, experiment, [low], generation=1)
        make_front(session, experiment, [low, high, middle], generation=2)
        report = report_of(session, experiment)
    assert [option.configuration_id for option in report.options] == [high.id, middle.id, low.id]
    assert [option.number for option in report.options] == [1, 2, 3]
    first = report.options[0]
    assert first.assignments == {"depth": 0.9, "rate": 0.1}
    assert (first.values["accuracy"].mean, first.values["accuracy"].stddev) == (0.9, 0.1)
    assert first.values["latency_ms"].stddev is None


def test_what_is_not_on_the_front_is_beaten_or_misses_its_thresholds(database: Database) -> None:
    with database.write() as session:
        experiment = make_experiment(session)
        best = make_configuration(session, experiment, {"accuracy": 0.9, "latency_ms": 5.0})
        worse = make_configuration(session, experiment, {"accuracy": 0.8, "latency_ms": 6.0})
        slow = make_configuration(session, experiment, {"accuracy": 0.95, "latency_ms": 21.0})
        make_configuration(session, experiment, failures=1)
        make_front(session, experiment, [best])
        report = report_of(session, experiment)
    assert {point.configuration_id: point.missed for point in report.beaten} == {worse.id: (), slow.id: ("latency_ms",)}


def test_a_threshold_itself_is_acceptable(database: Database) -> None:
    with database.write() as session:
        experiment = make_experiment(session)
        make_configuration(session, experiment, {"accuracy": 0.9, "latency_ms": 20.0})
        report = report_of(session, experiment)
    assert report.beaten[0].missed == ()


def test_limits_say_how_many_they_refuse_and_how_many_they_alone_refuse(database: Database) -> None:
    metrics = [
        make_metric("accuracy", threshold=0.5),
        make_metric("cost", "minimize", "constraint", 2.0),
        make_metric("size"),
    ]
    with database.write() as session:
        experiment = make_experiment(session, metrics=metrics)
        for accuracy, cost in ((0.4, 3.0), (0.6, 3.0), (0.7, 1.0), (0.3, 1.0)):
            make_configuration(session, experiment, {"accuracy": accuracy, "cost": cost, "size": 1.0})
        reference = [
            {"metric": "accuracy", "value": 0.5, "inferred": False},
            {"metric": "size", "value": 0.9, "inferred": True},
        ]
        make_front(session, experiment, [], ref_point=reference)
        report = report_of(session, experiment)
    told = [(x.metric, x.value, x.inferred, x.missed, x.missed_alone, x.looked_at) for x in report.limits]
    assert told == [
        ("accuracy", 0.5, False, 2, 1, 4),
        ("cost", 2.0, False, 2, 1, 4),
        ("size", 0.9, True, 0, 0, 4),
    ]


def test_while_nothing_is_feasible_the_nearest_configurations_stand_in(database: Database) -> None:
    with database.write() as session:
        report = report_of(session, stories.infeasible(session))
    assert report.options == ()
    assert [option.values["latency_ms"].mean for option in report.nearest] == [6.0, 7.0, 8.0]


def test_rejections_are_counted_and_only_those_of_this_experiment(database: Database) -> None:
    with database.write() as session:
        client = make_client(session)
        mine, other = make_experiment(session, client=client), make_experiment(session, client=client)
        for number in range(7):
            make_rejection(session, mine, f"reason {number}")
        make_rejection(session, other, "not mine")
        make_rejection(session, None, "nobody's")
        report = report_of(session, mine)
    assert report.rejected_count == 7
    assert [rejected.reason for rejected in report.rejected] == [f"reason {number}" for number in (6, 5, 4, 3, 2)]
    assert report.rejected[0].at == NOW


def test_models_are_told_with_their_quality_and_notes(database: Database) -> None:
    with database.write() as session:
        experiment = make_experiment(session)
        make_model_state(session, experiment, generation=4, quality={"accuracy": {"r2": 0.8}}, notes=["few values"])
        report = report_of(session, experiment)
    assert report.models is not None
    assert (report.models.generation, report.models.quality, report.models.notes) == (
        4,
        {"accuracy": {"r2": 0.8}},
        ("few values",),
    )


def test_a_report_never_holds_more_than_its_bounds(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_model, "BEATEN", 6)
    monkeypatch.setattr(read_model, "OPTIONS", 5)
    monkeypatch.setattr(read_model, "MILESTONES", 4)
    with database.write() as session:
        experiment = make_experiment(session)
        front = [
            make_configuration(session, experiment, {"accuracy": 0.5 + i / 100, "latency_ms": 1.0 + i})
            for i in range(12)
        ]
        rest = [make_configuration(session, experiment, {"accuracy": 0.1, "latency_ms": 19.0}) for _ in range(9)]
        make_front(session, experiment, front, progress=[(i, float(i)) for i in range(1, 30)])
        report = report_of(session, experiment)
    assert report.front_count == 12
    assert [option.values["accuracy"].mean for option in report.options] == pytest.approx(
        [0.61, 0.58, 0.56, 0.53, 0.5], abs=0.011
    )
    assert (report.options[0].configuration_id, report.options[-1].configuration_id) == (front[-1].id, front[0].id)
    assert [point.configuration_id for point in report.beaten] == [
        configuration.id for configuration in reversed(rest[3:])
    ]
    assert [milestone.observations for milestone in report.milestones] == [1, 10, 20, 29]


def test_the_number_of_queries_does_not_grow_with_the_number_of_results(database: Database) -> None:
    def queries(results: int) -> int:
        with database.write() as session:
            experiment = make_experiment(session)
            for i in range(results):
                configuration = make_configuration(session, experiment, {"accuracy": i / 100, "latency_ms": 1.0 + i})
                make_observation(session, experiment, configuration)
            make_front(session, experiment, [configuration])
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        sa.event.listen(database.engine, "before_cursor_execute", note)
        with database.read() as session:
            read_model.read(session, session.get_one(Experiment, experiment.id), now=NOW)
        sa.event.remove(database.engine, "before_cursor_execute", note)
        return len(seen)

    few, many = queries(3), queries(40)
    assert few == many
    assert many <= 10


def test_the_sizes_of_fronts_are_those_of_the_newest(database: Database) -> None:
    with database.write() as session:
        first, second = make_experiment(session), make_experiment(session)
        one = make_configuration(session, first, {"accuracy": 0.9, "latency_ms": 5.0})
        two = make_configuration(session, first, {"accuracy": 0.8, "latency_ms": 4.0})
        make_front(session, first, [one], generation=1)
        make_front(session, first, [one, two], generation=2)
        assert read_model.front_sizes(session, [first.id, second.id]) == {first.id: 2}


def test_every_story_can_be_read(database: Database) -> None:
    with database.write() as session:
        for story in (stories.digits, stories.two_metrics, stories.infeasible, stories.waiting, stories.hostile):
            report = report_of(session, story(session))
            assert report.front_count == len(report.options)
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Front)) == 3
        assert session.scalar(sa.select(sa.func.count()).select_from(Refresh)) == 5


def test_what_is_beaten_has_its_composites_and_was_measured_in_earnest(database: Database) -> None:
    metrics = [
        make_metric("cost", "minimize"),
        {**make_metric("profit"), "expression": "3 * sold - cost"},
        make_metric("sold", strategy="store"),
    ]
    tasks = [{"name": "earnest", "cost": 1.0}, {"name": "quick", "cost": 0.1}]
    with database.write() as session:
        experiment = make_experiment(session, metrics=metrics, tasks=tasks)
        real = make_configuration(session, experiment, {"cost": 1.0, "sold": 2.0})
        quick = make_configuration(session, experiment, {"cost": 1.0, "sold": 9.0})
        real.task, quick.task = "earnest", "quick"
        report = report_of(session, experiment)
    (found,) = report.beaten
    assert found.configuration_id == real.id
    assert found.values["profit"].mean == 5.0
