"""unpause()"""

import pytest

from tests.escrow_world import FIRST_PASS, NO_DIGEST, WEEK, World, now, refuses, set_time

DIGEST = b"\x01" * 32


@pytest.mark.parametrize("role", ["operator", "guardian", "staker", "stranger"])
def test_unpause_refuses_everybody_but_the_owner(world: World, guardian: str, role: str) -> None:
    world.escrow.pause(sender=guardian)

    with world.unchanged(), refuses("ownable: caller is not the owner"):
        world.escrow.unpause(sender=world.watched[role])


def test_unpause_refuses_when_there_was_no_pause(world: World, owner: str, guardian: str) -> None:
    with world.unchanged(), refuses("unpause: there was no pause()"):
        world.escrow.unpause(sender=owner)
    world.escrow.pause(sender=guardian)
    world.escrow.unpause(sender=owner)

    with world.unchanged(), refuses("unpause: there was no pause()"):
        world.escrow.unpause(sender=owner)


@pytest.mark.parametrize("seconds", [0, 1, WEEK - 1, WEEK, 10 * WEEK])
def test_unpause_ends_a_pause_at_once_or_allows_another(
    world: World, owner: str, guardian: str, operator: str, seconds: int
) -> None:
    """N7: also after the pause has ended by itself; nothing else changes."""
    before = world.state()
    world.escrow.pause(sender=guardian)
    set_time(now() + seconds)

    world.escrow.unpause(sender=owner)
    assert world.events() == [("Unpaused", {})]

    assert world.state() == before
    world.escrow.announce(FIRST_PASS, NO_DIGEST, DIGEST, sender=operator)
    world.escrow.pause(sender=guardian)
    assert world.escrow.paused_at() == now()
