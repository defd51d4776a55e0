"""set_stakes(models, stakes)"""

import pytest

from sluice.words import MAX_AMOUNT_NANO, POOL, SPLIT_PLACE, Entry, unpack_account
from tests.escrow_world import FIRST_PASS, MAX, NMR, World, nano, refuses


def test_set_stakes_refuses_an_empty_list(world: World, staker: str) -> None:
    with refuses("models: name at least one"):
        world.escrow.set_stakes([], [], sender=staker)


@pytest.mark.parametrize(("models", "stakes"), [([0], []), ([0], [0, 0]), ([0, 1], [0])])
def test_set_stakes_refuses_lists_of_unequal_length(
    world: World, staker: str, models: list[int], stakes: list[int]
) -> None:
    with refuses("stakes: give one for each model"):
        world.escrow.set_stakes(models, stakes, sender=staker)


@pytest.mark.parametrize("model", [65, 254, 2**202, 2**202 + 5, 2**255 + 64, MAX])
def test_set_stakes_refuses_a_model_above_64(world: World, staker: str, model: int) -> None:
    with refuses("models: numbered 0 to 64"):
        world.escrow.set_stakes([0, model], [0, 0], sender=staker)


@pytest.mark.parametrize("models", [[1, 0], [0, 0], [5, 6, 6], [64, 63], [64, 64]])
def test_set_stakes_refuses_models_that_do_not_ascend(
    world: World, staker: str, models: list[int]
) -> None:
    with refuses("models: must be strictly ascending"):
        world.escrow.set_stakes(models, [0] * len(models), sender=staker)


def test_set_stakes_refuses_what_is_not_a_whole_nano(world: World, staker: str) -> None:
    with refuses("amount: not a whole nano-NMR, use multiples of 10**9"):
        world.escrow.set_stakes([0], [1], sender=staker)


def test_set_stakes_refuses_a_stake_that_does_not_fit(world: World, staker: str) -> None:
    with refuses("amount: does not fit 54 bits of nano-NMR"):
        world.escrow.set_stakes([0], [nano(MAX_AMOUNT_NANO + 1)], sender=staker)


@pytest.mark.parametrize("models", [[0], [0, 1, 64], [4, 5]])
def test_set_stakes_refuses_more_than_the_pool_holds(
    world: World, staker: str, models: list[int]
) -> None:
    world.stake(staker, {0: 100, 4: 100}, pool_nano=50)
    stakes = [0] * len(models)
    stakes[-1] = nano(251)

    with world.unchanged(), refuses("stakes: the pool holds too little, deposit first"):
        world.escrow.set_stakes(models, stakes, sender=staker)


def test_set_stakes_moves_stake_between_own_models_at_once(
    world: World, staker: str, other_staker: str
) -> None:
    """S1 S31: one call moves stake between own models and makes no contract; S13: no token
    moves."""
    world.stake(other_staker, {0: 5, 9: 5}, pool_nano=7)
    others = world.words(other_staker)
    world.stake(staker, {0: 100, 4: 200, 5: 300, 64: 400}, pool_nano=50)

    with world.moves():
        world.escrow.set_stakes([0, 4, 5, 63], [0, nano(210), nano(10), nano(430)], sender=staker)

    assert world.events() == [
        (
            "StakesSet",
            {
                "account": staker,
                "stakes": [0, 4 << 54 | 210, 5 << 54 | 10, 63 << 54 | 430],
            },
        )
    ]
    assert world.stakes_nano(staker) == {4: 210, 5: 10, 63: 430, 64: 400}
    assert world.pool_nano(staker) == 0
    assert world.words(other_staker) == others


def test_set_stakes_sets_all_65_models_in_one_call(world: World, staker: str) -> None:
    """S30 S50: N changes in one transaction."""
    world.stake(staker, {}, pool_nano=3_000)
    models = list(range(65))

    world.escrow.set_stakes(models, [nano(model + 1) for model in models], sender=staker)

    assert world.stakes_nano(staker) == {model: model + 1 for model in models}
    assert world.pool_nano(staker) == 3_000 - sum(range(66))


def test_set_stakes_never_lowers_the_highest_page_and_zero_raises_none(
    world: World, staker: str
) -> None:
    world.stake(staker, {}, pool_nano=100)

    world.escrow.set_stakes([0, 60], [nano(1), 0], sender=staker)
    assert unpack_account(world.words(staker)[0]).pages == 0

    world.escrow.set_stakes([9], [nano(1)], sender=staker)
    assert unpack_account(world.words(staker)[0]).pages == 3

    world.escrow.set_stakes([9], [0], sender=staker)
    assert unpack_account(world.words(staker)[0]).pages == 3


def test_set_stakes_stakes_what_open_rounds_lock(world: World, staker: str) -> None:
    """S3 S46: locked NMR can be staked again at any time and counts in the next round."""
    stake = 10 * 10**9
    world.stake(staker, {0: stake})
    world.open_rounds(staker)
    world.escrow.set_stakes([0], [0], sender=staker)
    assert world.withdrawable_nano(staker) < stake // 1_000

    world.escrow.set_stakes([7], [nano(stake)], sender=staker)
    world.run_pass(FIRST_PASS + 4, [Entry(staker)])

    assert world.stakes_nano(staker) == {7: stake}
    bounds = [risk.bound for risk in world.lens.risks_of(staker)]
    assert bounds[-1] == bounds[0] >= nano(stake) // 4


def test_set_stakes_keeps_what_is_at_risk(world: World, staker: str) -> None:
    world.stake(staker, {0: NMR // 10**9})
    world.run_pass(FIRST_PASS, [Entry(staker)])
    at_risk = world.at_risk_nano(staker)

    world.escrow.set_stakes([0, 1], [0, NMR], sender=staker)
    assert world.at_risk_nano(staker) == at_risk
    world.escrow.set_stakes([1], [0], sender=staker)

    assert world.at_risk_nano(staker) == at_risk


def test_set_stakes_decreased_then_increased_is_the_smaller_decrease(
    world: World, staker: str
) -> None:
    """N4 S47 S48: between two passes a decrease of 5 and an increase of 2 is a decrease of 3, word
    for word."""
    world.stake(staker, {0: 10}, pool_nano=1)
    world.run_pass(FIRST_PASS, [Entry(staker)])

    world.escrow.set_stakes([0], [nano(5)], sender=staker)
    world.escrow.set_stakes([0], [nano(7)], sender=staker)
    after_detour = world.words(staker)

    world.escrow.set_stakes([0], [nano(10)], sender=staker)
    world.escrow.set_stakes([0], [nano(7)], sender=staker)

    assert world.words(staker) == after_detour


@pytest.mark.parametrize(
    ("stakes", "due_left"),
    [({0: 18}, 6), ({0: 19}, 5), ({3: 7}, 6), ({3: 10}, 3), ({0: 24}, 0), ({0: 0}, 6)],
)
def test_set_stakes_lowers_what_is_due_only_as_far_as_the_pool(
    world: World, staker: str, stakes: dict[int, int], due_left: int
) -> None:
    """S5 S46: what is due may be staked; whatever else is in the pool goes first."""
    world.stake(staker, {0: 11}, pool_nano=13)
    world.put_due(staker, 6)

    world.escrow.set_stakes(list(stakes), [nano(stake) for stake in stakes.values()], sender=staker)

    assert world.due_nano(staker) == due_left
    assert world.pool_nano(staker) + sum(world.stakes_nano(staker).values()) == 24


def test_set_stakes_looks_at_the_pool_after_the_whole_call(world: World, staker: str) -> None:
    """Once a call, on the net pool: what moves between models leaves what is due alone."""
    world.stake(staker, {0: 11, 9: 4}, pool_nano=6)
    world.put_due(staker, 6)

    world.escrow.set_stakes([0, 4, 9], [nano(13), nano(2), 0], sender=staker)
    assert world.due_nano(staker) == 6
    # in two calls the first one takes it: the one way in which the order of steps counts
    world.escrow.set_stakes([4], [nano(8)], sender=staker)
    world.escrow.set_stakes([4], [nano(2)], sender=staker)
    assert (world.pool_nano(staker), world.due_nano(staker)) == (6, 0)


def test_set_stakes_keeps_splits_and_their_flags(world: World, staker: str) -> None:
    world.stake(staker, {0: 11, 9: 4}, pool_nano=6)
    for model in (0, 9, 10):
        world.escrow.set_split(model, [POOL], [10_000], sender=staker)
    before = world.words(staker)

    world.escrow.set_stakes([0, 9, 10], [0, nano(8), nano(1)], sender=staker)

    after = world.words(staker)
    assert [after[SPLIT_PLACE + model] for model in (0, 9, 10)] == [
        before[SPLIT_PLACE + model] for model in (0, 9, 10)
    ]
    assert after[3] == 8 | 1 << 54 | 0b11 << 216
    assert after[0] >> 254 == 1
