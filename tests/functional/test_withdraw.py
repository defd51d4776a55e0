"""withdraw(amount)"""

import boa
import pytest

from sluice.ledger import Skip
from sluice.words import MAX_AMOUNT_NANO, Entry, unpack_account
from tests.escrow_world import (
    FIRST_PASS,
    MAX,
    NMR,
    World,
    deploy_world,
    nano,
    refuses,
    role_address,
    set_time,
)

TEN_NANO = 10 * 10**9


def test_withdraw_refuses_zero(world: World, staker: str) -> None:
    with refuses("amount: must be above zero"):
        world.escrow.withdraw(0, sender=staker)


def test_withdraw_refuses_what_is_not_a_whole_nano(world: World, staker: str) -> None:
    with refuses("amount: not a whole nano-NMR, use multiples of 10**9"):
        world.escrow.withdraw(MAX - 1, sender=staker)


def test_withdraw_refuses_what_does_not_fit(world: World, staker: str) -> None:
    with refuses("amount: does not fit 54 bits of nano-NMR"):
        world.escrow.withdraw(nano(MAX_AMOUNT_NANO + 1), sender=staker)


def test_withdraw_refuses_all_of_nothing(world: World, staker: str) -> None:
    world.stake(staker, {0: 5})

    with refuses("withdraw: nothing is withdrawable yet, see Lens.schedule()"):
        world.escrow.withdraw(MAX, sender=staker)


def test_withdraw_refuses_more_than_the_pool(world: World, staker: str) -> None:
    world.stake(staker, {0: 5}, pool_nano=7)

    with refuses("withdraw: more than is withdrawable, see Lens.position()"):
        world.escrow.withdraw(nano(8), sender=staker)


def test_withdraw_refuses_what_open_rounds_lock(world: World, staker: str) -> None:
    """N2: a withdrawal never takes equity below what is at risk."""
    world.stake(staker, {0: TEN_NANO})
    world.run_pass(FIRST_PASS, [Entry(staker)])
    world.escrow.leave(sender=staker)
    free = TEN_NANO - world.at_risk_nano(staker)
    assert world.withdrawable_nano(staker) == free

    with refuses("withdraw: more than is withdrawable, see Lens.position()"):
        world.escrow.withdraw(nano(free + 1), sender=staker)

    world.escrow.withdraw(nano(free), sender=staker)
    assert world.withdrawable_nano(staker) == 0


def test_withdraw_refuses_a_transfer_that_answers_false(staker: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/FalseToken.vy")
        world.stake(staker, {}, pool_nano=7)
        world.token.set_refusing(True)

        with world.unchanged(), refuses("token: transfer failed, nothing was sent"):
            world.escrow.withdraw(nano(7), sender=staker)


def test_withdraw_pays_the_caller_and_nothing_else_moves(
    world: World, staker: str, other_staker: str
) -> None:
    """S21: an immediate withdrawal."""
    world.stake(other_staker, {0: 5}, pool_nano=7)
    world.stake(staker, {0: 11}, pool_nano=13)
    others = world.words(other_staker)

    with world.moves(staker=nano(4), escrow=-nano(4)):
        assert world.escrow.withdraw(nano(4), sender=staker) == nano(4)

    assert world.events() == [("Withdrawn", {"account": staker, "amount": nano(4)})]
    assert (world.pool_nano(staker), world.stakes_nano(staker)) == (9, {0: 11})
    assert world.words(other_staker) == others


def test_withdraw_pays_all_that_is_withdrawable_at_the_maximum_value(
    world: World, staker: str
) -> None:
    world.stake(staker, {0: 11}, pool_nano=13)

    with world.moves(staker=nano(13), escrow=-nano(13)):
        assert world.escrow.withdraw(MAX, sender=staker) == nano(13)

    assert world.events() == [("Withdrawn", {"account": staker, "amount": nano(13)})]
    assert (world.pool_nano(staker), world.stakes_nano(staker)) == (0, {0: 11})


def test_withdraw_works_many_times_a_day_and_keeps_the_free_turn(world: World, staker: str) -> None:
    """S21: any number of immediate withdrawals, and they do not use up the free one."""
    world.stake(staker, {}, pool_nano=13)

    for _ in range(5):
        world.escrow.withdraw(nano(2), sender=staker)

    assert unpack_account(world.words(staker)[0]).period == 0
    assert world.pool_nano(staker) == 3


def test_withdraw_frees_a_quarter_of_a_decrease_with_each_pass(world: World, staker: str) -> None:
    """S27 S45: of 10 staked, 5 taken out are out after four passes, a quarter with each."""
    world.stake(staker, {0: TEN_NANO})
    world.open_rounds(staker)
    world.escrow.set_stakes([0], [nano(TEN_NANO // 2)], sender=staker)
    assert world.withdrawable_nano(staker) <= 4 * 2**18

    out = 0
    for index, round_number in enumerate(range(FIRST_PASS + 4, FIRST_PASS + 8)):
        world.run_pass(round_number, [Entry(staker)])
        free = world.withdrawable_nano(staker)
        quarter = TEN_NANO // 8 * (index + 1)
        assert quarter - 2**18 <= out + free <= quarter + 4 * 2**18
        if free:
            out += world.escrow.withdraw(MAX, sender=staker) // 10**9

    assert out == TEN_NANO // 2
    assert world.stakes_nano(staker) == {0: TEN_NANO // 2}


def test_withdraw_needs_nobody_else_once_the_rounds_have_lapsed(world: World, staker: str) -> None:
    """S40 N6: with the operator gone for good everything is out within four weeks and the grace."""
    world.stake(staker, {0: TEN_NANO, 9: TEN_NANO})
    world.open_rounds(staker)
    # announced and never resolved: nothing of that stands in the way
    world.announce(FIRST_PASS + 4, [b""])
    world.escrow.leave(sender=staker)

    last_deadline = world.parameters.deadline(FIRST_PASS + 7)
    set_time(last_deadline)
    assert world.withdrawable_nano(staker) < 2 * TEN_NANO
    set_time(last_deadline + 1)

    assert world.escrow.withdraw(MAX, sender=staker) == nano(2 * TEN_NANO)
    assert world.token.balanceOf(staker) == nano(2 * TEN_NANO)


def test_withdraw_works_when_rounds_and_periods_have_reached_their_end(
    world: World, staker: str
) -> None:
    world.stake(staker, {0: 5}, pool_nano=7)
    set_time(world.pass_time(FIRST_PASS + 3_000))

    world.escrow.set_stakes([0], [nano(6)], sender=staker)
    world.escrow.leave(sender=staker)

    assert world.escrow.withdraw(MAX, sender=staker) == nano(12)


def test_withdraw_lets_no_call_in_while_the_token_is_called(staker: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/ReentrantToken.vy")
        world.stake(staker, {}, pool_nano=13)
        world.give(str(world.token.address), NMR)
        world.escrow.deposit_for(role_address("stranger"), nano(1), sender=world.token.address)
        payload = world.escrow.withdraw.prepare_calldata(MAX)
        world.token.arm(world.escrow, payload)

        with world.moves(staker=nano(4), escrow=-nano(4)):
            world.escrow.withdraw(nano(4), sender=staker)

        assert (world.token.attempts(), world.token.successes()) == (1, 0)
        assert world.pool_nano(staker) == 9


@pytest.mark.parametrize("view", ["word", "reserve"])
def test_withdraw_shows_no_half_written_state_to_a_view(staker: str, view: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/ReentrantToken.vy")
        world.stake(staker, {}, pool_nano=13)
        arguments = () if view == "reserve" else (int(staker, 16),)
        world.token.arm(world.escrow, getattr(world.escrow, view).prepare_calldata(*arguments))

        world.escrow.withdraw(nano(4), sender=staker)

        assert (world.token.attempts(), world.token.successes()) == (1, 0)


# --- what is due ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "due_left"), [(1, 5), (5, 1), (6, 0), (7, 0), (13, 0), (None, 0)]
)
def test_withdraw_uses_up_what_is_due_first(
    world: World, staker: str, amount: int | None, due_left: int
) -> None:
    """S5: what is due can be had at once as well, and is not paid twice."""
    world.stake(staker, {0: 11}, pool_nano=13)
    world.put_due(staker, 6)
    paid = 13 if amount is None else amount

    with world.moves(staker=nano(paid), escrow=-nano(paid)):
        world.escrow.withdraw(MAX if amount is None else nano(amount), sender=staker)

    assert (world.pool_nano(staker), world.due_nano(staker)) == (13 - paid, due_left)
    assert world.events() == [("Withdrawn", {"account": staker, "amount": nano(paid)})]
    if due_left:
        assert world.pay(due=[staker]) == [(due_left, Skip.PAID)]
    else:
        assert world.pay(due=[staker]) == [(0, Skip.NOTHING_DUE)]


def test_withdraw_pays_what_is_due_whatever_is_at_risk(world: World, staker: str) -> None:
    """S11: W = min(P, max(D, C - L)); not a nano beside what is due."""
    world.stake(staker, {0: TEN_NANO})
    world.open_rounds(staker)
    world.escrow.leave(sender=staker)
    world.escrow.withdraw(MAX, sender=staker)
    world.put_due(staker, 1_000)
    assert world.withdrawable_nano(staker) == 1_000

    with world.unchanged(), refuses("withdraw: more than is withdrawable, see Lens.position()"):
        world.escrow.withdraw(nano(1_001), sender=staker)
    assert world.escrow.withdraw(nano(400), sender=staker) == nano(400)
    assert world.escrow.withdraw(MAX, sender=staker) == nano(600)

    assert (world.due_nano(staker), world.withdrawable_nano(staker)) == (0, 0)


def test_withdraw_of_what_is_due_keeps_the_free_turn(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=13)
    world.put_due(staker, 6)

    world.escrow.withdraw(nano(2), sender=staker)

    assert world.pay(due=[staker]) == [(4, Skip.PAID)]
    assert world.pool_nano(staker) == 7
