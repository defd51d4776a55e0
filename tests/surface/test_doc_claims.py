"""Every claim of the documents names a test, and each named test exists where it is said to be

That a test shows what its claim says is for a reader; that it is there, is looked for here."""

import ast
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.surface.regenerate import abi

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)(?:\[([^\]]+)\])?`")
BARE = re.compile(r"`(test_\w+)`")

CLAIMING = {
    "README.md": ["Who may do what", "The worst that each key alone can do", "Guarantees"],
    "SECURITY.md": None,
    "docs/accounting.md": None,
    "docs/lifecycle.md": None,
    "docs/powers.md": None,
}
"""Documents whose sections name a test each: these sections, or all of them."""
SILENT = {
    ("SECURITY.md", "How to report"): "asks for something, claims nothing",
}
"""Sections of them that need not, and why."""


@functools.cache
def functions(path: Path) -> dict[str, ast.FunctionDef]:
    """What a file of tests defines, by name: functions of the module, methods of its classes."""
    tree = ast.parse(path.read_text())
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@functools.cache
def constants(path: Path) -> frozenset[str]:
    """Every literal of a file, and what it names of its modules (classes by their name), as they
    would stand in the id of a parameter."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    literals = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    return frozenset(literals | {node.attr for node in nodes if isinstance(node, ast.Attribute)})


@functools.cache
def defined_anywhere() -> frozenset[str]:
    return frozenset(
        name for path in sorted((ROOT / "tests").rglob("*.py")) for name in functions(path)
    )


def is_parametrised(function: ast.FunctionDef) -> bool:
    return any("parametrize" in ast.dump(decorator) for decorator in function.decorator_list)


def sections(text: str) -> Iterator[tuple[str, str]]:
    """Each heading of the second and third level with what stands under it, up to the next one;
    one that only holds others comes with theirs."""
    parts = re.split(r"^(##+) (.+)$", text, flags=re.MULTILINE)
    found = list(zip(parts[1::3], parts[2::3], parts[3::3], strict=True))
    for number, (level, heading, body) in enumerate(found):
        for below, _, more in found[number + 1 :]:
            if body.strip() or len(below) <= len(level):
                break
            body += more
        yield heading, body


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """The head of each table and its rows."""
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        head, _, *rows = block.splitlines()
        yield cells(head), [cells(row) for row in rows]


def lifecycle() -> str:
    return (ROOT / "docs" / "lifecycle.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_named_test_exists_in_its_file(document: Path) -> None:
    missing = []
    for name, function, parameter in NAMED.findall(document.read_text()):
        path = ROOT / name
        known = functions(path).get(function) if path.exists() else None
        if known is None:
            missing.append(f"{name}::{function}")
        elif parameter and not (
            is_parametrised(known)
            and (parameter in constants(path) or set(parameter.split("-")) <= set(constants(path)))
        ):
            missing.append(f"{name}::{function}[{parameter}]")

    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_named_alone_exists(document: Path) -> None:
    assert sorted(set(BARE.findall(document.read_text())) - defined_anywhere()) == []


@pytest.mark.parametrize("document", CLAIMING)
def test_every_section_that_claims_names_a_test(document: str) -> None:
    named = dict(sections((ROOT / document).read_text()))
    wanted = CLAIMING[document] or [each for each in named if (document, each) not in SILENT]

    assert [each for each in wanted if each not in named] == []
    silent = [
        each for each in wanted if not NAMED.search(named[each]) and not BARE.search(named[each])
    ]
    assert silent == []


def test_every_state_of_an_external_is_told_and_shown() -> None:
    """The tables of states: a row for each external, a cell for each state, a test for each row."""
    externals = {entry["name"] for entry in abi() if entry["type"] == "function"}
    changing = {
        entry["name"]
        for entry in abi()
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    told: dict[str, set[str]] = {}
    for heading, body in sections(lifecycle()):
        for head, rows in tables(body):
            if head[0] != "call":
                continue
            for row in rows:
                assert len(row) == len(head), row[0]
                assert all(row), row[0]
                assert NAMED.search(row[-1]), row[0]
                told.setdefault(heading, set()).update(re.findall(r"`(\w+)`", row[0]))

    assert told["A round"] == changing
    assert told["The escrow"] == externals
    assert told["An account"] == changing
    assert told["Turns and the ends of counters"] <= changing


def test_every_row_of_refusals_names_a_test() -> None:
    """Each refusal that a cell names has its words, which are the contract's, and a test."""
    recorded = json.loads((ROOT / "tests" / "surface" / "refusals.json").read_text())
    words = {text for texts in recorded.values() for text in texts}
    text = lifecycle()
    (rows,) = (rows for head, rows in tables(text) if head[0] == "name")
    said = {name.strip("*"): re.findall(r"`([^`]+)`", refusal) for name, refusal, _ in rows}

    assert {name for name, texts in said.items() if not set(texts) <= words or not texts} == set()
    assert [row[0] for row in rows if not NAMED.search(row[-1])] == []
    used = set(re.findall(r"\*(\w+)\*", text)) - {"italics", "yes"}
    assert used == said.keys()


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "decisions").glob("*.md")))
def test_decisions_name_tests_that_exist(path: Path) -> None:
    text = path.read_text()

    assert [
        f"{name}::{function}"
        for name, function, _ in NAMED.findall(text)
        if function not in functions(ROOT / name)
    ] == []


def test_documents_link_to_files_that_exist() -> None:
    """Links between the documents, from where each stands."""
    missing = []
    for document in [*DOCUMENTS, *sorted((ROOT / "docs" / "decisions").glob("*.md"))]:
        for link in re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", document.read_text()):
            if not (document.parent / link).exists():
                missing.append(f"{document.name}: {link}")

    assert missing == []
