"""Branch coverage of the deployed bytecode: both outcomes of every JUMPI that the tests execute.

    pytest -p tools.branch_coverage --branches FOLDER ...     records, one file a process
    python -m tools.branch_coverage FOLDER                    says what is missing, by source line

What no call can reach is listed in `branch_coverage_unreachable.toml` with the reason; an outcome
is known there by its source and kind, not by its place in the bytecode. The report fails for what
is missing and not argued about, and for an argument that covers nothing that is missing.
"""

import json
import os
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import boa
import pytest
from boa.vm.py_evm import titanoboa_computation
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
UNREACHABLE = Path(__file__).with_name("branch_coverage_unreachable.toml")
CONTRACTS = ("Escrow", "Lens", "NmrBurner")

JUMPI = 0x57
PUSH1, PUSH32 = 0x60, 0x7F
# syntax nodes that are branches of the source's own
DECISIONS = ("If", "IfExp", "BoolOp", "Assert")
# JUMPDEST, PUSH0, DUP1 or PUSH0, REVERT: where the compiler sends every failed check
REVERTS = (bytes.fromhex("5b5f80fd"), bytes.fromhex("5b5f5ffd"))


@dataclass(frozen=True, order=True, slots=True)
class Outcome:
    """One of the two ways out of a JUMPI, known by its source."""

    file: str
    """Of the module, from the project's root."""
    function: str
    line: str
    """The source line's own text, without what surrounds it."""
    kind: str
    """What the compiler says it checks, or the kind of statement that it belongs to."""
    outcome: str
    """`reverts`, `goes on`, or for what never reverts `jumps` and `falls through`."""


@dataclass(frozen=True, slots=True)
class Code:
    """What is executed of a contract, and what its branches mean."""

    name: str
    runtime: bytes
    outcomes: dict[tuple[int, bool], Outcome]
    """By place of the JUMPI and whether it jumps."""
    line_numbers: dict[int, int]
    """Source line of each JUMPI, to find it."""


def watch(see: Callable[[bytes, list[int]], None]) -> None:
    """From now on, `see` gets the code and the places executed of every call frame in boa's chain,
    in the order of their ends."""
    apply = titanoboa_computation.__dict__["apply_computation"].__func__

    @classmethod  # type: ignore[misc]
    def seen(cls: Any, *args: Any, **kwargs: Any) -> Any:
        computation = apply(cls, *args, **kwargs)
        see(computation.code._raw_code_bytes, computation.code._trace)
        return computation

    titanoboa_computation.apply_computation = seen


@cache
def code_of(name: str) -> Code:
    """A contract as boa compiles it."""
    data = boa.load_partial(str(ROOT / "contracts" / f"{name}.vy")).compiler_data
    runtime = data.bytecode_runtime
    kinds = data.source_map["error_map"]
    nodes = data.source_map["pc_raw_ast_map"]
    placed = sorted(nodes)
    outcomes = {}
    line_numbers = {}
    for place, target in branches(runtime):
        node = nodes.get(place) or _nearest(nodes, placed, place)
        function = _function(node)
        path = Path(node.module_node.resolved_path)
        file = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
        line = node.module_node.full_source_code.splitlines()[node.lineno - 1].strip()
        checks = runtime[target : target + 4] in REVERTS
        ways = ("reverts", "goes on") if checks else ("jumps", "falls through")
        what = type(nodes.get(place)).__name__
        if what not in DECISIONS:
            # what the compiler adds by itself; inside a loop it names decisions after it too
            what = kinds.get(place) or ("check" if checks else "copy")
        line_numbers[place] = node.lineno
        for jumps, way in zip((True, False), ways, strict=True):
            outcomes[place, jumps] = Outcome(file, function, line, what, way)
    return Code(name, runtime, outcomes, line_numbers)


def branches(runtime: bytes) -> Iterable[tuple[int, int]]:
    """Each JUMPI and the place that it jumps to, 0 if that is computed."""
    place = 0
    target = 0
    while place < len(runtime):
        operation = runtime[place]
        if operation == JUMPI:
            yield place, target
        pushed = operation - PUSH1 + 1 if PUSH1 <= operation <= PUSH32 else 0
        target = int.from_bytes(runtime[place + 1 : place + 1 + pushed], "big")
        place += 1 + pushed


def _nearest(nodes: dict[int, Any], placed: list[int], place: int) -> Any:
    """The source of what the compiler put between two places that have one: before a function's
    first statement stand its calldata checks, otherwise it belongs to what is before it."""
    before = [each for each in placed if each < place]
    after = [each for each in placed if each > place]
    if not before:
        return nodes[after[0]]
    if not after or _function(nodes[before[-1]]) == _function(nodes[after[0]]):
        return nodes[before[-1]]
    return nodes[after[0]]


def _function(node: Any) -> str:
    while node is not None and type(node).__name__ != "FunctionDef":
        node = node.get_ancestor()
    return "" if node is None else str(node.name)


# --- recording ------------------------------------------------------------------------------------


class Recorder:
    """Which ways out of which JUMPI this process has seen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.codes: dict[bytes, str | None] = {}
        self.pairs: dict[str, set[tuple[int, int]]] = {name: set() for name in CONTRACTS}
        watch(self.see)

    def see(self, code: bytes, trace: list[int]) -> None:
        """Keeps every step from one place to the next in a contract that is asked about."""
        if code not in self.codes:
            known = (name for name in CONTRACTS if code.startswith(code_of(name).runtime))
            self.codes[code] = next(known, None)
        name = self.codes[code]
        if name is not None:
            self.pairs[name].update(pairwise(trace))

    def pytest_sessionfinish(self) -> None:
        """Writes what was seen; each process its own file."""
        seen = {}
        for name, pairs in self.pairs.items():
            code = code_of(name)
            ways = {(place, after != place + 1) for place, after in pairs}
            seen[name] = sorted(way for way in ways if way in code.outcomes)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{os.getpid()}.json").write_text(json.dumps(seen))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Asks where to."""
    parser.addoption("--branches", metavar="FOLDER", help="record branches of the contracts there")


def pytest_configure(config: pytest.Config) -> None:
    """Records in every process that runs tests."""
    folder = config.getoption("--branches")
    runs_tests = hasattr(config, "workerinput") or not config.getoption("numprocesses", None)
    if folder and runs_tests:
        config.pluginmanager.register(Recorder(Path(folder)), "branch-recorder")


# --- the report -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Argument:
    """Why no call can reach some outcomes; what is None stands for whatever is there."""

    reason: str
    outcome: str
    file: str | None = None
    function: str | None = None
    kind: str | None = None
    lines: tuple[str, ...] | None = None
    """The texts of source lines."""

    def covers(self, other: Outcome) -> bool:
        """Whether an outcome is among those that it argues about."""
        return (
            self.outcome == other.outcome
            and self.file in (None, other.file)
            and self.function in (None, other.function)
            and self.kind in (None, other.kind)
            and (self.lines is None or other.line in self.lines)
        )


def read_arguments(path: Path) -> list[Argument]:
    """The committed list."""
    arguments = []
    for fields in tomllib.loads(path.read_text()).get("argument", []):
        lines = tuple(fields["lines"]) if "lines" in fields else None
        arguments.append(Argument(**fields | {"lines": lines}))
        if not fields["reason"].strip():
            raise ValueError(f"an argument without a reason in {path.name}")
    return arguments


def judge(
    missed: Iterable[Outcome], arguments: Sequence[Argument]
) -> tuple[Counter[Outcome], list[Argument]]:
    """What was missed and no argument covers, and the arguments that cover nothing missed: what
    they say cannot be reached was reached, or is gone."""
    unexplained: Counter[Outcome] = Counter()
    idle = set(arguments)
    for outcome in missed:
        covering = [each for each in arguments if each.covers(outcome)]
        idle -= set(covering)
        if not covering:
            unexplained[outcome] += 1
    return unexplained, [each for each in arguments if each in idle]


def main(folder: str) -> int:
    """Prints the table and what is wrong; 1 if anything is."""
    files = sorted(Path(folder).glob("*.json"))
    if not files:
        print(f"nothing was recorded in {folder}")
        return 1
    seen: dict[str, set[tuple[int, bool]]] = {name: set() for name in CONTRACTS}
    for file in files:
        for name, ways in json.loads(file.read_text()).items():
            seen[name] |= {(place, jumps) for place, jumps in ways}
    arguments = read_arguments(UNREACHABLE)
    table = Table("contract", "JUMPIs", "outcomes", "reached", "argued unreachable", "missing")
    wrong = 0
    gone: Counter[Outcome] = Counter()
    lines = {}
    for name in CONTRACTS:
        code = code_of(name)
        missed = [outcome for way, outcome in code.outcomes.items() if way not in seen[name]]
        lines |= {outcome: code.line_numbers[way[0]] for way, outcome in code.outcomes.items()}
        unexplained, _ = judge(missed, arguments)
        gone += Counter(missed)
        total, left = len(code.outcomes), unexplained.total()
        wrong += left
        figures = (total // 2, total, total - len(missed), len(missed) - left, left)
        table.add_row(name, *(f"{figure:,}" for figure in figures))
    Console(width=120).print(table)
    unexplained, idle = judge(gone.elements(), arguments)
    for outcome, times in sorted(unexplained.items(), key=lambda each: each[0].file):
        where = f"{outcome.file}:{lines[outcome]} {outcome.function}"
        what = f"{outcome.kind}: {outcome.outcome} x{times}: {outcome.line}"
        print(f"missing: {where}: {what}")
    for argument in idle:
        print(f"argued to be unreachable, but reached or gone: {argument}")
    return 1 if wrong or idle else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
