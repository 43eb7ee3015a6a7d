"""Experiments: what is tuned, what is to be tried, what was measured."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Id, Json
from service.models.base import Base, id_, to

__all__ = ["Configuration", "Correction", "Experiment", "Observation", "Refresh", "Rejection", "Suggestion"]


class Experiment(Base):
    """What is being tuned: its parameters, its metrics and the rules between them.

    `runs_only` marks SigOpt's AI experiments, whose observations are made by training runs. `retired` holds the
    parameters that were taken away while it ran: what was measured with them stays readable.
    """

    __tablename__ = "experiments"
    __table_args__ = (sa.Index("ix_experiments_client_id_state_updated_at", "client_id", "state", "updated_at"),)
    id: Mapped[int] = id_()
    client_id: Mapped[int] = to("clients", index=True)
    project_id: Mapped[int | None] = to("projects", index=True)
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
    `rests_until` spaces refreshes that cost much.
    `version` rises with whatever changes of the experiment and all that belongs to it (service.refreshes.hold).
    """

    __tablename__ = "refreshes"
    experiment_id: Mapped[int] = to("experiments", primary_key=True)
    version: Mapped[int] = mapped_column(Id, default=0, server_default="0")
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
    rests_until: Mapped[datetime | None]
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
    id: Mapped[int] = id_()
    experiment_id: Mapped[int] = to("experiments")
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
    id: Mapped[int] = id_()
    experiment_id: Mapped[int] = to("experiments")
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
    id: Mapped[int] = id_()
    experiment_id: Mapped[int] = to("experiments")
    configuration_id: Mapped[int] = to("configurations", index=True)
    suggestion_id: Mapped[int | None] = to("suggestions", index=True)
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
    id: Mapped[int] = id_()
    observation_id: Mapped[int] = to("observations")
    revision: Mapped[int]
    before: Mapped[dict[str, Any]]
    token_id: Mapped[int | None] = to("tokens")
    created_at: Mapped[datetime]


class Rejection(Base):
    """A message that could not be taken, as it came, with the reason. The dead-letter stream is a copy of these."""

    __tablename__ = "rejections"
    id: Mapped[int] = id_()
    message_id: Mapped[str] = mapped_column(sa.String(128), unique=True)
    experiment_id: Mapped[int | None] = to("experiments", index=True)
    source: Mapped[str] = mapped_column(sa.String(16))
    code: Mapped[str] = mapped_column(sa.String(32))
    reason: Mapped[str] = mapped_column(sa.Text())
    raw: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
