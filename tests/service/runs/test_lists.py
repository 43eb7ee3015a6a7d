"""Lists of runs: filtered and sorted by anything that runs say, on both databases alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from sqlalchemy.orm import Session

from service import projects
from service.db import Database
from service.errors import InvalidInputError
from service.models import Checkpoint, Project, Suggestion, TrainingRun
from service.paging import Window
from service.runs import lifecycle, listing
from service.runs.defined import defined_fields
from service.schemas.run import parse_new_run
from tests.factories import make_configuration, make_observation, make_suggestion
from tests.support import new_client, new_experiment

NOW: Final = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
#: A key that has everything in it that a path of JSON could stumble over.
STRANGE: Final = 'it\'s "$.a.b[0]" \\ .'

RUNS: Final[Sequence[Mapping[str, Any]]] = (
    {"name": "b", "metadata": {"host": "x", STRANGE: 1}, "values": {"acc": {"value": 0.5}}, "favorite": True},
    {"name": "a", "metadata": {"host": 7}, "values": {"acc": {"value": -1, "value_stddev": 0.25}}, "state": "failed"},
    {"name": "abc", "metadata": {"host": "a"}, "assignments": {"rate": 0.1}, "model": {"type": "xgboost"}},
    {"name": "B", "metadata": {"host": 10.5}, "logs": {"out.1": {"content": "hi"}}, "source_code": {"hash": "f"}},
    {"name": "é", "assignments": {"rate": "high"}, "values": {"a.b": {"value": 3}}, "deleted": True},
)
#: The runs that checkpoints are of.
CHECKPOINTS: Final = ("b", "é", "b")


@pytest.fixture(scope="module")
def filled(shared_database: Database) -> int:
    """The client of a project with these runs, written once: no test here changes anything for good."""
    with shared_database.write() as session:
        client_id = new_client(session, now=NOW)[0]
        project = projects.create(session, {"id": "p", "name": "p"}, client_id=client_id, now=NOW)
        made = lifecycle.create(session, project, [parse_new_run(run) for run in RUNS], now=NOW)
        of = {run.name: run.id for run in made}
        session.add_all(Checkpoint(training_run_id=of[name], values=[], created_at=NOW) for name in CHECKPOINTS)
    return client_id


@pytest.fixture
def session(shared_database: Database, filled: int) -> Iterator[Session]:
    with shared_database.write() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def project(session: Session, filled: int) -> Project:
    return projects.find(session, "p", client_id=filled)


def names(session: Session, project: Project, *filters: Any, **asked: Any) -> list[str]:
    window = Window(**{key: asked.pop(key) for key in ("limit", "ascending", "before", "after") if key in asked})
    wanted = listing.Listing(filters=listing.check_filters(list(filters)), window=window, **asked)
    return [run.name for run in listing.listed(session, wanted, client_id=project.client_id).rows]


def where(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


SECOND: Final = int(NOW.timestamp())


FILTERS: Final = (
    ("name", "==", "abc", "abc"),
    ("name", "!=", "abc", "b a B é"),
    ("name", "<", "b", "a abc B"),
    ("name", "isnull", None, ""),
    ("state", "==", "failed", "a"),
    ("state", "!=", "failed", "b abc B é"),
    ("favorite", "==", True, "b"),
    ("favorite", "!=", True, "a abc B é"),
    ("deleted", "==", False, "b a abc B"),
    ("created", "==", SECOND, "b a abc B é"),
    ("created", "!=", SECOND, ""),
    ("created", ">", SECOND, ""),
    ("created", ">=", SECOND, "b a abc B é"),
    ("created", "<", SECOND + 1, "b a abc B é"),
    ("completed", "==", SECOND, "a"),
    ("finished", "isnull", None, "b abc B é"),
    ("finished", "==", SECOND, "a"),
    ("finished", ">", SECOND, ""),
    ("finished", "==", True, "a"),
    ("finished", "==", False, "b abc B é"),
    ("finished", "!=", True, "b abc B é"),
    ("project", "==", "p", "b a abc B é"),
    ("project", "==", "P", ""),
    ("project", "!=", "other", "b a abc B é"),
    ("project", "<", "p", ""),
    ("project", "isnull", None, ""),
    ("checkpoint_count", "==", 0, "a abc B"),
    ("checkpoint_count", ">=", 1, "b é"),
    ("checkpoint_count", "<", 1.5, "a abc B é"),
    ("checkpoint_count", "isnull", None, ""),
    ("created", "<=", 10**17, "b a abc B é"),
    ("experiment", "isnull", None, "b a abc B é"),
    ("user", "==", "3", ""),
    ("id", ">", 10**30, ""),
    ("metadata.host", "==", "x", "b"),
    ("metadata.host", "==", 7, "a"),
    ("metadata.host", "!=", 7, "b abc B"),
    ("metadata.host", ">", 7, "B"),
    ("metadata.host", ">=", "b", "b"),
    ("metadata.host", "isnull", None, "é"),
    (f"metadata.{STRANGE}", "==", 1, "b"),
    ("assignments.rate", "<=", 0.1, "abc"),
    ("assignments.rate", "==", "high", "é"),
    ("values.acc.value", "<", 0, "a"),
    ("values.acc.value", "!=", 0.5, "a"),
    ("values.acc.value", "isnull", None, "abc B é"),
    ("values.acc.value_stddev", "==", 0.25, "a"),
    ("values.a.b.value", ">=", 3, "é"),
    ("logs.out.1.content", "==", "hi", "B"),
    ("model.type", "==", "xgboost", "abc"),
    ("source_code.hash", "isnull", None, "b a abc é"),
)


def test_a_filter_leaves_what_it_says(session: Session, project: Project) -> None:
    for field, operator, value, found in FILTERS:
        got = names(session, project, where(field, operator, value))
        assert sorted(got) == sorted(found.split()), (field, operator, value)


REFUSED: Final[Sequence[tuple[str, str, Any]]] = (
    ("values.acc.value", "==", "0.5"),
    ("values.acc.value", "==", True),
    ("values.acc.value", "==", {}),
    ("id", "==", True),
    ("id", "==", ""),
    ("id", "==", 0.9),
    ("created", "==", "1"),
    ("created", "==", 0.9),
    ("deleted", "==", 1),
    ("deleted", "<", False),
    ("finished", "<", True),
    ("finished", "==", "yes"),
    ("project", "==", 7),
    ("checkpoint_count", "==", "1"),
    ("checkpoint_count", "==", True),
    ("state", "==", "over"),
    ("state", "<", "active"),
    ("state", "isnull", None),
    ("name", "==", 7),
    ("name", "~", "a"),
    ("metadata.host", "==", None),
    ("metadata.host", "==", True),
    ("metadata.", "==", 1),
    ("nonsense", "==", 1),
    ("values.acc", "==", 1),
)


def test_a_filter_that_says_nothing_is_refused(session: Session, project: Project) -> None:
    for field, operator, value in REFUSED:
        with pytest.raises(InvalidInputError) as refused:
            names(session, project, where(field, operator, value))
        assert refused.value.facts["expected"], (field, operator, value)


SORTS: Final = (
    ("name", "B a abc b é"),
    ("state", "b abc B é a"),
    ("id", "b a abc B é"),
    ("favorite", "a abc B é b"),
    ("deleted", "b a abc B é"),
    ("created", "b a abc B é"),
    ("completed", "a"),
    ("finished", "a"),
    ("project", "b a abc B é"),
    ("checkpoint_count", "a abc B é b"),
    ("values.acc.value", "a b"),
    ("metadata.host", "a B abc b"),
    ("assignments.rate", "abc é"),
    ("logs.out.1.content", "B"),
)


def test_every_page_walk_shows_each_run_once_in_order(session: Session, project: Project) -> None:
    for sort, ascending in SORTS:
        for expected, up in ((ascending.split(), True), (ascending.split()[::-1], False)):
            for limit in (1, 2, 100):
                assert walked(session, project, sort, up, limit) == expected, (sort, up, limit)


def walked(session: Session, project: Project, sort: str, up: bool, limit: int) -> list[str]:
    found: list[str] = []
    mark: dict[str, Any] = {}
    while True:
        wanted = listing.Listing(sort=sort, window=Window(limit=limit, ascending=up, **mark))
        page = listing.listed(session, wanted, client_id=project.client_id)
        found += [run.name for run in page.rows]
        onward = page.after if up else page.before
        if onward is None:
            return found
        mark = {"after" if up else "before": onward}


def test_search_finds_a_part_of_the_name(session: Session, project: Project) -> None:
    assert sorted(names(session, project, search=" B ")) == ["B", "abc", "b"]


def test_an_unknown_sort_says_what_there_is(session: Session, project: Project) -> None:
    with pytest.raises(InvalidInputError, match=r"Invalid sort: nmae; did you mean 'name'"):
        names(session, project, sort="nmae")


def test_the_fields_of_a_list_are_counted(session: Session, project: Project) -> None:
    wanted = listing.wanted(session, listing.Listing(), client_id=project.client_id)
    counts = {field.key: field.count for field in defined_fields(session, wanted)}
    assert counts == {
        "id": 5, "project": 5, "client": 5, "experiment": 0, "suggestion": 0, "observation": 0, "user": 0, "created": 5,
        "updated": 5, "completed": 1, "deleted": 5, "name": 5, "state": 5, "checkpoint_count": 5,
        "optimized_suggestion": 5, "favorite": 1, "source_code.content": 0, "source_code.hash": 1, "model.type": 1,
        "assignments.rate": 2, "metadata.host": 4, f"metadata.{STRANGE}": 1, "values.acc.value": 2,
        "values.acc.value_stddev": 1, "values.a.b.value": 1, "values.a.b.value_stddev": 0, "logs.out.1.content": 1,
    }  # fmt: skip


def test_the_runs_of_a_client_are_told_apart_by_their_project(session: Session, project: Project) -> None:
    second = projects.create(session, {"id": "q", "name": "q"}, client_id=project.client_id, now=NOW)
    lifecycle.create(session, second, [parse_new_run({"name": "there"})], now=NOW)
    assert names(session, project, where("project", "==", "q")) == ["there"]
    assert len(names(session, project, where("project", "!=", "q"))) == len(RUNS)
    assert names(session, project, sort="project")[0] == "there"


def test_a_run_that_was_observed_is_finished_also_when_it_never_said_so(session: Session, project: Project) -> None:
    """As its `finished` says; the time is that of its end, which it has none of."""
    experiment = new_experiment(session, now=NOW, client_id=project.client_id)
    observation = make_observation(session, experiment, make_configuration(session, experiment))
    given = {"client_id": project.client_id, "project_id": project.id, "created_at": NOW, "updated_at": NOW}
    session.add(TrainingRun(observation_id=observation.id, name="observed", document={}, **given))
    session.flush()
    assert sorted(names(session, project, where("finished", "==", True))) == ["a", "observed"]
    assert "observed" not in names(session, project, where("finished", "!=", True))
    assert "observed" in names(session, project, where("finished", "isnull"))


def test_a_list_that_is_sorted_by_a_field_has_as_many_runs_as_have_the_field(
    session: Session, project: Project
) -> None:
    """All but `favorite`, which runs are sorted by also if nobody ever said so, and one that SigOpt counted for all."""
    opened = make_suggestion(session, new_experiment(session, now=NOW, client_id=project.client_id))
    given = {"client_id": project.client_id, "project_id": project.id, "created_at": NOW, "updated_at": NOW}
    session.add(TrainingRun(suggestion_id=opened.id, name="suggested", document={}, **given))
    session.flush()
    wanted = listing.wanted(session, listing.Listing(), client_id=project.client_id)
    for field in defined_fields(session, wanted):
        if field.key not in ("favorite", "optimized_suggestion"):
            assert len(names(session, project, sort=field.key)) == field.count, field.key


def test_whether_the_optimizer_chose_is_a_field(session: Session, project: Project) -> None:
    experiment = new_experiment(session, now=NOW, client_id=project.client_id)
    for source in ("explicit", "quasi_random"):
        suggestion = Suggestion(
            experiment_id=experiment.id, state="open", key=source, assignments={}, source=source, created_at=NOW
        )
        session.add(suggestion)
        session.flush()
        given = {"client_id": project.client_id, "project_id": project.id, "created_at": NOW, "updated_at": NOW}
        session.add(TrainingRun(suggestion_id=suggestion.id, name=source, document={}, **given))
    session.flush()
    assert names(session, project, where("optimized_suggestion", "==", True)) == ["quasi_random"]
    assert names(session, project, where("optimized_suggestion", "==", False)) == ["explicit"]
    assert len(names(session, project, where("optimized_suggestion", "isnull"))) == 5
