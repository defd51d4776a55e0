"""withdraw_reserve(amount)"""

import boa
import pytest

from tests.escrow_world import (
    FIRST_PASS,
    MAX_AMOUNT_NANO,
    NMR,
    World,
    deploy_world,
    nano,
    refuses,
)


@pytest.mark.parametrize("role", ["operator", "guardian", "stranger"])
def test_withdraw_reserve_refuses_everybody_but_the_owner(world: World, role: str) -> None:
    world.fund(100)

    with refuses("ownable: caller is not the owner"):
        world.escrow.withdraw_reserve(nano(1), sender=world.watched[role])


def test_withdraw_reserve_refuses_zero(world: World, owner: str) -> None:
    with refuses("amount: must be above zero"):
        world.escrow.withdraw_reserve(0, sender=owner)


def test_withdraw_reserve_refuses_what_is_not_a_whole_nano(world: World, owner: str) -> None:
    with refuses("amount: not a whole nano-NMR, use multiples of 10**9"):
        world.escrow.withdraw_reserve(1, sender=owner)


def test_withdraw_reserve_refuses_what_does_not_fit(world: World, owner: str) -> None:
    with refuses("amount: does not fit 54 bits of nano-NMR"):
        world.escrow.withdraw_reserve(nano(MAX_AMOUNT_NANO + 1), sender=owner)


def test_withdraw_reserve_refuses_from_an_announcement_to_the_end_of_its_round(
    world: World, owner: str, stranger: str
) -> None:
    world.fund(100)
    links = [b"", b""]
    chain = world.announce(FIRST_PASS, links)
    message = "withdraw_reserve: wait for the end of the announced round"

    with world.unchanged(), refuses(message):
        world.escrow.withdraw_reserve(nano(1), sender=owner)
    world.past_window()
    world.escrow.resolve(FIRST_PASS, links[:1], chain[1], sender=stranger)
    with refuses(message):
        world.escrow.withdraw_reserve(nano(1), sender=owner)
    world.escrow.resolve(FIRST_PASS, links[1:], chain[2], sender=stranger)

    world.escrow.withdraw_reserve(nano(1), sender=owner)
    assert world.escrow.reserve() == nano(99)


def test_withdraw_reserve_refuses_more_than_the_reserve(
    world: World, owner: str, staker: str
) -> None:
    """The NMR of the accounts lies in the same balance and is out of reach."""
    world.stake(staker, {0: 500}, pool_nano=500)
    world.fund(100)

    with world.unchanged(), refuses("withdraw_reserve: more than the reserve holds"):
        world.escrow.withdraw_reserve(nano(101), sender=owner)


def test_withdraw_reserve_refuses_a_transfer_that_answers_false(owner: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/FalseToken.vy")
        world.fund(100)
        world.token.set_refusing(True)

        with world.unchanged(), refuses("token: transfer failed, nothing was sent"):
            world.escrow.withdraw_reserve(nano(100), sender=owner)


def test_withdraw_reserve_pays_the_owner(world: World, owner: str, staker: str) -> None:
    world.stake(staker, {0: 5}, pool_nano=7)
    words = world.words(staker)
    world.fund(NMR // 10**9)

    with world.moves(owner=NMR, escrow=-NMR):
        world.escrow.withdraw_reserve(NMR, sender=owner)

    assert world.events() == [("ReserveWithdrawn", {"owner": owner, "amount": NMR})]
    assert world.escrow.reserve() == 0
    assert world.words(staker) == words
