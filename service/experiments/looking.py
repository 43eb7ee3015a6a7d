"""Experiments are looked up: one of them, a page of them, their running counts, their projects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import NotFoundError
from service.models import Experiment, Project, Refresh

__all__ = ["SORTS", "Listing", "find", "key_of", "listed", "progress", "project_references", "recent"]


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


def progress(session: Session, experiment_ids: Sequence[int]) -> dict[int, Refresh]:
    """Return the running counts of experiments: what pages and replies show without counting rows.

    That of one experiment is not asked for again by a transaction that has locked it.
    """
    if len(experiment_ids) == 1:
        row = session.get(Refresh, experiment_ids[0])
        return {} if row is None else {row.experiment_id: row}
    rows = session.scalars(sa.select(Refresh).where(Refresh.experiment_id.in_(experiment_ids)))
    return {row.experiment_id: row for row in rows}


def project_references(session: Session, rows: Sequence[Experiment]) -> dict[int | None, str]:
    """Return the references of the projects that experiments are in, by the projects' ids."""
    keys = {row.project_id for row in rows if row.project_id is not None}
    if not keys:
        return {}
    return {row.id: row.reference for row in session.scalars(sa.select(Project).where(Project.id.in_(keys)))}
