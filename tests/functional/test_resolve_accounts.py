"""resolve(round, links, next_digest): what a pass does to an account"""

import pytest

from sluice.account import bound_nano, lock_nano, risk_units
from sluice.words import (
    MAX_RISK_UNITS,
    NO_DIGEST,
    Entry,
    link_bytes,
    pack_entry,
    unpack_account,
)
from tests.escrow_world import (
    FIRST_PASS,
    PLAYED,
    STAKE,
    World,
    nano,
    refuses,
    set_time,
)

UNITS = risk_units(STAKE, 2_500)
BOUND = bound_nano(UNITS)


def test_resolve_adds_earnings_to_the_model_and_burns_from_it(
    opened: World, staker: str, other_staker: str
) -> None:
    """S16: the default sends a model's earnings back into its stake; S13: no token moves."""
    with opened.moves():
        opened.resolve(
            PLAYED,
            [link_bytes([Entry(staker, {0: BOUND}), Entry(other_staker, {0: -BOUND})])],
        )

    assert opened.stakes_nano(staker) == {0: STAKE + BOUND}
    assert opened.stakes_nano(other_staker) == {0: STAKE - BOUND}
    assert opened.escrow.reserve() == nano(10**15 - BOUND)
    assert opened.escrow.burned() == nano(BOUND)
    assert opened.lens.risks_of(staker)[-1].bound == nano(
        bound_nano(risk_units(STAKE + BOUND, 2_500))
    )


def test_resolve_burns_the_models_stake_then_the_pool_then_other_stakes_ascending(
    world: World, staker: str
) -> None:
    world.stake(staker, {0: 10**10})
    world.open_rounds(staker)
    stakes = {0: 20, 1: 30, 6: 40, 64: 10**10 - 100}
    world.escrow.set_stakes(
        [0, 1, 6, 64], [nano(stake) for stake in stakes.values()], sender=staker
    )
    assert world.pool_nano(staker) == 10

    # 40 of its own, 10 of the pool, then 20, 30 and 5 of the others
    world.run_pass(PLAYED, [Entry(staker, {6: -105})])

    assert world.pool_nano(staker) == 0
    assert world.stakes_nano(staker) == {64: 10**10 - 105}
    assert world.escrow.burned() == nano(105)


def test_resolve_takes_losses_of_several_models_ascending(world: World, staker: str) -> None:
    world.stake(staker, {0: 10**10, 1: 100, 2: 200, 5: 300}, pool_nano=0)
    world.open_rounds(staker)
    world.escrow.set_stakes([0, 7], [nano(50), nano(10**10 - 50)], sender=staker)

    # model 1 loses its own 100, then 50, 200 and 25 of models 0, 2 and 5; model 5 the rest
    world.run_pass(PLAYED, [Entry(staker, {1: -375, 5: -300})])

    assert world.stakes_nano(staker) == {7: 10**10 - 50 - 25}
    assert world.escrow.burned() == nano(675)


def test_resolve_takes_the_pool_before_other_stakes(world: World, staker: str) -> None:
    world.stake(staker, {0: 10**10, 1: 100})
    world.open_rounds(staker)
    world.escrow.set_stakes([0, 3], [nano(7), nano(10**10 - 7 - 40)], sender=staker)
    assert world.pool_nano(staker) == 40

    world.run_pass(PLAYED, [Entry(staker, {1: -145})])

    assert world.pool_nano(staker) == 0
    assert world.stakes_nano(staker) == {0: 2, 3: 10**10 - 47}


def test_resolve_does_not_burn_what_the_equity_cannot_cover(world: World, staker: str) -> None:
    """Later openings may commit the same NMR again, up to 1.75 times; what it cannot cover is not
    burned, and nothing wraps."""
    world.stake(staker, {0: STAKE, 5: STAKE})
    world.open_rounds(staker)
    burned = 0
    for round_number in range(PLAYED, PLAYED + 8):
        equity = world.lens.position(staker).staked + world.lens.position(staker).pool
        risks = {risk.round: risk.bound for risk in world.lens.risks_of(staker)}
        loss = risks.get(round_number, 0) // 10**9
        world.run_pass(round_number, [Entry(staker, {3: -loss})])
        burned += min(equity // 10**9, loss)
        assert world.escrow.burned() == nano(burned)

    assert burned == 2 * STAKE
    assert world.lens.position(staker)[:2] == (0, 0)


def test_resolve_charges_losses_before_it_pays_earnings(world: World, staker: str) -> None:
    """An earning of a model whose stake the losses took goes to the pool."""
    world.fund(10**12)
    world.stake(staker, {1: 100, 2: 10**9})
    world.open_rounds(staker)

    world.run_pass(PLAYED, [Entry(staker, {1: 30, 0: -90, 2: -20, 9: 8})])

    # model 0 has no stake, the pool is empty: the loss takes model 1's 90 of 100
    assert world.stakes_nano(staker) == {1: 10 + 30, 2: 10**9 - 20}
    assert world.pool_nano(staker) == 8


def test_resolve_pays_the_earning_of_an_emptied_model_to_the_pool(
    world: World, staker: str
) -> None:
    """S16: to the pool if the model has no stake any more; and its neighbours on the page stay."""
    world.fund(10**12)
    world.stake(staker, {5: 10**9, 6: 1, 8: 1})
    world.open_rounds(staker)
    world.escrow.set_stakes([5, 7], [0, nano(10**9)], sender=staker)

    world.run_pass(PLAYED, [Entry(staker, {5: 30, 6: 40, 7: 50, 8: 60})])

    assert world.stakes_nano(staker) == {6: 41, 7: 10**9 + 50, 8: 61}
    assert world.pool_nano(staker) == 30


def test_resolve_keeps_earnings_free_however_much_is_at_risk(world: World, staker: str) -> None:
    """S5 S11: an earning sent to the pool is free at once."""
    world.fund(10**12)
    world.stake(staker, {0: STAKE})
    world.open_rounds(staker)
    world.escrow.set_stakes([0, 1], [0, nano(STAKE)], sender=staker)

    world.run_pass(PLAYED, [Entry(staker, {0: 12_345})])

    assert world.pool_nano(staker) == 12_345
    assert world.withdrawable_nano(staker) == 12_345


def test_resolve_pays_65_models_everywhere_in_one_entry(world: World, staker: str) -> None:
    """S50: 64 models and more in one account."""
    world.fund(10**12)
    world.stake(staker, {model: 10**9 + model for model in range(65)})
    world.open_rounds(staker)
    payouts = {model: (model + 1) * (-1 if model % 3 == 1 else 1) for model in range(65)}

    world.resolve(PLAYED, [link_bytes([Entry(staker, payouts)])])

    assert world.stakes_nano(staker) == {
        model: 10**9 + model + payouts[model] for model in range(65)
    }
    assert world.escrow.burned() == nano(-sum(p for p in payouts.values() if p < 0))
    spent = sum(p for p in payouts.values() if p > 0)
    assert world.escrow.reserve() == nano(10**12 - spent)
    assert len(pack_entry(Entry(staker, payouts))) == 17


def test_resolve_counts_stakes_on_pages_that_the_entry_does_not_name(
    world: World, staker: str
) -> None:
    world.stake(staker, {0: STAKE, 33: STAKE, 64: STAKE})
    world.open_rounds(staker)

    world.run_pass(PLAYED, [Entry(staker, {9: -1})])

    assert world.lens.risks_of(staker)[-1].bound == nano(
        bound_nano(risk_units(3 * STAKE - 1, 2_500))
    )


def test_resolve_records_the_saturated_risk_of_a_huge_stake(world: World, staker: str) -> None:
    huge = 5 * 10**6 * 10**9
    world.stake(staker, {0: huge})
    world.open_rounds(staker)

    with refuses("entry 00 of link 00: losses are above its bound"):
        world.resolve(PLAYED, [link_bytes([Entry(staker, {0: -bound_nano(MAX_RISK_UNITS) - 1})])])
    world.resolve(PLAYED, [link_bytes([Entry(staker, {0: -bound_nano(MAX_RISK_UNITS)})])])

    assert world.escrow.burned() == nano(bound_nano(MAX_RISK_UNITS))
    assert unpack_account(world.words(staker)[0]).risks_units == (MAX_RISK_UNITS,) * 4


@pytest.mark.parametrize("missed", [1, 2, 3, 4, 5, 9])
def test_resolve_clears_the_risks_of_passes_that_left_the_account_out(
    opened: World, staker: str, other_staker: str, missed: int
) -> None:
    """A round that is done is closed for the accounts that it left out; nothing opens for them."""
    for round_number in range(PLAYED, PLAYED + missed):
        opened.run_pass(round_number, [Entry(other_staker)])
    still_open = [risk.round for risk in opened.lens.risks_of(staker)]
    assert still_open == list(range(PLAYED + missed, PLAYED + 4))

    back = PLAYED + missed
    message = "entry 00 of link 00: losses are above its bound"
    if missed >= 4:
        with refuses(message):
            opened.resolve(back, [link_bytes([Entry(staker, {0: -1})])])
    opened.run_pass(back, [Entry(staker, {0: -BOUND} if missed < 4 else {})])

    expected = [*range(back + 1, PLAYED + 4), back + 4]
    assert [risk.round for risk in opened.lens.risks_of(staker)] == expected
    # the rounds opened without it give it nothing
    for round_number in range(back + 1, back + 5):
        if round_number in expected:
            opened.run_pass(round_number, [Entry(staker, {0: -1})])
            continue
        with refuses(message):
            opened.resolve(round_number, [link_bytes([Entry(staker, {0: -1})])])
        opened.run_pass(round_number, [Entry(staker)])


@pytest.mark.parametrize("missed", [0, 1, 2, 3, 4])
def test_resolve_lets_an_account_join_at_any_pass(world: World, staker: str, missed: int) -> None:
    """S5: the first passes of the escrow may have left it out; none is counted after."""
    world.stake(staker, {0: STAKE})
    world.run_passes(FIRST_PASS, FIRST_PASS + missed - 1)

    world.run_pass(FIRST_PASS + missed, [Entry(staker)])

    joined = world.parameters.round_word(FIRST_PASS + missed)
    assert unpack_account(world.words(staker)[0]).round_word == joined
    assert [risk.round for risk in world.lens.risks_of(staker)] == [PLAYED + missed]


def test_resolve_opens_nothing_from_the_pass_time_of_the_next_round_on(
    opened: World, staker: str, other_staker: str, stranger: str
) -> None:
    """A late opening would sell hindsight."""
    links = [link_bytes([Entry(staker)]), link_bytes([Entry(other_staker)])]
    chain = opened.announce(PLAYED, links)
    set_time(opened.pass_time(PLAYED + 1) - 1)
    opened.escrow.resolve(PLAYED, links[:1], chain[1], sender=stranger)
    set_time(opened.pass_time(PLAYED + 1))
    opened.escrow.resolve(PLAYED, links[1:], NO_DIGEST, sender=stranger)

    in_time = [risk.round for risk in opened.lens.risks_of(staker)]
    late = [risk.round for risk in opened.lens.risks_of(other_staker)]

    assert in_time == list(range(PLAYED + 1, PLAYED + 5))
    assert late == list(range(PLAYED + 1, PLAYED + 4))
    assert opened.at_risk_nano(other_staker) == 3 * lock_nano(UNITS)


def test_resolve_charges_losses_to_the_last_second_and_not_past_the_deadline(
    opened: World, staker: str, other_staker: str, stranger: str
) -> None:
    """Past the deadline losses are forgiven and earnings still paid; each transaction counts."""
    payouts = {0: -7, 1: 5}
    links = [link_bytes([Entry(staker, payouts)]), link_bytes([Entry(other_staker, payouts)])]
    chain = opened.announce(PLAYED, links)
    set_time(opened.parameters.deadline(PLAYED))
    opened.escrow.resolve(PLAYED, links[:1], chain[1], sender=stranger)
    set_time(opened.parameters.deadline(PLAYED) + 1)
    opened.escrow.resolve(PLAYED, links[1:], NO_DIGEST, sender=stranger)

    assert opened.stakes_nano(staker) == {0: STAKE - 7}
    assert opened.stakes_nano(other_staker) == {0: STAKE}
    assert opened.pool_nano(staker) == opened.pool_nano(other_staker) == 5
    assert opened.escrow.burned() == nano(7)


def test_resolve_forgives_the_loss_of_a_one_model_account_past_the_deadline(
    opened: World, staker: str
) -> None:
    set_time(opened.parameters.deadline(PLAYED) + 1)

    opened.resolve(PLAYED, [link_bytes([Entry(staker, {0: -7})])])

    assert opened.stakes_nano(staker) == {0: STAKE}
    assert opened.escrow.burned() == 0
    assert opened.lens.position(staker).round == PLAYED


def test_resolve_reads_stakes_as_they_are_when_the_entry_is_resolved(
    opened: World, staker: str, stranger: str
) -> None:
    """S42 S43: changes of stake count until the account's entry is resolved."""
    links = [link_bytes([Entry(staker)])]
    opened.announce(PLAYED, links)
    opened.past_window()
    opened.stake(staker, {3: STAKE})

    opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=stranger)

    assert opened.lens.risks_of(staker)[-1].bound == nano(bound_nano(risk_units(2 * STAKE, 2_500)))


def test_resolve_frees_what_a_round_locked(opened: World, staker: str) -> None:
    """S14 S23 S27: with each resolved round a quarter is no longer at risk."""
    opened.escrow.leave(sender=staker)
    free = opened.withdrawable_nano(staker)

    opened.run_pass(PLAYED, [Entry(staker)])

    assert opened.withdrawable_nano(staker) == free + lock_nano(UNITS)
