"""announce(round, replaces, digest)"""

import boa
import pytest

from sluice.words import MAX_ROUND_WORD, NO_DIGEST, Entry, digest_chain, link_bytes
from tests.escrow_world import (
    DAY,
    FIRST_PASS,
    START,
    WEEK,
    World,
    deploy_world,
    refuses,
    set_time,
)

DIGEST = b"\x01" * 32
OTHER_DIGEST = b"\x02" * 32


@pytest.mark.parametrize("role", ["guardian", "staker", "stranger"])
def test_announce_refuses_everybody_but_operator_and_owner(world: World, role: str) -> None:
    with refuses("caller: only the operator or the owner"):
        world.escrow.announce(FIRST_PASS, NO_DIGEST, DIGEST, sender=world.watched[role])


@pytest.mark.parametrize("round_number", [0, 1, FIRST_PASS - 1, FIRST_PASS + 1, 2**256 - 1])
def test_announce_refuses_every_round_but_the_next(
    world: World, operator: str, round_number: int
) -> None:
    with refuses("round: not the next one, see round_state()"):
        world.escrow.announce(round_number, NO_DIGEST, DIGEST, sender=operator)


def test_announce_refuses_a_round_that_is_done(world: World, operator: str) -> None:
    world.run_pass(FIRST_PASS)

    with refuses("round: not the next one, see round_state()"):
        world.escrow.announce(FIRST_PASS, NO_DIGEST, DIGEST, sender=operator)


def test_announce_refuses_rounds_beyond_the_counter(world: World, operator: str) -> None:
    world.put_round(FIRST_PASS + MAX_ROUND_WORD - 1)
    round_number = FIRST_PASS + MAX_ROUND_WORD
    set_time(world.pass_time(round_number))

    with refuses("announce: rounds are at their end, use withdraw()"):
        world.escrow.announce(round_number, NO_DIGEST, DIGEST, sender=operator)


def test_announce_takes_the_last_round_of_the_counter(world: World) -> None:
    world.put_round(FIRST_PASS + MAX_ROUND_WORD - 2)
    round_number = FIRST_PASS + MAX_ROUND_WORD - 1

    world.run_pass(round_number)

    assert world.escrow.round_state()[0] == round_number


def test_announce_refuses_a_round_before_its_pass_time(world: World, operator: str) -> None:
    world.run_pass(FIRST_PASS)
    set_time(world.pass_time(FIRST_PASS + 1) - 1)

    with refuses("announce: not before the pass time of the round"):
        world.escrow.announce(FIRST_PASS + 1, NO_DIGEST, DIGEST, sender=operator)

    set_time(world.pass_time(FIRST_PASS + 1))
    world.escrow.announce(FIRST_PASS + 1, NO_DIGEST, DIGEST, sender=operator)


def test_announce_refuses_the_zero_digest(world: World, operator: str) -> None:
    with refuses("announce: zero digest, an empty round is one empty link"):
        world.escrow.announce(FIRST_PASS, NO_DIGEST, NO_DIGEST, sender=operator)


def test_announce_refuses_to_replace_a_digest_that_nobody_announced(
    world: World, operator: str
) -> None:
    with refuses("announce: replaces is not the stored digest, see round_state()"):
        world.escrow.announce(FIRST_PASS, DIGEST, OTHER_DIGEST, sender=operator)


@pytest.mark.parametrize("replaces", [NO_DIGEST, OTHER_DIGEST])
def test_announce_refuses_to_replace_a_digest_without_naming_it(
    world: World, operator: str, replaces: bytes
) -> None:
    world.escrow.announce(FIRST_PASS, NO_DIGEST, DIGEST, sender=operator)

    with (
        world.unchanged(),
        refuses("announce: replaces is not the stored digest, see round_state()"),
    ):
        world.escrow.announce(FIRST_PASS, replaces, OTHER_DIGEST, sender=operator)


@pytest.mark.parametrize("role", ["operator", "owner"])
def test_announce_stores_the_digest_and_starts_the_window(world: World, role: str) -> None:
    set_time(START + 5)

    with world.moves():
        world.escrow.announce(FIRST_PASS, NO_DIGEST, DIGEST, sender=world.watched[role])

    assert world.events() == [
        (
            "RoundAnnounced",
            {
                "round": FIRST_PASS,
                "replaces": NO_DIGEST,
                "digest": DIGEST,
                "announced_at": START + 5,
            },
        )
    ]
    assert world.escrow.round_state() == (FIRST_PASS - 1, DIGEST, START + 5)


def test_announce_again_replaces_the_digest_and_starts_the_window_again(
    world: World, operator: str, owner: str, stranger: str
) -> None:
    link = link_bytes([])
    digest = digest_chain([link])[0]
    world.escrow.announce(FIRST_PASS, NO_DIGEST, DIGEST, sender=operator)
    set_time(START + DAY - 1)

    world.escrow.announce(FIRST_PASS, DIGEST, digest, sender=owner)

    assert world.events() == [
        (
            "RoundAnnounced",
            {
                "round": FIRST_PASS,
                "replaces": DIGEST,
                "digest": digest,
                "announced_at": START + DAY - 1,
            },
        )
    ]
    set_time(START + 2 * DAY - 2)
    with refuses("resolve: the challenge window is still open"):
        world.escrow.resolve(FIRST_PASS, [link], NO_DIGEST, sender=stranger)
    set_time(START + 2 * DAY - 1)
    world.escrow.resolve(FIRST_PASS, [link], NO_DIGEST, sender=stranger)
    assert world.escrow.round_state() == (FIRST_PASS, NO_DIGEST, 0)


def test_announce_again_works_when_the_window_is_long_over(world: World, operator: str) -> None:
    world.escrow.announce(FIRST_PASS, NO_DIGEST, DIGEST, sender=operator)
    set_time(START + 5 * WEEK)

    world.escrow.announce(FIRST_PASS, DIGEST, OTHER_DIGEST, sender=operator)

    assert world.escrow.round_state() == (FIRST_PASS - 1, OTHER_DIGEST, START + 5 * WEEK)


def test_announce_keeps_weekly_pass_times_whatever_the_moment_of_earlier_passes(
    world: World,
) -> None:
    set_time(START + 3 * WEEK)
    world.run_pass(FIRST_PASS)

    # the next ones are due already: no waiting for their announcement
    for round_number in (FIRST_PASS + 1, FIRST_PASS + 2, FIRST_PASS + 3):
        world.run_pass(round_number)

    assert world.escrow.round_state()[0] == FIRST_PASS + 3


def test_announce_follows_other_parameters(staker: str) -> None:
    """S4: round length, window, grace and cap are deployment parameters."""
    with boa.env.anchor():
        world = deploy_world(first_pass=500, round_length=1_000, window=100, grace=700, cap_bps=100)
        world.stake(staker, {0: 10**12})

        world.run_pass(500, [Entry(staker)])
        world.run_pass(501, [Entry(staker)])

        assert [risk.round for risk in world.lens.risks_of(staker)] == [504, 505]
        assert world.lens.risks_of(staker)[0].deadline == START + 4 * 1_000 + 700
        assert world.lens.risks_of(staker)[0].bound // 10**9 >> 18 == -(-(10**10) // 2**18)
