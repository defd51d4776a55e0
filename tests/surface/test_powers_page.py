"""docs/powers.md and docs/moving.md name a test for every line, and each exists where it says."""

import re
from pathlib import Path

from tests.surface.regenerate import abi

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "powers.md").read_text()
MOVING = (ROOT / "docs" / "moving.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_every_named_test_exists() -> None:
    for path, name in NAMED + re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", MOVING):
        assert f"\ndef {name}(" in (ROOT / path).read_text(), f"{path}::{name}"


def test_every_row_of_the_tables_names_a_test() -> None:
    lines = (PAGE + MOVING).splitlines()
    rows = [line for line in lines if re.match(r"\| (?!call |key |what |if )", line)]

    assert len(rows) >= 30
    assert [row for row in rows if "::test_" not in row] == []


def test_every_worst_case_is_in_the_table() -> None:
    """A test of what a key alone can do is shown, not only run."""
    source = (ROOT / "tests" / "functional" / "test_worst_of_keys.py").read_text()
    alone = set(re.findall(r"^def (test_\w+_alone_\w+)\(", source, re.MULTILINE))
    # shown by the figures of the others
    alone -= {
        "test_guardian_alone_pauses_for_one_round_length_and_once",
        "test_operator_alone_opens_no_round_above_a_quarter",
    }

    assert alone - {name for _, name in NAMED} == set()


def test_every_external_is_in_the_table() -> None:
    externals = {
        entry["name"]
        for entry in abi()
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    calls = PAGE[PAGE.index("## The calls") : PAGE.index("## The worst")]

    assert {name for name in externals if f"`{name}`" not in calls} == set()
