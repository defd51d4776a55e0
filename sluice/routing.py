"""The weekly pass as a plan: what to announce, what is left, and whether it can work.

Pure: the chain's state comes in as a `Snapshot`. The chain is the journal of a pass: its stored
digest, found in the chain of digests of a manifest, says how many links are applied
(docs/accounting.md, "The round under way").
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sluice.errors import InvalidInput
from sluice.escrow import RoundState
from sluice.inputs import RoundTable
from sluice.manifest import Manifest, read_manifest
from sluice.moves import NO_MOVES, Moves, Passed
from sluice.parameters import Parameters
from sluice.registry import Registry
from sluice.rounds import DEFAULT_GAS, EntryGas, Link, check_bounds, entries, links, payouts
from sluice.rounds import batches as group
from sluice.storage import Holding
from sluice.words import NO_DIGEST, OPEN_ROUNDS, RISK_UNIT_NANO, AccountWord, Entry

_NAMED_ENTRY = re.compile(r"entry (\d+) of link (\d+): (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the chain says at a block: its time, where the pass stands, the reserve, the words of
    every account that could be in the pass, every move to another address until then, and whose
    entries of the pass under way are applied."""

    block: int
    time: int
    state: RoundState
    reserve_nano: int
    holdings: tuple[Holding, ...]
    moves: Moves = NO_MOVES
    passed: tuple[Passed, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """What a round comes to, in nano-NMR; `burns_nano` before what equities cannot cover."""

    accounts: int
    links: int
    earnings_nano: int
    burns_nano: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A manifest that is announced, and how many of its links are applied."""

    manifest: Manifest
    path: Path
    applied: int

    @property
    def left(self) -> int:
        """How many links are still to apply."""
        return len(self.manifest.links) - self.applied


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive links for one transaction: their index in the manifest, their bytes, and the
    digest of what follows them."""

    first: int
    links: tuple[bytes, ...]
    next_digest: bytes

    def halves(self, manifest: Manifest) -> "tuple[Batch, Batch]":
        """The batch in two, for one that turned out dearer than expected; it has two links at
        least. `manifest` is the one it was cut from."""
        count = len(self.links) // 2
        middle = self.first + count
        return (
            Batch(self.first, self.links[:count], manifest.digests()[middle]),
            Batch(middle, self.links[count:], self.next_digest),
        )


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """The entry that stopped a batch: where it stands in the manifest, and the reason."""

    link: int
    index: int
    entry: Entry
    reason: str


def first_links(
    snapshot: Snapshot,
    parameters: Parameters,
    table: RoundTable,
    registry: Registry,
    round_number: int,
    minimum_stake_nano: int,
) -> list[Link]:
    """The links of a whole round, checked against the chain; InvalidInput, saying what to do, for
    another round than the next one, whatever `rounds.payouts` refuses, a payout over its bound or
    a reserve that cannot pay."""
    check_next(snapshot.state, round_number)
    if snapshot.passed or _done(snapshot, parameters, round_number):
        raise InvalidInput(
            f"round {round_number} is applied in part and nothing is announced: announce what is "
            "left of it with --announce-again"
        )
    made = links(_entries(snapshot, (), table, registry, round_number, minimum_stake_nano))
    _check(made, snapshot, parameters, round_number)
    return made


def links_left(
    snapshot: Snapshot,
    before: Progress | None,
    parameters: Parameters,
    table: RoundTable,
    registry: Registry,
    round_number: int,
    minimum_stake_nano: int,
) -> tuple[list[Link], int]:
    """What is left of a round under way, from corrected inputs, and how many links of the round
    are applied. Accounts that are in this pass already are left out, and none is added to those
    of the announcement `before` (None if its manifest is lost: then those with a stake now); one
    that moved to another address since is the same account there, and one that another account
    moved onto after it was applied is in none.

    The round is cut as a whole first, so that whoever recomputes it finds the same links; if the
    applied ones came out otherwise, the rest is cut by itself. InvalidInput as `first_links`."""
    check_next(snapshot.state, round_number)
    in_pass = _done(snapshot, parameters, round_number)
    done = set(map(_number, in_pass))
    corrected = _entries(snapshot, in_pass, table, registry, round_number, minimum_stake_nano)
    if before is not None:
        moves = snapshot.moves.after(before.manifest.followed_to)
        behind = {e.account for link in before.manifest.links[: before.applied] for e in link}
        announced = {
            _number(at): at
            for account in before.manifest.accounts
            # an account that is applied is gone where another one has moved onto it
            if (at := moves.of(account)) in in_pass or account not in behind
        }
        added = [e for e in corrected if _number(e.account) not in announced | dict.fromkeys(done)]
        if refused := [e.account for e in added if e.payouts_nano]:
            raise InvalidInput(
                f"round {round_number}: {', '.join(refused)} was not in the announcement, and "
                "announcing again adds no accounts: leave its rows out"
            )
        # an account that has left meanwhile stays in: its entry closes the round for it
        listed = {_number(e.account): e for e in corrected}
        corrected = [
            listed[number] if number in listed else Entry(announced[number])
            for number in sorted(announced.keys() | (listed.keys() & done))
        ]
    whole = links(corrected)
    left = [e for e in corrected if _number(e.account) not in done]
    applied = 0 if before is None else before.manifest.links_applied + before.applied
    tail = whole[applied:]
    made = tail if [e for link in tail for e in link] == left and tail else links(left)
    _check(made, snapshot, parameters, round_number)
    return made, applied


def check_next(state: RoundState, round_number: int) -> None:
    """InvalidInput unless the round is the one that a pass resolves next."""
    if round_number > state.resolved + 1:
        raise InvalidInput(
            f"round {round_number}: rounds go in order, next is {state.resolved + 1}: route that "
            "one first"
        )
    if round_number <= state.resolved:
        raise InvalidInput(
            f"round {round_number} is done (the last one done is {state.resolved}): nothing of it "
            "is left"
        )


def warnings(now: int, parameters: Parameters, round_number: int) -> list[str]:
    """What a person should know before announcing at this time: that the pass comes late."""
    resolved_at = now + parameters.window_s
    found = []
    if resolved_at >= parameters.pass_time(round_number + 1):
        found.append(
            f"the pass comes so late that it opens nothing: round {round_number + OPEN_ROUNDS} "
            "will find no stakes"
        )
    if resolved_at > parameters.deadline(round_number):
        found.append("the deadline of the round is past by then: its burns are not charged")
    return found


def totals(round_links: Sequence[Sequence[Entry]]) -> Totals:
    """What the links come to."""
    amounts = [p for link in round_links for e in link for p in e.payouts_nano.values()]
    return Totals(
        accounts=sum(len(link) for link in round_links),
        links=len(round_links),
        earnings_nano=sum(p for p in amounts if p > 0),
        burns_nano=-sum(p for p in amounts if p < 0),
    )


def bounds_nano(
    holdings: Sequence[Holding], parameters: Parameters, round_number: int
) -> dict[str, int]:
    """The most that a round can burn, and the most that it can earn, by account; an account in
    this pass already has none."""
    word = parameters.round_word(round_number)
    return {h.account: _bound_nano(h.word, word) for h in holdings}


def progress(manifests: Mapping[Path, Manifest], digest: bytes) -> Progress | None:
    """The manifest that a stored digest belongs to, None if it is none of these; the newest, if
    the rest of one is the same as another."""
    for path, manifest in reversed(list(manifests.items())):
        digests = manifest.digests()
        if digest in digests[:-1]:
            return Progress(manifest, path, digests.index(digest))
    return None


def is_announced(state: RoundState) -> bool:
    """Whether something is announced and left to apply."""
    return state.digest != NO_DIGEST


def batches(
    announced: Progress, most_links: int | None = None, gas: EntryGas = DEFAULT_GAS
) -> list[Batch]:
    """The links that are left, in transactions; at most `most_links` in each if that is given."""
    manifest = announced.manifest
    encoded, digests = manifest.link_bytes(), manifest.digests()
    made = []
    first = announced.applied
    for grouped in group(manifest.links[first:], gas):
        step = most_links or len(grouped)
        for start in range(0, len(grouped), step):
            count = min(step, len(grouped) - start)
            made.append(Batch(first, tuple(encoded[first : first + count]), digests[first + count]))
            first += count
    return made


def refused_entry(manifest: Manifest, batch: Batch, reason: str) -> RefusedEntry | None:
    """Which entry of the manifest the contract's words name, None if they name none."""
    found = _NAMED_ENTRY.search(reason)
    if found is None:
        return None
    index, link = int(found[1]), batch.first + int(found[2])
    return RefusedEntry(link, index, manifest.links[link][index], found[3])


def manifests_of(folder: Path, round_number: int) -> dict[Path, Manifest]:
    """The manifests of a round in a folder, in the order in which they were written; InvalidInput,
    naming the file, if one is not whole."""
    paths = sorted(folder.glob(f"round-{round_number}-*.json"), key=_announcement)
    return {path: read_manifest(path) for path in paths}


def next_path(folder: Path, round_number: int) -> Path:
    """Where the next manifest of a round goes. Each announcement has a file of its own, written
    once: none is ever overwritten."""
    taken = [_announcement(path) for path in folder.glob(f"round-{round_number}-*.json")]
    return folder / f"round-{round_number}-{max(taken, default=0) + 1}.json"


def is_same_round(
    manifest: Manifest, table: RoundTable, registry: Registry, minimum_stake_nano: int
) -> bool:
    """Whether a manifest was made from these inputs."""
    return (
        manifest.table.sha256 == table.sha256
        and manifest.registry.sha256 == registry.sha256
        and manifest.minimum_stake_nano == minimum_stake_nano
    )


def _entries(
    snapshot: Snapshot,
    in_pass: Collection[str],
    table: RoundTable,
    registry: Registry,
    round_number: int,
    minimum_stake_nano: int,
) -> list[Entry]:
    staked_nano = {holding.account: holding.staked_nano for holding in snapshot.holdings}
    rows = payouts(table, registry, round_number)
    paid = snapshot.moves.payouts(rows, in_pass, snapshot.passed)
    return entries(paid, staked_nano, minimum_stake_nano)


def _done(snapshot: Snapshot, parameters: Parameters, round_number: int) -> set[str]:
    word = parameters.round_word(round_number)
    return {h.account for h in snapshot.holdings if h.word.round_word == word}


def _check(
    made: Sequence[Link], snapshot: Snapshot, parameters: Parameters, round_number: int
) -> None:
    bounds = bounds_nano(snapshot.holdings, parameters, round_number)
    check_bounds([entry for link in made for entry in link], bounds)
    needed_nano = totals(made).earnings_nano
    if needed_nano > snapshot.reserve_nano:
        raise reserve_too_small(needed_nano, snapshot.reserve_nano)


def reserve_too_small(needed_nano: int, reserve_nano: int) -> InvalidInput:
    """The refusal of a reserve that cannot pay a round's earnings, saying how much to fund."""
    lacking_nano = needed_nano - reserve_nano
    return InvalidInput(
        f"the reserve holds {reserve_nano} nano-NMR, the round earns {needed_nano}: fund at least "
        f"{lacking_nano} nano-NMR first (ape run fund {Decimal(needed_nano).scaleb(-9):f} fills it "
        "up), then run this again"
    )


def _bound_nano(word: AccountWord, round_word: int) -> int:
    missed = round_word - 1 - word.round_word
    if not 0 <= missed < OPEN_ROUNDS:
        return 0
    return word.risks_units[round_word % OPEN_ROUNDS] * RISK_UNIT_NANO


def _announcement(path: Path) -> int:
    number = path.stem.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def _number(account: str) -> int:
    return int(account, 16)
