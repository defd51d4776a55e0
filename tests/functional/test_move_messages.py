"""accept_move(account) and what was signed before it: instructions, withdrawals, turns"""

import pytest

from sluice.ledger import Skip
from tests.escrow_world import MAX, PLAYED, STAKE, World, nano, refuses, role_address
from tests.messages import Instruction, Move, Withdrawal, packed_by_key
from tests.moving import NEW, OLD, furnished_world, next_period, sign, world_period


@pytest.fixture
def furnished(world: World) -> World:
    """An account with some of everything, the old one, beside another."""
    return furnished_world(world)


def test_what_the_old_address_signed_before_is_dead(opened: World) -> None:
    """N19: neither of the two accounts is changed by it, for a nonce to come neither."""
    signed = [opened.signed(Instruction(OLD, number, {0: 0}), "staker") for number in (0, 1, 999)]
    opened.move(OLD, NEW)
    opened.stake(OLD, {0: STAKE})

    for each in signed:
        assert opened.relay(each) == (0, {OLD: "instruction: its nonce is used or cancelled"})

    assert opened.stakes_nano(OLD) == opened.stakes_nano(NEW) == {0: STAKE}


def test_what_the_new_address_signed_before_is_about_the_account_that_moved_in(
    opened: World,
) -> None:
    """Its nonce is its own: whoever signs for an address answers for what is there then."""
    signed = opened.signed(Instruction(NEW, 0, {0: STAKE // 2}), "stranger")
    opened.move(OLD, NEW)

    assert opened.relay(signed) == (1, {})
    assert opened.stakes_nano(NEW) == {0: STAKE // 2}


def test_a_withdrawal_that_the_old_address_signed_takes_nothing_of_the_new_one(
    opened: World,
) -> None:
    opened.stake(OLD, {}, pool_nano=4 * STAKE)
    asked = Withdrawal(OLD, None, world_period(opened))
    signed = (asked, sign(opened, asked))
    opened.move(OLD, NEW)

    with opened.moves():
        assert opened.pay(signed) == [(0, Skip.NOTHING_WITHDRAWABLE)]
    assert opened.pool_nano(NEW) == 4 * STAKE


def test_an_unused_withdrawal_of_the_old_address_stays_and_pays_only_the_old_address(
    opened: World,
) -> None:
    """Its nonce is its turn, which a move does not use up: what is put at the old address later can
    be paid by it until its deadline, to that address."""
    asked = Withdrawal(OLD, None, world_period(opened))
    signed = (asked, sign(opened, asked))
    opened.move(OLD, NEW)
    opened.stake(OLD, {}, pool_nano=9)

    with opened.moves(escrow=-nano(9), staker=nano(9)):
        assert opened.pay(signed) == [(9, Skip.PAID)]
    assert opened.stakes_nano(NEW) == {0: STAKE}


def test_a_withdrawal_that_the_new_address_signed_before_takes_of_the_account_that_moved_in(
    opened: World,
) -> None:
    """All that is withdrawable means all that is there then."""
    opened.stake(OLD, {}, pool_nano=4 * STAKE)
    asked = Withdrawal(NEW, None, world_period(opened))
    signed = (asked, sign(opened, asked))
    opened.move(OLD, NEW)

    with opened.moves(escrow=-nano(4 * STAKE), stranger=nano(4 * STAKE)):
        assert opened.pay(signed) == [(4 * STAKE, Skip.PAID)]


def test_a_move_that_the_new_address_signed_before_takes_the_account_on(opened: World) -> None:
    """Its nonce is the new address's own, which a move onto it leaves as it is."""
    third = role_address("operator")
    onwards = Move(NEW, third)
    signatures = [packed_by_key(opened.sign(onwards, role)) for role in ("stranger", "operator")]
    opened.move(OLD, NEW)

    opened.relay_move(onwards, *signatures)

    assert opened.stakes_nano(third) == {0: STAKE}


def test_a_used_turn_is_used_at_both_addresses(furnished: World) -> None:
    """S20: no second free withdrawal in a fortnight by moving, back neither; a request that was
    paid once is never paid again."""
    period = world_period(furnished)
    paid = Withdrawal(OLD, 1, period)
    used = (paid, sign(furnished, paid))
    furnished.move(OLD, NEW)
    furnished.stake(OLD, {}, pool_nano=9)
    again = Withdrawal(NEW, 1, period)

    assert furnished.pay(used) == [(0, Skip.TURN_USED)]
    assert furnished.pay((again, sign(furnished, again))) == [(0, Skip.TURN_USED)]
    assert furnished.pay(due=[NEW]) == [(0, Skip.TURN_USED)]
    furnished.run_pass(PLAYED, [])
    next_period(furnished)
    assert furnished.pay(used) == [(0, Skip.TURN_USED)]
    assert furnished.pay(due=[NEW]) == [(2, Skip.PAID)]


def test_the_new_address_withdraws_to_itself(opened: World) -> None:
    """N19: NMR leaves an account only to the account's own address, which is the new one now."""
    opened.move(OLD, NEW)
    opened.escrow.leave(sender=NEW)
    opened.run_passes(PLAYED, PLAYED + 3, NEW)

    with opened.moves(escrow=-nano(STAKE), stranger=nano(STAKE)):
        opened.escrow.withdraw(MAX, sender=NEW)
    with refuses("withdraw: nothing is withdrawable yet, see Lens.schedule()"):
        opened.escrow.withdraw(MAX, sender=OLD)
