"""The fortnight's free withdrawals as a plan: who would be paid now, who not and why.

Pure: the chain's state comes in. The contract decides in the end; what it would skip is not sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sluice.instructions import MAX_ITEMS, SignedRequest, is_signed
from sluice.ledger import ALL, Position, Skip

ITEM_GAS = 72_000
"""The most that one item takes: signature check, account word, a transfer to a new holder."""
CALL_GAS = 300_000
"""Base, and what the contract wants left over for the transfer of the last item."""
BATCH_GAS = 15_000_000


@dataclass(frozen=True, slots=True)
class Expected:
    """What becomes of a request if it is sent now; `paid_nano` is zero if it would be skipped."""

    signed: SignedRequest
    skip: Skip
    paid_nano: int


def expect(
    stored: Sequence[SignedRequest],
    positions: Mapping[str, Position],
    current_period: int,
    now: int,
) -> list[Expected]:
    """What becomes of each request, in order, by docs/accounting.md, "Free withdrawals".
    `positions`: of every account that asks. A second request of an account finds its turn used."""
    found: list[Expected] = []
    paid: set[str] = set()
    for signed in stored:
        account = signed.request.account
        skip, paid_nano = _expect(signed, positions[account], current_period, now)
        if skip is Skip.PAID and account in paid:
            skip, paid_nano = Skip.TURN_USED, 0
        if skip is Skip.PAID:
            paid.add(account)
        found.append(Expected(signed, skip, paid_nano))
    return found


def batches(expected: Sequence[Expected]) -> list[list[SignedRequest]]:
    """The requests that would be paid, in transactions that fit by gas and by number."""
    size = min(MAX_ITEMS, (BATCH_GAS - CALL_GAS) // ITEM_GAS)
    payable = [each.signed for each in expected if each.skip is Skip.PAID]
    return [payable[start : start + size] for start in range(0, len(payable), size)]


def _expect(
    signed: SignedRequest, position: Position, current_period: int, now: int
) -> tuple[Skip, int]:
    asked = signed.request
    if not is_signed(signed):
        return Skip.SIGNATURE, 0
    if position.period >= asked.period:
        return Skip.TURN_USED, 0
    if asked.period > current_period:
        return Skip.PERIOD_TO_COME, 0
    if now > asked.deadline:
        return Skip.EXPIRED, 0
    all_nano = position.withdrawable_nano
    paid_nano = all_nano if asked.amount_nano == ALL else asked.amount_nano
    if paid_nano == 0:
        return Skip.NOTHING_WITHDRAWABLE, 0
    if paid_nano > all_nano:
        return Skip.ABOVE_WITHDRAWABLE, 0
    return Skip.PAID, paid_nano
