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
from typing import Any

import numpy as np
from rich.progress import track
from sklearn import datasets
from sklearn.model_selection import StratifiedKFold
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


MEASURES: dict[str, Measure] = {
    "svc_digits": svc_digits,
}


def main(names: list[str]) -> None:
    warnings.filterwarnings("ignore")
    for name in names or list(MEASURES):
        settings = SETTINGS[name]
        shape = tuple(len(values) for values in settings.values())
        every = list(itertools.product(*settings.values()))
        rows = [MEASURES[name](*values) for values in track(every, name)]
        table = np.array(rows).reshape(*shape, -1)
        np.savez_compressed(FOLDER / f"{name}.npz", table=table.astype(np.float32))


if __name__ == "__main__":
    main(sys.argv[1:])
