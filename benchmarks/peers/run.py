"""Peers and our engine on the problems of benchmarks/quality, in one run: JSON lines, a table and plots.

    python -m benchmarks.peers.run --background             # make bench-peers: goes on by itself, resumes what is there
    python -m benchmarks.peers.run --table                  # only the table, from the lines that are there

A line is one run of one method on one problem with one seed: `curve` is the hypervolume above the judge's point after
each evaluation (noise-free values), `cpu_ms` the CPU time of ask and tell (median of the last ten), or `error` says why
there is none; an error is tried again by the next run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import environments, tables
from benchmarks.peers.environments import LIBRARIES, ROOT, Library
from benchmarks.quality.problems import PROBLEMS, Case
from benchmarks.quality.run import lines, score

OUT = ROOT / "docs" / "benchmarks"
KEY = ("method", "problem", "thresholds", "seed", "budget")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}


def finished(rows: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """Keys of the runs that have a result."""
    return {tuple(row[k] for k in KEY) for row in rows if "error" not in row}


def wanted(options: argparse.Namespace, rows: list[dict[str, Any]]) -> Iterator[tuple[Library, dict[str, Any]]]:
    """The runs that are missing, all methods of one problem and seed one after the other."""
    done = finished(rows)
    for seed in range(options.seeds):
        for name in options.problems:
            for given in {"yes": [True], "no": [False], "both": [False, True]}[options.thresholds]:
                for library in LIBRARIES:
                    for method in library.methods:
                        row = dict(zip(KEY, (method, name, given, seed, options.budget), strict=True))
                        skip = given and (PROBLEMS[name].problem.m == 1 or not library.thresholds)
                        if method in options.methods and not skip and tuple(row.values()) not in done:
                            yield library, row


def curve(case: Case, values: list[list[float] | None]) -> list[float]:
    """Hypervolume after each evaluation."""
    width = len(case.problem.metrics)
    table = np.array([[np.nan] * width if v is None else v for v in values])
    return [float(f"{score(case, table[: i + 1]):.6g}") for i in range(len(table))]


def play(library: Library, row: dict[str, Any], limit_s: float) -> dict[str, Any]:
    """One run in the library's own environment."""
    words = [library.adapter, row["method"], row["problem"], row["seed"], "yes" if row["thresholds"] else "no"]
    command = [str(environments.python(library)), "-m", "benchmarks.peers.worker", *map(str, words), str(row["budget"])]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | ONE_THREAD,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit_s), resource.RLIM_INFINITY)),
    )
    if ended.returncode == -signal.SIGXCPU:
        return row | {"error": f"more than {limit_s:.0f} s of processor time"}
    if ended.returncode:
        return row | {"error": (ended.stderr.strip().splitlines() or ["no message"])[-1][:300]}
    found = json.loads(ended.stdout.splitlines()[-1])
    spent = float(np.median(found["cpu_ms"][-10:]))
    return row | {"curve": curve(PROBLEMS[row["problem"]], found["values"]), "cpu_ms": round(spent, 2)}


def run_missing(options: argparse.Namespace, path: Path) -> dict[str, str]:
    """Append a line a run; the reasons for libraries that could not be installed."""
    end = time.monotonic() + 60 * options.minutes
    used = [library for library in LIBRARIES if set(library.methods) & set(options.methods)]
    reasons = {library.name: reason for library in used if (reason := environments.install(library))}
    for library, row in wanted(options, lines(path)):
        if time.monotonic() > end:
            break
        if library.name not in reasons:
            result = play(library, row, options.limit_s)
            with path.open("a") as file:
                file.write(json.dumps(result) + "\n")
    return reasons


def arguments() -> argparse.ArgumentParser:
    every = [method for library in LIBRARIES for method in library.methods]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--methods", nargs="*", default=every)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--thresholds", choices=["yes", "no", "both"], default="both")
    parser.add_argument("--budget", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=24 * 60, help="start no run after so long")
    parser.add_argument("--limit-s", type=float, default=3600, help="processor time that one run may take")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="run nothing")
    parser.add_argument("--background", action="store_true", help="go on as a process of its own")
    return parser


def detach(out: Path) -> None:
    """The same command without --background, its words in var/benchmarks/peers.log."""
    log = ROOT / "var" / "benchmarks" / "peers.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    rest = [word for word in sys.argv[1:] if word != "--background"]
    with log.open("a") as file:
        command = [sys.executable, "-m", "benchmarks.peers.run", *rest]
        child = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file, start_new_session=True)
    print(f"Running as process {child.pid}: results go to {out / 'peers.jsonl'}, the table at the end to {log}.")
    print("`make bench-peers ARGS=--table` prints what is there; the same command again goes on where it stopped.")


def main() -> None:
    options = arguments().parse_args()
    path = options.out / "peers.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    if options.background and not options.table:
        detach(options.out)
        return
    os.nice(10)
    reasons = {} if options.table else run_missing(options, path)
    text = tables.table(lines(path), reasons)
    print(text)
    (options.out / "peers.md").write_text(text)
    tables.plots(lines(path), options.out)


if __name__ == "__main__":
    main()
