"""burn()"""

import boa
import pytest

from sluice.words import Entry
from tests.escrow_world import (
    FIRST_PASS,
    SUPPLY,
    World,
    deploy_world,
    nano,
    refuses,
    role_address,
)

STAKE = 10**9
LOSS = 10**8


def burned_world(world: World, account: str) -> None:
    """A round has burned some of the account's stake."""
    world.stake(account, {0: STAKE})
    world.open_rounds(account)
    world.run_pass(FIRST_PASS + 4, [Entry(account, {0: -LOSS})])


def test_burn_refuses_when_nothing_waits(world: World, stranger: str) -> None:
    with refuses("burn: nothing waits to be burned"):
        world.escrow.burn(sender=stranger)


def test_burn_refuses_a_second_time(world: World, staker: str, stranger: str) -> None:
    burned_world(world, staker)
    world.escrow.burn(sender=stranger)

    with world.unchanged(), refuses("burn: nothing waits to be burned"):
        world.escrow.burn(sender=stranger)


def test_burn_refuses_a_transfer_that_answers_false(staker: str, stranger: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/FalseToken.vy")
        burned_world(world, staker)
        world.token.set_refusing(True)

        with world.unchanged(), refuses("token: transfer failed, nothing was sent"):
            world.escrow.burn(sender=stranger)


@pytest.mark.parametrize("role", ["owner", "operator", "stranger"])
def test_burn_destroys_exactly_what_passes_have_burned(
    world: World, staker: str, role: str
) -> None:
    burned_world(world, staker)
    world.fund(1_000)
    words = world.words(staker)
    assert world.escrow.burned() == nano(LOSS)

    with world.moves(escrow=-nano(LOSS)):
        world.escrow.burn(sender=world.watched[role])

    assert world.events() == [("BurnSent", {"amount": nano(LOSS)})]
    assert world.escrow.burned() == 0
    assert world.token.totalSupply() == SUPPLY - nano(LOSS)
    assert world.escrow.reserve() == nano(1_000)
    assert world.words(staker) == words


def test_burn_reverts_whole_when_the_token_refuses_to_destroy(
    world: World, staker: str, stranger: str
) -> None:
    burned_world(world, staker)
    world.token.set_stopped(True, sender=role_address("deployer"))

    with world.unchanged(), refuses("token: transfer failed, nothing was sent"):
        world.escrow.burn(sender=stranger)

    world.token.set_stopped(False, sender=role_address("deployer"))
    world.escrow.burn(sender=stranger)
    assert world.escrow.burned() == 0


def test_burn_lets_no_call_in_while_the_token_is_called(staker: str, stranger: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/ReentrantToken.vy")
        burned_world(world, staker)
        world.token.arm(world.escrow, world.escrow.burn.prepare_calldata())

        world.escrow.burn(sender=stranger)

        assert (world.token.attempts(), world.token.successes()) == (1, 0)
        assert world.token.totalSupply() == SUPPLY - nano(LOSS)
