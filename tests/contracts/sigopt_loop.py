"""What a user of the `sigopt` client wrote years ago, run against Tradespace: `sigopt_loop.py URL TOKEN`.

It runs in an environment of its own (.venv-sigopt: the client pins an old urllib3) and prints what the client saw as
one JSON document. What it ought to have seen stands in test_sigopt_client.py.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import sigopt.ratelimit
from sigopt import Connection
from sigopt.exception import ApiException
from sigopt.objects import BestAssignments, Experiment, Suggestion
from sigopt_trace import TRACE, trace

TRIALS: Final = 7
FAILED_TRIAL: Final = 3

EXPERIMENT: Final[Mapping[str, Any]] = {
    "name": "sigopt's own client",
    "parameters": [
        {"name": "rate", "type": "double", "bounds": {"min": 1e-4, "max": 1.0}, "transformation": "log"},
        {"name": "trees", "type": "int", "bounds": {"min": 10, "max": 200}, "conditions": {"model": ["forest"]}},
        {
            "name": "penalty",
            "type": "categorical",
            "categorical_values": ["l1", "l2"],
            "conditions": {"model": "linear"},
        },
    ],
    "conditionals": [{"name": "model", "values": ["forest", "linear"]}],
    "metrics": [
        {"name": "latency_ms", "objective": "minimize", "strategy": "optimize", "threshold": 500.0},
        {"name": "accuracy", "objective": "maximize", "strategy": "optimize"},
    ],
    "observation_budget": TRIALS,
    "parallel_bandwidth": 2,
    "metadata": {"team": "search", "round": 3},
    # People pass what they have, also when they have none.
    "project": None,
}

#: No trial of the loop comes near: once a front is current, this one is on it.
MOST_ACCURATE: Final = [{"name": "accuracy", "value": 0.999}, {"name": "latency_ms", "value": 40.0, "value_stddev": 1}]
PATIENCE_S: Final = 60.0


def evaluate(assignments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Two metrics that pull against each other."""
    size = assignments.get("trees", 20)
    accuracy = 0.9 + size / 4000 - 0.01 * abs(assignments["rate"] - 0.1)
    return [
        {"name": "accuracy", "value": accuracy, "value_stddev": 0.004},
        {"name": "latency_ms", "value": 0.5 + size / 20, "value_stddev": 0.1},
    ]


def optimize(connection: Connection, experiment: Experiment) -> list[dict[str, Any]]:
    """The loop: suggestion, observation, until the budget is used up; one trial fails."""
    trials: list[dict[str, Any]] = []
    while experiment.progress.observation_count < experiment.observation_budget:
        suggestion = connection.experiments(experiment.id).suggestions().create()
        report = (
            {"failed": True}
            if len(trials) == FAILED_TRIAL
            else {"values": evaluate(suggestion.assignments), "metadata": {"host": "a"}}
        )
        observation = connection.experiments(experiment.id).observations().create(suggestion=suggestion.id, **report)
        trials.append({"suggestion": suggestion.to_json(), "observation": observation.to_json()})
        experiment = connection.experiments(experiment.id).fetch()
    return trials


def parallel(connection: Connection, experiment: Experiment) -> dict[str, Any]:
    """Two open suggestions: from a person's queue, and named by the caller. An observation without a suggestion."""
    resource = connection.experiments(experiment.id)
    assignments = {"model": "forest", "rate": 0.02, "trees": 33}
    queued = resource.queued_suggestions().create(assignments=assignments)
    waiting = resource.queued_suggestions().fetch()
    handed_out = resource.suggestions().create()
    named = resource.suggestions().create(assignments={**assignments, "trees": 34}, metadata={"by": "hand"})
    opened: list[Suggestion] = list(resource.suggestions().fetch(state="open").iterate_pages())
    free = resource.observations().create(
        assignments={**assignments, "trees": 35}, values=MOST_ACCURATE, metadata=None, no_optimize=False
    )
    return {
        "queued": queued.to_json(),
        "waiting": waiting.to_json(),
        "handed_out": handed_out.to_json(),
        "named": named.to_json(),
        "open": [item.to_json() for item in opened],
        "free": free.to_json(),
        "same": resource.suggestions(named.id).fetch().to_json(),
    }


def read_back(connection: Connection, experiment: Experiment, *, newest_best: str) -> dict[str, Any]:
    """Everything that users look at afterwards."""
    resource = connection.experiments(experiment.id)
    best = _best_with(resource, newest_best)
    first_page = resource.observations().fetch(limit=3)
    newest = next(first_page.iterate_pages())
    return {
        "experiment": resource.fetch().to_json(),
        "listed": [item.id for item in connection.experiments().fetch(limit=1).iterate_pages()],
        "first_page": first_page.to_json(),
        "observations": [item.to_json() for item in resource.observations().fetch(limit=3).iterate_pages()],
        "newest_values": [[value.name, value.value, value.value_stddev] for value in newest.values],
        "best": [item.to_json() for item in best],
        "best_values": [[[value.name, value.value] for value in item.values] for item in best],
    }


def _best_with(resource: Any, observation_id: str) -> list[BestAssignments]:
    """Ask for the best until the front, which is made in the background, has seen this observation."""
    end = time.monotonic() + PATIENCE_S
    while True:
        best = list(resource.best_assignments().fetch().iterate_pages())
        if observation_id in [item.id for item in best] or time.monotonic() > end:
            return best
        time.sleep(0.1)


def single(connection: Connection) -> dict[str, Any]:
    """The oldest form of the loop: one metric that has no name."""
    parameters = [{"name": "x", "type": "double", "bounds": {"min": 0, "max": 1}}]
    experiment = connection.experiments().create(name="one metric", parameters=parameters)
    resource = connection.experiments(experiment.id)
    suggestion = resource.suggestions().create()
    observation = resource.observations().create(suggestion=suggestion.id, values=[{"value": 0.25}])
    best = _best_with(resource, observation.id)
    return {
        "experiment": experiment.to_json(),
        "observation": observation.to_json(),
        "best": [item.to_json() for item in best],
        "progress": resource.fetch().to_json()["progress"],
    }


def refusals(connection: Connection, url: str, experiment: Experiment) -> dict[str, Any]:
    """What the client raises for what it may not, or cannot, do."""
    stranger = Connection(client_token="unknown-token")
    stranger.set_api_url(url)
    resource = connection.experiments(experiment.id)
    guest_token = resource.tokens().create().token
    guest = Connection(client_token=guest_token)
    guest.set_api_url(url)
    assignments = {"model": "linear", "rate": 0.5, "penalty": "l2"}
    values = evaluate(assignments)
    attempts: Mapping[str, Callable[[], Any]] = {
        "missing experiment": lambda: connection.experiments(999999).fetch(),
        "missing observation": lambda: resource.observations(999999).fetch(),
        "strange id": lambda: connection.experiments("abc").fetch(),
        "unknown token": lambda: stranger.experiments(experiment.id).fetch(),
        "guest writes": lambda: guest.experiments(experiment.id).suggestions().create(),
        "unknown metric": lambda: resource.observations().create(
            assignments=assignments, values=[{"name": "acuracy", "value": 1.0}, values[1]]
        ),
        "missing metric": lambda: resource.observations().create(assignments=assignments, values=values[:1]),
        "negative stddev": lambda: resource.observations().create(
            assignments=assignments, values=[{**values[0], "value_stddev": -1}, values[1]]
        ),
        "failed with values": lambda: resource.observations().create(
            assignments=assignments, values=values, failed=True
        ),
        "unknown parameter": lambda: resource.observations().create(
            assignments={**assignments, "tres": 1}, values=values
        ),
        "unsatisfied parameter": lambda: resource.suggestions().create(assignments={**assignments, "trees": 20}),
        "no bounds": lambda: connection.experiments().create(name="n", parameters=[{"name": "x", "type": "double"}]),
        "unknown key": lambda: connection.experiments().create(
            name="n", parameters=EXPERIMENT["parameters"], colour="red"
        ),
        "no name": lambda: connection.experiments().create(parameters=EXPERIMENT["parameters"]),
        "no such endpoint": lambda: resource.importances().fetch(),
        "too long a page": lambda: resource.observations().fetch(limit=1001),
        "a project": lambda: connection.experiments().create(**{**EXPERIMENT, "project": "mine"}),
        "bad marker": lambda: resource.observations().fetch(before="!"),
    }
    raised = {name: _raised(attempt) for name, attempt in attempts.items()}
    return {**raised, "guest reads": guest.experiments(experiment.id).fetch().to_json()["id"]}


def _raised(attempt: Callable[[], Any]) -> dict[str, Any]:
    # From the fifth refusal in a row on, the client sleeps.
    sigopt.ratelimit.failed_status_rate_limit.clear()
    try:
        answer = attempt()
    except ApiException as error:
        return {"status": error.status_code, "message": error.message, "text": str(error), "body": error.to_json()}
    return {"status": 200, "answer": answer and answer.to_json()}


def main() -> None:
    """Run all of it and print what was seen."""
    url, token = sys.argv[1:]
    trace()
    connection = Connection(client_token=token)
    connection.set_api_url(url)
    experiment = connection.experiments().create(**EXPERIMENT)
    trials = optimize(connection, experiment)
    side_by_side = parallel(connection, experiment)
    seen = {
        "created": experiment.to_json(),
        "trials": trials,
        "parallel": side_by_side,
        "read": read_back(connection, experiment, newest_best=side_by_side["free"]["id"]),
        "single": single(connection),
        "refusals": refusals(connection, url, experiment),
        "trace": TRACE,
    }
    json.dump(seen, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
