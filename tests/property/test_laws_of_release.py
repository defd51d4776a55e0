"""What participants are promised, as laws on the ledger and on the contract alike: how
NMR comes free, and that changing one's mind costs nothing.

Where a law compares two ways of doing something, two accounts of one escrow go them side by side,
through the same passes."""

import pytest
from hypothesis import strategies as st

from sluice.ledger import ALL
from sluice.parameters import BPS
from tests.drawing import MODELS, U, amounts, losses, models, payouts, permille, stakes
from tests.escrow_world import WEEK
from tests.tournament import (
    BOOKS,
    OTHER,
    STAKER,
    Tournament,
    law,
    portions,
    shared,
    tournament,
)

pytestmark = pytest.mark.usefixtures("deployed")


# --- changing one's mind ----------------------------------------------------------------------


@law(
    mine=stakes,
    added=amounts,
    ways=st.tuples(*[st.lists(st.dictionaries(models, permille), max_size=3)] * 2),
    halves=st.tuples(st.booleans(), st.booleans()),
    end=st.dictionaries(models, permille),
    rest=permille,
    week=payouts,
)
def test_between_two_passes_steps_that_end_in_the_same_stakes_end_in_the_same_state(
    t: Tournament,
    mine: dict[int, int],
    added: int,
    ways: tuple[list[dict[int, int]], list[dict[int, int]]],
    halves: tuple[bool, bool],
    end: dict[int, int],
    rest: int,
    week: dict[int, int],
) -> None:
    """N4 S1 S47: whatever was staked, taken out and deposited in between, in whatever order: pool,
    stakes, risks and what is uncommitted are the same, what is due aside; and stay the same through
    the next passes."""
    for account in (STAKER, OTHER):
        t.stake(account, mine)
    t.passes(4, STAKER, OTHER)
    for account, way, half in zip((STAKER, OTHER), ways, halves, strict=True):
        if half and added > 1:
            t.driver.deposit(account, added // 2)
        for shares in way:
            total = sum(shares.values())
            t.set_stakes(account, portions(t.equity(account) * total // 5_000, shares))
        t.driver.deposit(account, added - (added // 2 if half and added > 1 else 0))
        total = sum(end.values())
        staked = t.equity(account) * rest // 1_000
        t.set_stakes(account, portions(staked if total else 0, end))

    assert t.state(STAKER) == t.state(OTHER)
    for _ in range(2):
        paid = shared(t.bound(STAKER), week)
        t.pass_over({STAKER: paid, OTHER: paid})
        assert t.state(STAKER) == t.state(OTHER)


@law(
    mine=stakes,
    decreases=st.tuples(permille, permille),
    weeks=st.lists(payouts, min_size=6, max_size=6),
    waits=st.integers(1, 3),
)
def test_decrease_five_then_increase_two_is_never_less_free_than_decrease_three(
    t: Tournament,
    mine: dict[int, int],
    decreases: tuple[int, int],
    weeks: list[dict[int, int]],
    waits: int,
) -> None:
    """N4 S47 S48: the larger decrease, amended one to three passes later to the smaller one, with
    the same payouts in NMR: at least as free after every pass, and in the same stakes once
    amended. Earnings go back to their models in both by a split that says so: without one, the
    earning of a model that a burn has just emptied goes to the pool, and of the two accounts that
    may happen to one only."""
    small, large = sorted(decreases)
    for account in (STAKER, OTHER):
        t.stake(account, mine)
        for model in MODELS:
            t.driver.set_split(account, model, ((model, BPS),))
    t.passes(4, STAKER, OTHER)
    for account, decrease in ((STAKER, large), (OTHER, small)):
        kept = {model: stake - stake * decrease // 1_000 for model, stake in mine.items()}
        t.set_stakes(account, kept)

    for index, week in enumerate(weeks):
        paid = shared(min(t.bound(STAKER), t.bound(OTHER)), week)
        t.pass_over({STAKER: paid, OTHER: paid})
        assert t.equity(STAKER) == t.equity(OTHER)
        assert t.free(STAKER) >= t.free(OTHER)
        if index + 1 == waits:
            t.set_stakes(STAKER, t.stakes(OTHER))
        if index + 1 >= waits:
            assert t.state(STAKER).pool_nano == t.state(OTHER).pool_nano
            assert t.free(STAKER) >= t.free(OTHER)


@law(
    stake=st.integers(4_000, 10**13),
    weekly=st.lists(st.lists(st.integers(0, 250), min_size=4, max_size=4), min_size=1, max_size=4),
)
def test_from_the_pool_no_release_is_later_than_for_the_net_decrease(
    t: Tournament, stake: int, weekly: list[list[int]]
) -> None:
    """S42 S43 S44: four models, changed each week. What was taken out too early and staked again
    later never makes anything come free later than if only what stays out had been asked for."""
    four = (0, 1, 5, 64)
    for account in (STAKER, OTHER):
        t.stake(account, dict.fromkeys(four, stake // 4), stake % 4)
    t.passes(4, STAKER, OTHER)

    for week in range(len(weekly) + 4):
        if week < len(weekly):
            asked = dict(zip(four, weekly[week], strict=True))
            # each model keeps what some later week wants on it again
            net = {
                model: max(shares[at] for shares in weekly[week:]) for at, model in enumerate(four)
            }
            for account, shares in ((STAKER, asked), (OTHER, net)):
                t.set_stakes(account, {m: stake * share // 1_000 for m, share in shares.items()})
        assert t.free(STAKER) >= t.free(OTHER)
        t.passes(1, STAKER, OTHER)
    assert t.free(STAKER) == t.free(OTHER) == t.seen(STAKER).pool_nano


@law(
    mine=stakes,
    decrease=permille,
    new=st.lists(st.dictionaries(models, amounts, max_size=2), min_size=1, max_size=4),
    weeks=st.lists(losses, min_size=5, max_size=5),
    earned=st.lists(permille, min_size=5, max_size=5),
)
def test_new_nmr_makes_no_release_later_by_more_than_four_units(
    t: Tournament,
    mine: dict[int, int],
    decrease: int,
    new: list[dict[int, int]],
    weeks: list[dict[int, int]],
    earned: list[int],
) -> None:
    """S42 S43 S44: while a decrease is pending one may stake more. With new NMR on any model, in
    any week, never more than 4 U less is free than without: each of the four open rounds locks a
    quarter of the new NMR and rounds by less than U. After four passes everything is free."""
    for account in (STAKER, OTHER):
        t.stake(account, mine)
    t.passes(4, STAKER, OTHER)
    for account in (STAKER, OTHER):
        kept = {model: stake - stake * decrease // 1_000 for model, stake in mine.items()}
        t.set_stakes(account, kept)

    for index, week in enumerate(weeks):
        if index < len(new) and new[index]:
            held = t.stakes(STAKER)
            more = {model: held.get(model, 0) + nmr for model, nmr in sorted(new[index].items())}
            t.driver.deposit_and_stake(STAKER, sum(new[index].values()), more)
        assert t.free(STAKER) >= t.free(OTHER) - 4 * U
        paid = shared(t.bound(OTHER), week)
        staked = t.stakes(OTHER)
        if staked and not paid:
            # an earning of a model without stake would go to the pool of one and not of the other
            paid = {min(staked): t.bound(OTHER) * earned[index] // 1_000}
        t.pass_over({STAKER: paid, OTHER: paid})
        assert t.free(STAKER) >= t.free(OTHER) - 4 * U


# --- release ----------------------------------------------------------------------------------


@law(mine=stakes, decrease=st.integers(1, 1_000), weeks=st.lists(losses, min_size=4, max_size=4))
def test_a_quarter_of_a_decrease_frees_itself_with_each_resolved_round_less_burns(
    t: Tournament, mine: dict[int, int], decrease: int, weeks: list[dict[int, int]]
) -> None:
    """S2 S27 S28: after the k-th pass at least k quarters of the decrease less all burns are free,
    after the fourth the whole of it; without burns at most 4 U more than that before, and then
    exactly all."""
    t.stake(STAKER, mine)
    t.passes(4, STAKER)
    t.set_stakes(STAKER, {m: stake - stake * decrease // 1_000 for m, stake in mine.items()})
    equity, pool = t.equity(STAKER), t.seen(STAKER).pool_nano

    for k, week in enumerate(weeks, 1):
        t.pass_over({STAKER: shared(t.bound(STAKER), week)})
        burned = equity - t.equity(STAKER)
        assert 4 * t.free(STAKER) >= k * pool - 4 * burned
        if burned == 0:
            assert 4 * t.free(STAKER) <= k * pool + 16 * U
    if burned == 0:
        assert t.free(STAKER) == pool


@law(mine=stakes, decrease=permille, opened=st.integers(0, 5))
def test_after_four_passes_all_that_was_taken_out_is_out_to_the_nano(
    t: Tournament, mine: dict[int, int], decrease: int, opened: int
) -> None:
    """S2 S45 N9: taken as it frees, week by week; rounding keeps nothing back, of any amount."""
    t.stake(STAKER, mine)
    t.passes(opened, STAKER)
    t.set_stakes(STAKER, {m: stake - stake * decrease // 1_000 for m, stake in mine.items()})
    pool = t.seen(STAKER).pool_nano

    out = 0
    for week in range(5):
        if week:
            t.passes(1, STAKER)
        if t.free(STAKER):
            out += t.driver.withdraw(STAKER, ALL)
    assert out == pool
    assert t.seen(STAKER).pool_nano == 0


@pytest.mark.parametrize("book", BOOKS)
def test_ten_staked_five_out_are_out_after_four_passes_to_the_nano(book: str) -> None:
    """S45: 10 staked, 5 out: all 5 by X+4, and 5 still staked."""
    with tournament(book) as t:
        t.stake(STAKER, {0: 10 * 10**9})
        t.passes(4, STAKER)
        t.set_stakes(STAKER, {0: 5 * 10**9})
        out = 0
        for _ in range(4):
            t.passes(1, STAKER)
            out += t.driver.withdraw(STAKER, ALL)

        assert out == 5 * 10**9
        assert (t.seen(STAKER).pool_nano, t.stakes(STAKER)) == (0, {0: 5 * 10**9})


@law(
    before=st.lists(st.tuples(stakes, st.booleans()), min_size=1, max_size=5),
    pool=amounts,
    kept=st.dictionaries(models, permille, min_size=1),
    rest=permille,
    wait=st.integers(0, 2 * WEEK),
    comes=st.booleans(),
)
def test_the_schedule_is_what_comes_to_be(
    t: Tournament,
    before: list[tuple[dict[int, int], bool]],
    pool: int,
    kept: dict[int, int],
    rest: int,
    wait: int,
    comes: bool,
) -> None:
    """N1 S2: exactly the promised amounts are withdrawable after the coming passes, never before
    the earliest time; and if nobody does anything any more, in the second after the latest."""
    for shares, joins in before:
        if t.equity(STAKER) == 0:
            t.stake(STAKER, shares, pool)
        t.set_stakes(STAKER, portions(t.equity(STAKER), shares))
        t.pass_over({STAKER: {}} if joins else {})
    t.set_stakes(STAKER, portions(t.equity(STAKER) * rest // 1_000, kept))
    t.driver.now += wait
    releases = t.driver.schedule(STAKER)
    most = t.free(STAKER)
    if releases:
        assert releases[-1].amount_nano == t.seen(STAKER).pool_nano
    for release in releases:
        assert release.amount_nano > most
        most = release.amount_nano

    if not comes:
        for release in releases:
            t.driver.now = release.latest + 1
            assert t.free(STAKER) >= release.amount_nano
        return
    reached = [t.free(STAKER)]
    times = []
    for _ in range(4):
        t.passes(1, STAKER)
        times.append(t.driver.now)
        reached.append(t.free(STAKER))
    on_time = wait < WEEK - t.parameters.window_s
    expected = [
        (amount, time)
        for index, (amount, time) in enumerate(zip(reached[1:], times, strict=True))
        if amount > max(reached[: index + 1])
    ]
    if on_time:
        assert [(r.amount_nano, r.earliest) for r in releases] == expected
    for release in releases:
        assert any(
            amount >= release.amount_nano and time >= release.earliest
            for amount, time in zip(reached[1:], times, strict=True)
        )
