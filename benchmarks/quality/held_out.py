"""Problems that are in no table of ours: a rule is checked on them before it is believed, so that none is tuned to.

    python -m benchmarks.quality.run --problems held_out --label mine

Convex and inverted DTLZ2, DTLZ5 and 7 (Deb et al. 2005, Jain & Deb 2014), Kursawe 1991, SRN (Srinivas & Deb 1994),
Viennet 1996, a front behind waves; a truss, a rocket's injector and a car hit from the side (Tanabe & Ishibuchi 2020);
DTLZ2, Ackley and Rosenbrock with 20 parameters; Styblinski-Tang, eggholder, Shekel, Alpine and Zakharov of one metric.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from benchmarks.quality.problems import Case, _case, ackley, box, dtlz2, minimised, rosenbrock, vector
from objectives.space import Double, SearchSpace

__all__ = ["HELD_OUT"]


def ranges(*limits: tuple[float, float]) -> SearchSpace:
    """Parameters x0, x1 .. with these limits."""
    return SearchSpace(tuple(Double(f"x{i}", low, high) for i, (low, high) in enumerate(limits)))


def truss(a: dict) -> list[float]:
    """Volume and displacement of a truss of four bars."""
    x1, x2, x3, x4 = vector(a).tolist()
    root = 2.0 * math.sqrt(2.0)
    return [
        200.0 * (2.0 * x1 + math.sqrt(2.0) * x2 + math.sqrt(x3) + x4),
        0.01 * (2.0 / x1 + root / x2 - root / x3 + 2.0 / x4),
    ]


def rocket(a: dict) -> list[float]:
    """Face and tip temperature and combustion length of a rocket's injector (polynomial response surfaces)."""
    w, h, o, t = vector(a).tolist()
    face = (
        0.692 + 0.477 * w - 0.687 * h - 0.080 * o - 0.0650 * t - 0.167 * w * w - 0.0129 * h * w + 0.0796 * h * h
        - 0.0634 * o * w - 0.0257 * o * h + 0.0877 * o * o - 0.0521 * t * w + 0.00156 * t * h + 0.00198 * t * o
        + 0.0184 * t * t
    )  # fmt: skip
    length = (
        0.153 - 0.322 * w + 0.396 * h + 0.424 * o + 0.0226 * t + 0.175 * w * w + 0.0185 * h * w - 0.0701 * h * h
        - 0.251 * o * w + 0.179 * o * h + 0.0150 * o * o + 0.0134 * t * w + 0.0296 * t * h + 0.0752 * t * o
        + 0.0192 * t * t
    )  # fmt: skip
    tip = (
        0.370 - 0.205 * w + 0.0307 * h + 0.108 * o + 1.019 * t - 0.135 * w * w + 0.0141 * h * w + 0.0998 * h * h
        + 0.208 * o * w - 0.0301 * o * h - 0.226 * o * o + 0.353 * t * w - 0.0497 * t * o - 0.423 * t * t
        + 0.202 * h * w * w - 0.281 * o * w * w - 0.342 * h * h * w - 0.245 * h * h * o + 0.281 * o * o * h
        - 0.184 * t * t * w - 0.281 * h * w * o
    )  # fmt: skip
    return [face, length, tip]


def car(a: dict) -> list[float]:
    """Weight, force, velocity of the pillar, and the sum of ten limits overstepped, of a car hit from the side."""
    x1, x2, x3, x4, x5, x6, x7 = vector(a).tolist()
    weight = 1.98 + 4.9 * x1 + 6.67 * x2 + 6.98 * x3 + 4.01 * x4 + 1.78 * x5 + 1e-5 * x6 + 2.73 * x7
    force = 4.72 - 0.5 * x4 - 0.19 * x2 * x3
    middle = 10.58 - 0.674 * x1 * x2 - 0.67275 * x2
    door = 16.45 - 0.489 * x3 * x7 - 0.843 * x5 * x6
    slacks = (
        1 - (1.16 - 0.3717 * x2 * x4 - 0.0092928 * x3),
        0.32 - (0.261 - 0.0159 * x1 * x2 - 0.06486 * x1 - 0.019 * x2 * x7 + 0.0144 * x3 * x5 + 0.0154464 * x6),
        0.32 - (0.214 + 0.00817 * x5 - 0.045195 * x1 - 0.0135168 * x1 + 0.03099 * x2 * x6 - 0.018 * x2 * x7
                + 0.007176 * x3 + 0.023232 * x3 - 0.00364 * x5 * x6 - 0.018 * x2 * x2),
        0.32 - (0.74 - 0.61 * x2 - 0.031296 * x3 - 0.031872 * x7 + 0.227 * x2 * x2),
        32 - (28.98 + 3.818 * x3 - 4.2 * x1 * x2 + 1.27296 * x6 - 2.68065 * x7),
        32 - (33.86 + 2.95 * x3 - 5.057 * x1 * x2 - 3.795 * x2 - 3.4431 * x7 + 1.45728),
        32 - (46.36 - 9.9 * x2 - 4.4505 * x1),
        4 - force,
        9.9 - middle,
        15.7 - door,
    )  # fmt: skip
    return [weight, force, 0.5 * (middle + door), sum(max(-slack, 0.0) for slack in slacks)]


def sphere(x: np.ndarray, m: int) -> np.ndarray:
    c, s = np.cos(x[: m - 1] * math.pi / 2), np.sin(x[: m - 1] * math.pi / 2)
    return np.array([np.prod(c[: m - 1 - j]) * (s[m - 1 - j] if j else 1.0) for j in range(m)])


def convex_dtlz2(m: int) -> Callable[[dict], list[float]]:
    def f(a: dict) -> list[float]:
        x = vector(a)
        F = (1 + ((x[m - 1 :] - 0.5) ** 2).sum()) * sphere(x, m)
        return [*(F[:-1] ** 4).tolist(), float(F[-1] ** 2)]

    return f


def inverted_dtlz2(m: int) -> Callable[[dict], list[float]]:
    def f(a: dict) -> list[float]:
        x = vector(a)
        g = ((x[m - 1 :] - 0.5) ** 2).sum()
        return ((1 + g) * (1 - sphere(x, m))).tolist()

    return f


def dtlz5(m: int) -> Callable[[dict], list[float]]:
    def f(a: dict) -> list[float]:
        x = vector(a)
        g = ((x[m - 1 :] - 0.5) ** 2).sum()
        t = np.r_[x[0], (1 + 2 * g * x[1 : m - 1]) / (2 * (1 + g))]
        return ((1 + g) * sphere(t, m)).tolist()

    return f


def dtlz7(m: int) -> Callable[[dict], list[float]]:
    def f(a: dict) -> list[float]:
        x = vector(a)
        g = 1 + 9 * x[m - 1 :].mean()
        h = m - (x[: m - 1] / (1 + g) * (1 + np.sin(3 * math.pi * x[: m - 1]))).sum()
        return [*x[: m - 1].tolist(), float((1 + g) * h)]

    return f


def kursawe(a: dict) -> list[float]:
    x = vector(a)
    near = float((-10 * np.exp(-0.2 * np.sqrt(x[:-1] ** 2 + x[1:] ** 2))).sum())
    return [near, float((np.abs(x) ** 0.8 + 5 * np.sin(x**3)).sum())]


def srn(a: dict) -> list[float]:
    x, y = vector(a)
    return [2 + (x - 2) ** 2 + (y - 1) ** 2, 9 * x - (y - 1) ** 2, 1 - (x * x + y * y) / 225, (3 * y - 10 - x) / 10]


def viennet(a: dict) -> list[float]:
    x, y = vector(a)
    s = x * x + y * y
    return [0.5 * s + math.sin(s), (3 * x - 2 * y + 4) ** 2 / 8 + (x - y + 1) ** 2 / 27 + 15,
            1 / (s + 1) - 1.1 * math.exp(-s)]  # fmt: skip


def waves(m: int) -> Callable[[dict], list[float]]:
    def f(a: dict) -> list[float]:
        x = vector(a)
        t = x[m - 1 :] - 0.35
        g = float((t * t * 4 + 0.15 * (1 - np.cos(6 * math.pi * t))).mean())
        return (g + np.arange(2, 2 * m + 1, 2) / 2 * sphere(x, m)).tolist()

    return f


def styblinski(a: dict) -> list[float]:
    x = vector(a)
    return [float((x**4 - 16 * x**2 + 5 * x).sum() / 2 / len(x))]


def eggholder(a: dict) -> list[float]:
    x, y = vector(a)
    return [float(-(y + 47) * math.sin(math.sqrt(abs(x / 2 + y + 47))) - x * math.sin(math.sqrt(abs(x - y - 47))))]


S_A = np.array([[4, 4, 4, 4], [1, 1, 1, 1], [8, 8, 8, 8], [6, 6, 6, 6], [3, 7, 3, 7], [2, 9, 2, 9], [5, 5, 3, 3],
                [8, 1, 8, 1], [6, 2, 6, 2], [7, 3.6, 7, 3.6]])  # fmt: skip
S_C = np.array([1, 2, 2, 4, 4, 6, 3, 7, 5, 5]) / 10


def shekel(a: dict) -> list[float]:
    x = vector(a)
    return [-float((1 / (((x - S_A) ** 2).sum(axis=1) + S_C)).sum())]


def alpine(a: dict) -> list[float]:
    x = vector(a) - 1.3
    return [float(np.abs(x * np.sin(x) + 0.1 * x).sum())]


def zakharov(a: dict) -> list[float]:
    x = vector(a) - 0.7
    s = float((0.5 * np.arange(1, len(x) + 1) * x).sum())
    return [math.log1p(float((x * x).sum()) + s**2 + s**4)]


TRUSS_SPACE = ranges((1.0, 3.0), (math.sqrt(2), 3.0), (math.sqrt(2), 3.0), (1.0, 3.0))
ROCKET_SPACE = ranges(*[(0.0, 1.0)] * 4)
CAR_SPACE = ranges((0.5, 1.5), (0.45, 1.35), (0.5, 1.5), (0.5, 1.5), (0.875, 2.625), (0.4, 1.2), (0.4, 1.2))
_CASES = (
    _case("truss", TRUSS_SPACE, minimised(2), truss, 3000.0, 0.05),
    _case("rocket", ROCKET_SPACE, minimised(3), rocket, 1.0, 1.1, 1.2),
    _case("car", CAR_SPACE, minimised(4), car, 45.0, 4.5, 13.5, 12.0),
    _case("convex_dtlz2", box(6), minimised(3), convex_dtlz2(3), 1.1, 1.1, 1.1),
    _case("inverted_dtlz2_m3", box(6), minimised(3), inverted_dtlz2(3), 1.1, 1.1, 1.1),
    _case("inverted_dtlz2_m4", box(6), minimised(4), inverted_dtlz2(4), 1.1, 1.1, 1.1, 1.1),
    _case("dtlz5", box(6), minimised(3), dtlz5(3), 0.8, 0.8, 1.1),
    _case("dtlz7_m2", box(5), minimised(2), dtlz7(2), 0.95, 4.2),
    _case("dtlz7_m3", box(6), minimised(3), dtlz7(3), 0.95, 0.95, 6.3),
    _case("dtlz2_d20", box(20), minimised(2), dtlz2(2), 1.6, 1.6),
    _case("kursawe", box(3, -5.0, 5.0), minimised(2), kursawe, -14.0, 1.0),
    _case("srn", box(2, -20.0, 20.0), minimised(2, 2), srn, 250.0, 30.0),
    _case("viennet", box(2, -3.0, 3.0), minimised(3), viennet, 9.0, 17.6, 0.22),
    _case("waves", box(5), minimised(3), waves(3), 1.5, 2.5, 3.5),
    _case("ackley20", box(20, -4.0, 6.0), minimised(1), ackley, 12.0),
    _case("rosenbrock20", box(20, -2.0, 3.0), minimised(1), rosenbrock, 9.5),
    _case("styblinski4", box(4, -5.0, 5.0), minimised(1), styblinski, 0.0),
    _case("eggholder", box(2, -512.0, 512.0), minimised(1), eggholder, 0.0),
    _case("shekel", box(4, 0.0, 10.0), minimised(1), shekel, -0.5),
    _case("alpine3", box(3, -10.0, 10.0), minimised(1), alpine, 12.0),
    _case("zakharov5", box(5, -5.0, 10.0), minimised(1), zakharov, 12.0),
)
HELD_OUT: dict[str, Case] = {case.name: case for case in _CASES}
