"""The options of the front as the page shows them: rows of the table, cards of the picks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from service.reports.figures import bar
from service.reports.numbers import brief
from service.reports.sentences import digits_of
from service.reports.values import Metric, Option, Report

__all__ = ["Card", "Cell", "Row", "cards_of", "rows_of"]


@dataclass(frozen=True)
class Cell:
    """One value of the table: text, its standard deviation, a bar that says how good it is among its column."""

    text: str
    exact: str
    stddev: str = ""
    is_best: bool = False
    is_missed: bool = False
    bar: Markup | None = None


@dataclass(frozen=True)
class Row:
    """One option of the front."""

    option: Option
    is_recommended: bool
    titles: tuple[str, ...]
    cells: tuple[Cell | None, ...]
    assignments: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Card:
    """A pick with what there is to say about it."""

    option: int
    title: str
    also: tuple[str, ...]
    reason: str
    values: tuple[tuple[Metric, Cell], ...]
    assignments: tuple[tuple[str, str, str], ...]


def rows_of(report: Report) -> list[Row]:
    """A row for each option, in order; while there is none, for the configurations nearest to feasible."""
    shown = report.options or report.nearest
    digits = digits_of(report)
    columns = {metric.name: _column(shown, metric) for metric in report.metrics}
    titles = {pick.option: (pick.title, *pick.also) for pick in report.advice.picks}
    recommended = report.advice.recommended
    return [
        Row(
            option=option,
            is_recommended=recommended is not None and recommended.option == option.number,
            titles=titles.get(option.number, ()),
            cells=tuple(
                _cell(option, metric, columns[metric.name], digits[metric.name]) for metric in report.ordered_metrics
            ),
            assignments=_assignments(option),
        )
        for option in shown
    ]


def _column(shown: Sequence[Option], metric: Metric) -> tuple[float, float]:
    """The worst and the best value of a metric among the options, maximised."""
    measured = (option.values.get(metric.name) for option in shown)
    values = [metric.sign * value.mean for value in measured if value]
    return (min(values), max(values)) if values else (0.0, 0.0)


def _cell(option: Option, metric: Metric, column: tuple[float, float], write: Callable[[float], str]) -> Cell | None:
    value = option.values.get(metric.name)
    if value is None:
        return None
    worst, best = column
    good = metric.sign * value.mean
    is_judged = metric.strategy != "store" and best > worst
    share = (good / 2 - worst / 2) / (best / 2 - worst / 2) if is_judged else 1.0
    is_best = is_judged and good == best
    return Cell(
        text=write(value.mean),
        exact=repr(value.mean),
        stddev=f"± {brief(value.stddev, 2)}" if value.stddev else "",
        is_best=is_best,
        is_missed=not metric.acceptable(np.array(value.mean)),
        bar=bar(share, best=is_best) if is_judged else None,
    )


def _assignments(option: Option) -> tuple[tuple[str, str, str], ...]:
    """(name, value, exact value) of each parameter."""
    return tuple((name, _setting(value), str(value)) for name, value in sorted(option.assignments.items()))


def _setting(value: Any) -> str:
    if isinstance(value, float):
        return brief(value, 4)
    return str(value)


def cards_of(report: Report, rows: Sequence[Row]) -> list[Card]:
    """A card for each pick, the recommended one first."""
    metrics = report.ordered_metrics
    return [
        Card(
            option=pick.option,
            title=pick.title,
            also=pick.also,
            reason=pick.reason,
            values=tuple((m, cell) for m, cell in zip(metrics, rows[pick.option - 1].cells, strict=True) if cell),
            assignments=rows[pick.option - 1].assignments,
        )
        for pick in report.advice.picks
    ]
