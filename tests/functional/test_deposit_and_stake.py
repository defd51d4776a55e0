"""deposit_and_stake(amount, models, stakes)"""

import boa
import pytest

from sluice.words import MAX_AMOUNT_NANO
from tests.escrow_world import NANO, NMR, World, deploy_world, nano, refuses


def test_deposit_and_stake_refuses_zero(world: World, staker: str) -> None:
    with refuses("amount: must be above zero"):
        world.escrow.deposit_and_stake(0, [0], [NMR], sender=staker)


def test_deposit_and_stake_refuses_what_is_not_a_whole_nano(world: World, staker: str) -> None:
    with refuses("amount: not a whole nano-NMR, use multiples of 10**9"):
        world.escrow.deposit_and_stake(NMR + 1, [0], [NMR], sender=staker)


def test_deposit_and_stake_refuses_what_does_not_fit_the_pool(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=1)

    with refuses("amount: does not fit 54 bits of nano-NMR"):
        world.escrow.deposit_and_stake(nano(MAX_AMOUNT_NANO), [0], [NMR], sender=staker)


@pytest.mark.parametrize(
    ("models", "stakes", "message"),
    [
        ([], [], "models: name at least one"),
        ([0, 1], [NMR], "stakes: give one for each model"),
        ([65], [NMR], "models: numbered 0 to 64"),
        ([1, 1], [0, 0], "models: must be strictly ascending"),
        ([0], [NMR + 1], "amount: not a whole nano-NMR, use multiples of 10**9"),
        ([0], [nano(MAX_AMOUNT_NANO + 1)], "amount: does not fit 54 bits of nano-NMR"),
        ([0], [NMR + NANO], "stakes: the pool holds too little, deposit first"),
    ],
)
def test_deposit_and_stake_refuses_what_set_stakes_refuses_and_takes_nothing(
    world: World, staker: str, models: list[int], stakes: list[int], message: str
) -> None:
    world.give(staker, NMR)

    with world.unchanged(), refuses(message):
        world.escrow.deposit_and_stake(NMR, models, stakes, sender=staker)


def test_deposit_and_stake_refuses_a_transfer_that_answers_false(staker: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/FalseToken.vy")
        world.give(staker, NMR)
        world.token.set_refusing(True)

        with world.unchanged(), refuses("token: transferFrom failed, nothing was taken"):
            world.escrow.deposit_and_stake(NMR, [0], [NMR], sender=staker)


def test_deposit_and_stake_does_both(world: World, staker: str, other_staker: str) -> None:
    """S53: the common task takes one transaction."""
    world.stake(other_staker, {0: 5}, pool_nano=7)
    others = world.words(other_staker)
    world.give(staker, 10 * NMR)

    with world.moves(staker=-10 * NMR, escrow=10 * NMR):
        world.escrow.deposit_and_stake(10 * NMR, [0, 5], [2 * NMR, 3 * NMR], sender=staker)

    assert world.events() == [
        ("Deposited", {"account": staker, "sender": staker, "amount": 10 * NMR}),
        (
            "StakesSet",
            {"account": staker, "stakes": [2 * 10**9, 5 << 54 | 3 * 10**9]},
        ),
    ]
    assert world.stakes_nano(staker) == {0: 2 * 10**9, 5: 3 * 10**9}
    assert world.pool_nano(staker) == 5 * 10**9
    assert world.words(other_staker) == others


def test_deposit_and_stake_may_stake_more_than_it_brings(world: World, staker: str) -> None:
    world.stake(staker, {1: 10}, pool_nano=20)
    world.give(staker, nano(5))

    world.escrow.deposit_and_stake(nano(5), [0, 1], [nano(30), nano(5)], sender=staker)

    assert (world.pool_nano(staker), world.stakes_nano(staker)) == (0, {0: 30, 1: 5})


@pytest.mark.parametrize(("deposited", "staked", "due_left"), [(5, 5, 6), (5, 12, 6), (5, 15, 3)])
def test_deposit_and_stake_looks_at_the_pool_with_the_deposit_in_it(
    world: World, staker: str, deposited: int, staked: int, due_left: int
) -> None:
    """S5: new NMR goes onto the models before anything that is due does."""
    world.stake(staker, {}, pool_nano=13)
    world.put_due(staker, 6)
    world.give(staker, nano(deposited))

    world.escrow.deposit_and_stake(nano(deposited), [3], [nano(staked)], sender=staker)

    assert world.pool_nano(staker) == 13 + deposited - staked
    assert world.due_nano(staker) == due_left
