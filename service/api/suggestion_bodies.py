"""What a request for suggestions may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.api.wire import refuse_unknown
from service.errors import InvalidInputError
from service.schemas.fields import shorten
from service.schemas.result import check_metadata, check_result_id
from service.suggestions import LONGEST_LEASE_S

__all__ = ["MOST_AT_ONCE", "Wanted", "parse_heartbeat", "parse_wanted"]

#: Suggestions in one request.
MOST_AT_ONCE: Final = 100


@dataclass(frozen=True)
class Wanted:
    """A request for suggestions: `count` of them in a list, or one; of these `assignments` or the next there is."""

    claim_key: str | None
    assignments: Any
    task: Any
    count: int | None
    metadata: dict[str, Any] | None
    lease_s: int | None
    after_result: str | None


def parse_wanted(given: Mapping[str, Any], claim_key: str | None) -> Wanted:
    """Read the body; keys that are not known here are passed over, as SigOpt's callers expect."""
    after = given.get("after_result")
    wanted = Wanted(
        claim_key=claim_key,
        assignments=given.get("assignments"),
        task=given.get("task"),
        count=_whole(given, "count", MOST_AT_ONCE),
        metadata=check_metadata(given.get("metadata")),
        lease_s=_whole(given, "lease_s", LONGEST_LEASE_S),
        after_result=None if after is None else check_result_id(after, ".after_result"),
    )
    if wanted.assignments is not None and not isinstance(wanted.assignments, Mapping):
        message = f"Invalid type for .assignments: {shorten(wanted.assignments)} - expected type object"
        raise InvalidInputError(message, field=".assignments", expected="an object")
    if wanted.task is not None and wanted.assignments is None:
        message = "task goes with assignments: the service chooses that of a suggestion it makes"
        raise InvalidInputError(message, field=".task", expected="assignments beside it, or nothing")
    if wanted.assignments is not None and wanted.count is not None:
        message = "count asks for suggestions of the service: expected no assignments beside it"
        raise InvalidInputError(message, field=".count", expected="nothing")
    return wanted


def parse_heartbeat(given: Mapping[str, Any]) -> int | None:
    """Read for how long a lease is renewed; None for as long as it was taken for."""
    refuse_unknown(given, ("lease_s",))
    return _whole(given, "lease_s", LONGEST_LEASE_S)


def _whole(given: Mapping[str, Any], name: str, largest: int) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"Invalid type for .{name}: {shorten(value)} - expected type integer"
        raise InvalidInputError(message, field=f".{name}", expected=f"1 to {largest}")
    if not 1 <= value <= largest:
        message = f".{name} must be from 1 to {largest}, got {value}"
        raise InvalidInputError(message, field=f".{name}", expected=f"1 to {largest}")
    return value
