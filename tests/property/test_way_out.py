"""The way out, from any history: with all keys gone, or all in the wrong hands, every account gets
everything out within four weeks and the grace, with its own transactions.

HYPOTHESIS_PROFILE=long searches deeper."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sluice.account import Account, bound_nano
from sluice.ledger import ALL
from sluice.words import OPEN_ROUNDS, POOL, WALLET, link_words, unpack_link
from tests.escrow_world import DAY, NANO
from tests.histories import (
    ACCOUNTS,
    EXAMPLES,
    History,
    Step,
    counts,
    deploy,
    histories,
    history,
    key_steps,
    losses,
    models,
)

# the long profile's thousands of histories take longer than a test may as a rule
pytestmark = pytest.mark.timeout(1_800)

TICK_S = 12 * 3_600
"""How often an account looks that nobody can be quicker than: half the window."""


@pytest.fixture(scope="module", autouse=True)
def _deployed() -> None:
    deploy()


def bound_s(h: History) -> int:
    """Four weeks and the grace: 49 days unless the deployment says otherwise."""
    return OPEN_ROUNDS * h.parameters.round_length_s + h.parameters.grace_s


def withdraws(h: History, account: str, out: Counter[str]) -> None:
    """Takes out what is free, if anything is."""
    free = h.ledger.withdrawable_nano(account, h.now)
    if free:
        assert h.must(lambda d: d.withdraw(account, ALL)) == free
        out[account] += free


def only_reserve_and_burns_are_left(h: History) -> None:
    """I1 at the end: nobody's NMR is left in the escrow."""
    left = h.ledger.reserve_nano + h.ledger.burned_nano
    assert h.ledger.held_nano == left
    if h.world:
        assert h.world.token.balanceOf(h.world.escrow) == left * NANO


# --- the keys are gone ------------------------------------------------------------------------


@pytest.mark.parametrize("book", ["ledger", "both"])
def test_with_all_keys_gone_everybody_gets_everything_out_in_time(book: str) -> None:
    """N1 N2 N5: from any history on nobody runs a pass any more. Whenever an account leaves, what
    it holds is out, to the nano, four weeks and the grace after the keys were last seen, and at
    every deadline at least what the schedule promised; the escrow then holds the reserve and the
    burns and nothing else."""

    @settings(max_examples=EXAMPLES[book])
    @given(steps=histories(), waits=st.lists(st.integers(0, 60), min_size=4, max_size=4))
    def holds(steps: list[Step], waits: list[int]) -> None:
        with history(book) as h:
            h.play(steps)
            the_keys_are_gone(h, {a: days * DAY for a, days in zip(ACCOUNTS, waits, strict=True)})

    holds()


def the_keys_are_gone(h: History, waits_s: dict[str, int]) -> None:
    gone_at = h.now
    equity = {account: h.ledger.account(account).equity_nano for account in ACCOUNTS}
    leaves_at = {account: gone_at + wait for account, wait in waits_s.items()}
    schedules = {account: h.must(lambda d, a=account: d.schedule(a)) for account in ACCOUNTS}
    after_deadlines = {
        h.parameters.deadline(round_number) + 1
        for account in ACCOUNTS
        for round_number in h.ledger.open_risks(account, h.now)
    }
    event(f"{len(after_deadlines)} deadlines to come")
    event("in the middle of a round" if h.ledger.announced_at else "between rounds")

    out: Counter[str] = Counter()
    last_out = dict(leaves_at)
    for time in sorted({*leaves_at.values(), *after_deadlines, gone_at + bound_s(h)}):
        h.to(time)
        for account in ACCOUNTS:
            if time == leaves_at[account]:
                h.must(lambda d, a=account: d.leave(a))
                schedules[account] = h.must(lambda d, a=account: d.schedule(a))
            if time >= leaves_at[account]:
                had = out[account]
                withdraws(h, account, out)
                if out[account] > had:
                    last_out[account] = time
            free = h.ledger.withdrawable_nano(account, h.now)
            for release in schedules[account]:
                if time > release.latest:
                    assert out[account] + free >= release.amount_nano

    for account in ACCOUNTS:
        assert out[account] == equity[account]
        assert last_out[account] <= max(gone_at + bound_s(h), leaves_at[account])
    only_reserve_and_burns_are_left(h)
    h.agree()


# --- the keys are hostile ---------------------------------------------------------------------


def hostile_steps() -> st.SearchStrategy[Step]:
    """What keys in the wrong hands can do, the worst more often than the rest."""
    waits = st.tuples(st.just("wait"), st.integers(1, 10 * DAY))
    worst = st.fixed_dictionaries(
        {account: st.dictionaries(models, losses, min_size=1, max_size=2) for account in ACCOUNTS}
    )
    at_once = st.tuples(st.just("week"), worst, st.just(0), counts)
    reserve = st.tuples(st.just("take_reserve"), st.sampled_from([1_000, 999, 500]))
    return st.one_of(*key_steps(), waits, waits, at_once, at_once, reserve)


@pytest.mark.parametrize("book", ["ledger", "both"])
def test_hostile_keys_cannot_keep_an_account_or_take_more_than_was_at_risk(book: str) -> None:
    """N1 N5 N6: all three keys do what they can against accounts that left: digests without links,
    vetoes, pauses, half-resolved rounds, burns up to the bound, credits onto a stake. An
    account that looks twice a window has out, four weeks and the grace after it left, all it had
    less what the rounds open then have burned, each at most its bound."""

    @settings(max_examples=EXAMPLES[book])
    @given(
        steps=histories(),
        worst=st.lists(hostile_steps(), min_size=1, max_size=20),
        again=st.booleans(),
    )
    def holds(steps: list[Step], worst: list[Step], again: bool) -> None:
        with history(book) as h:
            h.play(steps)
            the_keys_are_hostile(h, worst, again)

    holds()


class Leavers:
    """Accounts that leave now, look twice a window, and take out what is free; and what they have a
    right to: what they had less what the rounds then open have burned since."""

    def __init__(self, h: History, again: bool) -> None:
        self.h = h
        self.left_at = self.looks_at = h.now
        self.again = again
        self.out: Counter[str] = Counter()
        self.burned: Counter[tuple[str, int]] = Counter()
        self.bounds = {
            account: {
                round_number: bound_nano(units)
                for round_number, units in h.ledger.open_risks(account, h.now).items()
            }
            for account in ACCOUNTS
        }
        self.right = {account: h.ledger.account(account).equity_nano for account in ACCOUNTS}
        for account in ACCOUNTS:
            h.must(lambda d, a=account: d.leave(a))

    def look(self) -> None:
        """N5: at any time an account has out or free its right, less what open rounds lock."""
        h = self.h
        self.looks_at += TICK_S
        for account in ACCOUNTS:
            if self.again and h.ledger.account(account).staked_nano:
                h.must(lambda d, a=account: d.leave(a))
            withdraws(h, account, self.out)
            still_open = h.ledger.open_risks(account, h.now)
            locked = sum(
                bound for number, bound in self.bounds[account].items() if number in still_open
            )
            assert self.out[account] >= self.right[account] - locked

    def resolved(
        self, round_number: int, links: Sequence[bytes], before: Mapping[str, Account]
    ) -> None:
        """Counts what a pass burned, and lowers the right by it if the round was open when the
        account left: a round that was opened since burns only what was credited since."""
        for entry in (entry for link in links for entry in unpack_link(link_words(link))):
            account = entry.account
            earned = sum(payout for payout in entry.payouts_nano.values() if payout > 0)
            now = self.h.ledger.account(account)
            burned = before[account].equity_nano + earned - now.equity_nano
            self.burned[account, round_number] += burned
            if round_number in self.bounds[account]:
                assert burned <= self.bounds[account][round_number]
                self.right[account] -= burned


def the_keys_are_hostile(h: History, worst: list[Step], again: bool) -> None:
    """`again`: whether accounts take off what a credit put on a stake after they left."""
    h.watch = leavers = Leavers(h, again)
    h.play(worst)
    h.to(max(h.now, leavers.left_at + bound_s(h)) + 2 * TICK_S)

    for account in ACCOUNTS:
        assert leavers.out[account] >= leavers.right[account]
        held = h.ledger.account(account)
        named = {to for split in held.splits.values() for to, _ in split}
        if named <= {POOL, WALLET}:
            # no credit can have come onto a stake: nothing is left at all
            assert held.equity_nano == 0
    burns = [number for (_, number), burned in leavers.burned.items() if burned]
    event(f"{len(burns)} burns")
    h.agree()
