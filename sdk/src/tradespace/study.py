"""Ask and tell, as people know it from Optuna: a study, its trials, `suggest_float` and its kin, `tell`.

What is searched is said once, when the study is made: by a list of parameters, or by a function that asks a trial for
them. The service needs to know it before the first trial, since it computes suggestions ahead of being asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, SupportsFloat, cast

from tradespace.client import Client
from tradespace.errors import InvalidInputError
from tradespace.replies import Experiment, FrontPoint, Observation, Suggestion
from tradespace.result import Identified, Values

__all__ = ["Study", "Trial", "create_study", "load_study"]

#: What an objective may return: the value, the values in the order of the metrics, or `{metric: value}`.
Measured = SupportsFloat | Sequence[SupportsFloat] | Values
Parameters = Sequence[Mapping[str, Any]]
#: Names of states that mean that nothing was measured.
_FAILED: Final = ("fail", "failed")
_COMPLETE: Final = ("complete", "completed")


@dataclass
class Trial:
    """One configuration to try. `suggest_…` returns its value of a parameter; `params` has them all."""

    suggestion: Suggestion
    _parameters: Mapping[str, Mapping[str, Any]] = field(repr=False)
    user_attrs: dict[str, Any] = field(default_factory=dict)

    @property
    def params(self) -> Mapping[str, Any]:
        """The configuration."""
        return self.suggestion.assignments

    @property
    def number(self) -> int:
        """The suggestion's id, as a number."""
        return int(self.suggestion.id)

    def suggest_float(
        self,
        name: str,
        low: float | None = None,
        high: float | None = None,
        *,
        step: float | None = None,  # noqa: ARG002 the experiment's: said again for the reader
        log: bool = False,  # noqa: ARG002
    ) -> float:
        """Return this trial's value of `name`. The space is the experiment's: a narrower range is an error."""
        return _within(name, float(cast("SupportsFloat", self._value(name, "double"))), low, high)

    def suggest_int(
        self,
        name: str,
        low: int | None = None,
        high: int | None = None,
        *,
        step: int = 1,  # noqa: ARG002 the experiment's: said again for the reader
        log: bool = False,  # noqa: ARG002
    ) -> int:
        """Return this trial's value of `name`, a whole number."""
        return int(_within(name, float(cast("int", self._value(name, "int"))), low, high))

    def suggest_categorical(self, name: str, choices: Sequence[Any] | None = None) -> Any:
        """Return this trial's choice of `name`; with `choices`, the one of them that is written the same."""
        word = self._value(name, "categorical")
        return next((choice for choice in choices or () if _written(choice) == word), word)

    def set_user_attr(self, name: str, value: Any) -> None:
        """Have text or a number remembered with this trial's result."""
        self.user_attrs[name] = value

    def _value(self, name: str, kind: str) -> Any:
        if name not in self.params:
            known = ", ".join(sorted(self.params)) or "none"
            raise InvalidInputError("name", f"a parameter that this trial has: {known}", repr(name))
        stated = self._parameters.get(name, {}).get("type", kind)
        if stated != kind:
            raise InvalidInputError(name, f"a question for a parameter of type {stated}", f"one for {kind}")
        return self.params[name]


def _within(name: str, value: float, low: float | None, high: float | None) -> float:
    """Refuse a question whose range is not the experiment's: the answer would surprise."""
    if (low is not None and value < low) or (high is not None and value > high):
        raise InvalidInputError(name, "a range with the experiment's in it", f"{low} to {high} for the value {value}")
    return value


def _written(choice: Any) -> str:
    return choice if isinstance(choice, str) else str(choice)


class _Sketch(Trial):
    """A trial that is none: what it is asked for becomes the space. Each question gets the middle of its answers."""

    def __init__(self) -> None:
        self.asked: dict[str, dict[str, Any]] = {}

    def suggest_float(
        self,
        name: str,
        low: float | None = None,
        high: float | None = None,
        *,
        step: float | None = None,
        log: bool = False,
    ) -> float:
        if low is None or high is None:
            raise InvalidInputError(name, "low and high where the space is said", "nothing")
        if step is not None:
            count = int((high - low) / step + 1e-9)
            self.asked[name] = {"type": "double", "grid": [round(low + n * step, 12) for n in range(count + 1)]}
        else:
            self.asked[name] = {"type": "double", "bounds": {"min": low, "max": high}}
            self.asked[name] |= {"transformation": "log"} if log else {}
        return low

    def suggest_int(
        self,
        name: str,
        low: int | None = None,
        high: int | None = None,
        *,
        step: int = 1,
        log: bool = False,  # noqa: ARG002 whole numbers are searched on a plain scale
    ) -> int:
        if low is None or high is None:
            raise InvalidInputError(name, "low and high where the space is said", "nothing")
        space = {"bounds": {"min": low, "max": high}} if step == 1 else {"grid": list(range(low, high + 1, step))}
        self.asked[name] = {"type": "int", **space}
        return low

    def suggest_categorical(self, name: str, choices: Sequence[Any] | None = None) -> Any:
        if not choices:
            raise InvalidInputError(name, "choices where the space is said", "nothing")
        self.asked[name] = {"type": "categorical", "categorical_values": [_written(choice) for choice in choices]}
        return choices[0]

    def parameters(self) -> Parameters:
        """Return what was asked for."""
        return [{"name": name, **space} for name, space in self.asked.items()]


class Study:
    """An experiment, asked and told. Made by `create_study` or `load_study`."""

    def __init__(self, client: Client, experiment: Experiment, metrics: Sequence[str | None]) -> None:
        self._client = client
        self._metrics = tuple(metrics)
        self._parameters = {parameter["name"]: parameter for parameter in experiment.parameters}
        self.experiment = experiment

    def ask(self) -> Trial:
        """Return what to try next."""
        return Trial(self._client.next_suggestion(self.experiment), self._parameters)

    def tell(self, trial: Trial, values: Measured | None = None, *, state: Any = None) -> Observation:
        """Report what came of a trial: the value of the one metric, values in the metrics' order, or by their names.

        `state` is "complete" or "fail" (Optuna's `TrialState` does as well); without values it is "fail".
        """
        word = str(getattr(state, "name", state or ("fail" if values is None else "complete"))).lower()
        if word not in (*_FAILED, *_COMPLETE):
            raise InvalidInputError("state", "complete or fail", repr(state))
        failed = word in _FAILED
        named = None if failed else self._named(values)
        metadata = trial.user_attrs or None
        suggestion = trial.suggestion
        return self._client.observe(self.experiment, named, suggestion=suggestion, failed=failed, metadata=metadata)

    def optimize(
        self, objective: Callable[[Trial], Measured], n_trials: int, *, catch: tuple[type[Exception], ...] = ()
    ) -> None:
        """Try `n_trials` configurations. What `objective` raises is told as a failure, and raised unless in `catch`."""
        for _ in range(n_trials):
            trial = self.ask()
            try:
                values = objective(trial)
            except Exception as error:
                self.tell(trial, state="fail")
                if not isinstance(error, catch):
                    raise
            else:
                self.tell(trial, values)

    @property
    def best_trials(self) -> tuple[FrontPoint, ...]:
        """The Pareto front as the service last computed it; with one metric, the best."""
        return self._client.front(self.experiment).points

    @property
    def trials(self) -> list[Observation]:
        """Everything that was measured, oldest first."""
        return list(reversed(list(self._walk())))

    def _walk(self) -> Iterable[Observation]:
        before: str | None = None
        while True:
            page = self._client.observations(self.experiment, before=before)
            yield from page
            before = page.before
            if before is None:
                return

    def _named(self, values: Measured | None) -> Values:
        if isinstance(values, Mapping):
            return values
        listed = list(values) if isinstance(values, Sequence) else [values]
        if len(listed) != len(self._metrics) or isinstance(values, str):
            expected = f"{len(self._metrics)} value(s), in the order {self._metrics}"
            raise InvalidInputError("values", expected, repr(values)[:80])
        return cast("Values", dict(zip((name or "" for name in self._metrics), listed, strict=True)))


def create_study(
    client: Client,
    name: str,
    space: Parameters | Callable[[Trial], Any],
    metrics: Sequence[Mapping[str, Any] | str],
    **more: Any,
) -> Study:
    """Make an experiment and return it as a study.

    `space` is the list of parameters, or a function that asks a trial for them: it is called once, here, and what it
    asks for is the space. Where parameters depend on choices, give the list with its `conditionals`. `metrics` as for
    `Client.create_experiment`: `"accuracy"`, `{"name": "latency_ms", "objective": "minimize"}`.
    """
    parameters = _sketched(space) if callable(space) else space
    experiment = client.create_experiment(name, parameters, metrics, **more)
    return Study(client, experiment, [_metric_name(metric) for metric in metrics])


def _sketched(space: Callable[[Trial], Any]) -> Parameters:
    sketch = _Sketch()
    space(sketch)
    if not sketch.asked:
        raise InvalidInputError("space", "a function that asks its trial for parameters", "one that asks for none")
    return sketch.parameters()


def _metric_name(metric: Mapping[str, Any] | str) -> str | None:
    return metric if isinstance(metric, str) else metric.get("name")


def load_study(client: Client, experiment: Identified, *, metrics: Sequence[str] | None = None) -> Study:
    """Return an experiment that is there already as a study.

    `metrics` is the order in which `tell` takes values; without it, it is that of the service, which is by name.
    """
    found = client.experiment(experiment)
    return Study(client, found, metrics or [metric.name for metric in found.metrics])
