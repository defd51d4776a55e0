"""accept_move(account)"""

from dataclasses import replace

import boa
import pytest

from sluice.words import (
    MAX_AMOUNT_NANO,
    MAX_NONCE,
    NO_DIGEST,
    OFFER_PLACE,
    SPLIT_PLACE,
    AccountWord,
    Entry,
    digest_chain,
    link_bytes,
    pack_account,
    unpack_account,
)
from tests.escrow_world import (
    PLAYED,
    STAKE,
    ZERO_ADDRESS,
    World,
    now,
    refuses,
    role_address,
    set_time,
)
from tests.moving import (
    EVERYWHERE,
    HALVES,
    NEW,
    OLD,
    equity_nano,
    furnished_world,
    nonce,
    world_period,
)

NOT_OFFERED = "move: not offered to the caller"
BUSY = "move: wait for the end of the announced round"
NOT_FRESH = "move: to another address without stakes, risks or splits"

OTHER = role_address("other_staker")
LOSS = STAKE // 4
"""All that one round may burn of an account of the tests."""


@pytest.fixture
def furnished(world: World) -> World:
    """An account with some of everything, the old one, beside another."""
    return furnished_world(world)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [None, OTHER, OLD, ZERO_ADDRESS])
def test_accept_move_refuses_whom_it_was_not_offered_to(opened: World, to: str | None) -> None:
    """N19: nobody takes an account that its address did not offer to him."""
    if to is not None:
        opened.escrow.offer_move(to, sender=OLD)

    with opened.unchanged(), refuses(NOT_OFFERED):
        opened.escrow.accept_move(OLD, sender=NEW)


def test_accept_move_refuses_while_anything_is_announced(opened: World, stranger: str) -> None:
    """From the announcement to the end of the round, half-applied or not: the account is where the
    links say it is."""
    opened.escrow.offer_move(NEW, sender=OLD)
    links = [link_bytes([Entry(OTHER)]), link_bytes([Entry(OLD, {0: -LOSS})])]
    opened.announce(PLAYED, links)
    with opened.unchanged(), refuses(BUSY):
        opened.escrow.accept_move(OLD, sender=NEW)
    opened.past_window()
    with opened.unchanged(), refuses(BUSY):
        opened.escrow.accept_move(OLD, sender=NEW)
    opened.escrow.resolve(PLAYED, links[:1], digest_chain(links)[1], sender=stranger)
    set_time(now() + 10**8)
    with opened.unchanged(), refuses(BUSY):
        opened.escrow.accept_move(OLD, sender=NEW)
    opened.escrow.resolve(PLAYED, links[1:], NO_DIGEST, sender=stranger)

    opened.escrow.accept_move(OLD, sender=NEW)


def test_accept_move_refuses_its_own_address(opened: World) -> None:
    opened.escrow.offer_move(OLD, sender=OLD)

    with opened.unchanged(), refuses(NOT_FRESH):
        opened.escrow.accept_move(OLD, sender=OLD)


@pytest.mark.parametrize("model", EVERYWHERE)
def test_accept_move_refuses_an_address_with_a_stake(opened: World, model: int) -> None:
    opened.stake(NEW, {model: 1})
    opened.escrow.offer_move(NEW, sender=OLD)

    with opened.unchanged(), refuses(NOT_FRESH):
        opened.escrow.accept_move(OLD, sender=NEW)
    opened.escrow.set_stakes([model], [0], sender=NEW)
    opened.escrow.accept_move(OLD, sender=NEW)

    assert opened.pool_nano(NEW) == 1
    assert opened.stakes_nano(NEW) == {0: STAKE}


@pytest.mark.parametrize("model", range(65))
def test_accept_move_refuses_an_address_with_a_split(opened: World, model: int) -> None:
    opened.escrow.set_split(model, [to for to, _ in HALVES], [5_000, 5_000], sender=NEW)
    opened.escrow.offer_move(NEW, sender=OLD)

    with opened.unchanged(), refuses(NOT_FRESH):
        opened.escrow.accept_move(OLD, sender=NEW)
    opened.escrow.set_split(model, [], [], sender=NEW)
    opened.escrow.accept_move(OLD, sender=NEW)

    assert opened.stakes_nano(NEW) == {0: STAKE}
    assert not any(SPLIT_PLACE + model in opened.words(each) for each in (OLD, NEW) if model)


@pytest.mark.parametrize("place", range(4))
def test_accept_move_refuses_an_address_with_an_open_risk(opened: World, place: int) -> None:
    """Whichever place of the ring it is in; closed ones are none, written or not."""
    round_word = opened.parameters.round_word(PLAYED) - 1
    risks = (int(place == 0), int(place == 1), int(place == 2), int(place == 3))
    word = AccountWord(risks_units=risks, round_word=round_word)
    opened.put(NEW, {0: pack_account(word)})
    opened.escrow.offer_move(NEW, sender=OLD)

    with opened.unchanged(), refuses(NOT_FRESH):
        opened.escrow.accept_move(OLD, sender=NEW)
    for closed in (round_word - 4, 0):
        with boa.env.anchor():
            opened.put(NEW, {0: pack_account(replace(word, round_word=closed))})
            opened.escrow.accept_move(OLD, sender=NEW)


@pytest.mark.parametrize("opened_by", range(4))
def test_accept_move_takes_an_address_whose_last_risk_is_closed(
    opened: World, opened_by: int
) -> None:
    """To the second: resolved for those it left out too, or past its deadline."""
    first = PLAYED + opened_by
    opened.stake(NEW, {0: STAKE})
    opened.run_passes(PLAYED, first - 1, OLD)
    opened.run_pass(first, [Entry(NEW), Entry(OLD)])
    opened.escrow.leave(sender=NEW)
    opened.escrow.offer_move(NEW, sender=OLD)
    with refuses(NOT_FRESH):
        opened.escrow.accept_move(OLD, sender=NEW)

    with boa.env.anchor():
        opened.run_passes(first + 1, first + 3, OLD)
        with refuses(NOT_FRESH):
            opened.escrow.accept_move(OLD, sender=NEW)
        opened.run_pass(first + 4, [Entry(OLD)])
        opened.escrow.accept_move(OLD, sender=NEW)
    set_time(opened.parameters.deadline(first + 4))
    with refuses(NOT_FRESH):
        opened.escrow.accept_move(OLD, sender=NEW)
    set_time(now() + 1)
    opened.escrow.accept_move(OLD, sender=NEW)


def test_accept_move_refuses_pools_that_do_not_fit_together(opened: World) -> None:
    pool_nano = MAX_AMOUNT_NANO
    opened.put(OLD, {0: opened.words(OLD)[0] + pool_nano})
    opened.put(NEW, {0: 1})
    opened.escrow.offer_move(NEW, sender=OLD)

    with opened.unchanged(), refuses("amount: does not fit 54 bits of nano-NMR"):
        opened.escrow.accept_move(OLD, sender=NEW)
    opened.put(NEW, {0: 0})
    opened.escrow.accept_move(OLD, sender=NEW)

    assert opened.pool_nano(NEW) == pool_nano


def test_accept_move_refuses_in_the_order_of_its_reasons(opened: World) -> None:
    """Offered, then announced, then fresh, then what fits."""
    opened.put(OLD, {0: opened.words(OLD)[0] + MAX_AMOUNT_NANO})
    opened.put(NEW, {0: 1})
    opened.escrow.set_split(3, [254], [10_000], sender=NEW)
    opened.announce(PLAYED, [link_bytes([])])
    with refuses(NOT_OFFERED):
        opened.escrow.accept_move(OLD, sender=NEW)
    opened.escrow.offer_move(NEW, sender=OLD)
    with refuses(BUSY):
        opened.escrow.accept_move(OLD, sender=NEW)
    opened.veto()
    with refuses(NOT_FRESH):
        opened.escrow.accept_move(OLD, sender=NEW)
    opened.escrow.set_split(3, [], [], sender=NEW)
    with refuses("amount: does not fit 54 bits of nano-NMR"):
        opened.escrow.accept_move(OLD, sender=NEW)


# --- what goes along, and what stays --------------------------------------------------------------


def test_a_move_takes_everything_along(furnished: World) -> None:
    """Pool, due, stakes, splits, last pass, ring, pages, word for word; nothing leaves the escrow
    and no other account changes."""
    before = furnished.state()
    words = before["words"]["staker"]
    furnished.escrow.offer_move(NEW, sender=OLD)

    furnished.escrow.accept_move(OLD, sender=NEW)
    assert furnished.events() == [("AccountMoved", {"account": OLD, "to": NEW, "nonce": 1_007})]

    after = furnished.state()
    period = unpack_account(words[0]).period
    assert period == world_period(furnished)
    assert after["words"]["stranger"] == {**words, SPLIT_PLACE: words[SPLIT_PLACE] - (7 << 230)}
    assert after["words"]["staker"] == {
        0: pack_account(AccountWord(period=period)),
        SPLIT_PLACE: 1_007 << 230,
    }
    for state in (before, after):
        for role in ("staker", "stranger"):
            del state["words"][role]
    assert after == before


def test_a_move_takes_every_model_along(world: World) -> None:
    world.stake(OLD, {model: model + 1 for model in range(65)})
    for model in range(65):
        world.escrow.set_split(model, [model], [10_000], sender=OLD)
    stakes, words = world.stakes_nano(OLD), world.words(OLD)

    world.move(OLD, NEW)

    assert world.stakes_nano(NEW) == stakes
    assert world.words(NEW) == words
    assert world.stakes_nano(OLD) == {}
    assert list(world.words(OLD)) == [SPLIT_PLACE]


def test_a_move_adds_the_two_pools_and_what_is_due_of_them(furnished: World) -> None:
    """The new address keeps what it has; both wallets' dues are its wallet's now."""
    furnished.stake(NEW, {}, pool_nano=50)
    furnished.put_due(NEW, 20)
    equity, due = equity_nano(furnished, OLD, NEW), furnished.due_nano(OLD)

    furnished.move(OLD, NEW)

    assert equity_nano(furnished, NEW) == equity
    assert furnished.pool_nano(NEW) == STAKE - 1 + 50
    assert furnished.due_nano(NEW) == due + 20
    assert equity_nano(furnished, OLD) == furnished.due_nano(OLD) == 0


@pytest.mark.parametrize("has_due", [(False, False), (True, False), (False, True), (True, True)])
def test_a_move_keeps_the_flag_of_what_is_due(opened: World, has_due: tuple[bool, bool]) -> None:
    opened.stake(OLD, {}, pool_nano=9)
    opened.stake(NEW, {}, pool_nano=8)
    for account, due in zip((OLD, NEW), has_due, strict=True):
        if due:
            opened.put_due(account, 4)

    opened.move(OLD, NEW)

    assert opened.due_nano(NEW) == 4 * sum(has_due)
    assert opened.due_nano(OLD) == 0
    assert unpack_account(opened.words(NEW)[0]).flags == (2 if any(has_due) else 0)


@pytest.mark.parametrize(("old_period", "new_period"), [(0, 0), (3, 0), (0, 3), (2, 3), (3, 2)])
def test_a_move_goes_on_with_the_later_period(
    opened: World, old_period: int, new_period: int
) -> None:
    """S20: one free withdrawal a fortnight, for both together; the old address keeps its own."""
    for account, period in ((OLD, old_period), (NEW, new_period)):
        word = unpack_account(opened.words(account).get(0, 0))
        opened.put(account, {0: pack_account(replace(word, period=period))})

    opened.move(OLD, NEW)

    assert opened.period(NEW) == max(old_period, new_period)
    assert opened.period(OLD) == old_period


@pytest.mark.parametrize(
    ("nonce_before", "nonce_after"),
    [(0, 1_000), (7, 1_007), (MAX_NONCE - 1, MAX_NONCE), (MAX_NONCE, MAX_NONCE)],
)
def test_a_move_raises_the_old_nonce_and_leaves_the_new_one(
    opened: World, nonce_before: int, nonce_after: int
) -> None:
    opened.put(OLD, {SPLIT_PLACE: nonce_before << 230})
    opened.put(NEW, {SPLIT_PLACE: 5 << 230})
    opened.escrow.offer_move(NEW, sender=OLD)

    opened.escrow.accept_move(OLD, sender=NEW)
    assert opened.events()[0][1]["nonce"] == nonce_after

    assert (nonce(opened, OLD), nonce(opened, NEW)) == (nonce_after, 5)


def test_a_move_clears_the_offers_of_both(opened: World) -> None:
    """What the new address offered was its own account, not the one that has moved in."""
    opened.escrow.offer_move(OTHER, sender=NEW)

    opened.move(OLD, NEW)

    assert not any(OFFER_PLACE in opened.words(account) for account in (OLD, NEW))
    with opened.unchanged(), refuses(NOT_OFFERED):
        opened.escrow.accept_move(OLD, sender=NEW)
    with opened.unchanged(), refuses(NOT_OFFERED):
        opened.escrow.accept_move(NEW, sender=OTHER)


def test_the_others_offers_stay(opened: World) -> None:
    """Offers to the old or the new address by somebody else are that one's affair."""
    for to in (OLD, NEW):
        with boa.env.anchor():
            opened.escrow.offer_move(to, sender=OTHER)
            opened.move(OLD, NEW)
            assert opened.words(OTHER)[OFFER_PLACE] == int(to, 16)


def test_an_empty_account_can_move(world: World) -> None:
    """And leave an empty one: nothing is made of nothing."""
    world.stake(NEW, {}, pool_nano=5)

    world.move(OLD, NEW)

    assert world.words(NEW) == {0: 5}
    assert world.words(OLD) == {SPLIT_PLACE: 1_000 << 230}


def test_the_old_address_can_start_again(opened: World) -> None:
    """It is an empty account, in this very round."""
    opened.move(OLD, NEW)

    opened.stake(OLD, {3: 7})
    opened.run_pass(PLAYED, [Entry(OLD), Entry(NEW)])

    assert opened.stakes_nano(OLD) == {3: 7}
    assert opened.stakes_nano(NEW) == {0: STAKE}
    assert [risk.round for risk in opened.lens.risks_of(OLD)] == [PLAYED + 4]
    assert len(opened.lens.risks_of(NEW)) == 4
