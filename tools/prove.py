"""Proves what `proofs/claims.toml` lists of the escrow's bytecode, and writes the table of it.

Compiles the escrow, hands its creation code and its storage slots to the Solidity specs, lets
halmos run each, and holds every result to what is expected of it: claims have to be proved, planted
false ones and those that show that a call can succeed have to be found false.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
PROOFS = ROOT / "proofs"
PAGE = ROOT / "docs" / "proofs.md"
RESULTS = PROOFS / "proved.json"
HALMOS = ROOT / ".build" / "halmos" / "bin" / "halmos"
FORGE = PROOFS / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin"
START, END = "<!-- table: make prove -->\n", "<!-- end of the table -->\n"

# what halmos says of a check
PROVED, FOUND = 0, 1


@dataclass(frozen=True, slots=True)
class Spec:
    """One Solidity contract of checks that all stand for the same claim."""

    name: str
    expects: int
    claim: str
    assumes: str
    bounds: dict[str, str]


def read_specs() -> list[Spec]:
    """The specs of `proofs/claims.toml`, in its order."""
    listed = tomllib.loads((PROOFS / "claims.toml").read_text())["spec"]
    return [
        Spec(
            name=spec["name"],
            expects=PROVED if spec["expects"] == "proved" else FOUND,
            claim=spec["claim"],
            assumes=spec["assumes"],
            bounds=spec["checks"],
        )
        for spec in listed
    ]


def _slots(layout: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for name, entry in layout.items():
        if "slot" in entry:
            yield name.strip("_").upper(), entry["slot"]
        else:
            yield from _slots(entry)


def write_code() -> str:
    """Writes creation code and slots as Solidity constants; returns the SHA-256 of the runtime
    code, which comments do not change."""

    def vyper(what: str) -> str:
        command = ["vyper", "-f", what, "contracts/Escrow.vy"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    code = vyper("bytecode").removeprefix("0x")
    lines = ["// SPDX-License-Identifier: AGPL-3.0-only", "pragma solidity 0.8.30;", ""]
    for name, slot in _slots(json.loads(vyper("layout"))["storage_layout"]):
        lines.append(f"uint256 constant SLOT_{name} = {slot};")
    lines.append(f'bytes constant ESCROW_CODE = hex"{code}";')
    target = PROOFS / "build" / "EscrowCode.sol"
    target.parent.mkdir(exist_ok=True)
    text = "\n".join(lines) + "\n"
    if not target.exists() or target.read_text() != text:
        target.write_text(text)
    runtime = vyper("bytecode_runtime").removeprefix("0x")
    return hashlib.sha256(bytes.fromhex(runtime)).hexdigest()


def run_halmos(spec: Spec, checks: list[str], log: Path) -> dict[str, dict[str, Any]]:
    """Runs one spec; for each check what halmos says: exitcode, seconds, loops cut short."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [str(HALMOS), "--root", str(PROOFS), "--forge-build-out", "build/out"]
        command += ["--contract", spec.name, "--json-output", str(out)]
        command += ["--match-test", rf"^({'|'.join(checks)})\("]
        # Vyper hashes a mapping's slot before the key; the other layout knows only Solidity's order
        command += ["--storage-layout", "generic", "--loop", "100", "--no-status", "--early-exit"]
        command += ["--solver-timeout-branching", "50ms", "--solver-timeout-assertion", "300s"]
        path = f"{HALMOS.parent}:{FORGE}:{os.environ['PATH']}"
        with log.open("a") as stream:
            subprocess.run(
                command,
                cwd=PROOFS,
                env=os.environ | {"PATH": path},
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if not out.exists():
            raise click.ClickException(f"halmos could not run {spec.name}, see {log}")
        results: dict[str, dict[str, Any]] = {}
        for tests in json.loads(out.read_text())["test_results"].values():
            for test in tests:
                results[test["name"].partition("(")[0]] = {
                    "exitcode": test["exitcode"],
                    "seconds": round(test["time"][0], 1),
                    "cut_short": test["num_bounded_loops"],
                }
        return results


def is_as_expected(spec: Spec, result: dict[str, Any]) -> bool:
    """A loop cut short would leave paths out: no proof. A finding stands without them."""
    if result["exitcode"] != spec.expects:
        return False
    return spec.expects == FOUND or not result["cut_short"]


def read_results() -> dict[str, Any]:
    """What was stored last: the code that it is of, and for each check what halmos said."""
    if not RESULTS.exists():
        return {"code": "", "checks": {}}
    results: dict[str, Any] = json.loads(RESULTS.read_text())
    return results


def store(code: str, checks: dict[str, dict[str, Any]]) -> None:
    """Adds to what is stored, spec by spec: a long run may be ended. Another code starts afresh."""
    stored = read_results()
    before = stored["checks"] if stored["code"] == code else {}
    merged = dict(sorted((before | checks).items()))
    RESULTS.write_text(json.dumps({"code": code, "checks": merged}, indent=1) + "\n")


def table(specs: list[Spec], results: dict[str, Any]) -> str:
    """The table of `docs/proofs.md`, from the results that are stored."""
    code = results["code"][:16]
    checks = results["checks"].values()
    minutes = round(sum(check["seconds"] for check in checks) / 60)
    lines = [
        f"Runtime code without immutables `{code}` (SHA-256, first 16 of 64 digits). All "
        f"{len(checks)} checks came out as they have to, in {minutes} minutes.",
        "",
    ]
    for spec in specs:
        verb = "Proved" if spec.expects == PROVED else "Found false, as it has to be"
        lines += [f"### {spec.name}", "", spec.claim, "", f"Assumed: {spec.assumes}", ""]
        lines += [f"| check | {verb.lower()} for | seconds |", "|---|---|---:|"]
        for check, bound in spec.bounds.items():
            seconds = results["checks"][f"{spec.name}.{check}"]["seconds"]
            lines.append(f"| `{spec.name}.{check}` | {bound} | {seconds} |")
        lines.append("")
    return "\n".join(lines)


@click.command()
@click.option("--only", default="", help="Names of specs or checks, with commas between them.")
@click.option("--page", is_flag=True, help="Write the page from what is stored; prove nothing.")
def main(only: str, page: bool) -> None:
    """Proves the claims of proofs/claims.toml; writes proofs/proved.json and docs/proofs.md."""
    specs = read_specs()
    failed = []
    if not page:
        code = write_code()
        log = PROOFS / "build" / "halmos.log"
        log.write_text("")
        wanted = set(filter(None, only.split(",")))
        for spec in specs:
            checks = [c for c in spec.bounds if not wanted or wanted & {spec.name, c}]
            if not checks:
                continue
            found = run_halmos(spec, checks, log)
            good_ones = {}
            for check in checks:
                result = found.get(check, {"exitcode": -1, "seconds": 0, "cut_short": 0})
                good = is_as_expected(spec, result)
                said = "as expected" if good else f"NOT as expected (exit {result['exitcode']})"
                click.echo(f"{spec.name}.{check}: {said}, {result['seconds']} s")
                if good:
                    good_ones[f"{spec.name}.{check}"] = result
                else:
                    failed.append(f"{spec.name}.{check}")
            store(code, good_ones)
    if failed:
        raise click.ClickException(f"{len(failed)} not as expected: {', '.join(failed)}")
    stored = read_results()
    missing = [
        f"{spec.name}.{check}"
        for spec in specs
        for check in spec.bounds
        if f"{spec.name}.{check}" not in stored["checks"]
    ]
    if missing:
        click.echo(f"the page is left as it is: {len(missing)} checks not yet run with this code")
        return
    before, _, rest = PAGE.read_text().partition(START)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + START + "\n" + table(specs, stored) + END + after)
    click.echo(f"all {len(stored['checks'])} checks as expected; wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
