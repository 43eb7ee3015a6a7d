"""`tradespace experiment`: what producers and people do with experiments, from a shell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

import click
from rich.table import Table

from service.cli.remote import Remote, remote
from service.cli.shared import console, json_option, say, show_json

__all__ = ["COMMANDS"]


@click.group()
def experiment() -> None:
    """Make experiments, ask for suggestions, report results.

    These commands speak to a server: --url or TRADESPACE_URL, with the token in TRADESPACE_TOKEN or --token-file.

    \b
    tradespace experiment create digits.json
    tradespace experiment suggest 12
    tradespace experiment observe 12 --suggestion 7 --value accuracy=0.91 --value latency_ms=12.4:0.3
    tradespace experiment front 12
    """


@experiment.command("list")
@click.option("--search", help="A part of the name.")
@click.option("--state", default="active", show_default=True, type=click.Choice(("active", "deleted", "all")))
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@json_option
@remote
def list_(server: Remote, search: str | None, state: str, limit: int, as_json: bool) -> None:
    """List experiments, newest first."""
    query = {"state": state, **({"search": search} if search else {})}
    rows = list(server.walk("/experiments", limit=limit, query=query))
    if as_json:
        show_json(rows)
        return
    _table(
        ("id", "name", "state", "observations", "budget", "metrics"),
        [
            (
                row["id"],
                row["name"],
                row["state"],
                row["progress"]["observation_count"],
                row["observation_budget"] or "",
                ", ".join(metric["name"] or "value" for metric in row["metrics"]),
            )
            for row in rows
        ],
    )


@experiment.command()
@click.argument("experiment_id")
@json_option
@remote
def show(server: Remote, experiment_id: str, as_json: bool) -> None:
    """Show one experiment: what is set, what is measured, how far it is."""
    row = server.call("GET", f"/experiments/{experiment_id}")
    if as_json:
        show_json(row)
        return
    say(f"{row['name']}  (experiment {row['id']}, {row['state']})")
    say(f"{row['progress']['observation_count']} observations, {row['progress']['failure_count']} of them failed")
    _table(("parameter", "type", "values"), [(one["name"], one["type"], _values(one)) for one in row["parameters"]])
    _table(
        ("metric", "objective", "strategy", "threshold"),
        [
            (one["name"] or "value", one["objective"], one["strategy"], _number(one["threshold"]))
            for one in row["metrics"]
        ],
    )


def _values(parameter: Mapping[str, Any]) -> str:
    if parameter.get("categorical_values"):
        return ", ".join(value["name"] for value in parameter["categorical_values"])
    if parameter.get("grid"):
        return ", ".join(_number(value) for value in parameter["grid"])
    scale = ", log scale" if parameter.get("transformation") == "log" else ""
    return f"{_number(parameter['bounds']['min'])} to {_number(parameter['bounds']['max'])}{scale}"


@experiment.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@json_option
@remote
def create(server: Remote, file: TextIO, as_json: bool) -> None:
    """Make an experiment from FILE (- for standard input): the body of POST /v1/experiments, as JSON.

    \b
    {"name": "digits",
     "parameters": [{"name": "depth", "type": "int", "bounds": {"min": 1, "max": 9}}],
     "metrics": [{"name": "accuracy"}, {"name": "latency_ms", "objective": "minimize", "threshold": 20}]}
    """
    try:
        body = json.load(file)
    except ValueError as error:
        raise click.ClickException(f"{file.name} is not JSON: {error}") from error
    row = server.call("POST", "/experiments", body)
    _tell(row, as_json, f"Experiment {row['id']} is made. Next: tradespace experiment suggest {row['id']}")


@experiment.command()
@click.argument("experiment_id")
@json_option
@remote
def delete(server: Remote, experiment_id: str, as_json: bool) -> None:
    """Put an experiment away: it stays readable and takes no results; `restore` brings it back."""
    row = server.call("DELETE", f"/experiments/{experiment_id}")
    _tell(row, as_json, f"Experiment {experiment_id} is deleted. Back: tradespace experiment restore {experiment_id}")


@experiment.command()
@click.argument("experiment_id")
@json_option
@remote
def restore(server: Remote, experiment_id: str, as_json: bool) -> None:
    """Bring a deleted experiment back."""
    row = server.call("PUT", f"/experiments/{experiment_id}", {"state": "active"})
    _tell(row, as_json, f"Experiment {experiment_id} is active again.")


@experiment.command()
@click.argument("experiment_id")
@click.option("--count", default=1, show_default=True, type=click.IntRange(1, 100), help="How many.")
@json_option
@remote
def suggest(server: Remote, experiment_id: str, count: int, as_json: bool) -> None:
    """Ask for what to try next, and say why it was chosen."""
    rows = [server.call("POST", f"/experiments/{experiment_id}/suggestions", {}) for _ in range(count)]
    if as_json:
        show_json(rows)
        return
    for row in rows:
        say(f"suggestion {row['id']}: {_words(row['assignments'])}")
        say(f"  from {row['source']}: {row['reason'] or 'named by a person'}")


@experiment.command()
@click.argument("experiment_id")
@click.option("--suggestion", help="The suggestion that was tried.")
@click.option("--assign", multiple=True, metavar="NAME=VALUE", help="Instead of a suggestion: what was set.")
@click.option("--value", "values", multiple=True, metavar="METRIC=VALUE[:STDDEV]", help="What was measured.")
@click.option("--failed", is_flag=True, help="The trial failed: nothing was measured.")
@click.option("--metadata", multiple=True, metavar="NAME=VALUE", help="What else should be remembered.")
@click.option("--result-id", help="A name of your own: the same result sent twice counts once.")
@json_option
@remote
def observe(
    *,
    server: Remote,
    experiment_id: str,
    suggestion: str | None,
    assign: Sequence[str],
    values: Sequence[str],
    failed: bool,
    metadata: Sequence[str],
    result_id: str | None,
    as_json: bool,
) -> None:
    """Report a result.

    \b
    tradespace experiment observe 12 --suggestion 7 --value accuracy=0.91 --value latency_ms=12.4:0.3
    tradespace experiment observe 12 --assign depth=4 --assign kind=tree --failed
    """
    body = {
        "suggestion": suggestion,
        "assignments": _pairs("--assign", assign) or None,
        "values": [_measured(text) for text in values] or None,
        "failed": failed or None,
        "metadata": _pairs("--metadata", metadata) or None,
        "result_id": result_id,
    }
    said = {name: value for name, value in body.items() if value is not None}
    row = server.call("POST", f"/experiments/{experiment_id}/observations", said)
    _tell(row, as_json, f"Observation {row['id']} is stored.")


def _pairs(option: str, given: Sequence[str]) -> dict[str, Any]:
    """Read NAME=VALUE: a number where it is one, else text; text that looks like a number goes in double quotes."""
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"expected NAME=VALUE, got {text!r}", param_hint=option)
        pairs[name] = _value(value)
    return pairs


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else text


def _measured(text: str) -> dict[str, Any]:
    name, _, numbers = text.rpartition("=")
    value, _, stddev = numbers.partition(":")
    try:
        measured = {"value": float(value), "value_stddev": float(stddev) if stddev else None}
    except ValueError as error:
        message = f"expected METRIC=VALUE or METRIC=VALUE:STDDEV, got {text!r}"
        raise click.BadParameter(message, param_hint="--value") from error
    return {**({"name": name} if name else {}), **measured}


@experiment.command()
@click.argument("experiment_id")
@json_option
@remote
def front(server: Remote, experiment_id: str, as_json: bool) -> None:
    """Show the Pareto front: what no other configuration beats in every metric, and which one to take."""
    row = server.call("GET", f"/experiments/{experiment_id}/front")
    if as_json:
        show_json(row)
        return
    points = row["points"]
    names = [value["name"] or "value" for value in points[0]["values"]] if points else []
    _table(
        (*names, "configuration"),
        [(*(_number(value["value"]) for value in one["values"]), _words(one["assignments"])) for one in points],
    )
    say(f"{len(points)} on the front, hypervolume {_number(row['hypervolume'])}")
    if row["recommended"]:
        say(row["recommended"]["sentence"] or _words(row["recommended"]["assignments"]))


def _tell(row: Any, as_json: bool, sentence: str) -> None:
    if as_json:
        show_json(row)
    else:
        say(sentence)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(str(cell).replace("[", r"\[") for cell in row))
    console.print(table)


def _words(assignments: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={_number(value)}" for name, value in assignments.items())


def _number(value: Any) -> str:
    """Return a number as people write it."""
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


COMMANDS: Final = (experiment,)
