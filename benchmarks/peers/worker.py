"""One run of one method, in the environment of its library: prints one JSON line. Needs numpy, scipy and the library.

    .venv-peers/optuna/bin/python -m benchmarks.peers.worker with_optuna optuna-gp zdt1 0 no 60

`values`: noise-free values after each evaluation (null where it failed); `cpu_ms`: CPU time of ask and tell, each step.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.quality.problems import PROBLEMS, Case


def play(peer: Any, case: Case, seed: int) -> dict[str, Any]:
    """Ask, evaluate, tell, to the budget; the dice of the noise are those of benchmarks.quality.run."""
    noise = np.random.default_rng(1000 + seed)
    true, cpu = [], []
    for _ in range(case.budget):
        start = time.process_time()
        a = peer.ask()
        took = time.process_time() - start
        values = np.array(case.function(a), dtype=float)
        true.append(None if np.isnan(values).any() else values.tolist())
        seen = values + noise.normal(size=len(values)) * np.array(case.noise) if case.noise else values
        start = time.process_time()
        peer.tell(a, None if np.isnan(seen).any() else seen.tolist())
        cpu.append(round(1e3 * (took + time.process_time() - start), 2))
    return {"values": true, "cpu_ms": cpu}


def main(*words: str) -> None:
    """Adapter, method, problem, seed, thresholds (yes or no), budget."""
    adapter, method, name, seed, thresholds, budget = words
    case = PROBLEMS[name].with_thresholds() if thresholds == "yes" else PROBLEMS[name]
    case = replace(case, budget=int(budget))
    peer = import_module(f"benchmarks.peers.{adapter}").Peer(method, case, int(seed))
    print(json.dumps(play(peer, case, int(seed))))


if __name__ == "__main__":
    main(*sys.argv[1:])
