"""Experiments are looked up: one of them, a page of them, their running counts, their projects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from service.errors import NotFoundError
from service.models import Experiment, Project, Refresh
from service.paging import By, Order, Page, Window, count_of, walk

__all__ = ["SORTS", "Listing", "find", "listed", "progress", "project_references"]


def find(session: Session, experiment_id: int, *, client_id: int, only: int | None = None) -> Experiment:
    """Return an experiment of this client, or raise `NotFoundError`: foreign ones do not exist for it.

    `only` is the one experiment that a guest's token is for. Its `progress` comes with it: hardly anybody wants the one
    without the other, and what a session has seen of either it does not ask for again.
    """
    experiment = session.identity_map.get(identity_key(Experiment, experiment_id))
    if experiment is None:
        found = session.execute(_WITH_PROGRESS, {"key": experiment_id}).one_or_none()
        session.info[_SEEN, experiment_id] = found  # a session forgets rows that nobody holds
        experiment = None if found is None else found[0]
    if experiment is None or experiment.client_id != client_id or only not in (None, experiment.id):
        raise NotFoundError(f"No experiment {experiment_id}", experiment=str(experiment_id))
    return experiment


_SEEN: Final = "seen"
# Built once: to build a statement costs as much as to run it.
_WITH_PROGRESS: Final = (
    sa.select(Experiment, Refresh)
    .outerjoin(Refresh, Refresh.experiment_id == Experiment.id)
    .where(Experiment.id == sa.bindparam("key"))
)


@dataclass(frozen=True)
class Listing:
    """Which of a client's experiments are wanted, in which order, and which part of them.

    `search` is a part of the name, in small letters or capitals (of ASCII only, in SQLite). `since` is the first moment
    of creation that counts, `until` the first one that does not. A filter of None takes everything;
    `nobody` asks for what a person made who does not exist.
    """

    window: Window = field(default_factory=Window)
    sort: str = "id"
    state: str = "active"
    search: str = ""
    since: datetime | None = None
    until: datetime | None = None
    development: bool | None = None
    runs_only: bool | None = None
    project_id: int | None = None
    nobody: bool = False


#: What a list can be sorted by.
SORTS: Final[Mapping[str, Order]] = {
    "id": Order((), Experiment.id),
    "recent": Order((By(Experiment.updated_at, "time", is_nullable=False),), Experiment.id),
}


def listed(
    session: Session, listing: Listing, *, client_id: int, only: int | None = None
) -> tuple[Page[Experiment], int]:
    """Return one page of a client's experiments, and how many there are in all."""
    wanted = sa.select(Experiment).where(Experiment.client_id == client_id, *_filters(listing))
    if only is not None:
        wanted = wanted.where(Experiment.id == only)
    return walk(session, wanted, SORTS[listing.sort], listing.window), count_of(session, wanted)


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
