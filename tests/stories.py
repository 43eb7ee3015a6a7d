"""Whole experiments for reports, pages and browsers: each a situation that a page must tell well."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from service.models import Client, Configuration, Experiment, Refresh
from tests.factories import (
    make_configuration,
    make_experiment,
    make_front,
    make_metric,
    make_model_state,
    make_parameter,
    make_rejection,
    make_suggestion,
)

__all__ = ["HOSTILE", "digits", "hostile", "infeasible", "two_metrics", "waiting"]

#: A name that would run, break out of its element, or turn the line around, were it not escaped.
HOSTILE = "</script></title></text><img src=x onerror=alert(1)>\"'&\u202e{{7*7}}"


def front_of(metrics: Sequence[Mapping[str, Any]], configurations: Sequence[Configuration]) -> list[Configuration]:
    """The feasible, non-dominated ones by definition, compared one by one."""
    judged = [metric for metric in metrics if metric["strategy"] != "store"]
    signs = {metric["name"]: 1 if metric["objective"] == "maximize" else -1 for metric in judged}

    def value(configuration: Configuration, name: str) -> float:
        return signs[name] * float(configuration.sums[name]["mean"])

    def is_feasible(configuration: Configuration) -> bool:
        limited = [metric for metric in judged if metric["threshold"] is not None]
        return all(value(configuration, m["name"]) >= signs[m["name"]] * m["threshold"] for m in limited)

    def beats(a: Configuration, b: Configuration) -> bool:
        names = [metric["name"] for metric in judged if metric["strategy"] == "optimize"]
        pairs = [(value(a, name), value(b, name)) for name in names]
        return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)

    measured = [c for c in configurations if all(metric["name"] in c.sums for metric in judged)]
    feasible = [c for c in measured if is_feasible(c)]
    return [c for c in feasible if not any(beats(other, c) for other in feasible)]


def digits(session: Session, client: Client | None = None, *, name: str = "Digits classifier") -> Experiment:
    """48 of 60 trials of a classifier: three metrics traded off, one of them limited, one stored; some failures."""
    rng = random.Random(7)
    metrics = [
        make_metric("accuracy"),
        make_metric("cost_usd", "minimize"),
        make_metric("latency_ms", "minimize", threshold=5.0),
        make_metric("model_kb", "minimize", "store"),
    ]
    parameters = [
        make_parameter("learning_rate", 1e-4, 1.0, transformation="log"),
        make_parameter("trees", 10, 400, type="int"),
    ]
    experiment = make_experiment(session, client=client, name=name, metrics=metrics, parameters=parameters, budget=60)
    configurations = []
    for _ in range(44):
        trees = int(10 ** rng.uniform(1, 2.6))
        rate = 10 ** rng.uniform(-4, 0)
        fit = 1 - math.exp(-trees / 60) - 0.05 * abs(math.log10(rate) + 1.5)
        accuracy = min(0.9 + 0.085 * fit + rng.gauss(0, 0.004), 0.993)
        latency = 0.25 + trees / 55 + rng.uniform(0, 0.6)
        cost = 0.05 + latency * rng.uniform(0.02, 0.06)
        values = {
            "accuracy": (accuracy, 0.0018),
            "latency_ms": (latency, 0.06),
            "cost_usd": (cost, None),
            "model_kb": (trees * 13.0, None),
        }
        configurations.append(
            make_configuration(session, experiment, values, assignments={"learning_rate": rate, "trees": trees})
        )
    refresh = session.get_one(Refresh, experiment.id)
    refresh.failure_count = 2
    progress = [(4, 0.31), (7, 0.52), (11, 0.66), (15, 0.7), (22, 0.86), (29, 0.91), (36, 0.97), (43, 1.0)]
    make_front(
        session,
        experiment,
        front_of(metrics, configurations),
        generation=46,
        observations=48,
        hypervolume=1.0,
        ref_point=[
            {"metric": "accuracy", "value": 0.895, "inferred": True},
            {"metric": "cost_usd", "value": 0.42, "inferred": True},
            {"metric": "latency_ms", "value": 5.0, "inferred": False},
        ],
        progress=progress,
    )
    quality = {
        "accuracy": {"n": 44, "r2": 0.83, "coverage": 0.95, "log_density": -0.4},
        "latency_ms": {"n": 44, "r2": 0.97, "coverage": 0.93, "log_density": 0.8},
        "cost_usd": {"n": 44, "r2": 0.55, "coverage": 0.91, "log_density": -0.9},
    }
    make_model_state(session, experiment, generation=46, quality=quality)
    make_rejection(session, experiment, "unknown metric 'acuracy'; did you mean 'accuracy'?")
    for _ in range(3):
        make_suggestion(session, experiment)
    return experiment


def two_metrics(session: Session, client: Client | None = None, *, count: int = 60) -> Experiment:
    """A front of two metrics: the picture has the line of what was reached."""
    rng = random.Random(3)
    metrics = [make_metric("revenue"), make_metric("churn", "minimize", threshold=0.5)]
    experiment = make_experiment(session, client=client, name="Prices", metrics=metrics)
    configurations = []
    for _ in range(count):
        churn = rng.uniform(0.05, 0.7)
        revenue = 1000 * (1 - math.exp(-6 * churn)) - rng.expovariate(1 / 120)
        configurations.append(
            make_configuration(session, experiment, {"revenue": (revenue, 14.0), "churn": (churn, 0.01)})
        )
    front = front_of(metrics, configurations)
    make_front(
        session, experiment, front, observations=count, hypervolume=2.0, progress=[(3, 0.8), (20, 1.7), (44, 2.0)]
    )
    return experiment


def infeasible(session: Session, client: Client | None = None) -> Experiment:
    """Twelve trials, all of them too slow."""
    metrics = [make_metric("accuracy"), make_metric("latency_ms", "minimize", threshold=5.0)]
    experiment = make_experiment(session, client=client, name="Too slow", metrics=metrics)
    for i in range(12):
        make_configuration(session, experiment, {"accuracy": 0.8 + i / 100, "latency_ms": 6.0 + i})
    refresh = session.get_one(Refresh, experiment.id)
    refresh.observation_count = refresh.data_generation = refresh.front_generation = 12
    return experiment


def waiting(session: Session, client: Client | None = None) -> Experiment:
    """An experiment that nobody has reported to."""
    metrics = [make_metric("accuracy"), make_metric("latency_ms", "minimize", threshold=5.0)]
    parameters = [
        make_parameter("learning_rate", 1e-4, 1.0, transformation="log"),
        make_parameter("depth", 1, 9, type="int"),
    ]
    return make_experiment(session, client=client, name="Just begun", metrics=metrics, parameters=parameters)


def hostile(session: Session, client: Client | None = None) -> Experiment:
    """Names of everything a person may name, all of them hostile."""
    metrics = [make_metric(HOSTILE + "a"), make_metric(HOSTILE + "b", "minimize", threshold=3.0)]
    parameters = [make_parameter(HOSTILE)]
    experiment = make_experiment(session, client=client, name=HOSTILE, metrics=metrics, parameters=parameters)
    configurations = [
        make_configuration(
            session,
            experiment,
            {HOSTILE + "a": (float(i), 0.2), HOSTILE + "b": (i * i / 9, None)},
            assignments={HOSTILE: i / 10},
        )
        for i in range(8)
    ]
    make_front(session, experiment, front_of(metrics, configurations), observations=8, progress=[(2, 0.5), (8, 1.0)])
    make_rejection(session, experiment, f"unknown metric {HOSTILE}")
    make_model_state(session, experiment, quality={HOSTILE + "a": {"r2": 0.1}}, notes=[HOSTILE])
    return experiment
