"""The operator's weekly run against a chain: announce, wait, resolve (docs/accounting.md).

Every step looks at the chain first and does only what is still to do, so a run that was killed at
any moment is carried on by running it again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ape.api import AccountAPI
from eth_utils.address import to_checksum_address

from sluice import routing
from sluice.calls import calls
from sluice.deployment import Deployment
from sluice.errors import InvalidInput, Refused
from sluice.escrow import Escrow
from sluice.events import (
    ACCOUNT_MOVED,
    LINK_APPLIED,
    ROUND_VETOED,
    accounts_moved,
    links_applied,
    rounds_vetoed,
)
from sluice.inputs import RoundTable
from sluice.manifest import Manifest, Target, build, tooling_commit, write_manifest
from sluice.moves import Moved, Moves, Passed
from sluice.registry import Registry
from sluice.rounds import Link
from sluice.routing import Batch, Progress, Snapshot
from sluice.words import NO_DIGEST, link_words, unpack_link

Tell = Callable[[int, int], None]
"""Called with how much is done and how much there is."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a round is made from: its table, the registry, and the stake in nano-NMR from which on
    an account is listed."""

    table: RoundTable
    registry: Registry
    minimum_stake_nano: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """A manifest that is to be announced: where it lies or will lie, whether it is written yet, and
    the digest that it replaces."""

    manifest: Manifest
    path: Path
    written: bool
    replaces: bytes


@dataclass(frozen=True, slots=True)
class Applied:
    """What one transaction did: how many links, and the gas."""

    links: int
    gas: int


class BatchRefused(Refused):
    """A batch that the contract refuses; nothing of it is applied. The message says which account
    it is, if it is one, and what to do."""


class WeeklyRun:
    """One round of one deployment. `folder` holds the manifests."""

    def __init__(
        self, deployment: Deployment, escrow: Escrow, folder: Path, round_number: int
    ) -> None:
        self.deployment = deployment
        self.escrow = escrow
        self.folder = folder
        self.round_number = round_number

    def snapshot(self, registry: Registry, tell: Tell) -> Snapshot:
        """The chain's state at its last block: accounts are all that NMR was ever deposited for or
        an account moved to, and all that the registry knows."""
        block = self.escrow.last_block()
        accounts = set(registry.addresses.values())
        for end, found in self.escrow.accounts(self.deployment.block, block.number):
            accounts |= found
            tell(end - self.deployment.block, block.number - self.deployment.block)
        return Snapshot(
            block=block.number,
            time=block.time,
            state=self.escrow.round_state(block.number),
            reserve_nano=self.escrow.reserve_nano(block.number),
            holdings=tuple(self.escrow.storage.holdings(sorted(accounts), block.number)),
            moves=self.moves(self.deployment.block, block.number),
            passed=self.passed(block.number),
        )

    def moves(self, first_block: int, last_block: int) -> Moves:
        """The moves to other addresses in these blocks, both included."""
        found = []
        for _, logs in self.escrow.logs(ACCOUNT_MOVED, first_block, last_block):
            for log in logs:
                (moved,) = accounts_moved([log])
                found.append(Moved(int(log["blockNumber"]), moved.account, moved.to))
        return Moves(tuple(found))

    def passed(self, last_block: int) -> tuple[Passed, ...]:
        """Whose entries of the round are applied until this block."""
        first = self.deployment.block
        found = []
        for _, logs in self.escrow.logs(LINK_APPLIED, first, last_block, self.round_number):
            for log in logs:
                (applied,) = links_applied([log])
                block = int(log["blockNumber"])
                entries = unpack_link(link_words(applied.link))
                found += [Passed(block, to_checksum_address(entry.account)) for entry in entries]
        return tuple(found)

    def overtaken(self, manifest: Manifest) -> str | None:
        """Why what is announced has to be announced again, see `Manifest.overtaken_by`; None if it
        need not. While something is announced nothing moves."""
        head = self.escrow.last_block().number
        return manifest.overtaken_by(self.moves(manifest.followed_to + 1, head))

    def progress(self) -> Progress | None:
        """The announced manifest and how much of it is applied; None if nothing is announced.

        InvalidInput if what is announced is none of the manifests in the folder."""
        state = self.escrow.round_state()
        if not routing.is_announced(state):
            return None
        announced = self.find(state.digest)
        if announced is None:
            raise InvalidInput(
                f"round {self.round_number} is announced with the digest 0x{state.digest.hex()}, "
                f"which is of no manifest in {self.folder}: bring its manifest there; if it is "
                "lost or the announcement is wrong, run this with --announce-again, which replaces "
                "it"
            )
        return announced

    def find(self, digest: bytes) -> Progress | None:
        """The manifest in the folder whose chain of digests has this one."""
        return routing.progress(self._manifests(), digest)

    def plan(self, inputs: Inputs, snapshot: Snapshot) -> Announcement:
        """The first announcement of the round, checked; the last manifest that was written for it
        and never announced, if it is of the same inputs: a run that was killed may have sent it."""
        links = routing.first_links(
            snapshot,
            self.deployment.parameters,
            inputs.table,
            inputs.registry,
            self.round_number,
            inputs.minimum_stake_nano,
        )
        manifests = self._manifests()
        if manifests:
            path, last = list(manifests.items())[-1]
            as_before = routing.is_same_round(
                last, inputs.table, inputs.registry, inputs.minimum_stake_nano
            )
            moved = last.overtaken_by(snapshot.moves)
            if last.links_applied == 0 and as_before and moved is None:
                return Announcement(last, path, True, snapshot.state.digest)
        return self._announcement(inputs, snapshot.block, links, 0, snapshot.state.digest)

    def plan_again(self, inputs: Inputs, snapshot: Snapshot) -> Announcement:
        """The announcement of what is left of the round, from corrected inputs; also of a round
        whose announcement was vetoed. Accounts that moved meanwhile stand at their new address."""
        digest = snapshot.state.digest
        if not routing.is_announced(snapshot.state):
            digest = self._vetoed_digest(snapshot.block)
        before = self.find(digest)
        links, applied = routing.links_left(
            snapshot,
            before,
            self.deployment.parameters,
            inputs.table,
            inputs.registry,
            self.round_number,
            inputs.minimum_stake_nano,
        )
        block = snapshot.block if before is None else before.manifest.block
        return self._announcement(
            inputs, block, links, applied, snapshot.state.digest, snapshot.block
        )

    def announce(self, announcement: Announcement, sender: AccountAPI) -> None:
        """Writes the manifest, then announces its digest, and reads it back. In this order: an
        announcement whose manifest is lost could not be resolved."""
        digest = announcement.manifest.digests()[0]
        call = calls.announce(self.round_number, announcement.replaces, digest)
        self.escrow.dry_run(call, sender.address)
        if not announcement.written:
            write_manifest(announcement.manifest, announcement.path)
        self.escrow.announce(self.round_number, announcement.replaces, digest, sender=sender)
        stored = self.escrow.round_state().digest
        if stored != digest:
            raise Refused(
                f"the chain has the digest 0x{stored.hex()} after the announcement of "
                f"0x{digest.hex()}: somebody announced after you; see round_state()"
            )

    def ready_at(self) -> int:
        """When the window of what is announced has passed."""
        return self.escrow.round_state().announced_at + self.deployment.parameters.window_s

    def resolve(self, announced: Progress, batch: Batch, sender: AccountAPI) -> list[Applied]:
        """Applies a batch and reads back that it is, in several transactions if it turns out dearer
        than expected; a single link always fits. BatchRefused, saying what to do, if the contract
        refuses it."""
        call = calls.resolve(self.round_number, batch.links, batch.next_digest)
        if len(batch.links) > 1 and not self.escrow.fits(call, sender.address):
            first, second = batch.halves(announced.manifest)
            sent = self.resolve(announced, first, sender)
            return sent + self.resolve(announced, second, sender)
        try:
            receipt = self.escrow.resolve(
                self.round_number, batch.links, batch.next_digest, sender=sender
            )
        except Refused as error:
            raise BatchRefused(self._explain(announced, batch, str(error))) from error
        state = self.escrow.round_state()
        done = state.resolved >= self.round_number
        if not done and state.digest != batch.next_digest:
            raise Refused(
                f"after links {batch.first} to {batch.first + len(batch.links) - 1} the chain has "
                f"the digest 0x{state.digest.hex()}: somebody else resolved or announced "
                "meanwhile; run this again"
            )
        return [Applied(len(batch.links), receipt.gas_used)]

    def _vetoed_digest(self, last_block: int) -> bytes:
        """What was left of the round when it was last vetoed; zero if it never was."""
        digest = NO_DIGEST
        for _, logs in self.escrow.logs(ROUND_VETOED, self.deployment.block, last_block):
            for vetoed in rounds_vetoed(logs):
                if vetoed.round_number == self.round_number:
                    digest = vetoed.digest
        return digest

    def _manifests(self) -> dict[Path, Manifest]:
        """Those of this deployment: a folder may hold those of another chain with the same id."""
        mine = (self.deployment.address, self.deployment.chain_id, self.deployment.parameters)
        return {
            path: each
            for path, each in routing.manifests_of(self.folder, self.round_number).items()
            if (each.contract, each.chain_id, each.parameters) == mine
        }

    def _announcement(
        self,
        inputs: Inputs,
        block: int,
        links: list[Link],
        applied: int,
        replaces: bytes,
        moves_block: int = 0,
    ) -> Announcement:
        manifest = build(
            Target(self.deployment.address, self.deployment.chain_id, self.deployment.parameters),
            inputs.table,
            inputs.registry,
            self.round_number,
            block,
            links,
            inputs.minimum_stake_nano,
            tooling_commit(),
            applied,
            moves_block,
        )
        path = routing.next_path(self.folder, self.round_number)
        return Announcement(manifest, path, False, replaces)

    def _explain(self, announced: Progress, batch: Batch, reason: str) -> str:
        about = f"round {self.round_number}"
        refused = routing.refused_entry(announced.manifest, batch, reason)
        if refused is not None:
            payouts = dict(refused.entry.payouts_nano)
            return (
                f"{about}: the contract refuses account {refused.entry.account}, entry "
                f"{refused.index} of link {refused.link} in {announced.path}, with the payouts "
                f"{payouts} (nano-NMR by model): {refused.reason}. Correct the input file and "
                "announce what is left again: --announce-again, which replaces the digest "
                f"0x{announced.manifest.digests()[announced.applied].hex()}; until then the round "
                "stands still and after its deadline its burns are forgiven"
            )
        if reason.startswith("reserve:"):
            left = announced.manifest.links[batch.first :]
            needed_nano = routing.totals(left).earnings_nano
            return str(routing.reserve_too_small(needed_nano, self.escrow.reserve_nano()))
        return f"{about}: the contract refuses the batch from link {batch.first} on: {reason}"
