"""What is sealed is read by who has its key and by nobody else, and keys are changed without a stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import InvalidInputError, UnavailableError
from service.sealing import KEY_FILE, Seal
from service.settings import Settings
from service.webhooks.signing import new_secret

OLD, NEW = "0" * 32, "1" * 32
SECRET = new_secret()


def test_what_is_sealed_has_nothing_of_the_secret_and_fits_its_column() -> None:
    sealed = Seal([OLD]).sealed(SECRET)
    assert SECRET[6:20] not in sealed
    assert len(sealed) <= 128
    assert sealed != Seal([OLD]).sealed(SECRET)
    assert Seal([OLD]).opened(sealed) == SECRET


def test_the_first_key_seals_and_all_of_them_open() -> None:
    old, both, new = Seal([OLD]), Seal([NEW, OLD]), Seal([NEW])
    assert both.opened(old.sealed(SECRET)) == SECRET
    assert new.opened(both.sealed(SECRET)) == SECRET
    assert new.opened(both.renewed(old.sealed(SECRET))) == SECRET


def test_what_was_never_sealed_is_read_as_it_is() -> None:
    assert Seal([OLD]).opened(SECRET) == Seal([]).opened(SECRET) == Seal([]).sealed(SECRET) == SECRET
    assert not Seal([OLD]).is_current(SECRET)
    assert Seal([]).is_current(SECRET)


@pytest.mark.parametrize("keys", [[], [NEW]])
def test_without_its_key_a_secret_is_not_read_and_the_setting_is_named(keys: list[str]) -> None:
    with pytest.raises(UnavailableError, match="TRADESPACE_SECRET_KEYS"):
        Seal(keys).opened(Seal([OLD]).sealed(SECRET))


def test_what_was_changed_since_is_not_read() -> None:
    sealed = Seal([OLD]).sealed(SECRET)
    for changed in (sealed[:-8], f"{sealed[:-8]}AAAAAAAA", f"{sealed[:-8]}!!!!!!!!", sealed[:20]):
        with pytest.raises(UnavailableError):
            Seal([OLD]).opened(changed)


def test_the_key_file_beside_a_sqlite_database_is_used_where_no_key_is_set(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/x.db")
    assert not Seal.of(settings).has_key
    (tmp_path / KEY_FILE).write_text(f"{OLD}\n")
    sealed = Seal.of(settings).sealed(SECRET)
    assert Seal([OLD]).opened(sealed) == SECRET
    (tmp_path / KEY_FILE).write_text(f"{NEW},{OLD}\n")
    assert Seal.of(settings).opened(sealed) == SECRET
    assert not Seal.of(settings).is_current(sealed)
    elsewhere = Settings(database_url=settings.database_url, secret_keys=NEW)
    assert Seal.of(elsewhere).is_current(Seal([NEW]).sealed(SECRET))


def test_a_key_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("short\n")
    with pytest.raises(InvalidInputError, match="at the least"):
        Seal.of(Settings(database_url=f"sqlite:///{tmp_path}/x.db"))
