"""The errors of `objectives`: one root, each carrying its facts. Stop of every journey: here a refusal gets its name.

The layer above (`service`, `tasks`) translates them in one place; their text is written for the person who sent the
data.
"""

from __future__ import annotations

from typing import Any

__all__ = ["DataError", "FitError", "ObjectivesError", "SpaceError", "SpaceExhaustedError"]


class ObjectivesError(Exception):
    """Root of all errors raised on purpose in this package.

    `message` is a sentence for people, `facts` the values it speaks of. Both survive pickling (Celery, processes).

    >>> import pickle
    >>> error = pickle.loads(pickle.dumps(SpaceError("low must be below high", parameter="lr", low=1.0)))
    >>> str(error), error.facts["parameter"]
    ('low must be below high', 'lr')
    """

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.facts)


class SpaceError(ObjectivesError):
    """A search space, or assignments that do not belong to it, cannot be used; `facts["parameter"]` names the
    culprit."""


class DataError(ObjectivesError):
    """Results that cannot be used: infinite values, shapes that disagree, an unknown metric."""


class FitError(ObjectivesError):
    """A model was asked for something it cannot give, as a prediction before it has seen data."""


class SpaceExhaustedError(ObjectivesError):
    """Every configuration of a finite space is observed or pending: there is nothing left to suggest."""


def _rebuild(kind: type[ObjectivesError], message: str, facts: dict[str, Any]) -> ObjectivesError:
    return kind(message, **facts)
