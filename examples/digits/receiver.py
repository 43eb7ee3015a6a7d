"""A receiver of webhooks, as one's own program would have it: it takes nothing whose signature it has not verified."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from standardwebhooks import Webhook, WebhookVerificationError

__all__ = ["Receiver"]

#: The longest body that is read, in bytes.
MOST_BYTES: Final = 1024 * 1024


class Receiver:
    """Listens on loopback while it is open. What is delivered twice counts once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secret: str | None = None
        self._seen: set[str] = set()
        self._verified: Counter[str] = Counter()
        self._newest: dict[str, Mapping[str, Any]] = {}
        self._refused = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/tradespace"

    def trust(self, secret: str) -> None:
        """Take what is signed with this secret, which the service told when the webhook was registered."""
        self._secret = secret

    def take(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Verify one delivery, count it, and return the HTTP status of the answer."""
        if self._secret is None:
            return 503  # the service tries again, and by then the secret is known
        try:
            event = Webhook(self._secret).verify(body, dict(headers))
        except (WebhookVerificationError, ValueError):
            with self._lock:
                self._refused += 1
            return 401
        with self._lock:
            if headers["webhook-id"] not in self._seen:
                self._seen.add(headers["webhook-id"])
                self._verified[event["type"]] += 1
                self._keep(event)
        return 204

    def _keep(self, event: Mapping[str, Any]) -> None:
        """Deliveries may overtake each other: `sequence` says which event came later."""
        newest = self._newest.get(event["type"])
        if newest is None or event["data"]["sequence"] > newest["sequence"]:
            self._newest[event["type"]] = event["data"]

    @property
    def verified(self) -> Mapping[str, int]:
        """How many events of each type came with a good signature."""
        with self._lock:
            return dict(self._verified)

    @property
    def refused(self) -> int:
        """How many deliveries did not."""
        with self._lock:
            return self._refused

    def newest(self, event_type: str) -> Mapping[str, Any]:
        """Return the data of the newest event of this type; nothing before the first."""
        with self._lock:
            return self._newest.get(event_type, {})

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > MOST_BYTES:
                return self._answer(411)
            return self._answer(receiver.take(self.rfile.read(int(length)), dict(self.headers)))

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet: the demo says how many came."""

    return Handler
