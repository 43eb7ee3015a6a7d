"""AI experiments, training runs, their checkpoints and files."""

from __future__ import annotations

from typing import Final

from service.api.openapi.components import experiments
from service.api.openapi.components.shared import METADATA, NO_USER, PROJECT, VALUES
from service.api.openapi.shapes import (
    ID,
    TIME,
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

_SCALARS: Final = map_of({"type": ["number", "string", "boolean", "null"], "examples": [6]}, "depth")
_EXPERIMENT: Final = experiments.COMPONENTS["experiment"]

COMPONENTS: Final[dict[str, Schema]] = {
    "aiexperiment": {
        **_EXPERIMENT,
        "description": "An experiment whose observations are made by training runs.",
        "properties": {
            **{name: part for name, part in _EXPERIMENT["properties"].items() if name != "development"},
            "object": {"type": "string", "const": "aiexperiment", "examples": ["aiexperiment"]},
        },
        "required": [name for name in _EXPERIMENT["required"] if name != "development"],
    },
    "any_experiment": {"anyOf": [ref("experiment"), ref("aiexperiment")]},
    "training_run": thing(
        "training_run",
        "One run of a model, as its reporter told it bit by bit.",
        id=ID,
        name=text("forest of 40"),
        project=PROJECT,
        client=ID,
        user=NO_USER,
        experiment=nullable(ID),
        suggestion=nullable(ID),
        observation=nullable(ID),
        state=one_of("active", "completed", "failed"),
        finished=TRUTH,
        created=TIME,
        updated=TIME,
        completed=nullable(TIME),
        deleted=TRUTH,
        favorite=TRUTH,
        assignments=_SCALARS,
        assignments_meta=map_of(thing("assignments_meta", "Where a value is from.", source=text("User")), "depth"),
        assignments_sources=map_of(
            thing("assignments_sources", "How a source is shown.", sort=WHOLE, default_show=TRUTH), "User"
        ),
        values=map_of(ref("metric_evaluation"), "accuracy"),
        metadata=nullable(_SCALARS),
        dev_metadata=_SCALARS,
        sys_metadata={"type": "object", "examples": [{}]},
        datasets=map_of(thing("dataset", "Data it used."), "churn 2026"),
        logs=map_of(thing("log", "What it printed.", content=text("epoch 1 …")), "stdout"),
        model=thing("model", "What was trained.", type=nullable(text("xgboost"))),
        source_code=thing("source_code", "Its program.", content=nullable(text("…")), hash=nullable(text("3f2a"))),
        tags=list_of(ID),
        files=list_of(ID),
        checkpoint_count=WHOLE,
    ),
    "checkpoint": thing(
        "checkpoint",
        "Values of a run on its way.",
        id=ID,
        training_run=ID,
        created=TIME,
        values=VALUES,
        metadata=METADATA,
    ),
    "file": thing(
        "file",
        "A file of a run.",
        id=ID,
        client=ID,
        user=NO_USER,
        training_run=ID,
        name=nullable(text("confusion matrix")),
        filename=nullable(text("confusion.png")),
        content_length=some("integer", 20480),
        content_type=text("image/png"),
        content_md5=text("1B2M2Y8AsgTpgAmY7PhCfg=="),
        created=TIME,
        uploaded=nullable(TIME),
        upload=at_times(
            thing(
                "s3_upload",
                "How to upload it.",
                method=text("PUT"),
                url=text("https://example.org/v1/files/12/content?signature=…"),
                headers=map_of(text("image/png"), "Content-Type"),
            )
        ),
        download=at_times(nullable(thing("s3_download", "Where to fetch it.", url=text("https://example.org/…")))),
    ),
    "web_data": thing(
        "web_data",
        "A view of a project's runs, kept for whoever made it.",
        id=ID,
        created=TIME,
        created_by=NO_USER,
        updated=TIME,
        display_name=text("converged only"),
        web_data_type=one_of("run_view", "ag_run_view"),
        parent_resource_type=one_of("project"),
        parent_resource_id=thing("project_resource_id", "What it is a view of.", client=ID, project=text("churn")),
        payload={"type": "object", "examples": [{"filters": [], "sort": []}]},
    ),
}
