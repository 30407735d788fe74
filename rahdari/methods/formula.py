"""Evaluate the formula of a schema column: the explanation of a cell, recomputed from its terms.

A formula is an arithmetic Python expression.  A bare name is a column of the same row; ``table.column`` a
cell of the row of another table whose key columns all occur in this row; ``table["id"].column`` the row
with that key; ``table[column].column`` the row whose key stands in a column of this row;
``params.name`` a parameter; ``year_base`` and ``year_end`` the ends of the plan.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rahdari.errors import InputError, Problem

Value = float | int | bool | str | None
Lookup = Callable[[str, Mapping[str, Value]], Mapping[str, Value] | None]
KeysOf = Callable[[str], tuple[str, ...]]

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "sqrt": math.sqrt,
    "abs": abs,
    "round": round,
    "floor": math.floor,
    "ceil": math.ceil,
}


@dataclass(frozen=True, slots=True)
class Term:
    """One value that a formula used, and where it stands."""

    name: str
    value: Value
    table: str | None = None
    key: tuple[tuple[str, Value], ...] = ()
    column: str | None = None


@dataclass(frozen=True)
class Scope:
    """What the names of a formula mean for one row."""

    table: str
    row: Mapping[str, Value]
    keys_of: KeysOf
    lookup: Lookup
    params: Mapping[str, Value]
    constants: Mapping[str, Value]


class _Evaluator(ast.NodeVisitor):
    """Walks one expression; notes every term it meets once, in order."""

    def __init__(self, scope: Scope, source: str) -> None:
        self.scope = scope
        self.source = source
        self.terms: dict[str, Term] = {}

    def fail(self, what: str) -> InputError:
        where = f"{self.scope.table}: {self.source}"
        return InputError(Problem(what, "correct the formula in the engine's tables/*.csv", where))

    def generic_visit(self, node: ast.AST) -> Any:  # noqa: ANN401
        raise self.fail(f"{type(node).__name__} is not allowed in a formula")

    def visit_Expression(self, node: ast.Expression) -> Any:  # noqa: ANN401
        return self.visit(node.body)

    def visit_Constant(self, node: ast.Constant) -> Any:  # noqa: ANN401
        return node.value

    def visit_Name(self, node: ast.Name) -> Any:  # noqa: ANN401
        if node.id in self.scope.row:
            key = tuple((name, self.scope.row[name]) for name in self.scope.keys_of(self.scope.table))
            return self.note(Term(node.id, self.scope.row[node.id], self.scope.table, key, node.id))
        if node.id in self.scope.constants:
            return self.note(Term(node.id, self.scope.constants[node.id]))
        raise self.fail(f"'{node.id}' is no column of the row")

    def visit_Attribute(self, node: ast.Attribute) -> Any:  # noqa: ANN401
        name = ast.unparse(node)
        if isinstance(node.value, ast.Name) and node.value.id == "params":
            if node.attr not in self.scope.params:
                raise self.fail(f"there is no parameter '{node.attr}'")
            return self.note(Term(name, self.scope.params[node.attr], "params", (), node.attr))
        if isinstance(node.value, ast.Name):
            table = node.value.id
            keys = {key: self.scope.row.get(key) for key in self.scope.keys_of(table)}
        elif isinstance(node.value, ast.Subscript) and isinstance(node.value.value, ast.Name):
            table = node.value.value.id
            names = self.scope.keys_of(table)
            index = node.value.slice
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            keys = dict(zip(names, [self.visit(part) for part in parts], strict=False))
            keys |= {key: self.scope.row.get(key) for key in names[len(parts) :]}
        else:
            raise self.fail(f"'{name}' is no cell")
        row = self.scope.lookup(table, keys)
        if row is None or node.attr not in row:
            raise self.fail(f"'{name}' has no cell at {keys}")
        return self.note(Term(name, row[node.attr], table, tuple(keys.items()), node.attr))

    def visit_BinOp(self, node: ast.BinOp) -> Any:  # noqa: ANN401
        if type(node.op) not in BINARY:
            raise self.fail(f"operator {type(node.op).__name__} is not allowed")
        return BINARY[type(node.op)](self.visit(node.left), self.visit(node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:  # noqa: ANN401
        if type(node.op) not in UNARY:
            raise self.fail(f"operator {type(node.op).__name__} is not allowed")
        return UNARY[type(node.op)](self.visit(node.operand))

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:  # noqa: ANN401
        values = (self.visit(value) for value in node.values)
        return all(values) if isinstance(node.op, ast.And) else any(values)

    def visit_Compare(self, node: ast.Compare) -> Any:  # noqa: ANN401
        left = self.visit(node.left)
        for comparison, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.visit(right_node)
            if type(comparison) not in COMPARE:
                raise self.fail(f"comparison {type(comparison).__name__} is not allowed")
            if not COMPARE[type(comparison)](left, right):
                return False
            left = right
        return True

    def visit_Call(self, node: ast.Call) -> Any:  # noqa: ANN401
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise self.fail("only plain functions may be called")
        if node.func.id == "where":
            condition, yes, no = node.args
            return self.visit(yes) if self.visit(condition) else self.visit(no)
        if node.func.id not in FUNCTIONS:
            raise self.fail(f"there is no function '{node.func.id}'; use one of {', '.join(FUNCTIONS)}, where")
        return FUNCTIONS[node.func.id](*[self.visit(argument) for argument in node.args])

    def visit_IfExp(self, node: ast.IfExp) -> Any:  # noqa: ANN401
        return self.visit(node.body) if self.visit(node.test) else self.visit(node.orelse)

    def note(self, term: Term) -> Value:
        """Keep the term once and return its value."""
        self.terms.setdefault(term.name, term)
        return term.value


def evaluated(source: str, scope: Scope) -> tuple[Value, tuple[Term, ...]]:
    """Return the value of a formula for one row and the terms it used, in order of use.

    >>> scope = Scope("t", {"a_km": 3.0}, lambda table: (), lambda table, keys: None, {}, {})
    >>> evaluated("max(a_km, 1) * 2", scope)[0]
    6.0
    """
    try:
        tree = ast.parse(source, mode="eval")
    except SyntaxError as error:
        raise InputError(Problem(f"'{source}' is no expression", "correct the formula", scope.table)) from error
    evaluator = _Evaluator(scope, source)
    try:
        value = evaluator.visit(tree)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise evaluator.fail(f"cannot be computed: {error}") from error
    return value, tuple(evaluator.terms.values())
