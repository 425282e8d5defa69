"""Every small mistake that can be made in a source, each as a source of its own."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_ELSEWHERE = ("annotation", "returns", "decorator_list", "bases", "keywords")
"""Fields that say what a thing is and not what it does."""


@dataclass(frozen=True)
class Mutation:
    """One mistake."""

    line: int
    what: str
    """In a few words: what stood there and what stands there now."""
    source: str
    """The whole module with the mistake in it; comments are gone."""


@dataclass(frozen=True)
class _Change:
    """A change that can be made to the tree and taken back."""

    line: int
    what: str
    do: Callable[[], None]
    undo: Callable[[], None]


def mutations(source: str) -> list[Mutation]:
    """Return all mutations of a module, in the order of its lines; none of them equals the original.

    Left alone: docstrings, annotations, bases, decorators and imports; text, for a message may say anything;
    the first value of a name; `assert_never` and what stands under `TYPE_CHECKING`.
    """
    tree = ast.parse(source)
    original = ast.unparse(tree)
    found: list[Mutation] = []
    for change in _changes(tree):
        change.do()
        try:
            mutant = ast.unparse(ast.fix_missing_locations(tree))
        finally:
            change.undo()
        if mutant != original:
            found.append(Mutation(change.line, change.what, mutant + "\n"))
    return sorted(found, key=lambda one: (one.line, one.what))


def _changes(tree: ast.Module) -> Iterator[_Change]:
    for node in list(_code(tree)):
        yield from _of_expression(node)
        yield from _of_statements(node)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that do something."""
    yield node
    for name, value in ast.iter_fields(node):
        if name == "keywords" and not isinstance(node, ast.ClassDef):
            pass  # a call's keywords are arguments, a class's say what it is
        elif name in _ELSEWHERE or isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_idle(child):
                yield from _code(child)


def _is_idle(node: ast.AST) -> bool:
    """Whether a node does nothing at run time, or cannot be reached."""
    if isinstance(node, ast.Expr):
        if isinstance(node.value, ast.Constant):
            return True  # a docstring
        return isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "assert_never"
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _of_expression(node: ast.AST) -> Iterator[_Change]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            yield _swap(node, "ops", [_COMPARISONS[type(op)]()])
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            yield _swap(node, "op", _ARITHMETIC[type(op)]())
        case ast.AugAssign(op=op) if type(op) in _ARITHMETIC:
            yield _swap(node, "op", _ARITHMETIC[type(op)]())
        case ast.BoolOp(op=op, values=values):
            yield _swap(node, "op", ast.Or() if isinstance(op, ast.And) else ast.And())
            for place in range(len(values)):
                yield _swap(node, "values", values[:place] + values[place + 1 :])
        case _:
            yield from _of_operand(node)


def _of_operand(node: ast.AST) -> Iterator[_Change]:
    """As above, of what has no operator between its parts."""
    match node:
        case ast.UnaryOp(op=ast.Not()):
            # Twice not, so that what comes out is a bool as before.
            yield _swap(node, "operand", ast.UnaryOp(ast.Not(), node.operand))
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            yield _swap(node, "func", ast.Name(_CALLS[name], ast.Load()))
        case ast.IfExp(body=body, orelse=orelse):
            yield _swap(node, "body", orelse)
            yield _swap(node, "orelse", body)
        case ast.Constant(value=bool() as value):
            yield _swap(node, "value", not value)
        case ast.Constant(value=int() | float() as value):
            yield _swap(node, "value", value + 1)


def _of_statements(node: ast.AST) -> Iterator[_Change]:
    """Take statements out, and let conditions and returned values be others."""
    match node:
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield _swap(node, "value", ast.Constant(None))
        case ast.If() | ast.While():
            yield _swap(node, "test", ast.Constant(False))  # noqa: FBT003 - the literal itself
            if isinstance(node, ast.If):
                yield _swap(node, "test", ast.Constant(True))  # noqa: FBT003 - the literal itself
    for name in ("body", "orelse"):
        found = getattr(node, name, None)
        statements: list[ast.stmt] = found if isinstance(found, list) else []
        for place, one in enumerate(statements):
            if _is_worth_removing(one):
                yield _without(statements, place)


def _is_worth_removing(one: ast.stmt) -> bool:
    """Whether the module may go on without a statement.

    Without the first value of a name every test would fail: that would be caught, and prove nothing.
    """
    if isinstance(one, ast.Assign):
        return not any(isinstance(part, ast.Name | ast.Tuple) for part in one.targets)
    return isinstance(one, ast.AugAssign | ast.Expr) and not _is_idle(one)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _swap(node: ast.AST, field: str, new: object) -> _Change:
    """Return the change that sets a field of *node*."""
    before, old = ast.unparse(node), getattr(node, field)
    setattr(node, field, new)
    after = ast.unparse(node)
    setattr(node, field, old)
    what = f"{_shortened(before)} -> {_shortened(after)}"
    line = getattr(node, "lineno", 1)
    return _Change(line, what, lambda: setattr(node, field, new), lambda: setattr(node, field, old))


def _without(statements: list[ast.stmt], place: int) -> _Change:
    """Return the change that takes a statement out."""
    old = statements[place]

    def put(one: ast.stmt) -> None:
        statements[place] = one

    what = f"{_shortened(ast.unparse(old))} -> pass"
    return _Change(old.lineno, what, lambda: put(ast.Pass()), lambda: put(old))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 70 else f"{line[:67]}..."  # noqa: PLR2004 - fits twice into a line
