"""What participants are promised, as laws on the ledger and on the contract alike: stake
moved, on many models or one, and by whose signature.

Where a law compares two ways of doing something, two accounts of one escrow go them side by side,
through the same passes."""

import pytest
from hypothesis import strategies as st

from sluice.account import Split, lock_nano, risk_units
from sluice.errors import Refused
from sluice.words import POOL, WALLET
from tests.drawing import U, models, payouts, permille, splits, stakes
from tests.drivers import Signed
from tests.messages import Instruction
from tests.tournament import (
    OTHER,
    STAKER,
    Tournament,
    law,
    portions,
    shared,
)

pytestmark = pytest.mark.usefixtures("deployed")


# --- moving stake -----------------------------------------------------------------------------


@law(
    mine=stakes,
    pool=permille,
    split=splits(),
    weeks=st.lists(payouts, max_size=3),
    moves=st.lists(st.dictionaries(models, permille, min_size=1), min_size=1, max_size=3),
)
def test_moving_stake_between_models_changes_neither_equity_nor_at_risk_nor_withdrawable(
    t: Tournament,
    mine: dict[int, int],
    pool: int,
    split: Split,
    weeks: list[dict[int, int]],
    moves: list[dict[int, int]],
) -> None:
    """S1 S3 S31 S50h: at once, in one call, whatever is open, locked or due."""
    t.stake(STAKER, mine, pool)
    t.driver.set_split(STAKER, min(mine), split)
    t.passes(4, STAKER)
    for week in weeks:
        t.pass_over({STAKER: shared(t.bound(STAKER), week)})

    before = t.seen(STAKER)
    for shares in moves:
        moved = portions(before.staked_nano, shares)
        # what rounding leaves goes to the last
        moved[max(moved)] += before.staked_nano - sum(moved.values())
        t.set_stakes(STAKER, moved)
        assert t.stakes(STAKER) == {model: stake for model, stake in moved.items() if stake}
        assert t.seen(STAKER) == before


@law(mine=stakes, moved=st.dictionaries(models, permille, min_size=1))
def test_moved_stake_counts_where_it_is_in_the_very_next_round(
    t: Tournament, mine: dict[int, int], moved: dict[int, int]
) -> None:
    """S3 S4 S46: the round that the next pass opens takes all of it, wherever it came from."""
    t.stake(STAKER, mine)
    t.passes(4, STAKER)
    t.set_stakes(STAKER, portions(sum(mine.values()), moved))
    staked = t.seen(STAKER).staked_nano
    t.passes(4, STAKER)

    assert t.bound(STAKER) == risk_units(staked, t.parameters.cap_bps) * U


# --- many models or one -----------------------------------------------------------------------

FOUR = (0, 1, 5, 64)


@law(
    quarter=st.integers(1, 10**13),
    weeks=st.lists(
        st.lists(st.integers(-1_000, 1_000), min_size=4, max_size=4), min_size=1, max_size=5
    ),
    split=splits(),
)
def test_a_hundred_on_one_model_is_four_times_twenty_five(
    t: Tournament, quarter: int, weeks: list[list[int]], split: Split
) -> None:
    """S50a: in one account exactly: the same bound, at risk and equity, whatever the four earn and
    lose together; of a split each destination but the first gets at most three nano less of four
    earnings than of their sum, since four floors are at most three below one."""
    t.stake(STAKER, {0: 4 * quarter})
    t.stake(OTHER, dict.fromkeys(FOUR, quarter))
    to_pool: Split = ((POOL, 6_667), (WALLET, 3_333))
    for account in (STAKER, OTHER):
        for model in FOUR:
            t.driver.set_split(account, model, to_pool)
    t.passes(4, STAKER, OTHER)
    for weekly in weeks:
        assert t.bound(STAKER) == t.bound(OTHER)
        four = shared(t.bound(OTHER), dict(zip(FOUR, weekly, strict=True)))
        # one model has one result: the sum of the earnings, or of the losses
        gains = {model: payout for model, payout in four.items() if payout > 0}
        four = gains or four
        before = t.seen(STAKER).due_nano - t.seen(OTHER).due_nano
        t.pass_over({STAKER: {0: sum(four.values())}, OTHER: four})
        one, spread = t.seen(STAKER), t.seen(OTHER)
        assert one.pool_nano + one.staked_nano == spread.pool_nano + spread.staked_nano
        if gains:
            assert before <= one.due_nano - spread.due_nano <= before + 3
        assert one.at_risk_nano == spread.at_risk_nano


@law(total=st.integers(4, 10**14), ways=st.lists(st.integers(1, 1_000), min_size=4, max_size=4))
def test_four_accounts_differ_from_one_by_at_most_three_units_a_round(
    t: Tournament, total: int, ways: list[int]
) -> None:
    """S50a: a stake split over four accounts may burn and earn at most 3 U more in a round (four
    roundings up instead of one), and locks at most 3 U less."""
    four = list(portions(total, dict(enumerate(ways))).values())
    four[0] += total - sum(four)
    if min(four) == 0:
        return
    cap = t.parameters.cap_bps
    t.stake(STAKER, {0: total})
    t.passes(4, STAKER)
    one = t.bound(STAKER)
    bounds = [risk_units(stake, cap) for stake in four]

    assert t.seen(STAKER).at_risk_nano == 4 * (one - U)
    assert one <= sum(bounds) * U <= one + 3 * U
    assert one - 4 * U <= sum(lock_nano(units) for units in bounds) <= one - U


# --- whose signature --------------------------------------------------------------------------


@law(mine=stakes, set_to=st.dictionaries(models, permille, min_size=1), split=splits())
def test_nothing_that_one_account_signs_touches_another(
    t: Tournament, mine: dict[int, int], set_to: dict[int, int], split: Split
) -> None:
    """N17 N19 S53: one's own instruction changes the account it names, a forged one nothing, and
    the one after it in the batch is still applied."""
    for account in (STAKER, OTHER):
        t.stake(account, mine)
    others = t.driver.words(OTHER)
    total = sum(mine.values()) * min(1_000, sum(set_to.values())) // 1_000
    targets = dict.fromkeys(sorted(mine), 0) | portions(total, set_to)
    ordered = dict(sorted(targets.items()))
    forged = Instruction(OTHER, 0, ordered, {min(mine): split})
    own = Instruction(STAKER, 0, ordered, {min(mine): split})

    reasons = t.driver.relay([Signed(forged, "staker"), Signed(own, "staker")])

    assert reasons == ["signature: not the account's", ""]
    assert t.driver.words(OTHER) == others
    assert t.stakes(STAKER) == {model: stake for model, stake in ordered.items() if stake}
    assert t.seen(STAKER).nonce == 1
    with pytest.raises(Refused, match="nonce: must be above the present one"):
        t.driver.cancel_instructions(STAKER, 1)
    used = "instruction: its nonce is used or cancelled"
    assert t.driver.relay([Signed(own, "staker")]) == [used]
