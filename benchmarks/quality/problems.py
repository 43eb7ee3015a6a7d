"""The problems: their spaces, metrics and functions, each as published, written down again here.

`PROBLEMS` is a table name -> Case. `function` takes assignments and returns natural values in the order of the metrics;
`judge` is the reference point (natural units) that hypervolumes are counted above.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.quality.engineering import BEAM_SPACE, PENICILLIN_SPACE, penicillin, welded_beam
from benchmarks.quality.tuned import looked_up, space_of
from objectives.metrics import Metric
from objectives.problem import Problem
from objectives.space import Categorical, Double, Int, LinearConstraint, SearchSpace

__all__ = ["PROBLEMS", "Case"]


@dataclass(frozen=True)
class Case:
    """A problem with its judge; noise is the standard deviation added to each metric."""

    name: str
    problem: Problem
    function: Callable[[dict], list[float]]
    judge: tuple[float, ...]
    noise: tuple[float, ...] = ()
    budget: int = 60

    def with_thresholds(self) -> Case:
        """The same with the judge's point given as thresholds."""
        metrics = list(self.problem.metrics)
        for j, limit in zip(self.problem.optimized_index, self.judge, strict=True):
            metrics[j] = replace(metrics[j], threshold=limit)
        return replace(self, problem=Problem(self.problem.space, tuple(metrics)))


def box(d: int, low: float = 0.0, high: float = 1.0) -> SearchSpace:
    return SearchSpace(tuple(Double(f"x{i}", low, high) for i in range(d)))


def minimised(m: int, constraints: int = 0) -> tuple[Metric, ...]:
    wanted = tuple(Metric(f"f{j}", "minimize") for j in range(m))
    return wanted + tuple(Metric(f"g{j}", "maximize", "constraint", 0.0) for j in range(constraints))


def vector(a: dict) -> np.ndarray:
    return np.array([a[f"x{i}"] for i in range(len(a))])


def branin(x: float, y: float) -> float:
    t = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return t * t + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def branin_currin(a: dict) -> list[float]:
    x, y = a["x0"], a["x1"]
    factor = 1 - math.exp(-1 / (2 * max(y, 1e-9)))
    currin = factor * (2300 * x**3 + 1900 * x**2 + 2092 * x + 60) / (100 * x**3 + 500 * x**2 + 4 * x + 20)
    return [branin(15 * x - 5, 15 * y), currin]


def dtlz2(m: int) -> Callable[[dict], list[float]]:
    def f(a: dict) -> list[float]:
        x = vector(a)
        g = float(((x[m - 1 :] - 0.5) ** 2).sum())
        c, s = np.cos(x[: m - 1] * math.pi / 2), np.sin(x[: m - 1] * math.pi / 2)
        return [(1 + g) * float(np.prod(c[: m - 1 - j])) * (float(s[m - 1 - j]) if j else 1.0) for j in range(m)]

    return f


def c2dtlz2(a: dict) -> list[float]:
    f = np.array(dtlz2(2)(a))
    r = 0.2
    on_axis = min((f[i] - 1) ** 2 + f[1 - i] ** 2 - r * r for i in range(2))
    centre = float(((f - 1 / math.sqrt(2)) ** 2).sum()) - r * r
    return [*f.tolist(), -min(on_axis, centre)]


def zdt(kind: int) -> Callable[[dict], list[float]]:
    def f(a: dict) -> list[float]:
        x = vector(a)
        g = 1 + 9 * float(x[1:].mean())
        h = {
            1: lambda r: 1 - math.sqrt(r),
            2: lambda r: 1 - r * r,
            3: lambda r: 1 - math.sqrt(r) - r * math.sin(10 * math.pi * x[0]),
        }[kind](x[0] / g)
        return [float(x[0]), g * h]

    return f


def vehicle(a: dict) -> list[float]:
    x1, x2, x3, x4, x5 = vector(a)
    return [
        1640.2823 + 2.3573285 * x1 + 2.3220035 * x2 + 4.5688768 * x3 + 7.7213633 * x4 + 4.4559504 * x5,
        6.5856 + 1.15 * x1 - 1.0427 * x2 + 0.9738 * x3 + 0.8364 * x4 - 0.3695 * x1 * x4 + 0.0861 * x1 * x5
        + 0.3628 * x2 * x4 - 0.1106 * x1**2 - 0.3437 * x3**2 + 0.1764 * x4**2,
        -0.0551 + 0.0181 * x1 + 0.1024 * x2 + 0.0421 * x3 - 0.0073 * x1 * x2 + 0.024 * x2 * x3 - 0.0118 * x2 * x4
        - 0.0204 * x3 * x4 - 0.008 * x3 * x5 - 0.0241 * x2**2 + 0.0109 * x4**2,
    ]  # fmt: skip


def disc_brake(a: dict) -> list[float]:
    x1, x2, x3, x4 = a["inner"], a["outer"], a["force"], a["discs"]
    square, cube = x2**2 - x1**2, x2**3 - x1**3
    if square <= 0 or cube <= 0:
        return [float("nan")] * 5
    return [
        4.9e-5 * square * (x4 - 1),
        9.82e6 * square / (x3 * x4 * cube),
        0.4 - x3 / (3.14 * square),
        1 - 2.22e-3 * x3 * cube / square**2,
        2.66e-2 * x3 * x4 * cube / square - 900,
    ]


DISC_SPACE = SearchSpace(
    (Double("inner", 55, 80), Double("outer", 75, 110), Double("force", 1000, 3000), Int("discs", 11, 20)),
    (LinearConstraint({"outer": 1.0, "inner": -1.0}, 20.0),),
)

TUNING_SPACE = SearchSpace(
    (
        Categorical("family", ("tree", "net", "linear")),
        Int("depth", 1, 12, conditions=(("family", frozenset({"tree"})),)),
        Double("rate", 1e-4, 1.0, log=True, conditions=(("family", frozenset({"tree", "net"})),)),
        Int("width", 4, 512, log=True, conditions=(("family", frozenset({"net"})),)),
        Categorical("activation", ("relu", "tanh"), conditions=(("family", frozenset({"net"})),)),
        Double("penalty", 1e-5, 10.0, log=True),
    )
)


def tuning(a: dict) -> list[float]:
    p = math.log10(a["penalty"])
    if a["family"] == "linear":
        return [0.30 + 0.01 * (p + 1) ** 2, 0.1 + 0.01 * (p + 5)]
    r = math.log10(a["rate"])
    if a["family"] == "tree":
        error = 0.14 + 0.02 * (r + 1) ** 2 + 0.12 * math.exp(-a["depth"] / 2.5) + 0.002 * max(a["depth"] - 7, 0) ** 2
        return [error + 0.004 * (p + 2) ** 2, 0.2 + 0.09 * a["depth"]]
    w = math.log2(a["width"])
    error = 0.10 + 0.02 * (r + 2.5) ** 2 + 0.35 * math.exp(-w / 2.2) + (0.015 if a["activation"] == "tanh" else 0.0)
    return [error + 0.003 * (p + 3) ** 2, 0.25 + 0.004 * 2 ** (w * 0.9) + 0.1 * (a["activation"] == "tanh")]


MIXED_SPACE = SearchSpace(
    (
        Double("lr", 1e-5, 1.0, log=True),
        Int("layers", 1, 8),
        Int("units", 8, 1024, log=True),
        Categorical("optimizer", ("sgd", "adam", "rms", "ada")),
        Double("dropout", 0.0, 0.9),
    )
)


def mixed(a: dict) -> list[float]:
    best = {"sgd": -1.0, "adam": -3.0, "rms": -2.5, "ada": -2.0}[a["optimizer"]]
    extra = {"sgd": 0.02, "adam": 0.0, "rms": 0.012, "ada": 0.03}[a["optimizer"]]
    size = a["layers"] * math.log2(a["units"])
    error = 0.05 + extra + 0.03 * (math.log10(a["lr"]) - best) ** 2 + 0.8 / (1 + 0.2 * size)
    error += 0.2 * (a["dropout"] - min(0.5, size / 120)) ** 2
    return [
        error,
        0.05 * a["layers"] + a["layers"] * a["units"] / 2500,
        0.1 * math.log2(a["units"]) + a["dropout"] * 0.3,
    ]


def ackley(a: dict) -> list[float]:
    x = vector(a)
    return [float(-20 * np.exp(-0.2 * np.sqrt((x * x).mean())) - np.exp(np.cos(2 * math.pi * x).mean()) + 20 + math.e)]


def levy(a: dict) -> list[float]:
    w = 1 + (vector(a) - 1) / 4
    middle = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)).sum()
    return [float(np.sin(math.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + np.sin(2 * math.pi * w[-1]) ** 2))]


H_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
H_P = 1e-4 * np.array([
    [1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381],
])  # fmt: skip


def hartmann6(a: dict) -> list[float]:
    x = vector(a)
    return [-float(np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-(H_A * (x - H_P) ** 2).sum(axis=1)))]


def rastrigin(a: dict) -> list[float]:
    x = vector(a)
    return [float((x * x - 10 * np.cos(2 * math.pi * x) + 10).sum())]


def griewank(a: dict) -> list[float]:
    x = vector(a)
    return [float((x * x).sum() / 4000 - np.prod(np.cos(x / np.sqrt(np.arange(1, len(x) + 1)))) + 1)]


def michalewicz(a: dict) -> list[float]:
    x = vector(a)
    return [-float((np.sin(x) * np.sin(np.arange(1, len(x) + 1) * x * x / math.pi) ** 20).sum())]


def rosenbrock(a: dict) -> list[float]:
    x = vector(a)
    return [math.log1p(float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()))]


def schwefel(a: dict) -> list[float]:
    x = vector(a)
    return [418.9829 * len(x) - float((x * np.sin(np.sqrt(np.abs(x)))).sum())]


def one_branin(a: dict) -> list[float]:
    return [branin(a["x0"], a["x1"])]


def many_dimensions(a: dict) -> list[float]:
    x = vector(a)
    g = float(((x[1:] - 0.35) ** 2).mean()) * 8
    return [float(x[0]) + 0.2 * g, (1 - math.sqrt(x[0])) + g]


def few_of_many(a: dict) -> list[float]:
    x = vector(a)
    g = float(((x[1:11] - 0.35) ** 2).mean()) * 8
    return [float(x[0]) + 0.2 * g, (1 - math.sqrt(x[0])) + g]


def _case(
    name: str, space: SearchSpace, metrics: tuple[Metric, ...], f: Callable[[dict], list[float]], *judge: float
) -> Case:
    return Case(name, Problem(space, metrics), f, judge)


def _measured(name: str, *judge: float) -> Case:
    """A problem that was measured once, and is looked up."""
    return _case(name, space_of(name), minimised(len(judge)), looked_up(name), *judge)


_ALL = (
    _case("branin_currin", box(2), minimised(2), branin_currin, 18.0, 6.0),
    _case("dtlz2_m2", box(6), minimised(2), dtlz2(2), 1.1, 1.1),
    _case("dtlz2_m3", box(6), minimised(3), dtlz2(3), 1.1, 1.1, 1.1),
    _case("dtlz2_m4", box(6), minimised(4), dtlz2(4), 1.1, 1.1, 1.1, 1.1),
    _case("zdt1", box(5), minimised(2), zdt(1), 1.1, 1.1),
    _case("zdt2", box(5), minimised(2), zdt(2), 1.1, 1.1),
    _case("zdt3", box(5), minimised(2), zdt(3), 1.1, 1.1),
    _case("vehicle", box(5, 1.0, 3.0), minimised(3), vehicle, 1700.0, 11.0, 0.26),
    _case("c2dtlz2", box(4), minimised(2, 1), c2dtlz2, 1.1, 1.1),
    _case("disc_brake", DISC_SPACE, minimised(2, 3), disc_brake, 6.0, 15.0),
    _case("mixed", MIXED_SPACE, minimised(3), mixed, 0.7, 1.5, 1.1),
    _case("conditional", TUNING_SPACE, minimised(2), tuning, 0.5, 2.0),
    _case("d30", box(30), minimised(2), many_dimensions, 1.2, 1.2),
    _case("d100", box(100), minimised(2), few_of_many, 1.2, 1.2),
    _case("penicillin", PENICILLIN_SPACE, minimised(3), penicillin, 0.0, 57.612, 935.5),
    _case("welded_beam", BEAM_SPACE, minimised(2, 4), welded_beam, 40.0, 0.015),
    _measured("svc_digits", 0.1, 0.9),
    _measured("forest_digits", 0.4, 4.0, 200.0),
    _measured("net_digits", 0.3, 20.0),
    _measured("boosting_diabetes", 66.0, 300.0),
    _case("ackley3", box(3, -8.0, 12.0), minimised(1), ackley, 20.0),
    _case("levy4", box(4, -10.0, 10.0), minimised(1), levy, 60.0),
    _case("hartmann6", box(6), minimised(1), hartmann6, 0.0),
    _case("griewank3", box(3, -40.0, 60.0), minimised(1), griewank, 1.5),
    _case("michalewicz4", box(4, 0.0, math.pi), minimised(1), michalewicz, -0.5),
    _case("rosenbrock4", box(4, -2.0, 3.0), minimised(1), rosenbrock, 8.0),
    _case("schwefel2", box(2, -500.0, 500.0), minimised(1), schwefel, 830.0),
    _case("branin", SearchSpace((Double("x0", -5, 10), Double("x1", 0, 15))), minimised(1), one_branin, 40.0),
    _case("rastrigin2", box(2, -4.0, 5.12), minimised(1), rastrigin, 40.0),
)
PROBLEMS: dict[str, Case] = {case.name: case for case in _ALL}
PROBLEMS["noisy_branin_currin"] = replace(PROBLEMS["branin_currin"], name="noisy_branin_currin", noise=(8.0, 0.5))
PROBLEMS["noisy_dtlz2_m2"] = replace(PROBLEMS["dtlz2_m2"], name="noisy_dtlz2_m2", noise=(0.04, 0.04))
