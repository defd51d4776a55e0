"""leave()"""

from sluice.ledger import Skip
from sluice.words import (
    MAX_AMOUNT_NANO,
    MAX_NONCE,
    POOL,
    SPLIT_PLACE,
    WALLET,
    Entry,
    unpack_account,
    unpack_split,
)
from tests.escrow_world import FIRST_PASS, World, nano, refuses
from tests.messages import Instruction, Withdrawal


def test_leave_refuses_a_pool_that_would_not_fit(world: World, staker: str) -> None:
    world.put(staker, {0: MAX_AMOUNT_NANO | 1 << 54})

    with world.unchanged(), refuses("amount: does not fit 54 bits of nano-NMR"):
        world.escrow.leave(sender=staker)


def test_leave_moves_every_stake_to_the_pool(world: World, staker: str, other_staker: str) -> None:
    world.stake(other_staker, {0: 5, 1: 6}, pool_nano=7)
    others = world.words(other_staker)
    world.stake(staker, {model: model + 1 for model in range(65)}, pool_nano=5)

    with world.moves():
        world.escrow.leave(sender=staker)

    assert world.events() == [("Left", {"account": staker, "nonce": 1_000})]
    assert world.stakes_nano(staker) == {}
    assert world.pool_nano(staker) == 5 + sum(range(66))
    assert world.lens.position(staker).nonce == 1_000
    assert world.words(other_staker) == others


def test_leave_keeps_round_risks_period_and_pages(world: World, staker: str) -> None:
    world.stake(staker, {0: 10**9, 64: 10**9})
    world.run_pass(FIRST_PASS, [Entry(staker)])
    before = unpack_account(world.words(staker)[0])

    world.escrow.leave(sender=staker)

    after = unpack_account(world.words(staker)[0])
    assert (after.round_word, after.risks_units, after.pages, after.period) == (
        before.round_word,
        before.risks_units,
        16,
        before.period,
    )


def test_leave_keeps_the_flags_of_stake_pages(world: World, staker: str) -> None:
    world.stake(staker, {1: 10})
    world.put(staker, {1: 10 | 5 << 216})

    world.escrow.leave(sender=staker)

    assert world.words(staker)[1] == 5 << 216


def test_leave_works_again_and_with_nothing_there(world: World, staker: str) -> None:
    world.escrow.leave(sender=staker)
    world.escrow.leave(sender=staker)

    assert world.lens.position(staker).nonce == 2_000
    assert world.pool_nano(staker) == 0


def test_leave_keeps_the_nonce_at_its_end(world: World, staker: str) -> None:
    world.put(staker, {SPLIT_PLACE: (MAX_NONCE - 1) << 230})

    world.escrow.leave(sender=staker)
    assert world.lens.position(staker).nonce == MAX_NONCE
    world.escrow.leave(sender=staker)

    assert world.events() == [("Left", {"account": staker, "nonce": MAX_NONCE})]
    assert world.lens.position(staker).nonce == MAX_NONCE


def test_leave_lets_locked_nmr_be_staked_again(world: World, staker: str) -> None:
    """S46: leaving closes no door."""
    world.stake(staker, {0: 10})
    world.escrow.leave(sender=staker)

    world.escrow.set_stakes([3], [nano(10)], sender=staker)

    assert world.stakes_nano(staker) == {3: 10}


def test_leave_keeps_what_is_due(world: World, staker: str) -> None:
    """S40 S11: on the way out what was earned for the wallet stays free at once."""
    world.stake(staker, {0: 10, 7: 20}, pool_nano=13)
    world.put_due(staker, 6)

    world.escrow.leave(sender=staker)

    assert (world.pool_nano(staker), world.due_nano(staker)) == (43, 6)
    assert world.pay(due=[staker]) == [(6, Skip.PAID)]


def test_leave_keeps_splits_for_whatever_is_still_to_be_earned(world: World, staker: str) -> None:
    world.stake(staker, {0: 10, 7: 20})
    for model in (0, 7, 64):
        world.escrow.set_split(model, [WALLET, POOL], [5_000, 5_000], sender=staker)
    before = world.words(staker)

    world.escrow.leave(sender=staker)

    after = world.words(staker)
    for model in (0, 7, 64):
        place = SPLIT_PLACE + model
        assert unpack_split(after[place]).parts == unpack_split(before[place]).parts
    assert [after[page] >> 216 for page in (2, 16)] == [before[page] >> 216 for page in (2, 16)]
    assert (after[2], after[16]) == (4 << 216, 8 << 216)
    assert unpack_account(after[0]).flags == 1


def test_leave_kills_what_was_signed_before_also_for_nonces_to_come(
    world: World, staker: str
) -> None:
    """Nothing signed earlier stakes the NMR again."""
    world.stake(staker, {0: 10})
    signed = [
        world.signed(Instruction(staker, nonce, {0: 10}), "staker") for nonce in (0, 1, 2, 999)
    ]

    world.escrow.leave(sender=staker)

    for each in signed:
        assert world.relay(each) == (0, {staker: "instruction: its nonce is used or cancelled"})
    assert world.stakes_nano(staker) == {}


def test_leave_leaves_signed_withdrawals(world: World, staker: str) -> None:
    """They have no nonce, and can only pay the account itself."""
    world.stake(staker, {0: 10})
    signed = world.signed(Withdrawal(staker, 4, 1), "staker")

    world.escrow.leave(sender=staker)

    assert world.pay(signed) == [(4, Skip.PAID)]
