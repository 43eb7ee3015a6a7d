"""A journal: one JSON object a line, each an operation. Read from the first line on, they make the studies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from service.errors import InvalidInputError
from service.transfer.optuna.study import State, Study, Trial

__all__ = ["read"]

_DIRECTIONS: Final = {0: "minimize", 1: "minimize", 2: "maximize"}
_STATES: Final = (State.RUNNING, State.COMPLETE, State.PRUNED, State.FAIL, State.WAITING)
_FINISHED: Final = (State.COMPLETE, State.PRUNED, State.FAIL)

_Log = Mapping[str, Any]


def read(path: Path) -> list[Study]:
    """Return the studies of the journal at `path`, but those that were deleted."""
    state = _Replay()
    for number, log in _lines(path):
        try:
            _OPERATIONS.get(log["op_code"], _pass_over)(state, log)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            message = f"line {number} is no operation of an Optuna journal: {type(error).__name__} {error}"
            raise InvalidInputError(message, field=f"line {number}", expected="an Optuna journal") from error
    return list(state.studies.values())


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return  # somebody was writing it, or died while writing it: Optuna passes it over too
            if line.strip():
                yield number, _parsed(number, line)


def _parsed(number: int, line: bytes) -> Any:
    try:
        return json.loads(line)  # Infinity and NaN are what Optuna writes for such values
    except ValueError as error:
        message = f"line {number} is not JSON: is this an Optuna journal?"
        raise InvalidInputError(message, field=f"line {number}", expected="an Optuna journal") from error


class _Replay:
    """The studies as they stand after the operations so far; ids are counted as Optuna counts them."""

    def __init__(self) -> None:
        self.studies: dict[int, Study] = {}
        self.trials: list[Trial] = []
        self.made = 0

    def open_trial(self, log: _Log) -> Trial | None:
        """Return the trial of an operation unless it has ended: what comes later does not count."""
        trial = self.trials[log["trial_id"]]
        return None if trial.state in _FINISHED else trial


def _create_study(state: _Replay, log: _Log) -> None:
    if any(study.name == log["study_name"] for study in state.studies.values()):
        return
    state.studies[state.made] = Study(log["study_name"], [_DIRECTIONS[code] for code in log["directions"]])
    state.made += 1


def _delete_study(state: _Replay, log: _Log) -> None:
    state.studies.pop(log["study_id"], None)


def _set_study_attrs(name: str) -> Callable[[_Replay, _Log], None]:
    def apply(state: _Replay, log: _Log) -> None:
        if log["study_id"] in state.studies:
            getattr(state.studies[log["study_id"]], f"{name}s").update(log[name])

    return apply


def _create_trial(state: _Replay, log: _Log) -> None:
    study = state.studies.get(log["study_id"])
    if study is None:
        return
    values = log.get("values")
    single = log.get("value")
    trial = Trial(
        number=len(study.trials),
        state=_STATES[log.get("state", 0)],
        params=dict(log.get("params") or {}),
        distributions={name: json.loads(text) for name, text in (log.get("distributions") or {}).items()},
        values=tuple(values) if values is not None else () if single is None else (single,),
        user_attrs=dict(log.get("user_attrs") or {}),
        system_attrs=dict(log.get("system_attrs") or {}),
        started_at=_time(log.get("datetime_start")),
        completed_at=_time(log.get("datetime_complete")),
    )
    study.trials.append(trial)
    state.trials.append(trial)


def _set_param(state: _Replay, log: _Log) -> None:
    trial = state.open_trial(log)
    if trial is not None:
        trial.params[log["param_name"]] = log["param_value_internal"]
        trial.distributions[log["param_name"]] = json.loads(log["distribution"])


def _set_state(state: _Replay, log: _Log) -> None:
    trial = state.open_trial(log)
    new = _STATES[log["state"]]
    if trial is None or (new is State.RUNNING and trial.state is not State.WAITING):
        return
    trial.state = new
    if log.get("values") is not None:
        trial.values = tuple(log["values"])
    trial.started_at = _time(log.get("datetime_start")) or trial.started_at
    trial.completed_at = _time(log.get("datetime_complete")) or trial.completed_at


def _set_trial_attrs(name: str) -> Callable[[_Replay, _Log], None]:
    def apply(state: _Replay, log: _Log) -> None:
        trial = state.open_trial(log)
        if trial is not None:
            getattr(trial, f"{name}s").update(log[name])

    return apply


def _pass_over(_state: _Replay, _log: _Log) -> None:
    """Leave out what an import has no use for: intermediate values, and operations of other programs."""


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


_OPERATIONS: Final[Mapping[int, Callable[[_Replay, _Log], None]]] = {
    0: _create_study,
    1: _delete_study,
    2: _set_study_attrs("user_attr"),
    3: _set_study_attrs("system_attr"),
    4: _create_trial,
    5: _set_param,
    6: _set_state,
    8: _set_trial_attrs("user_attr"),
    9: _set_trial_attrs("system_attr"),
}
