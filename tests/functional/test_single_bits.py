"""The outermost bits of fields and the last steps of counters: what a mask one short would lose."""

import boa
import pytest

from sluice.account import lock_nano, risk_units
from sluice.ledger import Skip
from sluice.words import (
    MAX_AMOUNT_NANO,
    MAX_NONCE,
    SPLIT_PLACE,
    AccountWord,
    Entry,
    SplitWord,
    link_bytes,
    pack_account,
    pack_split,
    unpack_account,
)
from tests.escrow_world import FIRST_PASS, PLAYED, STAKE, World, deploy_world, nano, refuses
from tests.messages import Withdrawal

NOT_FRESH = "move: to another address without stakes, risks or splits"


@pytest.mark.parametrize(
    "bit", [54, 55, 106, 107, *(108 + 30 * ring + bit for ring in range(4) for bit in (0, 29))]
)
def test_any_bit_of_stake_or_open_risk_is_in_the_way_of_a_move(
    world: World, staker: str, other_staker: str, bit: int
) -> None:
    """S42: an address that stakes or risks takes no other account over."""
    world.stake(staker, {0: STAKE})
    world.escrow.offer_move(other_staker, sender=staker)
    # in the pass before the first, so that all four risks are open
    world.put(other_staker, {0: 1 << bit})

    with world.unchanged(), refuses(NOT_FRESH):
        world.escrow.accept_move(staker, sender=other_staker)


@pytest.mark.parametrize("pool_nano", [1, 2**53, MAX_AMOUNT_NANO - 1])
def test_a_pool_of_any_size_is_not_in_the_way_of_a_move(
    world: World, staker: str, other_staker: str, pool_nano: int
) -> None:
    """S42: the two pools become one, as long as it fits."""
    world.stake(staker, {}, pool_nano=1)
    world.escrow.offer_move(other_staker, sender=staker)
    world.put(other_staker, {0: pool_nano})

    world.escrow.accept_move(staker, sender=other_staker)

    assert (world.pool_nano(staker), world.pool_nano(other_staker)) == (0, pool_nano + 1)


@pytest.mark.parametrize("lane", range(4))
@pytest.mark.parametrize("bit", [0, 53])
def test_any_bit_of_a_stake_page_is_in_the_way_of_a_move(
    world: World, staker: str, other_staker: str, lane: int, bit: int
) -> None:
    """Also on the last page."""
    world.stake(staker, {0: STAKE})
    world.escrow.offer_move(other_staker, sender=staker)
    for page in (1, 16):
        with boa.env.anchor():
            word = pack_account(AccountWord(pages=page))
            world.put(other_staker, {0: word, page: 1 << 54 * lane + bit})
            with refuses(NOT_FRESH):
                world.escrow.accept_move(staker, sender=other_staker)


@pytest.mark.parametrize("due_nano", [1, 2, 3, 2**30 + 1, MAX_AMOUNT_NANO - 2, MAX_AMOUNT_NANO])
def test_what_is_due_is_free_to_its_last_nano(world: World, staker: str, due_nano: int) -> None:
    """S44: whatever is at risk; by request, in the batch and at once."""
    risks = (2**30 - 1,) * 4
    world.put_round(FIRST_PASS + 3)
    words = {
        0: pack_account(AccountWord(due_nano, 0, risks, round_word=4, flags=2)),
        SPLIT_PLACE: pack_split(SplitWord((), due_nano, 5)),
    }
    world.put(staker, words)
    # as if there were so much of it
    boa.env.set_storage(
        world.token.address, _balance_slot(world, str(world.escrow.address)), nano(due_nano)
    )
    assert world.withdrawable_nano(staker) == due_nano

    for amount in {1, due_nano - 1, due_nano} - {0}:
        if amount == MAX_AMOUNT_NANO:
            continue
        with boa.env.anchor():
            paid = world.pay(world.signed(Withdrawal(staker, amount, 1), "staker"))
            assert paid == [(amount, Skip.PAID)]
            assert world.due_nano(staker) == due_nano - amount
            assert world.lens.position(staker).nonce == 5
        with boa.env.anchor():
            world.escrow.withdraw(nano(amount), sender=staker)
            assert world.due_nano(staker) == due_nano - amount
    with boa.env.anchor():
        assert world.pay(due=[staker]) == [(due_nano, Skip.PAID)]
        assert world.due_nano(staker) == 0
        assert world.lens.position(staker).nonce == 5
    assert world.pay(world.signed(Withdrawal(staker, None, 1), "staker")) == [(due_nano, Skip.PAID)]


@pytest.mark.parametrize("place", range(4))
def test_every_bit_of_a_risk_holds_back_a_signed_withdrawal(
    world: World, staker: str, place: int
) -> None:
    """S44: at whichever place of the ring; there is no stake that could cover it."""
    world.put_round(FIRST_PASS + 3)
    pool_nano = (2**30 << 18) + 10
    boa.env.set_storage(
        world.token.address, _balance_slot(world, str(world.escrow.address)), nano(pool_nano)
    )
    for bit in range(1, 30):
        risks = [0, 0, 0, 0]
        risks[place] = 1 << bit
        word = AccountWord(pool_nano, 0, (risks[0], risks[1], risks[2], risks[3]), round_word=4)
        free_nano = pool_nano - lock_nano(1 << bit)
        with boa.env.anchor():
            world.put(staker, {0: pack_account(word)})
            for more_nano, paid in (
                (1, (0, Skip.ABOVE_WITHDRAWABLE)),
                (0, (free_nano, Skip.PAID)),
            ):
                request = Withdrawal(staker, free_nano + more_nano, 1)
                assert world.pay(world.signed(request, "staker")) == [paid]


def _balance_slot(world: World, account: str) -> int:
    """Where the token keeps a balance: the slot that a transfer to it writes."""
    boa.env.sstore_trace.clear()
    with boa.env.anchor():
        world.give(account, 1)
    written = boa.env.sstore_trace[world.token.address]
    held = world.token.balanceOf(account)
    for slot in written:
        with boa.env.anchor():
            boa.env.set_storage(world.token.address, slot, held + 7)
            if world.token.balanceOf(account) == held + 7:
                return int(slot)
    raise AssertionError("no slot of the token is the balance")


@pytest.mark.parametrize("step", [1, 999, 1_000])
def test_the_last_nonce_can_be_reached_and_not_passed(world: World, staker: str, step: int) -> None:
    """N12: 26 bits, and not one more."""
    start = pack_split(SplitWord((), 0, MAX_NONCE - step))
    world.put(staker, {SPLIT_PLACE: start})

    for nonce in (MAX_NONCE + 1, MAX_NONCE + 2):
        with world.unchanged(), refuses("nonce: a step of at most 1_000"):
            world.escrow.cancel_instructions(nonce, sender=staker)
    world.escrow.cancel_instructions(MAX_NONCE, sender=staker)
    assert world.lens.position(staker).nonce == MAX_NONCE


@pytest.mark.parametrize("first", [1, 5, 61])
def test_a_page_of_which_no_model_covers_its_loss(world: World, staker: str, first: int) -> None:
    """S6 N6: all four stakes were moved away since the opening; the pool bears it."""
    models = range(first, first + 4)
    world.stake(staker, dict.fromkeys(models, STAKE), pool_nano=5)
    world.open_rounds(staker)
    world.escrow.set_stakes(list(models), [nano(each) for each in (0, 1, 2, 3)], sender=staker)
    losses = {model: -100 * (model - first + 1) for model in models}

    world.run_pass(PLAYED, [Entry(staker, losses)])

    assert world.stakes_nano(staker) == {}
    assert world.pool_nano(staker) == 5 + 4 * STAKE - 6 - (1_000 - 6)
    assert world.escrow.burned() == nano(1_000)


@pytest.mark.parametrize("burned_nano", [1, 2, 3])
def test_a_refusal_names_its_entry_whatever_the_link_burned_before(
    opened: World, staker: str, other_staker: str, burned_nano: int
) -> None:
    """S30: both are counted in one word."""
    link = link_bytes([Entry(other_staker, {0: -burned_nano}), Entry(staker, {0: STAKE})])

    refused = "entry 01 of link 00: earnings are above its bound"
    with opened.unchanged_round(), refuses(refused):
        opened.resolve(PLAYED, [link])


@pytest.mark.parametrize("named", [(1,), (2,), (3,), (4,), (1, 5), (0, 2, 64)])
@pytest.mark.parametrize("payout_nano", [-7, 7])
def test_every_stake_of_a_named_page_counts_in_the_round_that_opens(
    opened: World, staker: str, named: tuple[int, ...], payout_nano: int
) -> None:
    """S5: whichever of its models the entry pays."""
    opened.stake(staker, {1: 10**10, 2: 2 * 10**10, 3: 4 * 10**10, 4: 8 * 10**10, 5: 16 * 10**10})

    opened.run_pass(PLAYED, [Entry(staker, dict.fromkeys(named, payout_nano))])

    staked = sum(opened.stakes_nano(staker).values())
    assert staked > 31 * 10**10
    ring = opened.parameters.round_word(PLAYED) % 4
    units = unpack_account(opened.words(staker)[0]).risks_units[ring]
    assert units == risk_units(staked, 2_500)


@pytest.mark.parametrize("split", [0, 1, 4, 5])
def test_a_loss_takes_stakes_and_no_flag_of_a_split(world: World, staker: str, split: int) -> None:
    """S6 N6: the flags stand above the stakes of their page."""
    world.stake(staker, {0: STAKE, 1: STAKE, 5: STAKE})
    world.open_rounds(staker)
    world.escrow.set_split(split, [0], [10_000], sender=staker)
    stakes = {0: 9, 1: 100, 5: 3 * STAKE - 109}
    world.escrow.set_stakes(list(stakes), [nano(each) for each in stakes.values()], sender=staker)
    before = world.words(staker)

    world.run_pass(PLAYED, [Entry(staker, {0: -1_000})])

    assert world.stakes_nano(staker) == {5: 3 * STAKE - 1_000}
    assert world.escrow.burned() == nano(1_000)
    after = world.words(staker)
    assert after[0] >> 254 == before[0] >> 254
    for page in (1, 2):
        assert after.get(page, 0) >> 216 == before.get(page, 0) >> 216


@pytest.mark.parametrize("bit", range(32, 53))
@pytest.mark.parametrize(("sign", "what"), [(1, "earnings"), (-1, "losses")])
def test_no_bit_of_a_payout_is_lost_when_it_is_held_against_the_bound(
    opened: World, staker: str, bit: int, sign: int, what: str
) -> None:
    """N6: far above the bound, up to the largest that an entry can say."""
    link = link_bytes([Entry(staker, {0: sign * 2**bit})])

    with opened.unchanged_round(), refuses(f"entry 00 of link 00: {what} are above its bound"):
        opened.resolve(PLAYED, [link])


@pytest.mark.parametrize("last_bit", [0, 1])
def test_an_address_may_be_even_or_odd(world: World, last_bit: int) -> None:
    """An account and the place of a word stand in one key; no neighbour's word is read for it."""
    account, neighbour = (f"0x{0xABCD << 120 | bit:040x}" for bit in (last_bit, 1 - last_bit))
    for each in (account, neighbour):
        world.stake(each, {0: STAKE}, pool_nano=9)
    world.put_due(account, 7)

    world.escrow.cancel_instructions(3, sender=account)
    with refuses("nonce: must be above the present one"):
        world.escrow.cancel_instructions(3, sender=account)
    world.escrow.set_stakes([0], [nano(STAKE + 5)], sender=account)

    assert (world.pool_nano(account), world.due_nano(account)) == (4, 4)
    assert [world.lens.position(each).nonce for each in (account, neighbour)] == [3, 0]
    assert world.pool_nano(neighbour) == 9


UNIT_STAKE = 10_000 << 18
"""The stake of one unit of risk where a round risks one basis point, in nano-NMR."""


@pytest.mark.parametrize(
    ("stakes", "units"),
    [
        ({0: UNIT_STAKE}, 1),
        ({0: UNIT_STAKE + 1}, 2),
        ({1: UNIT_STAKE}, 1),
        ({1: UNIT_STAKE + 1}, 2),
        ({0: UNIT_STAKE - 1, 64: 1}, 1),
        ({0: UNIT_STAKE - 1, 64: 2}, 2),
    ],
)
def test_a_risk_is_rounded_up_from_the_first_nano_on(
    staker: str, stakes: dict[int, int], units: int
) -> None:
    """N6: with a cap that has a risk of every number of nanos, unlike the usual one."""
    with boa.env.anchor():
        world = deploy_world(cap_bps=1)
        world.stake(staker, stakes)

        world.run_pass(FIRST_PASS, [Entry(staker)])

        ring = world.parameters.round_word(FIRST_PASS) % 4
        assert unpack_account(world.words(staker)[0]).risks_units[ring] == units
