"""The server that the fuzz of the API goes to: as it runs in production, with one thing of every kind in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from service.db import Database
from service.embedded import web_arguments
from service.tokens import issue
from tasks.optimize import refresh_once
from tests.support import BODY, new_client
from tests.system import eventually, unused_ports

__all__ = ["COMMITTED", "REFUSED", "TAKEN_OR_TOLD", "Server", "document_of"]

COMMITTED: Final = Path(__file__).parents[2] / "docs" / "contracts" / "openapi.json"
#: What a schema allows may still contradict itself (bounds the wrong way round), or depend on a state.
TAKEN_OR_TOLD: Final = ("2xx", "3xx", "400", "401", "403", "404", "409", "412", "413", "422", "429")
#: What a schema does not allow is never taken.
REFUSED: Final = ("400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428")


class Server:
    """The web server as it runs in production, with a client that has one thing of every kind."""

    def __init__(self, folder: Path, template: Path, redis_url: str) -> None:
        shutil.copy(template, folder / "tradespace.db")
        self.database = Database(f"sqlite:///{folder / 'tradespace.db'}")
        now = datetime.now(UTC)
        with self.database.write() as session:
            self.client, _ = new_client(session, now=now)
            self.token = issue(session, client_id=self.client, name="fuzz", permission="operator", now=now)[1]
            self.victim = issue(session, client_id=self.client, name="victim", permission="read", now=now)[0].id
        (port,) = unused_ports(1)
        own = {name: value for name, value in os.environ.items() if not name.startswith("TRADESPACE_")}
        env = {
            "TRADESPACE_DATABASE_URL": self.database.url.render_as_string(hide_password=False),
            "TRADESPACE_REDIS_URL": redis_url,
            "TRADESPACE_SUGGESTION_WAIT_S": "0",
            "TRADESPACE_WEBHOOK_ALLOW_HOSTS": "127.0.0.1",  # nobody has to be looked up
            "TRADESPACE_FILES_DIR": str(folder / "files"),
            **{f"TRADESPACE_LIMIT_{what}": "0" for what in ("READS_PER_S", "WRITES_PER_S", "LOGINS")},
        }
        command = [sys.executable, "-m", *web_arguments("127.0.0.1", port)]
        child = [sys.executable, "-m", "service.child", str(os.getpid()), *command]
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(child, env={**own, **env}, stdout=log, stderr=subprocess.STDOUT)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=(self.token, ""), timeout=30)
        eventually(self._is_up, what="the web server answers")
        self.paths = self._paths()

    def _is_up(self) -> bool:
        try:
            return self.http.get("/livez").status_code == 200
        except httpx.TransportError:
            return False

    def _post(self, path: str, body: Any) -> str:
        reply = self.http.post(path, json=body)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["id"])

    def _paths(self) -> dict[str, str]:
        """One thing of every kind, by the name that a path calls it."""
        mine = f"/v1/clients/{self.client}"
        experiment = self._post("/v1/experiments", BODY)
        under = f"/v1/experiments/{experiment}"
        spots = [{"x": 0.1 * number, "y": 0.9 - 0.05 * number} for number in range(8)]
        measured = [{"accuracy": 1 - (spot["x"] - 0.3) ** 2, "latency_ms": spot["x"] + spot["y"]} for spot in spots]
        observations = [
            self._post(f"{under}/observations", {"assignments": spot, "values": values})
            for spot, values in zip(spots, measured, strict=True)
        ]
        while refresh_once(self.database, int(experiment), pool_size=3):
            pass
        project = self._post(f"{mine}/projects", {"id": "p", "name": "p"})
        run = self._post(f"{mine}/projects/{project}/training_runs", {"name": "run"})
        of_runs = {**BODY, "metrics": [{"name": "f"}], "budget": 60}
        self.ai = self._post(f"{mine}/projects/{project}/aiexperiments", of_runs)
        self.queued = self._post(f"{under}/queued_suggestions", {"assignments": spots[0]})
        return {
            "client_id": str(self.client),
            "organization_id": str(self.client),
            "project_id": project,
            "experiment_id": experiment,
            "observation_id": observations[0],
            "suggestion_id": self._post(f"{under}/suggestions", {"assignments": spots[1]}),
            "webhook_id": self._post("/v1/webhooks", {"url": "http://127.0.0.1:9/hook"}),
            "training_run_id": run,
            "checkpoint_id": self._post(f"/v1/training_runs/{run}/checkpoints", {"values": []}),
            "tag_id": self._post(f"{mine}/tags", {"name": "t", "color": "#112233"}),
            "token": "self",
        }

    def stop(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(10)
        self.database.close()


def _elsewhere(path: str, server: Server) -> dict[str, str]:
    """What names mean something else below this path."""
    if path.startswith("/v1/aiexperiments"):
        return {"experiment_id": server.ai}
    return {"suggestion_id": server.queued} if "/queued_suggestions/" in path else {}


def document_of(server: Server) -> dict[str, Any]:
    """The document, with ids of what there is; what would end our client or token is told of nobody's."""
    document: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    document["servers"] = [{"url": str(server.http.base_url)}]
    for path, item in document["paths"].items():
        for parameter in item.get("parameters", ()):
            found = {**server.paths, **_elsewhere(path, server)}.get(parameter["name"])
            if found is not None:
                parameter["schema"] = {"enum": [found]}
        name = path.rpartition("{")[2].rstrip("}")
        nobody = {"client_id": "999999999", "token": str(server.victim), "experiment_id": "999999999"}.get(name)
        for method in ("delete", "put") if path.endswith("}") and nobody else ():
            if method in item and (method == "delete" or name == "token"):
                own = {"name": name, "in": "path", "required": True, "schema": {"enum": [nobody]}}
                item[method]["parameters"] = [own, *item[method]["parameters"]]
    return document
