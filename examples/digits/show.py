"""What the demo prints: the progress of the trials, the Pareto front as a table, the journey's stops."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tradespace import Front, FrontPoint, Measurement

__all__ = ["Meter", "console", "front_table", "progress", "say"]

#: Without a terminal nobody said how wide a line may be.
_WIDE: Final = 120
#: In a narrower terminal the standard errors are left out, so that a configuration fits on its line.
_ROOMY: Final = 110
#: Without a terminal there is a line each time this share of the trials is done.
_STEPS: Final = 8

console = Console(highlight=False)
if not console.is_terminal:
    console = Console(highlight=False, width=_WIDE)


def say(text: str = "", *, style: str = "") -> None:
    """Print one line as it stands: addresses are not broken up."""
    console.print(Text(text, style=style), soft_wrap=True)


class Meter(Protocol):
    """Shows how many results are stored, with a few words."""

    def __call__(self, done: int, words: str) -> None:
        """Show it."""


@contextmanager
def progress(total: int) -> Iterator[Meter]:
    """Show a bar on a terminal, and a line now and then elsewhere."""
    if not console.is_terminal:
        yield _lines(total)
        return
    columns = [
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("results", total=total)
        yield lambda done, words: bar.update(task, completed=done, description=words)


def _lines(total: int) -> Meter:
    step = max(1, total // _STEPS)
    told = 0

    def show(done: int, words: str) -> None:
        nonlocal told
        if done != told and (done >= told + step or done >= total):
            told = done
            say(f"  {done}/{total} {words}")

    return show


def front_table(front: Front) -> Table:
    """Return the front, best of the first metric first; the recommended option is marked."""
    names = sorted(front.points[0].values, key=str) if front.points else []
    table = Table(title="Pareto front", title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("configuration", overflow="fold")
    for name in names:
        table.add_column(str(name), justify="right", no_wrap=True)
    recommended = front.recommended.assignments if front.recommended else None
    for number, point in enumerate(front.points, 1):
        is_pick = point.assignments == recommended
        cells = [_measured(point.values[name], with_error=console.width >= _ROOMY) for name in names]
        mark = f"{number} *" if is_pick else f"{number}"
        table.add_row(mark, configuration(point.assignments), *cells, style="bold green" if is_pick else "")
    return table


def recommendation(front: Front) -> str:
    """Return the recommended pick in one sentence."""
    pick = front.recommended
    if pick is None:
        return "No option is recommended yet."
    number = next((n for n, point in enumerate(front.points, 1) if _is(point, pick.assignments)), None)
    which = f"option {number}, " if number else ""
    return f"Recommended: {which}{configuration(pick.assignments)}. {pick.sentence}"


def _is(point: FrontPoint, assignments: Mapping[str, Any]) -> bool:
    return point.assignments == assignments


def configuration(assignments: Mapping[str, Any]) -> str:
    """Return a configuration in short: the family first.

    >>> configuration({"components": 30, "family": "svm", "svm_c": 12.3456})
    'svm, components 30, svm_c 12.3'
    """
    rest = [f"{name} {_short(value)}" for name, value in sorted(assignments.items()) if name != "family"]
    return ", ".join([str(assignments["family"]), *rest])


def _short(value: str | float) -> str:
    if isinstance(value, str) or abs(value) >= 999.5 or value == int(value):
        return value if isinstance(value, str) else f"{value:.0f}"
    return f"{value:.3g}"


def _measured(value: Measurement, *, with_error: bool) -> str:
    """Return a value to three digits, or fewer where its standard error says that they mean nothing.

    >>> _measured(Measurement(0.98163, 0.0024), with_error=True)
    '0.982 ± 0.002'
    >>> _measured(Measurement(0.0026998, 0.0000036), with_error=False)
    '0.00270'
    """
    places = 2 - _magnitude(value.value)
    if value.stddev:
        places = min(places, -_magnitude(value.stddev))
    number = f"{value.value:.{max(0, places)}f}"
    return f"{number} ± {value.stddev:.{max(0, places)}f}" if value.stddev and with_error else number


def _magnitude(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0
