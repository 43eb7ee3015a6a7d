"""SigOpt's AI module: AI experiments, training runs, their checkpoints, tags and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from service.api.openapi.operation import WALKS, Operation, walks
from service.api.openapi.operations.experiments import EXPERIMENT
from service.api.openapi.parameters import BEFORE, LIMIT, query, truth, words
from service.api.openapi.shapes import Schema, ref
from service.runs.checkpoints import NewCheckpoint
from service.runs.files import NewFile
from service.schemas.experiment import ExperimentBody
from service.schemas.experiment_update import ExperimentUpdate
from service.schemas.run import RunBody

__all__ = ["OPERATIONS"]

_RUN: Final[Mapping[str, Any]] = {
    "name": "forest of 40",
    "assignments": {"depth": 6, "rate": 0.03},
    "values": {"accuracy": {"value": 0.913, "value_stddev": 0.004}},
    "metadata": {"host": "gpu-3"},
}
_BATCH: Final[Schema] = {
    "type": "object",
    "properties": {"runs": {"type": "array", "items": ref("RunBody"), "maxItems": 10_000}},
    "required": ["runs"],
    "additionalProperties": False,
}
_TAG: Final[Schema] = {
    "type": "object",
    "properties": {"id": {"type": ["string", "integer"], "description": "The tag's id."}},
    "required": ["id"],
    "additionalProperties": False,
}
_VIEWS_OF: Final[Mapping[str, Schema]] = {
    "parent_resource_type": {"type": "string", "enum": ["project"]},
    "web_data_type": {"type": "string", "enum": ["run_view", "ag_run_view"]},
}
_VIEW: Final[Schema] = {
    "type": "object",
    "properties": {
        **_VIEWS_OF,
        "parent_resource_id": {
            "type": ["object", "string"],
            "description": "The project, or JSON text of it.",
            "properties": {"client": {"type": "string"}, "project": {"type": "string"}},
            "required": ["client", "project"],
            "additionalProperties": False,
        },
        "display_name": {"type": "string", "maxLength": 100},
        "payload": {"type": "object", "description": "By the kind of view: filters and sort, or those of its grid."},
    },
    "required": ["parent_resource_type", "parent_resource_id", "web_data_type", "display_name", "payload"],
    "additionalProperties": False,
}
_CHANGED_VIEW: Final[Schema] = {
    **_VIEW,
    "properties": {**_VIEW["properties"], "id": {"type": ["string", "integer"]}},
    "required": ["id", "parent_resource_type", "parent_resource_id", "web_data_type", "payload"],
}
_CONVERGED: Final[Mapping[str, Any]] = {
    "parent_resource_type": "project",
    "parent_resource_id": {"client": "1", "project": "churn"},
    "web_data_type": "run_view",
    "display_name": "converged only",
    "payload": {
        "filters": [{"field": "state", "operator": "==", "value": "completed", "enabled": True}],
        "sort": [{"key": "values.accuracy.value", "ascending": False}],
    },
}
_WHICH_VIEWS: Final = tuple(
    {**asked, "required": True}
    for asked in (
        *(query(name, "Which views.", schema) for name, schema in _VIEWS_OF.items()),
        query("parent_resource_id", 'JSON text: {"client", "project"}.'),
    )
)
_THIS_VIEW: Final = {**query("id", "The view."), "required": True}
_SIGNED: Final = (query("expires", "Part of a signed address."), query("signature", "Part of a signed address."))
_AI_LIST: Final = Operation(
    page="aiexperiment",
    query=(
        *walks("id", "recent"),
        words("state", "Which of them.", "active", "deleted", "all"),
        query("search", "A part of the name, in small letters or capitals.", {"type": "string", "maxLength": 100}),
        query("user", "There are no users here: with one, the list is empty.", {"type": "integer"}),
    ),
)
_RUN_LIST: Final = Operation(
    page="training_run",
    query=(
        *WALKS,
        query("sort", "Any field of a run, such as `created`, `name` or `values.accuracy.value`."),
        query("search", "A part of the name.", {"type": "string", "maxLength": 100}),
        query(
            "filters",
            'A JSON array of {"field", "operator", "value"}; operators are ==, !=, >=, >, <=, <, isnull.',
            {"type": "string", "examples": ['[{"field":"state","operator":"==","value":"completed"}]']},
        ),
    ),
)

OPERATIONS: Final[Mapping[str, Operation]] = {
    "aiexperiments.create": Operation(
        reply="aiexperiment",
        body=ExperimentBody,
        example={**{k: v for k, v in EXPERIMENT.items() if k != "observation_budget"}, "budget": 60},
    ),
    "aiexperiments.mine": _AI_LIST,
    "aiexperiments.of_client": _AI_LIST,
    "aiexperiments.of_project": _AI_LIST,
    "aiexperiments.one": Operation(reply="aiexperiment"),
    "aiexperiments.update": Operation(
        reply="aiexperiment", body=ExperimentUpdate, example={"name": "churn model, second try"}
    ),
    "aiexperiments.delete": Operation(query=(truth("include_runs", "Whether its runs go with it."),)),
    "aiexperiments.start": Operation(reply="training_run", body=RunBody, example={"name": "forest of 40"}),
    "aiexperiments.best_training_runs": Operation(page="training_run", query=(LIMIT, BEFORE)),
    "training_runs.create": Operation(reply="training_run", body=RunBody, example=_RUN),
    "training_runs.create_batch": Operation(page="training_run", body=_BATCH, example={"runs": [_RUN]}),
    "training_runs.of_client": _RUN_LIST,
    "training_runs.of_project": _RUN_LIST,
    "training_runs.of_organization": _RUN_LIST,
    "training_runs.one": Operation(reply="training_run"),
    "training_runs.change": Operation(reply="training_run", body=RunBody, example={"state": "completed"}),
    "training_runs.delete": Operation(reply="training_run"),
    "checkpoints.create": Operation(
        reply="checkpoint",
        body=NewCheckpoint,
        example={"values": [{"name": "accuracy", "value": 0.88}], "metadata": {"epoch": 3}},
    ),
    "checkpoints.listed": Operation(page="checkpoint", query=WALKS),
    "checkpoints.one": Operation(reply="checkpoint"),
    "checkpoints.add_tag": Operation(reply="tag", body=_TAG, example={"id": "12"}),
    "checkpoints.remove_tag": Operation(reply="tag"),
    "files.create": Operation(
        reply="file",
        body=NewFile,
        example={
            "name": "confusion matrix",
            "filename": "confusion.png",
            "content_type": "image/png",
            "content_length": 20_480,
            "content_md5": "1B2M2Y8AsgTpgAmY7PhCfg==",
        },
    ),
    "web_data.create": Operation(reply="web_data", body=_VIEW, example=_CONVERGED, errors=(404,)),
    "web_data.listed": Operation(page="web_data", query=_WHICH_VIEWS, errors=(404,)),
    "web_data.update": Operation(
        reply="web_data", body=_CHANGED_VIEW, example={**_CONVERGED, "id": "12"}, errors=(404,)
    ),
    "web_data.delete": Operation(query=(_THIS_VIEW, *_WHICH_VIEWS), errors=(404,)),
    "files.one": Operation(reply="file"),
    "files.upload": Operation(takes={"application/octet-stream": {"type": "string"}}, query=_SIGNED, errors=(403, 404)),
    "files.download": Operation(media=("application/octet-stream",), query=_SIGNED, errors=(403, 404)),
}
