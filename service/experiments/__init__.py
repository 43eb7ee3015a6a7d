"""Experiments: made, found, listed, changed, deleted and restored.

`making` checks and stores one, `looking` finds them, `changes` is what may happen to one while it runs.
"""

from service.experiments.changes import delete, forget_hyperparameters, update
from service.experiments.looking import (
    SORTS,
    Listing,
    find,
    key_of,
    listed,
    progress,
    project_references,
    recent,
)
from service.experiments.making import create

__all__ = [
    "SORTS",
    "Listing",
    "create",
    "delete",
    "find",
    "forget_hyperparameters",
    "key_of",
    "listed",
    "progress",
    "project_references",
    "recent",
    "update",
]
