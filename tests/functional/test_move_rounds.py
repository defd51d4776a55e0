"""accept_move(account) and the round under way: no burn is escaped by a move, none comes twice

A pass is left half done by a veto, the account moves, and what is left is announced again."""

from itertools import pairwise

import boa
import pytest

from sluice.moves import Moved, Moves, Passed
from sluice.rounds import entries
from sluice.words import NO_DIGEST, Entry, digest_chain, link_bytes
from tests.escrow_world import (
    FIRST_PASS,
    MAX,
    PLAYED,
    STAKE,
    World,
    nano,
    refuses,
    role_address,
    set_time,
)
from tests.moving import BUSY, NEW, NOT_FRESH, OLD, equity_nano, round_word

OTHER = role_address("other_staker")
LOSS = STAKE // 4
"""All that one round may burn of an account of the tests."""
ALREADY_IN = "entry 00 of link 00: account is already in this pass"
ABOVE = "entry 00 of link 00: losses are above its bound"


def links_of(*entries: Entry) -> list[bytes]:
    """A link for each entry."""
    return [link_bytes([entry]) for entry in entries]


def half_done(world: World, *entries: Entry, applied: int = 1) -> None:
    """Round PLAYED announced with a link for each entry, so many of them applied, the rest
    vetoed."""
    links = links_of(*entries)
    world.announce(PLAYED, links)
    world.past_window()
    if applied:
        next_digest = digest_chain(links)[applied]
        sender = role_address("stranger")
        world.escrow.resolve(PLAYED, links[:applied], next_digest, sender=sender)
    world.veto()


def moved_payouts(moves: Moves, rows: dict[tuple[str, int], int]) -> dict[int, int]:
    """Rows by model, after moves that made all of them one account's; nothing left out."""
    return {model: paid for (_, model), paid in moves.payouts(rows).items()}


def burned_nano(world: World) -> int:
    """What passes have burned."""
    return int(world.escrow.burned()) // 10**9


# --- a burn cannot be escaped ---------------------------------------------------------------------


def test_a_burn_follows_the_account_to_its_new_address(opened: World) -> None:
    """Whatever the new address holds backs it, its own pool too."""
    opened.stake(NEW, {}, pool_nano=LOSS)
    opened.escrow.leave(sender=OLD)
    opened.move(OLD, NEW)
    opened.escrow.set_stakes([5], [nano(STAKE + LOSS)], sender=NEW)

    opened.run_pass(PLAYED, [Entry(NEW, {0: -LOSS})])

    assert opened.stakes_nano(NEW) == {5: STAKE}
    assert burned_nano(opened) == LOSS


def test_a_veto_in_between_lets_an_account_move_and_not_escape(opened: World) -> None:
    """The announced links name the old address, which has no risk any more; announced again with
    the new one, the burn is charged in full."""
    half_done(opened, Entry(OLD, {0: -LOSS}), applied=0)

    opened.move(OLD, NEW)

    opened.announce(PLAYED, links_of(Entry(OLD, {0: -LOSS})))
    opened.past_window()
    with opened.unchanged(), refuses(ABOVE):
        opened.escrow.resolve(PLAYED, links_of(Entry(OLD, {0: -LOSS})), NO_DIGEST, sender=OTHER)
    opened.resolve(PLAYED, links_of(Entry(NEW, {0: -LOSS})))
    assert opened.stakes_nano(NEW) == {0: STAKE - LOSS}
    assert burned_nano(opened) == LOSS


def test_announcing_again_without_a_veto_leaves_no_moment_to_move(
    opened: World, operator: str
) -> None:
    """Somebody who moves just before the announcement is followed by a second one: in between
    something is announced all the time, so nobody can move again."""
    opened.move(OLD, NEW)
    opened.escrow.offer_move(OLD, sender=NEW)
    opened.announce(PLAYED, links_of(Entry(OLD, {0: -LOSS})))
    with refuses(BUSY):
        opened.escrow.accept_move(NEW, sender=OLD)

    right = links_of(Entry(NEW, {0: -LOSS}))
    stored = opened.escrow.round_state()[1]
    opened.escrow.announce(PLAYED, stored, digest_chain(right)[0], sender=operator)

    with refuses(BUSY):
        opened.escrow.accept_move(NEW, sender=OLD)
    opened.past_window()
    opened.escrow.resolve(PLAYED, right, NO_DIGEST, sender=OTHER)
    assert burned_nano(opened) == LOSS


@pytest.mark.parametrize("moves", [1, 2, 3])
def test_moving_back_and_forth_does_not_escape_a_burn(opened: World, moves: int) -> None:
    """Cosmos' transitive redelegation (GHSA-86h5-xcpx-cfqc): a burn is charged wherever the account
    has gone through, once, and every further move is possible."""
    half_done(opened, Entry(OLD, {0: -LOSS}), applied=0)
    path = [OLD, NEW, OLD, NEW][: moves + 1]
    for account, to in pairwise(path):
        opened.move(account, to)

    opened.run_pass(PLAYED, [Entry(path[-1], {0: -LOSS})])

    assert opened.stakes_nano(path[-1]) == {0: STAKE - LOSS}
    assert burned_nano(opened) == LOSS
    assert equity_nano(opened, OLD, NEW) == STAKE - LOSS


def test_every_open_round_still_burns_after_a_move(opened: World) -> None:
    """All four of them, and none a fifth time."""
    opened.escrow.leave(sender=OLD)
    opened.move(OLD, NEW)
    for round_number in range(PLAYED, PLAYED + 4):
        opened.run_pass(round_number, [Entry(NEW, {0: -LOSS})])

    assert burned_nano(opened) == 4 * LOSS
    assert equity_nano(opened, OLD, NEW) == STAKE - 4 * LOSS
    links = links_of(Entry(NEW, {0: -1}))
    opened.announce(PLAYED + 4, links)
    opened.past_window()
    with refuses(ABOVE):
        opened.escrow.resolve(PLAYED + 4, links, NO_DIGEST, sender=OTHER)


def test_what_is_at_risk_locks_the_pool_of_the_new_address(opened: World) -> None:
    """What open rounds may still burn cannot be withdrawn around them by moving."""
    opened.stake(NEW, {}, pool_nano=STAKE)
    opened.escrow.leave(sender=OLD)
    locked_nano = opened.at_risk_nano(OLD)
    opened.move(OLD, NEW)

    assert opened.at_risk_nano(NEW) == locked_nano
    assert opened.withdrawable_nano(NEW) == 2 * STAKE - locked_nano
    assert opened.at_risk_nano(OLD) == opened.withdrawable_nano(OLD) == 0


def test_the_old_address_has_no_risk_to_lend(opened: World) -> None:
    """Nobody earns or burns twice by one stake: what starts anew at the old address opens its own
    rounds."""
    opened.move(OLD, NEW)
    opened.stake(OLD, {0: STAKE})
    links = links_of(Entry(OLD, {0: 1}))
    opened.announce(PLAYED, links)
    opened.past_window()

    with refuses("entry 00 of link 00: earnings are above its bound"):
        opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=OTHER)


# --- a half-applied round -------------------------------------------------------------------------


def test_an_applied_account_stays_applied_at_its_new_address(opened: World) -> None:
    """A burn charged twice is GHSA-86h5-xcpx-cfqc's other half: the last pass moves along."""
    half_done(opened, Entry(OLD, {0: -LOSS}), Entry(OTHER))
    opened.move(OLD, NEW)

    again = links_of(Entry(NEW, {0: -LOSS}), Entry(OTHER))
    opened.announce(PLAYED, again)
    opened.past_window()
    with opened.unchanged(), refuses(ALREADY_IN):
        opened.escrow.resolve(PLAYED, again, NO_DIGEST, sender=OTHER)
    opened.resolve(PLAYED, links_of(Entry(OTHER)))

    assert opened.stakes_nano(NEW) == {0: STAKE - LOSS}
    assert burned_nano(opened) == LOSS
    # the round that its pass opened is there, once
    assert [risk.round for risk in opened.lens.risks_of(NEW)] == list(range(PLAYED + 1, PLAYED + 5))


def test_an_unapplied_account_is_applied_at_its_new_address(opened: World) -> None:
    half_done(opened, Entry(OTHER), Entry(OLD, {0: -LOSS}))
    opened.move(OLD, NEW)

    opened.resolve(PLAYED, links_of(Entry(NEW, {0: -LOSS})))

    assert opened.stakes_nano(NEW) == {0: STAKE - LOSS}
    assert burned_nano(opened) == LOSS
    assert opened.escrow.round_state()[0] == PLAYED
    assert round_word(opened, NEW) == opened.parameters.round_word(PLAYED)


def test_the_new_address_was_applied_and_the_old_one_is_left(opened: World) -> None:
    """The new one's entry is used up by an account that had nothing at risk; the account that moves
    in is not in the pass yet, so the address can be in it once more, for that account."""
    opened.stake(NEW, {0: STAKE})
    opened.escrow.leave(sender=NEW)
    half_done(opened, Entry(NEW), Entry(OLD, {0: -LOSS}), Entry(OTHER))
    assert round_word(opened, NEW) == opened.parameters.round_word(PLAYED)
    opened.move(OLD, NEW)

    opened.resolve(PLAYED, links_of(Entry(NEW, {0: -LOSS}), Entry(OTHER)))

    assert burned_nano(opened) == LOSS
    assert equity_nano(opened, NEW) == 2 * STAKE - LOSS
    assert opened.escrow.round_state()[0] == PLAYED


def test_what_the_new_address_has_earned_already_is_not_paid_again_with_the_old_ones_loss(
    world: World,
) -> None:
    """The new one's last open round was this one, and it earned in it: after its entry it is fresh.
    The contract would pay it once more within the other account's bound: the rest of the round,
    made as `route` makes it, does not have it."""
    world.fund(10**15)
    for account in (OLD, NEW):
        world.stake(account, {0: STAKE})
    world.run_pass(FIRST_PASS, [Entry(OLD), Entry(NEW)])
    world.escrow.leave(sender=NEW)
    world.run_passes(FIRST_PASS + 1, PLAYED - 1, OLD)
    earned = LOSS // 2
    half_done(world, Entry(NEW, {1: earned}), Entry(OLD, {0: -LOSS}))
    world.move(OLD, NEW)
    rows = {(NEW, 1): earned, (OLD, 0): -LOSS}
    moves = Moves((Moved(2, OLD, NEW),))

    rest = entries(moves.payouts(rows, (), [Passed(1, NEW)]), {NEW: STAKE}, 0)
    # what was wrong, and would have gone through
    with boa.env.anchor():
        world.resolve(PLAYED, links_of(Entry(NEW, moved_payouts(moves, rows))))
        assert equity_nano(world, NEW) == 2 * STAKE - LOSS + 2 * earned
    world.resolve(PLAYED, links_of(*rest))

    assert burned_nano(world) == LOSS
    assert equity_nano(world, NEW) == 2 * STAKE - LOSS + earned
    assert world.escrow.round_state()[0] == PLAYED


def test_the_old_address_was_applied_and_the_new_one_is_left(opened: World) -> None:
    """The other order: the entry of the new one that is left is refused, the account is in the pass
    already; announced without it the round goes on."""
    opened.stake(NEW, {}, pool_nano=STAKE)
    half_done(opened, Entry(OLD, {0: -LOSS}), Entry(NEW), Entry(OTHER))
    opened.move(OLD, NEW)

    left = links_of(Entry(NEW), Entry(OTHER))
    opened.announce(PLAYED, left)
    opened.past_window()
    with opened.unchanged(), refuses(ALREADY_IN):
        opened.escrow.resolve(PLAYED, left, NO_DIGEST, sender=OTHER)
    opened.resolve(PLAYED, links_of(Entry(OTHER)))

    assert burned_nano(opened) == LOSS
    assert equity_nano(opened, NEW) == 2 * STAKE - LOSS
    assert opened.escrow.round_state()[0] == PLAYED


def test_the_new_address_opened_this_very_round_and_is_not_fresh(opened: World) -> None:
    """A stake made before its entry opens a round that can burn: nobody moves there, so that no
    risk is written over."""
    opened.stake(NEW, {0: STAKE})
    half_done(opened, Entry(NEW), Entry(OLD, {0: -LOSS}))
    opened.escrow.leave(sender=NEW)
    opened.escrow.offer_move(NEW, sender=OLD)

    with opened.unchanged(), refuses(NOT_FRESH):
        opened.escrow.accept_move(OLD, sender=NEW)


@pytest.mark.parametrize("applied", [0, 1])
def test_an_account_that_moves_away_and_back_in_a_round_is_as_it_was(
    opened: World, applied: int
) -> None:
    """There and back: the same account word but for nothing, in the pass if it was."""
    half_done(opened, Entry(OLD, {0: -LOSS}), Entry(OTHER), applied=applied)
    word = opened.words(OLD)[0]

    opened.move(OLD, NEW)
    opened.move(NEW, OLD)

    assert opened.words(OLD)[0] == word
    left = [Entry(OTHER)] if applied else [Entry(OLD, {0: -LOSS}), Entry(OTHER)]
    opened.resolve(PLAYED, links_of(*left))
    assert burned_nano(opened) == LOSS
    assert opened.stakes_nano(OLD) == {0: STAKE - LOSS}


def test_two_accounts_change_their_addresses_by_way_of_a_third(opened: World) -> None:
    """Each brings its own burn along, whose address it was before does not matter."""
    opened.stake(OLD, {1: STAKE})
    half_done(opened, Entry(OLD, {0: -LOSS}), Entry(OTHER), applied=1)
    opened.move(OLD, NEW)
    opened.move(OTHER, OLD)
    opened.move(NEW, OTHER)

    opened.resolve(PLAYED, links_of(Entry(OLD, {0: -LOSS // 2})))

    assert opened.stakes_nano(OTHER) == {0: STAKE - LOSS, 1: STAKE}
    assert opened.stakes_nano(OLD) == {0: STAKE - LOSS // 2}
    assert burned_nano(opened) == LOSS + LOSS // 2


# --- missed passes and the way out ----------------------------------------------------------------


def test_rounds_that_are_over_stay_closed_after_a_move(opened: World) -> None:
    """A ring with missed rounds in it means the same at the new address: what a pass left out is
    closed, what it did not is open."""
    opened.run_pass(PLAYED, [Entry(OTHER)])
    before = [tuple(risk) for risk in opened.lens.risks_of(OLD)]
    assert len(before) == 3

    opened.move(OLD, NEW)

    assert [tuple(risk) for risk in opened.lens.risks_of(NEW)] == before
    opened.run_pass(PLAYED + 1, [Entry(NEW, {0: -LOSS})])
    assert burned_nano(opened) == LOSS


def test_an_old_pass_of_the_new_address_does_not_matter(opened: World) -> None:
    """It was in passes long ago, its ring full of closed rounds: none of them comes to life with
    the other account's last pass."""
    opened.stake(NEW, {0: 9 * STAKE})
    opened.run_passes(PLAYED, PLAYED + 3, NEW, OLD)
    opened.escrow.leave(sender=NEW)
    opened.run_passes(PLAYED + 4, PLAYED + 7, OLD)
    at_risk_nano = opened.at_risk_nano(OLD)
    opened.move(OLD, NEW)

    assert opened.at_risk_nano(NEW) == at_risk_nano
    assert opened.withdrawable_nano(NEW) == min(9 * STAKE, 10 * STAKE - at_risk_nano)


def test_who_moves_leaves_as_soon_as_who_does_not(opened: World) -> None:
    """S40 N6: a move prolongs nobody's way out, and shortens none."""
    opened.escrow.leave(sender=OLD)
    opened.escrow.leave(sender=OTHER)
    opened.move(OLD, NEW)
    for round_number in range(PLAYED, PLAYED + 4):
        for account in (NEW, OTHER):
            assert opened.withdrawable_nano(account) == opened.withdrawable_nano(OTHER)
        set_time(opened.parameters.deadline(round_number) + 1)

    assert opened.withdrawable_nano(NEW) == STAKE
    opened.escrow.withdraw(MAX, sender=NEW)


def test_a_first_round_opened_at_the_new_address_is_the_accounts(world: World) -> None:
    """S3: what moves between two passes counts in the very next one, at the new address."""
    world.stake(OLD, {0: STAKE})
    world.move(OLD, NEW)

    world.run_pass(FIRST_PASS, [Entry(NEW)])

    assert [risk.round for risk in world.lens.risks_of(NEW)] == [FIRST_PASS + 4]
