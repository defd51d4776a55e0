"""An account as it is, and as a change would leave it: what is shown before anything is signed."""

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import InvalidInput, Refused
from sluice.ledger import ALL, Ledger, Skip
from sluice.parameters import PERIOD_S, Parameters
from sluice.participant.now import (
    AccountNow,
    Turn,
    arriving_nano,
    check_pool,
    counts_from,
    free_turn,
    parse_nmr_eth,
    parse_stakes,
    price,
    turn_of,
)
from sluice.words import NO_DIGEST, Entry, digest_chain, link_bytes

NMR = 10**9
DAY = 24 * 3600
START = 1_700_000_000
PARAMETERS = Parameters(1, START + DAY, START)
STAKER = "0x" + "aa" * 20


def seen(ledger: Ledger, now: int) -> AccountNow:
    """The staker's account of a ledger."""
    return AccountNow(
        STAKER,
        ledger.account(STAKER).copy(),
        ledger.parameters,
        ledger.resolved,
        ledger.announced_at,
        now,
    )


def passed(stakes_nano: Mapping[int, int], passes: int = 4) -> Ledger:
    """A ledger in which the staker deposited and staked, and was in so many passes."""
    ledger = Ledger(PARAMETERS)
    ledger.fund(10**15)
    ledger.deposit_and_stake(STAKER, sum(stakes_nano.values()), dict(sorted(stakes_nano.items())))
    for _ in range(passes):
        next_pass(ledger)
    return ledger


def next_pass(ledger: Ledger, payouts: Mapping[int, int] | None = None, late_s: int = 0) -> int:
    """The next pass, with the staker in it; returns its time."""
    round_number = ledger.resolved + 1
    links = [link_bytes([Entry(STAKER, payouts or {})])]
    now = ledger.parameters.pass_time(round_number) + late_s
    ledger.announce(round_number, NO_DIGEST, digest_chain(links)[0], now)
    ledger.resolve(round_number, links, NO_DIGEST, now + ledger.parameters.window_s)
    return now + ledger.parameters.window_s


@given(
    st.dictionaries(st.integers(0, 64), st.integers(1, 10**13), min_size=1, max_size=5),
    st.integers(0, 6),
    st.integers(0, 40 * DAY),
)
def test_an_account_shows_what_the_ledger_says(
    stakes_nano: dict[int, int], passes: int, later_s: int
) -> None:
    ledger = passed(stakes_nano, passes)
    ledger.set_stakes(STAKER, {min(stakes_nano): 0})
    now = PARAMETERS.pass_time(passes) + PARAMETERS.window_s + later_s

    shown = seen(ledger, now)

    position = ledger.position(STAKER, now)
    assert shown.at_risk_nano == position.at_risk_nano == sum(shown.risks_nano.values())
    assert shown.withdrawable_nano == position.withdrawable_nano
    assert tuple(shown.releases) == tuple(ledger.schedule(STAKER, now))


def test_a_preview_is_what_then_happens() -> None:
    """What is shown before signing is asked of the same rules that the contract is held against."""
    ledger = passed({0: 10 * NMR, 3: 5 * NMR})
    now = PARAMETERS.pass_time(4) + PARAMETERS.window_s
    before = seen(ledger, now)
    split = {0: ((3, 5_000), (0, 5_000))}

    after = before.deposited(2 * NMR).staked({0: NMR, 4: 3 * NMR}).split(split)
    ledger.deposit(STAKER, 2 * NMR)
    ledger.set_stakes(STAKER, {0: NMR, 4: 3 * NMR})
    ledger.set_split(STAKER, 0, split[0])
    assert after == seen(ledger, now)

    left = after.left()
    ledger.leave(STAKER)
    assert left == seen(ledger, now)
    assert before.account.stakes_nano == {0: 10 * NMR, 3: 5 * NMR}


def test_the_effect_of_a_decrease_is_known_before_it_is_signed() -> None:
    """S2, S45, N1: 10 staked, 5 out: nothing at once, then a quarter of it with each pass, with its
    dates; and that is what comes when it is done."""
    ledger = passed({0: 10 * NMR})
    now = PARAMETERS.pass_time(4) + PARAMETERS.window_s
    before = seen(ledger, now)

    after = before.staked({0: 5 * NMR})

    assert before.account.stakes_nano == {0: 10 * NMR}
    assert (after.account.pool_nano, after.at_risk_nano) == (5 * NMR, before.at_risk_nano)
    earliest = [PARAMETERS.pass_time(r) + PARAMETERS.window_s for r in (5, 6, 7, 8)]
    assert [release.earliest for release in after.releases] == earliest
    ledger.set_stakes(STAKER, {0: 5 * NMR})
    for release in after.releases:
        assert next_pass(ledger) == release.earliest
        assert ledger.withdrawable_nano(STAKER, release.earliest) == release.amount_nano
    assert after.releases[-1].amount_nano == 5 * NMR


@given(st.integers(0, 5), st.booleans(), st.integers(0, 20 * DAY))
def test_a_stake_counts_from_the_round_that_is_said(
    passes: int, announced: bool, later_s: int
) -> None:
    """S3, S46: moved stake counts from the very next opening; a late pass opens nothing."""
    ledger = passed({0: 10 * NMR}, passes)
    now = PARAMETERS.pass_time(ledger.resolved + 1) + later_s
    if announced:
        ledger.announce(ledger.resolved + 1, NO_DIGEST, b"\1" * 32, now)

    counting = counts_from(seen(ledger, now))

    assert counting.round_number == counting.pass_round + 4
    assert counting.pass_time == PARAMETERS.pass_time(counting.pass_round)
    assert counting.pass_round > ledger.resolved
    assert now < PARAMETERS.pass_time(counting.pass_round + 1)
    if not later_s:
        assert counting.pass_round == ledger.resolved + 1


def test_a_stake_set_after_the_accounts_entry_counts_in_the_next_pass() -> None:
    ledger = passed({0: 10 * NMR})
    entry, rest = link_bytes([Entry(STAKER, {})]), b""
    digests = digest_chain([entry, rest])
    now = PARAMETERS.pass_time(5)
    ledger.announce(5, NO_DIGEST, digests[0], now)
    assert counts_from(seen(ledger, now)).round_number == 9
    now += PARAMETERS.window_s
    ledger.resolve(5, [entry], digests[1], now)

    assert counts_from(seen(ledger, now)).round_number == 10


def test_a_first_stake_after_the_announcement_counts_in_the_next_pass() -> None:
    """Who is in a pass is fixed when it is made: a newcomer is in the one after."""
    ledger = Ledger(PARAMETERS)
    ledger.deposit(STAKER, NMR)
    now = PARAMETERS.pass_time(1)
    assert counts_from(seen(ledger, now)).round_number == 5
    ledger.announce(1, NO_DIGEST, b"\1" * 32, now)

    assert counts_from(seen(ledger, now)).round_number == 6


@pytest.mark.parametrize(
    ("typed", "stakes"),
    [
        (["3=5"], {3: 5 * NMR}),
        (["3+2", "0-5"], {0: 5 * NMR, 3: 2 * NMR}),
        (["0-10"], {0: 0}),
        (["0=0.000000001"], {0: 1}),
        (["64+0.5", "0+0"], {0: 10 * NMR, 64: NMR // 2}),
    ],
)
def test_stakes_are_read_as_typed(typed: list[str], stakes: dict[int, int]) -> None:
    assert parse_stakes(typed, {0: 10 * NMR}) == stakes


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ([], "name a model and its stake"),
        (["5"], "3=5, or 3\\+2 for 2 more"),
        (["x=5"], "3=5, or 3\\+2 for 2 more"),
        (["0=-5"], "no amount of NMR"),
        (["0=1e-10"], "not a whole nano-NMR"),
        (["65=1"], "numbered 0 to 64"),
        (["0=1", "0+1"], "model 0 is there twice"),
        (["0-10.000000001"], "model 0 has 10.000000000 NMR: take off at most that"),
        (["1-1"], "model 1 has 0.000000000 NMR"),
    ],
)
def test_stakes_that_are_none_are_refused_with_a_remedy(typed: list[str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_stakes(typed, {0: 10 * NMR})


def test_a_pool_that_is_too_small_says_what_is_lacking() -> None:
    ledger = passed({0: 10 * NMR}, 0)
    ledger.deposit(STAKER, NMR)
    shown = seen(ledger, START)

    check_pool(shown, {0: 5 * NMR, 1: 6 * NMR})
    with pytest.raises(InvalidInput, match=r"0\.000000001 NMR are lacking"):
        check_pool(shown, {1: NMR + 1})
    with pytest.raises(Refused, match="stakes: the pool holds too little, deposit first"):
        shown.staked({1: NMR + 1})


def test_the_free_withdrawal_has_its_period_and_its_dates() -> None:
    """S20, S22: this period's if its turn is not used, else the next one's."""
    ledger = passed({0: 10 * NMR}, 0)
    now = START + 3 * DAY
    assert free_turn(seen(ledger, now)) == Turn(1, now, START + PERIOD_S)

    ledger.deposit(STAKER, NMR)
    assert ledger.pay(STAKER, NMR, 1, now, now)[0] is Skip.PAID

    after = seen(ledger, now)
    assert free_turn(after) == Turn(2, START + PERIOD_S, START + 2 * PERIOD_S)
    late = seen(ledger, START + 5 * PERIOD_S)
    assert turn_of(late, 2) == Turn(6, late.now, START + 6 * PERIOD_S)
    assert free_turn(seen(ledger, START + 1_022 * PERIOD_S)) is not None
    assert free_turn(seen(ledger, START + 1_023 * PERIOD_S)) is None


def test_what_a_free_withdrawal_brings_is_all_or_a_fixed_amount_or_nothing() -> None:
    """N11: a fixed amount is never part-paid; what passes free before the batch counts."""
    ledger = passed({0: 10 * NMR})
    ledger.set_stakes(STAKER, {0: 5 * NMR})
    now = PARAMETERS.pass_time(4) + PARAMETERS.window_s
    shown = seen(ledger, now)
    in_a_week = Turn(9, now, now + 7 * DAY)
    first, *_ = shown.releases

    assert shown.withdrawable_nano < first.amount_nano
    assert arriving_nano(shown, ALL, in_a_week) == first.amount_nano
    assert arriving_nano(shown, first.amount_nano, in_a_week) == first.amount_nano
    assert arriving_nano(shown, first.amount_nano + 1, in_a_week) == 0
    assert arriving_nano(shown, ALL, Turn(9, now, now)) == shown.withdrawable_nano
    assert shown.release_of(first.amount_nano) == first
    assert shown.release_of(ALL) is None


def test_a_withdrawal_that_no_waiting_makes_possible_is_refused() -> None:
    ledger = passed({0: 10 * NMR})
    now = PARAMETERS.pass_time(4) + PARAMETERS.window_s

    with pytest.raises(InvalidInput, match="the pool is empty: take NMR off a model first"):
        seen(ledger, now).check_withdrawal(ALL)
    ledger.set_stakes(STAKER, {0: 5 * NMR})
    seen(ledger, now).check_withdrawal(5 * NMR)
    with pytest.raises(InvalidInput, match="the pool holds 5"):
        seen(ledger, now).check_withdrawal(5 * NMR + 1)


def test_a_price_is_rounded_up_and_is_no_float() -> None:
    """S22: gas at the gas price of the moment, and in NMR at the price that was given."""
    cost = price(50_000, 2 * 10**9, Fraction("0.004"))

    assert (cost.gas, cost.wei, cost.nano) == (50_000, 10**14, 25_000_000)
    assert price(1, 1, Fraction(1, 3)).nano == 1
    assert price(1, 1, None).nano is None
    assert parse_nmr_eth("0.0042") == Fraction(42, 10_000)
    for wrong in ("", "0", "-1", "nan", "0x5", "1e9"):
        with pytest.raises(InvalidInput, match="ETH"):
            parse_nmr_eth(wrong)
