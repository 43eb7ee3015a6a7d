"""The whole system under load: how long a suggestion takes, with workers and without; how many reads a second.

    python -m benchmarks.load.run                      # make bench-load: SQLite and PostgreSQL, about ten minutes
    python -m benchmarks.load.run --quick              # a minute, to see whether it runs; writes nothing
    python -m benchmarks.load.run --databases sqlite --seconds 20

Every number comes from real processes on loopback: Valkey, granian, Celery, ingester, relay. One line a result goes to
docs/benchmarks/load.jsonl, the table to docs/benchmarks/load.md. Run it on a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.load.client import Answer, Request, Sample, flat_out, steady
from benchmarks.load.seed import TOKEN, assignments, seed, values, wait_for_models
from benchmarks.load.servers import System, bare_server, postgresql
from benchmarks.load.tables import ANEW, table

__all__ = ["main"]

FOLDER: Final = Path(__file__).parents[2] / "docs" / "benchmarks"
#: Of every hundred requests: suggestions claimed, results reported, and what people and dashboards read.
MIX: Final = {"suggestion": 20, "observation": 20, "experiment": 20, "front": 10, "observations": 15, "suggestions": 15}
_READS: Final = {
    "experiment": "/v1/experiments/{key}",
    "front": "/v1/experiments/{key}/front",
    "observations": "/v1/experiments/{key}/observations?limit=10",
    "suggestions": "/v1/experiments/{key}/suggestions?limit=10&state=open",
}
_HOST: Final = "127.0.0.1"


class Mix:
    """An endless mix of requests to `keys`; a suggestion that was claimed is reported later."""

    def __init__(self, keys: list[int], dice: random.Random) -> None:
        self._keys = keys
        self._dice = dice
        self._claimed: deque[tuple[int, str, dict[str, Any]]] = deque()

    def __iter__(self) -> Iterator[Request]:
        kinds, weights = list(MIX), list(MIX.values())
        while True:
            kind, key = self._dice.choices(kinds, weights)[0], self._dice.choice(self._keys)
            yield self._write(kind, key) if kind in ("suggestion", "observation") else _read(kind, key)

    def _write(self, kind: str, key: int) -> Request:
        if kind == "suggestion":
            return Request(
                kind, "POST", f"/v1/experiments/{key}/suggestions", {}, lambda answer: self._keep(key, answer)
            )
        if self._claimed:
            key, suggestion, given = self._claimed.popleft()
            body = {"suggestion": suggestion, "values": values(given)}
        else:
            given = assignments(self._dice)
            body = {"assignments": given, "values": values(given)}
        return Request(kind, "POST", f"/v1/experiments/{key}/observations", body)

    def _keep(self, key: int, answer: Answer) -> None:
        suggestion = answer.json()
        self._claimed.append((key, suggestion["id"], suggestion["assignments"]))


def _read(kind: str, key: int) -> Request:
    return Request(kind, "GET", _READS[kind].format(key=key))


def _read_anew(kind: str, key: int, number: int) -> Request:
    """Return a read that nobody has asked for: an address that no reply was kept for."""
    request = _read(kind, key)
    return replace(request, path=f"{request.path}{'&' if '?' in request.path else '?'}asked={number}")


def main() -> None:
    """Run it."""
    asked = _arguments()
    lines: list[dict[str, Any]] = []
    for kind in asked.databases:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tradespace-load-")))
            url = f"sqlite:///{folder}/tradespace.db" if kind == "sqlite" else stack.enter_context(postgresql())
            lines += [{"database": kind, **line} for line in _measured(url, folder, asked)]
    if not asked.quick:
        _write(lines, asked)
    sys.stdout.write(table(lines) + "\n")


def _measured(url: str, folder: Path, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    begin = time.monotonic()
    keys = seed(url, experiment_count=asked.experiments, observation_count=asked.observations)
    _say(f"seeded {len(keys)} experiments in {time.monotonic() - begin:.0f} s")
    with System(url, folder) as system:
        took = wait_for_models(url, within_s=asked.fit_s)
        _say(f"models made in {took:.0f} s")
        for phase in ("warm", "workers dead"):
            if phase == "workers dead":
                system.kill_workers()
                time.sleep(1)
            mix = iter(Mix(keys, random.Random(phase)))
            # A process that has just started compiles its statements and opens its connections: not a steady state.
            steady(mix, _HOST, system.port, TOKEN, rate=asked.rate, seconds=asked.warm_up_s)
            samples = steady(mix, _HOST, system.port, TOKEN, rate=asked.rate, seconds=asked.seconds)
            yield from _latencies(phase, samples, asked)
        for kind in _READS:
            requests = (_read(kind, random.choice(keys)) for _ in iter(int, 1))
            yield _throughput(f"GET {kind}", flat_out(requests, _HOST, system.port, TOKEN, seconds=asked.read_s))
            anew = (_read_anew(kind, random.choice(keys), number) for number in count())
            made = flat_out(anew, _HOST, system.port, TOKEN, seconds=asked.read_s)
            yield _throughput(f"GET {kind}{ANEW}", made)
    with bare_server(url, folder) as port:
        requests = (_read("experiment", random.choice(keys)) for _ in iter(int, 1))
        yield _throughput("bare page", flat_out(requests, _HOST, port, TOKEN, seconds=asked.read_s))


def _latencies(phase: str, samples: list[Sample], asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield a line for each kind of request: how many, how long, what went wrong."""
    for kind in MIX:
        mine = [sample for sample in samples if sample.kind == kind]
        took = sorted(sample.latency_s for sample in mine)
        line: dict[str, Any] = {
            "measure": "latency",
            "phase": phase,
            "request": kind,
            "rate": asked.rate,
            "count": len(mine),
            "p50_ms": _quantile(took, 0.5),
            "p95_ms": _quantile(took, 0.95),
            "p99_ms": _quantile(took, 0.99),
            "max_ms": _quantile(took, 1.0),
            "errors": sum(sample.status != 200 for sample in mine),
        }
        if kind == "suggestion":
            line["sources"] = dict(Counter(sample.source for sample in mine))
            line["p99_ms_by_source"] = {source: _p99_of(mine, source) for source in line["sources"]}
        yield line


def _p99_of(samples: list[Sample], source: str) -> float | None:
    return _quantile(sorted(sample.latency_s for sample in samples if sample.source == source), 0.99)


def _quantile(ordered: list[float], share: float) -> float | None:
    return round(1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None


def _throughput(what: str, per_s: float) -> dict[str, Any]:
    return {"measure": "throughput", "request": what, "per_s": round(per_s, 1)}


def _write(lines: list[dict[str, Any]], asked: argparse.Namespace) -> None:
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "experiments": asked.experiments,
        "observations": asked.observations,
        "seconds": asked.seconds,
        "warm_up_s": asked.warm_up_s,
    }
    text = "".join(json.dumps({**about, **line}) + "\n" for line in lines)
    (FOLDER / "load.jsonl").write_text(text, encoding="utf-8")
    (FOLDER / "load.md").write_text(table(lines, about=about) + "\n", encoding="utf-8")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--experiments", type=int, default=100)
    parser.add_argument("--observations", type=int, default=1000, help="of each experiment")
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60, help="of each phase at that rate")
    parser.add_argument("--warm-up-s", type=float, default=5, help="of each phase, at that rate, not counted")
    parser.add_argument("--read-s", type=float, default=8, help="seconds of each throughput")
    parser.add_argument("--fit-s", type=float, default=600, help="longest wait for the models, in seconds")
    parser.add_argument("--quick", action="store_true", help="small numbers, nothing written")
    asked = parser.parse_args()
    if asked.quick:
        asked.experiments, asked.observations, asked.seconds, asked.read_s, asked.fit_s = 10, 60, 6, 2, 60
    return asked


if __name__ == "__main__":
    main()
