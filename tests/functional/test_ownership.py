"""transfer_ownership(new_owner) and accept_ownership()"""

import pytest

from tests.escrow_world import ZERO_ADDRESS, World, refuses


@pytest.mark.parametrize("role", ["operator", "guardian", "stranger"])
def test_transfer_ownership_refuses_everybody_but_the_owner(world: World, role: str) -> None:
    with refuses("ownable: caller is not the owner"):
        world.escrow.transfer_ownership(world.watched[role], sender=world.watched[role])


def test_transfer_ownership_only_names_the_next_owner(
    world: World, owner: str, stranger: str
) -> None:
    world.escrow.transfer_ownership(stranger, sender=owner)

    assert world.events() == [
        ("OwnershipTransferStarted", {"previous_owner": owner, "new_owner": stranger})
    ]
    assert world.escrow.owner().lower() == owner
    assert world.escrow.pending_owner().lower() == stranger


@pytest.mark.parametrize("role", ["owner", "operator", "guardian"])
def test_accept_ownership_refuses_everybody_but_the_next_owner(
    world: World, owner: str, stranger: str, role: str
) -> None:
    world.escrow.transfer_ownership(stranger, sender=owner)

    with world.unchanged(), refuses("ownable_2step: caller is not the new owner"):
        world.escrow.accept_ownership(sender=world.watched[role])


def test_accept_ownership_refuses_when_nobody_was_named(world: World, stranger: str) -> None:
    with refuses("ownable_2step: caller is not the new owner"):
        world.escrow.accept_ownership(sender=stranger)


def test_accept_ownership_hands_over(world: World, owner: str, stranger: str) -> None:
    world.escrow.transfer_ownership(stranger, sender=owner)

    with world.moves():
        world.escrow.accept_ownership(sender=stranger)

    assert world.events() == [
        ("OwnershipTransferred", {"previous_owner": owner, "new_owner": stranger})
    ]
    assert world.escrow.owner().lower() == stranger
    assert world.escrow.pending_owner() == ZERO_ADDRESS
    with refuses("ownable: caller is not the owner"):
        world.escrow.set_operator(owner, sender=owner)
    world.escrow.set_operator(stranger, sender=stranger)


def test_ownership_cannot_be_given_up(world: World) -> None:
    assert not hasattr(world.escrow, "renounce_ownership")


def test_transfer_ownership_to_nobody_takes_a_nomination_back(
    world: World, owner: str, stranger: str
) -> None:
    world.escrow.transfer_ownership(stranger, sender=owner)
    world.escrow.transfer_ownership(ZERO_ADDRESS, sender=owner)

    with refuses("ownable_2step: caller is not the new owner"):
        world.escrow.accept_ownership(sender=stranger)
    assert world.escrow.owner().lower() == owner
