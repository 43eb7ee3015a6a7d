"""What every reply may have: pages, problems, health, what came in."""

from __future__ import annotations

from typing import Final

from service.api.openapi.shapes import (
    ID,
    TRUTH,
    WHOLE,
    Schema,
    at_times,
    list_of,
    map_of,
    nullable,
    one_of,
    ref,
    some,
    text,
    thing,
)

__all__ = ["COMPONENTS"]

_COMMON: Final[dict[str, Schema]] = {
    "paging": thing(
        None,
        "Markers of the neighbouring pages; null where the list ends.",
        before=nullable(text("CgIQDA")),
        after=nullable(text("CgIQDA")),
    ),
    "field": thing(
        "field",
        "A field that the items of a list have.",
        key=text("values.accuracy.value"),
        name=text("accuracy"),
        type=text("numeric"),
        sortable=TRUTH,
        count=WHOLE,
    ),
    "problem": thing(
        None,
        "A refusal: SigOpt's `message` and `status`, and a problem by RFC 9457.",
        message=text("Invalid type for .name: 3 - expected type string"),
        status=some("integer", 400),
        code=text("invalid_input"),
        type=text(
            "/problems/invalid_input", "The address of a page about problems of this kind.", format="uri-reference"
        ),
        title=text("What was sent cannot be taken"),
        detail=text("Invalid type for .name: 3 - expected type string"),
        instance=text("/requests/0b1c2d3e4f", format="uri-reference"),
        errors=list_of(ref("problem_error")),
        token_status=at_times(text("expired")),
        location=at_times(text("/v1/aiexperiments/12")),
    ),
    "problem_error": thing(
        None,
        "One thing that is wrong, and where.",
        message=text("Invalid type for .name: 3 - expected type string"),
        detail=text("Invalid type for .name: 3 - expected type string"),
        field=at_times(text(".name")),
        pointer=at_times(text("#/name")),
        expected=at_times({"examples": ["a string"]}),
        index=at_times(WHOLE),
    ),
}
_HEALTH: Final[dict[str, Schema]] = {
    "alive": thing(None, "This process answers.", status=text("ok")),
    "ready": thing(
        None,
        "Whether requests can be served, and what that depends on.",
        status=one_of("ok", "degraded", "unavailable"),
        checks=map_of(text("ok"), "database"),
    ),
}
_TRANSFER: Final[dict[str, Schema]] = {
    "import": thing(
        "import",
        "What came in.",
        experiment=ID,
        left_out=at_times(map_of(WHOLE, "PRUNED", "Trials of a study that did not come in, and why.")),
        observations=at_times(WHOLE),
        runs=at_times(WHOLE),
        stored=at_times(WHOLE),
        suggestions=at_times(WHOLE),
    ),
}
COMPONENTS: Final[dict[str, Schema]] = {**_COMMON, **_HEALTH, **_TRANSFER}
