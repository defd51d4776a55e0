"""For every refusal of the contracts there is a sentence that says what to do."""

import ast
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sluice.errors import Refused
from sluice.remedies import REMEDIES, remedy
from sluice.sending import Command, json_option

ROOT = Path(__file__).resolve().parents[2]
OF_LIBRARIES = {
    "ownable: caller is not the owner",
    "ownable_2step: caller is not the new owner",
}


def of_contracts() -> set[str]:
    """Every text that a call can revert with."""
    golden = json.loads((ROOT / "tests/surface/refusals.json").read_text())
    return {text for texts in golden.values() for text in texts}


def of_ledger() -> set[str]:
    """The contracts' words in the reference model: reasons of skipped instructions are among
    them."""
    found = set()
    for name in ("account.py", "ledger.py", "roles.py"):
        for node in ast.walk(ast.parse((ROOT / "sluice" / name).read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused":
                found |= {a.value for a in node.args if isinstance(a, ast.Constant)}
    return found


def test_no_refusal_is_without_a_remedy() -> None:
    assert (of_contracts() | of_ledger() | OF_LIBRARIES) - set(REMEDIES) == set()


def test_no_remedy_is_left_over() -> None:
    assert set(REMEDIES) - of_contracts() - OF_LIBRARIES == set()


def test_a_remedy_is_a_whole_sentence() -> None:
    for reason, text in REMEDIES.items():
        assert text[0].isupper(), reason
        assert text.endswith("."), reason
        assert len(text) < 250, reason


def test_remedy_finds_a_reason_behind_its_entry() -> None:
    bound = REMEDIES["losses are above its bound"]
    assert remedy("entry 03 of link 12: losses are above its bound") == bound
    assert remedy("an error of the node") is None


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_line_shows_reason_and_remedy(as_json: bool) -> None:
    @click.command(cls=Command)
    @json_option
    def pay(as_json: bool) -> None:
        raise Refused("caller: only the operator")

    arguments = ["--network", "ethereum:local:test", *(["--json"] if as_json else [])]
    result = CliRunner(mix_stderr=False).invoke(pay, arguments)

    text = REMEDIES["caller: only the operator"]
    assert result.exit_code == 1
    assert result.stderr.splitlines() == ["pay: caller: only the operator", text]
    if as_json:
        assert json.loads(result.stdout) == {
            "error": "caller: only the operator",
            "kind": "Refused",
            "remedy": text,
        }
