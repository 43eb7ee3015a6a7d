"""Composite metrics: a business metric written as an expression of others, as `120 * conversions - cost_usd`.

Parsed, never evaluated as code: numbers, names of metrics, + - * / **, brackets, and the functions of one table. A
composite is modelled through its parts: each has a model of its own, and their means and variances are carried through
the expression, which beats a black box (Astudillo & Frazier 2019).
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from objectives.errors import DataError
from objectives.shapes import Floats

__all__ = ["FUNCTIONS", "Expression"]

#: the functions an expression may call, by name
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "max": lambda *a: np.maximum.reduce(np.broadcast_arrays(*a)),
    "min": lambda *a: np.minimum.reduce(np.broadcast_arrays(*a)),
    "sqrt": np.sqrt,
}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
#: characters and depth of an expression that anyone would write; more is refused
MAX_LENGTH, MAX_DEPTH = 500, 30


@dataclass(frozen=True)
class Expression:
    """An expression over names, checked when it is made; DataError says what is not allowed and where.

    >>> profit = Expression("120 * conversions - cost_usd")
    >>> profit.names
    ('conversions', 'cost_usd')
    >>> profit({"conversions": np.array([2.0]), "cost_usd": np.array([40.0])}).tolist()
    [200.0]
    """

    text: str

    def __post_init__(self) -> None:
        if len(self.text) > MAX_LENGTH:
            raise DataError(f"an expression may have {MAX_LENGTH} characters, this one has {len(self.text)}")
        _check(self._tree, self.text, 0)
        if not self.names:
            raise DataError(f"the expression {self.text!r} names no metric", expression=self.text)

    @cached_property
    def _tree(self) -> ast.expr:
        try:
            return ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise DataError(f"the expression {self.text!r} cannot be read: {error}", expression=self.text) from error

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The metrics it is made of, in alphabetical order."""
        called = {id(node.func) for node in ast.walk(self._tree) if isinstance(node, ast.Call)}
        found = {n.id for n in ast.walk(self._tree) if isinstance(n, ast.Name) and id(n) not in called}
        return tuple(sorted(found))

    def __call__(self, values: Mapping[str, Floats]) -> Floats:
        """The value for arrays of its parts; NaN where a part is missing or the value does not exist (log of -1)."""
        missing = [name for name in self.names if name not in values]
        if missing:
            raise DataError(f"the expression {self.text!r} needs {missing[0]!r}", expression=self.text, missing=missing)
        with np.errstate(all="ignore"):
            result = np.asarray(_value(self._tree, values), dtype=np.float64)
        return np.where(np.isfinite(result), result, np.nan)

    def moments(self, mean: Mapping[str, Floats], var: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """Mean and variance (c,) for independent normal parts, by sigma points (Julier & Uhlmann 1997).

        Exact for sums, to second order for anything else. Two evaluations a part; NaN where the expression has no value
        at the means.
        """
        centre = self(mean)
        total, variance = centre.copy(), np.zeros_like(centre)
        reach = np.sqrt(3.0)
        for name in self.names:
            step = reach * np.sqrt(var[name])
            up, down = self({**mean, name: mean[name] + step}), self({**mean, name: mean[name] - step})
            up, down = np.where(np.isnan(up), centre, up), np.where(np.isnan(down), centre, down)
            bend = up + down - 2.0 * centre
            total += bend / 6.0
            variance += (up - down) ** 2 / 12.0 + bend**2 / 18.0
        return total, variance


def _check(node: ast.AST, text: str, depth: int) -> None:
    """Refuse everything but the few kinds of nodes that arithmetic needs."""
    if depth > MAX_DEPTH:
        raise DataError(f"the expression {text!r} is nested too deeply", expression=text)
    for child in _parts(node, text):
        _check(child, text, depth + 1)


def _parts(node: ast.AST, text: str) -> list[ast.expr]:
    """The operands of an allowed node; DataError for any other."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return []
    if isinstance(node, ast.Name):
        return []
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
        return [node.operand]
    if _is_call(node) and isinstance(node, ast.Call):
        return list(node.args)
    what = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
    message = (
        f"{what!r} is not allowed in the expression {text!r}: numbers, metrics, + - * / ** and {', '.join(FUNCTIONS)}"
    )
    raise DataError(message, expression=text)


def _is_call(node: ast.AST) -> bool:
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS
    return named and isinstance(node, ast.Call) and bool(node.args) and not node.keywords and _arity(node)


def _arity(node: ast.Call) -> bool:
    many = isinstance(node.func, ast.Name) and node.func.id in ("max", "min")
    return many or len(node.args) == 1


def _value(node: ast.expr, values: Mapping[str, Floats]) -> Any:
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return np.asarray(values[node.id], dtype=np.float64)
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_value(node.left, values), _value(node.right, values))
    if isinstance(node, ast.UnaryOp):
        return _UNARY[type(node.op)](_value(node.operand, values))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return FUNCTIONS[node.func.id](*(_value(argument, values) for argument in node.args))
    raise DataError(f"unexpected {type(node).__name__} in an expression")  # _check lets nothing else through
