"""What the models of an experiment know, told to whoever asks: predictions, importances.

Models are fitted by workers. Here what they learned is read, conditioned on the newest results at most; what has to be
worked out is asked of the next refresh.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from service.arrays import Prediction, measured, predict
from service.errors import InvalidInputError, UnprocessableError
from service.models import Experiment, Importances, ModelState, Refresh
from service.refreshes import hold, want_refill
from service.schemas.assignments import check_assignments
from service.schemas.experiment import Definition
from service.schemas.fields import shorten

__all__ = [
    "MOST_PREDICTED",
    "are_importances_due",
    "are_importances_expected",
    "ask_for_importances",
    "importances",
    "predictions",
    "save_importances",
]

MOST_PREDICTED: Final = 1_000
#: Results for each parameter before importances mean anything.
RESULTS_EACH: Final = 5
#: Importances are worked out again once the data has changed so often, and by this share of the results.
CHANGES: Final = 10
SHARE: Final = 0.2
#: The generation of importances that somebody wants worked out anew.
WANTED: Final = 0


def predictions(
    session: Session, experiment: Experiment, given: Any, *, front: Sequence[Mapping[str, Any]]
) -> tuple[tuple[dict[str, Any], ...], tuple[Prediction, ...], ModelState]:
    """Return the configurations, what the models expect of each, and which models these are.

    `front`: the assignments of today's front, which a configuration has to stand up to.
    """
    definition = Definition.of(experiment)
    asked = _asked(given, definition)
    state = session.get(ModelState, experiment.id)
    if state is None or not state.state.get("thetas"):
        message = "There are no models yet: a worker fits them when the first results have come."
        raise UnprocessableError(message)
    found = measured(session, experiment.id, definition)
    return asked, predict(found, state.state, asked, front), state


def _asked(given: Any, definition: Definition) -> tuple[dict[str, Any], ...]:
    if not isinstance(given, list):
        message = f"Invalid type for .assignments: {shorten(given)} - expected type array"
        raise InvalidInputError(message, field=".assignments", expected="an array of assignments")
    if not 0 < len(given) <= MOST_PREDICTED:
        message = f"The length of .assignments must be 1 to {MOST_PREDICTED}, got {len(given)}"
        raise InvalidInputError(message, field=".assignments", expected=f"1 to {MOST_PREDICTED} assignments")
    return tuple(
        dict(check_assignments(definition, item, field=f".assignments[{index}]")) for index, item in enumerate(given)
    )


def importances(session: Session, experiment_id: int) -> Importances | None:
    """Return how much each parameter matters for each metric, as a worker found last; None before the first time.

    A parameter that is the only one is all that matters, which needs neither results nor a worker.
    """
    row = session.get(Importances, experiment_id)
    if row is not None and row.by_metric:
        return row
    experiment = session.get_one(Experiment, experiment_id)
    if len(experiment.parameters) != 1 or experiment.conditionals:
        return None
    shares = {experiment.parameters[0]["name"]: 1.0}
    names = [metric["name"] or "" for metric in experiment.metrics if metric["strategy"] != "store"]
    return Importances(experiment_id=experiment_id, generation=WANTED, by_metric=dict.fromkeys(names, shares))


def are_importances_expected(experiment: Experiment, refresh: Refresh) -> bool:
    """Whether there are results enough, and models at all: none are made for development."""
    enough = RESULTS_EACH * len(experiment.parameters)
    return not experiment.development and refresh.observation_count - refresh.failure_count >= enough


def are_importances_due(session: Session, experiment: Experiment, refresh: Refresh) -> bool:
    """Whether a worker should work them out (anew): the first time, when asked to, and when much has come since."""
    if not are_importances_expected(experiment, refresh):
        return False
    row = session.get(Importances, experiment.id)
    if row is None or row.generation == WANTED:
        return True
    return refresh.data_generation - row.generation >= max(CHANGES, SHARE * refresh.observation_count)


def ask_for_importances(session: Session, experiment: Experiment, *, now: datetime) -> None:
    """Have them worked out anew by the next refresh, which is due at once; those that are there stay until then."""
    refresh = hold(session, [experiment.id])[experiment.id]
    if not are_importances_expected(experiment, refresh):
        needed = RESULTS_EACH * len(experiment.parameters)
        raise UnprocessableError(
            "Parameter importances update failed. (This experiment may not support importances.) They need models, so "
            f"not a development experiment, and {needed} successful results."
        )
    row = session.get(Importances, experiment.id)
    if row is None:
        row = Importances(experiment_id=experiment.id, by_metric={}, created_at=now)
        session.add(row)
    row.generation = WANTED
    want_refill(refresh, now=now)


def save_importances(
    session: Session, experiment_id: int, by_metric: Mapping[str, Any], *, generation: int, now: datetime
) -> None:
    """Keep what a worker found, in the place of what was known before."""
    session.merge(
        Importances(experiment_id=experiment_id, generation=generation, by_metric=dict(by_metric), created_at=now)
    )
