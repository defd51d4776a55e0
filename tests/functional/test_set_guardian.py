"""set_guardian(guardian)"""

import pytest

from tests.escrow_world import ZERO_ADDRESS, World, refuses


@pytest.mark.parametrize("role", ["operator", "guardian", "stranger"])
def test_set_guardian_refuses_everybody_but_the_owner(world: World, role: str) -> None:
    with refuses("ownable: caller is not the owner"):
        world.escrow.set_guardian(world.watched[role], sender=world.watched[role])


def test_set_guardian_refuses_the_zero_address(world: World, owner: str) -> None:
    with world.unchanged(), refuses("guardian: must not be the zero address"):
        world.escrow.set_guardian(ZERO_ADDRESS, sender=owner)


def test_set_guardian_appoints_another(
    world: World, owner: str, operator: str, guardian: str, stranger: str
) -> None:
    others = {"operator": operator, "guardian": guardian}
    before = others.pop("guardian")

    with world.moves():
        world.escrow.set_guardian(stranger, sender=owner)

    assert world.events() == [("GuardianSet", {"previous": before, "guardian": stranger})]
    assert world.escrow.guardian().lower() == stranger
    assert all(getattr(world.escrow, role)().lower() == key for role, key in others.items())
