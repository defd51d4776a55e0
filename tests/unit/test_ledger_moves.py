"""Moving an account to another address, in the ledger."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.account import Account, moved
from sluice.errors import Refused
from sluice.ledger import ALL, Ledger, Skip
from sluice.roles import NOBODY
from sluice.words import (
    MAX_AMOUNT_NANO,
    MAX_NONCE,
    NO_DIGEST,
    OFFER_PLACE,
    POOL,
    WALLET,
    Entry,
    digest_chain,
    link_bytes,
)
from tests.running import OTHER, STAKER, Running, running

NMR_NANO = 10**9
NEVER = 2**256 - 1
NEW = "0x" + "cc" * 20
NOT_OFFERED = "move: not offered to the caller"
BUSY = "move: wait for the end of the announced round"
NOT_FRESH = "move: to another address without stakes, risks or splits"


def staked() -> Running:
    """An account in four open rounds, with a pool, a split, and something due."""
    run = running(4, staker={0: 8 * NMR_NANO, 64: 4 * NMR_NANO})
    run.ledger.deposit(STAKER, 2 * NMR_NANO)
    run.ledger.set_split(STAKER, 64, ((POOL, 5_000), (WALLET, 5_000)))
    run.pass_over(Entry(STAKER, {64: NMR_NANO}))
    return run


def unchanged(ledger: Ledger, step: Callable[[], Any], message: str) -> None:
    """The step is refused with this text and leaves everything as it was."""
    before = deepcopy(vars(ledger))
    with pytest.raises(Refused) as refusal:
        step()
    assert (str(refusal.value), vars(ledger)) == (message, before)


# --- what moves -------------------------------------------------------------------------------


def test_a_move_takes_everything_along_and_leaves_period_and_nonce() -> None:
    """Stakes, splits, risks, pool and due are the new address's, as they were."""
    run = staked()
    ledger = run.ledger
    old = deepcopy(ledger.account(STAKER))
    at_risk_nano = ledger.at_risk_nano(STAKER, run.now)
    ledger.offer_move(STAKER, NEW)

    ledger.accept_move(NEW, STAKER, run.now)

    assert ledger.account(STAKER) == Account(period=old.period, nonce=1_000)
    assert ledger.account(NEW) == old
    assert ledger.at_risk_nano(NEW, run.now) == at_risk_nano
    assert ledger.at_risk_nano(STAKER, run.now) == 0


def test_pools_and_due_are_added_and_the_later_period_stays() -> None:
    run = staked()
    ledger = run.ledger
    ledger.deposit(NEW, NMR_NANO)
    ledger.accounts[NEW].due_nano, ledger.accounts[NEW].nonce = 7, 5
    ledger.accounts[NEW].period, ledger.accounts[NEW].pages = 3, 16
    old = deepcopy(ledger.account(STAKER))
    held = ledger.held_nano

    ledger.relay_move(STAKER, NEW, NEVER, run.now)

    new = ledger.account(NEW)
    assert (new.pool_nano, new.due_nano) == (old.pool_nano + NMR_NANO, old.due_nano + 7)
    assert (new.period, new.nonce, new.pages) == (3, 5, old.pages)
    assert ledger.held_nano == held


@given(
    pools=st.tuples(st.integers(0, 10**15), st.integers(0, 10**15)),
    periods=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    nonces=st.tuples(st.integers(0, MAX_NONCE), st.integers(0, MAX_NONCE)),
)
def test_a_move_makes_and_loses_nothing(
    pools: tuple[int, int], periods: tuple[int, int], nonces: tuple[int, int]
) -> None:
    """N2: and no nonce or period falls on either side."""
    old = Account(pools[0], {3: 5}, {14: 2}, 11, periods[0], nonces[0], 1, pools[0] // 2)
    new = Account(pools[1], {}, {12: 2}, 11, periods[1], nonces[1], 16, pools[1] // 2)

    left, taken = moved(old, new)

    assert left.equity_nano + taken.equity_nano == old.equity_nano + new.equity_nano
    assert left.equity_nano == 0
    assert (left.period, taken.period) == (periods[0], max(periods))
    assert left.nonce == min(MAX_NONCE, nonces[0] + 1_000)
    assert taken.nonce == nonces[1]
    assert (taken.stakes_nano, taken.risks_units, taken.round_number) == ({3: 5}, {14: 2}, 11)
    assert taken.due_nano <= taken.pool_nano


def test_what_was_signed_before_a_move_is_dead() -> None:
    """N19: an instruction of the old address, and a request that it has used."""
    run = staked()
    ledger, now = run.ledger, run.now
    period = ledger.parameters.period(now)
    assert ledger.pay(STAKER, 1, period, NEVER, now) == (Skip.PAID, 1)
    ledger.relay_move(STAKER, NEW, NEVER, now)
    ledger.deposit(STAKER, NMR_NANO)

    for nonce in (0, 1, 999):
        with pytest.raises(Refused, match="its nonce is used or cancelled"):
            ledger.apply_instruction(STAKER, {0: 1}, {}, nonce, NEVER, now)
    assert ledger.pay(STAKER, 1, period, NEVER, now) == (Skip.TURN_USED, 0)
    assert ledger.pay(NEW, 1, period, NEVER, now) == (Skip.TURN_USED, 0)


def test_the_new_address_is_in_the_passes_that_the_old_one_was_in() -> None:
    """N2: a burn that is still to come finds the account at its new address only."""
    run = staked()
    run.ledger.relay_move(STAKER, NEW, NEVER, run.now)
    before = run.ledger.account(NEW).equity_nano

    with pytest.raises(Refused, match="losses are above its bound"):
        deepcopy(run).pass_over(Entry(STAKER, {0: -1}))
    run.pass_over(Entry(NEW, {0: -NMR_NANO}))
    assert run.ledger.account(NEW).equity_nano == before - NMR_NANO
    assert run.ledger.burned_nano == NMR_NANO


# --- offers -----------------------------------------------------------------------------------


def test_an_offer_changes_nothing_and_the_last_one_counts() -> None:
    """A lost step loses nothing."""
    run = staked()
    ledger = run.ledger
    before = deepcopy(ledger.account(STAKER))

    ledger.offer_move(STAKER, OTHER)
    ledger.offer_move(STAKER, NEW)

    assert ledger.account(STAKER) == replace(before, offered_to=NEW)
    assert ledger.words(STAKER)[OFFER_PLACE] == int(NEW, 16)
    unchanged(ledger, lambda: ledger.accept_move(OTHER, STAKER, run.now), NOT_OFFERED)
    ledger.offer_move(STAKER, NOBODY)
    assert ledger.account(STAKER) == before
    unchanged(ledger, lambda: ledger.accept_move(NEW, STAKER, run.now), NOT_OFFERED)


def test_a_move_is_made_once_and_clears_both_offers() -> None:
    run = staked()
    ledger = run.ledger
    ledger.offer_move(STAKER, NEW)
    ledger.offer_move(NEW, OTHER)
    ledger.accept_move(NEW, STAKER, run.now)

    assert OFFER_PLACE not in {*ledger.words(STAKER), *ledger.words(NEW)}
    unchanged(ledger, lambda: ledger.accept_move(NEW, STAKER, run.now), NOT_OFFERED)
    unchanged(ledger, lambda: ledger.accept_move(OTHER, NEW, run.now), NOT_OFFERED)


def test_there_and_back_again() -> None:
    """Once it is empty the old address is as good as any."""
    run = staked()
    ledger = run.ledger
    before = deepcopy(ledger.account(STAKER))

    ledger.relay_move(STAKER, NEW, NEVER, run.now)
    ledger.relay_move(NEW, STAKER, NEVER, run.now)

    assert ledger.account(STAKER) == replace(before, nonce=1_000)
    assert ledger.account(NEW).nonce == 1_000


# --- what is refused --------------------------------------------------------------------------


def test_no_move_while_a_round_is_announced() -> None:
    """N2: nobody slips out of a round that everybody can read; an offer may be made meanwhile."""
    run = staked()
    ledger, number = run.ledger, run.ledger.resolved + 1
    run.now = ledger.parameters.pass_time(number)
    links = [link_bytes([Entry(STAKER)]), b""]
    ledger.announce(number, NO_DIGEST, digest_chain(links)[0], run.now)
    ledger.offer_move(STAKER, NEW)

    unchanged(ledger, lambda: ledger.accept_move(NEW, STAKER, run.now), BUSY)
    unchanged(ledger, lambda: ledger.relay_move(STAKER, NEW, NEVER, run.now), BUSY)
    run.now += ledger.parameters.window_s
    ledger.resolve(number, links[:1], digest_chain(links[1:])[0], run.now)
    unchanged(ledger, lambda: ledger.accept_move(NEW, STAKER, run.now), BUSY)
    ledger.resolve(number, links[1:], NO_DIGEST, run.now)
    ledger.accept_move(NEW, STAKER, run.now)


@pytest.mark.parametrize("already_in", [True, False])
def test_a_move_between_veto_and_the_rest_keeps_the_account_in_the_pass_once(
    already_in: bool,
) -> None:
    """N2: whether its link was applied before the veto or not, the new address is in the pass
    exactly if the old one was."""
    run = staked()
    ledger, number = run.ledger, run.ledger.resolved + 1
    run.now = ledger.parameters.pass_time(number)
    burn = link_bytes([Entry(STAKER, {0: -NMR_NANO})])
    links = [burn, b""] if already_in else [b"", burn]
    chain = digest_chain(links)
    ledger.announce(number, NO_DIGEST, chain[0], run.now)
    run.now += ledger.parameters.window_s
    ledger.resolve(number, links[:1], chain[1], run.now)
    ledger.veto(number)
    ledger.relay_move(STAKER, NEW, NEVER, run.now)

    rest = [link_bytes([Entry(NEW, {0: -NMR_NANO})])]
    ledger.announce(number, NO_DIGEST, digest_chain(rest)[0], run.now)
    run.now += ledger.parameters.window_s
    if already_in:
        with pytest.raises(Refused, match="account is already in this pass"):
            ledger.resolve(number, rest, NO_DIGEST, run.now)
    else:
        ledger.resolve(number, rest, NO_DIGEST, run.now)
    assert ledger.burned_nano == NMR_NANO


def with_stake(ledger: Ledger) -> None:
    ledger.deposit_and_stake(NEW, 1, {64: 1})


def with_split(ledger: Ledger) -> None:
    ledger.set_split(NEW, 3, ((3, 10_000),))


def with_risk(ledger: Ledger) -> None:
    """One unit, whose lock is nothing."""
    ledger.accounts[NEW] = Account(
        risks_units={ledger.resolved + 1: 1}, round_number=ledger.resolved
    )


@pytest.mark.parametrize("used", [with_stake, with_split, with_risk])
def test_no_move_to_an_address_that_is_in_use(used: Callable[[Ledger], None]) -> None:
    run = staked()
    used(run.ledger)
    run.ledger.offer_move(STAKER, NEW)

    unchanged(run.ledger, lambda: run.ledger.accept_move(NEW, STAKER, run.now), NOT_FRESH)
    relayed = lambda: run.ledger.relay_move(STAKER, NEW, NEVER, run.now)  # noqa: E731
    unchanged(run.ledger, relayed, NOT_FRESH)


def test_no_move_to_itself() -> None:
    run = staked()
    run.ledger.offer_move(STAKER, STAKER)

    unchanged(run.ledger, lambda: run.ledger.accept_move(STAKER, STAKER, run.now), NOT_FRESH)


def test_a_risk_that_is_past_is_none() -> None:
    """Rounds that are done or past their deadline keep nobody from moving in."""
    run = staked()
    ledger, resolved = run.ledger, run.ledger.resolved
    ledger.accounts[NEW] = Account(
        risks_units={resolved: 9, resolved + 1: 9}, round_number=resolved - 1
    )
    lapsed = ledger.parameters.deadline(resolved + 1)

    unchanged(ledger, lambda: ledger.relay_move(STAKER, NEW, NEVER, lapsed), NOT_FRESH)
    ledger.relay_move(STAKER, NEW, NEVER, lapsed + 1)


def test_no_move_of_more_than_the_words_hold() -> None:
    run = staked()
    run.ledger.deposit(NEW, MAX_AMOUNT_NANO - run.ledger.account(STAKER).pool_nano + 1)

    unchanged(
        run.ledger,
        lambda: run.ledger.relay_move(STAKER, NEW, NEVER, run.now),
        "amount: does not fit 54 bits of nano-NMR",
    )


def test_a_signed_move_names_the_first_thing_that_is_wrong() -> None:
    """Pause, time, nonce, signatures, then what refuses an accepted one."""
    run = staked()
    ledger, now = run.ledger, run.now
    with_stake(ledger)
    ledger.accounts[STAKER].nonce = MAX_NONCE
    ledger.pause(now)

    def move(signed: bool = False) -> Callable[[], None]:
        return lambda: ledger.relay_move(STAKER, NEW, now - 1 if late else now, now, signed)

    late = True
    unchanged(ledger, move(), "paused: withdraw() and set_stakes() work, see paused_at()")
    ledger.unpause()
    unchanged(ledger, move(), "signature: expired")
    late = False
    used_up = "instruction: nonces are used up, use set_stakes and set_split"
    unchanged(ledger, move(), used_up)
    ledger.accounts[STAKER].nonce = MAX_NONCE - 1
    unchanged(ledger, move(), "signature: not the account's")
    unchanged(ledger, move(signed=True), NOT_FRESH)
    ledger.set_stakes(NEW, {64: 0})
    move(signed=True)()
    assert ledger.account(STAKER).nonce == MAX_NONCE


def test_an_account_at_its_last_nonce_still_moves_by_its_own_calls() -> None:
    run = staked()
    run.ledger.accounts[STAKER].nonce = MAX_NONCE
    run.ledger.offer_move(STAKER, NEW)

    run.ledger.accept_move(NEW, STAKER, run.now)

    assert run.ledger.account(STAKER).nonce == MAX_NONCE
    assert run.ledger.account(NEW).nonce == 0


def test_an_account_that_holds_nothing_may_move() -> None:
    run = staked()
    run.ledger.relay_move(OTHER, NEW, NEVER, run.now)

    assert (run.ledger.account(OTHER).nonce, run.ledger.account(NEW)) == (1_000, Account())


def test_after_a_move_everything_comes_out_by_lapses() -> None:
    """S40 S41 N6: at the new address, by its own calls."""
    run = staked()
    ledger = run.ledger
    ledger.relay_move(STAKER, NEW, NEVER, run.now)
    equity = ledger.account(NEW).equity_nano
    ledger.leave(NEW)

    last = ledger.parameters.deadline(ledger.resolved + 4)
    assert ledger.withdraw(NEW, ALL, last + 1) == equity
