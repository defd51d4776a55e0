"""Small wrong changes of Vyper sources: what each changes, and where.

A mutant is one piece of text in the place of another, found by the compiler's own syntax tree, so
that no change falls into a comment or a text."""

import hashlib
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from vyper import ast as vy_ast
from vyper.ast.parse import parse_to_ast

CONSTANTS = "(constants)"
"""Stands for a function's name where constants are defined."""

# what each operator is taken for
OPERATORS = {
    "+": ("-",),
    "-": ("+",),
    "*": ("//",),
    "//": ("*", "%"),
    "%": ("//",),
    "&": ("|", "^"),
    # not "^": what is joined never overlaps, so that it would be the same
    "|": ("&",),
    "^": ("|", "&"),
    "<<": (">>",),
    ">>": ("<<",),
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "and": ("or",),
    "or": ("and",),
    "+=": ("-=", "="),
    "-=": ("+=", "="),
    "|=": ("&=", "="),
    "&=": ("|=", "="),
    ">>=": ("<<=", "="),
    "<<=": (">>=", "="),
    "%=": ("//=", "="),
    "^=": ("|=", "="),
}
CALLS = {
    "unsafe_add": ("unsafe_sub",),
    "unsafe_sub": ("unsafe_add",),
    "unsafe_mul": ("unsafe_add", "unsafe_div"),
    "unsafe_div": ("unsafe_mul",),
    "min": ("max",),
    "max": ("min",),
}
COMMUTATIVE = ("unsafe_add", "unsafe_mul", "min", "max")
# what stands beside operands in a source
FILLING = re.compile(r"#[^\n]*|[\s()\\]")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module."""

    file: str
    """From the folder of the contracts."""
    function: str
    line: int
    end_line: int
    """Of the statement that it changes, without what is nested in it; counted from 1."""
    kind: str
    start: int
    end: int
    """Where what it replaces begins and ends in the source."""
    before: str
    after: str

    @property
    def key(self) -> str:
        """Names it in the results, whatever else changes in the sources."""
        parts = (self.file, self.function, self.kind, str(self.start), self.before, self.after)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def apply(self, source: str) -> str:
        """The changed source."""
        assert source[self.start : self.end] == self.before
        return source[: self.start] + self.after + source[self.end :]

    def diff(self, source: str) -> tuple[str, str]:
        """The changed lines, before and after, without what surrounds them."""
        first = source.rfind("\n", 0, self.start) + 1
        last = source.find("\n", self.end)
        before = source[first:last]
        after = before[: self.start - first] + self.after + before[self.end - first :]
        return _one_line(before), _one_line(after)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def mutants_of(path: Path, root: Path) -> list[Mutant]:
    """Every mutant of a module, in the order of its source."""
    source = path.read_text()
    module = _Module(source, path.relative_to(root).as_posix())
    found: dict[tuple[int, int, str], Mutant] = {}
    for mutant in module.mutants():
        if mutant.before != mutant.after:
            found.setdefault((mutant.start, mutant.end, mutant.after), mutant)
    return sorted(found.values(), key=lambda each: (each.start, each.end, each.after))


def spread(mutants: Iterable[Mutant], lines: dict[tuple[str, str], int], seed: int) -> list[Mutant]:
    """All mutants in an order of which every beginning holds of each function about as many as it
    has of all lines; which of a function's come first is drawn by the seed."""
    groups: dict[tuple[str, str], list[Mutant]] = {}
    for mutant in mutants:
        groups.setdefault((mutant.file, mutant.function), []).append(mutant)
    placed = []
    for name, group in sorted(groups.items()):
        random.Random(f"{seed} {name}").shuffle(group)
        placed += [((i + 0.5) / lines[name], name, i, each) for i, each in enumerate(group)]
    return [each for *_, each in sorted(placed, key=lambda row: row[:3])]


def function_lines(path: Path, root: Path) -> dict[tuple[str, str], int]:
    """How many lines of code each function has, and the constants of a module together."""
    source = path.read_text()
    file = path.relative_to(root).as_posix()
    module = _Module(source, file)
    lines = {}
    for function in module.functions:
        first, last = function.lineno, function.end_lineno
        documented = 0
        documentation = getattr(function, "doc_string", None)
        if documentation is not None:
            documented = documentation.end_lineno - documentation.lineno + 1
        lines[file, str(function.name)] = last - first + 1 - documented
    constants = [each.end_lineno - each.lineno + 1 for each in module.constants]
    if constants:
        lines[file, CONSTANTS] = sum(constants)
    return lines


class _Module:
    """The syntax tree of one source, and the text of its nodes."""

    def __init__(self, source: str, file: str) -> None:
        self.source = source
        self.file = file
        self.tree = parse_to_ast(source)
        self.starts = [0]
        for line in source.split("\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.function = CONSTANTS
        self.lines = (0, 0)

    @cached_property
    def functions(self) -> list[Any]:
        return list(self.tree.get_children(vy_ast.FunctionDef))

    @cached_property
    def constants(self) -> list[Any]:
        return [each for each in self.tree.get_children(vy_ast.VariableDecl) if each.is_constant]

    @cached_property
    def constant_names(self) -> set[str]:
        return {each.target.id for each in self.constants}

    def span(self, node: Any) -> tuple[int, int]:
        start = self.starts[node.lineno - 1] + node.col_offset
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: Any) -> str:
        start, end = self.span(node)
        return self.source[start:end]

    def mutants(self) -> Iterator[Mutant]:
        for constant in self.constants:
            self.function = CONSTANTS
            self.lines = (constant.lineno, constant.end_lineno)
            yield from self.of_expression(constant.value)
        for function in self.functions:
            self.function = str(function.name)
            yield from self.of_lock(function)
            for statement in function.body:
                yield from self.of_statement(statement)

    def make(self, kind: str, start: int, end: int, after: str) -> Mutant:
        before = self.source[start:end]
        return Mutant(self.file, self.function, *self.lines, kind, start, end, before, after)

    def replace(self, kind: str, node: Any, after: str) -> Mutant:
        return self.make(kind, *self.span(node), after)

    # --- functions and statements ---------------------------------------------------------------

    def of_lock(self, function: Any) -> Iterator[Mutant]:
        """The re-entrancy lock of an external, which the file's pragma gives to every one."""
        names = [str(getattr(each, "id", "")) for each in function.decorator_list]
        if "pragma nonreentrancy on" not in self.source or "external" not in names:
            return
        self.lines = (function.lineno, function.lineno)
        external = function.decorator_list[names.index("external")]
        if "reentrant" in names:
            unlocked = function.decorator_list[names.index("reentrant")]
            yield self.replace("lock", unlocked, "nonreentrant")
        else:
            yield self.replace("lock", external, "external\n@reentrant")

    def of_statement(self, node: Any) -> Iterator[Mutant]:
        nested = [each for name in ("body", "orelse") for each in getattr(node, name, ())]
        last = node.end_lineno
        if isinstance(node, vy_ast.If):
            last = node.test.end_lineno
        elif isinstance(node, vy_ast.For):
            last = node.iter.end_lineno
        self.lines = (node.lineno, last)
        yield from self.of_statement_itself(node)
        for each in nested:
            yield from self.of_statement(each)

    def of_statement_itself(self, node: Any) -> Iterator[Mutant]:
        if isinstance(node, vy_ast.AnnAssign):
            yield from self.of_expression(node.value)
            yield from self.emptied(node.value, self.text(node.annotation))
        elif isinstance(node, vy_ast.AugAssign):
            yield from self.of_expression(node.value)
            yield from self.of_expression(node.target)
            yield from self.operator("operator", node.target, node.value)
            yield self.replace("removed statement", node, "pass")
        elif isinstance(node, vy_ast.Assign):
            yield from self.of_expression(node.value)
            yield from self.of_expression(node.target)
            yield self.replace("removed statement", node, "pass")
        elif isinstance(node, vy_ast.If):
            yield from self.of_condition(node.test)
            yield from self.of_expression(node.test)
        elif isinstance(node, vy_ast.For):
            yield from self.of_expression(node.iter)
        elif isinstance(node, vy_ast.Return):
            if node.value is not None:
                yield from self.of_expression(node.value)
                yield from self.of_return(node.value)
        elif isinstance(node, vy_ast.Log):
            yield from self.of_expression(node.value)
            yield self.replace("removed event", node, "pass")
        elif isinstance(node, vy_ast.Expr):
            yield from self.of_expression(node.value)
            refuses = re.search(r"\b_?(refuse|check)", self.text(node))
            yield self.replace("removed refusal" if refuses else "removed call", node, "pass")
        elif isinstance(node, vy_ast.Continue):
            yield self.replace("loop", node, "break")
        elif isinstance(node, vy_ast.Break):
            yield self.replace("loop", node, "continue")
        elif isinstance(node, vy_ast.Raise):
            yield self.replace("removed refusal", node, "pass")

    def emptied(self, value: Any, annotation: str) -> Iterator[Mutant]:
        if self.text(value) not in ("0", "[]", 'b""', "False") and "empty(" not in self.text(value):
            yield self.replace("emptied", value, f"empty({annotation})")

    def of_return(self, value: Any) -> Iterator[Mutant]:
        if not isinstance(value, (vy_ast.Int, vy_ast.NameConstant, vy_ast.Tuple)):
            for after in ("0", "False"):
                yield self.replace("returned", value, after)

    def of_condition(self, test: Any) -> Iterator[Mutant]:
        yield self.replace("condition", test, f"not ({self.text(test)})")
        yield self.replace("condition", test, "True")
        yield self.replace("condition", test, "False")

    # --- expressions ------------------------------------------------------------------------------

    def of_expression(self, node: Any) -> Iterator[Mutant]:
        if isinstance(node, (vy_ast.BinOp, vy_ast.Compare)):
            yield from self.operator("operator", node.left, node.right)
            yield from self.of_expression(node.left)
            yield from self.of_expression(node.right)
        elif isinstance(node, vy_ast.BoolOp):
            for left, right in pairwise(node.values):
                yield from self.operator("operator", left, right)
            for value in node.values:
                yield self.replace("condition", value, f"not ({self.text(value)})")
                yield from self.of_expression(value)
        elif isinstance(node, vy_ast.UnaryOp):
            yield self.replace("operator", node, self.text(node.operand))
            yield from self.of_expression(node.operand)
        elif isinstance(node, vy_ast.IfExp):
            test, body, other = (self.text(x) for x in (node.test, node.body, node.orelse))
            yield self.replace("condition", node, f"{other} if {test} else {body}")
            for each in (node.test, node.body, node.orelse):
                yield from self.of_expression(each)
        elif isinstance(node, vy_ast.Call):
            yield from self.of_call(node)
        elif isinstance(node, (vy_ast.ExtCall, vy_ast.StaticCall)):
            yield from self.of_expression(node.value)
        elif isinstance(node, vy_ast.Subscript):
            yield from self.of_expression(node.value)
            yield from self.of_expression(node.slice)
            if not isinstance(node.slice, vy_ast.Int):
                yield from self.off_by_one("index", node.slice)
        elif isinstance(node, (vy_ast.Tuple, vy_ast.List)):
            elements: Sequence[Any] = node.elements
            if len(elements) < 10:
                for each in elements:
                    yield from self.of_expression(each)
                for left, right in pairwise(elements):
                    yield self.swapped(left, right)
        elif isinstance(node, vy_ast.Int):
            yield self.replace("constant", node, f"({self.text(node)} + 1)")
            if node.value != 0:
                yield self.replace("constant", node, f"({self.text(node)} - 1)")
        elif isinstance(node, vy_ast.Hex):
            text = self.text(node)
            yield self.replace("constant", node, text[:-1] + ("0" if text[-1] != "0" else "1"))
        elif isinstance(node, vy_ast.NameConstant):
            yield self.replace("constant", node, "False" if node.value else "True")
        elif isinstance(node, (vy_ast.Attribute, vy_ast.Name)):
            name = self.text(node).rpartition(".")[2]
            if name.isupper() and len(name) > 1:
                yield from self.off_by_one("constant", node)

    def off_by_one(self, kind: str, node: Any) -> Iterator[Mutant]:
        for change in ("+ 1", "- 1"):
            yield self.replace(kind, node, f"({self.text(node)} {change})")

    def of_call(self, node: Any) -> Iterator[Mutant]:
        name = self.text(node.func)
        arguments = list(node.args)
        for other in CALLS.get(name, ()):
            yield self.replace("call", node.func, other)
        if name.startswith("unsafe_") and len(arguments) == 2:
            for each in arguments:
                yield self.replace("operand", node, self.text(each))
        if name.startswith(("empty", "convert", "method_id", "keccak256")):
            arguments = arguments[:1] if name.startswith("convert") else []
        for each in arguments:
            yield from self.of_expression(each)
        if name not in COMMUTATIVE:
            for left, right in pairwise(arguments):
                yield self.swapped(left, right)
        values = [each.value for each in node.keywords if each.arg not in ("bound", "output_type")]
        for value in values:
            yield from self.of_expression(value)
        for left, right in pairwise(values):
            yield self.swapped(left, right)
        for keyword in node.keywords:
            # one more would only let a loop go on that never does
            if keyword.arg == "bound":
                text = self.text(keyword.value)
                yield self.replace("bound", keyword.value, f"({text}) - 1")

    def swapped(self, left: Any, right: Any) -> Mutant:
        start, middle = self.span(left)
        other, end = self.span(right)
        between = self.source[middle:other]
        # of a keyword the name stays where it is
        return self.make("swapped", start, end, self.text(right) + between + self.text(left))

    def operator(self, kind: str, left: Any, right: Any) -> Iterator[Mutant]:
        start, end = self.span(left)[1], self.span(right)[0]
        between = self.source[start:end]
        operator = FILLING.sub("", between)
        if operator not in OPERATORS:
            return
        at = start + between.index(operator)
        for other in OPERATORS[operator]:
            yield self.make(kind, at, at + len(operator), other)
