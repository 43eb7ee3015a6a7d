"""What the report page shows, in the order in which it is read: cells, rows and links made ready for its template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from service.pages.rows import cards_of, rows_of
from service.reports.figures import Figure, bar, pareto_scatter, progress_curve
from service.reports.figures.progress import describe, shares
from service.reports.first_result import redis_command
from service.reports.numbers import brief, label
from service.reports.sentences import (
    besides,
    digits_of,
    freshness,
    headline,
    limit_rule,
    models_state,
    price,
    rate,
    unit_of,
)
from service.reports.tradeoffs import most_conflicting, price_list
from service.reports.values import Exchange, Limit, Report

__all__ = ["Link", "page"]

#: Pictures are drawn twice, for wide and for narrow screens: the stylesheet shows the one that fits.
WIDE: Final = {"width": 760.0, "height": 440.0}
NARROW: Final = {"width": 360.0, "height": 340.0}
WIDE_CURVE: Final = {"width": 760.0, "height": 210.0}
NARROW_CURVE: Final = {"width": 360.0, "height": 200.0}
#: A price this many times the median of its list is worth a mark.
STEEP: Final = 3.0

#: Makes the address of this page with other axes: link(x, y).
Link = Callable[[str, str], str]


@dataclass(frozen=True)
class Step:
    """One line of the price list."""

    start: int
    end: int
    words: str
    besides: str
    rate: str
    is_steep: bool
    is_noise: bool
    bar: Markup


@dataclass(frozen=True)
class Choice:
    """A link to the same page with another axis."""

    name: str
    href: str
    is_current: bool


def page(report: Report, *, x: str | None, y: str | None, link: Link, redis_url: str) -> dict[str, Any]:
    """Everything the template of the report lays out; `x` and `y` are the metrics asked for, if any."""
    across, up = axes(report, x, y)
    paid, gained = (across, up) if _are_optimized(report, across, up) else axes(report, None, None)
    rows = rows_of(report)
    return {
        "report": report,
        "headline": headline(report),
        "freshness": freshness(report),
        "models_state": models_state(report),
        "figures": _figures(report, across, up),
        "axes": tuple(_choices(report, across, up, link, is_across=side) for side in (True, False)),
        "rows": rows,
        "cards": cards_of(report, rows),
        "prices": _steps(report, price_list(report, gained=gained, paid=paid) if paid else ()),
        "price_pair": (label(gained), label(paid or "")),
        "limits": [(limit, _rule(report, limit), effect(limit)) for limit in report.limits],
        "curves": _curves(report),
        "curve_words": _curve_words(report),
        "quality": _quality(report),
        "version": _version(report),
        "command": redis_command(report, redis_url) if report.observations == 0 else None,
    }


def _version(report: Report) -> str:
    """What changes whenever the page would say something new, apart from the time."""
    generations = (report.data_generation, report.front_generation, report.model_generation)
    counts = (report.observations, report.open_suggestions, report.rejected_count, int(report.is_failing))
    return "-".join(str(number) for number in (*generations, *counts))


def axes(report: Report, x: str | None, y: str | None) -> tuple[str | None, str]:
    """The metrics (across, up) to draw: those asked for, else the most conflicting pair, the maximised one upwards.

    Across is None where there is only one metric: then it is the order in which the configurations came.
    """
    names = _drawable(report)
    if len(names) < 2:
        return None, names[0]
    default = most_conflicting(report.optimized, report.options) or (names[1], names[0])
    if report.metric(default[0]).objective == "maximize" and report.metric(default[1]).objective == "minimize":
        default = (default[1], default[0])
    across = x if x in names else default[0]
    up = y if y in names else default[1]
    if across == up:
        others = [name for name in (*default, *names) if name != up]
        return (others[0], up) if y in names else (across, others[0])
    return across, up


def _rule(report: Report, limit: Limit) -> str:
    if limit.inferred and limit.value is not None:
        return f"{label(limit.metric)} from {brief(limit.value, 4)}"
    return limit_rule(report.metric(limit.metric), limit.value)


def effect(limit: Limit) -> str:
    """What a threshold costs, in words."""
    if limit.inferred:
        return "Nobody set a threshold here: this is only where the measure of progress begins."
    if not limit.looked_at:
        return "Nothing is measured yet."
    if not limit.missed:
        return f"None of {limit.looked_at:,} configurations misses it."
    alone = "all of them" if limit.missed_alone == limit.missed > 1 else f"{limit.missed_alone:,}"
    tail = f"; {alone} would be acceptable without it" if limit.missed_alone else ""
    return (
        f"{limit.missed:,} of {limit.looked_at:,} configurations {'misses' if limit.missed == 1 else 'miss'} it{tail}."
    )


def _drawable(report: Report) -> list[str]:
    return [metric.name for metric in report.ordered_metrics]


def _are_optimized(report: Report, across: str | None, up: str) -> bool:
    return {across, up} <= {metric.name for metric in report.optimized}


def _figures(report: Report, across: str | None, up: str) -> tuple[Figure, Figure] | None:
    if not report.options and not report.beaten:
        return None
    return (
        pareto_scatter(report, across, up, ident="front-wide", **WIDE),
        pareto_scatter(report, across, up, ident="front-narrow", **NARROW),
    )


def _choices(report: Report, across: str | None, up: str, link: Link, *, is_across: bool) -> list[Choice]:
    """Links to every other metric along one axis; choosing the other axis' metric exchanges the two."""
    names = _drawable(report)
    if across is None or len(names) < 3:
        return []
    current, other = (across, up) if is_across else (up, across)
    found = []
    for name in names:
        opposite = current if name == other else other
        href = link(name, opposite) if is_across else link(opposite, name)
        found.append(Choice(label(name), href, name == current))
    return found


def _steps(report: Report, prices: Sequence[Exchange]) -> list[Step]:
    # What may be no gain at all has no price to compare others with, unless nothing else is there.
    rates = sorted(step.rate for step in [step for step in prices if not step.is_noise] or prices)
    middle = rates[len(rates) // 2] if rates else 0.0
    unit = unit_of(prices) if prices else 1.0
    digits = digits_of(report)
    return [
        Step(
            start=step.start,
            end=step.end,
            words=price(report, step, digits),
            besides=besides(step, digits),
            rate=rate(step, unit),
            is_steep=len(rates) > 2 and step.rate > STEEP * middle and not step.is_noise,
            is_noise=step.is_noise,
            bar=bar(min(step.rate / rates[-1], 1.0), best=False),
        )
        for step in prices
    ]


def _curves(report: Report) -> tuple[Markup, Markup] | None:
    wide = progress_curve(report, ident="progress-wide", **WIDE_CURVE)
    narrow = progress_curve(report, ident="progress-narrow", **NARROW_CURVE)
    return (wide, narrow) if wide is not None and narrow is not None else None


def _curve_words(report: Report) -> str:
    points = shares(report.milestones)
    return describe(points, max(report.observations, points[-1][0])) if points else ""


def _quality(report: Report) -> list[tuple[str, str]]:
    """How well each metric's model foretells what was measured, in words."""
    if report.models is None:
        return []
    known = ((name, facts) for name, facts in sorted(report.models.quality.items()) if isinstance(facts, Mapping))
    return [(label(name), _trust(facts)) for name, facts in known if facts.get("r2") is not None]


def _trust(facts: Mapping[str, Any]) -> str:
    share = max(float(facts["r2"]), 0.0)
    words = "well" if share >= 0.75 else "roughly" if share >= 0.4 else "hardly better than its average"
    return f"foretold {words} (leave-one-out: {share:.0%} of the differences explained)"
