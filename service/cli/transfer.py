"""`tradespace export` and `tradespace import`: whole experiments, tables, and what comes from Optuna and SigOpt."""

from __future__ import annotations

import sys
import tempfile
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

import click

from service.cli.remote import Remote, remote
from service.cli.shared import json_option, say, show_json
from service.errors import InvalidInputError

__all__ = ["COMMANDS"]

_SQLITE: Final = b"SQLite format 3"
#: How an Optuna journal begins, as service.transfer.optuna knows it: to import that would bring scipy.
_JOURNAL: Final = (b'{"op_code":', b'{"worker_id":')
_IN_MEMORY: Final = 16 * 1024 * 1024


@click.command()
@click.argument("experiment_id")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write; standard output without it.")
@click.option("--format", "form", default="json", show_default=True, type=click.Choice(("json", "csv")))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@remote
def export(server: Remote, experiment_id: str, output: Path | None, form: str, force: bool) -> None:
    """Write a whole experiment to a file: as JSON to import it elsewhere, as CSV for a table.

    The CSV has the columns of SigOpt's download; a cell that a table program would take for a formula gets an
    apostrophe before it. Speaks to a server (TRADESPACE_URL, TRADESPACE_TOKEN).

    \b
    tradespace export 12 -o digits.json
    tradespace export 12 --format csv -o digits.csv
    """
    path, query = f"/experiments/{experiment_id}/export", {"format": form}
    if output is None:
        server.download(path, sys.stdout.buffer, query=query)
        return
    if output.exists() and not force:
        raise click.ClickException(f"{output} is there already: choose another file, or --force to write over it")
    part = output.with_name(output.name + ".part")
    with part.open("wb") as file:
        size = server.download(path, file, query=query)
    part.replace(output)
    say(f"{output}: {size} bytes.")


@click.command("import")
@click.argument("source")
@click.option("--experiment", "experiment_id", help="For a CSV file: the experiment that gets the observations.")
@click.option("--study", help="For an Optuna storage with several studies: which one.")
@click.option("--name", help="The new experiment's name.")
@click.option("--project", help="The project that gets it; an AI experiment needs one that is there.")
@json_option
@remote
def import_(
    *,
    server: Remote,
    source: str,
    experiment_id: str | None,
    study: str | None,
    name: str | None,
    project: str | None,
    as_json: bool,
) -> None:
    """Bring in an experiment from SOURCE: what it is shows by itself.

    SOURCE is a JSON file of `tradespace export`; an Optuna storage (an SQLite file, a journal file, or the address of a
    database); or, with --experiment, a CSV file with a column for each parameter and metric, or in the layout of
    SigOpt's download. All of it is checked before any of it is stored. Speaks to a server (TRADESPACE_URL,
    TRADESPACE_TOKEN).

    \b
    tradespace import digits.json
    tradespace import history.csv --experiment 12
    tradespace import study.db --study digits
    tradespace import postgresql://optuna@db/optuna --study digits
    """
    if experiment_id is not None:
        with _opened(source) as file:
            reply = server.upload(f"/experiments/{experiment_id}/import", file, mimetype="text/csv")
        _told(reply, as_json, f"{reply['stored']} of {reply['observations']} observations are new.")
        return
    query = {key: value for key, value in (("name", name), ("project", project)) if value}
    if _is_optuna(source):
        reply = _import_study(server, source, study, query)
    else:
        with _opened(source) as file:
            reply = server.upload("/experiments/import", file, mimetype="application/json", query=query)
    runs = f", {reply['runs']} runs" if reply["runs"] else ""
    counts = f"{reply['observations']} observations, {reply['suggestions']} suggestions{runs}"
    sentence = f"Experiment {reply['experiment']}: {counts}."
    _told(reply, as_json, sentence + "".join(f" Left out: {n} {why}." for why, n in reply.get("left_out", {}).items()))


def _opened(source: str) -> BinaryIO:
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise click.ClickException(f"{source} cannot be read: {error.strerror}") from error


def _is_optuna(source: str) -> bool:
    if "://" in source:
        return True
    with _opened(source) as file:
        head = file.read(64)
    if head.startswith((_SQLITE, *_JOURNAL)):
        return True
    if not head.lstrip().startswith(b"{"):
        message = f"{source} is neither an export nor an Optuna storage; for a CSV file say which --experiment gets it"
        raise click.ClickException(message)
    return False


def _import_study(server: Remote, source: str, name: str | None, query: dict[str, Any]) -> Any:
    from service.transfer import optuna  # noqa: PLC0415 it brings scipy, for which no other command should wait

    try:
        chosen = optuna.chosen(optuna.studies(source), name)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            text = TextIOWrapper(cast("IO[bytes]", file), encoding="utf-8")
            report = optuna.write(chosen, text)
            text.detach()
            file.seek(0)
            stream = cast("BinaryIO", file)
            reply = server.upload("/experiments/import", stream, mimetype="application/json", query=query)
    except InvalidInputError as error:
        raise click.ClickException(error.message) from error
    return {**reply, "left_out": dict(report.left_out)}


def _told(reply: Any, as_json: bool, sentence: str) -> None:
    if as_json:
        show_json(reply)
    else:
        say(sentence)


COMMANDS: Final = (export, import_)
