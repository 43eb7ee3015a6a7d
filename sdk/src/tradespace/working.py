"""A function as a producer: it gets configurations as keyword arguments and returns what it measured."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Generic, ParamSpec, TypeVar, cast

from tradespace.client import Client
from tradespace.errors import ApiError, ConnectionFailed, InvalidInputError, TradespaceError
from tradespace.replies import Observation, Suggestion
from tradespace.result import Identified, Metadata, Values

__all__ = ["TrialFailed", "Worker", "producer"]

P = ParamSpec("P")
R = TypeVar("R", bound="Values | None")
#: Seconds that a suggestion is ours without a sign of life.
LEASE_S: Final = 60
#: Signs of life in one lease: two may be lost.
BEATS: Final = 3
#: Characters of an error that are kept with a failure.
_LONGEST_REASON: Final = 500


class TrialFailed(TradespaceError):  # noqa: N818 - the name says the outcome
    """Raise it in a function that is a producer: this trial failed, which is a result and no mistake of the program."""


@dataclass(frozen=True)
class Worker(Generic[P, R]):
    """A function that was made a producer. Called, it is the function; `run` works for the service."""

    function: Callable[P, R]
    experiment: Identified
    client: Client | None = None
    lease_s: int | None = LEASE_S
    give_up_after: int = 3
    metadata: Metadata | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself."""
        return self.function(*args, **kwargs)

    def run(self, trials: int | None = None) -> int:
        """Work through `trials` suggestions, or on and on; return how many were measured without failing.

        Each suggestion is leased, and a thread says that it is still being tried until the function returns. What it
        returns is reported; what it raises is reported as a failure, and after `give_up_after` errors in a row the last
        is raised: then the function is wrong, and not the configurations. `TrialFailed`, or None returned, is a failure
        that does not count as an error. Ctrl-C leaves the suggestion to the end of its lease.
        """
        if self.client is not None:
            return self._run(self.client, trials)
        with Client.from_env() as client:
            return self._run(client, trials)

    def _run(self, client: Client, trials: int | None) -> int:
        measured = errors = done = 0
        while trials is None or done < trials:
            error = self._one(client)
            done += 1
            measured += error is None
            errors = errors + 1 if error is not None and not isinstance(error, TrialFailed) else 0
            if error is not None and errors >= self.give_up_after:
                raise error
        return measured

    def _one(self, client: Client) -> Exception | None:
        """Try one suggestion; return what went wrong with it."""
        suggestion = client.next_suggestion(self.experiment, lease_s=self.lease_s)
        error: Exception | None = None
        values: Values | None = None
        with _kept(client, self.experiment, suggestion):
            try:
                values = self._measured(suggestion)
            except Exception as raised:
                error = raised
        self._report(client, suggestion, values, error)
        return error

    def _measured(self, suggestion: Suggestion) -> Values:
        function = cast("Callable[..., R]", self.function)
        values = function(**dict(suggestion.assignments))
        if values is None:
            raise TrialFailed("the function returned nothing")
        if not isinstance(values, Mapping):
            raise InvalidInputError("values", "a mapping of metrics to values", repr(values)[:80])
        return values

    def _report(
        self, client: Client, suggestion: Suggestion, values: Values | None, error: Exception | None
    ) -> Observation:
        metadata = dict(self.metadata or {})
        if error is not None:
            metadata["error"] = f"{type(error).__name__}: {error}".replace("\0", "")[:_LONGEST_REASON]
        return client.observe(
            self.experiment, values, suggestion=suggestion, failed=error is not None, metadata=metadata or None
        )


def producer(
    *,
    experiment: Identified,
    client: Client | None = None,
    lease_s: int | None = LEASE_S,
    give_up_after: int = 3,
    metadata: Metadata | None = None,
) -> Callable[[Callable[P, R]], Worker[P, R]]:
    """Make a function a producer of `experiment`: `function.run()` then asks, calls it, and reports, again and again.

    The function gets the assignments as keyword arguments and returns `{metric: value}`, or a pair `(value, stddev)`
    for a metric. Without a `client` it is made of TRADESPACE_URL and TRADESPACE_TOKEN when `run` is called. `lease_s`
    of None takes suggestions without a lease: then one whose process dies stays open.

    >>> @producer(experiment=12)
    ... def trial(depth: int, rate: float) -> dict[str, float]:
    ...     return {"accuracy": 1 - rate / depth}
    >>> trial(depth=4, rate=0.2)  # still a function; `trial.run()` works for the service
    {'accuracy': 0.95}
    """

    def decorate(function: Callable[P, R]) -> Worker[P, R]:
        return Worker(function, experiment, client, lease_s, give_up_after, metadata)

    return decorate


@contextmanager
def _kept(client: Client, experiment: Identified, suggestion: Suggestion) -> Iterator[None]:
    """Renew the suggestion's lease while the block runs. A service without leases is asked for none."""
    if suggestion.lease_s is None:
        yield
        return
    ended = threading.Event()
    pause = suggestion.lease_s / BEATS
    thread = threading.Thread(target=_beat, args=(client, experiment, suggestion, ended, pause), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(client: Client, experiment: Identified, suggestion: Suggestion, ended: threading.Event, pause: float) -> None:
    while not ended.wait(pause):
        try:
            client.heartbeat(experiment, suggestion)
        except ConnectionFailed:
            continue  # it may be there again at the next beat; a result is taken in any case
        except ApiError:
            return  # the lease is over or the suggestion is gone: a late result is taken all the same
