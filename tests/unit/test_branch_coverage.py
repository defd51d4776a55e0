"""Branch coverage of the bytecode: both ways out of each JUMPI are told apart and argued about."""

from itertools import pairwise

import boa
import pytest

from tools import branch_coverage
from tools.branch_coverage import Argument, Outcome, branches, code_of, judge, read_arguments

HERE = Outcome("a.vy", "f", "if x:", "If", "jumps")
THERE = Outcome("a.vy", "f", "if x:", "If", "falls through")


def test_branches_are_found_between_what_is_pushed() -> None:
    # PUSH2 0x5757, JUMPI, PUSH1 0x57, POP, JUMPI behind a computed place
    code = bytes.fromhex("61575757605750" + "8057")
    assert list(branches(code)) == [(3, 0x5757), (8, 0)]


def test_a_missed_outcome_needs_an_argument() -> None:
    unexplained, idle = judge([HERE], [])
    assert (dict(unexplained), idle) == ({HERE: 1}, [])
    argument = Argument("never", "jumps", file="a.vy", kind="If")
    assert judge([HERE], [argument]) == ({}, [])


def test_an_argument_about_what_was_reached_is_found() -> None:
    argument = Argument("never", "jumps", file="a.vy", lines=("if x:",))
    unexplained, idle = judge([THERE], [argument])
    assert (dict(unexplained), idle) == ({THERE: 1}, [argument])


def test_every_argument_has_a_reason_and_says_where_it_holds() -> None:
    for argument in read_arguments(branch_coverage.UNREACHABLE):
        assert len(argument.reason) > 20
        assert argument.file or argument.kind


@pytest.mark.usefixtures("fresh_chain")
def test_both_ways_are_seen_where_both_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bytes, list[int]]] = []
    computations = branch_coverage.titanoboa_computation
    monkeypatch.setattr(
        computations, "apply_computation", computations.__dict__["apply_computation"]
    )
    branch_coverage.watch(lambda code, trace: seen.append((code, trace)))
    contract = boa.loads(
        "# pragma version 0.4.3\n@external\ndef f(x: uint256) -> uint256:\n"
        "    if x > 5:\n        return 1\n    return 2\n"
    )
    seen.clear()
    assert (contract.f(9), contract.f(1)) == (1, 2)
    (code, first), (_, second) = seen
    places = {place for place, _ in branches(code)}
    ways = [
        {(a, b != a + 1) for a, b in pairwise(trace) if a in places} for trace in (first, second)
    ]
    (differs,) = {place for place, _ in ways[0] ^ ways[1]}
    assert {(differs, True), (differs, False)} <= ways[0] | ways[1]


def test_the_branches_of_the_deployed_contracts_have_a_source() -> None:
    for name in branch_coverage.CONTRACTS:
        code = code_of(name)
        assert {jumps for _, jumps in code.outcomes} == {True, False}
        assert all(outcome.line and outcome.kind for outcome in code.outcomes.values())
