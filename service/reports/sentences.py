"""The report in words: its headline, how current it is, what each gain costs (stop "service/reports").

Every number comes from the report; nothing is judged that it does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from objectives.metrics import Metric
from service.reports.numbers import Digits, brief, digits_for, label, plural
from service.reports.values import Exchange, Limit, Option, Report

__all__ = [
    "ago",
    "besides",
    "digits_of",
    "freshness",
    "headline",
    "join",
    "limit_rule",
    "models_state",
    "price",
    "rate",
    "reached",
    "unit_of",
]


def headline(report: Report) -> str:
    """What the experiment has found so far, in one sentence."""
    if report.observations == 0:
        return "Waiting for the first result."
    if report.failures >= report.observations:
        return _all_failed(report)
    if not report.options:
        return _no_front(report)
    trials = _trials(report)
    if len(report.optimized) == 1:
        return f"After {trials}, the best option reaches {_best(report)}."
    worth = "is" if report.front_count == 1 else "are"
    start = f"After {trials}, {plural(report.front_count, 'option')} {worth} worth considering"
    if report.front_count == 1:
        return f"{start}: it reaches {_best(report)}."
    pick = report.advice.recommended
    return f"{start}; the {pick.title} one reaches {_best(report)}." if pick else f"{start}."


def reached(report: Report, option: Option) -> str:
    """The optimized values of an option, gains before costs: `accuracy 0.981 at cost_usd 0.12 and latency_ms 0.8`."""
    digits = digits_of(report)
    gains_first = sorted(report.optimized, key=lambda metric: -metric.sign)
    parts = [
        f"{label(metric.name)} {digits[metric.name].short(option.values[metric.name].mean)}"
        for metric in gains_first
        if metric.name in option.values
    ]
    return f"{parts[0]} at {join(parts[1:])}" if len(parts) > 1 else join(parts)


def digits_of(report: Report) -> dict[str, Digits]:
    """How each metric is written on this page: so that the options of the front can be told apart."""
    shown = report.options or report.nearest
    return {
        metric.name: digits_for(option.values[metric.name].mean for option in shown if metric.name in option.values)
        for metric in report.metrics
    }


def freshness(report: Report) -> str:
    """Whether the front has seen every result."""
    if report.observations == 0:
        return "No result has arrived yet."
    behind = report.data_generation - report.front_generation
    if report.front_generation == 0:
        state = "The front is being worked out"
    elif behind > 0:
        state = f"The front is {plural(behind, 'change')} of the data behind; the newest is being worked in"
    else:
        state = "The front has seen every result"
    if report.is_failing:
        state += "; the last attempt to bring it up to date failed and will be repeated"
    changed = f", and last changed {ago(report.now, report.front_at)}" if report.front_at and behind <= 0 else ""
    return f"{state}{changed}."


def models_state(report: Report) -> str:
    """Whether the models have seen every result."""
    if report.models is None:
        return "No model is fitted yet; suggestions are spread evenly over the space until there are enough results."
    behind = report.data_generation - report.models.generation
    seen = f"{plural(behind, 'change')} of the data ago" if behind > 0 else "on every result"
    when, took = ago(report.now, report.models.fitted_at), brief(report.models.fit_s, 2)
    return f"Models fitted {when} ({took} s of work), {seen}."


def ago(now: datetime, then: datetime) -> str:
    """How long ago that was.

    >>> from datetime import UTC, datetime, timedelta
    >>> now = datetime(2026, 11, 23, tzinfo=UTC)
    >>> [ago(now, now - timedelta(seconds=s)) for s in (0.2, 59, 3600, 90_000)]
    ['just now', '59 seconds ago', '1 hour ago', '1 day ago']
    """
    seconds = (now - then).total_seconds()
    if seconds < 1:
        return "just now"
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            return f"{plural(int(seconds // size), unit)} ago"
    raise AssertionError("unreachable: at least one second was checked above")


def limit_rule(metric: Metric, value: float | None) -> str:
    """A threshold as it is read.

    >>> limit_rule(Metric("latency_ms", objective="minimize"), 5.0)
    'latency_ms ≤ 5'
    """
    sign = "≥" if metric.objective == "maximize" else "≤"
    return label(metric.name) if value is None else f"{label(metric.name)} {sign} {brief(value, 4)}"


def price(report: Report, step: Exchange, digits: Mapping[str, Digits]) -> str:
    """What going from one option to its neighbour gives and takes: `0.004 more accuracy for 1.2 more latency_ms`."""
    gained = _amount(report.metric(step.gained), step.gain, digits[step.gained], better=True)
    paid = _amount(report.metric(step.paid), step.cost, digits[step.paid], better=False)
    return f"{gained} for {paid}"


def besides(step: Exchange, digits: Mapping[str, Digits]) -> str:
    """What the same step changes in the other optimized metrics; empty if nothing."""
    changes = [(name, change) for name, change in step.along if change]
    return join(f"{digits[name].change(x)} {'more' if x > 0 else 'less'} {label(name)}" for name, x in changes)


def unit_of(steps: Sequence[Exchange]) -> float:
    """A round amount of what these steps gain, so that their rates are told alike: the median's power of ten."""
    gains = sorted(step.gain for step in steps)
    return float(f"1e{f'{gains[len(gains) // 2]:.0e}'.partition('e')[2]}")


def rate(step: Exchange, unit: float) -> str:
    """The price of `unit` of what is gained: `each 0.001 of accuracy costs 0.35 latency_ms`."""
    return f"each {brief(unit)} of {label(step.gained)} costs {brief(step.rate * unit, 2)} {label(step.paid)}"


def join(parts: Iterable[str]) -> str:
    """`a, b and c`."""
    *head, last = list(parts) or [""]
    return f"{', '.join(head)} and {last}" if head else last


def _trials(report: Report) -> str:
    if report.budget:
        return f"{report.observations:,} of {plural(report.budget, 'trial')}"
    return plural(report.observations, "trial")


def _best(report: Report) -> str:
    pick = report.advice.recommended
    return reached(report, report.option(pick.option) if pick else report.options[0])


def _all_failed(report: Report) -> str:
    if report.observations == 1:
        return "The only result so far is a failure."
    return f"All {report.observations:,} results so far are failures."


def _no_front(report: Report) -> str:
    if report.front_generation == 0:
        there = "is there" if report.observations == 1 else "are there"
        return f"{plural(report.observations, 'result')} {there}; the first front is being worked out."
    worst = _most_missed(report.limits)
    if worst is None:
        return f"After {_trials(report)}, no configuration has all its metrics measured yet."
    rule = limit_rule(report.metric(worst.metric), worst.value)
    verb = "misses" if worst.looked_at == 1 else "miss"
    return f"After {_trials(report)}, nothing is feasible yet: {worst.missed:,} of {worst.looked_at:,} {verb} {rule}."


def _most_missed(limits: Sequence[Limit]) -> Limit | None:
    missed = [limit for limit in limits if limit.missed]
    return max(missed, key=lambda limit: limit.missed, default=None)


def _amount(metric: Metric, amount: float, digits: Digits, *, better: bool) -> str:
    more = (metric.objective == "maximize") == better
    return f"{digits.change(amount)} {'more' if more else 'less'} {label(metric.name)}"
