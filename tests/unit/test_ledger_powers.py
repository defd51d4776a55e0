"""Veto and pause in the ledger: what they stop, what they never stop, and how they end."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from sluice.errors import Refused
from sluice.ledger import ALL, Ledger
from sluice.roles import NOBODY, Roles
from sluice.words import NO_DIGEST, Entry, digest_chain, link_bytes
from tests.running import OTHER, STAKER, Running, running

NMR_NANO = 10**9
WEEK = 7 * 24 * 3600
NEVER = 2**256 - 1
PAUSED = "paused: withdraw() and set_stakes() work, see paused_at()"
NOT_ANNOUNCED = "resolve: nothing is announced, see round_state()"
LINKS = [link_bytes([Entry(STAKER)]), link_bytes([Entry(OTHER)])]
CHAIN = digest_chain(LINKS)


def announced() -> Running:
    """Two accounts in four open rounds; the next one is announced in two links, its window over."""
    run = running(4, staker={0: 8 * NMR_NANO}, other={5: 4 * NMR_NANO})
    run.now = run.ledger.parameters.pass_time(run.ledger.resolved + 1)
    run.ledger.announce(run.ledger.resolved + 1, NO_DIGEST, CHAIN[0], run.now)
    run.now += run.ledger.parameters.window_s
    return run


def unchanged(ledger: Ledger, step: Callable[[], Any], message: str) -> None:
    """The step is refused with this text and leaves everything as it was."""
    before = deepcopy(vars(ledger))
    with pytest.raises(Refused) as refusal:
        step()
    assert (str(refusal.value), vars(ledger)) == (message, before)


# --- veto -------------------------------------------------------------------------------------


def test_a_veto_clears_what_is_announced_and_nothing_else() -> None:
    """The round stays the next one and can be announced again at once, replacing nothing."""
    run = announced()
    before = deepcopy(run.ledger.accounts)

    assert run.ledger.veto(run.ledger.resolved + 1) == CHAIN[0]

    assert (run.ledger.digest, run.ledger.announced_at) == (NO_DIGEST, 0)
    assert run.ledger.accounts == before
    run.ledger.announce(run.ledger.resolved + 1, NO_DIGEST, CHAIN[0], run.now)


def test_a_veto_leaves_what_is_applied_and_clears_what_is_left() -> None:
    """The rest is announced again; who was in the pass cannot be in it twice."""
    run = announced()
    ledger, round_number = run.ledger, run.ledger.resolved + 1
    ledger.resolve(round_number, LINKS[:1], CHAIN[1], run.now)

    assert ledger.veto(round_number) == CHAIN[1]

    assert ledger.account(STAKER).round_number == round_number
    ledger.announce(round_number, NO_DIGEST, CHAIN[0], run.now)
    run.now += ledger.parameters.window_s
    with pytest.raises(Refused, match="account is already in this pass"):
        ledger.resolve(round_number, LINKS, NO_DIGEST, run.now)
    ledger.announce(round_number, CHAIN[0], CHAIN[1], run.now)
    run.now += ledger.parameters.window_s
    ledger.resolve(round_number, LINKS[1:], NO_DIGEST, run.now)
    assert ledger.resolved == round_number


def test_a_veto_needs_the_next_round_and_something_announced() -> None:
    run = announced()
    ledger, round_number = run.ledger, run.ledger.resolved + 1
    not_next = "round: not the next one, see round_state()"

    unchanged(ledger, lambda: ledger.veto(round_number + 1), not_next)
    unchanged(ledger, lambda: ledger.veto(round_number - 1), not_next)
    ledger.veto(round_number)
    unchanged(ledger, lambda: ledger.veto(round_number), NOT_ANNOUNCED)
    unchanged(
        ledger, lambda: ledger.resolve(round_number, LINKS, NO_DIGEST, run.now), NOT_ANNOUNCED
    )


def test_a_veto_frees_the_reserve() -> None:
    run = announced()
    run.ledger.veto(run.ledger.resolved + 1)

    run.ledger.withdraw_reserve(1)


# --- pause ------------------------------------------------------------------------------------


def stopped(run: Running) -> list[Callable[[], Any]]:
    """Every step that a pause stops, each of which would go through or be refused otherwise."""
    ledger, number = run.ledger, run.ledger.resolved + 1
    return [
        lambda: ledger.check_running(run.now),
        lambda: ledger.announce(number, CHAIN[0], CHAIN[1], run.now),
        lambda: ledger.announce(number + 1, CHAIN[0], NO_DIGEST, run.now),
        lambda: ledger.resolve(number, LINKS, NO_DIGEST, run.now),
        lambda: ledger.resolve(number, [], NO_DIGEST, run.now),
        lambda: ledger.check_pay(run.now),
        lambda: ledger.pay(STAKER, ALL, ledger.parameters.period(run.now), NEVER, run.now),
        lambda: ledger.pay_due(STAKER, run.now),
        lambda: ledger.relay_move(STAKER, "0x" + "cc" * 20, run.now - 1, run.now),
    ]


def test_a_pause_stops_relays_passes_and_batches() -> None:
    """N7: and says so before anything else that is wrong."""
    run = announced()
    run.ledger.pause(run.now)

    for step in stopped(run):
        unchanged(run.ledger, step, PAUSED)


def test_a_pause_stops_nothing_that_gets_nmr_out() -> None:
    """N6 N7: withdraw, stakes, splits, leave, cancelling, offers, the reserve and veto work."""
    run = announced()
    ledger, now = run.ledger, run.now
    ledger.pause(now)

    ledger.set_stakes(STAKER, {0: NMR_NANO, 3: NMR_NANO})
    ledger.set_split(STAKER, 0, ((3, 10_000),))
    assert ledger.withdraw(STAKER, ALL, now) > 0
    ledger.leave(STAKER)
    ledger.cancel_instructions(STAKER, ledger.account(STAKER).nonce + 1)
    ledger.cancel_withdrawal(STAKER, now)
    ledger.offer_move(OTHER, STAKER)
    ledger.fund(1)
    ledger.veto(ledger.resolved + 1)
    ledger.withdraw_reserve(1)
    ledger.accept_move("0x" + "dd" * 20, offered(ledger, "0x" + "dd" * 20), now)


def offered(ledger: Ledger, to: str) -> str:
    """An account that is offered to an address."""
    ledger.offer_move(OTHER, to)
    return OTHER


def test_a_pause_ends_by_itself_after_one_round_length() -> None:
    """N7: to the second."""
    run = announced()
    length = run.ledger.parameters.round_length_s
    run.ledger.pause(run.now)

    run.now += length - 1
    assert run.ledger.paused(run.now)
    for step in stopped(run)[:1]:
        unchanged(run.ledger, step, PAUSED)
    run.now += 1
    assert not run.ledger.paused(run.now)
    run.ledger.resolve(run.ledger.resolved + 1, LINKS, NO_DIGEST, run.now)


def test_another_pause_needs_the_owner_in_between() -> None:
    """N7: also after one that ended by itself, so that a hostile guardian stops a week only."""
    run = announced()
    ledger = run.ledger
    unchanged(ledger, ledger.unpause, "unpause: there was no pause()")
    ledger.pause(run.now)
    used = "pause: used, the owner has to unpause() first"

    unchanged(ledger, lambda: ledger.pause(run.now), used)
    run.now += 2 * WEEK
    unchanged(ledger, lambda: ledger.pause(run.now), used)
    ledger.unpause()
    assert ledger.paused_at == 0
    ledger.pause(run.now)
    ledger.unpause()
    assert not ledger.paused(run.now)


def test_the_clocks_run_on_while_paused() -> None:
    """N6 N7: window, lapse and schedule know no pause: everything lapses as it would have."""
    run = announced()
    ledger, open_now = run.ledger, run.ledger.open_risks(STAKER, run.now)
    first, last = min(open_now), max(open_now)
    ledger.pause(run.now)
    ledger.leave(STAKER)

    assert ledger.open_risks(STAKER, ledger.parameters.deadline(first)) == open_now
    assert first not in ledger.open_risks(STAKER, ledger.parameters.deadline(first) + 1)
    out = ledger.withdraw(STAKER, ALL, ledger.parameters.deadline(last) + 1)
    assert out == 8 * NMR_NANO


def test_the_window_of_an_announcement_runs_while_paused() -> None:
    """A pause is no longer window; whoever wants the round stopped vetoes it."""
    run = announced()
    run.ledger.announce(run.ledger.resolved + 1, CHAIN[0], CHAIN[0], run.now)
    run.ledger.pause(run.now + 1)
    run.ledger.unpause()

    run.now += run.ledger.parameters.window_s
    run.ledger.resolve(run.ledger.resolved + 1, LINKS, NO_DIGEST, run.now)


# --- who may ----------------------------------------------------------------------------------

OWNER, OPERATOR, GUARDIAN, NEW = (f"0x{number:040x}" for number in range(1, 5))


def test_each_power_has_its_roles_and_no_other() -> None:
    roles = Roles(OWNER, OPERATOR, GUARDIAN)
    may: dict[str, tuple[Callable[[str], None], set[str]]] = {
        "ownable: caller is not the owner": (roles.check_owner, {OWNER}),
        "caller: only the operator": (roles.check_operator, {OPERATOR}),
        "caller: only the operator or the owner": (
            roles.check_operator_or_owner,
            {OPERATOR, OWNER},
        ),
        "caller: only the guardian": (roles.check_guardian, {GUARDIAN}),
    }
    for message, (check, allowed) in may.items():
        for sender in (OWNER, OPERATOR, GUARDIAN, NEW):
            if sender in allowed:
                check(sender)
                continue
            with pytest.raises(Refused) as refusal:
                check(sender)
            assert str(refusal.value) == message


def test_only_the_owner_appoints_and_the_ownership_goes_in_two_steps() -> None:
    """An offer changes nothing until it is taken, and can be taken once."""
    roles = Roles(OWNER, OPERATOR, GUARDIAN)
    for step in (roles.set_operator, roles.set_guardian, roles.transfer_ownership):
        with pytest.raises(Refused, match="caller is not the owner"):
            step(OPERATOR, NEW)
    with pytest.raises(Refused, match="operator: must not be the zero address"):
        roles.set_operator(OWNER, NOBODY)
    with pytest.raises(Refused, match="guardian: must not be the zero address"):
        roles.set_guardian(OWNER, NOBODY)

    roles.set_operator(OWNER, GUARDIAN)
    roles.set_guardian(OWNER, OPERATOR)
    roles.transfer_ownership(OWNER, NEW)
    assert roles == Roles(OWNER, GUARDIAN, OPERATOR, NEW)
    with pytest.raises(Refused, match="caller is not the new owner"):
        roles.accept_ownership(OPERATOR)
    roles.accept_ownership(NEW)
    assert roles == Roles(NEW, GUARDIAN, OPERATOR)
    with pytest.raises(Refused, match="caller is not the new owner"):
        roles.accept_ownership(NEW)
