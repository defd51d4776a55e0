"""What others rely on changes only where somebody has seen the difference.

After a change that is meant: `python tests/surface/regenerate.py`, then read the difference."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import boa
import pytest
from vyper import ast as vy_ast
from vyper.ast.parse import parse_to_ast
from vyper.compiler.output import build_devdoc, build_userdoc

from tests.escrow_world import deploy_world
from tests.surface.regenerate import (
    CONTRACTS,
    DEPLOYED,
    HERE,
    abi,
    compiled,
    golden_files,
    numbered,
    refusals,
    table,
)

FUNCTIONAL = HERE.parent / "functional"
BYTECODE_LIMIT = 24_576
"""EIP-170: the most that a chain takes."""


def own_functions(source: str) -> list[dict[str, Any]]:
    """The externals that are written in the contract's own file; the compiler drops the texts of
    the others."""
    text = (CONTRACTS / source).read_text()
    return [
        entry
        for entry in abi(source)
        if entry["type"] == "function" and f"\ndef {entry['name']}(" in text
    ]


def said_in_functional_tests() -> set[str]:
    """Every string that stands in the tests of the externals."""
    texts = set()
    for path in FUNCTIONAL.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
    return texts


@pytest.mark.parametrize("name", ["abi.json", "abi_lens.json", "layout.json", "refusals.json"])
def test_surface_is_the_recorded_one(name: str) -> None:
    recorded = json.loads((HERE / name).read_text())

    assert json.loads(json.dumps(golden_files()[name])) == recorded, (
        f"{name} has changed: if that is meant, run `python tests/surface/regenerate.py`"
    )


def test_every_refusal_is_shown_with_its_exact_text() -> None:
    said = said_in_functional_tests()
    missing = []
    for source, texts in refusals().items():
        for text in texts:
            # a reason of payouts.vy stands behind the entry and the link that it names
            shown = any(
                other == text or (other.startswith("entry ") and other.endswith(f": {text}"))
                for other in said
            )
            if not shown:
                missing.append(f"{source}: {text}")
    assert not missing


def test_every_refusal_says_which_part_refuses_and_fits_its_place() -> None:
    for texts in refusals().values():
        for text in texts:
            assert text == text.strip()
            assert 0 < len(text) <= 64
            assert text[0].islower()
            assert not text.endswith(".")


def test_every_refusal_has_the_number_of_its_words_and_is_used() -> None:
    numbers, texts = numbered(), table()

    assert list(numbers.values()) == list(range(1, len(texts)))
    assert texts[0] == ""
    assert len(set(texts)) == len(texts)
    used = {text for listed in refusals().values() for text in listed}
    assert set(texts[1:]) <= used


def test_every_external_has_its_own_file_of_tests() -> None:
    together = {
        "transfer_ownership": "test_ownership.py",
        "accept_ownership": "test_ownership.py",
    }
    for entry in abi():
        if entry["type"] != "function":
            continue
        is_view = entry["stateMutability"] in ("view", "pure")
        usual = "test_views.py" if is_view else f"test_{entry['name']}.py"
        path = FUNCTIONAL / together.get(entry["name"], usual)
        assert path.is_file()
        assert entry["name"] in path.read_text()


def test_every_view_of_the_lens_is_tested() -> None:
    tested = "".join(path.read_text() for path in FUNCTIONAL.glob("test_lens*.py"))
    for entry in abi("Lens.vy"):
        if entry["type"] == "function":
            assert entry["stateMutability"] == "view"
            assert f"lens.{entry['name']}(" in tested


@pytest.mark.parametrize(("source", "at_least"), [("Escrow.vy", 20), ("Lens.vy", 8)])
def test_natspec_is_complete_for_every_external(source: str, at_least: int) -> None:
    data = compiled(source)
    notices, details = build_userdoc(data), build_devdoc(data)
    assert notices["notice"]
    assert {"title", "license", "author", "details"} <= set(details)

    functions = own_functions(source)
    assert len(functions) >= at_least
    for entry in functions:
        texts = details.get("methods", {})
        key = next(
            (name for name in notices["methods"] if name.startswith(f"{entry['name']}(")), None
        )
        assert key is not None, f"{entry['name']} has no notice"
        assert notices["methods"][key]["notice"]
        described = texts.get(key, {})
        named = [argument["name"] for argument in entry["inputs"]]
        assert sorted(described.get("params", {})) == sorted(named), entry["name"]
        assert bool(described.get("returns")) == bool(entry["outputs"]), entry["name"]


@pytest.mark.parametrize("source", DEPLOYED)
def test_natspec_describes_every_parameter_of_the_constructor(source: str) -> None:
    # the compiler leaves the constructor's texts out, a reader of the source does not
    (constructor,) = (entry for entry in abi(source) if entry["type"] == "constructor")
    tree = parse_to_ast((CONTRACTS / source).read_text())
    (function,) = tree.get_children(vy_ast.FunctionDef, {"name": "__init__"})
    described = re.findall(r"@param (\w+) \S", function.doc_string.value)

    assert described == [argument["name"] for argument in constructor["inputs"]]


def test_bytecode_fits_a_chain() -> None:
    with boa.env.anchor():
        world = deploy_world()

        sizes = [len(boa.env.get_code(each.address)) for each in (world.escrow, world.lens)]

    assert all(0 < size < BYTECODE_LIMIT for size in sizes)


def test_no_golden_file_names_a_folder_of_a_machine() -> None:
    for path in Path(HERE).glob("*.json"):
        assert "/" not in path.read_text().replace("modules/", "")


def test_renouncing_and_unlisted_functions_are_not_exported() -> None:
    names = {entry["name"] for entry in abi() if entry["type"] == "function"}

    assert "renounce_ownership" not in names
    assert not {name for name in names if name.startswith("_")}
