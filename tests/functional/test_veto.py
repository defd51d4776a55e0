"""veto(round)"""

import pytest

from sluice.words import NO_DIGEST, Entry, digest_chain, link_bytes
from tests.escrow_world import (
    DAY,
    FIRST_PASS,
    PLAYED,
    STAKE,
    START,
    WEEK,
    World,
    nano,
    refuses,
    role_address,
    set_time,
)

DIGEST = b"\x01" * 32
LOSS = STAKE // 4
NOTHING_ANNOUNCED = "resolve: nothing is announced, see round_state()"
NOT_NEXT = "round: not the next one, see round_state()"


def announced(world: World) -> list[bytes]:
    """Round PLAYED announced in two links: the staker burns, the other one earns."""
    links = [
        link_bytes([Entry(role_address("staker"), {0: -LOSS})]),
        link_bytes([Entry(role_address("other_staker"), {0: LOSS})]),
    ]
    world.announce(PLAYED, links)
    return links


@pytest.mark.parametrize("role", ["owner", "operator", "staker", "stranger"])
def test_veto_refuses_everybody_but_the_guardian(opened: World, role: str) -> None:
    announced(opened)

    with opened.unchanged(), refuses("caller: only the guardian"):
        opened.escrow.veto(PLAYED, sender=opened.watched[role])


@pytest.mark.parametrize("round_number", [0, 1, PLAYED - 1, PLAYED + 1, 2**256 - 1])
def test_veto_refuses_every_round_but_the_next(
    opened: World, guardian: str, round_number: int
) -> None:
    announced(opened)

    with opened.unchanged(), refuses(NOT_NEXT):
        opened.escrow.veto(round_number, sender=guardian)


def test_veto_refuses_when_nothing_is_announced(world: World, guardian: str) -> None:
    """Before an announcement, after a veto, and after the end of a round."""
    with world.unchanged(), refuses(NOTHING_ANNOUNCED):
        world.escrow.veto(FIRST_PASS, sender=guardian)
    world.announce(FIRST_PASS, [link_bytes([])])
    world.veto()
    with world.unchanged(), refuses(NOTHING_ANNOUNCED):
        world.escrow.veto(FIRST_PASS, sender=guardian)

    world.run_pass(FIRST_PASS)

    with world.unchanged(), refuses(NOTHING_ANNOUNCED):
        world.escrow.veto(FIRST_PASS + 1, sender=guardian)


def test_veto_clears_the_announcement_and_nothing_else(opened: World, guardian: str) -> None:
    """The event says what was left, for whoever announces it again."""
    links = announced(opened)

    with opened.unchanged_round():
        opened.escrow.veto(PLAYED, sender=guardian)
        digest = digest_chain(links)[0]
        assert opened.events() == [("RoundVetoed", {"round": PLAYED, "digest": digest})]

    assert opened.escrow.round_state() == (PLAYED - 1, NO_DIGEST, 0)


@pytest.mark.parametrize("seconds", [0, DAY - 1, DAY, WEEK, 30 * WEEK])
def test_veto_works_from_the_announcement_to_the_end_of_the_round(
    opened: World, stranger: str, seconds: int
) -> None:
    """In the window, after it, and when the deadline is long past."""
    links = announced(opened)
    set_time(opened.pass_time(PLAYED) + seconds)

    opened.veto()

    with opened.unchanged(), refuses(NOTHING_ANNOUNCED):
        opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=stranger)


def test_veto_takes_back_only_what_is_left(
    opened: World, staker: str, other_staker: str, guardian: str, stranger: str
) -> None:
    """What was applied before the veto stays; what was not is applied by a later announcement."""
    links = announced(opened)
    left = digest_chain(links)[1]
    opened.past_window()
    opened.escrow.resolve(PLAYED, links[:1], left, sender=stranger)

    opened.escrow.veto(PLAYED, sender=guardian)

    assert opened.events() == [("RoundVetoed", {"round": PLAYED, "digest": left})]
    assert opened.stakes_nano(staker) == {0: STAKE - LOSS}
    assert opened.stakes_nano(other_staker) == {0: STAKE}
    opened.resolve(PLAYED, links[1:])
    assert opened.stakes_nano(staker) == {0: STAKE - LOSS}
    assert opened.stakes_nano(other_staker) == {0: STAKE + LOSS}
    assert opened.escrow.round_state()[0] == PLAYED


def test_veto_works_while_paused(opened: World, guardian: str) -> None:
    announced(opened)
    opened.escrow.pause(sender=guardian)

    opened.escrow.veto(PLAYED, sender=guardian)

    assert opened.escrow.round_state() == (PLAYED - 1, NO_DIGEST, 0)


def test_after_a_veto_a_new_announcement_names_no_digest_and_waits_anew(
    opened: World, operator: str, stranger: str
) -> None:
    """Also one of the very same links: a veto is no ban, only a new window."""
    links = announced(opened)
    digest = digest_chain(links)[0]
    opened.past_window()
    opened.veto()

    with refuses("announce: replaces is not the stored digest, see round_state()"):
        opened.escrow.announce(PLAYED, digest, digest, sender=operator)
    opened.escrow.announce(PLAYED, NO_DIGEST, digest, sender=operator)
    with refuses("resolve: the challenge window is still open"):
        opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=stranger)
    opened.past_window()
    opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=stranger)

    assert opened.escrow.round_state() == (PLAYED, NO_DIGEST, 0)


def test_the_owner_can_announce_after_a_veto(
    opened: World, owner: str, staker: str, other_staker: str
) -> None:
    """An operator whose key is lost stops nothing: the owner takes over in the same block."""
    links = announced(opened)
    opened.veto()

    opened.escrow.announce(PLAYED, NO_DIGEST, digest_chain(links)[0], sender=owner)
    opened.past_window()
    opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=owner)

    assert opened.stakes_nano(other_staker) == {0: STAKE + LOSS}


def test_a_veto_and_a_resolve_in_the_same_second_go_by_their_order(
    opened: World, guardian: str, stranger: str
) -> None:
    """The window's end gives nobody more than the chain's order does: whoever is second is
    refused, and the round is done or struck, never both."""
    links = announced(opened)
    opened.past_window()
    opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=stranger)

    with opened.unchanged(), refuses(NOT_NEXT):
        opened.escrow.veto(PLAYED, sender=guardian)
    # meant for this round, it cannot hit the next one either
    set_time(opened.pass_time(PLAYED + 1))
    opened.announce(PLAYED + 1, [link_bytes([])])
    with opened.unchanged(), refuses(NOT_NEXT):
        opened.escrow.veto(PLAYED, sender=guardian)


def test_a_veto_does_not_move_the_deadline(opened: World, staker: str) -> None:
    """Nor any other clock: a guardian that vetoes for weeks forgives the burns, and no more."""
    set_time(opened.parameters.deadline(PLAYED) - DAY)
    links = announced(opened)
    set_time(opened.parameters.deadline(PLAYED))
    opened.veto()

    opened.resolve(PLAYED, links)

    assert opened.stakes_nano(staker) == {0: STAKE}
    assert opened.escrow.burned() == 0


def test_a_veto_strikes_what_is_announced_when_it_comes_not_what_it_was_sent_for(
    opened: World, operator: str, guardian: str
) -> None:
    """It names a round and no digest: a replacement that comes before it is struck; the event says
    which one, and it can be announced again at once."""
    wrong, right = digest_chain(announced(opened))[0], digest_chain([link_bytes([])])[0]
    opened.escrow.announce(PLAYED, wrong, right, sender=operator)

    opened.escrow.veto(PLAYED, sender=guardian)

    assert opened.escrow.round_state()[1] == NO_DIGEST
    opened.escrow.announce(PLAYED, NO_DIGEST, right, sender=operator)


def test_after_a_veto_the_owner_can_take_the_reserve(opened: World, owner: str) -> None:
    """Nothing is announced then: why the reserve is kept near one round's need."""
    announced(opened)
    with refuses("withdraw_reserve: wait for the end of the announced round"):
        opened.escrow.withdraw_reserve(nano(1), sender=owner)

    opened.veto()

    with opened.moves(escrow=-nano(1), owner=nano(1)):
        opened.escrow.withdraw_reserve(nano(1), sender=owner)
    assert opened.escrow.round_state()[0] == PLAYED - 1
    assert opened.pass_time(PLAYED) == START + 4 * WEEK
