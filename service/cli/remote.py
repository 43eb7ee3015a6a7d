"""A server, as the commands that work on experiments see it: an address, a token, JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar, cast

import click
import requests

__all__ = ["NO_ANSWER", "Remote", "remote"]

#: Exit status when nobody answers: the same command may go through later.
NO_ANSWER: Final = 3
_TIMEOUT_S: Final = 60
#: A large file takes its time to be checked and stored.
_LONG_TIMEOUT_S: Final = 3600
_PAGE: Final = 1000
F = TypeVar("F", bound=Callable[..., Any])


class _NoAnswer(click.ClickException):
    """Nobody answered at the address."""

    exit_code = NO_ANSWER


@dataclass(frozen=True)
class Remote:
    """Calls with a token. A refusal ends the command with the server's own sentence."""

    url: str
    token: str

    def call(self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None) -> Any:
        """Return the reply to one request of the API."""
        return self._sent(method, path, json=body, params=query).json()

    def walk(self, path: str, *, limit: int, query: dict[str, Any] | None = None) -> Iterator[Any]:
        """Yield the first `limit` items of a list, newest first."""
        marker: str | None = None
        while limit > 0:
            asked = {**(query or {}), "limit": min(limit, _PAGE), **({} if marker is None else {"before": marker})}
            page = self.call("GET", path, query=asked)
            yield from page["data"]
            marker, limit = page["paging"]["before"], limit - len(page["data"])
            if marker is None:
                return

    def upload(self, path: str, file: BinaryIO, *, mimetype: str, query: dict[str, Any] | None = None) -> Any:
        """Send a file as it is read, and return the reply."""
        headers = {"Content-Type": mimetype}
        return self._sent("POST", path, data=file, params=query, headers=headers, timeout_s=_LONG_TIMEOUT_S).json()

    def download(self, path: str, file: BinaryIO, *, query: dict[str, Any] | None = None) -> int:
        """Write what is at `path` into `file` as it comes; return its size."""
        reply = self._sent("GET", path, params=query, stream=True, timeout_s=_LONG_TIMEOUT_S)
        size = 0
        for piece in reply.iter_content(64 * 1024):
            size += file.write(piece)
        return size

    def _sent(self, method: str, path: str, *, timeout_s: float = _TIMEOUT_S, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        try:
            reply = requests.request(method, f"{self.url}/v1{path}", headers=headers, timeout=timeout_s, **more)
        except requests.RequestException as error:
            message = f"no answer from {self.url}: {type(error).__name__}. Is it running? `tradespace up` starts one."
            raise _NoAnswer(message) from error
        if not reply.ok:
            raise click.ClickException(f"{reply.status_code}: {_sentence(reply)}")
        return reply


def _sentence(reply: requests.Response) -> str:
    try:
        return str(reply.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"{reply.reason}; is {reply.url.split('/v1')[0]} a Tradespace server?"


def remote(command: F) -> F:
    """Give a command the options that say which server; it gets them as one `Remote` called `server`."""

    @wraps(command)
    def with_server(*args: Any, url: str, token: str | None, token_file: Path | None, **more: Any) -> Any:
        return command(*args, server=Remote(url.rstrip("/"), _token(token, token_file)), **more)

    where = click.option(
        "--url", envvar="TRADESPACE_URL", default="http://127.0.0.1:8321", show_default=True, help="The server."
    )
    # A secret among the arguments of a process is read by everybody on the machine: the option is not shown.
    key = click.option("--token", envvar="TRADESPACE_TOKEN", hidden=True)
    file = click.option(
        "--token-file",
        envvar="TRADESPACE_TOKEN_FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File with the API token. Without it, the token is TRADESPACE_TOKEN.",
    )
    return cast("F", where(key(file(with_server))))


def _token(given: str | None, file: Path | None) -> str:
    token = (file.read_text(encoding="utf-8") if file is not None else given or "").strip()
    if not token:
        message = "no token: set TRADESPACE_TOKEN or name a file with --token-file; `tradespace token create` makes one"
        raise click.UsageError(message)
    return token
