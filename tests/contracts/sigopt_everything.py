"""Every other endpoint of SigOpt's core, asked for by its own client: `sigopt_everything.py URL TOKEN`.

The token is an operator's. It runs in the environment of the `sigopt` client (.venv-sigopt) and prints what the client
saw as one JSON document. What it ought to have seen stands in test_sigopt_everything.py.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from sigopt import Connection
from sigopt_trace import TRACE, connect, raised, send, trace

PARAMETERS: Final = [
    {"name": "x", "type": "double", "bounds": {"min": 0, "max": 1}},
    {"name": "n", "type": "int", "bounds": {"min": 1, "max": 9}},
]
PLAIN: Final = {"name": "plain", "parameters": PARAMETERS, "metrics": [{"name": "gain"}], "observation_budget": 12}
#: What SigOpt refused and is taken here (contract, section 2.10).
LIFTED: Final[dict[str, dict[str, Any]]] = {
    "three metrics, no budget": {"metrics": [{"name": "a"}, {"name": "b"}, {"name": "c", "objective": "minimize"}]},
    "a threshold on one metric": {"metrics": [{"name": "a", "threshold": 0.5}]},
    "five constraints": {
        "metrics": [{"name": "a"}, *({"name": n, "strategy": "constraint", "threshold": 1} for n in "bcdef")]
    },
    "tasks with two metrics": {
        "metrics": [{"name": "a"}, {"name": "b"}],
        "tasks": [{"name": "fast", "cost": 0.1}, {"name": "full", "cost": 1}],
    },
    "a log integer": {
        "parameters": [{"name": "n", "type": "int", "bounds": {"min": 1, "max": 999}, "transformation": "log"}]
    },
    "grids with conditionals": {
        "type": "grid",
        "parameters": [
            {"name": "n", "type": "int", "grid": [1, 2, 4], "conditions": {"kind": ["tree"]}},
            {"name": "rate", "type": "double", "grid": [0.1, 0.2]},
        ],
        "conditionals": [{"name": "kind", "values": ["tree", "linear"]}],
    },
}


def team(operator: Connection, url: str) -> tuple[Connection, str, dict[str, Any]]:
    """A client of its own with a token of its own, as a suite would provision them; what becomes of others."""
    made = send(operator, "POST", "clients", name="suite")
    token = send(operator, "POST", f"clients/{made['id']}/tokens", permissions="admin", token_type="client-api")
    connection = connect(url, token["token"])
    client = made["id"]
    renamed = send(operator, "PUT", f"clients/{client}", name="the suite")
    rotating = send(connection, "POST", f"clients/{client}/tokens", name="rotating", permissions="write")
    rotated = send(connection, "PUT", f"tokens/{rotating['token']}", token="rotate")
    listed = send(connection, "GET", f"clients/{client}/tokens")
    ended = send(connection, "DELETE", f"tokens/{rotated['token']}")
    other = send(operator, "POST", "clients", name="short-lived")
    return connection, client, {
        "client": renamed,
        "fetched": connection.clients(client).fetch().to_json(),
        "self": connection.tokens("self").fetch().to_json(),
        "session": send(connection, "GET", "sessions"),
        "rotated": rotated["token"] != rotating["token"],
        "listed": [item["name"] for item in listed["data"]],
        "ended": [ended, raised(lambda: connect(url, rotated["token"]).tokens("self").fetch())],
        "organization": connection.organizations(client).fetch().to_json()["object"],
        "of_organization": [
            send(connection, "GET", f"organizations/{client}/{part}")["count"]
            for part in ("clients", "experiments", "training_runs")
        ],
        "nobody": [
            send(connection, "GET", f"clients/{client}/{part}")["count"]
            for part in ("permissions", "pending_permissions")
        ],
        "signed_out": send(connection, "DELETE", "sessions"),
        "deleted": send(operator, "DELETE", f"clients/{other['id']}"),
        "foreign": raised(lambda: connection.clients(other["id"]).fetch()),
    }  # fmt: skip


def projects(connection: Connection, client: str) -> dict[str, Any]:
    """Projects with notes and experiments, and tags."""
    resource = connection.clients(client).projects()
    made = resource.create(id="search", name="Search", metadata={"owner": "me"})
    project = connection.clients(client).projects("search")
    notes = [send(connection, "POST", f"clients/{client}/projects/search/notes", contents=text) for text in "ab"]
    experiment = connection.clients(client).experiments().create(**PLAIN, project="search")
    return {
        "made": made.to_json(),
        "again": raised(lambda: resource.create(id="search", name="Search")),
        "changed": project.update(name="Searching").to_json(),
        "fetched": project.fetch().to_json(),
        "listed": [item.id for item in connection.clients(client).projects().fetch().iterate_pages()],
        "notes": [note["contents"] for note in notes],
        "newest_note": send(connection, "GET", f"clients/{client}/projects/search/notes")["data"][0]["contents"],
        "experiments": [item.id for item in project.experiments().fetch().iterate_pages()] == [experiment.id],
        "of_client": [item.id for item in connection.clients(client).experiments().fetch().iterate_pages()],
        "tag": send(connection, "POST", f"clients/{client}/tags", name="t", color="#a0b0c0")["color"],
        "tags": send(connection, "GET", f"clients/{client}/tags")["count"],
    }


def views(connection: Connection, client: str) -> dict[str, Any]:
    """A view of runs by the methods that SigOpt's own suite had: the client has none."""
    owner = {"client": client, "project": "search"}
    which = {"parent_resource_type": "project", "web_data_type": "run_view"}
    payload = {"filters": [], "sort": [{"key": "created", "ascending": True}]}
    new = {**which, "parent_resource_id": owner, "display_name": "mine", "payload": payload}
    made = send(connection, "POST", "web_data", **new)
    changed = send(connection, "PUT", "web_data", **{**new, "id": made["id"], "payload": {**payload, "sort": []}})
    found = send(connection, "GET", "web_data", **which, parent_resource_id=owner)
    ended = send(connection, "DELETE", "web_data", **which, parent_resource_id=owner, id=made["id"])
    return {"made": made, "changed": changed["payload"], "found": found["data"] == [changed], "ended": ended}


def experiments(connection: Connection) -> dict[str, Any]:
    """Experiments change, are put away, restored, searched, paged."""
    made = [connection.experiments().create(**{**PLAIN, "name": f"page {n}"}) for n in range(3)]
    resource = connection.experiments(made[0].id)
    changed = resource.update(name="changed", observation_budget=20, metadata={"a": 1}, parallel_bandwidth=2)
    parameters = [*PARAMETERS, {"name": "z", "type": "double", "bounds": {"min": 0, "max": 1}, "default_value": 0.5}]
    wider = resource.update(parameters=parameters)
    deleted = resource.delete()
    state = resource.fetch().state
    return {
        "changed": [changed.name, changed.observation_budget, changed.metadata.to_json(), changed.parallel_bandwidth],
        "parameters": [parameter.name for parameter in wider.parameters],
        "deleted": [deleted, state, resource.update(state="active").state],
        "paged": [item.name for item in connection.experiments().fetch(limit=2, search="page").iterate_pages()],
        "ascending": [item.name for item in connection.experiments().fetch(ascending=True, search="page").data],
        "fields": send(connection, "GET", f"experiments/{made[1].id}", fields="id,name"),
        "lifted": {
            name: connection.experiments().create(**{**_no_budget(), **body}).id for name, body in LIFTED.items()
        },
        "guest": send(connection, "POST", f"experiments/{made[0].id}/tokens")["token_type"],
        "hyperparameters": send(connection, "DELETE", f"experiments/{made[0].id}/hyperparameters"),
        "practices": send(connection, "GET", f"experiments/{made[1].id}/best_practices"),
    }


def _no_budget() -> dict[str, Any]:
    return {name: value for name, value in PLAIN.items() if name != "observation_budget"}


def suggestions(connection: Connection, experiment: str) -> dict[str, Any]:
    """Suggestions and the queue, read, changed and taken away."""
    resource = connection.experiments(experiment)
    first, second, third = (resource.suggestions().create(metadata={"n": n}) for n in range(3))
    queued = [resource.queued_suggestions().create(assignments={"x": n / 4, "n": n}) for n in (1, 2)]
    one = resource.queued_suggestions(queued[1].id)
    fetched = one.fetch().to_json()
    one.delete()
    resource.suggestions(second.id).delete()
    changed = resource.suggestions(first.id).update(metadata={"changed": 1})
    return {
        "queued": [fetched["assignments"], queued[1].to_json()["assignments"]],
        "queue": [item.id for item in resource.queued_suggestions().fetch().iterate_pages()] == [queued[0].id],
        "changed": changed.metadata.to_json(),
        "left": [item.id for item in resource.suggestions().fetch().iterate_pages()] == [third.id, first.id],
        "by_id": [item.id for item in resource.suggestions().fetch(id=f"{first.id},{third.id}").data],
        "ids": [third.id, first.id],
        "gone": [item.id for item in resource.suggestions().fetch(deleted=True).data] == [second.id],
        "first_out": resource.suggestions().create().assignments == queued[0].assignments,
        "all_gone": [resource.suggestions().delete(), resource.suggestions().fetch().count],
    }


def observations(connection: Connection, experiment: str) -> dict[str, Any]:
    """A batch, corrections, sorts, and what is learned from all of it."""
    resource = connection.experiments(experiment)
    before = raised(lambda: resource.metric_importances().fetch())
    reports = [
        {"assignments": {"x": n / 12, "n": 1 + n % 9}, "values": [{"name": "gain", "value": n / 12}]} for n in range(12)
    ]
    batch = resource.observations().create_batch(observations=reports)
    rows = list(batch.iterate_pages())
    dry = resource.observations().create_batch(observations=reports[:1], dry_run=True)
    wrong = [reports[0], {**reports[1], "values": []}]
    corrected = resource.observations(rows[0].id).update(values=[{"name": "gain", "value": 7.0}])
    suggestion = resource.suggestions().create()
    failed = resource.observations().create(suggestion=suggestion.id, failed=True)
    resource.observations(failed.id).delete()
    by_value = resource.observations().fetch(sort="value", limit=5).iterate_pages()
    return {
        "before": before,
        "batch": [len(rows), resource.observations(rows[3].id).fetch().assignments["n"]],
        "dry": [len(dry.data), resource.observations().fetch(limit=0).count],
        "wrong": raised(lambda: resource.observations().create_batch(observations=wrong)),
        "corrected": corrected.values[0].value,
        "by_value": [item.values[0].value for item in by_value],
        "oldest_first": next(resource.observations().fetch(ascending=True, limit=1).iterate_pages()).id == rows[0].id,
        "best": _wait(lambda: [item.values[0].value for item in resource.best_assignments().fetch().data]),
        "importances": _wait(lambda: _importances(resource)),
        "asked_again": send(connection, "PUT", f"experiments/{experiment}/metric_importances"),
        "stop": resource.stopping_criteria().fetch().to_json(),
        "progress": resource.fetch().progress.to_json()["observation_count"],
        "all_gone": [resource.observations().delete(), resource.observations().fetch().count],
    }


def _importances(resource: Any) -> Any:
    seen: list[Any] = []
    answer = raised(lambda: seen.extend(item.to_json() for item in resource.metric_importances().fetch().data))
    return seen if answer["status"] == 200 else None


def _wait(look: Callable[[], Any]) -> Any:
    """Look until there is something to see: fronts and models are made in the background."""
    end = time.monotonic() + 30
    while not (seen := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return seen


def refusals(connection: Connection, client: str) -> dict[str, Any]:
    """What the client can say and no server ever answered."""
    return {
        "importances": raised(lambda: connection.experiments(1).importances().fetch()),
        "training_runs": raised(lambda: connection.experiments(1).training_runs().fetch()),
        "best_training_runs": raised(lambda: connection.experiments(1).best_training_runs().fetch()),
        "organizations": raised(lambda: connection.organizations().fetch()),
        "all training_runs": raised(lambda: connection.training_runs().fetch()),
        "aiexperiments": raised(lambda: connection.aiexperiments().create(name="n")),
        "pki_sessions": raised(lambda: connection.pki_sessions()().create()),
        "method": raised(lambda: send(connection, "DELETE", "experiments")),
        "sessions": raised(lambda: send(connection, "POST", "sessions", email="a@example.com", password="p")),
    }


def main() -> None:
    """Run all of it and print what was seen."""
    url, token = sys.argv[1:]
    trace()
    connection, client, of_team = team(connect(url, token), url)
    experiment = connection.experiments().create(**PLAIN)
    seen = {
        "team": of_team,
        "projects": projects(connection, client),
        "views": views(connection, client),
        "experiments": experiments(connection),
        "suggestions": suggestions(connection, experiment.id),
        "observations": observations(connection, experiment.id),
        "refusals": refusals(connection, client),
        "trace": TRACE,
    }
    json.dump(seen, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
