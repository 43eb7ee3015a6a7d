"""Which options are worth naming and what each gain costs: `objectives.decisions` in the words of the report.

The only file of the report that calls the mathematics, and only its cheap, closed forms over the front's few points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from objectives.decisions import Pick as Found
from objectives.decisions import Rate, marginal_rates, picks
from objectives.hypervolume import closest_to_feasible
from objectives.metrics import Metric
from objectives.problem import Data, Problem
from service.reports.numbers import label
from service.reports.values import Advice, Beaten, Exchange, Option, Pick, Report

__all__ = ["advise", "most_conflicting", "nearest_to_feasible", "price_list"]

#: How many configurations stand in for options while nothing is feasible.
NEAREST: Final = 3

_CHAMPION: Final = "champion:"
_Ranks = NDArray[np.float64]


def advise(problem: Problem, options: Sequence[Option]) -> Advice:
    """The options worth naming, the recommended one first."""
    if not options or problem.m == 0:
        return Advice()
    return Advice(_picks(picks(problem, _values(problem, options))))


def price_list(report: Report, *, gained: str, paid: str) -> tuple[Exchange, ...]:
    """What each gain in one optimized metric costs in another: the steps between neighbours along the front."""
    # The options hold the values of composites, so nothing is left to compute here.
    metrics = tuple(replace(report.metric(name), expression=None) for name in (gained, paid))
    pair = Problem(report.problem.space, metrics)
    if not report.options or pair.m < 2:
        return ()
    rates = marginal_rates(pair, _values(pair, report.options))
    others = [metric.name for metric in report.optimized if metric.name not in (gained, paid)]
    return tuple(_exchange(rate, report.options, others) for rate in rates if rate.gained == gained)


def most_conflicting(metrics: Sequence[Metric], options: Sequence[Option]) -> tuple[str, str] | None:
    """The two of these optimized metrics whose ranks over the options disagree most; None for fewer than two."""
    pairs = list(combinations(metrics, 2))
    if not pairs:
        return None
    ranks = {m.name: _ranks([m.sign * option.values[m.name].mean for option in options]) for m in metrics}
    first, second = min(pairs, key=lambda pair: _correlation(ranks[pair[0].name], ranks[pair[1].name]))
    return first.name, second.name


def nearest_to_feasible(problem: Problem, tried: Sequence[Beaten]) -> tuple[Option, ...]:
    """The configurations that miss the thresholds by least, nearest first."""
    if not tried:
        return ()
    names = [metric.name for metric in problem.metrics]
    values = [[point.values[name].mean if name in point.values else np.nan for name in names] for point in tried]
    data = Data([point.assignments for point in tried], np.array(values))
    rows = [tried[row] for row in closest_to_feasible(problem, data, count=NEAREST)]
    return tuple(Option(i, x.configuration_id, x.assignments, x.values) for i, x in enumerate(rows, start=1))


def _picks(found: Sequence[Found]) -> tuple[Pick, ...]:
    """One pick an option: what else it is stands in `also`."""
    by_option: dict[int, list[Found]] = {}
    for pick in found:
        by_option.setdefault(pick.index, []).append(pick)
    return tuple(
        Pick(index + 1, _title(first), _reason(first), tuple(_title(other) for other in others))
        for index, (first, *others) in by_option.items()
    )


def _title(pick: Found) -> str:
    return f"best {label(pick.kind.removeprefix(_CHAMPION))}" if pick.kind.startswith(_CHAMPION) else pick.kind


def _reason(pick: Found) -> str:
    share = pick.facts["share"]
    if pick.kind == "balanced":
        lowest = max(min(share.values()), 0.0)
        if len(share) == 1:
            return "No option is better."
        return f"In every metric it goes at least {lowest:.0%} of the way from the worst still acceptable to the best."
    if pick.kind == "knee":
        return "Here the front bends: beyond it, small gains begin to cost much."
    return f"No option has a better {label(pick.kind.removeprefix(_CHAMPION))}."


def _values(problem: Problem, options: Sequence[Option]) -> NDArray[np.float64]:
    """The optimized values (p, m) of the options."""
    return np.array([[option.values[metric.name].mean for metric in problem.optimized] for option in options])


def _exchange(rate: Rate, options: Sequence[Option], others: Sequence[str]) -> Exchange:
    start, end = options[rate.start], options[rate.end]
    along = tuple((name, end.values[name].mean - start.values[name].mean) for name in others)
    noise = math.hypot(*(option.values[rate.gained].stddev or 0.0 for option in (start, end)))
    return Exchange(start.number, end.number, rate.gained, rate.paid, rate.gain, rate.cost, along, noise)


def _ranks(values: Sequence[float]) -> _Ranks:
    """Ranks from 0, ties sharing their middle."""
    column = np.asarray(values)
    below = (column[:, None] > column[None, :]).sum(axis=1)
    alike = (column[:, None] == column[None, :]).sum(axis=1)
    return np.asarray(below + (alike - 1) / 2.0, dtype=np.float64)


def _correlation(a: _Ranks, b: _Ranks) -> float:
    """Spearman's rank correlation; 0 where one of them does not vary."""
    if len(a) == 0:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else 0.0
