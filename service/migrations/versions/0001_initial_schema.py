"""initial schema."""

import sqlalchemy as sa
from alembic import op

from service.db import Id, Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clients",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
    )
    op.create_table(
        "experiments",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("client_id", Id, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("parameters", Json, nullable=False),
        sa.Column("conditionals", Json, nullable=False),
        sa.Column("linear_constraints", Json, nullable=False),
        sa.Column("metrics", Json, nullable=False),
        sa.Column("metadata", Json, nullable=True),
        sa.Column("observation_budget", sa.Integer(), nullable=True),
        sa.Column("parallel_bandwidth", sa.Integer(), nullable=True),
        sa.Column("strategy", sa.String(length=32), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("quasi_random_index", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_experiments_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiments")),
    )
    with op.batch_alter_table("experiments", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_experiments_client_id"), ["client_id"], unique=False)

    op.create_table(
        "configurations",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("experiment_id", Id, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("assignments", Json, nullable=False),
        sa.Column("sums", Json, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_configurations_experiment_id_experiments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configurations")),
        sa.UniqueConstraint("experiment_id", "key", name=op.f("uq_configurations_experiment_id_key")),
    )
    with op.batch_alter_table("configurations", schema=None) as batch_op:
        batch_op.create_index("ix_configurations_experiment_id_id", ["experiment_id", "id"], unique=False)

    op.create_table(
        "endpoints",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("client_id", Id, nullable=False),
        sa.Column("experiment_id", Id, nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=128), nullable=False),
        sa.Column("event_types", Json, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("failing_since", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_endpoints_client_id_clients")),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_endpoints_experiment_id_experiments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoints")),
    )
    with op.batch_alter_table("endpoints", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_endpoints_client_id"), ["client_id"], unique=False)

    op.create_table(
        "events",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("client_id", Id, nullable=False),
        sa.Column("experiment_id", Id, nullable=True),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("relayed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_events_client_id_clients")),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_events_experiment_id_experiments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_events_experiment_id"), ["experiment_id"], unique=False)
        batch_op.create_index(
            "ix_events_waiting",
            ["id"],
            unique=False,
            postgresql_where=sa.text("relayed_at IS NULL"),
            sqlite_where=sa.text("relayed_at IS NULL"),
        )

    op.create_table(
        "fronts",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("experiment_id", Id, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("observation_count", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("feasible_count", sa.Integer(), nullable=False),
        sa.Column("infeasible_count", sa.Integer(), nullable=False),
        sa.Column("hypervolume", sa.Double(), nullable=True),
        sa.Column("ref_point", Json, nullable=False),
        sa.Column("points", Json, nullable=True),
        sa.Column("progress", Json, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_fronts_experiment_id_experiments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fronts")),
        sa.UniqueConstraint("experiment_id", "generation", name=op.f("uq_fronts_experiment_id_generation")),
    )
    op.create_table(
        "model_states",
        sa.Column("experiment_id", Id, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("state", Json, nullable=False),
        sa.Column("quality", Json, nullable=False),
        sa.Column("notes", Json, nullable=False),
        sa.Column("fit_s", sa.Double(), nullable=False),
        sa.Column("fitted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_model_states_experiment_id_experiments")
        ),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_model_states")),
    )
    op.create_table(
        "refreshes",
        sa.Column("experiment_id", Id, nullable=False),
        sa.Column("data_generation", sa.Integer(), nullable=False),
        sa.Column("front_generation", sa.Integer(), nullable=False),
        sa.Column("model_generation", sa.Integer(), nullable=False),
        sa.Column("observation_count", sa.Integer(), nullable=False),
        sa.Column("failure_count", sa.Integer(), nullable=False),
        sa.Column("refill_wanted", sa.Boolean(), nullable=False),
        sa.Column("dirty_since", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("lease_owner", sa.String(length=100), nullable=True),
        sa.Column("lease_epoch", sa.Integer(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_refreshes_experiment_id_experiments")
        ),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_refreshes")),
    )
    with op.batch_alter_table("refreshes", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_refreshes_due_at"), ["due_at"], unique=False)

    op.create_table(
        "rejections",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("message_id", sa.String(length=128), nullable=False),
        sa.Column("experiment_id", Id, nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_rejections_experiment_id_experiments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejections")),
        sa.UniqueConstraint("message_id", name=op.f("uq_rejections_message_id")),
    )
    with op.batch_alter_table("rejections", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_rejections_experiment_id"), ["experiment_id"], unique=False)

    op.create_table(
        "suggestions",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("experiment_id", Id, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("assignments", Json, nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("strategy", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("predicted", Json, nullable=True),
        sa.Column("model_generation", sa.Integer(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("claim_key", sa.String(length=255), nullable=True),
        sa.Column("metadata", Json, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_suggestions_experiment_id_experiments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestions")),
        sa.UniqueConstraint("experiment_id", "claim_key", name=op.f("uq_suggestions_experiment_id_claim_key")),
    )
    with op.batch_alter_table("suggestions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_suggestions_experiment_id_state_rank", ["experiment_id", "state", "rank"], unique=False
        )

    op.create_table(
        "tokens",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("client_id", Id, nullable=False),
        sa.Column("experiment_id", Id, nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("permission", sa.String(length=16), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_tokens_client_id_clients")),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_tokens_experiment_id_experiments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_tokens_client_id"), ["client_id"], unique=False)

    op.create_table(
        "deliveries",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("endpoint_id", Id, nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoints.id"], name=op.f("fk_deliveries_endpoint_id_endpoints")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_deliveries_event_id_events")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("endpoint_id", "event_id", name=op.f("uq_deliveries_endpoint_id_event_id")),
        sa.UniqueConstraint("message_id", name=op.f("uq_deliveries_message_id")),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_deliveries_endpoint_id_state_next_attempt_at", ["endpoint_id", "state", "next_attempt_at"], unique=False
        )
        batch_op.create_index("ix_deliveries_state_next_attempt_at", ["state", "next_attempt_at"], unique=False)

    op.create_table(
        "observations",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("experiment_id", Id, nullable=False),
        sa.Column("configuration_id", Id, nullable=False),
        sa.Column("suggestion_id", Id, nullable=True),
        sa.Column("result_id", sa.String(length=128), nullable=False),
        sa.Column("payload_hash", sa.String(length=32), nullable=False),
        sa.Column("values", Json, nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("metadata", Json, nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["configuration_id"], ["configurations.id"], name=op.f("fk_observations_configuration_id_configurations")
        ),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_observations_experiment_id_experiments")
        ),
        sa.ForeignKeyConstraint(
            ["suggestion_id"], ["suggestions.id"], name=op.f("fk_observations_suggestion_id_suggestions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observations")),
        sa.UniqueConstraint("experiment_id", "result_id", name=op.f("uq_observations_experiment_id_result_id")),
    )
    with op.batch_alter_table("observations", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_observations_configuration_id"), ["configuration_id"], unique=False)
        batch_op.create_index("ix_observations_experiment_id_id", ["experiment_id", "id"], unique=False)
        batch_op.create_index(op.f("ix_observations_suggestion_id"), ["suggestion_id"], unique=False)

    op.create_table(
        "attempts",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("delivery_id", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_attempts_delivery_id_deliveries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index(op.f("ix_attempts_delivery_id"), ["delivery_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_attempts_delivery_id"))

    op.drop_table("attempts")
    with op.batch_alter_table("observations", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_observations_suggestion_id"))
        batch_op.drop_index("ix_observations_experiment_id_id")
        batch_op.drop_index(op.f("ix_observations_configuration_id"))

    op.drop_table("observations")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index("ix_deliveries_state_next_attempt_at")
        batch_op.drop_index("ix_deliveries_endpoint_id_state_next_attempt_at")

    op.drop_table("deliveries")
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_tokens_client_id"))

    op.drop_table("tokens")
    with op.batch_alter_table("suggestions", schema=None) as batch_op:
        batch_op.drop_index("ix_suggestions_experiment_id_state_rank")

    op.drop_table("suggestions")
    with op.batch_alter_table("rejections", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_rejections_experiment_id"))

    op.drop_table("rejections")
    with op.batch_alter_table("refreshes", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_refreshes_due_at"))

    op.drop_table("refreshes")
    op.drop_table("model_states")
    op.drop_table("fronts")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_events_waiting",
            postgresql_where=sa.text("relayed_at IS NULL"),
            sqlite_where=sa.text("relayed_at IS NULL"),
        )
        batch_op.drop_index(op.f("ix_events_experiment_id"))

    op.drop_table("events")
    with op.batch_alter_table("endpoints", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_endpoints_client_id"))

    op.drop_table("endpoints")
    with op.batch_alter_table("configurations", schema=None) as batch_op:
        batch_op.drop_index("ix_configurations_experiment_id_id")

    op.drop_table("configurations")
    with op.batch_alter_table("experiments", schema=None) as batch_op:
        batch_op.drop_index(op.f("ix_experiments_client_id"))

    op.drop_table("experiments")
    op.drop_table("clients")
