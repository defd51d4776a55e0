"""fund(amount)"""

import boa

from tests.escrow_world import MAX_AMOUNT_NANO, NMR, World, deploy_world, nano, refuses


def test_fund_refuses_zero(world: World, stranger: str) -> None:
    with refuses("amount: must be above zero"):
        world.escrow.fund(0, sender=stranger)


def test_fund_refuses_what_is_not_a_whole_nano(world: World, stranger: str) -> None:
    with refuses("amount: not a whole nano-NMR, use multiples of 10**9"):
        world.escrow.fund(NMR + 1, sender=stranger)


def test_fund_refuses_what_does_not_fit(world: World, stranger: str) -> None:
    with refuses("amount: does not fit 54 bits of nano-NMR"):
        world.escrow.fund(nano(MAX_AMOUNT_NANO + 1), sender=stranger)


def test_fund_refuses_a_transfer_that_answers_false(stranger: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/FalseToken.vy")
        world.give(stranger, NMR)
        world.token.set_refusing(True)

        with world.unchanged(), refuses("token: transferFrom failed, nothing was taken"):
            world.escrow.fund(NMR, sender=stranger)


def test_fund_adds_to_the_reserve_whoever_sends_it(
    world: World, staker: str, stranger: str
) -> None:
    world.stake(staker, {0: 5}, pool_nano=7)
    words = world.words(staker)
    world.give(stranger, 2 * NMR)
    world.escrow.fund(NMR, sender=stranger)

    with world.moves(stranger=-NMR, escrow=NMR):
        world.escrow.fund(NMR, sender=stranger)

    assert world.events() == [("ReserveFunded", {"sender": stranger, "amount": NMR})]
    assert world.escrow.reserve() == 2 * NMR
    assert world.words(staker) == words
    assert world.words(stranger) == {}
