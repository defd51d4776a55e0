"""An audit from beginning to end: read the events, rebuild, compare, and say what holds.

What the chain stores is compared as of one block, and in the end that block is seen to be still the
chain's. Nothing is sent and no key is needed.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sluice.audit import compare, manifests
from sluice.audit.checkpoints import Checkpoint, Checkpoints
from sluice.audit.events import at_of, event_of
from sluice.audit.findings import NANO, Check, Finding
from sluice.audit.manifests import Broken, Published
from sluice.audit.node import BlockId, Node, NodeFailure
from sluice.audit.rebuild import Rebuild
from sluice.deployment import Deployment
from sluice.errors import InvalidInput
from sluice.moves import Moves
from sluice.units import BASE_UNITS_A_NANO, from_units
from sluice.words import NO_DIGEST

SAVE_EVERY_S = 20
"""A first audit may take long: killed, it goes on from about here."""
DEFAULT_BEHIND = 64
"""Blocks before the newest one, where the node calls none final."""


class Tell(Protocol):
    """Is told what is being done, and how much of it is."""

    def __call__(self, doing: str, done: int, total: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Totals:
    """What the escrow holds, in nano-NMR, rebuilt, and its token balance in base units."""

    pools_nano: int
    stakes_nano: int
    reserve_nano: int
    burned_nano: int
    balance_units: int

    @property
    def held_nano(self) -> int:
        """Pools, stakes, reserve and burned."""
        return self.pools_nano + self.stakes_nano + self.reserve_nano + self.burned_nano

    @property
    def over_units(self) -> int:
        """By how many base units the balance is more than that; negative if it is less."""
        return self.balance_units - self.held_nano * BASE_UNITS_A_NANO


@dataclass(slots=True)
class Report:
    """What an audit found as of a block. `since`: the block of the checkpoint that it went on from;
    `notes`: what was dropped, and why; `recomputed` announcements of `rebuilt` have their manifest,
    those of the rounds in `missing` do not, None if no folder was named; `warnings`: what breaks no
    rule and is to be looked at all the same; `words` were compared."""

    deployment: Deployment
    block: BlockId
    since: int | None
    rebuilt: Rebuild
    totals: Totals
    words: int
    recomputed: int | None = None
    missing: tuple[int, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Everything that was checked holds."""
        return not self.findings

    def of(self, check: Check) -> list[Finding]:
        """What does not hold in one line of the report."""
        return [finding for finding in self.findings if finding.check is check]


class Auditor:
    """Audits one deployment through one node."""

    def __init__(
        self,
        deployment: Deployment,
        node: Node,
        checkpoints: Checkpoints | None = None,
        manifests_folder: Path | None = None,
        tell: Tell = lambda doing, done, total: None,
    ) -> None:
        self.deployment = deployment
        self._node = node
        self._checkpoints = checkpoints
        self._folder = manifests_folder
        self._tell = tell
        self._notes: list[str] = []

    def run(
        self, block: int | None = None, behind: int | None = None, fresh: bool = False
    ) -> Report:
        """Audits as of a block, the newest one if None. `behind`: how many blocks before the newest
        one the chain is taken for final, None: what the node calls final. `fresh`: without looking
        at the checkpoints of earlier audits.

        What a checkpoint leads to find is looked for again from the deployment on: no finding rests
        on one alone. NodeFailure if the chain changes while it is read."""
        started = time.monotonic()
        self._notes = []
        report = self._run(block, behind, fresh)
        if report.since is not None and not report.holds:
            doubted = report
            if self._checkpoints is not None:
                self._checkpoints.clear()
            report = self._run(block, behind, fresh=True)
            if report.holds:
                self._notes.append(
                    f"the checkpoint of block {doubted.since} was wrong, not the chain "
                    f"({doubted.findings[0]}): it was dropped and all read again"
                )
        report.notes = [*self._notes, *(self._checkpoints.notes if self._checkpoints else [])]
        report.seconds = time.monotonic() - started
        return report

    # --- reading ----------------------------------------------------------------------------------

    def _run(self, block: int | None, behind: int | None, fresh: bool) -> Report:
        target = self._block(block)
        final = self._final(target, behind)
        start = self._start(target, fresh)
        rebuilt = Rebuild(self.deployment.parameters) if start is None else start.rebuilt
        done = self.deployment.block - 1 if start is None else start.block.number

        if final is not None and final.number > done:
            self._read(rebuilt, done + 1, final, saves=True)
            done = final.number
        self._read(rebuilt, done + 1, target)
        read = target
        if block is None:
            # reading took its time, and nodes soon forget what was stored as of older blocks
            target = self._node.head()
            self._read(rebuilt, read.number + 1, target)
        report = self._compared(rebuilt, target)
        for pinned in (read, target):
            self._check_same(pinned)
        report.since = None if start is None else start.block.number
        return report

    def _block(self, number: int | None) -> BlockId:
        if number is None:
            return self._node.head()
        found = self._node.block(number)
        if found is None:
            raise InvalidInput(f"block {number} is not there yet: name one that is")
        if number < self.deployment.block:
            raise InvalidInput(
                f"block {number} is before the deployment in block {self.deployment.block}: name a "
                "later one"
            )
        return found

    def _final(self, target: BlockId, behind: int | None) -> BlockId | None:
        """The last block up to which a checkpoint is worth while."""
        found = self._node.block("finalized") if behind is None else None
        if found is None:
            number = self._node.head().number - (DEFAULT_BEHIND if behind is None else behind)
            found = self._node.block(max(0, min(number, target.number)))
        if found is not None and found.number > target.number:
            return target
        return found

    def _start(self, target: BlockId, fresh: bool) -> Checkpoint | None:
        if self._checkpoints is None or fresh:
            return None
        for checkpoint in self._checkpoints.each():
            number = checkpoint.block.number
            if number > target.number:
                continue
            there = self._node.block(number)
            if there == checkpoint.block:
                return checkpoint
            self._checkpoints.drop(
                number, "the chain was reorganised: that block is now "
                f"{there.hash if there else 'not there'}, was {checkpoint.block.hash}",
            )  # fmt: skip
        return None

    def _read(self, rebuilt: Rebuild, first: int, last: BlockId, saves: bool = False) -> None:
        saved_at = time.monotonic()
        for end, logs in self._node.logs(self.deployment.address, first, last.number):
            for log in logs:
                at = at_of(log)
                try:
                    event = event_of(log)
                except InvalidInput as error:
                    rebuilt.unreadable(str(error), at)
                else:
                    rebuilt.read(event, at)
            rebuilt.settle()
            self._tell("reading events", end - first + 1, last.number - first + 1)
            due = time.monotonic() - saved_at > SAVE_EVERY_S or end == last.number
            if saves and due and self._checkpoints is not None:
                block = self._block(end)
                self._check_same(last)
                self._checkpoints.save(block, rebuilt)
                saved_at = time.monotonic()

    def _check_same(self, block: BlockId) -> None:
        if self._node.block(block.number) != block:
            raise NodeFailure(
                f"the chain was reorganised while it was read, block {block.number} is another "
                "one: run this again"
            )

    # --- comparing --------------------------------------------------------------------------------

    def _compared(self, rebuilt: Rebuild, block: BlockId) -> Report:
        ledger, number = rebuilt.ledger, block.number
        accounts = compare.compare(
            ledger,
            lambda places: self._node.words(self.deployment.address, places, number),
            lambda done: self._tell("comparing accounts", done, len(ledger.accounts)),
        )
        reserve_nano, burned_nano = self._nano("reserve()", number), self._nano("burned()", number)
        (balance_units,) = self._node.view(
            self.deployment.token,
            "balanceOf(address)",
            "(uint256)",
            number,
            self.deployment.address,
        )
        stored_nano = ledger.held_nano + accounts.more_nano
        stored_nano += reserve_nano - ledger.reserve_nano + burned_nano - ledger.burned_nano
        stakes_nano = sum(account.staked_nano for account in ledger.accounts.values())
        totals = Totals(
            pools_nano=ledger.held_nano - stakes_nano - ledger.reserve_nano - ledger.burned_nano,
            stakes_nano=stakes_nano,
            reserve_nano=ledger.reserve_nano,
            burned_nano=ledger.burned_nano,
            balance_units=balance_units,
        )
        findings = [
            *rebuilt.findings,
            *accounts.findings,
            *_compared(Check.TREASURY, "treasury", NANO, [
                ("reserve", reserve_nano, ledger.reserve_nano),
                ("burned", burned_nano, ledger.burned_nano),
            ]),
            *self._round_state(rebuilt, number),
            *self._roles(rebuilt, number),
        ]  # fmt: skip
        if balance_units < stored_nano * BASE_UNITS_A_NANO:
            findings.append(
                Finding(
                    Check.CONSERVATION,
                    "escrow",
                    "token balance",
                    balance_units // BASE_UNITS_A_NANO,
                    stored_nano,
                    NANO,
                )
            )
        report = Report(self.deployment, block, None, rebuilt, totals, accounts.words)
        if self._folder is not None:
            published = manifests.compare(
                rebuilt.journal.announcements, self._published(self._folder), self.deployment
            )
            report.recomputed, report.missing = len(published.recomputed), published.missing
            moves = Moves(tuple(rebuilt.moves))
            report.warnings += manifests.overtaken(published, self._folder, moves)
            findings += published.findings
        report.findings = findings
        return report

    def _round_state(self, rebuilt: Rebuild, block: int) -> Iterator[Finding]:
        ledger, journal = rebuilt.ledger, rebuilt.journal
        resolved, digest, announced_at = self._view(
            "round_state()", "(uint256,bytes32,uint256)", block
        )
        yield from _compared(Check.ROUND_STATE, "round state", "", [
            ("last round done", resolved, ledger.resolved),
            ("time of the announcement", announced_at, ledger.announced_at),
        ])  # fmt: skip
        if journal.standing is not None:
            yield from journal.left(digest)
        elif digest != NO_DIGEST:
            yield Finding(Check.ROUND_STATE, "round state", "digest", "0x" + digest.hex(), "none")

    def _roles(self, rebuilt: Rebuild, block: int) -> Iterator[Finding]:
        wanted = asdict(rebuilt.roles)
        found = {
            name: str(self._view(f"{name}()", "(address)", block)[0]).lower() for name in wanted
        }
        for name, address in wanted.items():
            if found[name] != address:
                yield Finding(Check.ROLES, "roles", name, found[name], address)
        (paused_at,) = self._view("paused_at()", "(uint256)", block)
        pairs = [("time of the pause", paused_at, rebuilt.ledger.paused_at)]
        yield from _compared(Check.ROLES, "pause", "", pairs)

    def _published(self, folder: Path) -> Iterator[tuple[str, Published | Broken]]:
        known = self._checkpoints.manifests() if self._checkpoints is not None else {}
        total = len(list(folder.glob("*.json")))
        files = manifests.read_folder(folder, known, self.deployment)
        for done, (name, outcome) in enumerate(files, start=1):
            if self._checkpoints is not None and isinstance(outcome, Published):
                self._checkpoints.keep_manifest(outcome)
            self._tell("recomputing manifests", done, total)
            yield name, outcome

    def _nano(self, signature: str, block: int) -> int:
        return from_units(self._view(signature, "(uint256)", block)[0])

    def _view(self, signature: str, returns: str, block: int) -> tuple[Any, ...]:
        return self._node.view(self.deployment.address, signature, returns, block)


def _compared(
    check: Check, subject: str, unit: str, pairs: Iterable[tuple[str, int, int]]
) -> Iterator[Finding]:
    for name, found, wanted in pairs:
        if found != wanted:
            yield Finding(check, subject, name, found, wanted, unit)
