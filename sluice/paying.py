"""The fortnight's free withdrawals as a plan: who would be paid now, who not and why.

Signed requests go before what is due, so an account that asked for an amount gets that, and the
rest of what is due waits for the next period. Pure: the chain's state comes in as the reference
model. The contract decides in the end; what it would skip is not sent.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sluice.instructions import (
    MAX_ITEMS,
    MAX_PAY_BYTES,
    SignedRequest,
    signature_bytes,
)
from sluice.ledger import Ledger, Skip
from sluice.relay.plan import in_words
from sluice.relay.store import Stored
from sluice.relay.wallets import WALLET_GAS

ITEM_GAS = 72_000
"""The most that one item takes: signature check, account word, a transfer to a new holder."""
SIGNATURE_BYTE_GAS = 16
CALL_GAS = 300_000
"""Base, and what the contract wants left over for the transfer of the last item."""
BATCH_GAS = 15_000_000

BELOW_FLOOR = "below the floor"


class Kind(StrEnum):
    """What asks for a free withdrawal: a signed request, once; what is due, in every period."""

    REQUEST = "request"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Expected:
    """What becomes of an item if it is sent now. `stored`: the request, None if it is what is due;
    `paid_nano`: zero if it is left out; `reason`: why it is, None if it is not."""

    account: str
    stored: Stored | None
    paid_nano: int
    reason: str | None

    @property
    def kind(self) -> Kind:
        """What asks for it."""
        return Kind.DUE if self.stored is None else Kind.REQUEST


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction pays."""

    requests: tuple[Stored, ...]
    due_accounts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.requests) + len(self.due_accounts)

    def halves(self) -> "tuple[Batch, Batch]":
        """Two batches, requests still before what is due."""
        half = len(self) // 2
        more = max(0, half - len(self.requests))
        return (
            Batch(self.requests[:half], self.due_accounts[:more]),
            Batch(self.requests[half:], self.due_accounts[more:]),
        )


def expect(
    requests: Iterable[Stored],
    signed: Collection[int],
    due_accounts: Iterable[str],
    min_due_nano: int,
    book: Ledger,
    now: int,
) -> list[Expected]:
    """What becomes of each item, in order, by docs/accounting.md, "Free withdrawals".

    `signed`: the numbers of the requests whose signature is good; `min_due_nano`: a smaller amount
    that is due waits; `book`: holds all the accounts, and is changed. An account that one item pays
    has used its turn for the others. Refused once the periods are at their end."""
    found: list[Expected] = []
    for stored in requests:
        if isinstance(stored.signed, SignedRequest):
            asked = stored.signed.message
            skip, paid_nano = book.pay(
                asked.account,
                asked.amount_nano,
                asked.period,
                asked.deadline,
                now,
                signed=stored.number in signed,
            )
            found.append(_expected(asked.account, stored, skip, paid_nano))
    for account in due_accounts:
        if 0 < book.account(account).due_nano < min_due_nano:
            found.append(Expected(account, None, 0, BELOW_FLOOR))
        else:
            found.append(_expected(account, None, *book.pay_due(account, now)))
    return found


def batches(expected: Sequence[Expected]) -> list[Batch]:
    """What would be paid, in transactions that fit by number, by length and, as far as one can know
    beforehand, by gas."""
    found: list[list[Expected]] = []
    gas = length = 0
    for each in expected:
        if each.reason is not None:
            continue
        more = item_gas(each)
        signature = (
            0 if each.stored is None else signature_bytes(each.stored.signed, each.stored.by_key)
        )
        full = not found or len(found[-1]) == MAX_ITEMS
        if full or gas + more > BATCH_GAS or length + signature > MAX_PAY_BYTES:
            found.append([])
            gas, length = CALL_GAS, 0
        found[-1].append(each)
        gas += more
        length += signature
    return [
        Batch(
            tuple(each.stored for each in items if each.stored is not None),
            tuple(each.account for each in items if each.stored is None),
        )
        for items in found
    ]


def item_gas(expected: Expected) -> int:
    """The most that an item takes in a batch."""
    if expected.stored is None:
        return ITEM_GAS
    gas = ITEM_GAS + SIGNATURE_BYTE_GAS * len(expected.stored.signed.signature)
    return gas if expected.stored.by_key else gas + WALLET_GAS


def _expected(account: str, stored: Stored | None, skip: Skip, paid_nano: int) -> Expected:
    return Expected(account, stored, paid_nano, None if skip is Skip.PAID else in_words(skip))
