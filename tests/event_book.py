"""A book of the escrow's accounts, kept from its events alone: the audit's."""

from collections.abc import Callable, Sequence
from typing import Any

from sluice.audit import Rebuild
from sluice.audit.events import (
    At,
    BurnSent,
    Deposited,
    Event,
    GuardianSet,
    Left,
    OperatorSet,
    OwnershipOffered,
    OwnershipTransferred,
    ReserveFunded,
    ReserveWithdrawn,
    RoundAnnounced,
    RoundResolved,
    Withdrawn,
)
from sluice.events import (
    AccountMoved,
    FreeWithdrawals,
    InstructionsCancelled,
    InstructionSkipped,
    InstructionsRelayed,
    Item,
    LinkApplied,
    MoveOffered,
    Paused,
    RoundVetoed,
    SplitSet,
    StakesSet,
    Unpaused,
    WithdrawalCancelled,
)
from sluice.ledger import Ledger, Skip
from sluice.parameters import Parameters
from sluice.roles import Roles
from sluice.words import AMOUNT_BITS, MAX_AMOUNT_NANO
from tests.escrow_world import NANO, ZERO_ADDRESS, now, role_address
from tests.messages import unpacked_parts

Fields = dict[str, Any]


class EventBook:
    """`ledger` is the escrow as the events that were read tell it; each of them has to be one that
    the audit finds nothing wrong with."""

    def __init__(self, parameters: Parameters) -> None:
        self.rebuilt = Rebuild(parameters)
        # as the constructor set them, of which tests see no events
        self.rebuilt.roles = Roles(*(role_address(r) for r in ("owner", "operator", "guardian")))
        self._read = 0

    @property
    def ledger(self) -> Ledger:
        """The rebuilt escrow."""
        return self.rebuilt.ledger

    @property
    def roles(self) -> Roles:
        """Who may act."""
        return self.rebuilt.roles

    @property
    def partly_applied(self) -> bool:
        """Whether links of the announcement are applied: events do not tell what is left then."""
        standing = self.rebuilt.journal.standing
        return standing is not None and standing.links > 0

    def read(self, events: Sequence[tuple[str, Fields]]) -> None:
        """Takes in the events of one transaction, just done, as (name, fields)."""
        for name, fields in events:
            self._read += 1
            self.rebuilt.read(_EVENTS[name](fields), At(self._read, 0, "", now()))
        self.rebuilt.settle()
        assert self.rebuilt.findings == []


def _stakes(f: Fields) -> Event:
    stakes = {word >> AMOUNT_BITS: word & MAX_AMOUNT_NANO for word in f["stakes"]}
    return StakesSet(f["account"], stakes)


def _paid(f: Fields) -> Event:
    items = tuple(
        Item(f"0x{word & (2**160 - 1):040x}", word >> 160 & MAX_AMOUNT_NANO, Skip(word >> 216))
        for word in f["items"]
    )
    return FreeWithdrawals(f["period"], items, f["time"])


def _offered(f: Fields) -> Event:
    return MoveOffered(f["account"], None if f["to"] == ZERO_ADDRESS else f["to"])


_EVENTS: dict[str, Callable[[Fields], Event]] = {
    "Deposited": lambda f: Deposited(f["account"], f["amount"] // NANO),
    "StakesSet": _stakes,
    "SplitSet": lambda f: SplitSet(f["account"], f["model"], unpacked_parts(f["parts"])),
    "InstructionsRelayed": (
        lambda f: InstructionsRelayed(f["instructions"], f["applied"], f["time"])
    ),
    "InstructionSkipped": lambda f: InstructionSkipped(f["account"], f["nonce"], f["reason"]),
    "InstructionsCancelled": lambda f: InstructionsCancelled(f["account"], f["nonce"]),
    "WithdrawalCancelled": lambda f: WithdrawalCancelled(f["account"], f["period"]),
    "Left": lambda f: Left(f["account"], f["nonce"]),
    "Withdrawn": lambda f: Withdrawn(f["account"], f["amount"] // NANO),
    "FreeWithdrawals": _paid,
    "MoveOffered": _offered,
    "AccountMoved": lambda f: AccountMoved(f["account"], f["to"], f["nonce"]),
    "RoundAnnounced": (
        lambda f: RoundAnnounced(f["round"], f["replaces"], f["digest"], f["announced_at"])
    ),
    "LinkApplied": lambda f: LinkApplied(f["round"], f["link"], f["time"]),
    "RoundResolved": lambda f: RoundResolved(f["round"]),
    "RoundVetoed": lambda f: RoundVetoed(f["round"], f["digest"]),
    "Paused": lambda f: Paused(f["paused_at"]),
    "Unpaused": lambda f: Unpaused(),
    "ReserveFunded": lambda f: ReserveFunded(f["amount"] // NANO),
    "ReserveWithdrawn": lambda f: ReserveWithdrawn(f["amount"] // NANO),
    "BurnSent": lambda f: BurnSent(f["amount"] // NANO),
    "OperatorSet": lambda f: OperatorSet(f["operator"]),
    "GuardianSet": lambda f: GuardianSet(f["guardian"]),
    "OwnershipTransferStarted": lambda f: OwnershipOffered(f["new_owner"]),
    "OwnershipTransferred": lambda f: OwnershipTransferred(f["new_owner"]),
}
