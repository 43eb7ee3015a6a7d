"""What a short first design gains where every parameter is a category: 10 points or up to 24, on eleven problems.

    python -m benchmarks.quality.categories                  # runs what is missing (some ten minutes), prints the table
    python -m benchmarks.quality.categories --seeds 0        # prints it only

Tables drawn once from a fixed seed, in the manner of the problems that they are called after. Differences of
hypervolume, at the end and in the mean of all marks (every tenth evaluation), as a share of the best run of the
problem; the standard error is that of runs with the same seed.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from unittest import mock

import numpy as np

from benchmarks.quality import run as runner
from benchmarks.quality.problems import Case, minimised
from benchmarks.quality.run import lines, run
from objectives.problem import Problem
from objectives.space import Categorical, SearchSpace
from objectives.strategies import state

FIRST_SEED = 300
SHORT, LONG = 10, 24
MARKS = (10, 20, 30, 40, 50, 60)
RESULTS = Path(__file__).parent / "results" / "categories.jsonl"
_dice = np.random.default_rng(11)

#: the value of each parameter, by number -> values of the metrics, all minimised
Values = Callable[[np.ndarray], Sequence[float]]


def _case(name: str, d: int, levels: int, f: Values, judge: tuple[float, ...]) -> Case:
    words = tuple(f"v{k}" for k in range(levels))
    space = SearchSpace(tuple(Categorical(f"c{i}", words) for i in range(d)))
    return Case(name, Problem(space, minimised(len(judge))), partial(_by_number, f), judge)


def _by_number(f: Values, a: dict[str, str]) -> list[float]:
    return [float(value) for value in f(np.array([int(word[1:]) for word in a.values()]))]


WEIGHT = _dice.uniform(1.0, 10.0, 15)
WORTH = WEIGHT * _dice.uniform(0.5, 1.5, 15)
EDGES = np.triu(_dice.uniform(0.0, 1.0, (14, 14)) * (_dice.random((14, 14)) < 0.4), 1)
RUGGED = _dice.uniform(0.0, 1.0, (2, 8, 3, 3, 3))
ALONE, NEXT_TO = _dice.normal(size=(10, 4)), 0.6 * _dice.normal(size=(9, 4, 4))
LATENCY = _dice.uniform(0.2, 1.0, (10, 4))
LAYER = _dice.normal(size=(12, 16))
STEPS = _dice.normal(size=(9, 5))


def knapsack(x: np.ndarray) -> list[float]:
    """What is carried is worth its worth; what is too heavy costs five times its weight."""
    return [-(WORTH @ x) + 5.0 * max(0.0, WEIGHT @ x - 35.0)]


def knapsack_front(x: np.ndarray) -> list[float]:
    return [-(WORTH @ x), WEIGHT @ x]


def autocorrelation(x: np.ndarray) -> list[float]:
    """Energy of a binary sequence (Golay 1977)."""
    s = 2 * x - 1
    return [sum(float(s[:-k] @ s[k:]) ** 2 for k in range(1, len(s)))]


def cut(x: np.ndarray) -> list[float]:
    return [-float((EDGES * (x[:, None] != x[None, :])).sum())]


def rugged(count: int, x: np.ndarray) -> list[float]:
    """NK landscapes (Kauffman 1989): each place depends on itself, the next and the one after two more."""
    places = np.arange(len(x))
    return [-float(table[places, x, np.roll(x, -1), np.roll(x, -3)].mean()) for table in RUGGED[:count]]


def chain(x: np.ndarray) -> list[float]:
    """Operations in a row, each good or bad by itself and beside its neighbour."""
    return [ALONE[np.arange(10), x].sum() + NEXT_TO[np.arange(9), x[:-1], x[1:]].sum()]


def architecture(x: np.ndarray) -> list[float]:
    return [*chain(x), LATENCY[np.arange(10), x].sum()]


def pests(x: np.ndarray) -> list[float]:
    """A pest that spreads for twelve weeks; each week one of four means, or none, the oftener used the weaker."""
    share, cost, used = 0.2, 0.0, [0] * 5
    for week, means in enumerate(x.tolist()):
        share += (1 - share) * (0.24 + 0.2 * math.sin(week)) * share
        if means:
            strength, wears, price = ((0.9, 2, 1.0), (0.85, 5, 0.8), (0.8, 4, 0.7), (0.75, 1, 0.5))[means - 1]
            share *= 1 - strength * math.exp(-wears / 7 * used[means])
            used[means] += 1
            cost += price * (1 - 0.05 * used[means])
        cost += 6.0 * max(0.0, share - 0.15)
    return [cost]


def network(x: np.ndarray) -> list[float]:
    """A small random network of the values' numbers: smooth, and nothing in it is additive."""
    y = x / 2 - 1
    return [float(np.tanh(LAYER.T @ y / 2) @ np.linspace(-1.0, 1.0, 16)) / 4 + 0.05 * float(y @ y)]


def pipeline(x: np.ndarray) -> list[float]:
    cost = 0.3 * float(x.sum())
    return [10.0 + STEPS[np.arange(9), x].sum() + 0.05 * (cost - 5.0) ** 2, cost]


CASES = (
    _case("knapsack", 15, 2, knapsack, (20.0,)),
    _case("knapsack_front", 15, 2, knapsack_front, (0.0, 80.0)),
    _case("autocorrelation", 14, 2, autocorrelation, (300.0,)),
    _case("cut", 14, 2, cut, (0.0,)),
    _case("nk", 8, 3, partial(rugged, 1), (-0.3,)),
    _case("nk_front", 8, 3, partial(rugged, 2), (-0.3, -0.3)),
    _case("chain", 10, 4, chain, (5.0,)),
    _case("architecture", 10, 4, architecture, (5.0, 9.0)),
    _case("pests", 12, 5, pests, (12.0,)),
    _case("network", 12, 5, network, (1.5,)),
    _case("pipeline", 9, 5, pipeline, (12.0, 10.0)),
)


@contextmanager
def _first_design(most: int) -> Iterator[None]:
    """Have the first design take at most so many points, and scores at every tenth evaluation."""
    with mock.patch.object(state, "MOST_FIRST_CATEGORIES", most), mock.patch.object(runner, "MARKS", MARKS):
        yield


def run_missing(seeds: int, path: Path) -> None:
    """A line a run, those that are missing only."""
    done = {(row["problem"], row["seed"], row["most"]) for row in lines(path)}
    for case in CASES:
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            for most in (SHORT, LONG):
                if (case.name, seed, most) in done:
                    continue
                with _first_design(most), path.open("a") as out:
                    marks = list(run(case, seed, "auto", 1)["marks"].values())
                    print(json.dumps({"problem": case.name, "seed": seed, "most": most, "marks": marks}), file=out)
            print(f"{case.name} {seed}", flush=True)


def table(rows: list[dict]) -> None:
    """Mean differences by problem, ten points against up to 24, and over the problems."""
    print(f"{'problem':<18}{'n':>3}{'end':>9}{'se':>7}{'all marks':>11}{'se':>7}")
    problems = []
    for case in CASES:
        pairs = differences([row for row in rows if row["problem"] == case.name])
        if len(pairs) > 1:
            problems.append(_line(case.name, pairs))
    if len(problems) > 1:
        _line("mean", problems)


def differences(rows: list[dict]) -> list[tuple[float, float]]:
    """What ten points gain at the end and over all marks, a pair of runs with the same seed each."""
    found = {(row["seed"], row["most"]): np.array(row["marks"]) for row in rows}
    best = max((marks.max() for marks in found.values()), default=1.0)
    seeds = [seed for seed, most in found if most == SHORT and (seed, LONG) in found]
    gains = [(found[seed, SHORT] - found[seed, LONG]) / best for seed in seeds]
    return [(float(gain[-1]), float(gain.mean())) for gain in gains]


def _line(name: str, pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Print the means of both with their standard errors; the means."""
    end, whole = zip(*pairs, strict=True)
    print(f"{name:<18}{len(pairs):>3}{mean(end):>+9.3f}{_error(end):>7.3f}{mean(whole):>+11.3f}{_error(whole):>7.3f}")
    return mean(end), mean(whole)


def _error(differences: Sequence[float]) -> float:
    return stdev(differences) / math.sqrt(len(differences))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    options = parser.parse_args()
    run_missing(options.seeds, RESULTS)
    table(lines(RESULTS))


if __name__ == "__main__":
    main()
