"""One method's steps on results that are already there, in the environment of its library: prints one JSON line.

    echo '[]' | .venv-peers/optuna/bin/python -m benchmarks.speed.worker with_optuna optuna-gp branin_currin 60 20

Reads a JSON list of results, each {"assignments", "values"}; tells them all, goes on with its own suggestions, and
answers with every result and the CPU milliseconds of ask and tell for each new one. Needs numpy, scipy and the library.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.quality.problems import PROBLEMS

SEED = 0


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers as JSON knows them."""
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}


def play(peer: Any, function: Any, told: list[dict[str, Any]], steps: int) -> dict[str, Any]:
    """Tell what is there, then ask, evaluate and tell."""
    for result in told:
        peer.add(result["assignments"], result["values"])
    results, cpu = list(told), []
    for _ in range(steps):
        start = time.process_time()
        a = peer.ask()
        took = time.process_time() - start
        values = [float(v) for v in function(a)]
        start = time.process_time()
        peer.tell(a, values)
        cpu.append(round(1e3 * (took + time.process_time() - start), 3))
        results.append({"assignments": plain(a), "values": values})
    return {"results": results, "cpu_ms": cpu}


def main(*words: str) -> None:
    """Adapter, method, problem, budget, steps."""
    adapter, method, name, budget, steps = words
    case = replace(PROBLEMS[name], budget=int(budget))
    peer = import_module(f"benchmarks.speed.{adapter}").Peer(method, case, SEED)
    print(json.dumps(play(peer, case.function, json.load(sys.stdin), int(steps))))


if __name__ == "__main__":
    main(*sys.argv[1:])
