"""The ledger's own laws, for random accounts and random payouts."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.account import bound_nano, lock_nano, risk_units
from sluice.errors import Refused
from sluice.ledger import ALL, Ledger, Skip
from sluice.words import (
    MAX_AMOUNT_NANO,
    MAX_RISK_UNITS,
    NO_DIGEST,
    RISK_UNIT_NANO,
    Entry,
    digest_chain,
    link_bytes,
)
from tests.running import FIRST_PASS, OTHER, RESERVE, STAKER, START, running

NMR_NANO = 10**9
WEEK = 7 * 24 * 3600

stakes = st.dictionaries(st.integers(0, 64), st.integers(1, 10**13), min_size=1, max_size=6)
payouts = st.dictionaries(st.integers(0, 64), st.integers(-1_000, 1_000), max_size=6)


# --- risk -------------------------------------------------------------------------------------


@given(staked=st.integers(0, 2**60), cap_bps=st.integers(1, 2_500))
def test_risk_rounds_the_bound_up_and_the_lock_down(staked: int, cap_bps: int) -> None:
    """S50a: linear up to one unit of 2^18 nano; rounding never locks anybody's NMR."""
    units = risk_units(staked, cap_bps)

    assert (units == 0) == (staked == 0)
    assert lock_nano(units) * 10_000 <= staked * cap_bps
    if units < MAX_RISK_UNITS:
        assert staked * cap_bps <= bound_nano(units) * 10_000
        assert bound_nano(units) * 10_000 < staked * cap_bps + RISK_UNIT_NANO * 10_000


def test_risk_saturates_at_its_field() -> None:
    assert risk_units(MAX_AMOUNT_NANO, 2_500) == MAX_RISK_UNITS


# --- what every step keeps --------------------------------------------------------------------


@given(stakes, stakes, st.lists(st.tuples(payouts, payouts), max_size=10))
def test_passes_conserve_every_nano(
    mine: dict[int, int],
    others: dict[int, int],
    weeks: list[tuple[dict[int, int], dict[int, int]]],
) -> None:
    """N9: what is held changes by deposits, withdrawals and burns sent on, and by nothing else."""
    run = running(staker=mine, other=others)
    held = run.ledger.held_nano
    for my_shares, their_shares in weeks:
        run.pass_over(run.within_bound(STAKER, my_shares), run.within_bound(OTHER, their_shares))
        assert run.ledger.held_nano == held

    if run.ledger.burned_nano:
        held -= run.ledger.burn()
    for account in (STAKER, OTHER):
        run.ledger.leave(account)
        if run.free(account):
            held -= run.ledger.withdraw(account, ALL, run.now)
    assert run.ledger.held_nano == held


@given(stakes, st.lists(payouts, max_size=10), st.booleans())
def test_withdrawable_is_at_most_the_pool_and_leaves_the_risk_covered(
    mine: dict[int, int], weeks: list[dict[int, int]], leaves: bool
) -> None:
    """N2: a withdrawal never takes equity below what is at risk."""
    run = running(staker=mine)
    for shares in weeks:
        run.pass_over(run.within_bound(STAKER, shares))
        if leaves:
            run.ledger.leave(STAKER)
        account = run.ledger.account(STAKER)
        assert 0 <= run.free() <= account.pool_nano
        if run.free():
            run.ledger.withdraw(STAKER, ALL, run.now)
            account = run.ledger.account(STAKER)
            assert account.equity_nano >= run.ledger.at_risk_nano(STAKER, run.now)
            assert run.free() == 0


def refused_steps() -> list[tuple[str, Callable[[Ledger], Any]]]:
    """One step for each refusal, with its text."""
    link = link_bytes([Entry(STAKER)])
    next_round = FIRST_PASS + 4
    late = START + 400 * WEEK
    over = bound_nano(risk_units(NMR_NANO, 2_500)) + 1

    def announced(ledger: Ledger, *links: bytes) -> Ledger:
        ledger.announce(next_round, NO_DIGEST, digest_chain(links)[0], late)
        return ledger

    def resolved(*entries: Entry) -> Callable[[Ledger], Any]:
        links = [link_bytes(entries)]
        return lambda ledger: announced(ledger, *links).resolve(
            next_round, links, NO_DIGEST, late + WEEK
        )

    above = "entry 00 of link 00: {} are above its bound"
    return [
        ("amount: must be above zero", lambda ledger: ledger.deposit(STAKER, 0)),
        (
            "amount: does not fit 54 bits of nano-NMR",
            lambda ledger: ledger.deposit(STAKER, MAX_AMOUNT_NANO + 1),
        ),
        ("models: name at least one", lambda ledger: ledger.set_stakes(STAKER, {})),
        ("models: numbered 0 to 64", lambda ledger: ledger.set_stakes(STAKER, {65: 0})),
        (
            "models: must be strictly ascending",
            lambda ledger: ledger.set_stakes(STAKER, {1: 0, 0: 0}),
        ),
        (
            "stakes: the pool holds too little, deposit first",
            lambda ledger: ledger.set_stakes(STAKER, {0: NMR_NANO + 1}),
        ),
        (
            "withdraw: nothing is withdrawable yet, see Lens.schedule()",
            lambda ledger: ledger.withdraw(STAKER, ALL, START),
        ),
        (
            "withdraw: more than is withdrawable, see Lens.position()",
            lambda ledger: ledger.withdraw(STAKER, 1, START),
        ),
        (
            "pay: periods are at their end, use withdraw()",
            lambda ledger: ledger.pay(STAKER, 1, 1, late, START + 1_023 * 2 * WEEK),
        ),
        (
            "round: not the next one, see round_state()",
            lambda ledger: ledger.announce(FIRST_PASS, NO_DIGEST, b"\x01" * 32, late),
        ),
        (
            "announce: not before the pass time of the round",
            lambda ledger: ledger.announce(next_round, NO_DIGEST, b"\x01" * 32, START),
        ),
        (
            "announce: zero digest, an empty round is one empty link",
            lambda ledger: ledger.announce(next_round, NO_DIGEST, NO_DIGEST, late),
        ),
        (
            "announce: replaces is not the stored digest, see round_state()",
            lambda ledger: ledger.announce(next_round, b"\x01" * 32, b"\x02" * 32, late),
        ),
        (
            "resolve: nothing is announced, see round_state()",
            lambda ledger: ledger.resolve(next_round, [link], NO_DIGEST, late),
        ),
        (above.format("losses"), resolved(Entry(STAKER, {0: -over}))),
        (above.format("earnings"), resolved(Entry(STAKER, {0: over}))),
        (
            "entry 01 of link 00: account is already in this pass",
            resolved(Entry(STAKER, {0: 5}), Entry(STAKER)),
        ),
        (
            "withdraw_reserve: more than the reserve holds",
            lambda ledger: ledger.withdraw_reserve(RESERVE + 1),
        ),
        ("burn: nothing waits to be burned", lambda ledger: ledger.burn()),
    ]


@pytest.mark.parametrize(("message", "step"), refused_steps(), ids=lambda x: str(x)[:40])
def test_a_refused_step_changes_nothing(message: str, step: Callable[[Ledger], Any]) -> None:
    run = running(4, staker={0: NMR_NANO})
    accounts, reserve = deepcopy(run.ledger.accounts), run.ledger.reserve_nano

    with pytest.raises(Refused) as refusal:
        step(run.ledger)

    assert str(refusal.value) == message
    assert run.ledger.accounts == accounts
    assert (run.ledger.reserve_nano, run.ledger.burned_nano) == (reserve, 0)
    assert run.ledger.resolved == FIRST_PASS + 3


def test_a_reserve_that_cannot_pay_refuses_the_whole_batch() -> None:
    run = running(4, staker={0: NMR_NANO}, other={0: NMR_NANO})
    run.ledger.withdraw_reserve(RESERVE - 9)
    accounts = deepcopy(run.ledger.accounts)

    with pytest.raises(Refused, match="reserve: too small for the earnings"):
        run.pass_over(Entry(OTHER, {0: -100}), Entry(STAKER, {0: 10}))

    assert run.ledger.accounts == accounts
    assert (run.ledger.reserve_nano, run.ledger.burned_nano) == (9, 0)


# --- release ----------------------------------------------------------------------------------


@given(stake=st.integers(10**6, 10**14), share=st.integers(1, 1_000))
def test_a_decrease_frees_a_quarter_of_itself_with_each_pass(stake: int, share: int) -> None:
    """S27 S2: known beforehand, a quarter a week, all of it after four passes."""
    decrease = max(1, stake * share // 1_000)
    run = running(4, staker={0: stake})
    run.ledger.set_stakes(STAKER, {0: stake - decrease})
    rounding = 4 * RISK_UNIT_NANO

    for passes in range(1, 5):
        run.pass_over(Entry(STAKER))
        assert abs(run.free() - decrease * passes // 4) <= rounding
    assert run.free() == decrease


def test_of_ten_staked_five_taken_out_are_out_by_the_fourth_pass() -> None:
    """S45: 10 staked, 5 out, by X+4, exactly."""
    run = running(4, staker={0: 10 * NMR_NANO})
    run.ledger.set_stakes(STAKER, {0: 5 * NMR_NANO})
    out = 0
    for _ in range(4):
        run.pass_over(Entry(STAKER))
        out += run.ledger.withdraw(STAKER, ALL, run.now)

    assert out == 5 * NMR_NANO
    assert run.ledger.account(STAKER).stakes_nano == {0: 5 * NMR_NANO}


def test_two_staked_back_count_in_the_next_round() -> None:
    """S46: of 10, 5 were taken out; 2 staked back count as 7 in the very next round."""
    run = running(4, staker={0: 10 * NMR_NANO})
    run.ledger.set_stakes(STAKER, {0: 5 * NMR_NANO})
    run.ledger.set_stakes(STAKER, {0: 7 * NMR_NANO})
    run.pass_over(Entry(STAKER))

    risks = run.ledger.account(STAKER).risks_units
    assert risks[run.ledger.resolved + 4] == risk_units(7 * NMR_NANO, 2_500)


@given(
    stake=st.integers(10**6, 10**13),
    shares=st.tuples(st.integers(0, 1_000), st.integers(0, 1_000)),
    weeks=st.lists(payouts, min_size=4, max_size=4),
)
def test_amending_a_decrease_is_never_worse_than_asking_for_less_at_first(
    stake: int, shares: tuple[int, int], weeks: list[dict[int, int]]
) -> None:
    """N4 S47 S48: across passes, with the same payouts, 5 changed to 3 is at least as free as 3."""
    least, most = (stake * share // 1_000 for share in sorted(shares))
    amended, plain = (running(4, staker={0: stake, 1: 1}) for _ in range(2))
    amended.ledger.set_stakes(STAKER, {0: stake - most})
    plain.ledger.set_stakes(STAKER, {0: stake - least})
    first, *rest = weeks
    entry = plain.within_bound(STAKER, {model % 2: share for model, share in first.items()})
    for run in (amended, plain):
        run.pass_over(Entry(STAKER, {0: entry.payouts_nano.get(0, 0)} if most < stake else {}))
    missing = amended.ledger.account(STAKER)
    target = plain.ledger.account(STAKER).stakes_nano.get(0, 0)
    if missing.pool_nano + missing.stakes_nano.get(0, 0) >= target:
        amended.ledger.set_stakes(STAKER, {0: target})

    assert amended.free() >= plain.free()
    for _ in rest:
        for run in (amended, plain):
            run.pass_over(Entry(STAKER))
        assert amended.free() >= plain.free()


@given(
    stakes,
    st.lists(st.tuples(st.integers(0, 64), st.integers(0, 1_000)), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_order_of_steps_between_two_passes_does_not_matter(
    mine: dict[int, int], changes: list[tuple[int, int]], random: Any
) -> None:
    """N4 S1: whatever the steps, the same stakes at the end are the same state, word for word."""
    target = {model: sum(mine.values()) * share // 20_000 for model, share in changes}
    added = sum(mine.values())
    ends = []
    for _ in range(2):
        run = running(3, staker=mine)
        steps: list[Callable[[Ledger], None]] = [
            lambda ledger, m=m, s=s: ledger.set_stakes(STAKER, {m: s}) for m, s in target.items()
        ]
        random.shuffle(steps)
        # the NMR comes first, in one part or in two
        parts = random.choice([[added], [added - 1, 1] if added > 1 else [added]])
        for part in parts:
            run.ledger.deposit(STAKER, part)
        for step in steps:
            step(run.ledger)
        ends.append(run.ledger.words(STAKER))

    assert ends[0] == ends[1]


# --- the way out ------------------------------------------------------------------------------


@given(
    mine=stakes,
    passes=st.integers(0, 6),
    announced=st.booleans(),
    wait=st.integers(0, 10 * WEEK),
)
def test_an_exit_completes_by_lapses_without_the_operator(
    mine: dict[int, int], passes: int, announced: bool, wait: int
) -> None:
    """S40 N6: if the operator stops for good, all is out within four weeks and the grace."""
    run = running(passes, staker=mine)
    equity = run.ledger.account(STAKER).equity_nano
    stopped = run.now
    if announced:
        round_number = run.ledger.resolved + 1
        run.now = run.ledger.parameters.pass_time(round_number)
        run.ledger.announce(round_number, NO_DIGEST, b"\x01" * 32, run.now)
    run.now += wait
    run.ledger.leave(STAKER)

    run.now = max(run.now, stopped + 4 * WEEK + run.ledger.parameters.grace_s)
    assert run.free() == equity
    assert run.ledger.withdraw(STAKER, ALL, run.now) == equity
    assert run.ledger.account(STAKER).equity_nano == 0


@given(mine=stakes, passes=st.integers(1, 8))
def test_what_is_free_only_grows_with_time(mine: dict[int, int], passes: int) -> None:
    """S2: known beforehand: between two passes nothing becomes locked again."""
    run = running(passes, staker=mine)
    run.ledger.leave(STAKER)
    free = run.free()
    for _ in range(30):
        run.now += WEEK // 3
        assert run.free() >= free
        free = run.free()


def test_many_burns_are_never_charged_twice_nor_escaped_by_moving_stake() -> None:
    """A move neither escapes a burn nor lets it be charged twice."""
    run = running(4, staker={0: 8 * NMR_NANO})
    bound = bound_nano(risk_units(8 * NMR_NANO, 2_500))
    for week in range(3):
        run.ledger.set_stakes(STAKER, {week: 0, week + 1: run.ledger.account(STAKER).equity_nano})
        equity = run.ledger.account(STAKER).equity_nano
        run.pass_over(Entry(STAKER, {0: -bound}))
        assert run.ledger.account(STAKER).equity_nano == equity - min(equity, bound)


# --- free withdrawals -------------------------------------------------------------------------


def test_a_free_withdrawal_comes_once_in_a_period() -> None:
    """S20: one free withdrawal every fortnight; a second one waits."""
    run = running()
    run.ledger.deposit(STAKER, 10)

    assert run.ledger.pay(STAKER, 4, 1, START, START) == (Skip.PAID, 4)
    assert run.ledger.pay(STAKER, 4, 1, START, START) == (Skip.TURN_USED, 0)
    assert run.ledger.pay(STAKER, 4, 2, START, START) == (Skip.PERIOD_TO_COME, 0)
    later = START + 2 * WEEK
    assert run.ledger.pay(STAKER, 4, 2, START, later, signed=False) == (Skip.EXPIRED, 0)
    assert run.ledger.pay(STAKER, 7, 2, later, later, signed=False) == (Skip.SIGNATURE, 0)
    assert run.ledger.pay(STAKER, 7, 2, later, later) == (Skip.ABOVE_WITHDRAWABLE, 0)
    assert run.ledger.pay(STAKER, 0, 2, later, later) == (Skip.NOTHING_WITHDRAWABLE, 0)
    assert run.ledger.pay(STAKER, ALL, 2, later, later) == (Skip.PAID, 6)


def test_immediate_withdrawals_leave_the_free_turn() -> None:
    """S21: any number of them, and they do not use up the free one."""
    run = running()
    run.ledger.deposit(STAKER, 10)
    for _ in range(5):
        run.ledger.withdraw(STAKER, 1, START)

    assert run.ledger.pay(STAKER, 5, 1, START, START) == (Skip.PAID, 5)
