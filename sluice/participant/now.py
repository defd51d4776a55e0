"""What the account command shows and proposes: an account as it is now, as a change would leave it,
both ways out of it, and what is pending. Pure: the chain's state comes in.

Amounts are integers in nano-NMR, times unix seconds, prices in wei. What a change leads to is asked
of the reference model (`sluice.account`, `sluice.schedule`), so a refusal has the contract's own
words before anything is signed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from sluice.account import (
    Account,
    Split,
    leave,
    lock_nano,
    open_risks,
    set_split,
    set_stakes,
    withdrawable_nano,
)
from sluice.errors import InvalidInput
from sluice.ledger import ALL
from sluice.parameters import PERIOD_S, Parameters
from sluice.presets import parse_model
from sluice.schedule import Release, releases
from sluice.sending import nmr, parse_nmr
from sluice.words import OPEN_ROUNDS

WEI_AN_ETH = 10**18
NANO_A_NMR = 10**9

_STAKE = re.compile(r"(\d+)([=+-])(.+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class AccountNow:
    """An account and the round under way, as the chain has them at the time `now`. `resolved` is
    the last round that is done, `announced_at` when the next was announced, 0 = not yet. Do not
    change `account`: the methods that change something give a new one."""

    address: str
    account: Account
    parameters: Parameters
    resolved: int
    announced_at: int
    now: int

    @property
    def risks_nano(self) -> dict[int, int]:
        """What each open round keeps from leaving, by round."""
        opened = open_risks(self.account, self.parameters, self.resolved, self.now)
        return {round_number: lock_nano(units) for round_number, units in opened.items()}

    @property
    def at_risk_nano(self) -> int:
        """L: the most that the open rounds can still burn, rounded down."""
        return sum(self.risks_nano.values())

    @property
    def withdrawable_nano(self) -> int:
        """W = min(P, max(D, C - L))."""
        return withdrawable_nano(self.account, self.at_risk_nano)

    @property
    def releases(self) -> list[Release]:
        """When the locked part of the pool becomes withdrawable."""
        return releases(self.account, self.parameters, self.resolved, self.announced_at, self.now)

    @property
    def period(self) -> int:
        """The fortnight it is."""
        return self.parameters.period(self.now)

    def deposited(self, amount_nano: int) -> "AccountNow":
        """After a deposit."""
        account = self.account.copy()
        account.pool_nano += amount_nano
        return replace(self, account=account)

    def staked(self, stakes_nano: Mapping[int, int]) -> "AccountNow":
        """After `set_stakes`; Refused as the contract would."""
        account = self.account.copy()
        set_stakes(account, stakes_nano)
        return replace(self, account=account)

    def split(self, splits: Mapping[int, Split]) -> "AccountNow":
        """After `set_split` of each; Refused as the contract would."""
        account = self.account.copy()
        for model, split in splits.items():
            set_split(account, model, split)
        return replace(self, account=account)

    def left(self) -> "AccountNow":
        """After `leave`: every stake in the pool, instructions and moves signed before dead."""
        account = self.account.copy()
        leave(account)
        return replace(self, account=account)

    def check_withdrawal(self, amount_nano: int) -> None:
        """InvalidInput, saying what to do, for an amount that no waiting makes withdrawable."""
        pool_nano = self.account.pool_nano
        if pool_nano == 0:
            raise InvalidInput(
                "the pool is empty: take NMR off a model first, such as: account stake 0-5"
            )
        if amount_nano != ALL and amount_nano > pool_nano:
            raise InvalidInput(
                f"the pool holds {nmr(pool_nano)}, {nmr(amount_nano)} are asked for: take the rest "
                "off a model first, such as: account stake 0-5"
            )

    def release_of(self, amount_nano: int) -> Release | None:
        """The first release with which an amount is withdrawable; None if it is now, or if no
        schedule can tell."""
        if amount_nano == ALL or amount_nano <= self.withdrawable_nano:
            return None
        return next((r for r in self.releases if r.amount_nano >= amount_nano), None)


@dataclass(frozen=True, slots=True)
class Counting:
    """From which round on a change of stake counts, and when the pass that opens it can be."""

    round_number: int
    pass_round: int
    pass_time: int


def counts_from(seen: AccountNow) -> Counting:
    """The next round that a stake set now counts in, at the earliest: the pass over r opens r + 4
    from the stakes as they are when the account's entry is resolved. A pass that has done the
    account already, that is a round length late, or that was announced while the account had no
    stake, does not count it."""
    passing = seen.resolved + 1
    if seen.account.round_number == passing or (
        seen.announced_at and not seen.account.stakes_nano and not seen.account.risks_units
    ):
        passing += 1
    while seen.now >= seen.parameters.pass_time(passing + 1):
        passing += 1
    return Counting(passing + OPEN_ROUNDS, passing, seen.parameters.pass_time(passing))


# --- stakes as typed ------------------------------------------------------------------------------


def parse_stakes(words: Sequence[str], stakes_nano: Mapping[int, int]) -> dict[int, int]:
    """New stakes by model, ascending, out of what was typed and the present ones: `3=5` sets model
    3 to 5 NMR, `3+2` puts 2 more on it, `3-1.5` takes some off. InvalidInput if it says nothing,
    names a model twice, or takes off more than there is."""
    found: dict[int, int] = {}
    for word in words:
        match = _STAKE.fullmatch(word)
        if not match:
            raise InvalidInput(
                f"{word}: write a model and its stake in NMR: 3=5, or 3+2 for 2 more, 3-2 for less"
            )
        model, amount_nano = parse_model(match[1]), parse_nmr(match[3])
        if model in found:
            raise InvalidInput(f"model {model} is there twice: write its stake once")
        before_nano = stakes_nano.get(model, 0)
        if match[2] == "-" and amount_nano > before_nano:
            raise InvalidInput(
                f"model {model} has {nmr(before_nano)}: take off at most that, or write {model}=0"
            )
        signed_nano = {"=": amount_nano - before_nano, "+": amount_nano, "-": -amount_nano}
        found[model] = before_nano + signed_nano[match[2]]
    if not found:
        raise InvalidInput("name a model and its stake in NMR, such as 3=5")
    return dict(sorted(found.items()))


def check_pool(seen: AccountNow, stakes_nano: Mapping[int, int]) -> None:
    """InvalidInput, saying how much is lacking, if the pool cannot pay for new stakes."""
    before_nano = sum(seen.account.stakes_nano.get(model, 0) for model in stakes_nano)
    lacking_nano = sum(stakes_nano.values()) - before_nano - seen.account.pool_nano
    if lacking_nano > 0:
        raise InvalidInput(
            f"the pool holds {nmr(seen.account.pool_nano)}, {nmr(lacking_nano)} are lacking: "
            "deposit them, or take them off another model in the same command"
        )


# --- both ways out --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """The next free withdrawal of an account: its period, from when the operator's batch can carry
    it, and by when it should have."""

    period: int
    opens_at: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class Price:
    """What a transaction costs: gas, and wei at the gas price of the moment; in nano-NMR where a
    price of NMR is known. Rounded up."""

    gas: int
    wei: int
    nano: int | None


def free_turn(seen: AccountNow) -> Turn | None:
    """The period whose batch can pay the account next; None once the periods are at their end,
    after 39 years."""
    return turn_of(seen, seen.account.period + 1)


def turn_of(seen: AccountNow, period: int) -> Turn | None:
    """When a request for a period is paid: in that one, or in the present one if it is past; None
    once the periods are at their end."""
    paid_in = max(seen.period, period)
    if paid_in > seen.parameters.last_period:
        return None
    start = seen.parameters.deployed_at + (paid_in - 1) * PERIOD_S
    return Turn(paid_in, max(seen.now, start), start + PERIOD_S)


def arriving_nano(seen: AccountNow, amount_nano: int, turn: Turn) -> int:
    """What a free withdrawal of an amount (or ALL) brings, if no pass until then burns: a fixed
    amount as it is or nothing, since batches never part-pay."""
    within = [r.amount_nano for r in seen.releases if r.earliest <= turn.ends_at]
    most_nano = max([seen.withdrawable_nano, *within])
    if amount_nano == ALL:
        return most_nano
    return amount_nano if amount_nano <= most_nano else 0


def price(gas: int, gas_price_wei: int, nmr_eth: Fraction | None) -> Price:
    """What so much gas costs; `nmr_eth`: ETH for one NMR, None = not known."""
    wei = gas * gas_price_wei
    nano = None
    if nmr_eth is not None:
        nano = -(-wei * NANO_A_NMR * nmr_eth.denominator // (WEI_AN_ETH * nmr_eth.numerator))
    return Price(gas, wei, nano)


def parse_nmr_eth(text: str) -> Fraction:
    """The price of one NMR in ETH as typed, exactly; InvalidInput if it is none."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise InvalidInput(f"{text} is no price: write the ETH for one NMR, as 0.0042") from None
    if not value.is_finite() or not Decimal("1e-18") <= value <= 10**6:
        raise InvalidInput(f"{text} is no price of an NMR in ETH: write such as 0.0042")
    return Fraction(value)
