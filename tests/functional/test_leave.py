"""leave()"""

import boa

from sluice.words import MAX_AMOUNT_NANO, MAX_NONCE, SPLIT_PLACE, Entry, unpack_account, word_slot
from tests.escrow_world import FIRST_PASS, World, nano, refuses, words_slot


def write_word(world: World, account: str, place: int, word: int) -> None:
    """Puts a word where no call could put it in the time of a test."""
    boa.env.set_storage(world.escrow.address, word_slot(account, place, words_slot()), word)


def test_leave_refuses_a_pool_that_would_not_fit(world: World, staker: str) -> None:
    write_word(world, staker, 0, MAX_AMOUNT_NANO | 1 << 54)

    with world.unchanged(), refuses("amount: does not fit 54 bits of nano-NMR"):
        world.escrow.leave(sender=staker)


def test_leave_moves_every_stake_to_the_pool(world: World, staker: str, other_staker: str) -> None:
    world.stake(other_staker, {0: 5, 1: 6}, pool_nano=7)
    others = world.words(other_staker)
    world.stake(staker, {model: model + 1 for model in range(65)}, pool_nano=5)

    with world.moves():
        world.escrow.leave(sender=staker)

    assert world.events() == [("Left", {"account": staker, "nonce": 1})]
    assert world.stakes_nano(staker) == {}
    assert world.pool_nano(staker) == 5 + sum(range(66))
    assert world.lens.position(staker).nonce == 1
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
    write_word(world, staker, 1, 10 | 5 << 216)

    world.escrow.leave(sender=staker)

    assert world.words(staker)[1] == 5 << 216


def test_leave_works_again_and_with_nothing_there(world: World, staker: str) -> None:
    world.escrow.leave(sender=staker)
    world.escrow.leave(sender=staker)

    assert world.lens.position(staker).nonce == 2
    assert world.pool_nano(staker) == 0


def test_leave_keeps_the_nonce_at_its_end(world: World, staker: str) -> None:
    write_word(world, staker, SPLIT_PLACE, (MAX_NONCE - 1) << 230)

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
