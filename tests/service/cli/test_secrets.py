"""`up` makes a key at its first start, `rekey` encrypts by it, the doctor says how secrets stand."""

from __future__ import annotations

import stat
from pathlib import Path

import sqlalchemy as sa

from service.cli import checks, system
from service.db import Database
from service.models import Endpoint
from service.sealing import KEY_FILE, Seal
from service.settings import Settings
from tests.service.cli.conftest import Run
from tests.service.webhooks.given import a_client, an_endpoint

KEY, OTHER = "0" * 32, "1" * 32


def with_endpoint(url: str, seal: Seal) -> None:
    database = Database(url)
    with database.write() as session:
        an_endpoint(session, a_client(session), seal=seal)
    database.close()


def finding(**settings: str) -> checks.Finding:
    found = checks.examine(Settings(redis_url="redis://127.0.0.1:1/0", **settings))  # type: ignore[arg-type]
    return next(one for one in found if one.check == "secrets")


def test_the_first_start_makes_a_key_that_nobody_else_may_read_and_the_next_one_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / KEY_FILE
    system.make_key(file)
    key = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(key.strip()) == 64
    system.make_key(file)
    assert file.read_text() == key
    assert list(tmp_path.iterdir()) == [file]


def test_rekeying_encrypts_what_stood_there_as_it_is(run: Run, database_url: str) -> None:
    with_endpoint(database_url, Seal([]))
    ran = run("rekey", TRADESPACE_DATABASE_URL=database_url, TRADESPACE_SECRET_KEYS=KEY)
    assert (ran.exit_code, ran.output) == (0, "1 webhooks' secrets are encrypted anew.\n")
    database = Database(database_url)
    with database.read() as session:
        assert Seal([KEY]).is_current(session.scalars(sa.select(Endpoint.secret)).one())
    database.close()


def test_rekeying_needs_a_key_and_every_key_that_is_in_use(run: Run, database_url: str) -> None:
    with_endpoint(database_url, Seal([KEY]))
    for keys in (None, OTHER):
        ran = run("rekey", TRADESPACE_DATABASE_URL=database_url, TRADESPACE_SECRET_KEYS=keys)
        assert ran.exit_code == 1
        assert "TRADESPACE_SECRET_KEYS" in ran.output


def test_the_doctor_says_how_secrets_stand(database_url: str) -> None:
    with_endpoint(database_url, Seal([]))
    assert finding(database_url=database_url).status == "warning"
    stale = finding(database_url=database_url, secret_keys=KEY)
    assert (stale.status, stale.remedy) == ("warning", "run `tradespace rekey`")
    with_endpoint(database_url, Seal([KEY]))
    assert finding(database_url=database_url, secret_keys=OTHER).status == "failure"
    missing = finding(database_url=database_url)
    assert missing.status == "failure"
    assert "TRADESPACE_SECRET_KEYS" in missing.remedy


def test_the_doctor_shows_no_key() -> None:
    assert KEY not in str(checks.shown_settings(Settings(secret_keys=KEY)))
