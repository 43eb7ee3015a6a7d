"""What is tuned and what is wanted of it: the experiment as the service gets it. Replace this by your own."""

from __future__ import annotations

from typing import Any

__all__ = ["FAMILIES", "definition"]

#: Kinds of model. Each has parameters of its own, which do not exist for the others.
FAMILIES = ("logistic_regression", "svm", "random_forest", "nearest_neighbours")
#: The page that asks for a prediction has this much time for it, in milliseconds.
SLOWEST_MS = 5.0
#: A reader that is wrong more often than this is of no use, however cheap.
LEAST_ACCURACY = 0.9
#: Of the quasi-random start and of everything that the service throws dice for.
SEED = 0


def definition(*, budget: int, producers: int) -> dict[str, Any]:
    """Return the experiment: `budget` trials by `producers` at a time."""
    return {
        "name": "handwritten digits",
        "conditionals": [{"name": "family", "values": list(FAMILIES)}],
        "parameters": [
            _whole("components", 5, 60),  # of a principal component analysis that every family starts from
            _log("logistic_c", 1e-3, 1e3, "logistic_regression"),
            _log("svm_c", 1e-1, 1e3, "svm"),
            _log("svm_gamma", 1e-4, 1e-1, "svm"),
            _log("trees", 5, 60, "random_forest", kind="int"),
            {**_whole("depth", 2, 16), "conditions": {"family": ["random_forest"]}},
            {**_whole("neighbours", 1, 30), "conditions": {"family": ["nearest_neighbours"]}},
        ],
        "metrics": [
            {"name": "accuracy", "objective": "maximize", "threshold": LEAST_ACCURACY},
            {"name": "latency_ms", "objective": "minimize", "threshold": SLOWEST_MS},
            {"name": "cost_usd", "objective": "minimize"},
        ],
        "seed": SEED,
        "observation_budget": budget,
        "parallel_bandwidth": producers,
        "metadata": {"data": "UCI handwritten digits, as scikit-learn ships them"},
    }


def _whole(name: str, low: int, high: int) -> dict[str, Any]:
    return {"name": name, "type": "int", "bounds": {"min": low, "max": high}}


def _log(name: str, low: float, high: float, family: str, *, kind: str = "double") -> dict[str, Any]:
    """A parameter of one family that is searched on a logarithmic scale."""
    bounds = {"min": low, "max": high}
    condition = {"family": [family]}
    return {"name": name, "type": kind, "bounds": bounds, "transformation": "log", "conditions": condition}
