"""The load run measures from the moment a request was due, and its page says which aims were reached."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from typing import Any

import pytest

from benchmarks.load.client import Request, flat_out, steady
from benchmarks.load.tables import table


class Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(0.05)
        content = b'{"source": "pool"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_that_falls_behind_cannot_hide_it(port: int) -> None:
    asked = repeat(Request("suggestion", "POST", "/x", {}))
    samples = steady(asked, "127.0.0.1", port, "token", rate=40, seconds=0.5, width=1)
    assert [(sample.status, sample.source) for sample in samples] == [(200, "pool")] * 20
    assert (
        max(sample.latency_s for sample in samples) > 0.4
    )  # twenty of 50 ms, one after the other, due in half a second


def test_flat_out_counts_what_was_answered(port: int) -> None:
    per_s = flat_out(repeat(Request("x", "POST", "/x", {})), "127.0.0.1", port, "token", seconds=0.3, width=2)
    assert 2 < per_s <= 42


def test_the_page_says_which_aims_were_reached() -> None:
    latency = {
        "database": "sqlite",
        "measure": "latency",
        "request": "suggestion",
        "count": 9,
        "p50_ms": 4,
        "p95_ms": 9,
    }
    common = {**latency, "max_ms": 70, "errors": 0, "sources": {"pool": 9}}
    lines = [
        {**common, "phase": "warm", "p99_ms": 12.5},
        {**common, "phase": "workers dead", "p99_ms": 60.0},
        {"database": "sqlite", "measure": "throughput", "request": "GET front", "per_s": 400.0},
        {"database": "sqlite", "measure": "throughput", "request": "bare page", "per_s": 1000.0},
    ]
    text = table(lines)
    assert "| sqlite | suggestion p99 under 20 ms, warm | 12.5 ms | reached |" in text
    assert "| sqlite | suggestion p99 under 50 ms, workers dead | 60.0 ms | missed |" in text
    assert "| sqlite | reads at least 50% of a bare page | 40% to 40% | missed |" in text
