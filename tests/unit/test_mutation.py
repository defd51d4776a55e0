"""Mutation testing tests itself: on a small contract with a gap in its tests."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from vyper.compiler.phases import CompilerData

from tools.mutation import build
from tools.mutation.mutants import CONSTANTS, Mutant, function_lines, mutants_of, spread
from tools.mutation.report import Argument, Verdict, page
from tools.mutation.results import Book, Result, Status

ROOT = Path(__file__).resolve().parents[2]

CONTRACT = """\
# pragma version 0.4.3
# pragma optimize codesize
# pragma nonreentrancy on
LIMIT: constant(uint256) = 10
UNUSED: constant(uint256) = 7
total: uint256
last: uint256


@deploy
def __init__():
    self.last = 1


@external
def add(amount: uint256):
    # a comment with amount > LIMIT is none of its business
    if amount > LIMIT:
        raise "too much, > LIMIT"
    self.total += amount
    self.last = self._double(amount)


@external
@view
def sum() -> uint256:
    return self.total


@external
@view
def latest() -> uint256:
    return self.last


@external
@view
def same(amount: uint256) -> uint256:
    return amount


@external
def forget():
    self.total = 0


@internal
@pure
def _double(amount: uint256) -> uint256:
    return unsafe_mul(amount, 2)
"""

TESTS = """\
import boa
import pytest


@pytest.fixture
def contract():
    with boa.env.anchor():
        yield boa.load_partial(PATH).deploy()


def test_add(contract):
    assert contract.latest() == 1
    contract.add(3)
    assert (contract.sum(), contract.latest()) == (3, 6)
    contract.add(4)
    assert (contract.sum(), contract.latest()) == (7, 8)


def test_add_refuses_much(contract):
    with boa.reverts("too much, > LIMIT"):
        contract.add(30)


def test_forget(contract):
    contract.add(3)
    contract.forget()
    assert contract.sum() == 0
    assert contract.same(5) == 5
"""

RUN = """\
import sys
from pathlib import Path
import pytest
from tools.mutation import runner
from tools.mutation.mutants import mutants_of
from tools.mutation.results import Book

root = Path(sys.argv[1])
contracts = root / "contracts"
runner.register_profile()
book = Book(root / "results.jsonl", "state")
plan = mutants_of(contracts / "Escrow.vy", contracts)
plugin = runner.Runner(contracts, plan, book, root / "map.json", 1_000, 2, print)
options = ["-q", "-s", "--tb=no", "-p", "no:ape_test", "-p", "no:cacheprovider", "-c", "/dev/null"]
pytest.main([*options, f"--rootdir={root}", str(root / "test_contract.py")], plugins=[plugin])
sys.exit(plugin.problem or 0)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contract and its tests."""
    root = tmp_path_factory.mktemp("project")
    (root / "contracts" / "modules").mkdir(parents=True)
    path = root / "contracts" / "Escrow.vy"
    path.write_text(CONTRACT)
    (root / "test_contract.py").write_text(f"PATH = {str(path)!r}\n" + TESTS)
    return root


@pytest.fixture(scope="module")
def mutants(project: Path) -> list[Mutant]:
    """All there are."""
    return mutants_of(project / "contracts" / "Escrow.vy", project / "contracts")


def changes(mutants: list[Mutant]) -> set[tuple[str, str]]:
    """What they change into what."""
    return {(each.before, each.after) for each in mutants}


def test_mutants_change_code_and_neither_comments_nor_texts(mutants: list[Mutant]) -> None:
    expected = {
        (">", ">="),
        (">", "<="),
        ("amount > LIMIT", "not (amount > LIMIT)"),
        ("10", "(10 + 1)"),
        ("LIMIT", "(LIMIT - 1)"),
        ("+=", "-="),
        ("self.total = 0", "pass"),
        ('raise "too much, > LIMIT"', "pass"),
        ("unsafe_mul", "unsafe_add"),
        ("external", "external\n@reentrant"),
    }
    assert expected <= changes(mutants)
    for each in mutants:
        changed = each.apply(CONTRACT)
        assert changed != CONTRACT
        assert "# a comment with amount > LIMIT is none of its business" in changed
        if each.before.startswith("raise"):
            continue
        assert '"too much, > LIMIT"' in changed


def test_mutants_are_named_by_what_they_change(mutants: list[Mutant]) -> None:
    assert len({each.key for each in mutants}) == len(mutants)
    (removed,) = [each for each in mutants if each.before == "self.total = 0"]
    assert (removed.function, removed.kind) == ("forget", "removed statement")
    assert removed.diff(CONTRACT) == ("self.total = 0", "pass")
    assert {each.function for each in mutants if each.line < 6} == {CONSTANTS}


def test_the_sample_is_spread_by_lines_and_drawn_by_the_seed(
    project: Path, mutants: list[Mutant]
) -> None:
    lines = function_lines(project / "contracts" / "Escrow.vy", project / "contracts")
    ordered = spread(mutants, lines, 1)
    assert sorted(each.key for each in ordered) == sorted(each.key for each in mutants)
    first = Counter(each.function for each in ordered[:15])
    assert first["add"] == max(first.values())
    assert len(first) >= 6
    assert spread(mutants, lines, 1) == ordered
    assert spread(mutants, lines, 2) != ordered


def test_runtime_code_alone_is_what_the_compiler_makes(project: Path) -> None:
    path = project / "contracts" / "Escrow.vy"
    changed = CONTRACT.replace("amount > LIMIT:", "amount >= LIMIT:")
    for text in (CONTRACT, changed):
        creation, runtime = build.compile_changed(path, path, text)
        assert creation.endswith(runtime)
        assert build.compile_runtime(path, path, text) == runtime
        assert CompilerData(text).bytecode_runtime == runtime


@pytest.mark.timeout(600)
def test_a_gap_in_the_tests_is_found_and_equal_code_is_dropped(
    project: Path, mutants: list[Mutant]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(project)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = list(Book(project / "results.jsonl", "state").results.values())
    status = {(each.mutant.before, each.mutant.after): each.status for each in results}

    assert len(results) == len(mutants)
    # nothing tests the limit itself; the same code comes of several changes, and is tested once
    alike = (
        {(">", ">="), ("LIMIT", "(LIMIT - 1)"), ("10", "(10 - 1)")},
        {("10", "(10 + 1)"), ("LIMIT", "(LIMIT + 1)")},
    )
    for same in alike:
        found = sorted(status[change] for change in same)
        assert found == [Status.DUPLICATE] * (len(same) - 1) + [Status.SURVIVED]
    # nor that whoever calls holds the lock
    assert status["external", "external\n@reentrant"] is Status.SURVIVED
    assert status["amount > LIMIT", "not (amount > LIMIT)"] is Status.KILLED
    assert status["self.total = 0", "pass"] is Status.KILLED
    assert status["7", "(7 + 1)"] is Status.EQUAL
    killers = {each.killer for each in results if each.status is Status.KILLED}
    assert all("test_contract.py::test_" in killer for killer in killers)


def test_results_are_kept_and_help_the_next_state(tmp_path: Path, mutants: list[Mutant]) -> None:
    path = tmp_path / "results.jsonl"
    book = Book(path, "one")
    book.add(Result(mutants[0], Status.LASTING))
    book.add(Result(mutants[0], Status.KILLED, "test_x", 3, 1.5, "c0de"))

    assert Book(path, "one").results == {mutants[0].key: book.results[mutants[0].key]}
    later = Book(path, "two")
    assert later.results == {}
    assert later.hint(mutants[0]) == "test_x"
    assert json.loads(path.read_text()) == {"sources": "two"}


def test_the_page_counts_and_argues(project: Path, mutants: list[Mutant]) -> None:
    left, right, other, gone = mutants[:4]
    results = [
        Result(left, Status.KILLED, "test_x"),
        Result(right, Status.SURVIVED),
        Result(other, Status.SURVIVED),
        Result(gone, Status.EQUAL),
    ]
    before, after = right.diff(CONTRACT)
    argument = Argument(
        Verdict.EQUIVALENT, "It cannot differ.", right.file, right.function, ((before, after),)
    )
    written = page(results, [argument], project / "contracts", 1, 70)
    assert written.unargued == [results[2]]
    assert written.score == 50
    assert "**Equivalent.** It cannot differ." in written.text
    assert "| `Escrow.vy` | 3 | 1 | 2 | 1 |" in written.text
    assert "* 70 changes can be made. Tested are 4 of them, as seed 1 draws" in written.text
