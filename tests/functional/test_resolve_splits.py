"""resolve(round, links, next_digest) where earnings go where splits say"""

from collections.abc import Mapping

import pytest

from sluice.account import bound_nano, risk_units
from sluice.ledger import Skip
from sluice.words import (
    MAX_AMOUNT_NANO,
    NO_DIGEST,
    POOL,
    WALLET,
    Entry,
    link_bytes,
    pack_account,
    unpack_account,
)
from tests.escrow_world import (
    MAX,
    PLAYED,
    STAKE,
    World,
    nano,
    now,
    refuses,
    set_time,
)

RESERVE = 10**15

Split = tuple[tuple[int, int], ...]


@pytest.fixture
def opened(world: World, staker: str, other_staker: str) -> World:
    """An account with two models, one with a single model, in four open rounds, and a full
    reserve."""
    world.fund(RESERVE)
    world.stake(staker, {0: STAKE, 1: STAKE})
    world.stake(other_staker, {0: STAKE})
    world.open_rounds(staker, other_staker)
    return world


def split(world: World, account: str, splits: Mapping[int, Split]) -> None:
    """Sets an account's splits by its own transactions."""
    for model, parts in splits.items():
        destinations = [destination for destination, _ in parts]
        shares = [share for _, share in parts]
        world.escrow.set_split(model, destinations, shares, sender=account)


def gains(world: World, account: str, payouts: Mapping[int, int]) -> dict[int, int]:
    """What the next pass adds to the account's pool, to what is due and to its stakes, in nano-NMR
    by destination and without zeros; what is due is in the pool as well."""

    def held() -> dict[int, int]:
        pool, due = world.pool_nano(account), world.due_nano(account)
        return {POOL: pool, WALLET: due, **world.stakes_nano(account)}

    before = held()
    world.run_pass(world.escrow.round_state()[0] + 1, [Entry(account, dict(payouts))])
    after = held()
    changes = {at: after.get(at, 0) - before.get(at, 0) for at in before | after}
    return {at: change for at, change in changes.items() if change}


def pages(world: World, account: str) -> int:
    """The highest stake page that the account ever wrote."""
    return unpack_account(world.words(account)[0]).pages


# --- where earnings go ----------------------------------------------------------------------------


@pytest.mark.parametrize("model", [0, 1])
@pytest.mark.parametrize("destination", [0, 1, 2, 4, 5, 64, POOL, WALLET])
def test_resolve_sends_an_earning_to_every_kind_of_destination(
    opened: World, staker: str, model: int, destination: int
) -> None:
    """S1 S7 S9 S17: to the model itself, to another, to one that never had a stake, to the pool, to
    the wallet."""
    split(opened, staker, {model: ((destination, 10_000),)})

    added = gains(opened, staker, {model: 1_001})

    assert added == (
        {POOL: 1_001, WALLET: 1_001} if destination == WALLET else {destination: 1_001}
    )
    assert opened.escrow.reserve() == nano(RESERVE - 1_001)
    assert opened.escrow.burned() == 0


@pytest.mark.parametrize(
    ("earning", "shares", "parts"),
    [
        (7, (3_333, 3_333, 3_334), (3, 2, 2)),
        (1, (1, 1, 9_998), (1, 0, 0)),
        (1, (9_998, 1, 1), (1, 0, 0)),
        (9_999, (1, 9_999), (1, 9_998)),
        (10_000, (1, 9_999), (1, 9_999)),
        (10_001, (9_999, 1), (10_000, 1)),
        (2_500_000_007, (5_000, 5_000), (1_250_000_004, 1_250_000_003)),
        (10_007, (1_250,) * 8, (1_257, *[1_250] * 7)),
    ],
)
def test_resolve_shares_out_to_the_last_nano(
    opened: World, staker: str, earning: int, shares: tuple[int, ...], parts: tuple[int, ...]
) -> None:
    """S6 S12: floor(earning * share) each, what rounding leaves over to the first."""
    assert sum(parts) == earning
    for first in range(len(shares)):
        destinations = [0, 1, 2, 33, 64, POOL, 9, 17][: len(shares)]
        destinations = destinations[first:] + destinations[:first]
        split(opened, staker, {0: tuple(zip(destinations, shares, strict=True))})

        added = gains(opened, staker, {0: earning})

        expected = dict(zip(destinations, parts, strict=True))
        assert added == {at: part for at, part in expected.items() if part}


def test_resolve_gives_pool_and_wallet_their_own_shares(opened: World, staker: str) -> None:
    split(opened, staker, {0: ((WALLET, 2_500), (POOL, 2_500), (1, 5_000))})

    assert gains(opened, staker, {0: 103}) == {WALLET: 27, POOL: 27 + 25, 1: 51}


def test_resolve_writes_nothing_for_a_share_of_zero_nano(opened: World, staker: str) -> None:
    """A share that comes to nothing takes no page into use, so that it costs nobody anything."""
    split(opened, staker, {0: ((POOL, 5_000), (64, 5_000))})

    assert gains(opened, staker, {0: 1}) == {POOL: 1}
    assert pages(opened, staker) == 1
    assert 16 not in opened.words(staker)

    assert gains(opened, staker, {0: 2}) == {POOL: 1, 64: 1}
    assert pages(opened, staker) == 16
    assert opened.words(staker)[16] == 1 << 162


def test_resolve_opens_the_next_round_with_what_splits_staked(opened: World, staker: str) -> None:
    """S9: what arrives on another model counts there in the round that opens in the same pass."""
    split(opened, staker, {0: ((64, 6_000), (POOL, 4_000))})

    gains(opened, staker, {0: 10**9})

    staked = 2 * STAKE + 6 * 10**8
    assert opened.lens.risks_of(staker)[-1].bound == nano(bound_nano(risk_units(staked, 2_500)))


@pytest.mark.parametrize("model", [0, 1, 2])
def test_resolve_sends_an_earning_without_stake_or_split_to_the_pool(
    opened: World, staker: str, model: int
) -> None:
    """S2 S16: by default back to the model, and to the pool once the model has no stake."""
    opened.escrow.set_stakes([0, 1], [0, 0], sender=staker)

    assert gains(opened, staker, {model: 77}) == {POOL: 77}


def test_resolve_sends_an_earning_to_its_own_empty_model_if_the_split_says_so(
    opened: World, staker: str
) -> None:
    opened.escrow.set_stakes([0, 1], [0, 0], sender=staker)
    split(opened, staker, {0: ((0, 10_000),), 1: ((1, 5_000), (0, 5_000))})

    assert gains(opened, staker, {0: 77, 1: 22}) == {0: 88, 1: 11}


def test_resolve_counts_a_stake_that_an_earlier_earning_brought(opened: World, staker: str) -> None:
    """Models ascending: a model that had no stake has one once a lower model's earning went there,
    and its own earning stays with it."""
    split(opened, staker, {0: ((5, 10_000),)})

    assert gains(opened, staker, {0: 10, 4: 3, 5: 7}) == {5: 17, POOL: 3}


def test_resolve_adds_up_what_several_models_send_to_one_place(opened: World, staker: str) -> None:
    """S17: many models, one destination."""
    split(
        opened,
        staker,
        {
            0: ((WALLET, 10_000),),
            1: ((WALLET, 5_000), (64, 5_000)),
            2: ((POOL, 10_000),),
            5: ((64, 9_000), (WALLET, 1_000)),
            64: ((64, 10_000),),
        },
    )

    added = gains(opened, staker, {0: 100, 1: 51, 2: 8, 5: 10, 64: 3})

    assert added == {WALLET: 100 + 26 + 1, POOL: 100 + 26 + 1 + 8, 64: 25 + 9 + 3}


def test_resolve_keeps_adding_to_what_is_due(opened: World, staker: str) -> None:
    """S11: what was not paid yet stays due."""
    split(opened, staker, {0: ((WALLET, 10_000),)})

    assert gains(opened, staker, {0: 5}) == {POOL: 5, WALLET: 5}
    assert gains(opened, staker, {0: 7}) == {POOL: 7, WALLET: 7}
    assert opened.due_nano(staker) == 12
    assert int(opened.lens.position(staker).due) == nano(12)


def test_resolve_reads_splits_as_they_are_when_the_entry_is_resolved(
    opened: World, staker: str, stranger: str
) -> None:
    """S42: a split counts until its earning is shared out, whatever was announced."""
    links = [link_bytes([Entry(staker, {0: 9})])]
    split(opened, staker, {0: ((POOL, 10_000),)})
    opened.announce(PLAYED, links)
    opened.past_window()
    split(opened, staker, {0: ((WALLET, 10_000),)})

    opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=stranger)

    assert (opened.pool_nano(staker), opened.due_nano(staker)) == (9, 9)


def test_resolve_shares_out_past_the_deadline_of_losses(opened: World, staker: str) -> None:
    split(opened, staker, {0: ((64, 10_000),)})
    set_time(opened.parameters.deadline(PLAYED) + 1)

    assert gains(opened, staker, {0: 9, 1: -7}) == {64: 9}
    assert opened.escrow.burned() == 0


def test_resolve_leaves_the_splits_of_others_alone(
    opened: World, staker: str, other_staker: str
) -> None:
    """N19: an account's split moves its own earnings only."""
    split(opened, staker, {0: ((WALLET, 10_000),)})

    opened.run_pass(PLAYED, [Entry(staker, {0: 3}), Entry(other_staker, {0: 4})])

    assert opened.stakes_nano(other_staker) == {0: STAKE + 4}
    assert (opened.pool_nano(other_staker), opened.due_nano(other_staker)) == (0, 0)
    assert opened.due_nano(staker) == 3


def test_resolve_stores_the_words_of_the_split_untouched(opened: World, staker: str) -> None:
    parts = ((WALLET, 3_000), (POOL, 3_000), (64, 4_000))
    split(opened, staker, {0: parts, 1: parts})
    opened.escrow.cancel_instructions(9, sender=staker)
    before = opened.words(staker)

    gains(opened, staker, {0: 10, 1: 10})

    after = opened.words(staker)
    assert after[33] == before[33]
    assert after[32] == before[32] + (2 * 3 << 176)
    assert after[1] >> 216 == before[1] >> 216 == 1


# --- losses and what is due -----------------------------------------------------------------------


def test_resolve_takes_all_losses_before_any_earning(opened: World, staker: str) -> None:
    """A loss is covered by what was there before: never by the earnings of the same pass."""
    split(opened, staker, {0: ((POOL, 10_000),)})

    assert gains(opened, staker, {0: 5, 64: -5}) == {0: -5, POOL: 5}
    assert opened.escrow.burned() == nano(5)


@pytest.mark.parametrize(
    ("pool", "due", "loss", "earning", "left"),
    [
        (100, 100, 60, 0, 40),
        (100, 40, 60, 0, 40),
        (100, 40, 61, 0, 39),
        (100, 100, 100, 0, 0),
        (100, 100, 150, 0, 0),
        (100, 100, 60, 30, 70),
        (100, 40, 80, 30, 50),
        (100, 40, 20, 30, 70),
        (100, 100, 150, 30, 30),
        (100, 1, 0, 30, 31),
    ],
)
def test_resolve_lowers_what_is_due_only_as_far_as_the_pool(
    opened: World, staker: str, pool: int, due: int, loss: int, earning: int, left: int
) -> None:
    """Due is part of the pool, once a pass: after its losses and its earnings."""
    opened.stake(staker, {}, pool_nano=pool)
    opened.put_due(staker, due)
    split(opened, staker, {0: ((WALLET, 10_000),)})

    # model 64 has no stake: the pool bears its loss
    gains(opened, staker, {0: earning, 64: -loss})

    assert opened.due_nano(staker) == left
    assert opened.pool_nano(staker) == max(0, pool - loss) + earning


def test_resolve_keeps_what_is_due_to_an_account_without_splits(
    opened: World, other_staker: str
) -> None:
    """One model and something due: not the typical account, and passed by the same rules."""
    opened.stake(other_staker, {}, pool_nano=100)
    opened.put_due(other_staker, 60)

    assert gains(opened, other_staker, {0: 9}) == {0: 9}
    assert gains(opened, other_staker, {0: -9}) == {0: -9}
    assert opened.due_nano(other_staker) == 60
    assert gains(opened, other_staker, {64: -70}) == {POOL: -70, WALLET: -30}
    assert opened.due_nano(other_staker) == opened.pool_nano(other_staker) == 30


@pytest.mark.parametrize("way", ["pay", "withdraw"])
def test_resolve_lets_a_wallet_earning_leave_in_the_same_block(
    opened: World, staker: str, way: str
) -> None:
    """S5 S11: never locked, whatever is at risk: here more is at risk than the account holds."""
    split(opened, staker, {0: ((WALLET, 10_000),)})
    gains(opened, staker, {0: 10**9, 1: -STAKE // 2})
    resolved_at = now()
    assert opened.at_risk_nano(staker) > 10**9 + 2 * STAKE - STAKE // 2
    assert opened.withdrawable_nano(staker) == 10**9

    with opened.moves(staker=nano(10**9), escrow=-nano(10**9)):
        if way == "pay":
            assert opened.pay(due=[staker]) == [(10**9, Skip.PAID)]
        else:
            assert opened.escrow.withdraw(MAX, sender=staker) == nano(10**9)

    assert now() == resolved_at
    assert (opened.pool_nano(staker), opened.due_nano(staker)) == (0, 0)
    assert opened.withdrawable_nano(staker) == 0


def test_resolve_locks_no_pool_earning_beyond_what_losses_left_uncovered(
    opened: World, staker: str
) -> None:
    """Beside a wallet earning: what went to the pool is locked as long as too little is covered."""
    split(opened, staker, {0: ((POOL, 5_000), (WALLET, 5_000))})

    gains(opened, staker, {0: 10**9, 1: -STAKE // 2})

    assert opened.pool_nano(staker) == 10**9
    assert opened.withdrawable_nano(staker) == opened.due_nano(staker) == 5 * 10**8


# --- what does not fit ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("full", "parts"),
    [
        (POOL, ((POOL, 10_000),)),
        (POOL, ((WALLET, 10_000),)),
        (POOL, ((1, 1), (WALLET, 9_999))),
        (0, ((0, 10_000),)),
        (0, ()),
        (1, ((POOL, 2_000), (1, 8_000))),
        (64, ((64, 10_000),)),
        (64, ((POOL, 1), (WALLET, 9_000), (64, 999))),
    ],
)
def test_resolve_refuses_an_amount_that_does_not_fit_and_names_the_entry(
    opened: World, staker: str, other_staker: str, stranger: str, full: int, parts: Split
) -> None:
    """Nothing wraps into a neighbour; the operator learns which entry to leave out."""
    split(opened, staker, {0: parts})
    # no account comes near the supply: what it holds is put where it is stored
    word = unpack_account(opened.words(staker)[0])
    amount = MAX_AMOUNT_NANO - 10
    pool, stake, page = word.pool_nano, word.stake_nano, STAKE
    if full == POOL:
        pool = amount
    elif full == 0:
        stake = amount
    elif full == 1:
        page = amount
    in_use = 16 if full == 64 else word.pages
    changed = type(word)(
        pool, stake, word.risks_units, word.round_word, word.period, in_use, word.flags
    )
    opened.put(staker, {0: pack_account(changed), 1: page})
    if full == 64:
        opened.put(staker, {16: amount << 162})
    links = [link_bytes([Entry(other_staker, {0: 1}), Entry(staker, {0: 10_000})])]
    opened.announce(PLAYED, [b"", *links])
    opened.past_window()

    message = "entry 01 of link 01: an amount does not fit 54 bits"
    with opened.unchanged(), refuses(message):
        opened.escrow.resolve(PLAYED, [b"", *links], NO_DIGEST, sender=stranger)

    # what just fits is taken
    opened.run_pass(PLAYED, [Entry(staker, {0: 10})])


def test_resolve_refuses_what_does_not_fit_only_together(
    opened: World, staker: str, stranger: str
) -> None:
    split(opened, staker, {0: ((POOL, 10_000),), 1: ((WALLET, 10_000),)})
    word = opened.words(staker)[0]
    opened.put(staker, {0: word | MAX_AMOUNT_NANO - 10})
    links = [link_bytes([Entry(staker, {0: 6, 1: 5})])]
    opened.announce(PLAYED, links)
    opened.past_window()

    with opened.unchanged(), refuses("entry 00 of link 00: an amount does not fit 54 bits"):
        opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=stranger)

    opened.run_pass(PLAYED, [Entry(staker, {0: 5, 1: 5})])
    assert (opened.pool_nano(staker), opened.due_nano(staker)) == (MAX_AMOUNT_NANO, 5)


def test_resolve_refuses_earnings_that_the_reserve_cannot_pay_wherever_they_go(
    opened: World, staker: str, owner: str, stranger: str
) -> None:
    split(opened, staker, {0: ((WALLET, 10_000),)})
    opened.escrow.withdraw_reserve(nano(RESERVE - 9), sender=owner)
    links = [link_bytes([Entry(staker, {0: 10})])]
    opened.announce(PLAYED, links)
    opened.past_window()

    with opened.unchanged(), refuses("reserve: too small for the earnings, fund() it first"):
        opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=stranger)


# --- one rule, two ways through the code ----------------------------------------------------------


@pytest.mark.parametrize(
    "payout", [0, 1, 1_000, 2_500 * 10**6, -1, -1_000, -2_500 * 10**6], ids=str
)
@pytest.mark.parametrize("unusual", ["split", "due", "page", "page word"])
def test_resolve_does_the_same_for_the_typical_account_and_for_any_other(
    opened: World, staker: str, other_staker: str, payout: int, unusual: str
) -> None:
    """N17: whoever sets nothing pays nothing for splits, and gets the same."""
    # both with one model from here on; the pass over it is the same for both
    opened.escrow.leave(sender=staker)
    opened.escrow.set_stakes([0], [nano(STAKE)], sender=staker)
    opened.put(staker, {0: opened.words(other_staker)[0] | 50, 1: 0, 32: 0})
    opened.put(other_staker, {0: opened.words(other_staker)[0] | 50, 32: 0})
    payouts = {0: payout}
    if unusual == "split":
        split(opened, staker, {0: ((0, 10_000),)})
    elif unusual == "due":
        opened.put_due(staker, 20)
    elif unusual == "page":
        split(opened, staker, {64: ((POOL, 10_000),)})
        split(opened, staker, {64: ()})
    else:
        payouts[33] = 0

    opened.run_pass(PLAYED, [Entry(staker, payouts), Entry(other_staker, {0: payout})])

    one, other = (unpack_account(opened.words(each)[0]) for each in (staker, other_staker))
    assert (one.pool_nano, one.stake_nano) == (other.pool_nano, other.stake_nano)
    assert (one.risks_units, one.round_word) == (other.risks_units, other.round_word)
    assert other.stake_nano == STAKE + payout


def test_resolve_counts_an_earning_for_its_own_entry_only(
    opened: World, staker: str, other_staker: str
) -> None:
    """The next entry of the link has a loss on the same model that only its pool covers."""
    split(opened, staker, {0: ((POOL, 10_000),)})
    opened.escrow.set_stakes([0], [nano(5)], sender=other_staker)
    entries = [Entry(staker, {0: 1_000}), Entry(other_staker, {0: -300})]

    opened.run_pass(PLAYED, entries)

    assert (opened.pool_nano(staker), opened.stakes_nano(staker)[0]) == (1_000, STAKE)
    assert opened.pool_nano(other_staker) == STAKE - 300
    assert opened.stakes_nano(other_staker) == {}
    assert opened.escrow.burned() == nano(300)
