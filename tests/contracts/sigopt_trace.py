"""The `sigopt` client with a note of every request that it made: what the scripts beside this one share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sigopt.ratelimit
from sigopt import Connection
from sigopt.exception import ApiException
from sigopt.request_driver import RequestDriver

__all__ = ["TRACE", "connect", "raised", "send", "trace"]

#: Each request as [method, path, status].
TRACE: list[list[Any]] = []


def trace() -> None:
    """Note every request of this process from now on."""
    request = RequestDriver.request

    def noting(self: RequestDriver, method: str, path: list[Any], data: Any, headers: Any) -> Any:
        called = [method.upper(), "/v1/" + "/".join(str(part) for part in path)]
        try:
            answer = request(self, method, path, data, headers)
        except ApiException as error:
            TRACE.append([*called, error.status_code])
            raise
        TRACE.append([*called, 204 if answer is None else 200])
        return answer

    RequestDriver.request = noting


def connect(url: str, token: str) -> Connection:
    """Return a connection to this server."""
    connection = Connection(client_token=token)
    connection.set_api_url(url)
    return connection


def send(connection: Connection, method: str, path: str, **body: Any) -> Any:
    """Make a request that the client has no method of its own for."""
    return connection.impl.request(method, path.split("/"), body, None)


def raised(attempt: Callable[[], Any]) -> dict[str, Any]:
    """Return what the client raises."""
    # From the fifth refusal in a row on, the client sleeps.
    sigopt.ratelimit.failed_status_rate_limit.clear()
    try:
        attempt()
    except ApiException as error:
        return {"status": error.status_code, "message": error.message}
    return {"status": 200}
