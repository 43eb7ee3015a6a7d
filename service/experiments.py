"""Experiments: made, found, listed, changed, deleted and restored."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.arrays import check_searchable, strategy_names
from service.errors import InvalidInputError, NotFoundError, did_you_mean
from service.events import EventType, record
from service.models import Experiment, Project, Refresh, TrainingRun
from service.refreshes import hold, mark_changed
from service.schemas.experiment import Definition, ExperimentBody, parse_experiment
from service.schemas.experiment_update import parse_update, with_thresholds
from service.schemas.grids import grid_size

__all__ = [
    "SORTS",
    "Listing",
    "create",
    "delete",
    "find",
    "key_of",
    "listed",
    "progress",
    "project_references",
    "recent",
    "update",
]

#: What a change takes over as it is given.
_PLAIN: Final = frozenset(("name", "state", "observation_budget", "parallel_bandwidth"))


def create(
    session: Session, body: Mapping[str, Any], *, client_id: int, now: datetime, development: bool = False
) -> Experiment:
    """Check and store an experiment, and have its pool filled.

    In `development` it is for trying out a program: its suggestions are quasi-random, and no model is fitted.
    """
    parsed, definition = parse_experiment(body)
    check_searchable(definition)
    experiment = Experiment(
        client_id=client_id,
        project_id=_project_of(session, parsed, client_id=client_id, now=now),
        name=parsed.name,
        type=parsed.type or "offline",
        development=development,
        runs_only=bool(parsed.runs_only),
        state="active",
        **definition.documents(),
        retired=[],
        meta=_said(parsed.metadata),
        observation_budget=_budget(parsed, definition),
        parallel_bandwidth=parsed.parallel_bandwidth,
        num_solutions=parsed.num_solutions,
        strategy=_strategy(parsed, development=development),
        seed=secrets.randbelow(2**31) if parsed.seed is None else parsed.seed,
        quasi_random_index=0,
        created_at=now,
        updated_at=now,
    )
    session.add(experiment)
    session.flush()
    session.add(Refresh(experiment_id=experiment.id, refill_wanted=True, due_at=now))
    record(session, EventType.EXPERIMENT_CREATED, client_id=client_id, experiment_id=experiment.id, data={}, now=now)
    return experiment


def _said(metadata: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if metadata is None else {key: value for key, value in metadata.items() if value is not None}


def _project_of(session: Session, parsed: ExperimentBody, *, client_id: int, now: datetime) -> int | None:
    if parsed.project is not None:
        return _assigned(session, parsed.project, client_id=client_id, now=now).id
    if parsed.runs_only:
        raise InvalidInputError(
            "An experiment with runs_only needs a project: its runs belong to one", field=".project"
        )
    return None


def _assigned(session: Session, reference: str, *, client_id: int, now: datetime) -> Project:
    """Return the project that an experiment is given to, as changed now."""
    project = session.scalars(
        sa.select(Project).where(Project.client_id == client_id, Project.reference == reference)
    ).one_or_none()
    if project is None:
        message = f"Could not assign to project `{reference[:40]}`, the project does not exist."
        raise InvalidInputError(message, field=".project", expected="the id of a project")
    project.updated_at = now
    return project


def _budget(parsed: ExperimentBody, definition: Definition) -> int | None:
    """Return how many observations are planned: for a grid, as many as it has combinations."""
    if parsed.type != "grid":
        return parsed.budget if parsed.runs_only else parsed.observation_budget
    return checked_grid_budget(definition, parsed.observation_budget or parsed.budget)


def checked_grid_budget(definition: Definition, given: int | None) -> int:
    """Return the number of combinations; refuse a budget that says otherwise."""
    size = grid_size(definition)
    if given not in (None, size):
        message = f"The budget of an experiment of type grid is the number of its combinations, {size}, not {given}"
        raise InvalidInputError(message, field=".observation_budget", expected=str(size))
    return size


#: Type -> the strategy that serves it.
_SERVED_BY: Final[Mapping[str, str]] = {"random": "quasi_random", "grid": "grid"}


def _strategy(parsed: ExperimentBody, *, development: bool) -> str:
    known = strategy_names()
    if parsed.strategy not in known:
        hint = did_you_mean(parsed.strategy, known)
        raise InvalidInputError(f"unknown strategy {parsed.strategy!r}{hint}", field=".strategy")
    return _SERVED_BY.get(parsed.type or "", "quasi_random" if development else parsed.strategy)


def find(session: Session, experiment_id: int, *, client_id: int, only: int | None = None) -> Experiment:
    """Return an experiment of this client, or raise `NotFoundError`: foreign ones do not exist for it.

    `only` is the one experiment that a guest's token is for.
    """
    experiment = session.get(Experiment, experiment_id)
    if experiment is None or experiment.client_id != client_id or only not in (None, experiment.id):
        raise NotFoundError(f"No experiment {experiment_id}", experiment=str(experiment_id))
    return experiment


@dataclass(frozen=True)
class Listing:
    """What part of a client's experiments is wanted, in which order; `before` and `after` are keys as `key_of` makes.

    `search` is a part of the name, in small letters or capitals (of ASCII only, in SQLite). `since` is the first moment
    of creation that counts, `until` the first one that does not. A filter of None takes everything;
    `nobody` asks for what a person made who does not exist.
    """

    limit: int
    state: str = "active"
    search: str = ""
    since: datetime | None = None
    until: datetime | None = None
    development: bool | None = None
    runs_only: bool | None = None
    project_id: int | None = None
    nobody: bool = False
    sort: str = "id"
    ascending: bool = False
    before: tuple[int, ...] | None = None
    after: tuple[int, ...] | None = None


#: What a list can be sorted by -> of how many numbers a key consists.
SORTS: Final[Mapping[str, int]] = {"id": 1, "recent": 2}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: Beyond this there are no dates; a marker that somebody made up may be.
_LATEST: Final = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


def key_of(experiment: Experiment, sort: str) -> tuple[int, ...]:
    """Return where an experiment stands in the order: its id, or the microsecond of its last change and its id."""
    if sort == "id":
        return (experiment.id,)
    return ((experiment.updated_at - _EPOCH) // _MICROSECOND, experiment.id)


def listed(
    session: Session, listing: Listing, *, client_id: int, only: int | None = None
) -> tuple[Sequence[Experiment], int]:
    """Return one page of a client's experiments, and how many there are in all."""
    wanted = sa.select(Experiment).where(Experiment.client_id == client_id, *_filters(listing))
    if only is not None:
        wanted = wanted.where(Experiment.id == only)
    count = session.scalar(sa.select(sa.func.count()).select_from(wanted.subquery())) or 0
    return _page(session, wanted, listing), count


def _filters(listing: Listing) -> Iterator[sa.ColumnElement[bool]]:
    if listing.state != "all":
        yield Experiment.state == listing.state
    if listing.nobody:
        yield sa.false()
    if listing.search:
        yield Experiment.name.icontains(listing.search, autoescape=True)
    if listing.since is not None:
        yield Experiment.created_at >= listing.since
    if listing.until is not None:
        yield Experiment.created_at < listing.until
    for name in ("development", "runs_only", "project_id"):
        asked = getattr(listing, name)
        if asked is not None:
            yield getattr(Experiment, name) == asked


def _page(session: Session, wanted: sa.Select[Experiment], listing: Listing) -> Sequence[Experiment]:
    """Walk from the marker: up with `after`, down with `before`, else from the end that comes first."""
    goes_up = listing.after is not None or (listing.ascending and listing.before is None)
    columns = [Experiment.id] if listing.sort == "id" else [Experiment.updated_at, Experiment.id]
    if listing.after is not None:
        wanted = wanted.where(_beyond(listing.after, up=True))
    if listing.before is not None:
        wanted = wanted.where(_beyond(listing.before, up=False))
    order = [column.asc() if goes_up else column.desc() for column in columns]
    rows = session.scalars(wanted.order_by(*order).limit(listing.limit)).all()
    return rows if goes_up == listing.ascending else rows[::-1]


def _beyond(key: tuple[int, ...], *, up: bool) -> sa.ColumnElement[bool]:
    *times, number = key
    beyond: sa.ColumnElement[bool] = Experiment.id > number if up else Experiment.id < number
    for time in times:
        at, column = _EPOCH + min(time, _LATEST) * _MICROSECOND, Experiment.updated_at
        beyond = sa.or_(column > at if up else column < at, sa.and_(column == at, beyond))
    return beyond


def recent(
    session: Session, *, client_id: int, limit: int, only: int | None = None
) -> tuple[Sequence[Experiment], int]:
    """Return up to `limit` active experiments, newest first, and how many there are in all."""
    return listed(session, Listing(limit=limit), client_id=client_id, only=only)


def update(session: Session, experiment: Experiment, body: Mapping[str, Any], *, now: datetime) -> None:
    """Change what `body` names and leave the rest. New thresholds have the front and the models made anew."""
    parsed = parse_update(body)
    refresh = _lock(session, experiment)
    given = parsed.model_fields_set
    for name in _PLAIN & given:
        setattr(experiment, name, getattr(parsed, name))
    if "metadata" in given:
        experiment.meta = _said(parsed.metadata)
    if "metrics" in given:
        definition = Definition.of(experiment)
        metrics = with_thresholds(definition.metrics, parsed.metrics)
        if metrics != definition.metrics:
            experiment.metrics = definition.model_copy(update={"metrics": metrics}).documents()["metrics"]
            mark_changed(refresh, observations=0, failures=0, now=now)
    _changed(session, experiment, sorted(given - {"no_optimize", "project"}), now=now)


def delete(session: Session, experiment: Experiment, *, with_runs: bool = False, now: datetime) -> None:
    """Put an experiment away: it stays readable and can be restored. Deleting it again changes nothing.

    Its training runs stay where they are, or go `with_runs`.
    """
    _lock(session, experiment)
    if experiment.state != "deleted":
        experiment.state = "deleted"
        _changed(session, experiment, ["state"], now=now)
    if with_runs:
        runs = sa.update(TrainingRun).where(TrainingRun.experiment_id == experiment.id)
        session.execute(runs.values(deleted=True, updated_at=now))


def _lock(session: Session, experiment: Experiment) -> Refresh:
    """Lock an experiment against other changes, by its refresh's row as everybody does, and read it anew."""
    refresh = hold(session, [experiment.id])[experiment.id]
    session.refresh(experiment)
    return refresh


def _changed(session: Session, experiment: Experiment, fields: Sequence[str], *, now: datetime) -> None:
    experiment.updated_at = now
    record(
        session,
        EventType.EXPERIMENT_CHANGED,
        client_id=experiment.client_id,
        experiment_id=experiment.id,
        data={"fields": list(fields)},
        now=now,
    )


def progress(session: Session, experiment_ids: Sequence[int]) -> dict[int, Refresh]:
    """Return the running counts of experiments: what pages and replies show without counting rows."""
    rows = session.scalars(sa.select(Refresh).where(Refresh.experiment_id.in_(experiment_ids)))
    return {row.experiment_id: row for row in rows}


def project_references(session: Session, rows: Sequence[Experiment]) -> dict[int | None, str]:
    """Return the references of the projects that experiments are in, by the projects' ids."""
    keys = {row.project_id for row in rows if row.project_id is not None}
    if not keys:
        return {}
    return {row.id: row.reference for row in session.scalars(sa.select(Project).where(Project.id.in_(keys)))}
