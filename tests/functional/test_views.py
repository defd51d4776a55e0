"""word, round_state, paused_at, reserve, burned, domain, parameters, operator, guardian, owner,
pending_owner"""

from sluice.account import risk_units
from sluice.instructions import domain_separator
from sluice.words import NO_DIGEST, Entry
from tests.escrow_world import (
    DAY,
    FIRST_PASS,
    STAKE,
    START,
    WEEK,
    ZERO_ADDRESS,
    World,
    nano,
    on_chain,
    set_time,
)

UNITS = risk_units(STAKE, 2_500)


def test_round_state_tells_where_the_pass_stands(world: World, stranger: str) -> None:
    assert world.escrow.round_state() == (FIRST_PASS - 1, NO_DIGEST, 0)
    chain = world.announce(FIRST_PASS, [b"", b""])
    assert world.escrow.round_state() == (FIRST_PASS - 1, chain[0], START)
    world.past_window()

    world.escrow.resolve(FIRST_PASS, [b""], chain[1], sender=stranger)
    assert world.escrow.round_state() == (FIRST_PASS - 1, chain[1], START)
    world.escrow.resolve(FIRST_PASS, [b""], NO_DIGEST, sender=stranger)
    assert world.escrow.round_state() == (FIRST_PASS, NO_DIGEST, 0)


def test_paused_at_tells_of_the_last_pause(world: World, owner: str, guardian: str) -> None:
    """Also when it has ended by itself, until the owner unpauses: so long is another refused."""
    assert world.escrow.paused_at() == 0
    world.escrow.pause(sender=guardian)
    assert world.escrow.paused_at() == START
    set_time(START + 9 * WEEK)
    assert world.escrow.paused_at() == START
    world.escrow.unpause(sender=owner)
    assert world.escrow.paused_at() == 0


def test_word_is_what_is_stored(world: World, staker: str) -> None:
    world.stake(staker, {0: STAKE, 1: STAKE}, pool_nano=7)
    keys = [place << 160 | int(staker, 16) for place in (0, 1, 2)]

    stored = world.words(staker)

    assert stored[0] & (2**54 - 1) == 7
    assert [world.escrow.word(key) for key in keys] == [stored[0], stored[1], 0]


def test_reserve_and_burned_show_the_treasury(world: World, staker: str) -> None:
    world.fund(100)
    world.stake(staker, {0: STAKE})
    world.open_rounds(staker)
    world.run_pass(FIRST_PASS + 4, [Entry(staker, {0: 60, 1: -25})])

    assert world.escrow.reserve() == nano(40)
    assert world.escrow.burned() == nano(25)


def test_parameters_say_what_the_deployment_fixed(world: World) -> None:
    """S4: the lengths are parameters that anyone can read; S40 S41: the terms of the way out stand
    before the first deposit."""
    parameters = world.escrow.parameters()

    assert (parameters.token, parameters.burner) == (world.token.address, world.burner.address)
    assert (parameters.round_length, parameters.window, parameters.grace) == (WEEK, DAY, 3 * WEEK)
    assert (parameters.first_pass, parameters.first_pass_time) == (FIRST_PASS, START)
    assert (parameters.cap_bps, parameters.deployed_at) == (2_500, START)


def test_domain_follows_the_chain(world: World) -> None:
    for chain_id in (1, 31_337):
        with on_chain(chain_id):
            assert world.escrow.domain() == domain_separator(chain_id, world.escrow.address)


def test_roles_can_be_read(world: World, owner: str, operator: str, guardian: str) -> None:
    assert world.escrow.owner().lower() == owner
    assert world.escrow.operator().lower() == operator
    assert world.escrow.guardian().lower() == guardian
    assert world.escrow.pending_owner() == ZERO_ADDRESS
