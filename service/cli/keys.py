"""The key of the webhooks' secrets: made at the first start, and changed with `tradespace rekey`."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex
from typing import Final

import click
from sqlalchemy.orm import Session

from service import webhooks
from service.cli.shared import database, read_settings, say
from service.errors import InvalidInputError, UnavailableError
from service.sealing import KEY_FILE, Seal, keys_of, read_keys
from service.settings import PREFIX

__all__ = ["COMMANDS", "held", "make_key"]

_SETTING: Final = f"{PREFIX}SECRET_KEYS"
#: Where `up` keeps its data if it is not told.
_USUAL_FOLDER: Final = Path("var")


def make_key(file: Path) -> None:
    """Make the key of secrets at the first start, for nobody else to read. It is whole or not there at all."""
    if file.exists():
        return
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(f"{token_hex(32)}\n")
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)
    say(f"Made {file}, the key of the webhooks' secrets: keep a copy of it, away from the database's.")


_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--new-key-file", "new", type=_FILE, help="File with the key that encrypts from now on.")
@click.option("--old-key-file", "old", type=_FILE, help="File with a key that may have encrypted until now.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data folder of `tradespace up`: it holds a key.",
)
def rekey(new: Path | None, old: Path | None, data: Path | None) -> None:
    """Encrypt the secrets of all webhooks by the first key there is.

    Keys come from --new-key-file; from TRADESPACE_SECRET_KEYS (or its _FILE), the `secret.key` in the folder given by
    --data, or the one beside a SQLite database; from --old-key-file. The first encrypts, all decrypt.

    \b
    To change the key: put a new one before the old (`new,old`), restart what runs, and run this; then the old may go.
    Secrets that stand in the database as they are, from before there was a key, are encrypted too.
    """
    settings = read_settings()
    with database(settings) as opened, opened.write() as session:
        keys = [*held(new), *keys_of(settings), *held(None if data is None else data / KEY_FILE), *held(old)]
        if not keys:
            raise click.ClickException(_no_key())
        changed = _resealed(session, Seal(keys))
    say(f"{changed} webhooks' secrets are encrypted anew.")
    if new is not None:
        say(f"Now every process needs that key, before any other: {_SETTING}_FILE={new}, then start it anew.")


def held(file: Path | None) -> list[str]:
    """Return the keys in a file."""
    if file is None:
        return []
    if not file.exists():
        raise click.ClickException(f"{file} is not there: `tradespace up` makes it in its data folder")
    try:
        return read_keys(file)
    except InvalidInputError as error:
        raise click.ClickException(f"{file} holds no key: {error.message}") from error


def _resealed(session: Session, seal: Seal) -> int:
    try:
        return webhooks.reseal(session, seal=seal)
    except UnavailableError as error:
        raise click.ClickException(f"{error.message}, or name a file that holds it with --old-key-file") from error


def _no_key() -> str:
    """Say where a key may come from; one of `up` that lies here may be another system's, so it is only pointed at."""
    near = _USUAL_FOLDER / KEY_FILE
    here = f" {near} is there: if `up` made it for this database, say --data {_USUAL_FOLDER}." if near.exists() else ""
    made = f"`openssl rand -hex 32 > FILE` makes one, for --new-key-file FILE and for {_SETTING}_FILE of every process."
    return f"there is no key: {_SETTING} is not set, and none lies beside the database.{here} {made}"


COMMANDS: Final = (rekey,)
