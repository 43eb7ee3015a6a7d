"""docker/compose.yaml: valid, complete, and no service with more rights than it needs."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from ruamel.yaml import YAML

from service import cli, embedded
from service.embedded import Plan
from service.settings import PREFIX, Settings
from tests.docker.recipe import ROOT, instructions

TEXT: Final = (ROOT / "docker/compose.yaml").read_text(encoding="utf-8")
FILE: Final[dict[str, Any]] = YAML(typ="safe").load(TEXT)
SERVICES: Final[dict[str, dict[str, Any]]] = FILE["services"]
OURS: Final = {name: service for name, service in SERVICES.items() if service["image"].startswith("tradespace:")}
EXAMPLE: Final = dict(
    line.split("=", 1)
    for line in (ROOT / "docker/.env.example").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)
#: As long as the settings want theirs.
SECRET: Final = "a-secret-of-some-length-and-more"
#: ${NAME}, ${NAME:-default}, ${NAME:?message}
VARIABLE: Final = re.compile(r"(?<!\$)\$\{(\w+)(:[-?][^}]*)?\}")


def filled_in(text: str) -> str:
    """Return `text` with a secret in place of each variable."""
    return VARIABLE.sub(SECRET, text)


def test_it_is_a_compose_file_by_the_official_schema() -> None:
    schema = resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    jsonschema.validate(FILE, json.loads(schema.read_text(encoding="utf-8")))


def test_it_runs_every_process_that_the_embedded_system_runs(tmp_path: Path) -> None:
    plan = Plan("127.0.0.1", 1, 2, tmp_path, "redis://x", "sqlite://", has_own_redis=False)
    assert {command.name for command in embedded.commands(plan)} == set(SERVICES) - {"migrate", "postgres"}


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_tradespaces(name: str) -> None:
    command, *arguments = OURS[name]["command"]
    cli.main.commands[command].make_context(command, arguments)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    given = {key: filled_in(value) for key, value in OURS[name]["environment"].items()}
    assert all(key.startswith(PREFIX) for key in given)
    settings = Settings.from_env(given)
    assert settings.database_url == f"postgresql://tradespace:{SECRET}@postgres:5432/tradespace"
    assert settings.redis_url == f"redis://:{SECRET}@valkey:6379/0"
    assert settings.each_secret_key == [SECRET]


def test_every_ingester_has_a_name_that_survives_a_restart() -> None:
    readers = [s["environment"].get("TRADESPACE_READER") for s in OURS.values() if s["command"][0] == "ingest"]
    assert readers
    assert None not in readers
    assert len(set(readers)) == len(readers)


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_has_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "/tmp" in service["tmpfs"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc"} & set(service)
    if name in OURS:
        assert "user" not in service  # the image's own
        assert instructions("USER")
    else:
        assert service["user"] not in ("root", "0", 0)


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_has_a_version(name: str) -> None:
    _, _, version = SERVICES[name]["image"].partition(":")
    assert re.fullmatch(r"\d+(\.\d+)*", version)


def test_all_of_ours_are_one_image_built_from_the_dockerfile() -> None:
    assert len({service["image"] for service in OURS.values()}) == 1
    for service in OURS.values():
        assert service["build"] == {"context": "..", "dockerfile": "docker/Dockerfile"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_waits_for_what_it_stands_on(name: str) -> None:
    waits = {other: how["condition"] for other, how in SERVICES[name].get("depends_on", {}).items()}
    for other, condition in waits.items():
        if condition == "service_healthy":
            assert "healthcheck" in SERVICES[other]
    if name in OURS and name != "migrate":
        assert waits == {
            "migrate": "service_completed_successfully",
            "postgres": "service_healthy",
            "valkey": "service_healthy",
        }


@pytest.mark.parametrize("name", SERVICES)
def test_what_ends_starts_again(name: str) -> None:
    # The one that has work to finish is started again only until it has done so.
    assert SERVICES[name]["restart"] == ("on-failure" if name == "migrate" else "unless-stopped")


@pytest.mark.parametrize("name", ["valkey", "postgres"])
def test_data_outlive_their_container(name: str) -> None:
    sources = [mount.split(":")[0] for mount in SERVICES[name]["volumes"]]
    assert sources == [name]
    assert name in FILE["volumes"]


def test_files_of_runs_outlive_the_web_server_and_it_may_write_them() -> None:
    web = SERVICES["web"]
    (mount,) = web["volumes"]
    source, _, folder = mount.partition(":")
    assert source in FILE["volumes"]
    assert web["environment"]["TRADESPACE_FILES_DIR"] == folder
    assert any(f"--owner 10001 --group 10001 {folder}" in item.rest for item in instructions("RUN"))


def test_every_service_that_stays_has_a_health_check() -> None:
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {"migrate"}


def test_valkey_drops_nothing() -> None:
    command = SERVICES["valkey"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert (options["--appendonly"], options["--maxmemory-policy"]) == ("yes", "noeviction")


def test_nothing_is_reached_from_elsewhere_unless_it_is_asked_for() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"web": ["${BIND:-127.0.0.1}:8321:8321"], "valkey": ["${BIND:-127.0.0.1}:8322:6379"]}
    assert EXAMPLE["BIND"] == "127.0.0.1"


def test_secrets_have_no_default_and_an_empty_one_is_refused() -> None:
    used = {name: form for name, form in VARIABLE.findall(TEXT) if name != "BIND"}
    assert set(used) == {"POSTGRES_PASSWORD", "VALKEY_PASSWORD", "TRADESPACE_ADMIN_TOKEN", "TRADESPACE_SECRET_KEYS"}
    for name, form in used.items():
        assert form.startswith(":?"), name
        assert EXAMPLE[name] == ""


def test_the_example_of_the_environment_names_every_variable() -> None:
    used = {name for name, _ in VARIABLE.findall(TEXT)}
    assert used | {"COMPOSE_PROJECT_NAME"} == set(EXAMPLE)


def test_git_takes_in_no_filled_in_environment() -> None:
    assert "docker/.env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
