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


def _texts(source: str) -> list[str]:
    tree = parse_to_ast((CONTRACTS / source).read_text())
    found = []
    for node in tree.get_descendants((vy_ast.Assert, vy_ast.Raise, vy_ast.Call)):
        if isinstance(node, vy_ast.Call):
            if getattr(node.func, "attr", "") != "_refuse":
                continue
            text = node.args[-1]
        else:
            text = node.msg if isinstance(node, vy_ast.Assert) else node.exc
        if isinstance(node, vy_ast.Raise) and isinstance(text, vy_ast.Call | vy_ast.Name):
            # repeats a reason that is listed where it is given, or puts entry and link before it
            continue
        where = f"{source}:{node.lineno}"
        assert isinstance(text, vy_ast.Str), f"{where} refuses without saying why"
        found.append((node.lineno, text.value))
    ordered = [text for _, text in sorted(found)]
    return list(dict.fromkeys(ordered))


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
