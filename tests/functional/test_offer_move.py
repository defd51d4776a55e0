"""offer_move(to)"""

import boa
import pytest

from sluice.words import OFFER_PLACE, link_bytes
from tests.escrow_world import FIRST_PASS, PLAYED, ZERO_ADDRESS, World, refuses, role_address
from tests.moving import NEW, NOT_OFFERED, OLD

OTHER = role_address("other_staker")


def offered(world: World) -> str:
    """Whom the old account is offered to."""
    return f"0x{world.words(OLD).get(OFFER_PLACE, 0):040x}"


@pytest.mark.parametrize("to", [NEW, OTHER, OLD, "0x" + "ff" * 20])
def test_offer_move_says_who_may_take_the_account_and_changes_nothing_else(
    opened: World, to: str
) -> None:
    """Whether the other one can take it is asked when it does."""
    before = opened.state()

    opened.escrow.offer_move(to, sender=OLD)
    assert opened.events() == [("MoveOffered", {"account": OLD, "to": to})]

    assert offered(opened) == to
    before["words"]["staker"][OFFER_PLACE] = int(to, 16)
    assert opened.state() == before


def test_offer_move_replaces_an_earlier_offer(opened: World) -> None:
    """N19: only the last address that was named may take it; offered twice is offered once."""
    opened.escrow.offer_move(NEW, sender=OLD)
    opened.escrow.offer_move(OTHER, sender=OLD)
    opened.escrow.offer_move(OTHER, sender=OLD)

    with opened.unchanged(), refuses(NOT_OFFERED):
        opened.escrow.accept_move(OLD, sender=NEW)
    assert offered(opened) == OTHER


def test_offer_move_to_the_zero_address_takes_it_back(opened: World) -> None:
    before = opened.state()
    opened.escrow.offer_move(NEW, sender=OLD)

    opened.escrow.offer_move(ZERO_ADDRESS, sender=OLD)
    assert opened.events() == [("MoveOffered", {"account": OLD, "to": ZERO_ADDRESS})]

    assert opened.state() == before
    with opened.unchanged(), refuses(NOT_OFFERED):
        opened.escrow.accept_move(OLD, sender=NEW)


def test_an_offer_that_nobody_accepts_changes_nothing(opened: World) -> None:
    """A lost step loses nothing: the account goes on as if there were none."""
    others = []
    for offers in (False, True):
        with boa.env.anchor():
            if offers:
                opened.escrow.offer_move(NEW, sender=OLD)
            opened.run_pass(PLAYED, [])
            opened.escrow.leave(sender=OLD)
            opened.escrow.withdraw(2**256 - 1, sender=OLD)
            opened.escrow.cancel_withdrawal(sender=OLD)
            state = opened.state()
            state["words"]["staker"].pop(OFFER_PLACE, None)
            others.append(state)

    assert others[0] == others[1]


def test_an_offer_can_be_made_at_any_time(world: World, guardian: str) -> None:
    """By an account that has nothing, while a round is announced, while paused."""
    world.announce(FIRST_PASS, [link_bytes([])])
    world.escrow.pause(sender=guardian)

    world.escrow.offer_move(NEW, sender=OLD)

    assert offered(world) == NEW
    assert list(world.words(OLD)) == [OFFER_PLACE]
