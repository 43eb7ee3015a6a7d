"""Ask the service: the next suggestion, the Pareto front, the address of the report. With threads or with asyncio."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from functools import update_wrapper
from types import TracebackType
from typing import Final, Generic, ParamSpec, Self, TypeVar, overload

from tradespace import _calls
from tradespace._calls import Call
from tradespace._http import AsyncTransport, Transport
from tradespace.errors import InvalidInputError

__all__ = ["AsyncClient", "Client"]

P = ParamSpec("P")
T = TypeVar("T")
#: Where a service is found that nobody named.
_URL: Final = "http://127.0.0.1:8321"


class _Method(Generic[P, T]):
    """A method made of the function that makes its call: called, it sends the call and returns what comes of it."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, client: None, owner: type[Client]) -> Self: ...
    @overload
    def __get__(self, client: Client, owner: type[Client]) -> Callable[P, T]: ...
    def __get__(self, client: Client | None, owner: type[Client]) -> Self | Callable[P, T]:
        if client is None:
            return self

        def method(*args: P.args, **kwargs: P.kwargs) -> T:
            return client._transport.run(self._make(*args, **kwargs))

        return update_wrapper(method, self._make)


class _Awaited(Generic[P, T]):
    """The same for `AsyncClient`: called, it returns what can be awaited."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, client: None, owner: type[AsyncClient]) -> Self: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type[AsyncClient]) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, client: AsyncClient | None, owner: type[AsyncClient]) -> Self | Callable[P, Awaitable[T]]:
        if client is None:
            return self

        async def method(*args: P.args, **kwargs: P.kwargs) -> T:
            return await client._transport.run(self._make(*args, **kwargs))

        return update_wrapper(method, self._make)


class Client:
    """Talks to one service under one token.

    What may be repeated without harm is repeated, with growing pauses and as the service asks by `Retry-After`, until
    `timeout` seconds have passed. One client may serve several threads; a process makes its own.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 60.0) -> None:
        self._transport = Transport(url, token, timeout)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, timeout: float = 60.0) -> Self:
        """Make a client of TRADESPACE_URL (this machine's service without it) and TRADESPACE_TOKEN."""
        return cls(*_named(environ), timeout=timeout)

    create_experiment = _Method(_calls.create_experiment)
    experiment = _Method(_calls.experiment)
    experiments = _Method(_calls.experiments)
    delete_experiment = _Method(_calls.delete_experiment)
    next_suggestion = _Method(_calls.next_suggestion)
    heartbeat = _Method(_calls.heartbeat)
    queue_suggestion = _Method(_calls.queue_suggestion)
    observe = _Method(_calls.observe)
    observations = _Method(_calls.observations)
    front = _Method(_calls.front)
    best_assignments = _Method(_calls.best_assignments)
    report_url = _Method(_calls.report_url)
    create_webhook = _Method(_calls.create_webhook)
    webhooks = _Method(_calls.webhooks)
    change_webhook = _Method(_calls.change_webhook)
    rotate_webhook_secret = _Method(_calls.rotate_webhook_secret)
    ping_webhook = _Method(_calls.ping_webhook)
    delete_webhook = _Method(_calls.delete_webhook)
    deliveries = _Method(_calls.deliveries)
    replay_delivery = _Method(_calls.replay_delivery)
    replay_failed = _Method(_calls.replay_failed)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._transport.url!r})"


class AsyncClient:
    """`Client` for asyncio: the same methods, each awaited. One client serves the tasks of one event loop."""

    def __init__(self, url: str, token: str, *, timeout: float = 60.0) -> None:
        self._transport = AsyncTransport(url, token, timeout)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, timeout: float = 60.0) -> Self:
        """Make a client of TRADESPACE_URL (this machine's service without it) and TRADESPACE_TOKEN."""
        return cls(*_named(environ), timeout=timeout)

    create_experiment = _Awaited(_calls.create_experiment)
    experiment = _Awaited(_calls.experiment)
    experiments = _Awaited(_calls.experiments)
    delete_experiment = _Awaited(_calls.delete_experiment)
    next_suggestion = _Awaited(_calls.next_suggestion)
    heartbeat = _Awaited(_calls.heartbeat)
    queue_suggestion = _Awaited(_calls.queue_suggestion)
    observe = _Awaited(_calls.observe)
    observations = _Awaited(_calls.observations)
    front = _Awaited(_calls.front)
    best_assignments = _Awaited(_calls.best_assignments)
    report_url = _Awaited(_calls.report_url)
    create_webhook = _Awaited(_calls.create_webhook)
    webhooks = _Awaited(_calls.webhooks)
    change_webhook = _Awaited(_calls.change_webhook)
    rotate_webhook_secret = _Awaited(_calls.rotate_webhook_secret)
    ping_webhook = _Awaited(_calls.ping_webhook)
    delete_webhook = _Awaited(_calls.delete_webhook)
    deliveries = _Awaited(_calls.deliveries)
    replay_delivery = _Awaited(_calls.replay_delivery)
    replay_failed = _Awaited(_calls.replay_failed)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncClient({self._transport.url!r})"


def _named(environ: Mapping[str, str] | None) -> tuple[str, str]:
    """Return the address and the token that the environment names."""
    named = os.environ if environ is None else environ
    token = named.get("TRADESPACE_TOKEN")
    if not token:
        raise InvalidInputError("TRADESPACE_TOKEN", "a token of the service", "nothing")
    return named.get("TRADESPACE_URL") or _URL, token
