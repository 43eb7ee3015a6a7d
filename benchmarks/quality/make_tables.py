"""Real tuning problems as tables: scikit-learn's models on its bundled data, every configuration measured once.

    python -m benchmarks.quality.make_tables svc_digits     # minutes each; without a name all of them

The tables lie in benchmarks/quality/tables/, so that all methods see the same numbers on every machine. Errors are
means over three folds; sizes are counted, never timed.
"""

from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from rich.progress import track
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from benchmarks.quality.tuned import FOLDER, SETTINGS

Fit = tuple[Any, np.ndarray, np.ndarray]
Measure = Callable[..., list[float]]


def digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = datasets.load_digits(return_X_y=True)
    return X[:count] / 16.0, y[:count]


def folds(model: Any, X: np.ndarray, y: np.ndarray) -> Iterator[Fit]:
    """The model fitted to each fold's larger part, with the rest."""
    for train, rest in StratifiedKFold(3, shuffle=True, random_state=0).split(X, y):
        yield model.fit(X[train], y[train]), X[rest], y[rest]


def svc_digits(kernel: str, penalty: float, gamma: float, degree: int) -> list[float]:
    """Error and the share of support vectors, which is what a prediction costs."""
    found = [
        (np.mean(m.predict(X) != y), m.n_support_.sum() / 600)
        for m, X, y in folds(SVC(kernel=kernel, C=penalty, gamma=gamma, degree=degree), *digits(900))
    ]
    return np.mean(found, axis=0).tolist()


@lru_cache(1)
def _forests(criterion: str, features: int, depth: int, leaf: int) -> np.ndarray:
    """Error, nodes and comparisons of the first 1, 2, .. trees (trees, 3): a smaller forest is part of a larger one."""
    most = SETTINGS["forest_digits"]["trees"][-1]
    options = {"criterion": criterion, "max_features": features, "max_depth": depth, "min_samples_leaf": leaf}
    found = []
    for m, X, y in folds(RandomForestClassifier(most, random_state=0, **options), *digits(900)):
        votes = np.cumsum([tree.predict_proba(X) for tree in m.estimators_], axis=0)
        nodes = np.cumsum([tree.tree_.node_count for tree in m.estimators_])
        paths = np.cumsum([tree.decision_path(X).sum() / len(X) - 1 for tree in m.estimators_])
        found.append(np.column_stack([(votes.argmax(axis=2) != y).mean(axis=1), nodes / 1000, paths]))
    return np.mean(found, axis=0)


def forest_digits(criterion: str, features: int, depth: int, leaf: int, trees: int) -> list[float]:
    """Error, thousands of nodes, and the comparisons that one prediction costs."""
    return _forests(criterion, features, depth, leaf)[trees - 1].tolist()


@lru_cache(None)
def _net(widths: tuple[int, ...], **options: Any) -> list[float]:
    model = MLPClassifier(widths, batch_size=64, max_iter=30, random_state=0, tol=1e-3, n_iter_no_change=3, **options)
    found = []
    for m, X, y in folds(model, *digits(600)):
        weights = sum(layer.size for layer in m.coefs_)
        found.append((np.mean(m.predict(X) != y), weights * m.n_iter_ * 400 / 1e6))
    return np.mean(found, axis=0).tolist()


def net_digits(*, layers: str, first: int, second: int, solver: str, momentum: float, **options: Any) -> list[float]:
    """Error, and the millions of multiplications that a training's forward passes took until it stopped by itself."""
    widths = (first,) if layers == "one" else (first, second)
    options["learning_rate_init"], options["alpha"] = options.pop("rate"), options.pop("penalty")
    return _net(widths, solver=solver, momentum=momentum if solver == "sgd" else 0.9, **options)


@lru_cache(1)
def _boosted(leaves: int, leaf: int, penalty: float, rate: float) -> np.ndarray:
    """Error and leaves after 1, 2, .. rounds (rounds, 2)."""
    X, y = datasets.load_diabetes(return_X_y=True)
    most, found = SETTINGS["boosting_diabetes"]["rounds"][-1], []
    for train, rest in KFold(3, shuffle=True, random_state=0).split(X):
        model = HistGradientBoostingRegressor(
            learning_rate=rate, max_iter=most, max_leaf_nodes=leaves, min_samples_leaf=leaf, l2_regularization=penalty,
            early_stopping=False, random_state=0,
        ).fit(X[train], y[train])  # fmt: skip
        errors = [np.sqrt(np.mean((guess - y[rest]) ** 2)) for guess in model.staged_predict(X[rest])]
        grown = np.cumsum([tree.get_n_leaf_nodes() for (tree,) in model._predictors])
        found.append(np.column_stack([errors, grown]))
    return np.mean(found, axis=0)


def boosting_diabetes(leaves: int, leaf: int, penalty: float, rate: float, rounds: int) -> list[float]:
    """Root mean square error, and the leaves of all trees."""
    return _boosted(leaves, leaf, penalty, rate)[rounds - 1].tolist()


MEASURES: dict[str, Measure] = {
    "svc_digits": svc_digits,
    "forest_digits": forest_digits,
    "net_digits": net_digits,
    "boosting_diabetes": boosting_diabetes,
}


def main(names: list[str]) -> None:
    warnings.filterwarnings("ignore")
    for name in names or list(MEASURES):
        settings = SETTINGS[name]
        shape = tuple(len(values) for values in settings.values())
        every = list(itertools.product(*settings.values()))
        rows = [MEASURES[name](**dict(zip(settings, values, strict=True))) for values in track(every, name)]
        table = np.array(rows).reshape(*shape, -1)
        np.savez_compressed(FOLDER / f"{name}.npz", table=table.astype(np.float32))


if __name__ == "__main__":
    main(sys.argv[1:])
