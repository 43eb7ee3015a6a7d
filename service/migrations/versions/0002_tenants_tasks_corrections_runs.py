"""Tenants, projects, tasks, corrections of observations, runs."""

import sqlalchemy as sa
from alembic import op

from service.db import Id, Json, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


_SCOPES = {
    "read": ["read"],
    "write": ["read", "report", "suggest", "write"],
    "admin": ["read", "report", "suggest", "write", "admin", "operator"],
}


def upgrade() -> None:
    op.create_table(
        "service_keys",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=128), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_service_keys")),
    )
    op.create_table(
        "projects",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("client_id", Id, nullable=False),
        sa.Column("reference", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("metadata", Json, nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_projects_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("client_id", "reference", name=op.f("uq_projects_client_id_reference")),
    )
    op.create_table(
        "remembered",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("client_id", Id, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_remembered_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remembered")),
        sa.UniqueConstraint("client_id", "key", name=op.f("uq_remembered_client_id_key")),
    )
    with op.batch_alter_table("remembered", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_remembered_created_at"), ["created_at"], unique=False)

    op.create_table(
        "tags",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("client_id", Id, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("color", sa.String(length=7), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_tags_client_id_clients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("client_id", "name", name=op.f("uq_tags_client_id_name")),
    )
    op.create_table(
        "notes",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("contents", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_notes_project_id_projects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notes_project_id"), ["project_id"], unique=False)

    op.create_table(
        "importances",
        sa.Column("experiment_id", Id, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("by_metric", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_importances_experiment_id_experiments")
        ),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_importances")),
    )
    op.create_table(
        "training_runs",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("client_id", Id, nullable=False),
        sa.Column("project_id", Id, nullable=True),
        sa.Column("experiment_id", Id, nullable=True),
        sa.Column("suggestion_id", Id, nullable=True),
        sa.Column("observation_id", Id, nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("favorite", sa.Boolean(), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_training_runs_client_id_clients")),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_training_runs_experiment_id_experiments")
        ),
        sa.ForeignKeyConstraint(
            ["observation_id"], ["observations.id"], name=op.f("fk_training_runs_observation_id_observations")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_training_runs_project_id_projects")),
        sa.ForeignKeyConstraint(
            ["suggestion_id"], ["suggestions.id"], name=op.f("fk_training_runs_suggestion_id_suggestions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_runs")),
    )
    with op.batch_alter_table("training_runs", schema=None) as batch_op:
        batch_op.create_index(
            "ix_training_runs_client_id_project_id_id", ["client_id", "project_id", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_training_runs_experiment_id"), ["experiment_id"], unique=False)

    op.create_table(
        "checkpoints",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("training_run_id", Id, nullable=False),
        sa.Column("values", Json, nullable=False),
        sa.Column("metadata", Json, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["training_run_id"], ["training_runs.id"], name=op.f("fk_checkpoints_training_run_id_training_runs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoints")),
    )
    with op.batch_alter_table("checkpoints", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_checkpoints_training_run_id"), ["training_run_id"], unique=False)

    op.create_table(
        "files",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("training_run_id", Id, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=True),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=255), nullable=False),
        sa.Column("content_length", sa.Integer(), nullable=False),
        sa.Column("content_md5", sa.String(length=32), nullable=False),
        sa.Column("upload_key", sa.String(length=64), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["training_run_id"], ["training_runs.id"], name=op.f("fk_files_training_run_id_training_runs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
    )
    with op.batch_alter_table("files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_files_training_run_id"), ["training_run_id"], unique=False)

    op.create_table(
        "corrections",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("observation_id", Id, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("before", Json, nullable=False),
        sa.Column("token_id", Id, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["observation_id"], ["observations.id"], name=op.f("fk_corrections_observation_id_observations")
        ),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name=op.f("fk_corrections_token_id_tokens")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        sa.UniqueConstraint("observation_id", "revision", name=op.f("uq_corrections_observation_id_revision")),
    )
    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deleted_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("configurations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("task", sa.String(length=100), nullable=True))

    with op.batch_alter_table("endpoints", schema=None) as batch_op:
        batch_op.add_column(sa.Column("old_secret", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("old_secret_until", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("description", sa.String(length=500), nullable=True))

    with op.batch_alter_table("experiments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("project_id", Id, nullable=True))
        batch_op.add_column(sa.Column("type", sa.String(length=16), nullable=False, server_default="offline"))
        batch_op.add_column(sa.Column("development", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("runs_only", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("tasks", Json, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("retired", Json, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("num_solutions", sa.Integer(), nullable=True))
        batch_op.create_index(
            "ix_experiments_client_id_state_updated_at", ["client_id", "state", "updated_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_experiments_project_id"), ["project_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_experiments_project_id_projects"), "projects", ["project_id"], ["id"]
        )

    with op.batch_alter_table("observations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("partial", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("task", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("updated_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("deleted_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("refreshes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("task_counts", Json, nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("best_observation_id", Id, nullable=True))

    with op.batch_alter_table("suggestions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("task", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("lease_s", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("lease_until", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("deleted_at", UtcDateTime(), nullable=True))
        batch_op.create_index("ix_suggestions_lease_until", ["lease_until"], unique=False)

    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("project_id", Id, nullable=True))
        batch_op.add_column(sa.Column("training_run_id", Id, nullable=True))
        batch_op.add_column(sa.Column("type", sa.String(length=16), nullable=False, server_default="client-api"))
        batch_op.add_column(sa.Column("scopes", Json, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("lease_s", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("successor_id", Id, nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_tokens_project_id_projects"), "projects", ["project_id"], ["id"])
        batch_op.create_foreign_key(
            batch_op.f("fk_tokens_training_run_id_training_runs"), "training_runs", ["training_run_id"], ["id"]
        )
        batch_op.create_foreign_key(batch_op.f("fk_tokens_successor_id_tokens"), "tokens", ["successor_id"], ["id"])

    op.execute("UPDATE experiments SET type = 'random' WHERE strategy = 'quasi_random'")
    tokens = sa.table("tokens", sa.column("permission"), sa.column("scopes", Json))
    for permission, scopes in _SCOPES.items():
        op.execute(tokens.update().where(tokens.c.permission == permission).values(scopes=scopes))
    # Those who could do all before are who runs the service; others are made by them.
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.drop_column("permission")


def downgrade() -> None:
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.add_column(sa.Column("permission", sa.String(length=16), nullable=False, server_default="read"))
        batch_op.drop_constraint(batch_op.f("fk_tokens_successor_id_tokens"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_tokens_training_run_id_training_runs"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_tokens_project_id_projects"), type_="foreignkey")
        batch_op.drop_column("successor_id")
        batch_op.drop_column("lease_s")
        batch_op.drop_column("scopes")
        batch_op.drop_column("type")
        batch_op.drop_column("training_run_id")
        batch_op.drop_column("project_id")

    with op.batch_alter_table("suggestions", schema=None) as batch_op:
        batch_op.drop_index("ix_suggestions_lease_until")
        batch_op.drop_column("deleted_at")
        batch_op.drop_column("lease_until")
        batch_op.drop_column("lease_s")
        batch_op.drop_column("task")

    with op.batch_alter_table("refreshes", schema=None) as batch_op:
        batch_op.drop_column("best_observation_id")
        batch_op.drop_column("task_counts")

    with op.batch_alter_table("observations", schema=None) as batch_op:
        batch_op.drop_column("deleted_at")
        batch_op.drop_column("updated_at")
        batch_op.drop_column("revision")
        batch_op.drop_column("task")
        batch_op.drop_column("partial")

    with op.batch_alter_table("experiments", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_experiments_project_id_projects"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_experiments_project_id"))
        batch_op.drop_index("ix_experiments_client_id_state_updated_at")
        batch_op.drop_column("num_solutions")
        batch_op.drop_column("retired")
        batch_op.drop_column("tasks")
        batch_op.drop_column("runs_only")
        batch_op.drop_column("development")
        batch_op.drop_column("type")
        batch_op.drop_column("project_id")

    with op.batch_alter_table("endpoints", schema=None) as batch_op:
        batch_op.drop_column("description")
        batch_op.drop_column("old_secret_until")
        batch_op.drop_column("old_secret")

    with op.batch_alter_table("configurations", schema=None) as batch_op:
        batch_op.drop_column("task")

    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.drop_column("deleted_at")

    op.drop_table("corrections")
    with op.batch_alter_table("files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_files_training_run_id"))

    op.drop_table("files")
    with op.batch_alter_table("checkpoints", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_checkpoints_training_run_id"))

    op.drop_table("checkpoints")
    with op.batch_alter_table("training_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_training_runs_experiment_id"))
        batch_op.drop_index("ix_training_runs_client_id_project_id_id")

    op.drop_table("training_runs")
    op.drop_table("importances")
    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notes_project_id"))

    op.drop_table("notes")
    op.drop_table("tags")
    with op.batch_alter_table("remembered", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_remembered_created_at"))

    op.drop_table("remembered")
    op.drop_table("projects")
    op.drop_table("service_keys")
