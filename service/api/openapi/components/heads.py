"""Clients, tokens, sessions, projects and tags."""

from __future__ import annotations

from typing import Final

from service.api.openapi.components.shared import METADATA, NAME, NO_USER, PROJECT
from service.api.openapi.shapes import (
    ID,
    TIME,
    TRUTH,
    WHOLE,
    Schema,
    at_times,
    list_of,
    nullable,
    one_of,
    ref,
    text,
    thing,
)

__all__ = ["COMPONENTS"]

COMPONENTS: Final[dict[str, Schema]] = {
    "token": thing(
        "token",
        "A key to the API. The token itself is shown when it is made, or to whoever has it.",
        id=ID,
        name=text("worker"),
        prefix=text("ts_a1B2c"),
        token=nullable(text("ts_a1B2c…")),
        token_type=one_of("client-api", "client-dev", "guest"),
        permissions=one_of("read", "write", "admin"),
        scopes=list_of(text("read")),
        scope=one_of("all_endpoints", "shared_experiment", "signup"),
        all_experiments=TRUTH,
        development=TRUTH,
        client=ID,
        project=PROJECT,
        experiment=nullable(ID),
        training_run=nullable(ID),
        organization={"type": "null"},
        user=NO_USER,
        created=TIME,
        expires=nullable(TIME),
        lease_length=nullable(WHOLE),
        successor=nullable(ID),
    ),
    "client": thing(
        "client",
        "A team: whose experiments and tokens these are.",
        id=ID,
        organization=ID,
        name=NAME,
        created=TIME,
        client_security=thing(
            "client_security", "Everybody in a team sees all.", allow_users_to_see_experiments_by_others=TRUTH
        ),
        deleted=at_times(TRUTH),
    ),
    "session": thing(
        "session",
        "Who is asking.",
        api_token=ref("token"),
        client=ref("client"),
        code={"type": "null"},
        needs_password_reset=TRUTH,
        user=NO_USER,
    ),
    "organization": thing(
        "organization",
        "A client, seen as an organization.",
        id=ID,
        name=NAME,
        created=TIME,
        client_for_email_signup={"type": "null"},
        email_domains=list_of(text("example.org")),
    ),
    "nothing": thing(None, "What there is none of."),
    "project": thing(
        "project",
        "A folder of experiments and runs.",
        id=text("churn"),
        name=NAME,
        client=ID,
        user=NO_USER,
        metadata=METADATA,
        deleted=TRUTH,
        experiment_count=WHOLE,
        training_run_count=WHOLE,
        created=TIME,
        updated=TIME,
    ),
    "project_note": thing(
        "project_note",
        "What people wrote about a project.",
        id=ID,
        client=ID,
        project=text("churn"),
        contents=text("Latency counts."),
        user=NO_USER,
        created=TIME,
    ),
    "tag": thing("tag", "A word with a colour.", id=ID, name=text("baseline"), color=text("#3a7bd5"), client=ID),
}
