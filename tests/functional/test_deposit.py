"""deposit(amount)"""

import boa
import pytest

from sluice.words import MAX_AMOUNT_NANO
from tests.escrow_world import (
    MAX,
    NANO,
    NMR,
    World,
    deploy_world,
    nano,
    refuses,
    role_address,
)


def test_deposit_refuses_zero(world: World, staker: str) -> None:
    with refuses("amount: must be above zero"):
        world.escrow.deposit(0, sender=staker)


@pytest.mark.parametrize("amount", [1, NANO - 1, NANO + 1, MAX])
def test_deposit_refuses_what_is_not_a_whole_nano(world: World, staker: str, amount: int) -> None:
    with refuses("amount: not a whole nano-NMR, use multiples of 10**9"):
        world.escrow.deposit(amount, sender=staker)


def test_deposit_refuses_what_does_not_fit_alone(world: World, staker: str) -> None:
    with refuses("amount: does not fit 54 bits of nano-NMR"):
        world.escrow.deposit(nano(MAX_AMOUNT_NANO + 1), sender=staker)


def test_deposit_refuses_what_does_not_fit_the_pool(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=1)

    with refuses("amount: does not fit 54 bits of nano-NMR"):
        world.escrow.deposit(nano(MAX_AMOUNT_NANO), sender=staker)


@pytest.mark.parametrize("short_of", ["allowance", "balance"])
def test_deposit_reverts_with_too_little_approved_or_held(
    world: World, staker: str, short_of: str
) -> None:
    world.give(staker, NMR)
    if short_of == "allowance":
        world.token.approve(world.escrow, 0, sender=staker)

    with world.unchanged(), refuses(""):
        world.escrow.deposit(2 * NMR, sender=staker)


@pytest.mark.parametrize("token", ["test/FalseToken.vy", "test/StandInNmr.vy"])
def test_deposit_refuses_a_transfer_that_answers_false(staker: str, token: str) -> None:
    with boa.env.anchor():
        world = deploy_world(token)
        world.give(staker, NMR)
        if token == "test/FalseToken.vy":
            world.token.set_refusing(True)
        else:
            world.token.set_stopped(True, sender=role_address("deployer"))

        with world.unchanged(), refuses("token: transferFrom failed, nothing was taken"):
            world.escrow.deposit(NMR, sender=staker)


def test_deposit_adds_to_the_pool_and_to_nothing_else(
    world: World, staker: str, other_staker: str
) -> None:
    """S18 S19: everything unallocated gathers in the account's pool."""
    world.stake(other_staker, {0: 5}, pool_nano=7)
    world.stake(staker, {3: 11}, pool_nano=13)
    world.give(staker, NMR)
    others = world.words(other_staker)

    with world.moves(staker=-NMR, escrow=NMR):
        world.escrow.deposit(NMR, sender=staker)

    assert world.events() == [("Deposited", {"account": staker, "sender": staker, "amount": NMR})]
    assert world.pool_nano(staker) == 13 + NMR // NANO
    assert world.stakes_nano(staker) == {3: 11}
    assert world.words(other_staker) == others


def test_deposit_takes_the_smallest_and_the_largest_amount(world: World, staker: str) -> None:
    world.give(staker, NMR)
    world.escrow.deposit(nano(1), sender=staker)
    assert world.pool_nano(staker) == 1

    # more than the whole supply: only the token stands in the way
    with refuses(""):
        world.escrow.deposit(nano(MAX_AMOUNT_NANO - 1), sender=staker)


def test_deposit_is_withdrawable_at_once(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=17)

    assert world.withdrawable_nano(staker) == 17


def test_deposit_lets_no_call_in_while_the_token_is_called(staker: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/ReentrantToken.vy")
        world.give(staker, 2 * NMR)
        world.token.arm(world.escrow, world.escrow.leave.prepare_calldata())

        world.escrow.deposit(NMR, sender=staker)

        assert (world.token.attempts(), world.token.successes()) == (1, 0)
        assert world.pool_nano(staker) == NMR // NANO
