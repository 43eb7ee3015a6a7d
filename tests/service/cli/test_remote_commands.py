"""Experiments, imports and exports from a shell: against a real server, with its refusals as one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import requests

from tests.conftest import free_port
from tests.service.cli.conftest import Run
from tests.support import BODY

OPTUNA = Path(__file__).parent.parent / "transfer" / "optuna" / "v5.0.journal"


def test_an_experiment_lives_its_whole_life_in_a_shell(run: Run, served: dict[str, str]) -> None:
    made = run("experiment", "create", "-", stdin=json.dumps(BODY), **served)
    assert (made.exit_code, "tradespace experiment suggest 1" in made.output) == (0, True), made.output
    assert "suggestion 1: x=" in run("experiment", "suggest", "1", **served).output
    measured = ("--value", "accuracy=0.9:0.01", "--value", "latency_ms=3", "--metadata", "host=a")
    assert (
        "Observation 1 is stored" in run("experiment", "observe", "1", "--suggestion", "1", *measured, **served).output
    )
    own = ("--assign", "x=0.5", "--assign", "y=1", "--failed", "--json")
    assert json.loads(run("experiment", "observe", "1", *own, **served).output)["failed"] is True
    shown = run("experiment", "show", "1", **served).output
    assert "2 observations, 1 of them failed" in shown
    assert "0 to 1" in shown
    assert "0 on the front" in run("experiment", "front", "1", **served).output
    assert run("experiment", "delete", "1", **served).exit_code == 0
    assert json.loads(run("experiment", "list", "--json", **served).output) == []
    assert run("experiment", "restore", "1", **served).exit_code == 0
    assert "two metrics" in run("experiment", "list", **served).output


def test_an_experiment_goes_to_a_file_and_back(run: Run, served: dict[str, str], tmp_path: Path) -> None:
    run("experiment", "create", "-", stdin=json.dumps(BODY), **served)
    run("experiment", "observe", "1", "--assign", "x=0.5", "--assign", "y=1", "--failed", **served)
    file = tmp_path / "one.json"
    assert run("export", "1", "-o", str(file), **served).exit_code == 0
    assert "--force" in run("export", "1", "-o", str(file), **served).output
    reply = json.loads(run("import", str(file), "--name", "again", "--json", **served).output)
    assert (reply["experiment"], reply["observations"]) == ("2", 1)
    table = run("export", "2", "--format", "csv", **served).output
    (tmp_path / "one.csv").write_text(table, encoding="utf-8")
    again = run("import", str(tmp_path / "one.csv"), "--experiment", "2", **served)
    assert again.output == "0 of 1 observations are new.\n"


def test_an_ai_experiment_comes_back_with_its_runs_into_a_project(
    run: Run, served: dict[str, str], tmp_path: Path
) -> None:
    def post(path: str, body: dict[str, Any]) -> Any:
        token = {"Authorization": f"Bearer {served['TRADESPACE_TOKEN']}"}
        reply = requests.post(f"{served['TRADESPACE_URL']}/v1{path}", json=body, headers=token, timeout=30)
        assert reply.ok, reply.text
        return reply.json()

    for name in ("cats", "dogs"):
        post("/clients/1/projects", {"id": name, "name": name})
    body = {"name": "ai", "parameters": BODY["parameters"], "metrics": [{"name": "accuracy"}]}
    key = post("/clients/1/projects/cats/aiexperiments", body)["id"]
    post(f"/aiexperiments/{key}/training_runs", {"name": "one"})
    assert run("export", key, "-o", str(tmp_path / "ai.json"), **served).exit_code == 0
    done = run("import", str(tmp_path / "ai.json"), "--project", "dogs", **served)
    assert done.output == "Experiment 2: 0 observations, 1 suggestions, 1 runs.\n", done.output
    lost = run("import", str(tmp_path / "ai.json"), "--project", "none", **served)
    assert (lost.exit_code, "Could not assign to project `none`" in lost.stderr) == (1, True)


def test_a_study_of_optunas_comes_in(run: Run, served: dict[str, str]) -> None:
    which = run("import", str(OPTUNA), **served)
    assert (which.exit_code, "'constrained'" in which.output) == (1, True)
    done = run("import", str(OPTUNA), "--study", "one", **served)
    assert done.output == "Experiment 1: 4 observations, 0 suggestions. Left out: 1 PRUNED.\n"


def test_what_is_refused_is_said_in_one_line_with_status_1(run: Run, served: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x,y\n", encoding="utf-8")
    for words, said in (
        (("experiment", "show", "99"), "404: No experiment 99"),
        (("experiment", "create", str(tmp_path / "x")), "is not JSON"),
        (("import", str(tmp_path / "x")), "say which --experiment gets it"),
        (("import", str(tmp_path / "none")), "cannot be read"),
        (("import", "nonsense://x"), "cannot be used"),
    ):
        ran = run(*words, **served)
        assert (ran.exit_code, said in ran.stderr, ran.stderr.count("\n")) == (1, True, 1), ran.stderr


def test_without_a_token_or_a_server_the_status_says_which(run: Run, served: dict[str, str]) -> None:
    missing = run("experiment", "list", **{**served, "TRADESPACE_TOKEN": None})
    assert (missing.exit_code, "set TRADESPACE_TOKEN" in missing.stderr) == (2, True)
    away = run("experiment", "list", **{**served, "TRADESPACE_URL": f"http://127.0.0.1:{free_port()}"})
    assert (away.exit_code, "no answer from" in away.stderr) == (3, True)
    wrong = run("experiment", "observe", "1", "--value", "accuracy", **served)
    assert (wrong.exit_code, "METRIC=VALUE" in wrong.stderr) == (2, True)


def test_a_token_may_lie_in_a_file(run: Run, served: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "token").write_text(served["TRADESPACE_TOKEN"] + "\n", encoding="utf-8")
    url = served["TRADESPACE_URL"]
    ran = run("experiment", "list", "--url", url, "--token-file", str(tmp_path / "token"), TRADESPACE_TOKEN=None)
    assert ran.exit_code == 0, ran.output
