"""pay(requests, due_accounts, signatures) of what is due"""

import boa
import pytest

from sluice.ledger import Skip
from sluice.words import SPLIT_PLACE, WALLET, unpack_account, unpack_split
from tests.escrow_world import (
    FORTNIGHT,
    MAX,
    START,
    ZERO_ADDRESS,
    World,
    deploy_world,
    item,
    nano,
    set_time,
)
from tests.gas_limits import REVERTED, outcomes
from tests.messages import Withdrawal


def test_pay_pays_what_is_due_without_a_signature_and_uses_the_turn(
    world: World, staker: str, other_staker: str
) -> None:
    """S5 S11: a standing order, paid as it is and to the own address."""
    world.stake(other_staker, {0: 5}, pool_nano=7)
    world.put_due(other_staker, 7)
    others = world.words(other_staker)
    world.stake(staker, {0: 11}, pool_nano=13)
    world.put_due(staker, 6)

    with world.moves(staker=nano(6), escrow=-nano(6)):
        assert world.pay(due=[staker]) == [(6, Skip.PAID)]

    assert world.events() == [
        (
            "FreeWithdrawals",
            {"period": 1, "items": [item(staker, 6, Skip.PAID)], "time": START},
        )
    ]
    assert (world.pool_nano(staker), world.stakes_nano(staker)) == (7, {0: 11})
    assert (world.due_nano(staker), world.period(staker)) == (0, 1)
    assert world.words(other_staker) == others


def test_pay_pays_what_is_due_whatever_is_at_risk(world: World, staker: str) -> None:
    """S11: due is never locked."""
    world.stake(staker, {0: 10**9})
    world.open_rounds(staker)
    world.escrow.leave(sender=staker)
    world.escrow.withdraw(MAX, sender=staker)
    locked = world.pool_nano(staker)
    assert world.withdrawable_nano(staker) == 0
    world.put_due(staker, locked)

    with world.moves(staker=nano(locked), escrow=-nano(locked)):
        assert world.pay(due=[staker]) == [(locked, Skip.PAID)]


def test_pay_pays_what_is_due_once_a_period(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=13)
    world.put_due(staker, 6)

    assert world.pay(due=[staker, staker]) == [(6, Skip.PAID), (0, Skip.TURN_USED)]
    world.put_due(staker, 5)
    with world.unchanged():
        assert world.pay(due=[staker]) == [(0, Skip.TURN_USED)]
    set_time(START + FORTNIGHT)
    assert world.pay(due=[staker]) == [(5, Skip.PAID)]


def test_pay_skips_an_account_to_which_nothing_is_due(
    world: World, staker: str, stranger: str
) -> None:
    world.stake(staker, {}, pool_nano=13)

    with world.unchanged():
        paid = world.pay(due=[staker, stranger, ZERO_ADDRESS])
    assert paid == [(0, Skip.NOTHING_DUE)] * 3


@pytest.mark.parametrize("eats_gas", [True, False])
@pytest.mark.parametrize(("pool", "stakes"), [(13, {0: 5, 9: 6}), (6, {}), (6, {0: 5})])
def test_pay_puts_everything_back_if_what_is_due_cannot_be_sent(
    trap: World,
    staker: str,
    other_staker: str,
    eats_gas: bool,
    pool: int,
    stakes: dict[int, int],
) -> None:
    """N10: due, its flag, the pool and the turn are as they were, and the batch goes on."""
    for account in (staker, other_staker):
        trap.stake(account, stakes, pool_nano=pool)
        trap.escrow.set_split(0, [WALLET], [10_000], sender=account)
        trap.escrow.cancel_instructions(3, sender=account)
        trap.put_due(account, 6)
    trap.token.set_trap(staker, eats_gas)
    before = trap.words(staker)

    with trap.moves(other_staker=nano(6), escrow=-nano(6)):
        paid = trap.pay(due=[staker, other_staker])

    assert paid == [(0, Skip.TRANSFER_FAILED), (6, Skip.PAID)]
    assert trap.words(staker) == before
    trap.token.set_trap(ZERO_ADDRESS, False)
    assert trap.pay(due=[staker]) == [(6, Skip.PAID)]


@pytest.mark.parametrize("amount", [4, 6, 7, None])
def test_pay_puts_due_back_if_a_request_cannot_be_sent(
    trap: World, staker: str, amount: int | None
) -> None:
    trap.stake(staker, {0: 5}, pool_nano=13)
    trap.put_due(staker, 6)
    trap.token.set_trap(staker, False)
    request = Withdrawal(staker, amount, 1)

    with trap.unchanged():
        paid = trap.pay(trap.signed(request, "staker"))
    assert paid == [(0, Skip.TRANSFER_FAILED)]


def test_pay_settles_a_request_before_what_is_due_to_the_same_account(
    world: World, staker: str, other_staker: str
) -> None:
    """The request uses the turn; the rest of what is due waits for the next period."""
    for account in (staker, other_staker):
        world.stake(account, {0: 5}, pool_nano=13)
        world.put_due(account, 6)
    request = Withdrawal(staker, 4, 1)

    with world.moves(staker=nano(4), other_staker=nano(6), escrow=-nano(10)):
        paid = world.pay(world.signed(request, "staker"), due=[staker, other_staker])

    assert paid == [(4, Skip.PAID), (0, Skip.TURN_USED), (6, Skip.PAID)]
    assert (world.pool_nano(staker), world.due_nano(staker)) == (9, 2)
    set_time(START + FORTNIGHT)
    assert world.pay(due=[staker]) == [(2, Skip.PAID)]


def test_pay_pays_what_is_due_where_the_request_was_skipped(world: World, staker: str) -> None:
    """A request that fails costs nobody the standing order."""
    world.stake(staker, {0: 5}, pool_nano=13)
    world.put_due(staker, 6)
    request = Withdrawal(staker, 14, 1)

    paid = world.pay(world.signed(request, "staker"), due=[staker])

    assert paid == [(0, Skip.ABOVE_WITHDRAWABLE), (6, Skip.PAID)]


@pytest.mark.parametrize(
    ("amount", "paid", "due_left"),
    [(1, 1, 5), (5, 5, 1), (6, 6, 0), (7, 7, 0), (13, 13, 0), (None, 13, 0)],
)
def test_pay_of_a_request_uses_up_what_is_due_first(
    world: World, staker: str, amount: int | None, paid: int, due_left: int
) -> None:
    world.stake(staker, {0: 5}, pool_nano=13)
    world.put_due(staker, 6)
    request = Withdrawal(staker, amount, 1)

    assert world.pay(world.signed(request, "staker")) == [(paid, Skip.PAID)]
    assert (world.pool_nano(staker), world.due_nano(staker)) == (13 - paid, due_left)


def test_pay_of_a_request_may_take_what_is_due_from_what_is_locked(
    world: World, staker: str
) -> None:
    """W = min(P, max(D, C - L)): all that is due may be asked for, not a nano more."""
    world.stake(staker, {0: 10**9})
    world.open_rounds(staker)
    world.escrow.leave(sender=staker)
    world.escrow.withdraw(MAX, sender=staker)
    world.put_due(staker, 1_000)
    above, everything = Withdrawal(staker, 1_001, 1), Withdrawal(staker, None, 1)

    paid = world.pay(world.signed(above, "staker"), world.signed(everything, "staker"))

    assert paid == [(0, Skip.ABOVE_WITHDRAWABLE), (1_000, Skip.PAID)]
    assert world.due_nano(staker) == 0


def test_pay_leaves_the_splits_and_the_nonce_beside_what_was_due(world: World, staker: str) -> None:
    """Due shares its word with model 0's split and the nonce."""
    parts = ((WALLET, 9_999), (0, 1))
    world.escrow.set_split(0, [WALLET, 0], [9_999, 1], sender=staker)
    world.escrow.cancel_instructions(1_000, sender=staker)
    world.stake(staker, {0: 5}, pool_nano=13)
    before = unpack_split(world.words(staker)[SPLIT_PLACE])
    world.put_due(staker, 6)

    world.pay(due=[staker])

    assert unpack_split(world.words(staker)[SPLIT_PLACE]) == before
    assert (before.parts, before.nonce) == (parts, 1_000)
    assert unpack_account(world.words(staker)[0]).flags == 1


def test_pay_takes_256_due_accounts_in_a_batch(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=13)
    world.put_due(staker, 6)

    paid = world.pay(due=[staker] * 256)

    assert paid == [(6, Skip.PAID)] + [(0, Skip.TURN_USED)] * 255


def test_pay_of_what_is_due_reverts_rather_than_skip_for_want_of_gas(
    trap: World, staker: str
) -> None:
    trap.stake(staker, {}, pool_nano=13)
    trap.put_due(staker, 6)

    def pay(gas: int) -> tuple[int, Skip]:
        return trap.pay(due=[staker], gas=gas)[0]

    assert outcomes(pay, range(20_000, 400_000, 6_000)) == {REVERTED, (6, Skip.PAID)}


def test_pay_lets_no_call_in_while_it_sends_what_is_due(staker: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/ReentrantToken.vy")
        world.stake(staker, {}, pool_nano=13)
        world.put_due(staker, 6)
        world.token.arm(world.escrow, world.escrow.leave.prepare_calldata())

        with world.moves(staker=nano(6), escrow=-nano(6)):
            assert world.pay(due=[staker]) == [(6, Skip.PAID)]

        assert (world.token.attempts(), world.token.successes()) == (1, 0)
