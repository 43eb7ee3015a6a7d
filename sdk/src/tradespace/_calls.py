"""What one can ask of the service: each function makes a `Call`, which says what to send and how to read the answer.

`Client` and `AsyncClient` have all of these as methods and differ only in how they wait. Wherever an experiment, a
suggestion or a webhook is asked for, give the object or its id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode
from uuid import uuid4

from tradespace._ids import new_result_id
from tradespace._reader import Reader
from tradespace.errors import InvalidInputError
from tradespace.replies import (
    BestAssignments,
    Delivery,
    Experiment,
    Front,
    Observation,
    Page,
    QueuedSuggestion,
    Suggestion,
    Webhook,
)
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

__all__ = ["Call"]

#: The longest idempotency key the service keeps, in characters.
LONGEST_KEY: Final = 255
T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, and `read`, which makes its answer a value; it gets the JSON and the service's address.

    `repeatable` says that it does no harm if the service gets the request twice; `key` is what makes it so for a
    request that would otherwise make something new each time.
    """

    method: str
    path: str
    read: Callable[[Any, str], T]
    body: Mapping[str, Any] | None = None
    repeatable: bool = True
    key: str | None = None


# -- experiments -------------------------------------------------------------------------------------------------------
def create_experiment(
    name: str,
    parameters: Sequence[Mapping[str, Any]],
    metrics: Sequence[Mapping[str, Any] | str],
    **more: Any,
) -> Call[Experiment]:
    """Create an experiment. `more` are further keys of POST /v1/experiments: `conditionals`, `metadata`, …"""
    body = {"name": name, "parameters": list(parameters), "metrics": list(metrics), **more}
    return Call("POST", "/experiments", _experiment, body, repeatable=False)


def experiment(experiment: Identified) -> Call[Experiment]:
    """Return the experiment as it is now."""
    return Call("GET", _path(experiment), _experiment)


def experiments(*, search: str | None = None, limit: int = 100, before: str | None = None) -> Call[Page[Experiment]]:
    """Return a page of the experiments, newest first; the next page is `before=page.before`."""
    query = _query(search=search, limit=limit, before=before)
    return Call("GET", f"/experiments{query}", _page(Experiment.read, "experiments"))


def delete_experiment(experiment: Identified) -> Call[None]:
    """Put an experiment away: it stays readable and takes no results."""
    return Call("DELETE", _path(experiment), _nothing)


# -- suggestions -------------------------------------------------------------------------------------------------------
def next_suggestion(
    experiment: Identified,
    *,
    after: str | None = None,
    metadata: Metadata | None = None,
    idempotency_key: str | None = None,
    lease_s: int | None = None,
) -> Call[Suggestion]:
    """Return the next configuration to try.

    `after` is the id of the result that you published last (what `Producer.publish` returned): the service then waits
    a moment for it, so that the suggestion has learned from it. With `lease_s` the suggestion expires after as many
    seconds unless you send a `heartbeat`; a late result is taken all the same.

    However often the request has to be sent, one suggestion is handed out: each call makes a key that says so. Give
    `idempotency_key` to get the same suggestion again after your process was started anew.
    """
    body: dict[str, Any] = {} if metadata is None else {"metadata": checked_metadata(metadata)}
    if after is not None:
        body["after_result"] = after
    if lease_s is not None:
        body["lease_s"] = lease_s
    key = uuid4().hex if idempotency_key is None else _checked_key(idempotency_key, "idempotency_key")
    return Call("POST", _path(experiment, "/suggestions"), _suggestion, body, key=key)


def heartbeat(experiment: Identified, suggestion: Identified, *, lease_s: int | None = None) -> Call[Suggestion]:
    """Say that a leased suggestion is still being tried: its lease begins anew, for `lease_s` or as long as before."""
    path = _path(experiment, f"/suggestions/{id_of(suggestion, 'suggestion')}/heartbeat")
    return Call("POST", path, _suggestion, {} if lease_s is None else {"lease_s": lease_s})


def queue_suggestion(experiment: Identified, assignments: Assignments) -> Call[QueuedSuggestion]:
    """Have `assignments` tried before anything the models propose."""
    body = {"assignments": checked_assignments(assignments)}
    read = _one(QueuedSuggestion.read, "queued_suggestion")
    return Call("POST", _path(experiment, "/queued_suggestions"), read, body, repeatable=False)


# -- results -----------------------------------------------------------------------------------------------------------
def observe(
    experiment: Identified,
    values: Values | None = None,
    *,
    suggestion: Identified | None = None,
    assignments: Assignments | None = None,
    failed: bool = False,
    metadata: Metadata | None = None,
    result_id: str | None = None,
) -> Call[Observation]:
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
    read = _one(Observation.read, "observation")
    return Call("POST", _path(experiment, "/observations"), read, result.body(), key=key)


def observations(experiment: Identified, *, limit: int = 1000, before: str | None = None) -> Call[Page[Observation]]:
    """Return a page of what was measured, newest first; the next page is `before=page.before`."""
    path = _path(experiment, f"/observations{_query(limit=limit, before=before)}")
    return Call("GET", path, _page(Observation.read, "observations"))


def front(experiment: Identified) -> Call[Front]:
    """Return the Pareto front as the worker stored it last."""
    return Call("GET", _path(experiment, "/front"), _one(Front.read, "front"))


def best_assignments(experiment: Identified) -> Call[tuple[BestAssignments, ...]]:
    """Return the best configurations, best first; with several optimized metrics, the Pareto set."""

    def read(reply: Any, _url: str) -> tuple[BestAssignments, ...]:
        return tuple(BestAssignments.read(one) for one in Reader(reply, "pagination").parts("data"))

    return Call("GET", _path(experiment, "/best_assignments"), read)


def report_url(experiment: Identified) -> Call[str]:
    """Return an address of the report page that may be passed on: it shows this experiment and changes nothing."""
    page = f"/experiments/{id_of(experiment, 'experiment')}/report"

    def read(reply: Any, url: str) -> str:
        return f"{url}{page}?guest={quote(Reader(reply, 'token').text('token'), safe='')}"

    return Call("POST", _path(experiment, "/tokens"), read, {})


# -- webhooks ----------------------------------------------------------------------------------------------------------
def create_webhook(
    url: str,
    *,
    experiment: Identified | None = None,
    event_types: Sequence[str] = (),
    description: str | None = None,
) -> Call[Webhook]:
    """Have `url` told what happens: in one experiment or in all, of these types or of all.

    The `secret` of what is returned verifies the signatures of what arrives (Standard Webhooks); it is shown this once.
    """
    body: dict[str, Any] = {"url": url, "event_types": list(event_types)}
    if experiment is not None:
        body["experiment"] = id_of(experiment, "experiment")
    if description is not None:
        body["description"] = description
    return Call("POST", "/webhooks", _webhook, body, repeatable=False)


def webhooks(*, limit: int = 100, before: str | None = None) -> Call[Page[Webhook]]:
    """Return a page of the webhooks, newest first."""
    return Call("GET", f"/webhooks{_query(limit=limit, before=before)}", _page(Webhook.read, "webhooks"))


def change_webhook(webhook: Identified, **changes: Any) -> Call[Webhook]:
    """Change `url`, `event_types`, `description` or `state`: "disabled", or "active" for one that was given up."""
    return Call("PUT", _webhook_path(webhook), _webhook, changes)


def rotate_webhook_secret(webhook: Identified, *, overlap_s: int = 86_400) -> Call[Webhook]:
    """Give a webhook another secret, which is shown this once; for `overlap_s` seconds the old one signs too."""
    return Call("POST", _webhook_path(webhook, "/rotate"), _webhook, {"overlap_s": overlap_s}, repeatable=False)


def ping_webhook(webhook: Identified) -> Call[None]:
    """Have an event sent to this webhook alone, to see whether it arrives."""
    return Call("POST", _webhook_path(webhook, "/ping"), _nothing, {}, repeatable=False)


def delete_webhook(webhook: Identified) -> Call[None]:
    """Forget a webhook and its secret."""
    return Call("DELETE", _webhook_path(webhook), _nothing)


def deliveries(
    webhook: Identified, *, state: str | None = None, limit: int = 100, before: str | None = None
) -> Call[Page[Delivery]]:
    """Return a page of what became of what was sent, newest first.

    `state` narrows it: pending, delivered, exhausted (given up), cancelled.
    """
    path = _webhook_path(webhook, f"/deliveries{_query(state=state, limit=limit, before=before)}")
    return Call("GET", path, _page(Delivery.read, "deliveries"))


def replay_delivery(webhook: Identified, delivery: Identified) -> Call[Delivery]:
    """Have a delivery sent again, under the same message id."""
    path = _webhook_path(webhook, f"/deliveries/{id_of(delivery, 'delivery')}/replay")
    return Call("POST", path, _one(Delivery.read, "delivery"), {})


def replay_failed(webhook: Identified, *, since: datetime | None = None) -> Call[int]:
    """Have all that never arrived sent again, or what is of `since` or later; return how many these are."""
    body = {} if since is None else {"since": int(since.timestamp())}

    def read(reply: Any, _url: str) -> int:
        return Reader(reply, "replay").integer_or_none("count") or 0

    return Call("POST", _webhook_path(webhook, "/replay"), read, body)


# -- reading -----------------------------------------------------------------------------------------------------------
def _one(read: Callable[[Reader], T], name: str) -> Callable[[Any, str], T]:
    return lambda reply, _url: read(Reader(reply, name))


def _page(read: Callable[[Reader], T], name: str) -> Callable[[Any, str], Page[T]]:
    return lambda reply, _url: Page.of(Reader(reply, name), read)


def _nothing(_reply: Any, _url: str) -> None:
    return None


_experiment: Final = _one(Experiment.read, "experiment")
_suggestion: Final = _one(Suggestion.read, "suggestion")
_webhook: Final = _one(Webhook.read, "webhook")


def _path(experiment: Identified, rest: str = "") -> str:
    return f"/experiments/{id_of(experiment, 'experiment')}{rest}"


def _webhook_path(webhook: Identified, rest: str = "") -> str:
    return f"/webhooks/{id_of(webhook, 'webhook')}{rest}"


def _query(**given: str | int | None) -> str:
    return "?" + urlencode({name: value for name, value in given.items() if value is not None})


def _checked_key(key: Any, name: str) -> str:
    """Return `key` if a header can hold it."""
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise InvalidInputError(name, f"1 to {LONGEST_KEY} printable ASCII characters", repr(key)[:80])
    return key
