"""Experiments: made, found, listed, changed, deleted and restored.

`making` checks and stores one, `looking` finds them, `changes` is what may happen to one while it runs.
"""

from service.experiments.changes import delete, forget_hyperparameters, update
from service.experiments.looking import (
    SORTS,
    Listing,
    find,
    listed,
    progress,
    project_references,
)
from service.experiments.making import create

__all__ = [
    "SORTS",
    "Listing",
    "create",
    "delete",
    "find",
    "forget_hyperparameters",
    "listed",
    "progress",
    "project_references",
    "update",
]
