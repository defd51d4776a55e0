"""The proofs' lists are complete: a new external, spec or check cannot be missed quietly."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "proofs" / "specs").glob("*.sol"))
CLAIMS = tomllib.loads((ROOT / "proofs" / "claims.toml").read_text())["spec"]
PAGE = (ROOT / "docs" / "proofs.md").read_text()
# specs that are kept for whoever has the machine for them; the page says so of each
NOT_RUN = {"Uncovered"}


def _called() -> set[str]:
    """The externals that the specs call, by the names in their signatures."""
    return {
        name
        for spec in SPECS
        for name in re.findall(r'encodeWithSignature\(\s*"(\w+)\(', spec.read_text())
    }


def _contracts() -> dict[str, tuple[set[str], str]]:
    """For each contract of the specs its own checks and what it inherits from."""
    found = {}
    for spec in SPECS:
        parts = re.split(
            r"^(?:abstract )?contract (\w+)(?: is (\w+))? \{", spec.read_text(), flags=re.M
        )
        for name, parent, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            found[name] = (set(re.findall(r"function (check_\w+)", body)), parent or "")
    return found


def test_every_external_that_changes_something_has_a_spec() -> None:
    """N19: no external is left out of the proofs."""
    command = ["vyper", "-f", "abi", "contracts/Escrow.vy"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    externals = {
        entry["name"]
        for entry in json.loads(done.stdout)
        if entry["type"] == "function" and entry["stateMutability"] == "nonpayable"
    }
    assert externals <= _called()


def test_every_check_is_listed_with_its_claim() -> None:
    """What stands in the specs is what `make prove` runs, but for what the page says is not run."""
    contracts = _contracts()
    listed = {claim["name"]: set(claim["checks"]) for claim in CLAIMS}
    for name, checks in listed.items():
        own, parent = contracts[name]
        while parent:
            more, parent = contracts[parent]
            own = own | more
        assert checks <= own
    unlisted = {name for name, (own, _) in contracts.items() if own} - set(listed)
    parents = {parent for _, parent in contracts.values()}
    assert unlisted - parents <= NOT_RUN
    for name in NOT_RUN:
        assert f"`{name}`" in PAGE


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["name"])
def test_the_page_has_every_check(claim: dict[str, object]) -> None:
    """The table is the one of the present list."""
    checks = claim["checks"]
    assert isinstance(checks, dict)
    for check, bound in checks.items():
        assert f"| `{claim['name']}.{check}` | {bound} |" in PAGE


@pytest.mark.parametrize("expects", ["proved", "found"])
def test_claims_of_both_kinds_are_there(expects: str) -> None:
    """A prover that finds nothing false would show nothing by proving."""
    assert any(claim["expects"] == expects for claim in CLAIMS)
