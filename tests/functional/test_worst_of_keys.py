"""The worst that each key can do alone, each as a test: docs/powers.md names them

A key in the wrong hands does all that it can, and nobody else acts."""

import boa
import pytest

from sluice.ledger import Skip
from sluice.words import NO_DIGEST, RISK_UNIT_NANO, WALLET, Entry, digest_chain, link_bytes
from tests.escrow_world import (
    DAY,
    FIRST_PASS,
    MAX,
    NANO,
    PLAYED,
    STAKE,
    WEEK,
    World,
    nano,
    now,
    refuses,
    role_address,
    set_time,
)
from tests.messages import Instruction, Withdrawal, packed_signatures, relay_arguments
from tests.moving import BUSY, NEW, NOT_OFFERED

STAKER, OTHER = role_address("staker"), role_address("other_staker")
OPERATOR, GUARDIAN, OWNER = (role_address(role) for role in ("operator", "guardian", "owner"))
STRANGER = role_address("stranger")


def bound_nano(world: World, account: str, round_number: int) -> int:
    """The most that a round can burn of an account, or earn for it."""
    bounds = {risk.round: int(risk.bound) // NANO for risk in world.lens.risks_of(account)}
    return bounds.get(round_number, 0)


def burn_all_it_can(world: World, round_number: int, *accounts: str) -> None:
    """A pass that takes the whole bound of each account."""
    world.run_pass(
        round_number,
        [Entry(each, {0: -bound_nano(world, each, round_number)}) for each in sorted(accounts)],
    )


# --- operator -------------------------------------------------------------------------------------


def test_operator_alone_burns_what_open_rounds_put_at_risk_which_is_all_of_it(
    opened: World,
) -> None:
    """If nobody vetoes: four rounds of 25% burn everything, of who leaves in time as well. Nothing
    of it is the operator's."""
    opened.escrow.leave(sender=STAKER)

    with opened.moves():
        for round_number in range(PLAYED, PLAYED + 4):
            burn_all_it_can(opened, round_number, STAKER, OTHER)

    assert opened.pool_nano(STAKER) == 0
    # the other one's stake fell with each pass, and with it what the later ones opened
    assert sum(opened.stakes_nano(OTHER).values()) < RISK_UNIT_NANO * 4
    assert int(opened.escrow.burned()) // NANO == 2 * STAKE - sum(
        opened.stakes_nano(OTHER).values()
    )


def test_a_guardian_that_watches_stops_such_a_burn(opened: World) -> None:
    """There is the whole window for it, a day; a veto costs nobody anything."""
    links = [link_bytes([Entry(STAKER, {0: -STAKE // 4})])]
    opened.announce(PLAYED, links)
    set_time(now() + opened.parameters.window_s - 1)
    with refuses("resolve: the challenge window is still open"):
        opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=OPERATOR)

    opened.veto()

    set_time(now() + 1)
    with refuses("resolve: nothing is announced, see round_state()"):
        opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=OPERATOR)
    assert opened.stakes_nano(STAKER) == {0: STAKE}


def test_operator_alone_burns_no_more_than_a_bound(opened: World) -> None:
    """Nor what was staked behind the opening, nor twice."""
    opened.stake(STAKER, {}, pool_nano=9 * STAKE)
    opened.escrow.set_stakes([0], [nano(10 * STAKE)], sender=STAKER)
    bound = bound_nano(opened, STAKER, PLAYED)
    assert STAKE // 4 <= bound < STAKE // 4 + RISK_UNIT_NANO
    for payouts, reason in (
        ({0: -bound - 1}, "losses are above its bound"),
        ({0: bound + 1}, "earnings are above its bound"),
        ({0: -bound, 1: -1}, "losses are above its bound"),
    ):
        links = [link_bytes([Entry(STAKER, payouts)])]
        with boa.env.anchor():
            opened.announce(PLAYED, links)
            opened.past_window()
            with opened.unchanged(), refuses(f"entry 00 of link 00: {reason}"):
                opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=OPERATOR)

    burn_all_it_can(opened, PLAYED, STAKER)

    assert opened.stakes_nano(STAKER) == {0: 10 * STAKE - bound}


def test_operator_alone_credits_accomplices_who_lock_a_quarter_of_what_they_stake(
    opened: World,
) -> None:
    """At most a bound of each open round out of the reserve: 25% of what the accomplice has had at
    risk for four weeks; it can leave at once, to the accomplice's own address."""
    opened.escrow.set_split(0, [WALLET], [10_000], sender=OTHER)
    reserve = int(opened.escrow.reserve())
    bound = bound_nano(opened, OTHER, PLAYED)

    opened.run_pass(PLAYED, [Entry(STAKER), Entry(OTHER, {0: bound})])

    assert reserve - int(opened.escrow.reserve()) == nano(bound)
    assert opened.pay(due=[OTHER]) == [(bound, Skip.PAID)]
    assert opened.at_risk_nano(OTHER) >= STAKE - 8 * RISK_UNIT_NANO
    # nobody without a round of its own: the operator's address neither
    for account in (STRANGER, OPERATOR):
        links = [link_bytes([Entry(account, {0: 1})])]
        with boa.env.anchor():
            opened.announce(PLAYED + 1, links)
            opened.past_window()
            with refuses("entry 00 of link 00: earnings are above its bound"):
                opened.escrow.resolve(PLAYED + 1, links, NO_DIGEST, sender=OPERATOR)


def test_operator_alone_takes_no_more_than_the_reserve_holds(world: World) -> None:
    """Why the reserve is kept near one round's need: it is the most that a bad round takes."""
    world.stake(OTHER, {0: STAKE})
    world.fund(STAKE // 8)
    world.open_rounds(OTHER)
    links = [link_bytes([Entry(OTHER, {0: STAKE // 4})])]
    world.announce(PLAYED, links)
    world.past_window()

    with world.unchanged(), refuses("reserve: too small for the earnings, fund() it first"):
        world.escrow.resolve(PLAYED, links, NO_DIGEST, sender=OPERATOR)


def test_operator_alone_withholds_earnings_and_forgives_burns_by_omission(opened: World) -> None:
    """Who is left out of a pass neither earns nor burns in it, and opens nothing: nothing is taken,
    what it had stays."""
    opened.run_pass(PLAYED, [Entry(OTHER)])

    assert opened.stakes_nano(STAKER) == {0: STAKE}
    assert PLAYED + 4 not in [risk.round for risk in opened.lens.risks_of(STAKER)]
    # for good: the round is done
    assert bound_nano(opened, STAKER, PLAYED) == 0


def test_operator_alone_withholds_free_withdrawals_and_not_others(opened: World) -> None:
    """A batch that never comes: everybody withdraws with an own transaction."""
    opened.escrow.leave(sender=STAKER)
    set_time(opened.parameters.deadline(PLAYED + 3) + 1)

    with opened.moves(escrow=-nano(STAKE), staker=nano(STAKE)):
        opened.escrow.withdraw(MAX, sender=STAKER)


def test_operator_alone_forgives_burns_by_delay(opened: World) -> None:
    """Past the deadline a loss is not charged; an earning still is paid."""
    set_time(opened.parameters.deadline(PLAYED))

    opened.run_pass(PLAYED, [Entry(STAKER, {0: -1000}), Entry(OTHER, {0: 1000})])

    assert opened.stakes_nano(STAKER) == {0: STAKE}
    assert opened.stakes_nano(OTHER) == {0: STAKE + 1000}


def test_operator_alone_moves_nmr_to_no_address_but_the_accounts(opened: World) -> None:
    """N19: with every call that it may make, for every account there is."""
    opened.stake(STAKER, {}, pool_nano=50)
    opened.put_due(STAKER, 20)
    forged = Withdrawal(STAKER, 10, 1)
    signatures = packed_signatures([opened.sign(forged, "operator")])
    with opened.moves():
        opened.escrow.pay([forged.word()], [], signatures, sender=OPERATOR)
    with opened.moves(escrow=-nano(20), staker=nano(20)):
        opened.pay(due=[STAKER])
    for call in (
        lambda: opened.escrow.withdraw_reserve(1, sender=OPERATOR),
        lambda: opened.escrow.withdraw(MAX, sender=OPERATOR),
        lambda: opened.escrow.accept_move(STAKER, sender=OPERATOR),
    ):
        with opened.unchanged(), pytest.raises(boa.BoaError):
            call()
    with opened.moves():
        opened.run_pass(PLAYED, [Entry(STAKER, {0: -5}), Entry(OTHER, {0: 5})])


@pytest.mark.parametrize("hostile", ["never announces", "announces again and again", "is gone"])
def test_operator_alone_traps_nobody(opened: World, hostile: str) -> None:
    """S40 N6: who leaves has everything in four weeks and the grace, with own transactions."""
    opened.escrow.leave(sender=STAKER)
    end = opened.parameters.deadline(PLAYED + 3) + 1
    day = 0
    while hostile == "announces again and again" and now() < end:
        digest = bytes([1 + day % 200]) * 32
        stored = opened.escrow.round_state()[1]
        opened.to_pass(PLAYED)
        opened.escrow.announce(PLAYED, stored, digest, sender=OPERATOR)
        set_time(now() + DAY)
        day += 1
    set_time(end)

    with opened.moves(escrow=-nano(STAKE), staker=nano(STAKE)):
        opened.escrow.withdraw(MAX, sender=STAKER)


def test_operator_alone_opens_no_round_above_a_quarter(opened: World) -> None:
    """Nor a fifth one: what is open is at most what is staked, in units rounded up."""
    for round_number in range(PLAYED, PLAYED + 6):
        opened.run_pass(round_number, [Entry(STAKER), Entry(OTHER)])
        risks = opened.lens.risks_of(STAKER)
        assert len(risks) == 4
        bounds = [int(risk.bound) // NANO for risk in risks]
        assert max(bounds) < STAKE // 4 + RISK_UNIT_NANO


# --- guardian -------------------------------------------------------------------------------------


def test_guardian_alone_delays_and_so_forgives_burns(opened: World) -> None:
    """It vetoes every announcement until the deadline is past; the earnings come all the same."""
    links = [link_bytes([Entry(STAKER, {0: -1000}), Entry(OTHER, {0: 1000})])]
    while now() <= opened.parameters.deadline(PLAYED):
        opened.announce(PLAYED, links)
        set_time(now() + DAY)
        opened.veto()
    opened.resolve(PLAYED, links)

    assert opened.escrow.burned() == 0
    assert opened.stakes_nano(OTHER) == {0: STAKE + 1000}


def test_guardian_alone_pauses_for_one_round_length_and_once(opened: World) -> None:
    opened.escrow.pause(sender=GUARDIAN)
    set_time(now() + WEEK)
    with refuses("pause: used, the owner has to unpause() first"):
        opened.escrow.pause(sender=GUARDIAN)

    opened.run_pass(PLAYED, [Entry(STAKER), Entry(OTHER)])

    assert opened.escrow.round_state()[0] == PLAYED


def test_guardian_alone_takes_and_burns_nothing(opened: World) -> None:
    """All that it may call leaves every account and every balance as it is."""
    opened.announce(PLAYED, [link_bytes([Entry(STAKER, {0: -1000})])])

    with opened.moves():
        words = {role: opened.words(each) for role, each in opened.watched.items()}
        opened.escrow.veto(PLAYED, sender=GUARDIAN)
        opened.escrow.pause(sender=GUARDIAN)
        assert {role: opened.words(each) for role, each in opened.watched.items()} == words
    assert (opened.escrow.reserve(), opened.escrow.burned()) == (nano(10**15), 0)


def test_guardian_alone_traps_nobody(opened: World) -> None:
    """S40 N6: with a pause and a veto of everything, who leaves has all of it in time."""
    opened.escrow.leave(sender=STAKER)
    set_time(opened.parameters.deadline(PLAYED + 3) + 1 - DAY)
    opened.escrow.pause(sender=GUARDIAN)
    set_time(now() + DAY)

    with opened.moves(escrow=-nano(STAKE), staker=nano(STAKE)):
        opened.escrow.withdraw(MAX, sender=STAKER)


# --- owner ----------------------------------------------------------------------------------------


def test_owner_alone_takes_the_reserve_when_no_round_is_announced(opened: World) -> None:
    """And what participants hold never: token, pools, stakes and burns stay covered."""
    reserve = int(opened.escrow.reserve())
    with opened.moves(escrow=-reserve, owner=reserve):
        opened.escrow.withdraw_reserve(reserve, sender=OWNER)

    with opened.unchanged(), refuses("withdraw_reserve: more than the reserve holds"):
        opened.escrow.withdraw_reserve(10**9, sender=OWNER)
    held = opened.token.balanceOf(opened.escrow.address)
    assert held == nano(2 * STAKE)


def test_owner_alone_does_not_take_the_reserve_from_an_announced_round(opened: World) -> None:
    """From the announcement to the end of the round nobody takes it, but for a veto in between."""
    links = [link_bytes([Entry(OTHER, {0: 1000})]), link_bytes([Entry(STAKER)])]
    opened.announce(PLAYED, links)
    busy = "withdraw_reserve: wait for the end of the announced round"
    with refuses(busy):
        opened.escrow.withdraw_reserve(10**9, sender=OWNER)
    opened.past_window()
    opened.escrow.resolve(PLAYED, links[:1], digest_chain(links)[1], sender=STRANGER)
    with refuses(busy):
        opened.escrow.withdraw_reserve(10**9, sender=OWNER)


def test_owner_alone_takes_the_reserve_from_an_announced_round_by_a_veto_of_its_own(
    opened: World,
) -> None:
    """As its own guardian it strikes the announcement first, also one that is applied in part, and
    takes what its other earnings needed: all in one moment. Nothing hides it: the veto is there."""
    links = [link_bytes([Entry(OTHER, {0: 1000})]), link_bytes([Entry(STAKER, {0: 1000})])]
    opened.announce(PLAYED, links)
    opened.past_window()
    opened.escrow.resolve(PLAYED, links[:1], digest_chain(links)[1], sender=STRANGER)
    reserve = int(opened.escrow.reserve())

    with opened.moves(escrow=-reserve, owner=reserve):
        opened.escrow.set_guardian(OWNER, sender=OWNER)
        opened.escrow.veto(PLAYED, sender=OWNER)
        opened.escrow.withdraw_reserve(reserve, sender=OWNER)
        opened.escrow.set_guardian(GUARDIAN, sender=OWNER)

    assert opened.stakes_nano(OTHER) == {0: STAKE + 1000}
    assert opened.stakes_nano(STAKER) == {0: STAKE}
    opened.announce(PLAYED, links[1:])
    opened.past_window()
    with refuses("reserve: too small for the earnings, fund() it first"):
        opened.escrow.resolve(PLAYED, links[1:], NO_DIGEST, sender=OPERATOR)


def test_owner_alone_is_operator_and_guardian_too(opened: World) -> None:
    """It appoints both, so it can do at worst what all three can: burn what is at risk, with its
    own guardian looking on. Never more: the bounds are the contract's."""
    opened.escrow.set_operator(OWNER, sender=OWNER)
    opened.escrow.set_guardian(OWNER, sender=OWNER)
    bound = bound_nano(opened, STAKER, PLAYED)
    links = [link_bytes([Entry(STAKER, {0: -bound})])]
    opened.to_pass(PLAYED)
    opened.escrow.announce(PLAYED, NO_DIGEST, digest_chain(links)[0], sender=OWNER)
    opened.past_window()
    with opened.moves():
        opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=OWNER)

    assert opened.stakes_nano(STAKER) == {0: STAKE - bound}


def test_owner_alone_traps_nobody(opened: World) -> None:
    """S40 N6: operator, guardian and pauses of its own: who leaves has all that is not burned."""
    opened.escrow.set_operator(OWNER, sender=OWNER)
    opened.escrow.set_guardian(OWNER, sender=OWNER)
    opened.escrow.leave(sender=STAKER)
    opened.escrow.pause(sender=OWNER)
    while now() <= opened.parameters.deadline(PLAYED + 3):
        set_time(now() + WEEK - 1)
        opened.escrow.unpause(sender=OWNER)
        opened.escrow.pause(sender=OWNER)

    with opened.moves(escrow=-nano(STAKE), staker=nano(STAKE)):
        opened.escrow.withdraw(MAX, sender=STAKER)


# --- relay and stranger ---------------------------------------------------------------------------


def test_relay_alone_changes_nothing_that_was_not_signed(opened: World) -> None:
    """N19: it can leave a message lying, or send it late, before its deadline."""
    signed = Instruction(STAKER, 0, {0: STAKE // 2}, deadline=now() + DAY)
    signature = opened.sign(signed, "staker")
    changed = Instruction(STAKER, 0, {0: 0}, deadline=now() + DAY)

    assert opened.relay((changed, signature))[0] == 0
    set_time(now() + DAY + 1)
    assert opened.relay((signed, signature)) == (0, {STAKER: "instruction: expired"})
    assert opened.stakes_nano(STAKER) == {0: STAKE}


def test_stranger_alone_can_do_nothing_to_an_account(opened: World) -> None:
    """N19: whatever he calls, what others hold never falls; he can give, and carry what others
    have signed or announced."""
    opened.give(STRANGER, nano(100))
    opened.announce(PLAYED, [link_bytes([Entry(OTHER)])])
    opened.past_window()
    words = {each: opened.words(each) for each in (STAKER, OTHER)}
    forged = Instruction(STAKER, 0, {0: 0})
    arguments = relay_arguments([(forged, opened.sign(forged, "stranger"))])
    opened.escrow.relay(*arguments, sender=STRANGER)
    opened.escrow.fund(nano(1), sender=STRANGER)
    opened.escrow.deposit(nano(1), sender=STRANGER)
    opened.escrow.leave(sender=STRANGER)
    for call, reason in (
        (lambda: opened.escrow.accept_move(STAKER, sender=STRANGER), NOT_OFFERED),
        (
            lambda: opened.escrow.resolve(
                PLAYED, [link_bytes([Entry(STAKER, {0: -1})])], NO_DIGEST, sender=STRANGER
            ),
            "resolve: the links do not lead to the announced digest",
        ),
    ):
        with refuses(reason):
            call()
    assert {each: opened.words(each) for each in (STAKER, OTHER)} == words

    opened.escrow.deposit_for(STAKER, nano(1), sender=STRANGER)
    assert opened.pool_nano(STAKER) == 1


def test_stranger_alone_moves_nobody_and_blocks_no_move(opened: World) -> None:
    """An offer to an address is no hold on it, and NMR deposited for it does not spoil it."""
    opened.escrow.offer_move(NEW, sender=OTHER)
    opened.give(OTHER, nano(1))
    opened.escrow.deposit_for(NEW, nano(1), sender=OTHER)
    opened.escrow.offer_move(NEW, sender=STAKER)

    opened.escrow.accept_move(STAKER, sender=NEW)

    assert opened.stakes_nano(NEW) == {0: STAKE}
    assert opened.stakes_nano(OTHER) == {0: STAKE}


def test_all_keys_gone_and_a_round_half_announced_leaving_is_possible(opened: World) -> None:
    """Moving is not, as the design says: what is announced never ends. Leaving asks nobody."""
    opened.announce(PLAYED, [link_bytes([Entry(STAKER)])], tail=b"\x01" * 32)
    opened.escrow.offer_move(NEW, sender=STAKER)
    opened.escrow.leave(sender=STAKER)
    set_time(opened.parameters.deadline(PLAYED + 3) + 1)

    with refuses(BUSY):
        opened.escrow.accept_move(STAKER, sender=NEW)
    opened.escrow.withdraw(MAX, sender=STAKER)

    assert opened.pool_nano(STAKER) == 0
    assert opened.escrow.round_state()[0] >= FIRST_PASS
