"""Same seed, same data, same answer, however many threads the libraries below would like to use."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
import numpy as np
from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.optimizer import fit, suggest
from objectives.problem import Data, Problem
from objectives.space import Categorical, Double, SearchSpace

doubles = tuple(Double(f"x{i}", 0, 1) for i in range(5))
problem = Problem(SearchSpace((*doubles, Categorical("c", ("a", "b")))), (Metric("f"), Metric("g", "minimize")))
X = problem.space.spread(np.random.default_rng(0).random((240, 6)))
data = Data(problem.space.decode(X), np.column_stack([np.sin(3 * X).sum(axis=1), (X**2).sum(axis=1)]))
rng = np.random.default_rng(1)
models = fit(problem, data, rng=rng)
print({name: theta.tolist() for name, theta in models.thetas.items()})
for candidate in suggest(problem, data, observed_front(problem, data), models, count=3, rng=rng):
    print(candidate)
"""
LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def refresh(threads: int) -> str:
    """What one refresh of 240 configurations in a process of its own prints, to the last digit."""
    environment = {name: value for name, value in os.environ.items() if name not in LIBRARIES}
    environment |= {name: str(threads) for name in LIBRARIES}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_refresh_is_the_same_to_the_last_digit_with_one_thread_and_with_four() -> None:
    assert refresh(1) == refresh(4)
