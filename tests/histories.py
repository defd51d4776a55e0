"""Random histories of an escrow: what accounts and keys do in weeks and months, on the ledger alone
or on ledger and contract together, which then agree on every answer and every word.

A history is a list of steps, each the name of a method of `History` and its arguments, as
`histories()` draws them. Amounts in nano-NMR, times in unix seconds."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import boa
from eth_utils.crypto import keccak
from hypothesis import note
from hypothesis import strategies as st

from sluice.account import Account, Split, bound_nano
from sluice.errors import Refused
from sluice.ledger import ALL, Ledger
from sluice.parameters import Parameters
from sluice.words import PAYOUT_BIAS_NANO, POOL, WALLET, Entry, digest_chain, link_bytes
from tests.drawing import U, permille, splits
from tests.drivers import EscrowDriver, LedgerDriver
from tests.escrow_world import (
    DAY,
    FIRST_PASS,
    NMR,
    START,
    WEEK,
    World,
    deploy_world,
    role_address,
)

Answer = TypeVar("Answer")
Step = tuple[Any, ...]

STAKERS = tuple(role_address(role) for role in ("staker", "other_staker", "stranger"))
# the last one holds nothing at first: there accounts can move
ACCOUNTS = (*STAKERS, role_address("deployer"))
HELD = 10**6
"""What each account has outside at first, in whole NMR."""
RESERVE_NANO = 10**15

if os.environ.get("HYPOTHESIS_PROFILE", "ci") == "ci":
    EXAMPLES = {"ledger": 500, "both": 40}
else:
    EXAMPLES = {"ledger": 5_000, "both": 300}


class Powers(LedgerDriver):
    """The ledger, with what guardian and owner can do and with moves. A pause stops deposits before
    the ledger, which gives them no time, is asked."""

    def deposit_and_stake(
        self, account: str, amount_nano: int, stakes_nano: Mapping[int, int]
    ) -> None:
        self.ledger.check_running(self.now)
        super().deposit_and_stake(account, amount_nano, stakes_nano)

    def veto(self, round_number: int) -> None:
        self.ledger.veto(round_number)

    def pause(self) -> None:
        self.ledger.pause(self.now)

    def unpause(self) -> None:
        self.ledger.unpause()

    def offer_move(self, account: str, to: str) -> None:
        self.ledger.offer_move(account, to)

    def accept_move(self, account: str, to: str) -> None:
        self.ledger.accept_move(to, account, self.now)


class EscrowPowers(EscrowDriver):
    """The contract, with the same."""

    def veto(self, round_number: int) -> None:
        self._send(self.world.escrow.veto, round_number, sender=role_address("guardian"))

    def pause(self) -> None:
        self._send(self.world.escrow.pause, sender=role_address("guardian"))

    def unpause(self) -> None:
        self._send(self.world.escrow.unpause, sender=self.owner)

    def offer_move(self, account: str, to: str) -> None:
        self._send(self.world.escrow.offer_move, to, sender=account)

    def accept_move(self, account: str, to: str) -> None:
        self._send(self.world.escrow.accept_move, account, sender=to)


class Watch(Protocol):
    """Somebody who looks at the escrow from time to time, whatever else goes on."""

    looks_at: int

    def look(self) -> None:
        """At `looks_at`, which it moves on."""

    def resolved(
        self, round_number: int, links: Sequence[bytes], before: Mapping[str, Account]
    ) -> None:
        """Links were applied; what the accounts were before."""


class History:
    """The books, the time, and what of a round is announced and known."""

    def __init__(self, parameters: Parameters, world: World | None) -> None:
        self.parameters = parameters
        self.world = world
        self.book = Powers(parameters)
        self.contract = EscrowPowers(world) if world else None
        self.now = START
        self.refusal = ""
        self.links: list[bytes] = []
        self.watch: Watch | None = None
        self.do(lambda d: d.fund(RESERVE_NANO))

    @property
    def ledger(self) -> Ledger:
        """The reference model."""
        return self.book.ledger

    @property
    def round_number(self) -> int:
        """The round whose pass comes next."""
        return self.ledger.resolved + 1

    def do(self, step: Callable[[Any], Answer]) -> Answer | None:
        """The step on every book: the same answer or the same refusal; None if refused."""
        answers: list[tuple[Answer | None, str]] = []
        drivers = [self.book, self.contract] if self.contract else [self.book]
        for driver in drivers:
            driver.now = self.now
            try:
                answers.append((step(driver), ""))
            except Refused as refusal:
                answers.append((None, str(refusal) or "without a reason"))
        assert all(answer == answers[0] for answer in answers), answers
        answer, self.refusal = answers[0]
        if self.refusal:
            note(f"refused: {self.refusal}")
        return answer

    def must(self, step: Callable[[Any], Answer]) -> Answer | None:
        """A step that nothing may refuse."""
        answer = self.do(step)
        assert self.refusal == ""
        return answer

    def agree(self) -> None:
        """Every word, position, counter and balance is the same on both books."""
        if self.contract:
            self.book.now = self.contract.now = self.now
            assert self.contract.seen(ACCOUNTS) == self.book.seen(ACCOUNTS)

    def play(self, steps: Sequence[Step]) -> None:
        """All steps; those that are refused change nothing, as ever."""
        for name, *arguments in steps:
            getattr(self, name)(*arguments)

    def to(self, time: int) -> None:
        """Moves the time there, unless it is past; whoever watches looks in between."""
        while self.watch and self.watch.looks_at < time:
            self.now = max(self.now, self.watch.looks_at)
            self.watch.look()
        self.now = max(self.now, time)

    # --- what accounts do -------------------------------------------------------------------------

    def stake(self, account: str, amount: int, shares: Mapping[int, int]) -> None:
        """Deposits; of it go shares in thousandths, together at most all, on top of stakes."""
        held = self.ledger.account(account).stakes_nano
        whole = max(1_000, sum(shares.values()))
        stakes = {m: held.get(m, 0) + amount * s // whole for m, s in sorted(shares.items())}
        self.do(lambda d: d.deposit_and_stake(account, amount, stakes))

    def set_stakes(self, account: str, shares: Mapping[int, int]) -> None:
        """Shares of the equity that is not on other models."""
        held = self.ledger.account(account)
        others = sum(s for model, s in held.stakes_nano.items() if model not in shares)
        whole = max(1_000, sum(shares.values()))
        stakes = {
            m: (held.equity_nano - others) * share // whole for m, share in sorted(shares.items())
        }
        self.do(lambda d: d.set_stakes(account, stakes))

    def set_split(self, account: str, model: int, split: Split) -> None:
        self.do(lambda d: d.set_split(account, model, split))

    def leave(self, account: str) -> None:
        self.do(lambda d: d.leave(account))

    def withdraw(self, account: str, share: int) -> None:
        """A share of what is withdrawable, in thousandths."""
        free = self.ledger.withdrawable_nano(account, self.now)
        self.do(lambda d: d.withdraw(account, ALL if share == 1_000 else free * share // 1_000))

    def move(self, account: str, to: str) -> None:
        """Offered and accepted."""
        self.do(lambda d: d.offer_move(account, to))
        self.do(lambda d: d.accept_move(account, to))

    # --- what the keys do -------------------------------------------------------------------------

    def pay_due(self, accounts: Sequence[str]) -> None:
        self.do(lambda d: d.pay((), accounts))

    def announce(self, payouts: Mapping[str, Mapping[int, int]]) -> None:
        """Announces what is left of the next round, an account a link, in place of whatever is
        stored. Payouts in thousandths of each account's bound, over its models."""
        entries = [
            self.entry(account, shares)
            for account, shares in payouts.items()
            if self.ledger.account(account).round_number != self.round_number
        ]
        links = [link_bytes([entry]) for entry in entries] or [b""]
        self.to(self.parameters.pass_time(self.round_number))
        self.announce_digest(digest_chain(links)[0])
        if not self.refusal:
            self.links = links

    def announce_digest(self, digest: bytes) -> None:
        """Whatever is stored, replaced by a digest; nobody knows its links."""
        round_number, stored = self.round_number, self.ledger.digest
        self.do(lambda d: d.announce(round_number, stored, digest))
        if not self.refusal:
            self.links = []

    def garbage(self, number: int) -> None:
        """A digest that no links lead to."""
        self.to(self.parameters.pass_time(self.round_number))
        self.announce_digest(keccak(text=f"garbage {number}"))

    def resolve(self, count: int) -> None:
        """So many of the links that are left, as soon as the window allows; anybody may."""
        links = self.links[:count]
        if not links:
            return
        self.to(self.ledger.announced_at + self.parameters.window_s)
        round_number, rest = self.round_number, digest_chain(self.links[count:])[0]
        before = {account: self.ledger.account(account).copy() for account in ACCOUNTS}
        self.do(lambda d: d.resolve(round_number, links, rest))
        if not self.refusal:
            self.links = self.links[count:]
            if self.watch:
                self.watch.resolved(round_number, links, before)

    def week(self, payouts: Mapping[str, Mapping[int, int]], late_s: int, count: int) -> None:
        """The next pass, so late, with so many of its links resolved."""
        self.to(self.parameters.pass_time(self.round_number) + late_s)
        self.announce(payouts)
        if not self.refusal:
            self.resolve(count)

    def veto(self) -> None:
        round_number = self.round_number
        self.do(lambda d: d.veto(round_number))
        if not self.refusal:
            self.links = []

    def pause(self, again: bool) -> None:
        """`again`: with the owner's leave where there was one before."""
        if again:
            self.do(lambda d: d.unpause())
        self.do(lambda d: d.pause())

    def unpause(self) -> None:
        self.do(lambda d: d.unpause())

    def burn(self) -> None:
        self.do(lambda d: d.burn())

    def take_reserve(self, share: int) -> None:
        amount = self.ledger.reserve_nano * share // 1_000
        self.do(lambda d: d.withdraw_reserve(amount))

    def wait(self, seconds: int) -> None:
        self.to(self.now + seconds)

    def entry(self, account: str, shares: Mapping[int, int]) -> Entry:
        """Payouts in thousandths of the account's bound; 1,001 of them are one nano too much."""
        bound = bound_nano(self.ledger.account(account).risks_units.get(self.round_number, 0))
        payouts = {
            model: (bound + 1 if abs(share) > 1_000 else bound * abs(share) // 1_000 // len(shares))
            * (1 if share > 0 else -1)
            for model, share in shares.items()
        }
        return Entry(account, {m: p for m, p in payouts.items() if abs(p) < PAYOUT_BIAS_NANO})


# --- drawing ----------------------------------------------------------------------------------

accounts = st.sampled_from(ACCOUNTS)
# the account word, both ends of the first page, a page between, the last model there is
models = st.sampled_from([0, 1, 2, 4, 5, 33, 61, 64])
amounts = st.one_of(st.sampled_from([1, U, 4 * U, 4 * U + 1, 10**9]), st.integers(1, 10**13))
shares = st.dictionaries(models, permille, min_size=1, max_size=5)
losses = st.one_of(st.just(-1_000), st.integers(-1_000, 0))
results = st.one_of(losses, losses, st.just(1_000), st.integers(-1_000, 1_000), st.just(-1_001))
payouts = st.dictionaries(accounts, st.dictionaries(models, results, max_size=3))
counts = st.sampled_from([3, 3, 3, 2, 1, 0])


def account_steps() -> list[st.SearchStrategy[Step]]:
    """What accounts do."""
    to_models = st.tuples(models, models).map(lambda pair: ((pair[0], 10_000),))
    to_wallet = st.sampled_from([((WALLET, 10_000),), ((POOL, 5_000), (WALLET, 5_000))])
    return [
        st.tuples(st.just("stake"), accounts, amounts, shares),
        st.tuples(st.just("set_stakes"), accounts, shares),
        st.tuples(
            st.just("set_split"),
            accounts,
            models,
            st.one_of(splits(), to_models, to_wallet, st.just(())),
        ),
        st.tuples(st.just("withdraw"), accounts, permille),
        st.tuples(st.just("leave"), accounts),
        st.tuples(st.just("move"), accounts, accounts),
    ]


def key_steps() -> list[st.SearchStrategy[Step]]:
    """What keys do, for good or ill."""
    return [
        st.tuples(
            st.just("week"), payouts, st.sampled_from([0, 0, 0, DAY, WEEK, 4 * WEEK]), counts
        ),
        st.tuples(st.just("pay_due"), st.lists(accounts, min_size=1, max_size=3)),
        st.tuples(st.just("announce"), payouts),
        st.tuples(st.just("resolve"), st.integers(1, 3)),
        st.tuples(st.just("garbage"), st.integers(0, 9)),
        st.tuples(st.just("burn")),
        st.tuples(st.just("veto")),
        st.tuples(st.just("pause"), st.booleans()),
        st.tuples(st.just("unpause")),
    ]


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Everybody stakes, some passes run, then anything."""
    start: list[Step] = [("stake", account, draw(amounts), draw(shares)) for account in STAKERS]
    everybody: dict[str, dict[int, int]] = {account: {} for account in ACCOUNTS}
    for _ in range(draw(st.integers(0, 5))):
        if draw(st.integers(0, 4)) == 0:
            start.append(draw(account_steps()[2]))
        start.append(("week", everybody, 0, 3))
    waits = st.tuples(st.just("wait"), st.integers(0, 2 * WEEK))
    weekly = key_steps()[0]
    anything = st.one_of(*account_steps(), *key_steps(), weekly, weekly, waits)
    return start + draw(st.lists(anything, max_size=12))


# --- on the books -----------------------------------------------------------------------------

_worlds: dict[str, World] = {}


def deploy() -> None:
    """One escrow for all tests of a module, from a fixture of the module: what a test deploys
    itself, boa takes back after it."""
    boa.env.enable_fast_mode()
    _worlds["world"] = world = deploy_world()
    for account in (*ACCOUNTS, role_address("owner")):
        world.give(account, HELD * NMR)


@contextmanager
def history(book: str) -> Iterator[History]:
    """A history at its start, with the reserve funded: on the ledger, or on both."""
    if book == "ledger":
        yield History(Parameters(FIRST_PASS, START, START), None)
        return
    world = _worlds["world"]
    try:
        with boa.env.anchor():
            yield History(world.parameters, world)
    finally:
        # boa remembers writes beyond the anchor and would search through them all
        boa.env.sstore_trace.clear()
