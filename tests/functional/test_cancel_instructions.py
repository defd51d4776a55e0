"""cancel_instructions(nonce)"""

import pytest

from sluice.words import MAX_NONCE, POOL
from tests.escrow_world import World, refuses
from tests.messages import Instruction


@pytest.mark.parametrize("nonce", [0, 4, 5])
def test_cancel_instructions_refuses_to_go_back_or_stay(
    world: World, staker: str, nonce: int
) -> None:
    world.escrow.cancel_instructions(5, sender=staker)

    with refuses("nonce: must be above the present one"):
        world.escrow.cancel_instructions(nonce, sender=staker)


@pytest.mark.parametrize("nonce", [1_006, MAX_NONCE, 2**256 - 1])
def test_cancel_instructions_refuses_a_long_step(world: World, staker: str, nonce: int) -> None:
    world.escrow.cancel_instructions(5, sender=staker)

    with refuses("nonce: a step of at most 1_000"):
        world.escrow.cancel_instructions(nonce, sender=staker)


@pytest.mark.parametrize("nonce", [1, 1_000])
def test_cancel_instructions_kills_what_was_signed_before(
    world: World, staker: str, other_staker: str, nonce: int
) -> None:
    """N12: an instruction can be taken back."""
    signed = [
        world.signed(instruction, role)
        for role, account in (("staker", staker), ("other_staker", other_staker))
        for instruction in [Instruction(account, 0, splits={1: ((POOL, 10_000),)})]
    ]

    world.escrow.cancel_instructions(nonce, sender=staker)

    assert world.events() == [("InstructionsCancelled", {"account": staker, "nonce": nonce})]
    assert world.lens.position(staker).nonce == nonce
    applied, skipped = world.relay(*signed)
    assert applied == 0b10
    assert skipped == {staker: "instruction: its nonce is used or cancelled"}


def test_cancel_instructions_leaves_stakes_and_withdrawals(world: World, staker: str) -> None:
    world.stake(staker, {0: 5, 3: 6}, pool_nano=7)
    before = world.lens.position(staker)

    world.escrow.cancel_instructions(1, sender=staker)

    assert world.lens.position(staker) == before._replace(nonce=1)
