"""relay(instructions, signatures)"""

import boa
import pytest

from sluice.words import (
    MAX_NONCE,
    POOL,
    SPLIT_PLACE,
    WALLET,
    SplitWord,
    pack_split,
    unpack_split,
    word_slot,
)
from tests.escrow_world import Instruction, World, now, packed_signatures, refuses, words_slot

HALVES = ((POOL, 5_000), (WALLET, 5_000))


def test_relay_sets_stakes_and_splits_by_one_signature(world: World, staker: str) -> None:
    """N12 N17 S53: one signature, any number of changes, no gas for the account."""
    world.stake(staker, {0: 100, 4: 200}, pool_nano=50)
    instruction = Instruction(staker, 0, {0: 0, 4: 210, 64: 140}, {0: HALVES, 5: ((0, 10_000),)})

    with world.moves():
        applied, skipped = world.relay((instruction, world.sign(instruction, "staker")))

    assert (applied, skipped) == (1, {})
    assert world.stakes_nano(staker) == {4: 210, 64: 140}
    assert world.pool_nano(staker) == 0
    split_words = {m: unpack_split(world.words(staker)[SPLIT_PLACE + m]) for m in (0, 5)}
    assert split_words[0].parts == HALVES
    assert split_words[0].nonce == 1
    assert split_words[5].parts == ((0, 10_000),)


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ({"nonce": 0, "deadline": -1}, "instruction: expired"),
        ({"nonce": 1}, "instruction: its nonce is still to come"),
        ({"nonce": 0, "stakes_nano": {}}, "instruction: names no change"),
        ({"nonce": 0, "stakes_nano": {0: 101}}, "stakes: the pool holds too little, deposit first"),
        ({"nonce": 0, "stakes_nano": {65: 0}}, "models: numbered 0 to 64"),
        ({"nonce": 0, "stakes_nano": {3: 0, 2: 0}}, "models: must be strictly ascending"),
        ({"nonce": 0, "splits": {3: HALVES, 2: HALVES}}, "models: must be strictly ascending"),
        (
            {"nonce": 0, "splits": {3: ((0, 9_999),)}},
            "split: shares must sum to 10_000 basis points",
        ),
    ],
)
def test_relay_skips_one_that_is_refused_and_applies_the_others(
    world: World,
    staker: str,
    other_staker: str,
    instruction: dict[str, int],
    reason: str,
) -> None:
    for account in (staker, other_staker):
        world.stake(account, {0: 60}, pool_nano=40)
    fields = {"stakes_nano": {1: 10}} | instruction
    if "deadline" in fields:
        fields["deadline"] += now()
    bad = Instruction(staker, **fields)
    good = Instruction(other_staker, 0, {0: 100})
    before = world.words(staker)

    applied, skipped = world.relay(
        (bad, world.sign(bad, "staker")), (good, world.sign(good, "other_staker"))
    )

    assert (applied, skipped) == (0b10, {staker: reason})
    assert world.words(staker) == before
    assert world.stakes_nano(other_staker) == {0: 100}


def test_relay_skips_what_somebody_else_signed(
    world: World, staker: str, other_staker: str
) -> None:
    """N19: nobody can sign for another."""
    world.stake(staker, {0: 60})
    before = world.words(staker)
    instruction = Instruction(staker, 0, {0: 0})

    for role in ("other_staker", "owner", "operator", "guardian"):
        applied, skipped = world.relay((instruction, world.sign(instruction, role)))
        assert (applied, skipped) == (0, {staker: "signature: not the account's"})
    assert world.words(staker) == before


@pytest.mark.parametrize("malformed", ["empty", "head", "stakes", "splits", "counts"])
def test_relay_refuses_bytes_that_are_no_instructions(
    world: World, staker: str, malformed: str
) -> None:
    instruction = Instruction(staker, 0, {0: 0}, {0: HALVES})
    encoded = instruction.encoded()
    counts = Instruction(staker, 0, dict.fromkeys(range(66), 0)).encoded()
    given = {
        "empty": b"",
        "head": encoded[:31],
        "stakes": Instruction(staker, 0, {0: 0}).encoded()[:-1],
        "splits": encoded[:-1],
        "counts": counts,
    }[malformed]

    with refuses("instructions: malformed, pack them as sluice.instructions does"):
        world.escrow.relay(given, packed_signatures([bytes(65)]))


@pytest.mark.parametrize(
    "signatures", [b"", b"\x00", b"\x00\x01", packed_signatures([bytes(65)])[:-1]]
)
def test_relay_refuses_a_missing_signature(world: World, staker: str, signatures: bytes) -> None:
    with refuses("signatures: give one for each message"):
        world.escrow.relay(Instruction(staker, 0, {0: 0}).encoded(), signatures)


def test_relay_refuses_more_signatures_than_instructions(world: World, staker: str) -> None:
    with refuses("signatures: more than messages"):
        world.escrow.relay(
            Instruction(staker, 0, {0: 0}).encoded(), packed_signatures([bytes(65), b""])
        )


def test_relay_skips_for_ever_once_the_nonces_are_used_up(world: World, staker: str) -> None:
    # no test can wait for 67 million instructions: the last nonce is put where it is stored
    slot = word_slot(staker, SPLIT_PLACE, words_slot())
    boa.env.set_storage(world.escrow.address, slot, pack_split(SplitWord(nonce=MAX_NONCE)))
    instruction = Instruction(staker, MAX_NONCE, splits={1: HALVES})

    applied, skipped = world.relay((instruction, world.sign(instruction, "staker")))

    reason = "instruction: nonces are used up, use set_stakes and set_split"
    assert (applied, skipped) == (0, {staker: reason})
    world.escrow.leave(sender=staker)
    assert world.lens.position(staker).nonce == MAX_NONCE
