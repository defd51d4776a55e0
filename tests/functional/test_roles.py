"""Who may do what: every external and every role

The refusals of each external by itself stand in its own file; here all of them together, so that a
new external has to say who may call it."""

from collections.abc import Callable

import boa
import pytest

from sluice.words import NO_DIGEST, Entry, digest_chain, link_bytes
from tests.escrow_world import PLAYED, ROLES, World, nano, now, refuses, role_address, set_time
from tests.surface.regenerate import abi

Call = Callable[[World, str], None]
EVERYBODY = frozenset({"owner", "operator", "guardian", "pending_owner", "staker"})
LINK = link_bytes([Entry(role_address("staker")), Entry(role_address("other_staker"))])

ONLY_OWNER = "ownable: caller is not the owner"
ONLY_OPERATOR = "caller: only the operator"
ONLY_GUARDIAN = "caller: only the guardian"

RESTRICTED: dict[str, tuple[set[str], str, Call]] = {
    "announce": (
        {"operator", "owner"},
        "caller: only the operator or the owner",
        lambda world, sender: world.escrow.announce(
            PLAYED, world.escrow.round_state()[1], digest_chain([LINK])[0], sender=sender
        ),
    ),
    "pay": (
        {"operator"},
        ONLY_OPERATOR,
        lambda world, sender: world.escrow.pay([], [role_address("staker")], b"", sender=sender),
    ),
    "veto": (
        {"guardian"},
        ONLY_GUARDIAN,
        lambda world, sender: world.escrow.veto(PLAYED, sender=sender),
    ),
    "pause": ({"guardian"}, ONLY_GUARDIAN, lambda world, sender: world.escrow.pause(sender=sender)),
    "unpause": (
        {"owner"},
        ONLY_OWNER,
        lambda world, sender: world.escrow.unpause(sender=sender),
    ),
    "withdraw_reserve": (
        {"owner"},
        ONLY_OWNER,
        lambda world, sender: world.escrow.withdraw_reserve(nano(1), sender=sender),
    ),
    "set_operator": (
        {"owner"},
        ONLY_OWNER,
        lambda world, sender: world.escrow.set_operator(sender, sender=sender),
    ),
    "set_guardian": (
        {"owner"},
        ONLY_OWNER,
        lambda world, sender: world.escrow.set_guardian(sender, sender=sender),
    ),
    "transfer_ownership": (
        {"owner"},
        ONLY_OWNER,
        lambda world, sender: world.escrow.transfer_ownership(sender, sender=sender),
    ),
    "accept_ownership": (
        {"pending_owner"},
        "ownable_2step: caller is not the new owner",
        lambda world, sender: world.escrow.accept_ownership(sender=sender),
    ),
}
"""Who may call it, what everybody else is told, and the call."""

OWN = frozenset(
    {
        "deposit", "deposit_and_stake", "set_stakes", "set_split", "leave", "cancel_instructions",
        "cancel_withdrawal", "withdraw", "offer_move", "accept_move",
    }
)  # fmt: skip
"""What anybody may call, and what touches the caller's account only (and the one offered to it)."""
ANYBODY = frozenset({"deposit_for", "relay", "relay_move", "resolve", "fund", "burn"})
"""What anybody may call: the account's signature, the announced digest, or his own NMR decides."""


@pytest.fixture
def ruled(opened: World) -> World:
    """A round announced, a pause used, an ownership offered: each call goes through for its
    role."""
    pending = role_address("stranger")
    opened.watched["pending_owner"] = pending
    opened.stake(role_address("staker"), {}, pool_nano=9)
    opened.put_due(role_address("staker"), 3)
    opened.escrow.transfer_ownership(pending, sender=role_address("owner"))
    opened.to_pass(PLAYED)
    return opened


def prepare(world: World, name: str) -> None:
    """What a call needs beside its sender."""
    if name == "veto":
        world.announce(PLAYED, [LINK])
    if name == "unpause":
        world.escrow.pause(sender=role_address("guardian"))


def test_every_external_says_who_may_call_it() -> None:
    externals = {
        entry["name"]
        for entry in abi()
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }

    assert externals == RESTRICTED.keys() | OWN | ANYBODY
    assert len(RESTRICTED) + len(OWN) + len(ANYBODY) == len(externals)


@pytest.mark.parametrize("role", sorted(EVERYBODY))
@pytest.mark.parametrize("name", RESTRICTED)
def test_an_external_is_for_its_role_and_nobody_else(ruled: World, name: str, role: str) -> None:
    """N19: also not for a role that may do more elsewhere."""
    allowed, reason, call = RESTRICTED[name]
    prepare(ruled, name)

    if role in allowed:
        call(ruled, ruled.watched[role])
        return
    with ruled.unchanged(), refuses(reason):
        call(ruled, ruled.watched[role])


@pytest.mark.parametrize("name", ["set_operator", "set_guardian"])
def test_a_role_that_is_taken_away_ends_at_once(
    ruled: World, owner: str, operator: str, guardian: str, name: str
) -> None:
    """The old key can do nothing from the very next transaction on."""
    fresh = role_address("stranger")
    getattr(ruled.escrow, name)(fresh, sender=owner)
    before, calls = (
        (operator, ("announce", "pay"))
        if name == "set_operator"
        else (
            guardian,
            ("veto", "pause"),
        )
    )
    for call in calls:
        with boa.env.anchor():
            prepare_as(ruled, call)
            with ruled.unchanged(), refuses(RESTRICTED[call][1]):
                RESTRICTED[call][2](ruled, before)
            RESTRICTED[call][2](ruled, fresh)


def prepare_as(world: World, name: str) -> None:
    """As `prepare`, by the owner: roles may have changed."""
    if name == "veto":
        digest = digest_chain([LINK])[0]
        world.escrow.announce(PLAYED, NO_DIGEST, digest, sender=role_address("owner"))


@pytest.mark.parametrize("name", ["owner", "operator", "guardian"])
def test_roles_may_be_one_and_the_same(opened: World, owner: str, name: str) -> None:
    """Nothing relies on the keys being apart; who joins them is told what that means."""
    one = opened.watched[name]
    opened.escrow.set_operator(one, sender=owner)
    opened.escrow.set_guardian(one, sender=owner)
    digest = digest_chain([LINK])[0]
    set_time(max(now(), opened.pass_time(PLAYED)))

    opened.escrow.announce(PLAYED, NO_DIGEST, digest, sender=one)
    opened.escrow.veto(PLAYED, sender=one)
    opened.escrow.pause(sender=one)

    assert one in map(role_address, ROLES)
