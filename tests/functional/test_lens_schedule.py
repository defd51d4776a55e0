"""Lens: schedule"""

from sluice.account import lock_nano, risk_units
from sluice.words import (
    SPLIT_PLACE,
    AccountWord,
    Entry,
    SplitWord,
    link_bytes,
    pack_account,
    pack_split,
)
from tests.escrow_world import (
    DAY,
    FIRST_PASS,
    NANO,
    STAKE,
    START,
    WEEK,
    World,
    nano,
    now,
    set_time,
)

NMR_NANO = 10**9


def schedule(world: World, account: str) -> list[tuple[int, int, int]]:
    """What the lens shows, in nano-NMR: (amount, earliest, latest)."""
    return [(r.amount // NANO, r.earliest, r.latest) for r in world.lens.schedule(account)]


def amounts(world: World, account: str) -> list[int]:
    """The amounts of the schedule in nano-NMR."""
    return [amount for amount, _, _ in schedule(world, account)]


def decrease(world: World, account: str, passes: int = 4, taken_nano: int = STAKE // 2) -> None:
    """An account with its stake in so many open rounds takes some of it off."""
    world.stake(account, {0: STAKE})
    world.run_passes(FIRST_PASS, FIRST_PASS + passes - 1, account)
    world.escrow.set_stakes([0], [nano(STAKE - taken_nano)], sender=account)


def test_schedule_is_empty_where_nothing_is_locked(world: World, staker: str) -> None:
    assert schedule(world, staker) == []
    world.stake(staker, {0: STAKE}, pool_nano=5)
    assert schedule(world, staker) == []
    world.run_passes(FIRST_PASS, FIRST_PASS + 4, staker)

    assert world.at_risk_nano(staker) > 0
    assert world.withdrawable_nano(staker) == 5
    assert schedule(world, staker) == []


def test_schedule_frees_a_quarter_of_a_decrease_with_each_pass(world: World, staker: str) -> None:
    """S2 S27 S28: 10 staked, 5 out; the figures by hand. A round of 10 NMR locks 9,536 units of
    2^18 nano, one of 5 NMR 4,768."""
    decrease(world, staker)
    first = FIRST_PASS + 4

    assert world.withdrawable_nano(staker) == 779_264
    assert schedule(world, staker) == [
        (amount, world.pass_time(first + i) + DAY, world.pass_time(first + i) + 3 * WEEK)
        for i, amount in enumerate([1_250_681_856, 2_500_584_448, 3_750_487_040, 5_000_000_000])
    ]


def test_schedule_is_what_passes_without_a_payout_bring(world: World, staker: str) -> None:
    """N1: each amount is there at the earliest second, to the nano, and not before."""
    decrease(world, staker, taken_nano=STAKE // 3)
    world.escrow.withdraw(nano(world.withdrawable_nano(staker)), sender=staker)
    promised = schedule(world, staker)
    assert len(promised) == 4

    for round_number, (amount, earliest, _) in enumerate(promised, start=FIRST_PASS + 4):
        before = world.withdrawable_nano(staker)
        chain = world.announce(round_number, [link_bytes([Entry(staker)])])
        assert now() == world.pass_time(round_number)
        set_time(earliest)
        assert world.withdrawable_nano(staker) == before < amount

        world.escrow.resolve(round_number, [link_bytes([Entry(staker)])], chain[1], sender=staker)

        assert world.withdrawable_nano(staker) == amount
        left = [entry for entry in promised if entry[0] > amount]
        assert schedule(world, staker) == left
    assert world.pool_nano(staker) == promised[-1][0]


def test_schedule_is_what_deadlines_bring_if_nobody_acts(world: World, staker: str) -> None:
    """N1 S40: at the latest second it is still locked, in the next one it is free."""
    decrease(world, staker, taken_nano=STAKE)
    promised = schedule(world, staker)
    assert len(promised) == 4

    for amount, _, latest in promised:
        set_time(latest)
        assert world.withdrawable_nano(staker) < amount

        set_time(latest + 1)

        assert world.withdrawable_nano(staker) == amount
    assert schedule(world, staker) == []


def test_schedule_says_what_can_have_left_if_all_is_taken_as_it_frees(
    world: World, staker: str
) -> None:
    decrease(world, staker)
    promised = amounts(world, staker)
    assert len(promised) == 4
    taken = world.escrow.withdraw(2**256 - 1, sender=staker) // NANO

    for round_number, amount in enumerate(promised, start=FIRST_PASS + 4):
        world.run_pass(round_number, [Entry(staker)])
        taken += world.escrow.withdraw(2**256 - 1, sender=staker) // NANO
        assert taken == amount


def test_schedule_in_the_middle_of_a_pass_looks_at_the_rounds_after(
    world: World, staker: str, other_staker: str
) -> None:
    for account in (staker, other_staker):
        world.stake(account, {0: STAKE})
    world.open_rounds(staker, other_staker)
    for account in (staker, other_staker):
        world.escrow.set_stakes([0], [0], sender=account)
    links = [link_bytes([Entry(staker)]), link_bytes([Entry(other_staker)])]
    under_way = FIRST_PASS + 4
    chain = world.announce(under_way, links)
    world.past_window()
    world.escrow.resolve(under_way, links[:1], chain[1], sender=staker)

    latest = [entry[2] for entry in schedule(world, staker)]
    others_latest = [entry[2] for entry in schedule(world, other_staker)]

    lock = lock_nano(risk_units(STAKE, 2_500))
    assert latest == [world.parameters.deadline(under_way + i) for i in (1, 2, 3)]
    assert others_latest == [world.parameters.deadline(under_way + i) for i in (0, 1, 2, 3)]
    assert amounts(world, staker) == [STAKE - 2 * lock, STAKE - lock, STAKE]
    assert amounts(world, other_staker) == [STAKE - i * lock for i in (3, 2, 1, 0)]
    # the round under way can end now, the one after not before its own window
    assert schedule(world, other_staker)[0][1] == now()
    assert schedule(world, staker)[0][1] == world.pass_time(under_way + 1) + DAY


def test_schedule_of_a_late_announcement_starts_with_its_window(world: World, staker: str) -> None:
    decrease(world, staker)
    late = world.pass_time(FIRST_PASS + 4) + 3 * DAY
    set_time(late)
    assert schedule(world, staker)[0][1] == late

    world.announce(FIRST_PASS + 4, [link_bytes([Entry(staker)])])

    earliest = [entry[1] for entry in schedule(world, staker)]
    assert earliest == [late + DAY, *(world.pass_time(FIRST_PASS + 4 + i) + DAY for i in (1, 2, 3))]


def test_schedule_leaves_out_what_frees_nothing_more(world: World, staker: str) -> None:
    """An account in two of four open rounds that the next pass takes in again: withdrawable falls
    before it rises, and what is free now is not promised twice."""
    world.stake(staker, {0: 2 * STAKE})
    world.run_passes(FIRST_PASS, FIRST_PASS + 1)
    world.run_passes(FIRST_PASS + 2, FIRST_PASS + 3, staker)
    pool = 10_500_000_000
    world.escrow.set_stakes([0], [nano(2 * STAKE - pool)], sender=staker)
    world.escrow.withdraw(nano(9 * NMR_NANO), sender=staker)
    pool -= 9 * NMR_NANO
    free = world.withdrawable_nano(staker)
    assert 0 < free < pool

    assert schedule(world, staker) == [
        (pool, world.pass_time(FIRST_PASS + 7) + DAY, world.parameters.deadline(FIRST_PASS + 7))
    ]

    seen = []
    for round_number in range(FIRST_PASS + 4, FIRST_PASS + 8):
        world.run_pass(round_number, [Entry(staker)])
        seen.append(world.withdrawable_nano(staker))
    assert seen == [0, 0, 0, pool]


def test_schedule_leaves_out_rounds_that_lapsed(world: World, staker: str) -> None:
    decrease(world, staker, taken_nano=STAKE)
    set_time(world.parameters.deadline(FIRST_PASS + 5) + 1)

    lock = lock_nano(risk_units(STAKE, 2_500))
    assert world.withdrawable_nano(staker) == STAKE - 2 * lock
    assert schedule(world, staker) == [
        (STAKE - lock, now(), world.parameters.deadline(FIRST_PASS + 6)),
        (STAKE, now(), world.parameters.deadline(FIRST_PASS + 7)),
    ]


def test_schedule_starts_from_what_is_due(world: World, staker: str) -> None:
    """S35: what is due is free already, so only what is above it is waited for."""
    held = AccountWord(pool_nano=STAKE, risks_units=(9_537,) * 4, round_word=1, flags=2)
    world.put(
        staker,
        {0: pack_account(held), SPLIT_PLACE: pack_split(SplitWord(due_nano=6 * NMR_NANO))},
    )
    world.put_round(FIRST_PASS)

    lock = lock_nano(9_537)
    assert world.withdrawable_nano(staker) == 6 * NMR_NANO > STAKE - 2 * lock
    assert amounts(world, staker) == [STAKE - lock, STAKE]


def test_schedule_holds_at_the_largest_amounts(world: World, staker: str) -> None:
    full = 2**54 - 1
    held = AccountWord(full, full, (2**30 - 1,) * 4, 2_043, 1_023, 16)
    world.put(staker, {0: pack_account(held)})
    world.put(staker, dict.fromkeys(range(1, 17), 2**216 - 1))
    world.put_round(world.parameters.round_number(2_043))

    assert world.lens.schedule(staker) == []
    assert world.lens.position(staker).staked == nano(65 * full)
    assert world.lens.position(staker).withdrawable == nano(full)


def test_schedule_of_a_fresh_account_before_any_pass(world: World, staker: str) -> None:
    world.stake(staker, {0: STAKE})

    assert (schedule(world, staker), world.escrow.round_state()[2]) == ([], 0)
    assert now() == START
