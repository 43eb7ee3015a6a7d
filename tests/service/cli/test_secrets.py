"""`up` makes a key at its first start, `rekey` encrypts by it, the doctor says how secrets stand."""

from __future__ import annotations

import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.cli import checks, keys
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
    keys.make_key(file)
    key = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(key.strip()) == 64
    keys.make_key(file)
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
    for given in (None, OTHER):
        ran = run("rekey", TRADESPACE_DATABASE_URL=database_url, TRADESPACE_SECRET_KEYS=given)
        assert ran.exit_code == 1
        assert "TRADESPACE_SECRET_KEYS" in ran.output


def is_sealed_by(url: str, key: str) -> bool:
    database = Database(url)
    with database.read() as session:
        current = Seal([key]).is_current(session.scalars(sa.select(Endpoint.secret)).one())
    database.close()
    return current


@pytest.fixture
def elsewhere(postgres_url: str) -> Iterator[str]:
    """A database that no key lies beside."""
    name = f"t{uuid.uuid4().hex}"
    admin = Database(postgres_url)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template_tradespace"))
        yield sa.make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.close()


def test_rekeying_takes_keys_from_files_and_says_what_is_to_be_done_then(
    run: Run, elsewhere: str, tmp_path: Path
) -> None:
    with_endpoint(elsewhere, Seal([KEY]))
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text(KEY + "\n")
    new.write_text(OTHER + "\n")
    alone = run("rekey", "--new-key-file", str(new), TRADESPACE_DATABASE_URL=elsewhere)
    assert (alone.exit_code, "--old-key-file" in alone.output) == (1, True), alone.output
    ran = run("rekey", "--new-key-file", str(new), "--old-key-file", str(old), TRADESPACE_DATABASE_URL=elsewhere)
    assert (ran.exit_code, "1 webhooks' secrets are encrypted anew." in ran.output) == (0, True), ran.output
    assert f"TRADESPACE_SECRET_KEYS_FILE={new}" in ran.output
    assert is_sealed_by(elsewhere, OTHER)


def test_rekeying_takes_an_old_key_from_a_file_beside_the_settings(run: Run, elsewhere: str, tmp_path: Path) -> None:
    with_endpoint(elsewhere, Seal([KEY]))
    (tmp_path / "old").write_text(KEY)
    words = ("rekey", "--old-key-file", str(tmp_path / "old"))
    ran = run(*words, TRADESPACE_DATABASE_URL=elsewhere, TRADESPACE_SECRET_KEYS=OTHER)
    assert (ran.exit_code, ran.output) == (0, "1 webhooks' secrets are encrypted anew.\n")
    assert is_sealed_by(elsewhere, OTHER)


def test_rekeying_finds_the_key_that_up_made_in_its_data_folder(run: Run, elsewhere: str, tmp_path: Path) -> None:
    with_endpoint(elsewhere, Seal([]))
    keys.make_key(tmp_path / KEY_FILE)
    ran = run("rekey", "--data", str(tmp_path), TRADESPACE_DATABASE_URL=elsewhere)
    assert (ran.exit_code, ran.output) == (0, "1 webhooks' secrets are encrypted anew.\n")
    assert is_sealed_by(elsewhere, (tmp_path / KEY_FILE).read_text().strip())


def test_rekeying_without_a_key_says_where_one_may_come_from(
    run: Run, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bare = run("rekey", TRADESPACE_DATABASE_URL=elsewhere)
    assert bare.exit_code == 1
    assert all(word in bare.output for word in ("TRADESPACE_SECRET_KEYS", "--new-key-file", "openssl rand -hex 32"))
    (tmp_path / "var").mkdir()
    keys.make_key(tmp_path / "var" / KEY_FILE)
    near = run("rekey", TRADESPACE_DATABASE_URL=elsewhere)
    assert (near.exit_code, "--data var" in near.output) == (1, True), near.output
    gone = run("rekey", "--data", str(tmp_path / "other"), TRADESPACE_DATABASE_URL=elsewhere)
    assert (gone.exit_code, f"{tmp_path / 'other' / KEY_FILE} is not there" in gone.output) == (1, True), gone.output


def test_a_key_file_that_is_of_no_use_is_named(run: Run, elsewhere: str, tmp_path: Path) -> None:
    (tmp_path / "short").write_text("short")
    (tmp_path / "empty").write_text("")
    for name in ("short", "empty"):
        ran = run("rekey", "--new-key-file", str(tmp_path / name), TRADESPACE_DATABASE_URL=elsewhere)
        assert (ran.exit_code, name in ran.output, "32 characters" in ran.output) == (1, True, True), ran.output


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
