"""One account of the reference model: what it holds, what it risks, what a pass does to it.

Pure functions on an `Account`, which they change in place; `sluice.ledger` holds the accounts, the
treasury and the round under way, and calls them. The rules are those of docs/accounting.md. All
amounts are integers in nano-NMR, times unix seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sluice.errors import Refused
from sluice.parameters import BPS, Parameters
from sluice.words import (
    DESTINATIONS,
    MAX_AMOUNT_NANO,
    MAX_NONCE,
    MAX_RISK_UNITS,
    MODELS,
    OPEN_ROUNDS,
    POOL,
    RISK_UNIT_NANO,
    WALLET,
    Entry,
    model_page,
)

ALREADY_IN = "account is already in this pass"

MAX_NONCE_STEP = 1_000
"""The most by which one call moves a nonce on."""

Split = tuple[tuple[int, int], ...]
"""(destination, share in basis points): a model 0..64, POOL or WALLET."""


@dataclass(slots=True)
class Account:
    """Everything held for one address. `stakes_nano` has no zeros; `risks_units[r]` are the risks,
    none of them zero, recorded for the rounds after the account's last pass; `round_number` is that
    pass, None = never in one; `pages` the highest stake page ever written; `due_nano` the part of
    the pool that leaves with the next free withdrawal; `splits` are those that were set;
    `offered_to` the address, lower case, that may take the account over, None = nobody."""

    pool_nano: int = 0
    stakes_nano: dict[int, int] = field(default_factory=dict)
    risks_units: dict[int, int] = field(default_factory=dict)
    round_number: int | None = None
    period: int = 0
    nonce: int = 0
    pages: int = 0
    due_nano: int = 0
    splits: dict[int, Split] = field(default_factory=dict)
    offered_to: str | None = None

    @property
    def staked_nano(self) -> int:
        """The sum of the stakes."""
        return sum(self.stakes_nano.values())

    @property
    def equity_nano(self) -> int:
        """C = P + sum s_i."""
        return self.pool_nano + self.staked_nano

    def copy(self) -> "Account":
        """The same account apart: what happens to one leaves the other."""
        return Account(
            self.pool_nano,
            dict(self.stakes_nano),
            dict(self.risks_units),
            self.round_number,
            self.period,
            self.nonce,
            self.pages,
            self.due_nano,
            dict(self.splits),
            self.offered_to,
        )


# --- what is at risk --------------------------------------------------------------------------


def risk_units(staked_nano: int, cap_bps: int) -> int:
    """u = ceil(stakes * cap / unit), saturated; 0 only if there is no stake (rounded up: the bound
    of a round)."""
    return min(MAX_RISK_UNITS, -(-staked_nano * cap_bps // (BPS * RISK_UNIT_NANO)))


def bound_nano(units: int) -> int:
    """The most that a round can burn, and the most that it can earn."""
    return units * RISK_UNIT_NANO


def lock_nano(units: int) -> int:
    """What a round keeps from being withdrawn (rounded down: rounding never locks anybody's
    NMR)."""
    return max(0, units - 1) * RISK_UNIT_NANO


def open_risks(account: Account, parameters: Parameters, resolved: int, now: int) -> dict[int, int]:
    """The risk units of the account's open rounds: recorded, not resolved for it, not past the
    deadline. `resolved` is the last round that is done."""
    return {
        round_number: units
        for round_number, units in sorted(account.risks_units.items())
        if round_number > resolved and now <= parameters.deadline(round_number)
    }


def withdrawable_nano(account: Account, at_risk_nano: int) -> int:
    """W = min(P, max(D, C - L))."""
    return min(account.pool_nano, max(account.due_nano, account.equity_nano - at_risk_nano))


# --- amounts ----------------------------------------------------------------------------------


def check_amount(amount_nano: int) -> None:
    """Refuses zero."""
    if amount_nano == 0:
        raise Refused("amount: must be above zero")


def check_fits(amount_nano: int) -> None:
    """Refuses an amount that the contract's words cannot hold."""
    if amount_nano > MAX_AMOUNT_NANO:
        raise Refused("amount: does not fit 54 bits of nano-NMR")


def _check_fits_word(amount_nano: int) -> None:
    if amount_nano > MAX_AMOUNT_NANO:
        raise Refused("an amount does not fit 54 bits")


# --- what the account sets --------------------------------------------------------------------


def set_stakes(account: Account, stakes_nano: Mapping[int, int], added_nano: int = 0) -> None:
    """Each listed model's stake becomes the given one; the pool, with `added_nano` more in it,
    takes up the difference. Refused as a whole or done as a whole."""
    if not stakes_nano:
        raise Refused("models: name at least one")
    for stake_nano in stakes_nano.values():
        check_fits(stake_nano)
    above = 0
    for model in stakes_nano:
        above = _check_ascends(model, above)
    held_nano = sum(account.stakes_nano.get(model, 0) for model in stakes_nano)
    pool_nano = account.pool_nano + added_nano + held_nano - sum(stakes_nano.values())
    if pool_nano < 0:
        raise Refused("stakes: the pool holds too little, deposit first")
    check_fits(pool_nano)

    account.pool_nano = pool_nano
    account.due_nano = min(account.due_nano, pool_nano)
    account.stakes_nano = {m: s for m, s in {**account.stakes_nano, **stakes_nano}.items() if s}
    account.pages = max([account.pages, *(model_page(model) for model in account.stakes_nano)])


def leave(account: Account) -> None:
    """Every stake to the pool; the nonce raised as far as one step goes, so that nothing signed
    earlier stakes it again."""
    check_fits(account.equity_nano)

    account.pool_nano = account.equity_nano
    account.stakes_nano = {}
    account.nonce = raised(account.nonce)


def raised(nonce: int) -> int:
    """A nonce moved on as far as one step goes: what was signed for it, and for those to come, is
    dead."""
    return min(MAX_NONCE, nonce + MAX_NONCE_STEP)


def set_split(account: Account, model: int, split: Split) -> None:
    """How the model's earnings are shared out from now on; empty: back to the model. Refused as a
    whole or done as a whole."""
    _check_split(model, split)

    account.splits = {m: parts for m, parts in account.splits.items() if m != model}
    if split:
        account.splits[model] = split
        account.pages = max(account.pages, model_page(model))


def _check_ascends(model: int, above: int) -> int:
    """The least that the next model may be."""
    _check_model(model)
    if model < above:
        raise Refused("models: must be strictly ascending")
    return model + 1


def _check_model(model: int) -> None:
    if model >= MODELS:
        raise Refused("models: numbered 0 to 64")


def _check_split(model: int, split: Split) -> None:
    if len(split) > DESTINATIONS:
        raise Refused("split: at most 8 destinations")
    _check_model(model)
    if split:
        _check_parts(split)


def _check_parts(split: Split) -> None:
    destinations = [destination for destination, _ in split]
    for at, (destination, share) in enumerate(split):
        if destination >= MODELS and destination not in (POOL, WALLET):
            raise Refused("split: destinations are models 0 to 64, POOL 254 or WALLET 255")
        if destination in destinations[:at]:
            raise Refused("split: a destination is named twice")
        if not 1 <= share <= BPS:
            raise Refused("split: a share is 1 to 10_000 basis points")
    if sum(share for _, share in split) != BPS:
        raise Refused("split: shares must sum to 10_000 basis points")


def instruct(
    account: Account,
    stakes_nano: Mapping[int, int],
    splits: Mapping[int, Split],
    nonce: int,
    deadline: int,
    now: int,
) -> None:
    """A signed instruction (the signature being good): stakes, splits and the nonce together, or
    refused: for its time, its nonce, what it names, its splits, its stakes, in this order."""
    if now > deadline:
        raise Refused("instruction: expired")
    if nonce < account.nonce:
        raise Refused("instruction: its nonce is used or cancelled")
    if nonce > account.nonce:
        raise Refused("instruction: its nonce is still to come")
    if nonce == MAX_NONCE:
        raise Refused("instruction: nonces are used up, use set_stakes and set_split")
    if not stakes_nano and not splits:
        raise Refused("instruction: names no change")

    above = 0
    for model, split in splits.items():
        _check_split(model, split)
        above = _check_ascends(model, above)
    if stakes_nano:
        set_stakes(account, stakes_nano)
    for model, split in splits.items():
        set_split(account, model, split)
    account.nonce += 1


# --- what a move does -------------------------------------------------------------------------


def moved(old: Account, new: Account) -> tuple[Account, Account]:
    """The two accounts after `old` has moved to the address of `new`, which must have no stakes,
    risks or splits: everything is the new one's, the nonces stay apart, and the old one keeps its
    period, so that a request used once stays dead."""
    pool_nano = old.pool_nano + new.pool_nano
    check_fits(pool_nano)

    taken = old.copy()
    taken.pool_nano = pool_nano
    taken.due_nano = old.due_nano + new.due_nano
    taken.period = max(old.period, new.period)
    taken.nonce = new.nonce
    taken.offered_to = None
    return Account(period=old.period, nonce=raised(old.nonce)), taken


# --- what a pass does -------------------------------------------------------------------------


def pass_over(
    account: Account, entry: Entry, round_number: int, parameters: Parameters, now: int
) -> tuple[int, int]:
    """The pass over a round for one account: losses, then earnings, then the opening of the round
    four later. Returns what was earned and what was burned; an account that is refused may be half
    changed."""
    if account.round_number == round_number:
        raise Refused(ALREADY_IN)
    bound = bound_nano(account.risks_units.get(round_number, 0))
    payouts = sorted(entry.payouts_nano.items())
    losses = {model: -payout for model, payout in payouts if payout < 0}
    earnings = {model: payout for model, payout in payouts if payout > 0}
    if sum(losses.values()) > bound:
        raise Refused("losses are above its bound")
    if sum(earnings.values()) > bound:
        raise Refused("earnings are above its bound")

    burned_nano = 0
    if now <= parameters.deadline(round_number):
        burned_nano = sum(_burn(account, model, amount) for model, amount in losses.items())
    for model, amount in earnings.items():
        _earn(account, model, amount)
    account.due_nano = min(account.due_nano, account.pool_nano)

    late = now >= parameters.pass_time(round_number + 1)
    opening_units = 0 if late else risk_units(account.staked_nano, parameters.cap_bps)
    kept = {r: units for r, units in account.risks_units.items() if r > round_number}
    if opening_units:
        kept[round_number + OPEN_ROUNDS] = opening_units
    account.risks_units = kept
    account.round_number = round_number
    return sum(earnings.values()), burned_nano


def _burn(account: Account, model: int, amount_nano: int) -> int:
    """A loss takes the model's stake, then the pool, then the other stakes ascending; what nobody
    covers is not burned. Returns what was burned."""
    left_nano = amount_nano - _take_stake(account, model, amount_nano)
    from_pool_nano = min(account.pool_nano, left_nano)
    account.pool_nano -= from_pool_nano
    left_nano -= from_pool_nano
    for other in sorted(account.stakes_nano):
        left_nano -= _take_stake(account, other, left_nano)
    return amount_nano - left_nano


def _take_stake(account: Account, model: int, amount_nano: int) -> int:
    taken_nano = min(account.stakes_nano.get(model, 0), amount_nano)
    if taken_nano:
        account.stakes_nano[model] -= taken_nano
        if account.stakes_nano[model] == 0:
            del account.stakes_nano[model]
    return taken_nano


def _earn(account: Account, model: int, amount_nano: int) -> None:
    """An earning goes where the model's split says: to each destination floor(amount * share), the
    remainder to the first. Without a split it goes back to the model, or to the pool if the model
    has no stake any more."""
    split = account.splits.get(model)
    if split is None:
        _credit(account, model if model in account.stakes_nano else POOL, amount_nano)
        return
    parts_nano = [amount_nano * share // BPS for _, share in split]
    parts_nano[0] += amount_nano - sum(parts_nano)
    for (destination, _), part_nano in zip(split, parts_nano, strict=True):
        _credit(account, destination, part_nano)


def _credit(account: Account, destination: int, amount_nano: int) -> None:
    if not amount_nano:
        return
    if destination in (POOL, WALLET):
        _check_fits_word(account.pool_nano + amount_nano)
        account.pool_nano += amount_nano
        account.due_nano += amount_nano if destination == WALLET else 0
        return
    stake_nano = account.stakes_nano.get(destination, 0) + amount_nano
    _check_fits_word(stake_nano)
    account.stakes_nano[destination] = stake_nano
    account.pages = max(account.pages, model_page(destination))
