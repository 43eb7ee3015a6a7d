"""A journal: one JSON object a line, each an operation. Read from the first line on, they make the studies.

Each line is held against what an operation may say, so that whatever is wrong has the number of its line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO, Final

from service.errors import InvalidInputError
from service.transfer.optuna.space import check_distribution, is_number
from service.transfer.optuna.study import Distribution, State, Study, Trial

__all__ = ["LONGEST_LINE", "read"]

#: Bytes of a line; it holds one attribute or one parameter.
LONGEST_LINE: Final = 16 * 1024 * 1024
_DIRECTIONS: Final = {0: "minimize", 1: "minimize", 2: "maximize"}
_STATES: Final = (State.RUNNING, State.COMPLETE, State.PRUNED, State.FAIL, State.WAITING)
_FINISHED: Final = (State.COMPLETE, State.PRUNED, State.FAIL)
#: What goes wrong where a line is not what an operation is.
_WRONG: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

_Log = Mapping[str, Any]


def read(file: BinaryIO) -> list[Study]:
    """Return the studies of a journal, but those that were deleted."""
    state = _Replay()
    for number, log in _lines(file):
        try:
            _OPERATIONS.get(log["op_code"], _pass_over)(state, log)
        except _WRONG as error:
            reason = f"line {number} is no operation of an Optuna journal: {type(error).__name__} {error}"
            raise _refusal(number, reason) from error
    return list(state.studies.values())


def _lines(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise _refusal(number, f"line {number} is longer than {LONGEST_LINE} bytes: is this an Optuna journal?")
        if not line.endswith(b"\n"):
            if number == 1:
                _parsed(number, line)
            return  # somebody was writing it, or died while writing it: Optuna passes it over too
        if line.strip():
            yield number, _parsed(number, line)


def _parsed(number: int, line: bytes) -> Any:
    try:
        text = line.decode("utf-8")
        value = json.loads(text)  # Infinity and NaN are what Optuna writes for such values
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
        return value
    except (ValueError, RecursionError) as error:
        raise _refusal(number, f"line {number} is not JSON: is this an Optuna journal?") from error


def _refusal(number: int, reason: str) -> InvalidInputError:
    return InvalidInputError(reason, field=f"line {number}", expected="an Optuna journal")


class _Replay:
    """The studies as they stand after the operations so far; ids are counted as Optuna counts them."""

    def __init__(self) -> None:
        self.studies: dict[int, Study] = {}
        self.trials: list[tuple[Study, Trial]] = []
        self.made = 0

    def open_trial(self, log: _Log) -> tuple[Study, Trial] | None:
        """Return the trial of an operation unless it has ended: what comes later does not count."""
        study, trial = self.trials[_place(log["trial_id"])]
        return None if trial.state in _FINISHED else (study, trial)


def _place(given: Any) -> int:
    """Return a number that counts from the first on."""
    if type(given) is not int or given < 0:
        raise ValueError(f"expected a number from 0 on, got {given!r:.40}")
    return given


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError(f"expected text, got {given!r:.40}")
    return given


def _object(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise TypeError(f"expected an object, got {given!r:.40}")
    return given


def _values(given: Any, study: Study) -> Sequence[float | None]:
    """Return the values of a trial: one an objective, or none; each a number, be it infinite, or null."""
    if not isinstance(given, list) or len(given) not in (0, len(study.directions)):
        raise ValueError(f"expected {len(study.directions)} values, got {given!r:.40}")
    for value in given:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"expected a number, got {value!r:.40}")
    return tuple(None if value is None else float(value) for value in given)


def _create_study(state: _Replay, log: _Log) -> None:
    name, directions = _text(log["study_name"]), [_DIRECTIONS[code] for code in log["directions"]]
    if not directions:
        raise ValueError("expected at least one direction")
    if any(study.name == name for study in state.studies.values()):
        return
    state.studies[state.made] = Study(name, directions)
    state.made += 1


def _delete_study(state: _Replay, log: _Log) -> None:
    state.studies.pop(log["study_id"], None)


def _set_study_attrs(name: str) -> Callable[[_Replay, _Log], None]:
    def apply(state: _Replay, log: _Log) -> None:
        if log["study_id"] in state.studies:
            getattr(state.studies[log["study_id"]], f"{name}s").update(_object(log[name]))

    return apply


def _create_trial(state: _Replay, log: _Log) -> None:
    study = state.studies.get(log["study_id"])
    if study is None:
        return
    values = log.get("values")
    single = log.get("value")
    trial = Trial(
        number=len(study.trials),
        state=_STATES[_place(log.get("state", 0))],
        values=_values(values if values is not None else [] if single is None else [single], study),
        user_attrs=dict(_object(log.get("user_attrs") or {})),
        system_attrs=dict(_object(log.get("system_attrs") or {})),
        started_at=_time(log.get("datetime_start")),
        completed_at=_time(log.get("datetime_complete")),
    )
    params, distributions = _object(log.get("params") or {}), _object(log.get("distributions") or {})
    for name, value in params.items():
        _give(trial, name, value, distributions[name])
    study.trials.append(trial)
    state.trials.append((study, trial))


def _set_param(state: _Replay, log: _Log) -> None:
    found = state.open_trial(log)
    if found is not None:
        _give(found[1], _text(log["param_name"]), log["param_value_internal"], log["distribution"])


def _give(trial: Trial, name: str, value: Any, text: str) -> None:
    """Give a trial a parameter, whose value has to be one that Optuna keeps for such a distribution."""
    distribution = _distribution(text)
    choices = distribution["attributes"].get("choices")
    if not is_number(value) or (choices is not None and value not in range(len(choices))):
        raise ValueError(f"{name} can't be {value!r:.40}")
    trial.params[name] = value
    trial.distributions[name] = distribution


@lru_cache(maxsize=4096)
def _distribution(text: str) -> Distribution:
    """Read a distribution, of which a journal has the same ones again and again."""
    given = _object(json.loads(text))
    check_distribution(_text(given["name"]), _object(given["attributes"]))
    return given


def _set_state(state: _Replay, log: _Log) -> None:
    found = state.open_trial(log)
    new = _STATES[_place(log["state"])]
    if found is None or (new is State.RUNNING and found[1].state is not State.WAITING):
        return
    study, trial = found
    trial.state = new
    if log.get("values") is not None:
        trial.values = _values(log["values"], study)
    trial.started_at = _time(log.get("datetime_start")) or trial.started_at
    trial.completed_at = _time(log.get("datetime_complete")) or trial.completed_at


def _set_trial_attrs(name: str) -> Callable[[_Replay, _Log], None]:
    def apply(state: _Replay, log: _Log) -> None:
        found = state.open_trial(log)
        if found is not None:
            getattr(found[1], f"{name}s").update(_object(log[name]))

    return apply


def _pass_over(_state: _Replay, _log: _Log) -> None:
    """Leave out what an import has no use for: intermediate values, and operations of other programs."""


def _time(text: str | None) -> datetime | None:
    """Read a time; Optuna before 5.0 wrote local ones without a zone, which are taken as UTC."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


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
