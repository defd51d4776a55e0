"""relay(instructions, signatures): whose signature counts, and for what"""

from collections.abc import Callable
from dataclasses import replace

import boa
import pytest

from sluice.words import (
    POOL,
    WALLET,
)
from tests.escrow_world import (
    START,
    ZERO_ADDRESS,
    World,
    deploy_world,
    nano,
    on_chain,
)
from tests.gas_limits import REVERTED, outcomes
from tests.hostile import (
    BAD_SIGNATURES,
    bad_signature,
)
from tests.messages import Instruction, Withdrawal, packed_signatures

HALVES = ((POOL, 5_000), (WALLET, 5_000))
NOT_SIGNED = "signature: not the account's"
USED = "instruction: its nonce is used or cancelled"
TO_COME = "instruction: its nonce is still to come"


@pytest.mark.parametrize("kind", BAD_SIGNATURES)
def test_relay_skips_a_bad_signature_and_applies_the_others(
    world: World, staker: str, other_staker: str, kind: str
) -> None:
    """N10 N19: nobody instructs in another's name, and a bad one never blocks a batch."""
    for account in (staker, other_staker):
        world.stake(account, {0: 60}, pool_nano=40)
    bad, good = Instruction(staker, 0, {0: 0}), Instruction(other_staker, 0, {0: 100})
    before = world.words(staker)

    applied, skipped = world.relay(
        (bad, bad_signature(world, bad, kind)), world.signed(good, "other_staker")
    )

    assert (applied, skipped) == (0b10, {staker: NOT_SIGNED})
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
        applied, skipped = world.relay(world.signed(instruction, role))
        assert (applied, skipped) == (0, {staker: NOT_SIGNED})
    assert world.words(staker) == before


@pytest.mark.parametrize(
    "signature",
    [b"", bytes(65), bytes(64) + b"\x1b", b"\xff" * 32 + bytes(32) + b"\x1b"],
    ids=["none", "zeros", "zeros with a v", "r above the order"],
)
def test_relay_skips_the_zero_address_whatever_recovers_to_it(
    world: World, signature: bytes
) -> None:
    nobody = Instruction(ZERO_ADDRESS, 0, splits={0: HALVES})

    with world.unchanged():
        assert world.relay((nobody, signature)) == (0, {ZERO_ADDRESS: NOT_SIGNED})
    assert world.words(ZERO_ADDRESS) == {}


CHANGES: dict[str, Callable[[Instruction], Instruction]] = {
    "nothing": lambda signed: signed,
    "a stake": lambda signed: replace(signed, stakes_nano={0: 59, 4: 41}),
    "a model": lambda signed: replace(signed, stakes_nano={0: 59, 5: 40}),
    "a stake less": lambda signed: replace(signed, stakes_nano={0: 59}),
    "no stakes": lambda signed: replace(signed, stakes_nano={}),
    "a split's model": lambda signed: replace(signed, splits={2: HALVES}),
    "a destination": lambda signed: replace(signed, splits={1: ((POOL, 5_000), (1, 5_000))}),
    "the order of destinations": lambda signed: replace(signed, splits={1: HALVES[::-1]}),
    "a share": lambda signed: replace(signed, splits={1: ((POOL, 4_999), (WALLET, 5_001))}),
    "the default": lambda signed: replace(signed, splits={1: ()}),
    "no splits": lambda signed: replace(signed, splits={}),
    "a split more": lambda signed: replace(signed, splits={1: HALVES, 2: HALVES}),
    "the deadline": lambda signed: replace(signed, deadline=START + 101),
    "no deadline": lambda signed: replace(signed, deadline=None),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_relay_skips_what_was_changed_after_it_was_signed(
    world: World, staker: str, changed: str
) -> None:
    """N12: the signature covers every field, and every word of the arrays."""
    world.stake(staker, {0: 60}, pool_nano=40)
    signed = Instruction(staker, 0, {0: 59, 4: 40}, {1: HALVES}, deadline=START + 100)
    sent = CHANGES[changed](signed)

    applied, _ = world.relay((sent, world.sign(signed, "staker")))

    assert applied == (changed == "nothing")
    assert world.skip_reasons() == [NOT_SIGNED][applied:]


def test_relay_skips_what_was_signed_for_another_account(
    world: World, staker: str, other_staker: str
) -> None:
    for account in (staker, other_staker):
        world.stake(account, {0: 60}, pool_nano=40)
    signed = Instruction(staker, 0, {0: 0})
    signature = world.sign(signed, "staker")

    with world.unchanged():
        applied, skipped = world.relay((replace(signed, account=other_staker), signature))
    assert (applied, skipped) == (0, {other_staker: NOT_SIGNED})


def test_relay_takes_no_signature_for_another_escrow_or_chain(world: World, staker: str) -> None:
    """N19: no replay on another contract, nor on a chain that split off."""
    other = deploy_world()
    for each in (world, other):
        each.stake(staker, {0: 60}, pool_nano=40)
    instruction = Instruction(staker, 0, {0: 0})
    signature = world.sign(instruction, "staker")

    assert other.relay((instruction, signature)) == (0, {staker: NOT_SIGNED})
    with on_chain(int(boa.env.evm.patch.chain_id) + 1):
        assert world.relay((instruction, signature)) == (0, {staker: NOT_SIGNED})
        with boa.env.anchor():
            assert world.relay(world.signed(instruction, "staker")) == (1, {})
    assert world.relay((instruction, signature)) == (1, {})


def test_relay_and_pay_take_no_signature_for_the_other(
    world: World, staker: str, operator: str
) -> None:
    world.stake(staker, {0: 60}, pool_nano=40)
    instruction, request = Instruction(staker, 0, {0: 0}), Withdrawal(staker, 4, 1)
    instructed, requested = world.sign(instruction, "staker"), world.sign(request, "staker")

    with world.unchanged():
        assert world.relay((instruction, requested)) == (0, {staker: NOT_SIGNED})
        world.escrow.pay([request.word()], [], packed_signatures([instructed]), sender=operator)

    assert world.relay((instruction, instructed)) == (1, {})


def test_relay_applies_a_signature_once(world: World, staker: str) -> None:
    """N19: not twice in a batch, not in a later one."""
    world.stake(staker, {0: 60}, pool_nano=40)
    instruction = Instruction(staker, 0, {0: 50})
    signed = world.signed(instruction, "staker")

    assert world.relay(signed, signed, signed) == (0b1, {staker: USED})
    assert world.skip_reasons() == [USED] * 2
    world.escrow.set_stakes([0], [nano(60)], sender=staker)
    assert world.relay(signed) == (0, {staker: USED})
    assert world.stakes_nano(staker) == {0: 60}


def test_relay_applies_several_of_one_account_in_the_order_of_their_nonces(
    world: World, staker: str
) -> None:
    world.stake(staker, {0: 60}, pool_nano=40)
    listed = [Instruction(staker, nonce, {nonce: 10 + nonce}) for nonce in range(3)]
    first, second, third = (world.signed(each, "staker") for each in listed)

    applied, _ = world.relay(second, first, third, second, third)

    assert applied == 0b11010
    assert world.lens.position(staker).nonce == 3


def test_relay_in_the_wrong_order_leaves_what_is_to_come_good(world: World, staker: str) -> None:
    world.stake(staker, {0: 60}, pool_nano=40)
    listed = [Instruction(staker, nonce, {nonce: 10 + nonce}) for nonce in range(2)]
    first, second = (world.signed(each, "staker") for each in listed)

    assert world.relay(second, first) == (0b10, {staker: TO_COME})
    assert world.relay(second) == (0b1, {})
    assert world.stakes_nano(staker) == {0: 10, 1: 11}


def test_relay_never_skips_a_good_instruction_for_want_of_gas(world: World, staker: str) -> None:
    """Nor one that a key signed: recovering the key costs gas as well."""
    world.stake(staker, {0: 60}, pool_nano=40)
    instruction = Instruction(staker, 0, {0: 100})
    signed = world.signed(instruction, "staker")

    def applied(gas: int) -> int:
        return world.relay(signed, gas=gas)[0]

    limits = (*range(2_000, 60_000, 450), *range(14_000, 26_000, 90))
    assert outcomes(applied, limits) == {REVERTED, 1}
