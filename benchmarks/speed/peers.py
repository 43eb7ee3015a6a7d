"""What a suggestion costs, ours beside Optuna's GPSampler: the same problem, the same results, one thread, one run.

    python -m benchmarks.speed.peers                # make bench-speed: a quarter of an hour on a quiet machine
    python -m benchmarks.speed.peers --quick        # the small rows, two of Optuna's steps each

A row is one problem at one number of results. Ours runs from nothing to the end; its last steps are what is measured
(CPU time of ask and tell: front, fit and suggestion, with the searches for hyperparameters that fall on them). Optuna
is told the results that were there before, and asked for a few. Means, since some steps cost more than others.
Written to docs/benchmarks as JSON lines (`speed_peers.jsonl`) and a table (`speed.md`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import environments
from benchmarks.peers.environments import LIBRARIES, OURS, ROOT, Library
from benchmarks.peers.run import ONE_THREAD, OUT
from benchmarks.quality.problems import PROBLEMS

OPTUNA = next(library for library in LIBRARIES if library.name == "optuna")


@dataclass(frozen=True)
class Row:
    """A problem at `n` results; how many of our last steps, and of Optuna's, are measured; the ratio that is wanted."""

    problem: str
    n: int
    ours: int
    theirs: int
    aim: float


ROWS = (
    Row("branin", 60, 20, 5, 10),
    Row("hartmann6", 60, 20, 5, 10),
    Row("ackley3", 60, 20, 5, 10),
    Row("branin_currin", 60, 20, 5, 40),
    Row("zdt3", 60, 20, 5, 40),
    Row("dtlz2_m2", 60, 20, 5, 40),
    Row("dtlz2_m3", 60, 20, 5, 40),
    Row("vehicle", 60, 20, 5, 40),
    Row("dtlz2_m4", 60, 20, 3, 40),
    Row("dtlz2_m3", 300, 60, 3, 10),
    Row("dtlz2_m3", 1000, 100, 2, 10),
)


def steps(library: Library, method: str, row: Row, told: list[dict[str, Any]], count: int) -> dict[str, Any]:
    """The answer of one worker in the library's environment."""
    words = [library.adapter, method, row.problem, str(row.n), str(count)]
    ended = subprocess.run(
        [str(environments.python(library)), "-m", "benchmarks.speed.worker", *words],
        cwd=ROOT, env=os.environ | ONE_THREAD, input=json.dumps(told), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def measure(row: Row) -> dict[str, Any]:
    """Both methods on one row; mean and median CPU milliseconds of a step."""
    ours = steps(OURS, "tradespace", row, [], row.n)
    mine = ours["cpu_ms"][-row.ours :]
    # Halfway through our measured steps, so that both are asked at the same number of results on average. The first of
    # Optuna's steps is left out: it imports torch and starts cold.
    there = ours["results"][: row.n - row.ours + (row.ours - row.theirs) // 2 - 1]
    theirs = steps(OPTUNA, "optuna-gp", row, there, 1 + row.theirs)["cpu_ms"][1:]
    both = {"ours": mine, "optuna": theirs}
    means = {f"{name}_ms": round(float(np.mean(cpu)), 2) for name, cpu in both.items()}
    medians = {f"{name}_median_ms": round(float(np.median(cpu)), 2) for name, cpu in both.items()}
    ratio = round(means["optuna_ms"] / means["ours_ms"], 1)
    m = PROBLEMS[row.problem].problem.m
    return {"problem": row.problem, "m": m, "n": row.n, **means, **medians, "ratio": ratio, "aim": row.aim}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [
        "# What a suggestion costs, beside Optuna's GPSampler",
        "",
        "CPU milliseconds of one ask and tell near the end (front, fit and suggestion), means on one thread; medians",
        "in brackets. The same results were told to both. Written by `make bench-speed` (benchmarks/speed/peers.py).",
        "",
        "| problem | metrics | results | ours | Optuna 5.0 GPSampler | ratio | aim | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        ours, theirs = (f"{r[f'{who}_ms']:.1f} ({r[f'{who}_median_ms']:.1f})" for who in ("ours", "optuna"))
        verdict = "met" if r["ratio"] >= r["aim"] else "**missed**"
        cells = (r["problem"], r["m"], r["n"], ours, theirs, f"{r['ratio']:.1f}", f"{r['aim']:.0f}", verdict)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="60 results only, two of Optuna's steps, nothing written")
    parser.add_argument("--problems", nargs="*", help="only these")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    if reason := environments.install(OPTUNA):
        raise SystemExit(f"Optuna's environment could not be made: {reason}")
    wanted = [row for row in ROWS if not options.problems or row.problem in options.problems]
    if options.quick:
        wanted = [Row(row.problem, row.n, row.ours, 2, row.aim) for row in wanted if row.n == ROWS[0].n]
    found = []
    for row in wanted:
        found.append(measure(row))
        print(json.dumps(found[-1]), flush=True)
    text = table(found)
    print(text)
    if not options.quick:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "speed_peers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
        (options.out / "speed.md").write_text(text)


if __name__ == "__main__":
    main()
