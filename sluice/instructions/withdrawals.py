"""A request for an account's free withdrawal of one period, to the account's own address.

It costs the account no gas: the operator sends it. Amounts are integers in nano-NMR. `pay` takes a
request as one word, fields from the lowest bit up:

    account 160 | amount in nano 54 | period 10 | deadline 32

where all ones in the amount stand for all that is withdrawable, in the deadline for never.
"""

from dataclasses import dataclass

from sluice.errors import InvalidInput
from sluice.instructions.checks import check_deadline, checked_account
from sluice.instructions.domain import NEVER, Domain, Withdrawal, pack_deadline, unpack_deadline
from sluice.ledger import ALL
from sluice.units import BASE_UNITS_A_NANO, MAX_UINT, to_units_or_all
from sluice.words import ACCOUNT_BITS, AMOUNT_BITS, MAX_AMOUNT_NANO, MAX_PERIOD, PERIOD_BITS


@dataclass(frozen=True, slots=True)
class Request:
    """A request for the free withdrawal of a period: `amount_nano` or `ALL`, good until `deadline`
    (unix seconds) or `NEVER`. Made by `request`, which checks it."""

    account: str
    amount_nano: int
    period: int
    deadline: int

    def typed(self, domain: Domain) -> Withdrawal:
        """As wallets sign it."""
        return Withdrawal(
            amount=to_units_or_all(self.amount_nano),
            period=self.period,
            deadline=self.deadline,
            **domain.fields(self.account),
        )


def request(account: str, amount_nano: int, period: int, deadline: int = NEVER) -> Request:
    """A request that the contract can take; InvalidInput for an address, an amount, a period or a
    deadline that does not fit what `pay` is given."""
    checksum = checked_account(account)
    if amount_nano != ALL and not 0 < amount_nano < MAX_AMOUNT_NANO:
        raise InvalidInput(
            f"amount of {amount_nano} nano-NMR: ask for one above zero and at most the supply, or "
            "for all"
        )
    if not 0 < period <= MAX_PERIOD:
        raise InvalidInput(f"period {period}: they count from 1 to {MAX_PERIOD}")
    check_deadline(deadline)
    return Request(checksum, amount_nano, period, deadline)


def request_of_units(account: str, amount: int, period: int, deadline: int = NEVER) -> Request:
    """A request whose amount is in base units, as wallets show it: the maximum means all;
    InvalidInput, besides as `request`, if it is not a whole nano-NMR."""
    if amount == MAX_UINT:
        return request(account, ALL, period, deadline)
    nano, rest = divmod(amount, BASE_UNITS_A_NANO)
    if rest:
        raise InvalidInput(f"amount {amount}: not a whole nano-NMR, use multiples of 10**9")
    return request(account, nano, period, deadline)


def pack(asked: Request) -> int:
    """The request as a word."""
    amount = MAX_AMOUNT_NANO if asked.amount_nano == ALL else asked.amount_nano
    word = int(asked.account, 16)
    word |= amount << ACCOUNT_BITS
    word |= asked.period << (ACCOUNT_BITS + AMOUNT_BITS)
    word |= pack_deadline(asked.deadline) << (ACCOUNT_BITS + AMOUNT_BITS + PERIOD_BITS)
    return word


def unpack(word: int) -> Request:
    """The request of a word; InvalidInput if it is none."""
    amount = (word >> ACCOUNT_BITS) & MAX_AMOUNT_NANO
    period = (word >> (ACCOUNT_BITS + AMOUNT_BITS)) & MAX_PERIOD
    deadline = word >> (ACCOUNT_BITS + AMOUNT_BITS + PERIOD_BITS)
    return request(
        "0x" + (word & (2**ACCOUNT_BITS - 1)).to_bytes(20, "big").hex(),
        ALL if amount == MAX_AMOUNT_NANO else amount,
        period,
        unpack_deadline(deadline),
    )
