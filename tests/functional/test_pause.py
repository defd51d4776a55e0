"""pause(), and what it stops and what it never stops"""

from collections.abc import Callable

import boa
import pytest

from sluice.words import NO_DIGEST, Entry, digest_chain, link_bytes
from tests.escrow_world import (
    DAY,
    FORTNIGHT,
    MAX,
    PLAYED,
    STAKE,
    WEEK,
    ZERO_ADDRESS,
    World,
    nano,
    now,
    refuses,
    role_address,
    set_time,
)
from tests.messages import (
    Instruction,
    Move,
    Withdrawal,
    packed_by_key,
    relay_arguments,
    signatures_of,
)
from tests.surface.regenerate import abi

PAUSED = "paused: withdraw() and set_stakes() work, see paused_at()"
USED = "pause: used, the owner has to unpause() first"

STAKER = role_address("staker")
OTHER = role_address("other_staker")
STRANGER = role_address("stranger")
OWNER = role_address("owner")
OPERATOR = role_address("operator")
GUARDIAN = role_address("guardian")

Call = Callable[[World], None]
ROUND = PLAYED + 1
LINK = link_bytes([Entry(STAKER, {0: -STAKE // 8}), Entry(OTHER)])


def _nothing_announced(world: World) -> None:
    """What waits for that can be had: a veto works during a pause."""
    if any(world.escrow.round_state()[1]):
        world.veto()


def _relay(world: World) -> None:
    signed = [world.signed(Instruction(STAKER, 0, {0: STAKE // 2}), "staker")]
    world.escrow.relay(*relay_arguments(signed), sender=STRANGER)


def _relay_move(world: World) -> None:
    _nothing_announced(world)
    message = Move(STAKER, STRANGER)
    signatures = [packed_by_key(world.sign(message, role)) for role in ("staker", "stranger")]
    world.relay_move(message, *signatures)


def _announce(world: World) -> None:
    stored = world.escrow.round_state()[1]
    world.escrow.announce(ROUND, stored, digest_chain([LINK, LINK])[0], sender=OPERATOR)


def _pay(world: World) -> None:
    signed = [world.signed(Withdrawal(STAKER, 1, 1), "staker")]
    requests = [request.word() for request, _ in signed]
    world.escrow.pay(requests, [], signatures_of(signed), sender=OPERATOR)


def _accept_move(world: World) -> None:
    world.escrow.offer_move(STRANGER, sender=STAKER)
    _nothing_announced(world)
    world.escrow.accept_move(STAKER, sender=STRANGER)


def _withdraw_reserve(world: World) -> None:
    _nothing_announced(world)
    world.escrow.withdraw_reserve(nano(1), sender=OWNER)


def _accept_ownership(world: World) -> None:
    world.escrow.transfer_ownership(STRANGER, sender=OWNER)
    world.escrow.accept_ownership(sender=STRANGER)


STOPPED: dict[str, Call] = {
    "deposit": lambda world: world.escrow.deposit(nano(1), sender=STAKER),
    "deposit_for": lambda world: world.escrow.deposit_for(OTHER, nano(1), sender=STAKER),
    "deposit_and_stake": lambda world: world.escrow.deposit_and_stake(
        nano(1), [1], [nano(1)], sender=STAKER
    ),
    "relay": _relay,
    "relay_move": _relay_move,
    "announce": _announce,
    "resolve": lambda world: world.escrow.resolve(ROUND, [LINK], NO_DIGEST, sender=STRANGER),
    "pay": _pay,
}
"""What a pause stops, each as a call that would go through without one."""

NOT_STOPPED: dict[str, Call] = {
    "withdraw": lambda world: world.escrow.withdraw(nano(1), sender=STAKER),
    "set_stakes": lambda world: world.escrow.set_stakes([0, 2], [0, nano(1)], sender=STAKER),
    "set_split": lambda world: world.escrow.set_split(0, [255], [10_000], sender=STAKER),
    "leave": lambda world: world.escrow.leave(sender=STAKER),
    "cancel_instructions": lambda world: world.escrow.cancel_instructions(1, sender=STAKER),
    "cancel_withdrawal": lambda world: world.escrow.cancel_withdrawal(sender=STAKER),
    "offer_move": lambda world: world.escrow.offer_move(STRANGER, sender=STAKER),
    "accept_move": _accept_move,
    "veto": lambda world: world.escrow.veto(ROUND, sender=GUARDIAN),
    "unpause": lambda world: world.escrow.unpause(sender=OWNER),
    "fund": lambda world: world.escrow.fund(nano(1), sender=STAKER),
    "withdraw_reserve": _withdraw_reserve,
    "burn": lambda world: world.escrow.burn(sender=STRANGER),
    "set_operator": lambda world: world.escrow.set_operator(STRANGER, sender=OWNER),
    "set_guardian": lambda world: world.escrow.set_guardian(STRANGER, sender=OWNER),
    "transfer_ownership": lambda world: world.escrow.transfer_ownership(STRANGER, sender=OWNER),
    "accept_ownership": _accept_ownership,
}
"""What it never stops. `pause` itself is refused, as the second one that it is."""


@pytest.fixture
def busy(opened: World) -> World:
    """Two accounts, NMR to burn, a pool with something free, and round ROUND announced, its window
    over: every external of the contract goes through for somebody."""
    opened.run_pass(PLAYED, [Entry(STAKER, {0: -1}), Entry(OTHER)])
    opened.give(STAKER, nano(100))
    opened.escrow.deposit(nano(50), sender=STAKER)
    opened.announce(ROUND, [LINK])
    opened.past_window()
    return opened


@pytest.mark.parametrize("role", ["owner", "operator", "staker", "stranger"])
def test_pause_refuses_everybody_but_the_guardian(world: World, role: str) -> None:
    with world.unchanged(), refuses("caller: only the guardian"):
        world.escrow.pause(sender=world.watched[role])


def test_pause_says_when_it_began_and_changes_nothing_else(busy: World) -> None:
    before = busy.state()
    set_time(now() + 5)

    busy.escrow.pause(sender=GUARDIAN)
    assert busy.events() == [("Paused", {"paused_at": now()})]

    assert busy.escrow.paused_at() == now()
    assert busy.state() == before | {"paused_at": now()}


def test_every_external_is_in_one_of_the_two_lists() -> None:
    """N7: a new external has to say here whether a pause stops it."""
    externals = {
        entry["name"]
        for entry in abi()
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }

    assert externals == {"pause", *STOPPED, *NOT_STOPPED}
    assert not STOPPED.keys() & NOT_STOPPED.keys()


@pytest.mark.parametrize("name", STOPPED)
def test_a_pause_stops(busy: World, name: str) -> None:
    """N7: deposits, relays, passes and batches, with nothing changed; after it they go on."""
    call = STOPPED[name]
    if name == "relay_move":
        busy.veto()
    with boa.env.anchor():
        call(busy)
    busy.escrow.pause(sender=GUARDIAN)

    with busy.unchanged(), refuses(PAUSED):
        call(busy)
    set_time(busy.escrow.paused_at() + WEEK - 1)
    with busy.unchanged(), refuses(PAUSED):
        call(busy)
    set_time(busy.escrow.paused_at() + WEEK)
    call(busy)


@pytest.mark.parametrize("name", NOT_STOPPED)
def test_a_pause_never_stops(busy: World, name: str) -> None:
    """N6 N7 S40: no way out, no way to the pool, no veto, nothing of the owner's."""
    busy.escrow.pause(sender=GUARDIAN)

    NOT_STOPPED[name](busy)

    assert busy.escrow.paused_at() == (0 if name == "unpause" else now())


@pytest.mark.parametrize("name", NOT_STOPPED)
def test_a_pause_changes_nothing_of_what_it_does_not_stop(busy: World, name: str) -> None:
    """N7: what goes on leads to the very same state."""
    call = NOT_STOPPED[name]
    after = []
    for pauses in (False, True):
        with boa.env.anchor():
            if pauses or name == "unpause":
                busy.escrow.pause(sender=GUARDIAN)
            call(busy)
            after.append({key: v for key, v in busy.state().items() if key != "paused_at"})

    assert after[0] == after[1]


@pytest.mark.parametrize("view", ["position", "schedule", "risks_of"])
def test_a_pause_changes_nothing_that_is_seen(busy: World, view: str) -> None:
    before = getattr(busy.lens, view)(STAKER)

    busy.escrow.pause(sender=GUARDIAN)

    assert getattr(busy.lens, view)(STAKER) == before


def test_a_second_pause_needs_the_owner_also_after_the_first_has_ended(world: World) -> None:
    """N7: the guardian alone stops the escrow for one round length, and never again."""
    world.escrow.pause(sender=GUARDIAN)
    for seconds in (0, WEEK - 1, WEEK, 52 * WEEK):
        set_time(world.escrow.paused_at() + seconds)
        with world.unchanged(), refuses(USED):
            world.escrow.pause(sender=GUARDIAN)

    world.escrow.unpause(sender=OWNER)

    world.escrow.pause(sender=GUARDIAN)
    assert world.escrow.paused_at() == now()


def test_a_new_guardian_has_no_new_pause(world: World) -> None:
    """It is the escrow's, not the key's: an owner that wants another has to say so."""
    world.escrow.pause(sender=GUARDIAN)
    world.escrow.set_guardian(STRANGER, sender=OWNER)
    set_time(now() + 2 * WEEK)

    with refuses(USED):
        world.escrow.pause(sender=STRANGER)


def test_the_window_runs_while_paused(busy: World) -> None:
    """A round announced before waits for the end of the pause, and not a second longer."""
    busy.veto()
    busy.announce(ROUND, [LINK])
    busy.escrow.pause(sender=GUARDIAN)
    set_time(now() + WEEK - 1)
    with refuses(PAUSED):
        busy.escrow.resolve(ROUND, [LINK], NO_DIGEST, sender=STRANGER)

    set_time(now() + 1)
    busy.escrow.resolve(ROUND, [LINK], NO_DIGEST, sender=STRANGER)

    assert busy.escrow.round_state()[0] == ROUND
    # it opened nothing: this is what a pause over a pass costs
    assert ROUND + 4 not in [risk.round for risk in busy.lens.risks_of(OTHER)]


def test_deadlines_pass_while_paused(busy: World) -> None:
    """N6: what a round locks is free when its deadline has passed, pause or not."""
    busy.escrow.leave(sender=STAKER)
    deadline = busy.parameters.deadline(ROUND)
    set_time(deadline - DAY)
    busy.escrow.pause(sender=GUARDIAN)
    set_time(deadline)
    free_nano = busy.withdrawable_nano(STAKER)

    set_time(deadline + 1)

    assert busy.withdrawable_nano(STAKER) > free_nano
    busy.escrow.withdraw(MAX, sender=STAKER)


def test_periods_turn_while_paused(busy: World) -> None:
    """A batch that a pause held up pays everybody when it is over; each fortnight has one."""
    set_time(busy.parameters.deployed_at + FORTNIGHT * 4 - DAY)
    busy.escrow.pause(sender=GUARDIAN)
    set_time(now() + WEEK)

    asked = busy.signed(Withdrawal(STAKER, 1, 4), "staker")

    assert busy.pay(asked) == [(1, 0)]
    assert busy.period(STAKER) == 5


def test_the_way_out_is_open_through_pauses_without_end(busy: World) -> None:
    """N6 N7 S40: a guardian and an owner that pause for ever keep nobody's NMR."""
    busy.escrow.pause(sender=GUARDIAN)
    busy.escrow.leave(sender=STAKER)
    equity_nano = busy.pool_nano(STAKER)
    end = now() + 7 * WEEK
    left = 0
    while now() <= end:
        set_time(now() + WEEK - 1)
        busy.escrow.unpause(sender=OWNER)
        busy.escrow.pause(sender=GUARDIAN)
        if busy.withdrawable_nano(STAKER):
            left += busy.escrow.withdraw(MAX, sender=STAKER)

    assert left == nano(equity_nano)
    assert busy.pool_nano(STAKER) == 0


def test_nothing_is_paused_before_the_first_pause(world: World) -> None:
    assert world.escrow.paused_at() == 0
    assert world.escrow.guardian() != ZERO_ADDRESS
