"""The long form of the fuzz, run by `make fuzz`: examples, every edge of every schema, thousands of others, walks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.contracts.fuzzed import REFUSED, TAKEN_OR_TOLD, Server, document_of

#: Of each operation.
EXAMPLES: Final = os.environ.get("FUZZ_EXAMPLES", "50")
CONFIG: Final = f"""
[checks]
max_response_time = 10.0
# What is deleted stays readable, and says so: SigOpt's clients know it like that.
use_after_free.enabled = false
[phases.stateful]
enabled = true
[checks.positive_data_acceptance]
expected-statuses = {json.dumps(TAKEN_OR_TOLD)}
[checks.negative_data_rejection]
expected-statuses = {json.dumps(REFUSED)}
# OpenAPI 3.1 has no word for the verb MERGE, which this path takes as well.
[[operations]]
include-path = "/v1/training_runs/{{training_run_id}}"
[operations.checks]
allow_header_conformance.enabled = false
"""


def test_the_api_is_what_its_document_says(tmp_path: Path, sqlite_template: Path, valkey_server: str) -> None:
    server = Server(tmp_path, sqlite_template, valkey_server)
    try:
        assert run(server, tmp_path).returncode == 0
    finally:
        server.stop()
    log = server.log.read_text(encoding="utf-8")
    assert "unexpected error" not in log, log[-4000:]


def run(server: Server, folder: Path) -> subprocess.CompletedProcess[Any]:
    document, config = folder / "openapi.json", folder / "schemathesis.toml"
    document.write_text(json.dumps(document_of(server)), encoding="utf-8")
    config.write_text(CONFIG, encoding="utf-8")
    command = [
        *(str(Path(sys.executable).with_name("st")), "--config-file", str(config), "run", str(document)),
        *("--url", str(server.http.base_url), "--header", f"Authorization: Bearer {server.token}"),
        *("--max-examples", EXAMPLES, "--seed", "7"),
        *("--continue-on-failure", "--generation-database", "none", "--no-color"),
    ]
    return subprocess.run(command, check=False, cwd=folder)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-s", "--timeout", "3600", *sys.argv[1:]]))
