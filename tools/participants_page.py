"""Runs the commands of docs/participants.md and writes what they answer: `python
tools/participants_page.py` (`--check`: say whether the page is up to date, write nothing).

A command is a line that begins with `$ ape run` in a fenced block; what follows in the block is its
answer. A comment in angle brackets is what happens in between: `<!-- passes 4 -->`, a pass with
payouts in NMR by model `<!-- pass 0=1.5 3=-0.5 -->`, `<!-- days 7 -->`, `<!-- pause -->` and
`<!-- unpause -->`. Everything runs on an anvil of its own that starts at the same time each run, as
ape's test account 3, or as the one that `--account` names by what it is.
"""

import importlib.util
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir
from pathlib import Path

import ape
import click
from ape.api import ProviderAPI
from click.testing import CliRunner

from sluice.anvil import free_port, running_anvil
from sluice.deploying import Plan, deploy
from sluice.deployment import Roles, write_record
from sluice.errors import SluiceError
from sluice.escrow import Escrow
from sluice.lens import Lens
from sluice.pausing import pause_now
from sluice.rounds import entries, links
from sluice.sending import COME_BACK_LATER, DONE, move_time, parse_nmr, pass_days
from sluice.words import NO_DIGEST, digest_chain, link_bytes

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "participants.md"
START = 1_767_441_600
"""2026-01-03 12:00:00 UTC, a Saturday."""
DAY_S = 86_400
FIRST_PASS = 500
STAKER = 3
ACTORS = {"old": STAKER, "new": 4, "anybody": 5}
"""Numbers of test accounts, by the names that the page's commands give them."""
NMR = 10**9
COLUMNS = 112

_HASH = re.compile(r"0x[0-9a-f]{64,}")
_VARIES = re.compile(
    r"0x[0-9a-f]{8}…|\d\d:\d\d:\d\d UTC|\d+\.\d+ ETH\b|"
    r"[\d,]+ gas\b|\d\.\d+ gwei|(?<=in NMR)[^\d\n]*\d[\d.]+|[─━ ]+"
)
"""Hashes and seconds hang on the moment of a run, gas and prices on the contract's last change, and
with them the widths of tables."""


class Stage:
    """A deployment on a chain of its own, one staker with NMR in the wallet."""

    def __init__(self, provider: ProviderAPI, url: str, folder: Path) -> None:
        self.provider, self.url, self.folder = provider, url, folder
        owner, self.operator, guardian = ape.accounts.test_accounts[:3]
        self.owner, self.guardian = owner, guardian
        roles = Roles(owner.address, self.operator.address, guardian.address)
        deployment = deploy(Plan(roles, FIRST_PASS, START + DAY_S), owner)
        write_record(deployment, folder / "record.json")
        self.escrow = Escrow(deployment.address, provider)
        self.lens = Lens(deployment.lens, provider)
        self.parameters = deployment.parameters
        self.staker = ape.accounts.test_accounts[STAKER].address
        self.escrow.approve(1_000 * NMR, sender=owner)
        self.escrow.fund(1_000 * NMR, sender=owner)
        self.escrow.token.transfer(self.staker, 100 * NMR, sender=owner)

    def run(self, command: str) -> str:
        """What a command answers to a person who says yes to everything."""
        _, _, script, *arguments = shlex.split(command)
        fixed = ["--network", self.url, "--record", str(self.folder / "record.json")]
        if "--account" in arguments:
            at = arguments.index("--account") + 1
            arguments[at] = str(ACTORS[arguments[at]])
        elif script == "account":
            fixed += ["--account", str(STAKER)]
        result = CliRunner().invoke(
            _command(script), [*arguments, *fixed], input="y\n", env={"COLUMNS": str(COLUMNS)}
        )
        come_back = COME_BACK_LATER if pause_now(self.escrow) else DONE
        if result.exit_code not in (DONE, come_back):
            raise SluiceError(f"{command}: {result.output}") from result.exception
        return _HASH.sub(lambda match: match[0][:10] + "…", result.output.rstrip("\n"))

    def happen(self, what: str) -> None:
        """What a comment says."""
        verb, *words = what.split()
        if verb == "days":
            pass_days(self.provider, int(words[0]))
        elif verb == "passes":
            for _ in range(int(words[0])):
                self._pass({})
        elif verb == "pause":
            self.escrow.pause(sender=self.guardian)
        elif verb == "unpause":
            self.escrow.unpause(sender=self.owner)
        elif verb == "pass":
            typed = (word.split("=") for word in words)
            self._pass({int(m): parse_nmr(n.removeprefix("-")) * (-1 if n[0] == "-" else 1)
                        for m, n in typed})  # fmt: skip
        else:
            raise SluiceError(f"<!-- {what} -->: write passes, pass, days, pause or unpause")

    def _pass(self, payouts_nano: Mapping[int, int]) -> None:
        round_number = self.escrow.round_state().resolved + 1
        staked_nano = self.lens.position(self.staker).staked_nano
        payouts = {(self.staker, model): nano for model, nano in payouts_nano.items()}
        made = [link_bytes(x) for x in links(entries(payouts, {self.staker: staked_nano}, 0))]
        move_time(self.provider, self.parameters.pass_time(round_number))
        digest = digest_chain(made)[0]
        self.escrow.announce(round_number, NO_DIGEST, digest, sender=self.operator)
        ready_at = self.escrow.round_state().announced_at + self.parameters.window_s
        move_time(self.provider, ready_at)
        self.escrow.resolve(round_number, made, NO_DIGEST, sender=self.operator)


def page(text: str) -> str:
    """The page with every command's answer as it is now."""
    here = ROOT
    with (
        tempfile.TemporaryDirectory() as folder,
        running_anvil(["--timestamp", str(START)], free_port()) as url,
        ape.networks.ethereum.local.use_provider("foundry", provider_settings={"host": url}) as on,
    ):
        stage = Stage(on, url, Path(folder))
        with chdir(folder):
            lines = list(_lines(text.splitlines(), stage))
    os.chdir(here)
    return "\n".join(lines) + "\n"


def same(first: str, second: str) -> bool:
    """Whether two pages say the same, but for seconds, gas, and what hangs on them."""
    return _VARIES.sub("~", first) == _VARIES.sub("~", second)


def _lines(lines: list[str], stage: Stage) -> Iterator[str]:
    skipping = False
    for text in lines:
        if text.startswith("$ ape run "):
            yield text
            yield from stage.run(text.removeprefix("$ ")).splitlines()
            skipping = True
            continue
        if text.startswith("```"):
            skipping = False
        if not skipping:
            if comment := re.fullmatch(r"<!-- (.*) -->", text):
                stage.happen(comment[1])
            yield text


def _command(script: str) -> click.Command:
    spec = importlib.util.spec_from_file_location(script, ROOT / "scripts" / f"{script}.py")
    if spec is None or spec.loader is None:
        raise SluiceError(f"scripts/{script}.py is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: click.Command = module.cli
    return found


def main() -> None:
    """Writes the page, or checks it."""
    before = PAGE.read_text()
    after = page(before)
    if "--check" in sys.argv[1:]:
        sys.exit(0 if same(before, after) else "docs/participants.md is out of date: run this tool")
    PAGE.write_text(after)


if __name__ == "__main__":
    main()
