"""Ask the service: the next suggestion, the Pareto front, the address of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote
from uuid import uuid4

from tradespace._http import Transport
from tradespace._ids import new_result_id
from tradespace._reader import Reader
from tradespace.errors import InvalidInputError
from tradespace.replies import BestAssignments, Experiment, Front, Observation, QueuedSuggestion, Suggestion
from tradespace.result import (
    Assignments,
    Identified,
    Metadata,
    Result,
    Values,
    checked_assignments,
    checked_metadata,
    id_of,
)

__all__ = ["Client"]

#: The longest idempotency key the service keeps, in characters.
LONGEST_KEY: Final = 255


class Client:
    """Talks to one service under one token.

    What may be repeated without harm is repeated, with growing pauses and as the service asks by `Retry-After`, until
    `timeout` seconds have passed. One client may serve several threads; a process makes its own.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 60.0) -> None:
        self._transport = Transport(url, token, timeout)

    def create_experiment(
        self,
        name: str,
        parameters: Sequence[Mapping[str, Any]],
        metrics: Sequence[Mapping[str, Any] | str],
        **more: Any,
    ) -> Experiment:
        """Create an experiment. `more` are further keys of POST /v1/experiments: `conditionals`, `metadata`, …"""
        body = {"name": name, "parameters": list(parameters), "metrics": list(metrics), **more}
        return Experiment.read(Reader(self._transport.post("/experiments", body, repeatable=False), "experiment"))

    def experiment(self, experiment: Identified) -> Experiment:
        """Return the experiment as it is now."""
        return Experiment.read(Reader(self._transport.get(_path(experiment)), "experiment"))

    def next_suggestion(
        self,
        experiment: Identified,
        *,
        after: str | None = None,
        metadata: Metadata | None = None,
        idempotency_key: str | None = None,
    ) -> Suggestion:
        """Return the next configuration to try.

        `after` is the id of the result that you published last (what `Producer.publish` returned): the service then
        waits a moment for it, so that the suggestion has learned from it.

        However often the request has to be sent, one suggestion is handed out: each call makes a key that says so. Give
        `idempotency_key` to get the same suggestion again after your process was started anew.
        """
        body: dict[str, Any] = {} if metadata is None else {"metadata": checked_metadata(metadata)}
        if after is not None:
            body["after_result"] = after
        key = uuid4().hex if idempotency_key is None else _checked_key(idempotency_key, "idempotency_key")
        reply = self._transport.post(_path(experiment, "/suggestions"), body, repeatable=True, key=key)
        return Suggestion.read(Reader(reply, "suggestion"))

    def observe(
        self,
        experiment: Identified,
        values: Values | None = None,
        *,
        suggestion: Identified | None = None,
        assignments: Assignments | None = None,
        failed: bool = False,
        metadata: Metadata | None = None,
        result_id: str | None = None,
    ) -> Observation:
        """Report one result over HTTP: what `Producer.publish` does, where there is no way to Redis."""
        result = Result(
            experiment,
            values,
            suggestion=suggestion,
            assignments=assignments,
            failed=failed,
            metadata=metadata,
            result_id=new_result_id() if result_id is None else result_id,
        )
        key = _checked_key(result.result_id, "result_id")
        reply = self._transport.post(_path(experiment, "/observations"), result.body(), repeatable=True, key=key)
        return Observation.read(Reader(reply, "observation"))

    def queue_suggestion(self, experiment: Identified, assignments: Assignments) -> QueuedSuggestion:
        """Have `assignments` tried before anything the models propose."""
        body = {"assignments": checked_assignments(assignments)}
        reply = self._transport.post(_path(experiment, "/queued_suggestions"), body, repeatable=False)
        return QueuedSuggestion.read(Reader(reply, "queued_suggestion"))

    def front(self, experiment: Identified) -> Front:
        """Return the Pareto front as the worker stored it last."""
        return Front.read(Reader(self._transport.get(_path(experiment, "/front")), "front"))

    def best_assignments(self, experiment: Identified) -> tuple[BestAssignments, ...]:
        """Return the best configurations, best first; with several optimized metrics, the Pareto set."""
        page = Reader(self._transport.get(_path(experiment, "/best_assignments")), "pagination")
        return tuple(BestAssignments.read(one) for one in page.parts("data"))

    def report_url(self, experiment: Identified) -> str:
        """Return an address of the report page that may be passed on: it shows this experiment and changes nothing."""
        reply = Reader(self._transport.post(_path(experiment, "/tokens"), {}, repeatable=True), "token")
        page = f"{self._transport.url}/experiments/{id_of(experiment, 'experiment')}/report"
        return f"{page}?guest={quote(reply.text('token'), safe='')}"

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


def _checked_key(key: Any, name: str) -> str:
    """Return `key` if a header can hold it."""
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise InvalidInputError(name, f"1 to {LONGEST_KEY} printable ASCII characters", repr(key)[:80])
    return key


def _path(experiment: Identified, rest: str = "") -> str:
    return f"/experiments/{id_of(experiment, 'experiment')}{rest}"
