"""What the README shows works as it stands: its commands are run against a running system."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from service.db import Database
from service.models import Observation
from service.settings import Settings
from tests.system import System, eventually

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)

#: `redis-cli -p PORT COMMAND…` for machines without it: the same words, sent by redis-py.
REDIS_CLI = f"""#!{sys.executable}
import sys, redis
_, flag, port, *words = sys.argv
assert flag == "-p"
print(redis.Redis(port=int(port)).execute_command(*words).decode())
"""


def test_its_commands_run_in_the_order_in_which_they_stand(system: System, rows: Database, tmp_path: Path) -> None:
    (tmp_path / "redis-cli").write_text(REDIS_CLI, encoding="utf-8")
    (tmp_path / "redis-cli").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    shell = [text for kind, text in BLOCKS if kind == "sh" and ("curl" in text or "redis-cli" in text)]
    (python,) = (text for kind, text in BLOCKS if kind == "python")
    assert len(shell) == 2
    script = "set -e\n" + here("".join(shell), system).replace("curl ", "curl -sSf ")
    subprocess.run(["bash", "-c", script], check=True, timeout=60, env={"PATH": path})
    program = f"TOKEN = {system.token!r}\n{here(python, system)}"
    ran = subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True)
    assert f"{system.url.replace('127.0.0.1', 'localhost')}/experiments/1/report?guest=" in ran.stdout
    eventually(lambda: count(rows) == 3, what="the three results are stored")


def here(text: str, system: System) -> str:
    """Return the text with the addresses and the token of the running system."""
    text = text.replace("TOKEN=ts_…", f"TOKEN={system.token}")
    web, redis = system.url.rsplit(":", 1)[1], system.redis_url.rsplit(":", 1)[1].split("/")[0]
    return text.replace("8321", web).replace("8322", redis)


def count(rows: Database) -> int:
    with rows.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Observation)) or 0


def test_its_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (ROOT / link).exists(), link


def test_every_setting_stands_in_the_guide() -> None:
    guide = (ROOT / "docs" / "guide" / "running.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `TRADESPACE_(\w+)` \|", guide, flags=re.MULTILINE))
    assert listed == {name.upper() for name in Settings.model_fields}


def test_its_make_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make (\w+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
