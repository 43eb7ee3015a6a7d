"""Train one configuration on the handwritten digits and measure it: accuracy, latency, cost. Nothing is simulated.

Each metric comes as its value and the standard error of that value, so that the models know what to trust. Times depend
on the machine and are measured on one thread; accuracy is the same at every run. Replace this by your own measurement:
`measure` takes a configuration and returns `{metric: (value, standard error)}`.
"""

from __future__ import annotations

import pickle
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from sklearn.datasets import load_digits  # type: ignore[import-untyped]
from sklearn.decomposition import PCA  # type: ignore[import-untyped]
from sklearn.ensemble import RandomForestClassifier  # type: ignore[import-untyped]
from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.model_selection import StratifiedKFold, cross_val_score  # type: ignore[import-untyped]
from sklearn.neighbors import KNeighborsClassifier  # type: ignore[import-untyped]
from sklearn.pipeline import Pipeline, make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]
from sklearn.svm import SVC  # type: ignore[import-untyped]
from threadpoolctl import threadpool_limits

__all__ = ["FailedConfigurationError", "measure"]

#: Of the cross-validation's folds, the forests, and the images that are timed.
SEED: Final = 0
FOLDS: Final = 5
#: Timing: this many rounds; in each, images one by one (each tried several times), and batches: the digits of a form.
ROUNDS: Final = 4
IMAGES: Final = 20
TRIES: Final = 5
BATCH: Final = 10
BATCHES: Final = 30
#: AWS Fargate, Linux on x86, us-east-1, on demand, in 2026. Put in your own.
USD_PER_VCPU_HOUR: Final = 0.04048
USD_PER_GB_HOUR: Final = 0.004445
#: What is paid for: a million predictions in such batches, in a month through which the model stays in memory.
PREDICTIONS: Final = 1_000_000
HOURS: Final = 730

Assignments = Mapping[str, Any]
Measured = tuple[float, float]

FAMILIES: Final[Mapping[str, Callable[[Assignments], Any]]] = {
    "logistic_regression": lambda given: LogisticRegression(C=given["logistic_c"]),
    "svm": lambda given: SVC(C=given["svm_c"], gamma=given["svm_gamma"]),
    "random_forest": lambda given: RandomForestClassifier(given["trees"], max_depth=given["depth"], random_state=SEED),
    "nearest_neighbours": lambda given: KNeighborsClassifier(given["neighbours"]),
}


class FailedConfigurationError(Exception):
    """This configuration does not work: that is a result, too, and is reported as one."""


def measure(assignments: Assignments, *, folds: int = FOLDS, rounds: int = ROUNDS) -> dict[str, Measured]:
    """Train and measure one configuration; raise `FailedConfigurationError` if it cannot be trained."""
    images, digits = _data()
    model = make_pipeline(StandardScaler(), PCA(assignments["components"], random_state=SEED), _classifier(assignments))
    # One thread, as a small server would have: and several producers on one machine do not slow each other down.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            scores = cross_val_score(model, images, digits, cv=_folds(folds), error_score="raise")
            model.fit(images, digits)
        except (ValueError, MemoryError, ConvergenceWarning) as error:
            raise FailedConfigurationError(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
        return {
            "accuracy": _mean(scores),
            "latency_ms": _mean([_latency_ms(model, images, round_) for round_ in range(rounds)]),
            "cost_usd": _mean([_cost_usd(model, images, round_) for round_ in range(rounds)]),
        }


def _classifier(assignments: Assignments) -> Any:
    return FAMILIES[assignments["family"]](assignments)


@cache
def _data() -> tuple[Any, Any]:
    """Return the 1797 images of 8 x 8 pixels, as rows of 64 numbers, and the digits that they show."""
    images, digits = load_digits(return_X_y=True)
    return images, digits


def _folds(count: int) -> StratifiedKFold:
    return StratifiedKFold(count, shuffle=True, random_state=SEED)


def _mean(values: Sequence[float]) -> Measured:
    """Return the mean and its standard error."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _latency_ms(model: Pipeline, images: Any, round_: int) -> float:
    """Return the 95th percentile over images of the time of a single prediction.

    An image's time is the best of a few tries: what the model takes, not what the machine was busy with.
    """
    picked = np.random.default_rng([SEED, round_]).choice(len(images), IMAGES, replace=False)
    times = [min(_seconds(model, images[[index]], time.perf_counter) for _ in range(TRIES)) for index in picked]
    return float(np.percentile(times, 95)) * 1e3


def _cost_usd(model: Pipeline, images: Any, round_: int) -> float:
    """Return the price of a million predictions: CPU while it computes, memory for the whole month."""
    starts = [(round_ * BATCHES + batch) * BATCH % (len(images) - BATCH) for batch in range(BATCHES)]
    busy_s = sum(_seconds(model, images[start : start + BATCH], time.process_time) for start in starts)
    cpu_hours = busy_s / (BATCHES * BATCH) * PREDICTIONS / 3600
    gigabytes = len(pickle.dumps(model)) / 1e9  # nearly all of a model are arrays, and they are as large in memory
    return cpu_hours * USD_PER_VCPU_HOUR + gigabytes * HOURS * USD_PER_GB_HOUR


def _seconds(model: Pipeline, images: Any, clock: Callable[[], float]) -> float:
    start = clock()
    model.predict(images)
    return clock() - start
