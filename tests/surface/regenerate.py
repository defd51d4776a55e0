"""Writes the golden files of the contract's surface: `python tests/surface/regenerate.py`.

The ABIs of escrow and lens, the escrow's layout and the refusals of both are what other programs
and people rely on. Run this after a change that is meant, and look at the difference before
committing it."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boa
from vyper import ast as vy_ast
from vyper.ast.parse import parse_to_ast
from vyper.compiler.output import build_abi_output

HERE = Path(__file__).resolve().parent
CONTRACTS = HERE.parents[1] / "contracts"
DEPLOYED = ("Escrow.vy", "Lens.vy")
TABLE = "modules/refusals.vy"
NOT_REFUSALS = ("SPARE_GAS", "MAX_TEXT", "MAX_TEXTS", "TEXTS")
SOURCES = (*DEPLOYED, *sorted(f"modules/{path.name}" for path in CONTRACTS.glob("modules/*.vy")))


@cache
def compiled(source: str = "Escrow.vy") -> Any:
    """What the compiler knows of a contract."""
    return boa.load_partial(str(CONTRACTS / source)).compiler_data


def abi(source: str = "Escrow.vy") -> list[dict[str, Any]]:
    """The ABI of a contract as the compiler gives it, in order of kind and name."""
    entries = build_abi_output(compiled(source))
    return sorted(entries, key=lambda entry: (entry["type"], entry.get("name", "")))


def layout() -> dict[str, Any]:
    """Where storage, transient storage and immutables stand; interfaces without their folder."""
    return _plain(compiled().storage_layout)


def refusals() -> dict[str, list[str]]:
    """Every text that a call can revert with, by source file, in the order of the code."""
    return {source: texts for source in SOURCES if (texts := _texts(source))}


def golden_files() -> dict[str, Any]:
    """The content of each golden file by its name."""
    return {
        "abi.json": abi(),
        "abi_lens.json": abi("Lens.vy"),
        "layout.json": layout(),
        "refusals.json": refusals(),
    }


def numbered() -> dict[str, int]:
    """The number of each refusal by its name, in the order of the code."""
    tree = parse_to_ast((CONTRACTS / TABLE).read_text())
    declared = {
        node.target.id: node.value.value
        for node in tree.get_children(vy_ast.VariableDecl)
        if isinstance(node.value, vy_ast.Int)
    }
    return {name: number for name, number in declared.items() if name not in NOT_REFUSALS}


def table() -> list[str]:
    """The words of all refusals by their number; none for 0."""
    tree = parse_to_ast((CONTRACTS / TABLE).read_text())
    (constructor,) = tree.get_children(vy_ast.FunctionDef, {"name": "__init__"})
    listed = max(constructor.get_descendants(vy_ast.List), key=lambda each: len(each.elements))
    return [element.value for element in listed.elements]


def _texts(source: str) -> list[str]:
    numbers, texts = numbered(), table()
    tree = parse_to_ast((CONTRACTS / source).read_text())
    found = []
    for node in tree.get_descendants((vy_ast.Assert, vy_ast.Raise, vy_ast.Attribute, vy_ast.Call)):
        if isinstance(node, vy_ast.Attribute | vy_ast.Call):
            # `refusals.X` elsewhere, `self._refuse(X)` in the file of the table
            named = node.attr if isinstance(node, vy_ast.Attribute) else _argument(node)
            if named in numbers:
                found.append((node.lineno, texts[numbers[named]]))
            continue
        text = node.msg if isinstance(node, vy_ast.Assert) else node.exc
        if isinstance(node, vy_ast.Raise) and isinstance(text, vy_ast.Call):
            # looked up in the table, or put together with entry and link before it
            continue
        where = f"{source}:{node.lineno}"
        assert isinstance(text, vy_ast.Str), f"{where} refuses without saying why"
        found.append((node.lineno, text.value))
    ordered = [text for _, text in sorted(found)]
    return list(dict.fromkeys(ordered))


def _argument(call: Any) -> str:
    return getattr(call.args[-1], "id", "") if call.args else ""


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, str) and value.endswith(".vyi"):
        return Path(value).name
    return value


def write() -> None:
    """Writes every golden file anew."""
    for name, content in golden_files().items():
        (HERE / name).write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    write()
