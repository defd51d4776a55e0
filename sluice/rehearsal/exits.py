"""Accounts leave, and take out what comes free, week by week, with their own transactions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from sluice.account import bound_nano
from sluice.calls import calls
from sluice.ledger import ALL, Ledger
from sluice.rehearsal.keys import Keys
from sluice.rehearsal.stage import Stage
from sluice.schedule import Release
from sluice.words import OPEN_ROUNDS

DAY_S = 24 * 3600
WEEK_S = 7 * DAY_S


@dataclass(frozen=True, slots=True)
class Look:
    """An account at a moment, before what it then sends: on its models, locked in the pool, free
    to leave, and in its wallet already, in nano-NMR."""

    time: int
    staked_nano: int
    locked_nano: int
    withdrawable_nano: int
    paid_out_nano: int


@dataclass(frozen=True, slots=True)
class Transacted:
    """A transaction of an account: when it was mined, what it was and what it paid out."""

    time: int
    call: str
    paid_nano: int
    gas: int


@dataclass(slots=True)
class Exit:
    """One account on its way out. `equity_nano` is what it held when it left, `bound_nano` the most
    that the rounds then open could burn of it, `burned_nano` what they have burned since,
    `promised` what the lens showed right after, `broken` whether less came, burns aside."""

    name: str
    account: str
    equity_nano: int
    bound_nano: int
    burned_nano: int = 0
    paid_out_nano: int = 0
    left_nano: int = 0
    promised: tuple[Release, ...] = ()
    broken: bool = False
    looks: list[Look] = field(default_factory=list)
    transactions: list[Transacted] = field(default_factory=list)

    @property
    def last_out(self) -> int:
        """When the last of it was paid out, or when it left if there was nothing to pay."""
        paid = [each.time for each in self.transactions if each.paid_nano]
        return paid[-1] if paid else self.transactions[0].time

    @property
    def is_out(self) -> bool:
        """All it had is in its wallet, less what was burned, which is within its bound."""
        in_full = self.paid_out_nano >= self.equity_nano - self.burned_nano
        within = self.burned_nano <= self.bound_nano
        return in_full and within and self.left_nano == 0 and not self.broken


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of it: who got out how, from the moment the keys were last in good hands."""

    gone_at: int
    bound_s: int
    deeds: tuple[str, ...]
    exits: tuple[Exit, ...]

    @property
    def days(self) -> float:
        """After how many days the last account was out."""
        return max(self.days_of(each) for each in self.exits)

    def days_of(self, each: Exit) -> float:
        """After how many days an account was out, to a tenth."""
        return round((each.last_out - self.gone_at) / DAY_S, 1)

    @property
    def bound_days(self) -> int:
        """After how many days at the latest everybody has to be out: four weeks and the grace."""
        return -(-self.bound_s // DAY_S)

    @property
    def succeeded(self) -> bool:
        """Everybody is out, in time."""
        in_time = all(each.last_out <= self.gone_at + self.bound_s for each in self.exits)
        return in_time and all(each.is_out for each in self.exits)


def rehearse(
    stage: Stage, keys_of: Callable[[Stage], Keys], tell: Callable[[int], None] = lambda _: None
) -> Rehearsal:
    """From now on the keys do what `keys_of` says and every account leaves: `leave` at once, then
    `withdraw` whenever something is free. `tell` hears the day."""
    parameters = stage.deployment.parameters
    bound_s = OPEN_ROUNDS * parameters.round_length_s + parameters.grace_s
    gone_at = stage.chain.time()
    book = _book(stage)
    exits = [_exit(book, name, account, gone_at) for name, account in stage.accounts.items()]
    keys = keys_of(stage)
    for each in exits:
        _leave(stage, each)

    for time in _times(book, keys, gone_at, bound_s, exits):
        stage.wait_until(time)
        keys.act()
        book = _book(stage)
        for each in exits:
            _look(stage, book, each)
        tell((time - gone_at) // DAY_S)
        if not any(each.left_nano for each in exits):
            break
    book = _book(stage)
    for each in exits:
        _note(each, _seen(book, stage.chain.time(), each))
    return Rehearsal(gone_at, bound_s, tuple(keys.deeds), tuple(exits))


def _book(stage: Stage) -> Ledger:
    return stage.escrow.ledger(stage.accounts.values())


def _exit(book: Ledger, name: str, account: str, now: int) -> Exit:
    equity_nano = book.account(account).equity_nano
    bounds = [bound_nano(units) for units in book.open_risks(account, now).values()]
    each = Exit(name, account, equity_nano, sum(bounds), left_nano=equity_nano)
    each.looks.append(_seen(book, now, each))
    return each


def _times(
    book: Ledger, keys: Keys, gone_at: int, bound_s: int, exits: Iterable[Exit]
) -> list[int]:
    """When accounts look: weekly and in the second after each deadline; at every tick of keys that
    act."""
    if keys.tick_s:
        return list(range(gone_at, gone_at + bound_s + 1, keys.tick_s))
    deadlines = {
        book.parameters.deadline(number) + 1
        for each in exits
        for number in book.open_risks(each.account, gone_at)
    }
    weeks = set(range(gone_at, gone_at + bound_s + 1, WEEK_S))
    return sorted(weeks | deadlines)


def _leave(stage: Stage, each: Exit) -> None:
    gas = stage.send(each.account, calls.leave(), "leave")
    each.transactions.append(Transacted(stage.chain.time(), "leave()", 0, gas))
    each.promised = stage.lens.schedule(each.account)


def _look(stage: Stage, book: Ledger, each: Exit) -> None:
    now = stage.chain.time()
    look = _seen(book, now, each)
    # nothing is credited here: what is less has been burned
    each.burned_nano += each.left_nano - book.account(each.account).equity_nano
    each.left_nano = book.account(each.account).equity_nano
    for release in each.promised:
        kept_nano = look.paid_out_nano + look.withdrawable_nano + each.burned_nano
        if now > release.latest and kept_nano < release.amount_nano:
            each.broken = True
    _note(each, look)
    if look.withdrawable_nano:
        gas = stage.send(each.account, calls.withdraw(ALL), "withdraw")
        paid_nano = look.withdrawable_nano
        each.paid_out_nano += paid_nano
        each.left_nano -= paid_nano
        each.transactions.append(Transacted(stage.chain.time(), "withdraw(max)", paid_nano, gas))


def _seen(book: Ledger, now: int, each: Exit) -> Look:
    position = book.position(each.account, now)
    return Look(
        now,
        position.staked_nano,
        position.pool_nano - position.withdrawable_nano,
        position.withdrawable_nano,
        each.paid_out_nano,
    )


def _note(each: Exit, look: Look) -> None:
    """Keeps what is new, and weekly what is not, until there is nothing left to wait for."""
    last = each.looks[-1]
    waits = bool(look.locked_nano) and look.time >= last.time + WEEK_S
    if waits or replace(look, time=last.time) != last:
        each.looks.append(look)
