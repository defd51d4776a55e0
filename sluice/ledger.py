"""The reference model: accounts, passes and withdrawals in integer Python; no chain, no I/O.

One of the two statements of the rules in docs/accounting.md; `contracts/` is the other. They are
written apart, word a refusal alike, and the property tests compare every word of their state. All
amounts are integers in nano-NMR.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from sluice.errors import InvalidInput, Refused
from sluice.parameters import BPS, Parameters
from sluice.words import (
    DESTINATIONS,
    MAX_AMOUNT_NANO,
    MAX_NONCE,
    MAX_RISK_UNITS,
    MODELS,
    NO_DIGEST,
    OPEN_ROUNDS,
    PAGES,
    POOL,
    RISK_UNIT_NANO,
    SPLIT_PLACE,
    WALLET,
    WORD_BYTES,
    AccountWord,
    Entry,
    PagesOutOfOrder,
    SplitWord,
    StakePage,
    digest_chain,
    link_words,
    model_page,
    pack_account,
    pack_page,
    pack_split,
    page_models,
    unpack_link,
)

ALREADY_IN = "account is already in this pass"

ALL = -1
"""As the amount of a withdrawal: everything withdrawable."""


class Skip(IntEnum):
    """Why `pay` passed over an item; the contract reports the same numbers, PAID where it did
    not."""

    PAID = 0
    SIGNATURE = 1
    TURN_USED = 2
    PERIOD_TO_COME = 3
    EXPIRED = 4
    NOTHING_WITHDRAWABLE = 5
    ABOVE_WITHDRAWABLE = 6
    TRANSFER_FAILED = 7


Split = tuple[tuple[int, int], ...]
"""(destination, share in basis points): a model 0..64, POOL or WALLET."""


@dataclass(slots=True)
class Account:
    """Everything held for one address; `due_nano` is the part of the pool that leaves with the next
    free withdrawal. `stakes_nano` has no zeros; `risks_units[r]` are the risks,
    none of them zero, recorded for the rounds after the account's last pass; `round_number` is that
    pass, None = never in one; `pages` the highest stake page ever written."""

    pool_nano: int = 0
    stakes_nano: dict[int, int] = field(default_factory=dict)
    risks_units: dict[int, int] = field(default_factory=dict)
    round_number: int | None = None
    period: int = 0
    nonce: int = 0
    pages: int = 0
    due_nano: int = 0
    splits: dict[int, Split] = field(default_factory=dict)

    @property
    def staked_nano(self) -> int:
        """The sum of the stakes."""
        return sum(self.stakes_nano.values())

    @property
    def equity_nano(self) -> int:
        """C = P + sum s_i."""
        return self.pool_nano + self.staked_nano


@dataclass(frozen=True, slots=True)
class Position:
    """What the contract's view `position` says of an account, in nano-NMR."""

    pool_nano: int
    staked_nano: int
    at_risk_nano: int
    withdrawable_nano: int
    due_nano: int
    nonce: int
    round_number: int | None
    period: int


@dataclass(frozen=True, slots=True)
class Passed:
    """What one call of `resolve` did, in nano-NMR."""

    earned_nano: int = 0
    burned_nano: int = 0
    accounts: int = 0


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


class Ledger:
    """The whole escrow: accounts, reserve, burn counter, the round under way. A refused call
    changes nothing."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.accounts: dict[str, Account] = {}
        self.reserve_nano = 0
        self.burned_nano = 0
        self.resolved = parameters.first_pass - 1
        self.digest = NO_DIGEST
        self.announced_at = 0

    # --- accounts ---------------------------------------------------------------------------------

    def account(self, address: str) -> Account:
        """The account of an address, an empty one if nothing was ever written. Do not change what
        comes back."""
        return self.accounts.get(address) or Account()

    def deposit(self, address: str, amount_nano: int) -> None:
        """Adds to the pool of `address`."""
        _check_amount(amount_nano)
        account = self.account(address)
        _check_fits(account.pool_nano + amount_nano)

        account.pool_nano += amount_nano
        self.accounts[address] = account

    def deposit_and_stake(
        self, address: str, amount_nano: int, stakes_nano: Mapping[int, int]
    ) -> None:
        """Deposits and sets stakes in one step: both or neither."""
        _check_amount(amount_nano)
        account = self.account(address)
        _check_fits(account.pool_nano + amount_nano)
        pool_nano = _pool_after(account, stakes_nano, account.pool_nano + amount_nano)

        self._set_stakes(address, stakes_nano, pool_nano)

    def set_stakes(self, address: str, stakes_nano: Mapping[int, int]) -> None:
        """Each listed model's stake becomes the given one; the pool takes up the difference."""
        account = self.account(address)
        pool_nano = _pool_after(account, stakes_nano, account.pool_nano)

        self._set_stakes(address, stakes_nano, pool_nano)

    def set_split(self, address: str, model: int, split: Split) -> None:
        """How the model's earnings are shared out from now on; empty: back to the model."""
        _check_split(model, split)
        account = self.account(address)

        account.splits = {m: parts for m, parts in account.splits.items() if m != model}
        if split:
            account.splits[model] = split
            account.pages = max(account.pages, model_page(model))
        self.accounts[address] = account

    def leave(self, address: str) -> None:
        """Every stake to the pool; the nonce raised, so that nothing signed earlier stakes it
        again."""
        account = self.account(address)
        _check_fits(account.equity_nano)

        account.pool_nano = account.equity_nano
        account.stakes_nano = {}
        account.nonce = min(MAX_NONCE, account.nonce + 1)
        self.accounts[address] = account

    def _set_stakes(self, address: str, stakes_nano: Mapping[int, int], pool_nano: int) -> None:
        account = self.account(address)
        account.pool_nano = pool_nano
        account.due_nano = min(account.due_nano, pool_nano)
        account.stakes_nano = {m: s for m, s in {**account.stakes_nano, **stakes_nano}.items() if s}
        account.pages = max([account.pages, *(model_page(model) for model in account.stakes_nano)])
        self.accounts[address] = account

    # --- withdrawals ------------------------------------------------------------------------------

    def open_risks(self, address: str, now: int) -> dict[int, int]:
        """The risk units of the account's open rounds: recorded, not resolved for it, not past the
        deadline."""
        return {
            round_number: units
            for round_number, units in sorted(self.account(address).risks_units.items())
            if round_number > self.resolved and now <= self.parameters.deadline(round_number)
        }

    def at_risk_nano(self, address: str, now: int) -> int:
        """L, the sum of the locks of the open rounds; it may exceed the equity."""
        return sum(lock_nano(units) for units in self.open_risks(address, now).values())

    def withdrawable_nano(self, address: str, now: int) -> int:
        """W = min(P, max(D, C - L))."""
        account = self.account(address)
        uncommitted_nano = account.equity_nano - self.at_risk_nano(address, now)
        return min(account.pool_nano, max(account.due_nano, uncommitted_nano))

    def withdraw(self, address: str, amount_nano: int, now: int) -> int:
        """Takes `amount_nano` (or ALL) out of the pool; returns what left."""
        if amount_nano != ALL:
            _check_amount(amount_nano)
            _check_fits(amount_nano)
        withdrawable_nano = self.withdrawable_nano(address, now)
        if amount_nano == ALL:
            amount_nano = withdrawable_nano
        if amount_nano == 0:
            raise Refused("withdraw: nothing withdrawable")
        if amount_nano > withdrawable_nano:
            raise Refused("withdraw: above withdrawable")

        self._take_out(address, amount_nano)
        return amount_nano

    def check_pay(self, now: int) -> None:
        """Refused once the periods are at their end."""
        if self.parameters.period(now) > self.parameters.last_period:
            raise Refused("pay: periods ended, use withdraw")

    def pay(
        self, address: str, amount_nano: int, period: int, deadline: int, now: int
    ) -> tuple[Skip, int]:
        """One signed request (the signature being good): what became of it and what left. A skipped
        one keeps its NMR and its turn."""
        self.check_pay(now)
        current = self.parameters.period(now)
        account = self.account(address)
        if account.period >= period:
            return Skip.TURN_USED, 0
        if period > current:
            return Skip.PERIOD_TO_COME, 0
        if now > deadline:
            return Skip.EXPIRED, 0
        withdrawable_nano = self.withdrawable_nano(address, now)
        if amount_nano == ALL:
            amount_nano = withdrawable_nano
        if amount_nano == 0:
            return Skip.NOTHING_WITHDRAWABLE, 0
        if amount_nano > withdrawable_nano:
            return Skip.ABOVE_WITHDRAWABLE, 0

        self._take_out(address, amount_nano)
        account.period = current
        return Skip.PAID, amount_nano

    def pay_due(self, address: str, now: int) -> tuple[Skip, int]:
        """What is due to an account, whatever is at risk: what became of it and what left."""
        self.check_pay(now)
        current = self.parameters.period(now)
        account = self.account(address)
        if account.period >= current:
            return Skip.TURN_USED, 0
        amount_nano = account.due_nano
        if amount_nano == 0:
            return Skip.NOTHING_WITHDRAWABLE, 0

        self._take_out(address, amount_nano)
        account.period = current
        return Skip.PAID, amount_nano

    def _take_out(self, address: str, amount_nano: int) -> None:
        """A withdrawal of any kind uses what is due up first."""
        account = self.accounts[address]
        account.pool_nano -= amount_nano
        account.due_nano -= min(account.due_nano, amount_nano)

    # --- rounds -----------------------------------------------------------------------------------

    def announce(self, round_number: int, replaces: bytes, digest: bytes, now: int) -> None:
        """Stores the digest of the round's links, or of what is left of them; the window starts
        (again)."""
        self._check_next(round_number)
        if round_number > self.parameters.last_round:
            raise Refused("announce: rounds ended, withdraw")
        if now < self.parameters.pass_time(round_number):
            raise Refused("announce: wait for the pass time")
        if digest == NO_DIGEST:
            raise Refused("announce: digest must not be 0")
        if replaces != self.digest:
            raise Refused("replaces: not the stored digest")

        self.digest = digest
        self.announced_at = now

    def resolve(
        self, round_number: int, links: Sequence[bytes], next_digest: bytes, now: int
    ) -> Passed:
        """Applies links of the announced round in order; those applied already are passed over."""
        if not links:
            raise Refused("resolve: give at least one link")
        self._check_next(round_number)
        if self.announced_at == 0:
            raise Refused("resolve: nothing is announced")
        if now < self.announced_at + self.parameters.window_s:
            raise Refused("resolve: wait, window still open")
        chain = digest_chain(links, next_digest)
        if self.digest not in chain:
            raise Refused("resolve: not the announced links")
        passed_over = chain.index(self.digest)

        result = self._applied(round_number, passed_over, links, now)
        if passed_over < len(links):
            self.digest = next_digest
            if next_digest == NO_DIGEST:
                self.resolved = round_number
                self.announced_at = 0
        return result

    def _applied(
        self, round_number: int, passed_over: int, links: Sequence[bytes], now: int
    ) -> Passed:
        changed: dict[str, Account] = {}
        earned_nano = burned_nano = 0
        for link_index in range(passed_over, len(links)):
            if len(links[link_index]) % WORD_BYTES:
                raise Refused("link: use whole 32-byte words")
            entry_index = 0
            try:
                for entry in unpack_link(link_words(links[link_index])):
                    account = changed.get(entry.account) or _copy(self.account(entry.account))
                    earned, burned = self._pass_account(account, entry, round_number, now)
                    changed[entry.account] = account
                    earned_nano += earned
                    burned_nano += burned
                    entry_index += 1
            except (Refused, InvalidInput) as error:
                reason = str(error)
                if isinstance(error, PagesOutOfOrder):
                    held = changed.get(error.account) or self.account(error.account)
                    reason = ALREADY_IN if held.round_number == round_number else reason
                raise Refused(f"entry {entry_index} of link {link_index}: {reason}") from None
        if earned_nano > self.reserve_nano:
            raise Refused("reserve: too small, fund() it")

        self.accounts |= changed
        self.reserve_nano -= earned_nano
        self.burned_nano += burned_nano
        return Passed(earned_nano, burned_nano, len(changed))

    def _pass_account(
        self, account: Account, entry: Entry, round_number: int, now: int
    ) -> tuple[int, int]:
        if account.round_number == round_number:
            raise Refused(ALREADY_IN)
        bound = bound_nano(account.risks_units.get(round_number, 0))
        losses = {
            model: -payout for model, payout in sorted(entry.payouts_nano.items()) if payout < 0
        }
        earnings = {
            model: payout for model, payout in sorted(entry.payouts_nano.items()) if payout > 0
        }
        if sum(losses.values()) > bound:
            raise Refused("losses are above its bound")
        if sum(earnings.values()) > bound:
            raise Refused("earnings are above its bound")

        burned_nano = 0
        if now <= self.parameters.deadline(round_number):
            burned_nano = sum(_burn(account, model, amount) for model, amount in losses.items())
        for model, amount in earnings.items():
            _earn(account, model, amount)
        account.due_nano = min(account.due_nano, account.pool_nano)

        late = now >= self.parameters.pass_time(round_number + 1)
        opening_units = 0 if late else risk_units(account.staked_nano, self.parameters.cap_bps)
        kept = {r: units for r, units in account.risks_units.items() if r > round_number}
        if opening_units:
            kept[round_number + OPEN_ROUNDS] = opening_units
        account.risks_units = kept
        account.round_number = round_number
        return sum(earnings.values()), burned_nano

    def _check_next(self, round_number: int) -> None:
        if round_number != self.resolved + 1:
            raise Refused("round: not next, see round_state")

    # --- reserve ----------------------------------------------------------------------------------

    def fund(self, amount_nano: int) -> None:
        """Adds to the reserve that pays earnings."""
        _check_amount(amount_nano)
        _check_fits(amount_nano)
        self.reserve_nano += amount_nano

    def withdraw_reserve(self, amount_nano: int) -> None:
        """Takes out of the reserve; never from an announcement to the end of its round."""
        _check_amount(amount_nano)
        _check_fits(amount_nano)
        if self.announced_at != 0:
            raise Refused("reserve: wait for the round end")
        if amount_nano > self.reserve_nano:
            raise Refused("reserve: holds less, see reserve")
        self.reserve_nano -= amount_nano

    def burn(self) -> int:
        """Takes what has been burned out of the escrow; returns it."""
        if self.burned_nano == 0:
            raise Refused("burn: nothing waits to be burned")
        burned_nano, self.burned_nano = self.burned_nano, 0
        return burned_nano

    # --- what can be seen -------------------------------------------------------------------------

    def position(self, address: str, now: int) -> Position:
        """The account as the contract's view `position` shows it."""
        account = self.account(address)
        return Position(
            pool_nano=account.pool_nano,
            staked_nano=account.staked_nano,
            at_risk_nano=self.at_risk_nano(address, now),
            withdrawable_nano=self.withdrawable_nano(address, now),
            due_nano=account.due_nano,
            nonce=account.nonce,
            round_number=account.round_number,
            period=account.period,
        )

    @property
    def held_nano(self) -> int:
        """Pools + stakes + reserve + burned: what the escrow's token balance has to be."""
        equity_nano = sum(account.equity_nano for account in self.accounts.values())
        return equity_nano + self.reserve_nano + self.burned_nano

    def words(self, address: str) -> dict[int, int]:
        """The account as the contract stores it: word by place, no zeros (see `sluice.words`)."""
        account = self.account(address)
        risks = [0] * OPEN_ROUNDS
        for round_number, units in account.risks_units.items():
            risks[self.parameters.round_word(round_number) % OPEN_ROUNDS] = units
        last_pass = account.round_number
        round_word = 0 if last_pass is None else self.parameters.round_word(last_pass)
        flags = (0 in account.splits) | bool(account.due_nano) << 1
        words = {
            0: pack_account(
                AccountWord(
                    pool_nano=account.pool_nano,
                    stake_nano=account.stakes_nano.get(0, 0),
                    risks_units=(risks[0], risks[1], risks[2], risks[3]),
                    round_word=round_word,
                    period=account.period,
                    pages=account.pages,
                    flags=flags,
                )
            ),
        }
        for page in range(1, PAGES + 1):
            models = page_models(page)
            s0, s1, s2, s3 = (account.stakes_nano.get(model, 0) for model in models)
            page_flags = sum((model in account.splits) << at for at, model in enumerate(models))
            words[page] = pack_page(StakePage((s0, s1, s2, s3), page_flags))
        words |= {SPLIT_PLACE + m: pack_split(SplitWord(p)) for m, p in account.splits.items()}
        words[SPLIT_PLACE] = pack_split(
            SplitWord(account.splits.get(0, ()), account.due_nano, account.nonce)
        )
        return {place: word for place, word in words.items() if word}


def _copy(account: Account) -> Account:
    return Account(
        account.pool_nano,
        dict(account.stakes_nano),
        dict(account.risks_units),
        account.round_number,
        account.period,
        account.nonce,
        account.pages,
        account.due_nano,
        account.splits,
    )


def _check_amount(amount_nano: int) -> None:
    if amount_nano == 0:
        raise Refused("amount: must be above zero")


def _check_fits(amount_nano: int) -> None:
    if amount_nano > MAX_AMOUNT_NANO:
        raise Refused("amount: over 54 bits of nano-NMR")


def _pool_after(account: Account, stakes_nano: Mapping[int, int], pool_nano: int) -> int:
    if not stakes_nano:
        raise Refused("models: name at least one")
    models = list(stakes_nano)
    for index, model in enumerate(models):
        if model >= MODELS:
            raise Refused("models: numbered 0 to 64")
        if index and model <= models[index - 1]:
            raise Refused("models: not strictly ascending")
        _check_fits(stakes_nano[model])
    pool_nano += sum(account.stakes_nano.get(model, 0) for model in models) - sum(
        stakes_nano.values()
    )
    if pool_nano < 0:
        raise Refused("stakes: pool too small, deposit")
    _check_fits(pool_nano)
    return pool_nano


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


def _check_split(model: int, split: Split) -> None:
    if model >= MODELS:
        raise Refused("models: numbered 0 to 64")
    if not split:
        return
    if len(split) > DESTINATIONS:
        raise Refused("split: at most 8 destinations")
    destinations = [destination for destination, _ in split]
    for at, (destination, share) in enumerate(split):
        if destination >= MODELS and destination not in (POOL, WALLET):
            raise Refused("split: to model 0-64, 254 or 255")
        if destination in destinations[:at]:
            raise Refused("split: a destination named twice")
        if not 1 <= share <= BPS:
            raise Refused("split: a share is 1 to 10000 bps")
    if sum(share for _, share in split) != BPS:
        raise Refused("split: shares must sum to 10000")


def _check_fits_word(amount_nano: int) -> None:
    if amount_nano > MAX_AMOUNT_NANO:
        raise Refused("an amount does not fit 54 bits")
