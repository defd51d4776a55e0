"""Accounts of the demonstration's own, beside the recorded ones: whatever they do, they sign.

A guest never sends a transaction and holds no ether. Its first NMR comes by `deposit_for`; what it
wants is an EIP-712 message, which a relayer or the operator sends. One preset of
`sluice.presets` says where its earnings go. Each of its models follows a recorded one: it earns and
burns the same part of its stake. Pure; amounts are integers in nano-NMR.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from eth_account import Account as KeyedAccount
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from sluice.account import Account, Split
from sluice.history import History, ModelRound, Models
from sluice.inputs import CAP_DIVISOR, Row
from sluice.instructions import Instruction, Request, instruction, request
from sluice.ledger import ALL
from sluice.presets import Preset, preset_splits

EACH_PRESET = 2
"""How many guests take each preset."""
NANO = 10**9
FIRST_STAKES_NANO: Models = {0: 60 * NANO, 1: 30 * NANO, 5: 10 * NANO}
"""On the account word and two stake pages."""
DEPOSIT_NANO = sum(FIRST_STAKES_NANO.values())
LEAST_FOLLOWED_NANO = NANO
"""Of a smaller stake the part that it earned is too coarse to follow, if there are others."""
REBALANCE_EVERY = 4
"""A guest moves stake once in so many passes."""
MOVED_PART = 5
"""One part in so many of its largest stake."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One of them. `followed`: the recorded account and model that each of its models follows;
    `turn`: in which of `REBALANCE_EVERY` passes it moves stake."""

    name: str
    preset: Preset
    signer: LocalAccount
    turn: int
    followed: Mapping[int, tuple[str, int]]

    @property
    def account(self) -> str:
        """Its lower-case address."""
        return str(self.signer.address).lower()

    @property
    def splits(self) -> dict[int, Split]:
        """The splits that its preset means, the default ones left out."""
        wanted = preset_splits(self.preset, FIRST_STAKES_NANO, stakes_nano=FIRST_STAKES_NANO)
        return {model: split for model, split in wanted.splits.items() if split}

    def model_name(self, model: int) -> str:
        """As in the files of rounds."""
        return f"{self.name}_{model}"


def invite(history: History) -> tuple[Guest, ...]:
    """The guests of a replay, the same every time; their keys are for local chains only."""
    names = [
        (preset, f"demo-{preset}-{number}")
        for preset in Preset
        for number in range(1, EACH_PRESET + 1)
    ]
    leaders = _most_steady(history)
    return tuple(
        Guest(
            name=name,
            preset=preset,
            signer=KeyedAccount.from_key(keccak(text=f"sluice demonstration {name}")),
            turn=index % REBALANCE_EVERY,
            followed={
                model: leaders[(index * len(FIRST_STAKES_NANO) + place) % len(leaders)]
                for place, model in enumerate(FIRST_STAKES_NANO)
                if leaders
            },
        )
        for index, (preset, name) in enumerate(names)
    )


def row(guest: Guest, model: int, history: History, round_number: int, stake_nano: int) -> Row:
    """What a guest's model staked and earned in a round, as a row of the round's file; the payout
    is the followed one's part of the stake, rounded toward zero."""
    payout_nano = 0
    if model in guest.followed:
        at = ModelRound(*guest.followed[model], round_number)
        followed_nano, payout = history.stake(at), history.payout(at)
        if followed_nano:
            part_nano = min(stake_nano * abs(payout) // followed_nano, stake_nano // CAP_DIVISOR)
            payout_nano = part_nano if payout > 0 else -part_nano
    name = guest.model_name(model)
    return Row(0, round_number, guest.name, name, payout_nano, stake_nano)


def first_wish(guest: Guest) -> Instruction:
    """Its first stakes and its splits, together."""
    return instruction(guest.account, FIRST_STAKES_NANO, guest.splits, nonce=0)


def rebalance(guest: Guest, held: Account) -> Instruction | None:
    """A part of its largest stake to the smallest of its models; None if there is none to move."""
    stakes = {model: held.stakes_nano.get(model, 0) for model in FIRST_STAKES_NANO}
    most, least = max(stakes, key=lambda m: stakes[m]), min(stakes, key=lambda m: stakes[m])
    moved_nano = stakes[most] // MOVED_PART
    if most == least or not moved_nano:
        return None
    wanted = {most: stakes[most] - moved_nano, least: stakes[least] + moved_nano}
    return instruction(guest.account, wanted, {}, held.nonce)


def withdrawal(guest: Guest, period: int) -> Request:
    """All that is withdrawable, by the free withdrawal of a period."""
    return request(guest.account, ALL, period)


def _most_steady(history: History) -> list[tuple[str, int]]:
    """Recorded accounts and models, those staked in the most rounds first."""
    rounds: Counter[tuple[str, int]] = Counter()
    small: Counter[tuple[str, int]] = Counter()
    for accounts in history.stakes_nano.values():
        for account, models in accounts.items():
            for model, stake in models.items():
                rounds[account, model] += 1
                small[account, model] += stake < LEAST_FOLLOWED_NANO
    return sorted(rounds, key=lambda each: (small[each] > 0, -rounds[each], each))
