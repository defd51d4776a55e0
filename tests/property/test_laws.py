"""What participants are promised, as laws: for any stakes, payouts and order of steps, on the
ledger and on the contract alike.

Where a law compares two ways of doing something, two accounts of one escrow go them side by side,
through the same passes. Amounts in nano-NMR; U is a unit of risk, 2^18 nano."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from sluice.account import Split, lock_nano, risk_units
from sluice.errors import Refused
from sluice.ledger import ALL, Skip
from sluice.parameters import BPS, PERIOD_S
from sluice.words import POOL, RISK_UNIT_NANO, WALLET
from tests.drivers import Request, Signed
from tests.escrow_world import WEEK
from tests.messages import Instruction
from tests.tournament import (
    BOOKS,
    OTHER,
    STAKER,
    Tournament,
    deploy,
    law,
    parts,
    portions,
    shared,
    tournament,
)

U = RISK_UNIT_NANO
# the account word, both ends of the first page, the second, the last there is
MODELS = (0, 1, 4, 5, 64)

models = st.sampled_from(MODELS)
permille = st.integers(0, 1_000)
amounts = st.one_of(st.sampled_from([1, U, 4 * U, 4 * U + 1, 10**9]), st.integers(1, 10**13))
stakes = st.dictionaries(models, amounts, min_size=1, max_size=4)
losses = st.dictionaries(models, st.integers(-1_000, 0), max_size=3)
payouts = st.dictionaries(models, st.integers(-1_000, 1_000), max_size=3)


@pytest.fixture(scope="module", autouse=True)
def _deployed() -> None:
    deploy()


@st.composite
def splits(draw: st.DrawFn) -> Split:
    """One to eight destinations that share 10,000 basis points."""
    destinations = draw(
        st.lists(
            st.sampled_from([*MODELS, 2, 3, POOL, WALLET]), min_size=1, max_size=8, unique=True
        )
    )
    shares = [draw(st.integers(1, BPS // 8)) for _ in destinations[1:]]
    return tuple(zip(destinations, [BPS - sum(shares), *shares], strict=True))


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


# --- due --------------------------------------------------------------------------------------


def to_wallet(split: Split, earned_nano: int) -> int:
    """What an earning under this split makes due."""
    return parts(earned_nano, split).get(WALLET, 0)


@law(
    mine=stakes,
    split=splits(),
    weeks=st.lists(st.tuples(losses, permille, st.booleans()), min_size=1, max_size=4),
)
def test_a_wallet_earning_can_leave_in_the_block_that_resolves_it(
    t: Tournament,
    mine: dict[int, int],
    split: Split,
    weeks: list[tuple[dict[int, int], int, bool]],
) -> None:
    """S5 S11 S14: whatever is at risk, even where burns have left open rounds uncovered: by one's
    own transaction, or by the batch of a period whose turn is not used."""
    earner = min(mine)
    t.stake(STAKER, mine)
    t.driver.set_split(STAKER, earner, split)
    t.passes(4, STAKER)
    for week, earning, batch in weeks:
        bound = t.bound(STAKER)
        paid = shared(bound, week) | {earner: bound * earning // 1_000}
        t.pass_over({STAKER: paid})
        sent, position = to_wallet(split, paid[earner]), t.seen(STAKER)
        assert position.due_nano >= sent
        if batch and position.due_nano and position.period < t.parameters.period(t.driver.now):
            assert t.driver.pay([], [STAKER]) == [(Skip.PAID, position.due_nano)]
        elif sent:
            assert t.driver.withdraw(STAKER, sent) == sent


@law(
    mine=stakes,
    pool=amounts,
    split=splits(),
    weeks=st.lists(st.tuples(permille, permille), min_size=1, max_size=6),
)
def test_what_was_sent_to_the_wallet_arrives_in_full_without_any_action(
    t: Tournament, mine: dict[int, int], pool: int, split: Split, weeks: list[tuple[int, int]]
) -> None:
    """S5 S25 S26 N21: the fortnightly batches pay every nano of it; staking and taking back
    whatever else is in the pool in between takes nothing of it away."""
    earner = min(mine)
    t.stake(STAKER, mine, pool)
    t.driver.set_split(STAKER, earner, split)
    t.passes(4, STAKER)

    sent = arrived = 0
    for earning, moved in weeks:
        paid = t.bound(STAKER) * earning // 1_000
        t.pass_over({STAKER: {earner: paid}})
        sent += to_wallet(split, paid)
        position, held = t.seen(STAKER), t.stakes(STAKER)
        spare = (position.pool_nano - position.due_nano) * moved // 1_000
        t.set_stakes(STAKER, held | {earner: held.get(earner, 0) + spare})
        t.set_stakes(STAKER, held)
        arrived += sum(amount for _, amount in t.driver.pay([], [STAKER]))
        assert t.seen(STAKER).due_nano == sent - arrived
    t.driver.now += PERIOD_S
    arrived += sum(amount for _, amount in t.driver.pay([], [STAKER]))
    assert arrived == sent


cycle_steps = st.one_of(
    st.tuples(st.just("pass"), payouts),
    st.tuples(st.just("stake"), st.dictionaries(models, permille, max_size=3)),
    st.tuples(st.just("withdraw"), permille),
    st.tuples(st.just("request"), permille),
    st.tuples(st.just("due"), st.sampled_from([0, PERIOD_S])),
)


@law(mine=stakes, pool=amounts, split=splits(), steps=st.lists(cycle_steps, max_size=12))
def test_no_cycle_of_earning_staking_and_withdrawing_drains_what_is_at_risk_through_due(
    t: Tournament,
    mine: dict[int, int],
    pool: int,
    split: Split,
    steps: list[tuple[str, Any]],
) -> None:
    """S5 S11 N2: withdrawals never take equity further below what is at risk, in sum, than splits
    have sent to the wallet: due is used up by what it lets out, and nothing but a wallet earning
    makes it grow. What has left, was burned and is still there is what came in and was earned."""
    earner = min(mine)
    t.stake(STAKER, mine, pool)
    came_in = sum(mine.values()) + pool
    t.driver.set_split(STAKER, earner, split)
    t.passes(4, STAKER)

    sent = left = earned = let_out = 0
    for kind, drawn in steps:
        before = t.seen(STAKER)
        out = 0
        if kind == "pass":
            paid = shared(t.bound(STAKER), drawn)
            t.pass_over({STAKER: paid})
            sent += to_wallet(split, max(0, paid.get(earner, 0)))
            earned += sum(payout for payout in paid.values() if payout > 0)
        elif kind == "stake":
            total = min(1_000, sum(drawn.values()))
            t.set_stakes(STAKER, portions(t.equity(STAKER) * total // 1_000, drawn))
        elif kind == "withdraw":
            amount = before.withdrawable_nano * drawn // 1_000
            out = t.driver.withdraw(STAKER, amount) if amount else 0
        elif kind == "request":
            amount = before.withdrawable_nano * drawn // 999
            period = t.parameters.period(t.driver.now)
            if 0 < amount < 2**54:
                ((_, out),) = t.driver.pay([Request("staker", amount, period, t.driver.now)])
        else:
            t.driver.now += drawn
            # rounds may lapse with the time
            before = t.seen(STAKER)
            ((_, out),) = t.driver.pay([], [STAKER])
        after = t.seen(STAKER)
        left += out
        if out:
            uncovered = [
                max(0, p.at_risk_nano - p.pool_nano - p.staked_nano) for p in (before, after)
            ]
            let_out += uncovered[1] - uncovered[0]
        assert after.due_nano <= after.pool_nano
        assert let_out + after.due_nano <= sent
    burned = t.driver.seen([]).burned_nano
    assert left + burned + t.equity(STAKER) == came_in + earned


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


# --- earnings and burns -----------------------------------------------------------------------


@law(
    mine=stakes,
    pool=permille,
    given=st.dictionaries(models, splits(), max_size=3),
    earned=st.dictionaries(models, st.integers(1, 1_000), min_size=1, max_size=4),
)
def test_the_parts_of_a_split_sum_to_the_payout(
    t: Tournament,
    mine: dict[int, int],
    pool: int,
    given: dict[int, Split],
    earned: dict[int, int],
) -> None:
    """S6 S7 S12 S16 S17 S50f N9: each destination gets the floor of its share and the first what is
    missing; without a split all goes back to the model, or to the pool if it has no stake."""
    t.stake(STAKER, mine, pool)
    for model, split in given.items():
        t.driver.set_split(STAKER, model, split)
    t.passes(4, STAKER)
    before, held = t.seen(STAKER), t.stakes(STAKER)
    reserve = t.driver.seen([]).reserve_nano
    paid = shared(t.bound(STAKER), earned)
    t.pass_over({STAKER: paid})

    expected = dict(held)
    pooled = due = 0
    for model, payout in paid.items():
        home = model if expected.get(model) else POOL
        for destination, part in parts(payout, given.get(model, ((home, BPS),))).items():
            if destination in (POOL, WALLET):
                pooled += part
                due += part if destination == WALLET else 0
            else:
                expected[destination] = expected.get(destination, 0) + part
    after = t.seen(STAKER)
    assert t.stakes(STAKER) == {model: stake for model, stake in expected.items() if stake}
    assert after.pool_nano - before.pool_nano == pooled
    assert after.due_nano == due
    assert t.equity(STAKER) == sum(mine.values()) + pool + sum(paid.values())
    assert reserve - t.driver.seen([]).reserve_nano == sum(paid.values())


@law(
    mine=stakes,
    moves=st.lists(st.dictionaries(models, permille), min_size=4, max_size=4),
    weeks=st.lists(losses, min_size=4, max_size=4),
)
def test_burns_follow_the_money_and_are_charged_once(
    t: Tournament,
    mine: dict[int, int],
    moves: list[dict[int, int]],
    weeks: list[dict[int, int]],
) -> None:
    """S28 N2: whatever is moved, staked and taken to the pool before each pass: a loss takes
    itself, or all there is if that is less; what one account loses by its moves is what one that
    never moves loses."""
    for account in (STAKER, OTHER):
        t.stake(account, mine)
    t.passes(4, STAKER, OTHER)
    for shares, week in zip(moves, weeks, strict=True):
        kept = min(1_000, sum(shares.values()))
        t.set_stakes(STAKER, portions(t.equity(STAKER) * kept // 1_000, shares))
        equity, burned = t.equity(STAKER), t.driver.seen([]).burned_nano
        lost = shared(min(t.bound(STAKER), t.bound(OTHER)), week)
        t.pass_over({STAKER: lost, OTHER: lost})

        charged = min(equity, -sum(lost.values()))
        assert t.equity(STAKER) == equity - charged == t.equity(OTHER)
        assert t.driver.seen([]).burned_nano == burned + 2 * charged


amount_and_loss = {"staked": st.integers(4 * U, 10**13), "share": st.integers(1, 1_000)}


@law(**amount_and_loss, out=permille, through=st.booleans())
def test_cosmos_ghsa_86h5_xcpx_cfqc_a_burn_is_not_escaped_by_moving_stake_and_leaving(
    t: Tournament, staked: int, share: int, out: int, through: bool
) -> None:
    """N2 S28: there, stake moved from A to B and then taken out of B left before A's slash reached
    it. Here what A can still lose stays behind, whichever way the NMR went: all but the rounding of
    one lock, a unit, is charged."""
    t.stake(STAKER, {1: staked})
    t.passes(4, STAKER)
    bound = t.bound(STAKER)
    t.set_stakes(STAKER, {2: staked})
    if through:
        t.set_stakes(STAKER, {2: staked - staked * out // 1_000, 64: staked * out // 1_000})
    t.driver.leave(STAKER)
    if t.free(STAKER):
        t.driver.withdraw(STAKER, ALL)
    kept = t.equity(STAKER)
    loss = bound * share // 1_000
    t.pass_over({STAKER: {1: -loss}} if loss else {STAKER: {}})

    charged = kept - t.equity(STAKER)
    assert t.driver.seen([]).burned_nano == charged
    assert charged >= min(loss, bound - U)
    assert charged <= loss


@law(**amount_and_loss, moved=permille)
def test_cosmos_the_fix_after_ghsa_86h5_xcpx_cfqc_a_burn_is_not_charged_twice(
    t: Tournament, staked: int, share: int, moved: int
) -> None:
    """N2 S28: there, the fix charged A's slash to what had been taken out of B although it had not
    all come from A. Here A's loss is charged once, B's own once, and what was on B alone before
    pays for A only what A's stake and the pool cannot."""
    t.stake(STAKER, {1: staked, 2: staked})
    t.passes(4, STAKER)
    gone = staked * moved // 1_000
    t.set_stakes(STAKER, {1: staked - gone, 2: staked + gone})
    t.set_stakes(STAKER, {1: staked - gone, 2: staked})
    loss = t.bound(STAKER) * share // 2_000
    t.pass_over({STAKER: {1: -loss}})

    assert t.driver.seen([]).burned_nano == loss
    assert t.equity(STAKER) == 2 * staked - loss
    from_one = min(loss, staked - gone)
    from_pool = min(loss - from_one, gone)
    position = t.seen(STAKER)
    assert position.pool_nano == gone - from_pool
    assert t.stakes(STAKER).get(2, 0) == staked - (loss - from_one - from_pool)
    left = t.equity(STAKER)
    loss = t.bound(STAKER) * share // 2_000
    t.pass_over({STAKER: {2: -loss}})
    assert t.equity(STAKER) == left - loss


def after_losses(
    held: Mapping[int, int], pool_nano: int, lost: Mapping[int, int]
) -> dict[int, int]:
    """The stakes that the order rule leaves: losses ascending, each from its model's stake, then
    the pool, then the other stakes ascending."""
    left = {**held, POOL: pool_nano}
    for model, payout in sorted(lost.items()):
        open_nano = -payout
        for source in (model, POOL, *sorted(held)):
            taken = min(open_nano, left.get(source, 0))
            left[source] = left.get(source, 0) - taken
            open_nano -= taken
    return {model: stake for model, stake in left.items() if stake and model != POOL}


@law(
    mine=stakes,
    pool=amounts,
    taken=st.dictionaries(models, permille),
    week=losses,
    order=st.permutations(MODELS),
)
def test_numbering_models_differently_changes_burns_by_the_order_rule_only(
    t: Tournament,
    mine: dict[int, int],
    pool: int,
    taken: dict[int, int],
    week: dict[int, int],
    order: list[int],
) -> None:
    """S35 S52 S28: what is burned, the pool, the equity, at risk and withdrawable do not know the
    numbers of the models. Each stake is the same under its new number, unless losses beyond their
    models' own stakes exceed the pool: then other stakes pay the same sum, ascending."""
    renumbered = dict(zip(MODELS, order, strict=True))

    def under_new_numbers(values: Mapping[int, int]) -> dict[int, int]:
        return {renumbered[model]: value for model, value in values.items()}

    t.stake(STAKER, mine, pool)
    t.stake(OTHER, under_new_numbers(mine), pool)
    t.passes(4, STAKER, OTHER)
    kept = {m: stake * taken.get(m, 1_000) // 1_000 for m, stake in mine.items()}
    t.set_stakes(STAKER, kept)
    t.set_stakes(OTHER, under_new_numbers(kept))
    pooled, held = t.seen(STAKER).pool_nano, t.stakes(STAKER)
    lost = shared(t.bound(STAKER), week)
    t.pass_over({STAKER: lost, OTHER: under_new_numbers(lost)})

    assert t.seen(STAKER) == t.seen(OTHER)
    assert t.stakes(STAKER) == after_losses(held, pooled, lost)
    beyond = sum(max(0, -payout - held.get(model, 0)) for model, payout in lost.items())
    if beyond <= pooled:
        assert under_new_numbers(t.stakes(STAKER)) == t.stakes(OTHER)


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
    with pytest.raises(Refused):
        t.driver.cancel_instructions(STAKER, 1)
    assert t.driver.relay([Signed(own, "staker")]) != [""]
