"""What holds between parameters: conditionals and the conditions on them, linear constraints, what a grid needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from service.errors import did_you_mean
from service.schemas.fields import check_unique, refuse
from service.schemas.parameters import Conditional, ConstraintTerm, LinearConstraint, Parameter

__all__ = ["check_conditionals", "check_constraints", "check_grids"]

#: Steps of the search for a combination of conditionals under which nothing is left to set.
_PATIENCE: Final = 10_000


def check_conditionals(parameters: Sequence[Parameter], conditionals: Sequence[Conditional]) -> None:
    """Refuse conditionals that carry a name or a value twice, conditions on what is not there, and empty branches."""
    check_unique((conditional.name for conditional in conditionals), ".conditionals", "conditional")
    for index, conditional in enumerate(conditionals):
        check_unique(conditional.values, f".conditionals[{index}].values", "value")
    known = {conditional.name: conditional.values for conditional in conditionals}
    for index, parameter in enumerate(parameters):
        _check_conditions(parameter, known, f".parameters[{index}]")
    _check_branches(parameters, known)


def _check_conditions(parameter: Parameter, known: Mapping[str, Sequence[str]], field: str) -> None:
    for name, values in parameter.conditions.items():
        if name not in known:
            hint = did_you_mean(name, known)
            refuse(f"{field}.conditions.{name}", f"`{parameter.name}` depends on unknown conditional `{name}`{hint}")
        if not values:
            refuse(f"{field}.conditions.{name}", f"`{parameter.name}` names no value of `{name}`")
        for value in values:
            if value not in known[name]:
                hint = did_you_mean(value, known[name])
                refuse(f"{field}.conditions.{name}", f"`{value}` is not a value of conditional `{name}`{hint}")


def _check_branches(parameters: Sequence[Parameter], known: Mapping[str, Sequence[str]]) -> None:
    """Refuse conditionals of which some combination leaves no parameter: there would be nothing to search."""
    domains = {name: frozenset(values) for name, values in known.items()}
    empty = _empty_branch(parameters, domains, [_PATIENCE])
    if empty is not None:
        where = ", ".join(f"{name} = {sorted(values)[0]}" for name, values in sorted(empty.items()))
        refuse(".conditionals", f"Every combination of conditionals needs a parameter: none is left with {where}")


def _empty_branch(
    parameters: Sequence[Parameter], domains: Mapping[str, frozenset[str]], patience: list[int]
) -> Mapping[str, frozenset[str]] | None:
    """Return values of the conditionals under which every one of `parameters` is off, None if there are none.

    One parameter after the other is switched off by one of its conditions, whatever is left of that conditional's
    values; where nothing is left, another condition is tried.
    """
    if not parameters:
        return domains
    patience[0] -= 1
    for name, values in parameters[0].conditions.items():
        left = domains[name] - set(values)
        if left and patience[0] > 0:
            found = _empty_branch(parameters[1:], {**domains, name: left}, patience)
            if found is not None:
                return found
    return None


def check_grids(parameters: Sequence[Parameter]) -> None:
    """Refuse numbers without a grid: an experiment of type grid tries every combination."""
    for index, parameter in enumerate(parameters):
        if parameter.type != "categorical" and parameter.grid is None:
            words = f"An experiment of type grid needs a grid for `{parameter.name}`, instead of bounds"
            refuse(f".parameters[{index}].grid", words)


def check_constraints(constraints: Sequence[LinearConstraint], parameters: Sequence[Parameter]) -> None:
    """Refuse constraints on what is no number or only one, and such as nothing can meet."""
    known = {parameter.name: parameter for parameter in parameters}
    for index, constraint in enumerate(constraints):
        _check_terms(constraint, known, f".linear_constraints[{index}]")


def _check_terms(constraint: LinearConstraint, known: Mapping[str, Parameter], field: str) -> None:
    if not constraint.terms:
        refuse(f"{field}.terms", "Constraint must have at least one term")
    seen: set[str] = set()
    for term in constraint.terms:
        _check_term(term, known, seen, f"{field}.terms")
    if sum(term.weight != 0 for term in constraint.terms) < 2:
        words = "Constraints should affect at least two parameters: the limit of a single one belongs into its bounds"
        refuse(f"{field}.terms", words)
    most = sum(_largest(known[term.name], term, constraint.type) for term in constraint.terms)
    reachable = most > constraint.threshold if constraint.type == "greater_than" else most < constraint.threshold
    if not reachable:
        words = f"Infeasible constraints or empty set: no configuration meets {field}, the sum reaches only {most}"
        refuse(f"{field}.threshold", words)


def _check_term(term: ConstraintTerm, known: Mapping[str, Parameter], seen: set[str], field: str) -> None:
    if term.name not in known:
        refuse(field, f"Variable {term.name} is not a known parameter{did_you_mean(term.name, known)}")
    if known[term.name].type == "categorical":
        refuse(field, f"Variable {term.name} is not a parameter of type `double` or `int`: a sum needs numbers")
    if term.name in seen:
        refuse(field, f"Duplicate variable name: {term.name}")
    seen.add(term.name)


def _largest(parameter: Parameter, term: ConstraintTerm, kind: str) -> float:
    """Return what this term can add at the best: the largest for greater_than, the smallest for less_than."""
    ends = [value * term.weight for value in parameter.extent] + ([0.0] if parameter.conditions else [])
    return max(ends) if kind == "greater_than" else min(ends)
