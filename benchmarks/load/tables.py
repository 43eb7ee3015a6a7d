"""The results of a load run as a page for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["AIMS", "ANEW", "table"]

#: Of a suggestion, in milliseconds at the 99th percentile; and reads as a share of the bare page.
AIMS: Final = {"warm": 20.0, "workers dead": 50.0}
SHARE: Final = 0.5
#: How the names of reads end for which nothing was kept.
ANEW: Final = ", made anew"

Line = Mapping[str, Any]
_ABOUT: Final = (
    "Written by `make bench-load` at {at}: {cores} cores, Python {python}, {experiments} experiments of {observations} "
    "observations (6 parameters, 3 metrics), {seconds:g} s a phase. Web server, workers, database, Redis and the load "
    "generator share the cores. A claim does not wait for a fresher pool here (TRADESPACE_SUGGESTION_WAIT_S=0): that "
    "is a choice, docs/decisions/0005, not what a claim costs. Pools hold 32 suggestions, to last for the run. Each "
    "phase begins with {warm_up_s:g} s at the same rate that are not counted. Replies of an experiment that has not "
    "changed are kept (docs/decisions/0014), which is what most readers of a real service see; `made anew` are reads "
    "of addresses that nobody has asked for before."
)


def table(lines: Sequence[Line], *, about: Mapping[str, Any] | None = None) -> str:
    """Return everything that was measured, the aims first."""
    parts = ["# Under load", ""]
    if about is not None:
        parts += [_ABOUT.format(**about), ""]
    parts += ["## The aims", "", *_aims(lines), "", "## Latency at a steady rate", "", *_latencies(lines), ""]
    return "\n".join([*parts, "## Reads, flat out", "", *_throughputs(lines)])


def _aims(lines: Sequence[Line]) -> list[str]:
    rows = ["| database | aim | measured | |", "|---|---|---|---|"]
    for line in lines:
        if line["measure"] == "latency" and line["request"] == "suggestion":
            aim = AIMS[line["phase"]]
            words = f"suggestion p99 under {aim:g} ms, {line['phase']}"
            rows.append(f"| {line['database']} | {words} | {line['p99_ms']} ms | {_verdict(line['p99_ms'] < aim)} |")
    for database, shares in _shares(lines).items():
        for what, is_mine in (("reads", False), ("reads made anew", True)):
            mine = [share for request, share in shares.items() if request.endswith(ANEW) == is_mine]
            if not mine:
                continue
            words = f"{what} at least {SHARE:.0%} of a bare page"
            shown = f"{min(mine):.0%} to {max(mine):.0%}"
            rows.append(f"| {database} | {words} | {shown} | {_verdict(min(mine) >= SHARE)} |")
    return rows


def _verdict(reached: bool) -> str:
    return "reached" if reached else "missed"


def _latencies(lines: Sequence[Line]) -> list[str]:
    rows = [
        "| database | phase | request | count | p50 ms | p95 ms | p99 ms | longest ms | errors | sources (p99) |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for line in lines:
        if line["measure"] == "latency":
            sources = _sources(line)
            numbers = " | ".join(
                str(line[name]) for name in ("count", "p50_ms", "p95_ms", "p99_ms", "max_ms", "errors")
            )
            rows.append(f"| {line['database']} | {line['phase']} | {line['request']} | {numbers} | {sources} |")
    return rows


def _sources(line: Line) -> str:
    """Say where suggestions came from, and how long those of each source took at the 99th percentile."""
    slowest = line.get("p99_ms_by_source", {})
    found = sorted(line.get("sources", {}).items())
    return ", ".join(
        f"{name} {count} ({slowest[name]} ms)" if name in slowest else f"{name} {count}" for name, count in found
    )


def _throughputs(lines: Sequence[Line]) -> list[str]:
    shares = _shares(lines)
    rows = ["| database | request | a second | share of the bare page |", "|---|---|---:|---:|"]
    for line in lines:
        if line["measure"] == "throughput":
            share = shares[line["database"]].get(line["request"])
            shown = "" if share is None else f"{share:.0%}"
            rows.append(f"| {line['database']} | {line['request']} | {line['per_s']} | {shown} |")
    return rows


def _shares(lines: Sequence[Line]) -> dict[str, dict[str, float]]:
    """Return, for each database, each read's share of the bare page."""
    found: dict[str, dict[str, float]] = {}
    measured = [line for line in lines if line["measure"] == "throughput"]
    for bare in (line for line in measured if line["request"] == "bare page"):
        mine = [line for line in measured if line["database"] == bare["database"] and line is not bare]
        found[bare["database"]] = {line["request"]: line["per_s"] / bare["per_s"] for line in mine}
    return found
