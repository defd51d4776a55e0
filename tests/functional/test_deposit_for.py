"""deposit_for(account, amount)"""

import boa
import pytest

from sluice.words import MAX_AMOUNT_NANO
from tests.escrow_world import (
    NANO,
    NMR,
    ZERO_ADDRESS,
    World,
    deploy_world,
    nano,
    refuses,
)


@pytest.mark.parametrize("whose", ["zero", "escrow", "token"])
def test_deposit_for_refuses_an_account_that_nobody_could_use(
    world: World, staker: str, whose: str
) -> None:
    account = {"zero": ZERO_ADDRESS, "escrow": world.escrow, "token": world.token}[whose]
    world.give(staker, NMR)

    with world.unchanged(), refuses("account: zero, the escrow or the token"):
        world.escrow.deposit_for(account, NMR, sender=staker)


def test_deposit_for_refuses_zero(world: World, staker: str, stranger: str) -> None:
    with refuses("amount: must be above zero"):
        world.escrow.deposit_for(staker, 0, sender=stranger)


def test_deposit_for_refuses_what_is_not_a_whole_nano(
    world: World, staker: str, stranger: str
) -> None:
    with refuses("amount: not a whole nano-NMR, use multiples of 10**9"):
        world.escrow.deposit_for(staker, NMR + 1, sender=stranger)


def test_deposit_for_refuses_what_does_not_fit(world: World, staker: str, stranger: str) -> None:
    world.stake(staker, {}, pool_nano=1)

    with refuses("amount: does not fit 54 bits of nano-NMR"):
        world.escrow.deposit_for(staker, nano(MAX_AMOUNT_NANO), sender=stranger)


def test_deposit_for_refuses_a_transfer_that_answers_false(staker: str, stranger: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/FalseToken.vy")
        world.give(stranger, NMR)
        world.token.set_refusing(True)

        with world.unchanged(), refuses("token: transferFrom failed, nothing was taken"):
            world.escrow.deposit_for(staker, NMR, sender=stranger)


def test_deposit_for_adds_the_senders_nmr_to_the_named_pool(
    world: World, staker: str, stranger: str
) -> None:
    world.give(stranger, NMR)

    with world.moves(stranger=-NMR, escrow=NMR):
        world.escrow.deposit_for(staker, NMR, sender=stranger)

    assert world.events() == [("Deposited", {"account": staker, "sender": stranger, "amount": NMR})]
    assert world.pool_nano(staker) == NMR // NANO
    assert world.words(stranger) == {}


def test_deposit_for_leaves_the_sender_no_hold_on_it(
    world: World, staker: str, stranger: str
) -> None:
    """S18: only its owner can spend a pool."""
    world.give(stranger, NMR)
    world.escrow.deposit_for(staker, NMR, sender=stranger)

    with refuses("withdraw: more than is withdrawable, see Lens.position()"):
        world.escrow.withdraw(NMR, sender=stranger)
