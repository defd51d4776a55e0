"""relay(instructions, signatures)"""

from dataclasses import replace
from typing import Any

import pytest

from sluice.words import (
    MAX_NONCE,
    MODELS,
    POOL,
    SPLIT_PLACE,
    WALLET,
    SplitWord,
    pack_split,
    unpack_split,
)
from tests.escrow_world import (
    START,
    World,
    now,
    refuses,
    set_time,
)
from tests.hostile import CUT_SHORT
from tests.messages import Instruction, packed_by_code, packed_signatures

HALVES = ((POOL, 5_000), (WALLET, 5_000))
MALFORMED = "instructions: malformed, pack them as sluice.instructions does"
NOT_SIGNED = "signature: not the account's"
USED = "instruction: its nonce is used or cancelled"
TO_COME = "instruction: its nonce is still to come"
# what a transaction may use (EIP-7825)
TRANSACTION_GAS = 2**24
MAX_BYTES = 8_192


def test_relay_sets_stakes_and_splits_by_one_signature(world: World, staker: str) -> None:
    """N12 N17 S53: one signature, any number of changes, no gas for the account."""
    world.stake(staker, {0: 100, 4: 200}, pool_nano=50)
    instruction = Instruction(staker, 0, {0: 0, 4: 210, 64: 140}, {0: HALVES, 5: ((0, 10_000),)})

    with world.moves():
        applied, skipped = world.relay(world.signed(instruction, "staker"))

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

    applied, skipped = world.relay(world.signed(bad, "staker"), world.signed(good, "other_staker"))

    assert (applied, skipped) == (0b10, {staker: reason})
    assert world.words(staker) == before
    assert world.stakes_nano(other_staker) == {0: 100}


@pytest.mark.parametrize("malformed", ["empty", "head", "stakes", "splits", "counts"])
def test_relay_refuses_bytes_that_are_no_instructions(
    world: World, staker: str, malformed: str
) -> None:
    instruction = Instruction(staker, 0, {0: 0}, {0: HALVES})
    encoded = instruction.packed()
    counts = Instruction(staker, 0, dict.fromkeys(range(66), 0)).packed()
    given = {
        "empty": b"",
        "head": encoded[:31],
        "stakes": Instruction(staker, 0, {0: 0}).packed()[:-1],
        "splits": encoded[:-1],
        "counts": counts,
    }[malformed]

    with refuses(MALFORMED):
        world.escrow.relay(given, packed_signatures([bytes(65)]))


@pytest.mark.parametrize("signatures", CUT_SHORT, ids=lambda cut: f"{len(cut)} bytes")
def test_relay_refuses_a_missing_signature(world: World, staker: str, signatures: bytes) -> None:
    with refuses("signatures: give one for each message"):
        world.escrow.relay(Instruction(staker, 0, {0: 0}).packed(), signatures)


@pytest.mark.parametrize("extra", [b"\x00", b"\x01" * 32, packed_by_code(b"")])
@pytest.mark.parametrize("signature", [b"\x01" * 64 + b"\x1b", b"", b"\x01" * 100])
def test_relay_refuses_more_signatures_than_instructions(
    world: World, staker: str, signature: bytes, extra: bytes
) -> None:
    with refuses("signatures: more than messages"):
        world.escrow.relay(
            Instruction(staker, 0, {0: 0}).packed(), packed_signatures([signature]) + extra
        )


def test_relay_skips_for_ever_once_the_nonces_are_used_up(world: World, staker: str) -> None:
    # no test can wait for 67 million instructions: the last nonce is put where it is stored
    world.put(staker, {SPLIT_PLACE: pack_split(SplitWord(nonce=MAX_NONCE))})
    instruction = Instruction(staker, MAX_NONCE, splits={1: HALVES})

    applied, skipped = world.relay(world.signed(instruction, "staker"))

    reason = "instruction: nonces are used up, use set_stakes and set_split"
    assert (applied, skipped) == (0, {staker: reason})
    world.escrow.leave(sender=staker)
    assert world.lens.position(staker).nonce == MAX_NONCE


# --- limits ---------------------------------------------------------------------------------------


def test_relay_takes_as_many_instructions_as_the_bytes_hold(
    world: World, staker: str, other_staker: str
) -> None:
    """127 that are skipped and one that is applied: signatures take all of the 8,192 bytes."""
    world.stake(staker, {0: 60}, pool_nano=40)
    empty = Instruction(other_staker, 0)
    good = Instruction(staker, 0, {0: 100})

    applied, _ = world.relay(*[(empty, b"")] * 127, world.signed(good, "staker"))

    assert applied == 1 << 127
    assert world.skip_reasons() == [NOT_SIGNED] * 127
    with refuses(""):
        world.relay(*[(empty, b"")] * 129)
    applied, _ = world.relay(*[world.signed(empty, "stranger")] * 128)
    assert (applied, world.skip_reasons()) == (0, [NOT_SIGNED] * 128)
    assert world.escrow._computation.get_gas_used() < TRANSACTION_GAS


def test_relay_passes_over_the_signatures_of_what_it_skips(
    world: World, wallet: Any, staker: str, other_staker: str
) -> None:
    """N10: whatever an instruction is skipped for, the next one has its own signature."""
    account = wallet.address.lower()
    for each in (staker, other_staker):
        world.stake(each, {0: 60}, pool_nano=40)
    good = Instruction(other_staker, 0, {0: 100})
    skipped = [
        (Instruction(account, 0, {0: 1}, deadline=START - 1), b"\x01" * 100),
        world.signed(Instruction(staker, 1, {0: 1}), "staker"),
        (Instruction(account, 0, {0: 1}), b"\x01" * 2_049),
        (Instruction(account, 1, {0: 1}), b""),
    ]

    applied, _ = world.relay(*skipped, world.signed(good, "other_staker"))

    assert applied == 1 << len(skipped)
    assert world.stakes_nano(other_staker) == {0: 100}


def test_relay_refuses_more_bytes_than_a_batch_holds(world: World, staker: str) -> None:
    head = Instruction(staker, 0).packed()

    for instructions, signatures in ((head * 257, b""), (head, bytes(MAX_BYTES + 1))):
        with refuses(""):
            world.escrow.relay(instructions, signatures)


EIGHT_WAYS = [
    (POOL, 1_251),
    (WALLET, 1_250),
    *((model, 1_250) for model in (0, 4, 9, 33, 63)),
    (64, 1_249),
]


def test_relay_applies_everything_that_an_account_can_change_at_once(
    world: World, wallet: Any, staker: str, other_staker: str, stranger: str
) -> None:
    """S48: 65 stakes and 65 splits of eight parts in one signature, and four such in a batch."""
    accounts = {"staker": staker, "other_staker": other_staker, "stranger": stranger}
    accounts["wallet"] = wallet.address.lower()
    splits = {
        model: tuple(EIGHT_WAYS[model % 8 :] + EIGHT_WAYS[: model % 8]) for model in range(65)
    }
    batch = []
    for role, account in accounts.items():
        world.stake(account, {3: 10**12})
        stakes = {model: 10**9 + model for model in range(MODELS)}
        instruction = Instruction(account, 0, stakes, splits)
        signer = "staker" if role == "wallet" else role
        batch.append(world.signed(instruction, signer))
    assert sum(len(instruction.packed()) for instruction, _ in batch) == 8_188

    assert world.relay(*batch) == (0b1111, {})

    assert world.escrow._computation.get_gas_used() < TRANSACTION_GAS
    for account in accounts.values():
        assert world.stakes_nano(account) == {model: 10**9 + model for model in range(MODELS)}
        words = world.words(account)
        for model, split in splits.items():
            assert unpack_split(words[SPLIT_PLACE + model]).parts == split
        assert all(words[page] >> 216 == 0b1111 for page in range(1, 17))
        assert words[0] >> 254 == 1
        assert world.lens.position(account).nonce == 1


def test_relay_needs_a_deadline_not_to_be_past(world: World, staker: str) -> None:
    world.stake(staker, {0: 60})
    first, second = (Instruction(staker, nonce, {0: 60}, deadline=START + 9) for nonce in (0, 1))

    set_time(START + 9)
    assert world.relay(world.signed(first, "staker")) == (1, {})
    set_time(START + 10)
    assert world.relay(world.signed(second, "staker")) == (
        0,
        {staker: "instruction: expired"},
    )


def test_relay_takes_the_highest_deadline_as_none(world: World, staker: str) -> None:
    world.stake(staker, {0: 60})
    last = Instruction(staker, 0, {0: 50}, deadline=2**32 - 2)
    never = Instruction(staker, 1, {0: 40})

    set_time(2**32 - 2)
    assert world.relay(world.signed(last, "staker")) == (1, {})
    set_time(2**40)
    assert world.relay(world.signed(never, "staker")) == (1, {})


@pytest.mark.parametrize("spare_bit", [234, 245, 255])
def test_relay_refuses_a_head_with_spare_bits(world: World, staker: str, spare_bit: int) -> None:
    """A message has one encoding: nobody can relay it as other bytes."""
    encoded = Instruction(staker, 0, {0: 100}).packed()
    head = (int.from_bytes(encoded[:32], "big") | 1 << spare_bit).to_bytes(32, "big")

    with refuses(MALFORMED):
        world.escrow.relay(head + encoded[32:], packed_signatures([bytes(65)]))


# --- all or nothing, and nobody else's ------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_split", "reason"),
    [
        (((POOL, 9_999),), "split: shares must sum to 10_000 basis points"),
        (((POOL, 10_000), (WALLET, 1)), "split: shares must sum to 10_000 basis points"),
        (((POOL, 5_000), (POOL, 5_000)), "split: a destination is named twice"),
        (((65, 10_000),), "split: destinations are models 0 to 64, POOL 254 or WALLET 255"),
        (((253, 10_000),), "split: destinations are models 0 to 64, POOL 254 or WALLET 255"),
        (((POOL, 10_001),), "split: a share is 1 to 10_000 basis points"),
        (((POOL, 0), (WALLET, 10_000)), "split: a share is 1 to 10_000 basis points"),
    ],
)
def test_relay_changes_nothing_if_the_last_split_is_refused(
    world: World, staker: str, last_split: tuple[tuple[int, int], ...], reason: str
) -> None:
    """N12: an instruction is applied whole or not at all."""
    world.stake(staker, {0: 60}, pool_nano=40)
    splits = {0: HALVES, 5: (), 64: last_split}
    instruction = Instruction(staker, 0, {0: 50, 9: 50}, splits)

    with world.unchanged():
        applied, skipped = world.relay(world.signed(instruction, "staker"))
    assert (applied, skipped) == (0, {staker: reason})


def test_relay_sets_no_split_if_the_stakes_are_refused(world: World, staker: str) -> None:
    world.stake(staker, {0: 60}, pool_nano=40)
    instruction = Instruction(staker, 0, {0: 50, 9: 51}, {0: HALVES})

    with world.unchanged():
        applied, skipped = world.relay(world.signed(instruction, "staker"))
    assert (applied, skipped) == (0, {staker: "stakes: the pool holds too little, deposit first"})


def test_relay_names_the_first_thing_that_is_wrong(world: World, staker: str) -> None:
    """One instruction with everything wrong, put right step by step."""
    world.stake(staker, {0: 60}, pool_nano=40)
    world.escrow.cancel_instructions(3, sender=staker)
    twice = ((POOL, 5_000), (POOL, 5_000))
    wrong = Instruction(staker, 2, {1: 999}, {5: HALVES, 4: twice}, deadline=START - 1)
    steps: list[tuple[dict[str, Any], str]] = [
        ({}, "instruction: expired"),
        ({"deadline": START}, USED),
        ({"nonce": 4}, TO_COME),
        ({"nonce": 3}, NOT_SIGNED),
        ({}, "split: a destination is named twice"),
        ({"splits": {5: HALVES, 4: HALVES}}, "models: must be strictly ascending"),
        ({"splits": {4: HALVES, 5: HALVES}}, "stakes: the pool holds too little, deposit first"),
    ]
    for step, (change, reason) in enumerate(steps):
        wrong = replace(wrong, **change)
        signer = "staker" if step > 3 else "stranger"
        with world.unchanged():
            assert world.relay(world.signed(wrong, signer)) == (0, {staker: reason})
    right = replace(wrong, stakes_nano={1: 40})
    assert world.relay(world.signed(right, "staker")) == (1, {})


def test_relay_logs_the_batch_and_each_that_it_skips(
    world: World, staker: str, other_staker: str, stranger: str
) -> None:
    """N21: an account's stakes and splits can be rebuilt from events alone."""
    for account in (staker, other_staker):
        world.stake(account, {0: 60}, pool_nano=40)
    listed = [
        Instruction(staker, 7, {0: 0}),
        Instruction(staker, 0, {0: 100}),
        Instruction(other_staker, 0, {0: 101}),
        Instruction(staker, 1, {}, {64: HALVES}),
    ]
    roles = ["staker", "staker", "other_staker", "staker"]
    encoded = b"".join(each.packed() for each in listed)
    signatures = [world.sign(each, role) for each, role in zip(listed, roles, strict=True)]
    set_time(START + 77)

    with world.moves():
        world.escrow.relay(encoded, packed_signatures(signatures), sender=stranger)

    short = "stakes: the pool holds too little, deposit first"
    assert world.events() == [
        ("InstructionSkipped", {"account": staker, "nonce": 7, "reason": TO_COME}),
        ("InstructionSkipped", {"account": other_staker, "nonce": 0, "reason": short}),
        (
            "InstructionsRelayed",
            {"instructions": encoded, "applied": 0b1010, "time": START + 77},
        ),
    ]


def test_relay_touches_nothing_but_the_account_that_signed(
    world: World, wallet: Any, staker: str
) -> None:
    """N19: all words, balances, counters and roles of everybody else stay as they are."""
    for account in [*world.watched.values()]:
        if account not in (world.watched["escrow"], world.watched["burner"]):
            world.stake(account, {0: 60, 5: 7}, pool_nano=40)
            world.escrow.set_split(5, [POOL], [10_000], sender=account)
    instruction = Instruction(staker, 0, {0: 0, 64: 100}, {0: HALVES, 5: (), 33: ((5, 10_000),)})
    before = world.state()

    assert world.relay(world.signed(instruction, "staker")) == (1, {})

    after = world.state()
    assert after["words"].pop("staker") != before["words"].pop("staker")
    assert after == before


def test_relay_keeps_due_period_round_and_risks(world: World, staker: str) -> None:
    """What is due falls only as far as the pool does."""
    world.stake(staker, {0: 10**9}, pool_nano=40)
    world.run_passes(10, 11, staker)
    world.put_due(staker, 30)
    world.escrow.cancel_withdrawal(sender=staker)
    risks, before = world.lens.risks_of(staker), world.lens.position(staker)
    keeping = Instruction(staker, 0, {1: 10}, {0: HALVES})
    lowering = Instruction(staker, 1, {1: 25})

    assert world.relay(world.signed(keeping, "staker")) == (1, {})
    assert (world.pool_nano(staker), world.due_nano(staker)) == (30, 30)
    assert world.relay(world.signed(lowering, "staker")) == (1, {})
    assert (world.pool_nano(staker), world.due_nano(staker)) == (15, 15)
    after = world.lens.position(staker)
    assert (after.round, after.period) == (before.round, before.period)
    assert world.lens.risks_of(staker) == risks
