"""The tables. A row is the truth; Redis only brings it here, Celery only says that there is something to do.

What an experiment *is* (parameters, metrics, rules) is read and written as a whole, so it is stored as documents that
`service.schemas` has checked (docs/decisions/0003). What *happened* has columns.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from service.db import Id, Json, UtcDateTime

__all__ = [
    "Attempt",
    "Base",
    "Checkpoint",
    "Client",
    "Configuration",
    "Correction",
    "Delivery",
    "Endpoint",
    "Event",
    "Experiment",
    "File",
    "Front",
    "Importances",
    "ModelState",
    "Note",
    "Observation",
    "Project",
    "Refresh",
    "Rejection",
    "Remembered",
    "ServiceKey",
    "Suggestion",
    "Tag",
    "Token",
    "TrainingRun",
]


class Base(DeclarativeBase):
    """What all tables share: names for constraints that migrations can rely on."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: Json, list[Any]: Json}  # noqa: RUF012


def _id() -> Mapped[int]:
    return mapped_column(Id, primary_key=True, autoincrement=True)


def _to(table: str, *, index: bool = False, primary_key: bool = False) -> Any:
    return mapped_column(Id, sa.ForeignKey(f"{table}.id"), index=index, primary_key=primary_key)


class Client(Base):
    """A team: whose experiments and tokens these are."""

    __tablename__ = "clients"
    id: Mapped[int] = _id()
    name: Mapped[str] = mapped_column(sa.String(100))
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class Project(Base):
    """A folder of a client's experiments and runs, called by the reference that people chose."""

    __tablename__ = "projects"
    __table_args__ = (sa.UniqueConstraint("client_id", "reference"),)
    id: Mapped[int] = _id()
    client_id: Mapped[int] = _to("clients")
    reference: Mapped[str] = mapped_column(sa.String(32))
    name: Mapped[str] = mapped_column(sa.String(100))
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)
    deleted: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Note(Base):
    """What people wrote about a project; each writing is a version of its own, the newest counts."""

    __tablename__ = "notes"
    id: Mapped[int] = _id()
    project_id: Mapped[int] = _to("projects", index=True)
    contents: Mapped[str] = mapped_column(sa.Text())
    created_at: Mapped[datetime]


class Tag(Base):
    """A word with a colour that runs can carry."""

    __tablename__ = "tags"
    __table_args__ = (sa.UniqueConstraint("client_id", "name"),)
    id: Mapped[int] = _id()
    client_id: Mapped[int] = _to("clients")
    name: Mapped[str] = mapped_column(sa.String(100))
    color: Mapped[str] = mapped_column(sa.String(7))
    created_at: Mapped[datetime]


class Token(Base):
    """A key to the API. Only its digest is kept; `prefix` is what people may see of it again.

    `scopes` is what it may do; `project_id`, `experiment_id` and `training_run_id` narrow what it may do it to. A
    rotated token names its successor and lasts until the overlap ends.
    """

    __tablename__ = "tokens"
    id: Mapped[int] = _id()
    client_id: Mapped[int] = _to("clients", index=True)
    project_id: Mapped[int | None] = _to("projects")
    experiment_id: Mapped[int | None] = _to("experiments")
    training_run_id: Mapped[int | None] = _to("training_runs")
    type: Mapped[str] = mapped_column(sa.String(16), default="client-api")
    name: Mapped[str] = mapped_column(sa.String(100))
    prefix: Mapped[str] = mapped_column(sa.String(16))
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    lease_s: Mapped[int | None]
    revoked_at: Mapped[datetime | None]
    successor_id: Mapped[int | None] = _to("tokens")


class ServiceKey(Base):
    """A key of the service's own, made at its first start: what signs the cookies of the pages."""

    __tablename__ = "service_keys"
    name: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    value: Mapped[str] = mapped_column(sa.String(128))
    created_at: Mapped[datetime]


class Remembered(Base):
    """The reply to a request that came with an Idempotency-Key, so that the same request gets the same reply."""

    __tablename__ = "remembered"
    __table_args__ = (sa.UniqueConstraint("client_id", "key"),)
    id: Mapped[int] = _id()
    client_id: Mapped[int] = _to("clients")
    key: Mapped[str] = mapped_column(sa.String(255))
    request_hash: Mapped[str] = mapped_column(sa.String(64))
    status: Mapped[int | None]
    body: Mapped[str | None] = mapped_column(sa.Text())
    created_at: Mapped[datetime] = mapped_column(index=True)


class Experiment(Base):
    """What is being tuned: its parameters, its metrics and the rules between them.

    `runs_only` marks SigOpt's AI experiments, whose observations are made by training runs. `retired` holds the
    parameters that were taken away while it ran: what was measured with them stays readable.
    """

    __tablename__ = "experiments"
    __table_args__ = (sa.Index("ix_experiments_client_id_state_updated_at", "client_id", "state", "updated_at"),)
    id: Mapped[int] = _id()
    client_id: Mapped[int] = _to("clients", index=True)
    project_id: Mapped[int | None] = _to("projects", index=True)
    type: Mapped[str] = mapped_column(sa.String(16), default="offline")
    development: Mapped[bool] = mapped_column(default=False)
    runs_only: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str] = mapped_column(sa.String(100))
    state: Mapped[str] = mapped_column(sa.String(16), default="active")
    parameters: Mapped[list[Any]]
    conditionals: Mapped[list[Any]]
    linear_constraints: Mapped[list[Any]]
    metrics: Mapped[list[Any]]
    tasks: Mapped[list[Any]] = mapped_column(Json, default=list)
    retired: Mapped[list[Any]] = mapped_column(Json, default=list)
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)
    observation_budget: Mapped[int | None]
    parallel_bandwidth: Mapped[int | None]
    num_solutions: Mapped[int | None]
    strategy: Mapped[str] = mapped_column(sa.String(32), default="auto")
    seed: Mapped[int]
    quasi_random_index: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Refresh(Base):
    """How current an experiment's front and models are, and who is bringing them up to date.

    `data_generation` counts the changes of its observations; `front_generation` and `model_generation` say which of
    them the front and the models have seen. A worker holds the lease until `lease_until`; `lease_epoch` rises with each
    lease, and what an overtaken worker writes is refused by it (fencing). `task_counts` are the observations of each
    task; `best_observation_id` is the best one where a single metric is optimized, None if that has to be looked for.
    """

    __tablename__ = "refreshes"
    experiment_id: Mapped[int] = _to("experiments", primary_key=True)
    data_generation: Mapped[int] = mapped_column(default=0)
    front_generation: Mapped[int] = mapped_column(default=0)
    model_generation: Mapped[int] = mapped_column(default=0)
    observation_count: Mapped[int] = mapped_column(default=0)
    failure_count: Mapped[int] = mapped_column(default=0)
    task_counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    best_observation_id: Mapped[int | None] = mapped_column(Id)
    refill_wanted: Mapped[bool] = mapped_column(default=False)
    dirty_since: Mapped[datetime | None]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(sa.Text())
    lease_owner: Mapped[str | None] = mapped_column(sa.String(100))
    lease_epoch: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]


class Configuration(Base):
    """One distinct assignment of the parameters, with the running sums of what was measured there.

    `sums` maps a metric to its pooled moments (service.pooling), so that a refresh costs what the number of
    configurations costs, however many replicates there are. Where the experiment has tasks, one configuration is one
    assignment at one task.
    """

    __tablename__ = "configurations"
    __table_args__ = (
        sa.UniqueConstraint("experiment_id", "key"),
        sa.Index("ix_configurations_experiment_id_id", "experiment_id", "id"),
    )
    id: Mapped[int] = _id()
    experiment_id: Mapped[int] = _to("experiments")
    key: Mapped[str] = mapped_column(sa.String(32))
    assignments: Mapped[dict[str, Any]]
    task: Mapped[str | None] = mapped_column(sa.String(100))
    sums: Mapped[dict[str, Any]]
    failures: Mapped[int] = mapped_column(default=0)


class Suggestion(Base):
    """A configuration to try: queued by a person or pooled by a worker, then open, then closed or expired.

    With a lease (`lease_s`) it expires unless its holder renews it in time; a late result is taken all the same.
    """

    __tablename__ = "suggestions"
    __table_args__ = (
        sa.UniqueConstraint("experiment_id", "claim_key"),
        sa.Index("ix_suggestions_experiment_id_state_rank", "experiment_id", "state", "rank"),
        sa.Index("ix_suggestions_lease_until", "lease_until"),
    )
    id: Mapped[int] = _id()
    experiment_id: Mapped[int] = _to("experiments")
    state: Mapped[str] = mapped_column(sa.String(16))
    key: Mapped[str] = mapped_column(sa.String(32))
    assignments: Mapped[dict[str, Any]]
    task: Mapped[str | None] = mapped_column(sa.String(100))
    source: Mapped[str] = mapped_column(sa.String(32))
    strategy: Mapped[str | None] = mapped_column(sa.String(32))
    reason: Mapped[str | None] = mapped_column(sa.Text())
    predicted: Mapped[dict[str, Any] | None]
    model_generation: Mapped[int | None]
    rank: Mapped[int] = mapped_column(default=0)
    claim_key: Mapped[str | None] = mapped_column(sa.String(255))
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    lease_s: Mapped[int | None]
    lease_until: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Observation(Base):
    """What was measured: the values of a trial with their standard deviations, or its failure."""

    __tablename__ = "observations"
    __table_args__ = (
        sa.UniqueConstraint("experiment_id", "result_id"),
        sa.Index("ix_observations_experiment_id_id", "experiment_id", "id"),
    )
    id: Mapped[int] = _id()
    experiment_id: Mapped[int] = _to("experiments")
    configuration_id: Mapped[int] = _to("configurations", index=True)
    suggestion_id: Mapped[int | None] = _to("suggestions", index=True)
    result_id: Mapped[str] = mapped_column(sa.String(128))
    payload_hash: Mapped[str] = mapped_column(sa.String(32))
    values: Mapped[list[Any]]
    failed: Mapped[bool] = mapped_column(default=False)
    partial: Mapped[bool] = mapped_column(default=False)
    task: Mapped[str | None] = mapped_column(sa.String(100))
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)
    source: Mapped[str] = mapped_column(sa.String(16))
    generation: Mapped[int]
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Correction(Base):
    """An observation as it was before it was changed or deleted: nothing that was accepted is ever lost."""

    __tablename__ = "corrections"
    __table_args__ = (sa.UniqueConstraint("observation_id", "revision"),)
    id: Mapped[int] = _id()
    observation_id: Mapped[int] = _to("observations")
    revision: Mapped[int]
    before: Mapped[dict[str, Any]]
    token_id: Mapped[int | None] = _to("tokens")
    created_at: Mapped[datetime]


class Rejection(Base):
    """A message that could not be taken, as it came, with the reason. The dead-letter stream is a copy of these."""

    __tablename__ = "rejections"
    id: Mapped[int] = _id()
    message_id: Mapped[str] = mapped_column(sa.String(128), unique=True)
    experiment_id: Mapped[int | None] = _to("experiments", index=True)
    source: Mapped[str] = mapped_column(sa.String(16))
    code: Mapped[str] = mapped_column(sa.String(32))
    reason: Mapped[str] = mapped_column(sa.Text())
    raw: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Front(Base):
    """The Pareto front after a change of it. The newest row holds the points, the older ones only their facts.

    `progress` is the hypervolume after each configuration, `[[observations, hypervolume], ...]`, all against the
    reference point of this row, so that the curve can be compared with itself.
    """

    __tablename__ = "fronts"
    __table_args__ = (sa.UniqueConstraint("experiment_id", "generation"),)
    id: Mapped[int] = _id()
    experiment_id: Mapped[int] = _to("experiments")
    generation: Mapped[int]
    observation_count: Mapped[int]
    size: Mapped[int]
    feasible_count: Mapped[int]
    infeasible_count: Mapped[int]
    hypervolume: Mapped[float | None]
    ref_point: Mapped[list[Any]]
    points: Mapped[list[Any] | None]
    progress: Mapped[list[Any] | None]
    created_at: Mapped[datetime]


class ModelState(Base):
    """What an experiment's models learned last: enough to start the next fit from, and to say how good they are."""

    __tablename__ = "model_states"
    experiment_id: Mapped[int] = _to("experiments", primary_key=True)
    generation: Mapped[int]
    epoch: Mapped[int]
    state: Mapped[dict[str, Any]]
    quality: Mapped[dict[str, Any]]
    notes: Mapped[list[Any]]
    fit_s: Mapped[float]
    fitted_at: Mapped[datetime]


class Importances(Base):
    """How much each parameter matters for each metric, as a worker computed it last."""

    __tablename__ = "importances"
    experiment_id: Mapped[int] = _to("experiments", primary_key=True)
    generation: Mapped[int]
    by_metric: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class TrainingRun(Base):
    """One run of a model, as SigOpt's AI module reports it; `document` is what runs accumulate by merging."""

    __tablename__ = "training_runs"
    __table_args__ = (sa.Index("ix_training_runs_client_id_project_id_id", "client_id", "project_id", "id"),)
    id: Mapped[int] = _id()
    client_id: Mapped[int] = _to("clients")
    project_id: Mapped[int | None] = _to("projects")
    experiment_id: Mapped[int | None] = _to("experiments", index=True)
    suggestion_id: Mapped[int | None] = _to("suggestions")
    observation_id: Mapped[int | None] = _to("observations")
    name: Mapped[str] = mapped_column(sa.String(100))
    state: Mapped[str] = mapped_column(sa.String(16), default="active")
    deleted: Mapped[bool] = mapped_column(default=False)
    favorite: Mapped[bool] = mapped_column(default=False)
    document: Mapped[dict[str, Any]]
    tags: Mapped[list[Any]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]


class Checkpoint(Base):
    """Values of a run on its way."""

    __tablename__ = "checkpoints"
    id: Mapped[int] = _id()
    training_run_id: Mapped[int] = _to("training_runs", index=True)
    values: Mapped[list[Any]]
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)
    created_at: Mapped[datetime]


class File(Base):
    """A picture or other file of a run; its bytes lie in a folder, under a name of ours."""

    __tablename__ = "files"
    id: Mapped[int] = _id()
    training_run_id: Mapped[int] = _to("training_runs", index=True)
    name: Mapped[str | None] = mapped_column(sa.String(100))
    filename: Mapped[str] = mapped_column(sa.String(255))
    content_type: Mapped[str] = mapped_column(sa.String(255))
    content_length: Mapped[int]
    content_md5: Mapped[str] = mapped_column(sa.String(32))
    upload_key: Mapped[str] = mapped_column(sa.String(64))
    uploaded_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


_waiting = sa.text("relayed_at IS NULL")


class Event(Base):
    """Something that happened, written with the change itself: the outbox, the history, what live pages follow."""

    __tablename__ = "events"
    __table_args__ = (sa.Index("ix_events_waiting", "id", postgresql_where=_waiting, sqlite_where=_waiting),)
    id: Mapped[int] = _id()
    client_id: Mapped[int] = _to("clients")
    experiment_id: Mapped[int | None] = _to("experiments", index=True)
    type: Mapped[str] = mapped_column(sa.String(64))
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    relayed_at: Mapped[datetime | None]


class Endpoint(Base):
    """An address that wants to be told: of one experiment or of all of a client's."""

    __tablename__ = "endpoints"
    id: Mapped[int] = _id()
    client_id: Mapped[int] = _to("clients", index=True)
    experiment_id: Mapped[int | None] = _to("experiments")
    url: Mapped[str] = mapped_column(sa.Text())
    secret: Mapped[str] = mapped_column(sa.String(128))
    old_secret: Mapped[str | None] = mapped_column(sa.String(128))
    old_secret_until: Mapped[datetime | None]
    description: Mapped[str | None] = mapped_column(sa.String(500))
    event_types: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(sa.String(16), default="active")
    failing_since: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Delivery(Base):
    """One event on its way to one endpoint. `message_id` and `body` are the same at every attempt."""

    __tablename__ = "deliveries"
    __table_args__ = (
        sa.UniqueConstraint("endpoint_id", "event_id"),
        sa.Index("ix_deliveries_state_next_attempt_at", "state", "next_attempt_at"),
        sa.Index("ix_deliveries_endpoint_id_state_next_attempt_at", "endpoint_id", "state", "next_attempt_at"),
    )
    id: Mapped[int] = _id()
    endpoint_id: Mapped[int] = _to("endpoints")
    event_id: Mapped[int] = _to("events")
    message_id: Mapped[str] = mapped_column(sa.String(64), unique=True)
    body: Mapped[str] = mapped_column(sa.Text())
    state: Mapped[str] = mapped_column(sa.String(16), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]


class Attempt(Base):
    """One try of a delivery: when, how long, what came back."""

    __tablename__ = "attempts"
    id: Mapped[int] = _id()
    delivery_id: Mapped[int] = _to("deliveries", index=True)
    number: Mapped[int]
    started_at: Mapped[datetime]
    duration_s: Mapped[float]
    status_code: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(sa.Text())
