"""What participants are promised, as laws on the ledger and on the contract alike: what
is due, earnings and burns.

Where a law compares two ways of doing something, two accounts of one escrow go them side by side,
through the same passes."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from sluice.account import Split
from sluice.ledger import ALL, Skip
from sluice.parameters import BPS, PERIOD_S
from sluice.words import POOL, WALLET
from tests.drawing import MODELS, U, amounts, losses, models, payouts, permille, splits, stakes
from tests.drivers import Request
from tests.tournament import (
    OTHER,
    STAKER,
    Tournament,
    law,
    parts,
    portions,
    shared,
)

pytestmark = pytest.mark.usefixtures("deployed")


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
