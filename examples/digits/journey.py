"""Whether each stop of the journey happened: queue, row, front, models, suggestion, report page, webhook.

Each check is a function of what the demo holds at the end. It returns one sentence about what it saw, or raises
`MissedError`. Where the service works on by itself, it is waited for, with a bound.
"""

from __future__ import annotations

import html
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import httpx
import redis
from receiver import Receiver

from tradespace import Client, Front

__all__ = ["EVENTS", "STOPS", "Api", "MissedError", "Run"]

#: What the demo's webhook asks for, and has to get.
EVENTS: Final = ("front.changed", "suggestion.ready")
#: Models are asked once there are 2 (d + 1) results, and at most this many: with fewer trials none can be expected.
MODELS_NEED: Final = 24
#: The longest wait for one stop, in seconds.
PATIENCE_S: Final = 45.0
_SPREAD_EVENLY: Final = frozenset({"quasi_random", "random"})


class MissedError(Exception):
    """A stop of the journey did not happen."""


class Api:
    """What the demo asks of the HTTP API beyond what the thin client has."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send `body` and return the answer."""
        return self._checked(self._http.post(path, json=body))

    def everything(self, path: str) -> list[dict[str, Any]]:
        """Return all pages of a list, newest first."""
        found: list[dict[str, Any]] = []
        query: dict[str, str] = {}
        while True:
            page = self._checked(self._http.get(path, params=query))
            found += page["data"]
            if page["paging"]["before"] is None:
                return found
            query = {"before": page["paging"]["before"]}

    def delete(self, path: str) -> None:
        """Remove what is at `path`."""
        self._checked(self._http.delete(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @staticmethod
    def _checked(answer: httpx.Response) -> dict[str, Any]:
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body


@dataclass(frozen=True)
class Run:
    """What the demo holds once the producers are done: `published` are the ids of the results they sent."""

    client: Client
    api: Api
    redis_url: str
    receiver: Receiver
    experiment: str
    published: Sequence[str]
    report_url: str

    def observations(self) -> list[dict[str, Any]]:
        """Return what the service stored."""
        return self.api.everything(f"/v1/experiments/{self.experiment}/observations")

    @cached_property
    def suggestions(self) -> Mapping[str, dict[str, Any]]:
        """What the service handed out, by id."""
        return {one["id"]: one for one in self.api.everything(f"/v1/experiments/{self.experiment}/suggestions")}

    def front(self) -> Front:
        """Return the front as it is now."""
        return self.client.front(self.experiment)


def _wait(is_there: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not is_there():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def queue(run: Run) -> str:
    """Every result went into the Redis stream, and the service has taken all of them from there."""
    with redis.Redis.from_url(run.redis_url, decode_responses=True) as connection:

        def is_taken() -> bool:
            group = next((g for g in connection.xinfo_groups("tradespace:results") if g["name"] == "ingest"), None)
            return group is not None and group["pending"] == 0 and group["lag"] == 0

        if not run.published:
            raise MissedError("the producers published nothing")
        if not _wait(is_taken):
            raise MissedError("entries of the stream tradespace:results still wait to be taken")
    return f"{len(run.published)} results came in by the stream, none waits"


def row(run: Run) -> str:
    """Every result that was published is stored once, and nothing else is."""
    _wait(lambda: len(run.observations()) >= len(run.published))
    observations = run.observations()
    stored = Counter(one["result_id"] for one in observations)
    if missing := [result_id for result_id in run.published if result_id not in stored]:
        raise MissedError(f"{len(missing)} results are not stored. {_refusals(run, missing)}")
    if stored != Counter(run.published):
        raise MissedError(f"{stored.total()} rows for {len(run.published)} results")
    failed = sum(one["failed"] for one in observations)
    return f"each stored exactly once; configurations that failed: {failed}"


def _refusals(run: Run, missing: Sequence[str]) -> str:
    """Return why: the dead letters say so."""
    with redis.Redis.from_url(run.redis_url, decode_responses=True) as connection:
        letters = connection.xrevrange("tradespace:results:dead", count=100)
    reasons = {letter["reason"] for _, letter in letters if any(one in json.dumps(letter) for one in missing)}
    return f"Refused: {'; '.join(sorted(reasons))}" if reasons else "None of them was refused."


def front(run: Run) -> str:
    """There is a front, and it has seen every result."""
    if not _wait(lambda: _is_current(run.front())):
        now = run.front()
        raise MissedError(f"the front is at generation {now.generation}, the data are at {now.data_generation}")
    found = run.front()
    if not found.points:
        raise MissedError("the front is empty: no configuration reaches the thresholds")
    return f"{len(found.points)} configurations, computed on every result"


def _is_current(found: Front) -> bool:
    return found.generation is not None and found.generation == found.data_generation


def models(run: Run) -> str:
    """Suggestions came from the models, not only from the sequence that covers the space evenly."""
    strategies = Counter(str(one["strategy"]) for one in run.suggestions.values())
    told = ", ".join(f"{name} {count}" for name, count in strategies.most_common())
    if any(name not in _SPREAD_EVENLY for name in strategies):
        return f"strategies of the suggestions: {told}"
    if len(run.published) < MODELS_NEED:
        return f"not asked: {len(run.published)} trials are too few (strategies: {told})"
    raise MissedError(f"no suggestion came from a model; strategies: {told}")


def suggestion(run: Run) -> str:
    """Every configuration that was tried had been suggested over HTTP."""
    tried = [one["suggestion"] for one in run.observations()]
    if strangers := [one for one in tried if one not in run.suggestions]:
        raise MissedError(f"{len(strangers)} results belong to no suggestion of the API")
    sources = Counter(str(run.suggestions[one]["source"]) for one in tried)
    return f"all from the API: {', '.join(f'{name} {count}' for name, count in sources.most_common())}"


def report_page(run: Run) -> str:
    """The page opens for a guest and says what was found."""
    answer = httpx.get(run.report_url, timeout=60)
    if answer.status_code != 200:
        raise MissedError(f"it answers HTTP {answer.status_code}")
    recommended = run.front().recommended
    if recommended is None or not recommended.sentence:
        raise MissedError("there is no recommended option to look for on it")
    if recommended.sentence not in html.unescape(answer.text):
        raise MissedError(f"it does not say: {recommended.sentence}")
    return f"HTTP 200, {len(answer.content) // 1024} KiB, and it says the headline"


def webhook(run: Run) -> str:
    """Both kinds of events arrived, and every signature was good."""
    _wait(lambda: all(run.receiver.verified.get(kind) for kind in EVENTS))
    verified = run.receiver.verified
    if missing := [kind for kind in EVENTS if not verified.get(kind)]:
        raise MissedError(f"no {' and no '.join(missing)} arrived; verified so far: {dict(verified)}")
    if run.receiver.refused:
        raise MissedError(f"{run.receiver.refused} came with a bad signature")
    told = ", ".join(f"{kind} {count}" for kind, count in sorted(verified.items()))
    return f"{sum(verified.values())} arrived, all verified: {told}"


#: The journey of a result, in the order in which it makes it.
STOPS: Final[Mapping[str, Callable[[Run], str]]] = {
    "queue": queue,
    "row": row,
    "front": front,
    "models": models,
    "suggestion": suggestion,
    "report page": report_page,
    "webhook": webhook,
}
