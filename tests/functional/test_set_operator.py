"""set_operator(operator)"""

import pytest

from tests.escrow_world import ZERO_ADDRESS, World, refuses


@pytest.mark.parametrize("role", ["operator", "guardian", "stranger"])
def test_set_operator_refuses_everybody_but_the_owner(world: World, role: str) -> None:
    with refuses("ownable: caller is not the owner"):
        world.escrow.set_operator(world.watched[role], sender=world.watched[role])


def test_set_operator_refuses_the_zero_address(world: World, owner: str) -> None:
    with world.unchanged(), refuses("operator: must not be the zero address"):
        world.escrow.set_operator(ZERO_ADDRESS, sender=owner)


def test_set_operator_appoints_another(
    world: World, owner: str, operator: str, guardian: str, stranger: str
) -> None:
    others = {"operator": operator, "guardian": guardian}
    before = others.pop("operator")

    with world.moves():
        world.escrow.set_operator(stranger, sender=owner)

    assert world.events() == [("OperatorSet", {"previous": before, "operator": stranger})]
    assert world.escrow.operator().lower() == stranger
    assert all(getattr(world.escrow, role)().lower() == key for role, key in others.items())


def test_set_operator_ends_the_right_of_the_one_before(
    world: World, owner: str, operator: str, stranger: str
) -> None:
    digest = b"\x01" * 32
    world.escrow.set_operator(stranger, sender=owner)

    with refuses("caller: only the operator or the owner"):
        world.escrow.announce(10, bytes(32), digest, sender=operator)
    world.escrow.announce(10, bytes(32), digest, sender=stranger)
