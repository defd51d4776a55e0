"""Lens: position, stakes_of, split_of, splits_of, risks_of, current_period, escrow"""

import boa
import pytest

from sluice.account import bound_nano, lock_nano, risk_units
from sluice.words import (
    MAX_NONCE,
    MAX_RISK_UNITS,
    POOL,
    SPLIT_PLACE,
    WALLET,
    AccountWord,
    Entry,
    SplitWord,
    StakePage,
    link_bytes,
    model_page,
    model_position,
    pack_account,
    pack_page,
    pack_split,
)
from tests.compiled import deployer_of
from tests.escrow_world import (
    FIRST_PASS,
    FORTNIGHT,
    NANO,
    STAKE,
    START,
    World,
    deploy_world,
    nano,
    refuses,
    set_time,
)

UNITS = risk_units(STAKE, 2_500)
SPLIT = ((0, 2_500), (POOL, 2_500), (WALLET, 4_999), (64, 1))


def test_lens_refuses_an_address_without_a_contract(stranger: str) -> None:
    with refuses("escrow: no contract there"):
        deployer_of("Lens.vy").deploy(stranger)


@pytest.mark.parametrize("other", ["token", "burner"])
def test_lens_refuses_a_contract_that_is_no_escrow(world: World, other: str) -> None:
    """The NMR token swallows calls that it does not know: an empty answer is none."""
    with refuses(""):
        deployer_of("Lens.vy").deploy(getattr(world, other))


def test_lens_names_its_escrow_and_is_its_own(world: World, staker: str) -> None:
    with boa.env.anchor():
        other = deploy_world()
        world.stake(staker, {0: STAKE})

        assert world.lens.escrow() == world.escrow.address
        assert other.lens.escrow() == other.escrow.address
        assert world.lens.position(staker).staked == nano(STAKE)
        assert other.lens.position(staker).staked == 0


def test_position_of_an_account_that_never_was_is_empty(world: World, stranger: str) -> None:
    assert world.lens.position(stranger) == (0, 0, 0, 0, 0, 0, 0, 0)
    assert world.lens.stakes_of(stranger) == [0] * 65
    assert world.lens.splits_of(stranger) == []
    assert world.lens.risks_of(stranger) == []
    assert world.lens.schedule(stranger) == []


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
    world.open_rounds(staker)
    for round_number in range(FIRST_PASS + 4, FIRST_PASS + 7):
        bound = world.lens.risks_of(staker)[0].bound // NANO
        world.run_pass(round_number, [Entry(staker, {0: -bound})])

    position = world.lens.position(staker)

    assert position.at_risk > position.pool + position.staked
    assert position.withdrawable == 0


def test_stakes_of_shows_each_model(world: World, staker: str) -> None:
    world.stake(staker, {model: model + 1 for model in range(65)})

    assert world.lens.stakes_of(staker) == [nano(model + 1) for model in range(65)]


def test_position_counts_what_is_due_whatever_is_at_risk(world: World, staker: str) -> None:
    """S35 S53: W = min(P, max(D, C - L))."""
    held = AccountWord(pool_nano=1_000, risks_units=(9, 9, 9, 9), round_word=1, flags=2)
    for due, withdrawable in [(0, 0), (1, 1), (999, 999), (1_000, 1_000)]:
        word = pack_split(SplitWord(due_nano=due, nonce=MAX_NONCE))
        world.put(staker, {0: pack_account(held), SPLIT_PLACE: word})

        position = world.lens.position(staker)

        assert (position.due, position.withdrawable) == (nano(due), nano(withdrawable))
        assert position.nonce == MAX_NONCE
        assert position.pool == nano(1_000) < position.at_risk


def test_position_does_not_count_as_due_what_the_account_word_does_not_vouch_for(
    world: World, staker: str
) -> None:
    held = AccountWord(pool_nano=1_000, risks_units=(9, 9, 9, 9), round_word=1, flags=1)
    world.put(staker, {0: pack_account(held), SPLIT_PLACE: pack_split(SplitWord(SPLIT, 500, 3))})

    position = world.lens.position(staker)

    assert (position.due, position.withdrawable, position.nonce) == (0, 0, 3)


@pytest.mark.parametrize("model", [0, 1, 4, 5, 64])
def test_split_of_shows_the_parts_in_their_order(world: World, staker: str, model: int) -> None:
    head = AccountWord(pages=16, flags=1 if model == 0 else 0)
    page = model_page(model)
    flags = StakePage(flags=0 if model == 0 else 1 << model_position(model))
    split = SplitWord(SPLIT, nonce=7 if model == 0 else 0)
    world.put(staker, {page: pack_page(flags), SPLIT_PLACE + model: pack_split(split)})
    world.put(staker, {0: pack_account(head)})

    assert world.lens.split_of(staker, model) == (
        [destination for destination, _ in SPLIT],
        [share for _, share in SPLIT],
    )
    assert [split.model for split in world.lens.splits_of(staker)] == [model]
    for other in {0, 1, 2, 3, 4, 5, 63, 64} - {model}:
        assert world.lens.split_of(staker, other) == ([], [])


def test_split_of_refuses_a_model_above_64(world: World, staker: str) -> None:
    assert world.lens.split_of(staker, 64) == ([], [])
    for model in (65, 2**256 - 1):
        with refuses("models: numbered 0 to 64"):
            world.lens.split_of(staker, model)


def test_split_of_does_not_show_what_stands_behind_a_cleared_flag(
    world: World, staker: str
) -> None:
    words = {place: pack_split(SplitWord(SPLIT)) for place in (SPLIT_PLACE, SPLIT_PLACE + 1)}
    world.put(staker, {0: pack_account(AccountWord(pages=1, flags=2)), 1: 0} | words)

    assert world.lens.split_of(staker, 0) == ([], [])
    assert world.lens.splits_of(staker) == []


def test_splits_of_shows_sixty_five_splits_of_eight(world: World, staker: str) -> None:
    parts = tuple((destination, 1_250) for destination in (*range(6), POOL, WALLET))
    world.put(staker, {0: pack_account(AccountWord(pages=16, flags=1))})
    world.put(staker, {page: pack_page(StakePage(flags=15)) for page in range(1, 17)})
    world.put(staker, {SPLIT_PLACE + model: pack_split(SplitWord(parts)) for model in range(65)})

    splits = world.lens.splits_of(staker)

    assert [split.model for split in splits] == list(range(65))
    assert all(tuple(zip(s.destinations, s.shares, strict=True)) == parts for s in splits)


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
    world.open_rounds(staker)
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
    world.open_rounds(staker, other_staker)
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


def test_current_period_counts_fortnights_from_one(world: World) -> None:
    """S20: periods are fortnights."""
    for seconds, period in [(0, 1), (FORTNIGHT - 1, 1), (FORTNIGHT, 2), (10 * FORTNIGHT, 11)]:
        set_time(START + seconds)
        assert world.lens.current_period() == period
