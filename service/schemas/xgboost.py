"""What is usual of XGBoost's parameters, for `sigopt.xgboost.experiment`: its metadata say that it is one.

SigOpt's server began those where earlier tuning of XGBoost had ended well. Here a parameter whose bounds go far beyond
what is usual gets a prior, as if its caller had given it one: replies show it, and `PUT` changes it or takes it away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from service.schemas.experiment import Definition
from service.schemas.parameters import Bounds, Parameter, Prior

__all__ = ["with_usual_priors"]

#: The key by which the client says what the experiment tunes.
_MARK: Final = "_IS_XGB_EXPERIMENT"
#: From where to where people keep them, as XGBoost's documentation and its users' guides have it. Most of the others
#: (eta, subsample, max_depth …) are whole numbers, shares, or searched on a logarithmic scale.
_USUAL: Final[Mapping[str, tuple[float, float]]] = {
    "alpha": (0.0, 10.0),
    "gamma": (0.0, 5.0),
    "lambda": (0.0, 10.0),
    "max_delta_step": (0.0, 10.0),
    "min_child_weight": (0.0, 5.0),
}
#: Bounds this many times as wide as what is usual go far beyond it; a prior spans it by so many standard deviations.
_FAR: Final = 2.0
_SPAN: Final = 5.0


def with_usual_priors(definition: Definition, metadata: Mapping[str, Any] | None) -> Definition:
    """Return `definition` with priors for what is known of XGBoost, if `metadata` says that this is its experiment.

    >>> from service.schemas.experiment import parse_experiment
    >>> wide = {"name": "gamma", "type": "double", "bounds": {"min": 0, "max": 900}}
    >>> definition = parse_experiment({"name": "x", "parameters": [wide]})[1]
    >>> with_usual_priors(definition, {"_IS_XGB_EXPERIMENT": "True"}).parameters[0].prior.mean
    2.5
    """
    if _MARK not in (metadata or {}):
        return definition
    parameters = tuple(map(_with_prior, definition.parameters))
    return Definition(**{**dict(definition), "parameters": parameters})


def _with_prior(parameter: Parameter) -> Parameter:
    usual, bounds = _USUAL.get(parameter.name), parameter.bounds
    if usual is None or bounds is None or parameter.type != "double" or parameter.is_log or parameter.prior is not None:
        return parameter
    return parameter.model_copy(update={"prior": _prior(usual, bounds)})


def _prior(usual: tuple[float, float], bounds: Bounds) -> Prior | None:
    """Return a prior over what is usual and within the bounds; None where that is little, or most of the bounds."""
    low, high = max(usual[0], bounds.min), min(usual[1], bounds.max)
    width = usual[1] - usual[0]
    if high - low < width / 2 or bounds.max - bounds.min < _FAR * width:
        return None
    return Prior(name="normal", mean=(low + high) / 2, scale=(high - low) / _SPAN)
