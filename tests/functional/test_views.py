"""position, stakes_of, risks_of, round_state, reserve, burned, domain, parameters, current_period,
operator, guardian, owner, pending_owner, eip712Domain"""

import boa
import pytest

from sluice.account import bound_nano, lock_nano, risk_units
from sluice.words import MAX_RISK_UNITS, NO_DIGEST, Entry, link_bytes
from tests.escrow_world import (
    DAY,
    FIRST_PASS,
    FORTNIGHT,
    NANO,
    START,
    WEEK,
    ZERO_ADDRESS,
    World,
    nano,
    set_time,
)

STAKE = 10 * 10**9
UNITS = risk_units(STAKE, 2_500)


def test_position_of_an_account_that_never_was_is_empty(world: World, stranger: str) -> None:
    assert world.lens.position(stranger) == (0, 0, 0, 0, 0, 0, 0, 0)
    assert world.lens.stakes_of(stranger) == [0] * 65
    assert world.lens.risks_of(stranger) == []


def test_position_shows_everything_apart(world: World, staker: str) -> None:
    """Stake and pool never stand as one number."""
    world.stake(staker, {0: STAKE, 64: 2 * STAKE}, pool_nano=7)
    world.run_pass(FIRST_PASS, [Entry(staker)])

    position = world.lens.position(staker)

    assert position.pool == nano(7)
    assert position.staked == nano(3 * STAKE)
    assert position.at_risk == nano(lock_nano(risk_units(3 * STAKE, 2_500)))
    assert position.withdrawable == nano(7)
    assert (position.due, position.nonce) == (0, 0)
    assert (position.round, position.period) == (FIRST_PASS, 0)


def test_position_at_risk_may_exceed_the_equity(world: World, staker: str) -> None:
    world.stake(staker, {0: STAKE})
    world.run_passes(FIRST_PASS, FIRST_PASS + 3, staker)
    for round_number in range(FIRST_PASS + 4, FIRST_PASS + 7):
        bound = world.lens.risks_of(staker)[0].bound // NANO
        world.run_pass(round_number, [Entry(staker, {0: -bound})])

    position = world.lens.position(staker)

    assert position.at_risk > position.pool + position.staked
    assert position.withdrawable == 0


def test_stakes_of_shows_each_model(world: World, staker: str) -> None:
    world.stake(staker, {model: model + 1 for model in range(65)})

    assert world.lens.stakes_of(staker) == [nano(model + 1) for model in range(65)]


def test_risks_of_shows_each_open_round(world: World, staker: str) -> None:
    world.stake(staker, {0: STAKE})
    for round_number in range(FIRST_PASS, FIRST_PASS + 6):
        world.run_pass(round_number, [Entry(staker)])

        risks = world.lens.risks_of(staker)

        opened = range(max(round_number + 1, FIRST_PASS + 4), round_number + 5)
        assert [risk.round for risk in risks] == list(opened)
        assert all(risk.bound == nano(bound_nano(UNITS)) for risk in risks)
        assert all(risk.lock == nano(lock_nano(UNITS)) for risk in risks)
        assert all(risk.deadline == world.parameters.deadline(risk.round) for risk in risks)
        assert world.at_risk_nano(staker) == sum(risk.lock for risk in risks) // NANO


def test_risks_of_leaves_out_what_lapsed(world: World, staker: str) -> None:
    world.stake(staker, {0: STAKE})
    world.run_passes(FIRST_PASS, FIRST_PASS + 3, staker)
    set_time(world.parameters.deadline(FIRST_PASS + 4))
    assert len(world.lens.risks_of(staker)) == 4

    set_time(now := world.parameters.deadline(FIRST_PASS + 5) + 1)

    assert now > world.parameters.deadline(FIRST_PASS + 4)
    assert [risk.round for risk in world.lens.risks_of(staker)] == [
        FIRST_PASS + 6,
        FIRST_PASS + 7,
    ]
    assert world.at_risk_nano(staker) == 2 * lock_nano(UNITS)


def test_risks_of_follows_the_account_in_the_middle_of_a_pass(
    world: World, staker: str, other_staker: str, stranger: str
) -> None:
    for account in (staker, other_staker):
        world.stake(account, {0: STAKE})
    world.run_passes(FIRST_PASS, FIRST_PASS + 3, staker, other_staker)
    links = [link_bytes([Entry(staker)]), link_bytes([Entry(other_staker)])]
    chain = world.announce(FIRST_PASS + 4, links)
    world.past_window()
    world.escrow.resolve(FIRST_PASS + 4, links[:1], chain[1], sender=stranger)

    in_it = [risk.round for risk in world.lens.risks_of(staker)]
    still_before = [risk.round for risk in world.lens.risks_of(other_staker)]

    assert in_it == list(range(FIRST_PASS + 5, FIRST_PASS + 9))
    assert still_before == list(range(FIRST_PASS + 4, FIRST_PASS + 8))


def test_risks_saturate_and_what_is_above_does_not_count(world: World, staker: str) -> None:
    stake = 5 * 10**6 * 10**9
    world.stake(staker, {0: stake})
    world.run_pass(FIRST_PASS, [Entry(staker)])

    (risk,) = world.lens.risks_of(staker)

    assert risk.bound == nano(bound_nano(MAX_RISK_UNITS))
    assert risk.bound < nano(stake // 4)


@pytest.mark.parametrize("stake_nano", [1, 2**18 * 4 - 1, 2**18 * 4, 2**18 * 4 + 1, 2**20 * 4])
def test_risk_is_rounded_up_in_the_bound_and_down_in_the_lock(
    world: World, staker: str, stake_nano: int
) -> None:
    """S50a: linear up to the stated bound of one unit."""
    world.stake(staker, {0: stake_nano})
    world.run_pass(FIRST_PASS, [Entry(staker)])

    (risk,) = world.lens.risks_of(staker)

    assert nano(stake_nano) <= 4 * risk.bound < nano(stake_nano) + 4 * nano(2**18)
    assert risk.lock == risk.bound - nano(2**18)


def test_round_state_tells_where_the_pass_stands(world: World, stranger: str) -> None:
    assert world.escrow.round_state() == (FIRST_PASS - 1, NO_DIGEST, 0)
    chain = world.announce(FIRST_PASS, [b"", b""])
    assert world.escrow.round_state() == (FIRST_PASS - 1, chain[0], START)
    world.past_window()

    world.escrow.resolve(FIRST_PASS, [b""], chain[1], sender=stranger)
    assert world.escrow.round_state() == (FIRST_PASS - 1, chain[1], START)
    world.escrow.resolve(FIRST_PASS, [b""], NO_DIGEST, sender=stranger)
    assert world.escrow.round_state() == (FIRST_PASS, NO_DIGEST, 0)


def test_words_are_what_is_stored(world: World, staker: str) -> None:
    world.stake(staker, {0: STAKE, 1: STAKE}, pool_nano=7)
    keys = [place << 160 | int(staker, 16) for place in (0, 1, 2)]

    stored = world.words(staker)

    assert stored[0] & (2**54 - 1) == 7
    assert world.escrow.words(keys) == [stored[0], stored[1], 0]
    assert world.escrow.words([]) == []


def test_reserve_and_burned_show_the_treasury(world: World, staker: str) -> None:
    world.fund(100)
    world.stake(staker, {0: STAKE})
    world.run_passes(FIRST_PASS, FIRST_PASS + 3, staker)
    world.run_pass(FIRST_PASS + 4, [Entry(staker, {0: 60, 1: -25})])

    assert world.escrow.reserve() == nano(40)
    assert world.escrow.burned() == nano(25)


def test_current_period_counts_fortnights_from_one(world: World) -> None:
    """S20: periods are fortnights."""
    for seconds, period in [(0, 1), (FORTNIGHT - 1, 1), (FORTNIGHT, 2), (10 * FORTNIGHT, 11)]:
        set_time(START + seconds)
        assert world.lens.current_period() == period


def test_parameters_say_what_the_deployment_fixed(world: World) -> None:
    """S4: the lengths are parameters that anyone can read; S40 S41: the terms of the way out stand
    before the first deposit."""
    parameters = world.escrow.parameters()

    assert (parameters.token, parameters.burner) == (world.token.address, world.burner.address)
    assert (parameters.round_length, parameters.window, parameters.grace) == (WEEK, DAY, 3 * WEEK)
    assert (parameters.first_pass, parameters.first_pass_time) == (FIRST_PASS, START)
    assert (parameters.cap_bps, parameters.deployed_at) == (2_500, START)


def test_domain_follows_the_chain(world: World) -> None:
    domain = world.escrow.domain()

    boa.env.evm.patch.chain_id = 31_337

    assert world.escrow.domain() != domain
    assert world.escrow.eip712Domain()[3] == 31_337


def test_roles_can_be_read(world: World, owner: str, operator: str, guardian: str) -> None:
    assert world.escrow.owner().lower() == owner
    assert world.escrow.operator().lower() == operator
    assert world.escrow.guardian().lower() == guardian
    assert world.escrow.pending_owner() == ZERO_ADDRESS
