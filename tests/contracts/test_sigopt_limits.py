"""Too many requests: the client backs off by itself and its user sees nothing but the time it took."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from flask import Response
from werkzeug.serving import make_server

from service.api.door import EXTENSION
from service.app import create_app
from service.db import Database
from service.settings import Settings
from tests.contracts.conftest import HERE
from tests.support import new_client


def test_the_client_waits_and_goes_on(
    sqlite_template: Path, tmp_path: Path, client_python: Path, client_environment: Mapping[str, str]
) -> None:
    shutil.copy(sqlite_template, tmp_path / "t.db")
    url = f"sqlite:///{tmp_path / 't.db'}"
    database = Database(url)
    with database.write() as session:
        secret = new_client(session, now=datetime.now(UTC))[1]
    database.close()
    app = create_app(Settings(database_url=url, redis_url="redis://127.0.0.1:1/0", limit_reads_per_s=2))
    statuses: Counter[int] = Counter()

    @app.after_request
    def count(response: Response) -> Response:
        statuses[response.status_code] += 1
        return response

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        command = [client_python, HERE / "sigopt_limits.py", f"http://127.0.0.1:{server.server_port}", secret]
        ended = subprocess.run(command, env=client_environment, capture_output=True, text=True, timeout=60, check=False)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions[EXTENSION].database.close()
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == ["client-api"] * 6
    assert statuses[200] == 6
    assert statuses[429] >= 1
