"""Real tuning problems, looked up in tables that benchmarks.quality.make_tables computed once.

A setting that is a number is an integer parameter: the place in its row of values, so that every optimizer takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from objectives.space import Categorical, Int, SearchSpace

__all__ = ["FOLDER", "SETTINGS", "every_value", "looked_up", "space_of"]

FOLDER: Final = Path(__file__).parent / "tables"


def _powers(low: float, high: float, count: int) -> tuple[float, ...]:
    return tuple(float(f"{value:.3g}") for value in np.geomspace(low, high, count))


#: Problem -> setting -> its values.
SETTINGS: Final[Mapping[str, Mapping[str, tuple[Any, ...]]]] = {
    "svc_digits": {
        "kernel": ("linear", "poly", "rbf"),
        "penalty": _powers(1e-3, 1e3, 13),
        "gamma": _powers(1e-4, 1e1, 16),
        "degree": (2, 3, 4),
    },
    "forest_digits": {
        "criterion": ("gini", "entropy"),
        "features": (1, 2, 4, 8, 16, 32),
        "depth": (2, 3, 4, 6, 8, 12, 16),
        "leaf": (1, 2, 4, 8, 16),
        "trees": (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64),
    },
    "net_digits": {
        "layers": ("one", "two"),
        "first": (4, 8, 16, 32, 64),
        "second": (8, 32),
        "activation": ("relu", "tanh"),
        "solver": ("adam", "sgd"),
        "momentum": (0.5, 0.9),
        "rate": _powers(3e-4, 3e-1, 7),
        "penalty": (1e-4, 1e-1, 1e1),
    },
    "boosting_diabetes": {
        "leaves": (2, 3, 4, 6, 8, 12, 16),
        "leaf": (2, 5, 10, 20, 40),
        "penalty": (0.0, 1.0, 10.0, 100.0),
        "rate": _powers(1e-2, 1e0, 9),
        "rounds": (1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 130),
    },
}
#: Settings that only some values of another one have.
CONDITIONS: Final[Mapping[tuple[str, str], tuple[str, frozenset[str]]]] = {
    ("svc_digits", "gamma"): ("kernel", frozenset({"poly", "rbf"})),
    ("svc_digits", "degree"): ("kernel", frozenset({"poly"})),
    ("net_digits", "second"): ("layers", frozenset({"two"})),
    ("net_digits", "momentum"): ("solver", frozenset({"sgd"})),
}


def space_of(name: str) -> SearchSpace:
    """The search space of a problem."""
    return SearchSpace(tuple(_parameter(name, setting, values) for setting, values in SETTINGS[name].items()))


def _parameter(name: str, setting: str, values: tuple[Any, ...]) -> Categorical | Int:
    if isinstance(values[0], str):
        return Categorical(setting, values)
    condition = CONDITIONS.get((name, setting))
    return Int(setting, 0, len(values) - 1, conditions=() if condition is None else (condition,))


@cache
def _table(name: str) -> np.ndarray:
    with np.load(FOLDER / f"{name}.npz") as stored:
        return np.asarray(stored["table"], dtype=float)


def every_value(name: str) -> np.ndarray:
    """All that can be had in a problem (cells, metrics)."""
    table = _table(name)
    return table.reshape(-1, table.shape[-1])


def looked_up(name: str) -> Callable[[dict[str, Any]], list[float]]:
    """The function of a problem: what was measured there once."""
    settings = SETTINGS[name]

    def function(a: dict[str, Any]) -> list[float]:
        # What does not matter for this kernel or net was measured all the same, and is the same at each of its values.
        place = tuple(
            values.index(a[setting]) if isinstance(values[0], str) else int(a.get(setting, 0))
            for setting, values in settings.items()
        )
        return _table(name)[place].tolist()

    return function
