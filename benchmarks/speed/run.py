"""What a suggestion costs: CPU time of front, fit and suggestions at several sizes, one thread, as JSON lines.

    OMP_NUM_THREADS=1 python -m benchmarks.speed.run --sizes 60 300 1000 10000 --metrics 1 2 3 4
    OMP_NUM_THREADS=1 python -m benchmarks.speed.run --sizes 2000 --metrics 3 --times 1 50    # 100,000 results

Each line is one refresh of an experiment whose models were fitted once before (as a worker does it): `front_ms`,
`fit_ms` (a search for hyperparameters is forced), `condition_ms` (the same without), `append_ms` (with the last models
at hand, to which one result is added), `one_ms`, `pool_ms` and `pool8_ms` (one, four and eight suggestions), `rss_mb`
the most memory the process has held; `times`: how often each of the n configurations was measured, `told_ms` what one
more result costs before it reaches the models. CPU time, since other processes share the machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.optimizer import Models, fit, suggest
from objectives.pooling import Observation, Pool
from objectives.problem import Data, Problem
from objectives.space import Categorical, Double, Int, SearchSpace


def problem(m: int, *, mixed: bool) -> Problem:
    doubles = tuple(Double(f"x{i}", 0, 1) for i in range(4 if mixed else 6))
    extra = (Int("k", 1, 50), Categorical("c", ("a", "b", "c"))) if mixed else ()
    return Problem(SearchSpace(doubles + extra), tuple(Metric(f"f{j}", "minimize") for j in range(m)))


def told(p: Problem, n: int, times: int) -> Pool:
    """Results like those of a search: ever more of them near the Pareto set, each configuration measured so often."""
    rng = np.random.default_rng(0)
    X = p.space.snap(0.5 + (rng.random((n, p.space.d)) - 0.5) * np.linspace(1.0, 0.4, n)[:, None])
    centres = np.linspace(0.3, 0.7, p.m)
    V = np.column_stack([((X - c) ** 2).sum(axis=1) + 0.2 * np.sin(5 * X[:, j]) for j, c in enumerate(centres)])
    noise = 0.01 if times > 1 else 0.0
    pooled, assignments, names = Pool(p), p.space.decode(X), [metric.name for metric in p.metrics]
    for _ in range(times):
        for given, values in zip(assignments, (V + noise * rng.normal(size=V.shape)).tolist(), strict=True):
            pooled.add(Observation(given, dict(zip(names, values, strict=True))))
    return pooled


def one_more(pooled: Pool, observation: Observation) -> Data:
    pooled.add(observation)
    return pooled.data()


def timed(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Median CPU milliseconds, and the last result."""
    took = []
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        took.append(1e3 * (time.process_time() - start))
    return float(np.median(took)), result


def measure(m: int, n: int, *, mixed: bool, times: int) -> dict[str, Any]:
    p = problem(m, mixed=mixed)
    pooled, rng, repeats = told(p, n, times), np.random.default_rng(1), 7 if n <= 300 else 2
    data = pooled.data()
    front_ms, front = timed(lambda: observed_front(p, data), repeats)
    first = Models.from_dict(fit(p, data, rng=rng).to_dict())
    fit_ms, models = timed(lambda: fit(p, data, previous=first, rng=rng, refit=True), repeats)
    condition_ms, _ = timed(lambda: fit(p, data, previous=first, rng=rng, refit=False), repeats)
    before = fit(p, Data(data.assignments[:-1], data.values[:-1]), previous=first, rng=rng, refit=False)
    before.predict(data.assignments[:1])
    append_ms, _ = timed(lambda: fit(p, data, previous=before, rng=rng, refit=False), repeats)
    times_ms = {"front_ms": front_ms, "fit_ms": fit_ms, "condition_ms": condition_ms, "append_ms": append_ms}
    for name, count in (("one_ms", 1), ("pool_ms", 4), ("pool8_ms", 8)):
        times_ms[name], _ = timed(partial(suggest, p, data, front, models, count=count, rng=rng), repeats)
    again = Observation(data.assignments[0], {metric.name: 1.0 for metric in p.metrics})
    times_ms["told_ms"], _ = timed(lambda: one_more(pooled, again), repeats)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    cost = {name: round(value, 1) for name, value in times_ms.items()}
    return {"m": m, "n": n, "times": times, "mixed": mixed, **cost, "rss_mb": rss}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[60, 300, 1000, 10_000])
    parser.add_argument("--metrics", type=int, nargs="*", default=[1, 2, 3, 4])
    parser.add_argument("--times", type=int, nargs="*", default=[1], help="how often each configuration was measured")
    parser.add_argument("--mixed", action="store_true")
    options = parser.parse_args()
    for n in options.sizes:
        for m in options.metrics:
            for times in options.times:
                print(json.dumps(measure(m, n, mixed=options.mixed, times=times)), flush=True)


if __name__ == "__main__":
    main()
