"""What users of SigOpt's AI module wrote and typed, run against Tradespace: `sigopt_runs.py URL TOKEN FOLDER`.

It runs in the environment of the `sigopt` client (.venv-sigopt), in an empty folder, and prints what the client saw as
one JSON document. What it ought to have seen stands in test_sigopt_runs.py.
"""

from __future__ import annotations

import os
import sys

#: Where the answer goes; whatever else is said on the way, the client says much, goes beside it.
ANSWER = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

# ruff: noqa: E402 the client looks at its output when it is imported
import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import requests
import sigopt
import sigopt.interface
from click.testing import CliRunner
from sigopt import Connection
from sigopt.cli.__main__ import sigopt_cli
from sigopt_trace import TRACE, connect, raised, send, trace

EXPERIMENT: Final[dict[str, Any]] = {
    "name": "README of the AI module",
    "parameters": [
        {"name": "x", "type": "double", "bounds": {"min": 0.0, "max": 1.0}},
        {"name": "y", "type": "int", "bounds": {"min": 0, "max": 20}},
    ],
    "metrics": [{"name": "f", "objective": "maximize"}, {"name": "cost", "strategy": "store", "objective": "minimize"}],
    "parallel_bandwidth": 1,
    "budget": 3,
}
#: What people run: it tells of itself through the client's own global run.
PROGRAM: Final = "import sigopt\nprint('trained')\nsigopt.log_metric('f', sigopt.params.setdefault('x', 0.5))\n"
YAML: Final = """\
name: from a file
budget: 1
metrics: [{name: f, objective: maximize}]
parameters: [{name: x, type: double, bounds: {min: 0, max: 1}}]
"""
SVG: Final = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


def readme_loop(connection: Connection) -> dict[str, Any]:
    """The loop of the client's README: create_experiment, loop, log."""
    sigopt.set_project("readme")
    missing = None
    try:
        sigopt.create_experiment(**EXPERIMENT)
    except Exception as error:  # what the client raises is what its user sees
        missing = f"{type(error).__name__}: {error}"
    sigopt.create_project()
    experiment = sigopt.create_experiment(**EXPERIMENT)
    for run in experiment.loop():
        with run:
            run.log_metric("f", run.params.x + run.params.y / 20, stddev=0.1)
            run.log_metrics(cost=run.params.y)
    with raises() as failed, experiment.create_run(name="it breaks"):
        raise ZeroDivisionError
    experiment.refresh()
    runs = [item.to_json() for item in experiment.get_runs()]
    return {
        "missing_project": missing,
        "created": experiment.to_json(),
        "finished": experiment.is_finished(),
        "broken": failed,
        "runs": runs,
        "best": wait(lambda: [item.to_json() for item in experiment.get_best_runs()]),
        "observations": [item.to_json() for item in connection.experiments(experiment.id).observations().fetch().data],
        "moved": connection.experiments(experiment.id).fetch().to_json()["object"],
        "updated": experiment.update(name="another", parameters=experiment.parameters, budget=9).to_json(),
    }


class raises:  # noqa: N801 reads as a phrase
    """Swallow what a block raises and keep its name."""

    def __enter__(self) -> list[str]:
        self.names: list[str] = []
        return self.names

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self.names.append(kind.__name__ if kind else "")
        return True


def wait(look: Callable[[], Any]) -> Any:
    """Look until there is something to see: fronts are made in the background."""
    end = time.monotonic() + 30
    while not (seen := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return seen


def one_run(connection: Connection) -> dict[str, Any]:
    """A run by itself, with all that can be said of one."""
    run = sigopt.create_run(name="by itself", metadata={"team": "search"})
    with run:
        run.params.rate = 0.5
        run.set_parameters({"depth": 3, "kind": "tree"})
        run.set_parameters_source({"depth": 3}, "mine")
        run.set_parameters_sources_meta("mine", 2, True)
        run.log_metric("f", 1.5, stddev=0.25)
        run.log_metadata("epochs", 7)
        run.log_dev_metadata("host", "a")
        run.log_sys_metadata("feature_importances", {"type": "gain", "scores": {"x": 0.75}})
        run.log_dataset("iris")
        run.log_model("forest")
        run.log_source_code(content="1 + 1", hash="f00")
        run.set_logs({"stdout": "x" * 3000})
        run.log_checkpoint({"f": 1.0})
        run.log_checkpoint({"f": 1.25})
        Path("picture.svg").write_text(SVG, encoding="utf-8")
        run.log_image("picture.svg", name="a picture")
    shown = connection.training_runs(run.id).fetch()
    checkpoints = connection.training_runs(run.id).checkpoints()
    newest = next(checkpoints.fetch().iterate_pages())
    file = send(connection, "GET", f"files/{shown.files[0]}")
    return {
        "run": shown.to_json(),
        "typed": [shown.values["f"].value_stddev, shown.assignments["depth"], shown.logs["stdout"][:1]],
        "checkpoints": [item.to_json() for item in checkpoints.fetch(limit=1).iterate_pages()],
        "checkpoint": checkpoints.fetch().count,
        "file": file,
        "bytes": requests.get(file["download"]["url"], timeout=10).text,
        "one_checkpoint": connection.training_runs(run.id).checkpoints(newest.id).fetch().to_json(),
    }


def resources(connection: Connection, client: str) -> dict[str, Any]:
    """What the client's resources for runs and AI experiments do beyond its README."""
    project = connection.clients(client).projects("readme")
    batch = sigopt.upload_runs([{"name": f"u{n}", "values": {"f": {"value": n}}} for n in range(3)])
    whole = project.training_runs().create_batch(runs=[{"name": "u3", "state": "failed"}])
    run = project.training_runs().create(name="plain")
    changed = connection.training_runs(run.id).update(metadata={"a": 1}, favorite=True)
    tag = send(connection, "POST", f"clients/{client}/tags", name="good", color="#010203")
    send(connection, "POST", f"training_runs/{run.id}/tags", id=tag["id"])
    tagged = connection.training_runs(run.id).fetch().tags
    send(connection, "DELETE", f"training_runs/{run.id}/tags/{tag['id']}")
    guest = send(connection, "POST", f"training_runs/{run.id}/tokens")
    filters = [("values.f.value", ">=", 1), ("name", "!=", "x")]
    asked = json.dumps([dict(zip(("field", "operator", "value"), item, strict=True)) for item in filters])
    listed = project.training_runs().fetch(filters=asked, sort="values.f.value", limit=2)
    ai = project.aiexperiments().create(**{key: EXPERIMENT[key] for key in ("name", "parameters", "metrics")})
    started = connection.aiexperiments(ai.id).training_runs().create(name="started", assignments={"x": 0.25, "y": 5})
    return {
        "batch": [item.to_json() for item in batch],
        "whole": [item.to_json()["state"] for item in whole.data],
        "changed": changed.to_json(),
        "tagged": [tagged, [tag["id"]]],
        "tags": [item["id"] for item in send(connection, "GET", f"clients/{client}/tags")["data"]],
        "guest_reads": connect(connection.impl.driver.api_url, guest["token"]).training_runs(run.id).fetch().id
        == run.id,
        "sorted": [item.values["f"].value for item in listed.iterate_pages()],
        "fields": [item["key"] for item in listed.to_json()["defined_fields"]],
        "of_client": send(connection, "GET", f"clients/{client}/training_runs")["count"],
        "started": started.to_json(),
        "deleted": send(connection, "DELETE", f"training_runs/{started.id}")["deleted"],
        "restored": connection.training_runs(started.id).update(deleted=False).deleted,
        "ai_lists": [
            connection.aiexperiments().fetch(limit=1).to_json()["data"][0]["id"],
            send(connection, "GET", f"clients/{client}/aiexperiments")["data"][0]["id"],
            next(project.aiexperiments().fetch().iterate_pages()).id,
            ai.id,
        ],
        "refused": {
            "observation": raised(
                lambda: connection.experiments(ai.id).observations().create(assignments={"x": 0, "y": 1}, values=[])
            ),
            "suggestion": raised(lambda: connection.experiments(ai.id).suggestions().create()),
            "budget": raised(lambda: connection.aiexperiments(ai.id).update(observation_budget=4)),
            "no project": raised(lambda: connection.clients(client).projects("none").training_runs().create(name="n")),
            "no run": raised(lambda: connection.training_runs(10**9).fetch()),
            "sort": raised(lambda: project.training_runs().fetch(sort="nmae")),
        },
        "archived": [
            connection.aiexperiments(ai.id).delete(include_runs="true"),
            connection.aiexperiments(ai.id).fetch().state,
            connection.training_runs(started.id).fetch().deleted,
        ],
    }


def command_line(connection: Connection, client: str) -> dict[str, Any]:
    """Every command that needs no cluster, as it is typed, in an empty folder."""
    answers: dict[str, Any] = {}

    def typed(line: str) -> str:
        ended = CliRunner().invoke(sigopt_cli, line.split(), catch_exceptions=False)
        answers[line] = [ended.exit_code, ended.output]
        return str(ended.output)

    os.environ["SIGOPT_PROJECT"] = "cli"
    typed("version")
    typed("config --api-token typed-in --enable-log-collection --no-enable-cell-tracking")
    Path("new").mkdir()
    with contextlib.chdir("new"):
        typed("init")
        written = sorted(path.name for path in Path.cwd().iterdir())
    typed("create project -p cli --project-name typed")
    typed("create project -p cli")
    Path("program.py").write_text(PROGRAM, encoding="utf-8")
    Path("small.yml").write_text(YAML, encoding="utf-8")
    python = f"{sys.executable} program.py"
    typed("create experiment -e small.yml -p cli")
    project = connection.clients(client).projects("cli")
    small = project.aiexperiments().fetch().data[0].id
    typed(f"start-worker -s program.py {small} {python}")
    typed(f"optimize -e small.yml -s program.py {python}")
    typed(f"run -s program.py {python}")
    run = project.training_runs().fetch().data[0].id
    states = []
    for line in ("archive", "unarchive"):
        typed(f"{line} run {run}")
        typed(f"{line} experiment {small}")
        states.append([connection.training_runs(run).fetch().deleted, connection.aiexperiments(small).fetch().state])
    return {
        "typed": {line.replace(python, "PROGRAM"): answer for line, answer in answers.items()},
        "written": written,
        "runs": [item.to_json() for item in project.training_runs().fetch().data],
        "states": states,
        "experiments": [item.to_json() for item in project.aiexperiments().fetch().data],
    }  # fmt: skip


def main() -> None:
    """Run all of it and print what was seen."""
    url, token, folder = sys.argv[1:]
    os.chdir(folder)
    os.environ.update(SIGOPT_API_URL=url, SIGOPT_API_TOKEN=token)
    trace()
    connection = sigopt.interface.get_connection()
    client = connection.tokens("self").fetch().client
    seen = {
        "loop": readme_loop(connection),
        "run": one_run(connection),
        "resources": resources(connection, client),
        "cli": command_line(connection, client),
        "trace": TRACE,
    }
    json.dump(seen, ANSWER, indent=1)


if __name__ == "__main__":
    main()
