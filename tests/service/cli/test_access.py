"""Tokens by the command: narrowed, listed, ended, in the database itself."""

from __future__ import annotations

import json

from tests.service.cli.conftest import Run


def test_a_token_is_narrowed_listed_and_ended(run: Run, database_url: str) -> None:
    here = {"TRADESPACE_DATABASE_URL": database_url}
    created = run("token", "create", "--name", "p", "--scope", "report", "--days", "7", "--json", **here)
    made = json.loads(created.stdout)
    assert (made["scopes"], made["permission"]) == (["report"], "read")
    rows = json.loads(run("token", "list", "--json", **here).stdout)
    (listed,) = (row for row in rows if row["name"] == "p")
    assert (listed["id"], listed["prefix"], listed["expires"] is None) == (made["id"], made["token"][:8], False)
    assert made["token"] not in run("token", "list", **here).stdout
    assert run("token", "end", made["prefix"], **here).exit_code == 0
    assert made["id"] not in [row["id"] for row in json.loads(run("token", "list", "--json", **here).stdout)]


def test_what_is_not_there_ends_the_command_with_a_sentence(run: Run, database_url: str) -> None:
    here = {"TRADESPACE_DATABASE_URL": database_url}
    for words in (
        ("token", "end", "99"),
        ("token", "create", "--name", "p", "--project", "nowhere"),
        ("token", "create", "--name", "p", "--scope", "admin", "--development"),
        ("token", "list", "--client", "99"),
    ):
        ran = run(*words, **here)
        assert (ran.exit_code, ran.output[:7]) == (1, "Error: "), ran.output
