"""The four traps of literal top-level packages, and that the documents name what exists (docs/decisions/0001)."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import celery

from tasks.celery import app

ROOT = Path(__file__).parent.parent
OURS = ("objectives", "service", "tasks")


def test_only_our_distribution_provides_the_three_names() -> None:
    providers = metadata.packages_distributions()
    for name in OURS:
        assert set(providers.get(name, ["tradespace-server"])) == {"tradespace-server"}, name
        assert Path(__import__(name).__file__ or "").parent == ROOT / name


def test_no_test_folder_is_a_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
    assert not list((ROOT / "sdk" / "tests").rglob("__init__.py"))


def test_celery_finds_its_app_where_it_looks() -> None:
    found = celery.app.utils.find_app("tasks")
    assert found is app
    assert {"tradespace.refresh", "tradespace.relay", "tradespace.submit_result"} <= _registered()


def _registered() -> set[str]:
    app.loader.import_default_modules()
    return set(app.tasks)


def test_the_docker_folder_is_no_package() -> None:
    assert not (ROOT / "docker" / "__init__.py").exists()


def test_every_module_says_what_is_in_it() -> None:
    for name in OURS:
        for path in (ROOT / name).rglob("*.py"):
            assert path.read_text(encoding="utf-8").lstrip().startswith('"""'), path


def test_the_journeys_name_files_that_exist() -> None:
    text = (ROOT / "docs" / "journeys.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:tasks|service|objectives|sdk|docs|examples)/[\w./-]+)`", text)
    assert len(named) >= 12
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_only_settings_and_the_doors_read_the_environment() -> None:
    """Doors: where a process begins. Everything else is handed what it needs."""
    doors = {"settings.py", "shared.py", "wsgi.py", "celery.py", "ingest.py"} | {
        "relay.py",
        "liveness.py",
        "supervisor.py",
    }
    for name in OURS:
        for path in (ROOT / name).rglob("*.py"):
            if path.name not in doors:
                assert "os.environ" not in path.read_text(encoding="utf-8"), path


def test_no_test_speaks_to_a_service_that_may_be_running_on_this_machine() -> None:
    """Wrong tokens of a test would be counted in its Redis, and the tests held up by what was counted there."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        makes_an_app = "create_app(" in text and "Settings(" in text
        assert not makes_an_app or "redis_url" in text, path
