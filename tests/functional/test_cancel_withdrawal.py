"""cancel_withdrawal()"""

from sluice.ledger import Skip
from tests.escrow_world import FORTNIGHT, START, World, nano, refuses, set_time
from tests.messages import Withdrawal


def test_cancel_withdrawal_kills_what_was_signed_for_the_period(world: World, staker: str) -> None:
    """N12: a request can be taken back, and the next period is as ever."""
    world.stake(staker, {}, pool_nano=10)
    request, next_one = Withdrawal(staker, 4, 1), Withdrawal(staker, 4, 2)
    signatures = [world.sign(each, "staker") for each in (request, next_one)]

    world.escrow.cancel_withdrawal(sender=staker)

    assert world.events() == [("WithdrawalCancelled", {"account": staker, "period": 1})]
    assert world.pay((request, signatures[0])) == [(0, Skip.TURN_USED)]
    set_time(START + FORTNIGHT)
    assert world.pay((next_one, signatures[1])) == [(4, Skip.PAID)]


def test_cancel_withdrawal_refuses_a_turn_that_is_used(world: World, staker: str) -> None:
    world.escrow.cancel_withdrawal(sender=staker)

    with refuses("cancel_withdrawal: this period's turn is used already"):
        world.escrow.cancel_withdrawal(sender=staker)


def test_cancel_withdrawal_refuses_periods_beyond_the_counter(world: World, staker: str) -> None:
    set_time(START + 1_023 * FORTNIGHT)

    with refuses("pay: periods are at their end, use withdraw()"):
        world.escrow.cancel_withdrawal(sender=staker)


def test_cancel_withdrawal_leaves_immediate_withdrawals(world: World, staker: str) -> None:
    """S21: they never depend on the turn."""
    world.stake(staker, {}, pool_nano=10)
    world.escrow.cancel_withdrawal(sender=staker)

    with world.moves(staker=nano(4), escrow=-nano(4)):
        world.escrow.withdraw(nano(4), sender=staker)
