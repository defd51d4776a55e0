"""relay_move(account, to, deadline, signature, to_signature)"""

from dataclasses import replace

import boa
import pytest

from sluice.words import MAX_NONCE, OFFER_PLACE, SPLIT_PLACE, link_bytes
from tests.escrow_world import (
    DAY,
    MAX,
    PLAYED,
    STAKE,
    START,
    ZERO_ADDRESS,
    World,
    now,
    on_chain,
    refuses,
    role_address,
    set_time,
)
from tests.hostile import (
    CURVE_ORDER,
)
from tests.messages import Instruction, Move, packed_by_code, packed_by_key
from tests.moving import ASKED, BUSY, NEW, NOT_FRESH, NOT_SIGNED, OLD, both, moved, nonce, signature

OTHER = role_address("other_staker")
EXPIRED = "signature: expired"


@pytest.mark.parametrize("role", ["staker", "stranger", "other_staker", "operator"])
def test_relay_move_moves_with_both_signatures_whoever_sends_it(opened: World, role: str) -> None:
    """N12 N19: no offer, no gas of either side; as accept_move does."""
    signatures = both(opened)
    with boa.env.anchor():
        opened.move(OLD, NEW)
        by_transactions = opened.state()

    opened.relay_move(ASKED, *signatures, sender=opened.watched[role])
    assert opened.events() == [("AccountMoved", {"account": OLD, "to": NEW, "nonce": 1_000})]

    assert opened.state() == by_transactions


def test_relay_move_needs_both_signatures(opened: World) -> None:
    """N19: neither side moves the other, nor anybody both."""
    old, new = both(opened)
    strangers = signature(opened, "operator")
    for signatures in (
        (old, old), (new, new), (new, old), (old, b""), (b"", new), (old, strangers),
        (strangers, new), (b"", b""),
    ):  # fmt: skip
        with opened.unchanged(), refuses(NOT_SIGNED):
            opened.relay_move(ASKED, *signatures)


def _flipped(good: bytes) -> bytes:
    """The malleable copy of a key's signature: the other s, the other v."""
    s = int.from_bytes(good[32:], "big") & (2**255 - 1)
    parity = 1 - (good[32] >> 7)
    return good[:32] + (CURVE_ORDER - s | parity << 255).to_bytes(32, "big")


WRONG = {
    "malleable": _flipped,
    "the other v": lambda good: good[:32] + bytes([good[32] ^ 128]) + good[33:],
    "another r": lambda good: bytes([good[0] ^ 1]) + good[1:],
    "another s": lambda good: good[:63] + bytes([good[63] ^ 1]),
    "zeros": lambda good: bytes(64),
    "r of zero": lambda good: bytes(32) + good[32:],
    "s of zero": lambda good: good[:32] + bytes(32),
    "r above the order": lambda good: b"\xff" * 32 + good[32:],
    "nothing": lambda good: b"",
    "63 bytes": lambda good: good[:63],
    "65 bytes": lambda good: good + b"\x00",
    "v behind it": lambda good: (
        good[:32] + bytes([good[32] & 127]) + good[33:] + bytes([27 + (good[32] >> 7)])
    ),
    "as a batch has a wallet's": lambda good: packed_by_code(good),
    "2,048 bytes": lambda good: good + bytes(1_984),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("side", [0, 1])
def test_relay_move_refuses_a_signature_that_is_wrong(opened: World, kind: str, side: int) -> None:
    """N19: 64 bytes of a key, low s, and nothing else."""
    signatures = list(both(opened))
    signatures[side] = WRONG[kind](signatures[side])

    with opened.unchanged(), refuses(NOT_SIGNED):
        opened.relay_move(ASKED, *signatures)


def test_relay_move_takes_no_signature_longer_than_any_wallets(opened: World) -> None:
    old, new = both(opened)

    with opened.unchanged(), pytest.raises(boa.BoaError):
        opened.relay_move(ASKED, old, new + bytes(2_049 - 64))


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, account=OTHER),
        replace(ASKED, to=OTHER),
        replace(ASKED, nonce=1),
        replace(ASKED, deadline=START * 2),
        Move(NEW, OLD),
    ],
)
def test_relay_move_takes_signatures_for_the_very_same_move_only(
    opened: World, other: Move
) -> None:
    """N19: account, address, nonce and deadline are signed."""
    for signatures in (
        both(opened, other),
        (both(opened)[0], both(opened, other)[1]),
        (both(opened, other)[0], both(opened)[1]),
    ):
        with opened.unchanged(), refuses(NOT_SIGNED):
            opened.relay_move(ASKED, *signatures)


def test_relay_move_takes_signatures_for_this_contract_and_chain_only(opened: World) -> None:
    old, new = both(opened)
    chain_id = int(boa.env.evm.patch.chain_id)
    for elsewhere in ({"chain_id": chain_id + 1}, {"escrow": ZERO_ADDRESS}):
        there = packed_by_key(opened.sign(ASKED, "stranger", **elsewhere))  # type: ignore[arg-type]
        with opened.unchanged(), refuses(NOT_SIGNED):
            opened.relay_move(ASKED, old, there)
    with on_chain(chain_id + 1), refuses(NOT_SIGNED):
        opened.relay_move(ASKED, old, new)


# --- time and nonce -------------------------------------------------------------------------------


def test_relay_move_works_once(opened: World) -> None:
    """N19: the nonce is raised, so that nobody can repeat it, also after the way back."""
    signatures = both(opened)
    opened.relay_move(ASKED, *signatures)
    with opened.unchanged(), refuses(NOT_SIGNED):
        opened.relay_move(ASKED, *signatures)
    opened.move(NEW, OLD)

    with opened.unchanged(), refuses(NOT_SIGNED):
        opened.relay_move(ASKED, *signatures)


@pytest.mark.parametrize("kills", ["cancel_instructions", "leave", "accept_move", "relay"])
def test_whatever_raises_the_nonce_kills_a_signed_move(opened: World, kills: str) -> None:
    """N12: a move that was signed can be taken back."""
    signatures = both(opened)
    if kills == "cancel_instructions":
        opened.escrow.cancel_instructions(1, sender=OLD)
    elif kills == "leave":
        opened.escrow.leave(sender=OLD)
    elif kills == "accept_move":
        opened.move(OLD, role_address("operator"))
    else:
        assert opened.relay(opened.signed(Instruction(OLD, 0, {0: STAKE}), "staker")) == (1, {})

    with opened.unchanged(), refuses(NOT_SIGNED):
        opened.relay_move(ASKED, *signatures)
    assert not moved(opened)


def test_the_new_address_cannot_take_its_signature_back_but_only_let_it_expire(
    opened: World,
) -> None:
    """The nonce in it is the old account's, which the new one cannot raise: what comes into its
    pool meanwhile backs the account that moves in."""
    asked = Move(OLD, NEW, deadline=now() + DAY)
    signatures = both(opened, asked)
    opened.stake(NEW, {}, pool_nano=STAKE)
    opened.escrow.cancel_instructions(nonce(opened, NEW) + 1, sender=NEW)
    opened.escrow.offer_move(ZERO_ADDRESS, sender=NEW)

    with boa.env.anchor():
        opened.relay_move(asked, *signatures)
        assert moved(opened)
        assert opened.pool_nano(NEW) == STAKE
        assert opened.at_risk_nano(NEW) > 0
    set_time(now() + DAY + 1)
    with refuses(EXPIRED):
        opened.relay_move(asked, *signatures)


def test_one_signature_of_the_old_address_hands_over_what_is_locked_too(opened: World) -> None:
    """More than a withdrawal ever gives: of that NMR nothing is withdrawable."""
    opened.escrow.leave(sender=OLD)
    locked_nano = opened.at_risk_nano(OLD)
    assert locked_nano > 0

    asked = replace(ASKED, nonce=nonce(opened, OLD))

    opened.relay_move(asked, *both(opened, asked))

    assert opened.pool_nano(NEW) == STAKE
    assert opened.at_risk_nano(NEW) == locked_nano


def test_relay_move_takes_the_present_nonce(opened: World) -> None:
    opened.escrow.cancel_instructions(9, sender=OLD)
    asked = replace(ASKED, nonce=9)

    opened.relay_move(asked, *both(opened, asked))

    assert moved(opened)
    assert nonce(opened, OLD) == 1_009


def test_relay_move_refuses_an_account_whose_nonces_are_used_up(opened: World) -> None:
    """Where the nonce cannot be raised a signature would be good twice: that account moves by
    transactions."""
    opened.put(OLD, {SPLIT_PLACE: MAX_NONCE << 230})
    asked = replace(ASKED, nonce=MAX_NONCE)

    with (
        opened.unchanged(),
        refuses("instruction: nonces are used up, use set_stakes and set_split"),
    ):
        opened.relay_move(asked, *both(opened, asked))
    opened.move(OLD, NEW)
    assert moved(opened)


def test_relay_move_works_until_its_deadline_to_the_second(opened: World) -> None:
    asked = replace(ASKED, deadline=now() + 60)
    signatures = both(opened, asked)

    set_time(now() + 61)
    with opened.unchanged(), refuses(EXPIRED):
        opened.relay_move(asked, *signatures)
    set_time(now() - 1)
    opened.relay_move(asked, *signatures)

    assert moved(opened)


@pytest.mark.parametrize("deadline", [None, 2**32, 2**255])
def test_relay_move_takes_any_deadline_to_come(opened: World, deadline: int | None) -> None:
    asked = replace(ASKED, deadline=deadline)
    assert asked.until in (MAX, deadline)

    opened.relay_move(asked, *both(opened, asked))

    assert moved(opened)


# --- as accept_move -------------------------------------------------------------------------------


def test_relay_move_waits_for_the_end_of_the_round(opened: World) -> None:
    """A lost step loses nothing: the same signatures are good when the round is done."""
    signatures = both(opened)
    opened.announce(PLAYED, [link_bytes([])])
    with opened.unchanged(), refuses(BUSY):
        opened.relay_move(ASKED, *signatures)
    opened.run_pass(PLAYED)

    opened.relay_move(ASKED, *signatures)

    assert moved(opened)


def test_relay_move_refuses_an_address_that_is_not_fresh(opened: World) -> None:
    opened.stake(NEW, {7: 1})
    with opened.unchanged(), refuses(NOT_FRESH):
        opened.relay_move(ASKED, *both(opened))
    itself = Move(OLD, OLD)
    twice = signature(opened, "staker", itself)
    with opened.unchanged(), refuses(NOT_FRESH):
        opened.relay_move(itself, twice, twice)


def test_relay_move_refuses_the_zero_address_on_either_side(opened: World) -> None:
    """N19: nobody signs for it."""
    for asked in (replace(ASKED, to=ZERO_ADDRESS), replace(ASKED, account=ZERO_ADDRESS)):
        for given in (bytes(64), signature(opened, "staker", asked)):
            with opened.unchanged(), refuses(NOT_SIGNED):
                opened.relay_move(asked, given, given)


def test_relay_move_needs_no_offer_and_clears_those_there_are(opened: World) -> None:
    opened.escrow.offer_move(OTHER, sender=OLD)
    opened.escrow.offer_move(OTHER, sender=NEW)

    opened.relay_move(ASKED, *both(opened))

    assert moved(opened)
    assert not any(OFFER_PLACE in opened.words(account) for account in (OLD, NEW))


def test_relay_move_refuses_in_the_order_of_its_reasons(opened: World, guardian: str) -> None:
    """Paused, expired, out of nonces, not signed, and then as accept_move."""
    opened.stake(NEW, {7: 1})
    opened.announce(PLAYED, [link_bytes([])])
    late = replace(ASKED, deadline=now() - 1)
    last = replace(ASKED, nonce=MAX_NONCE)
    good = both(opened)
    with boa.env.anchor():
        opened.escrow.pause(sender=guardian)
        with refuses("paused: withdraw() and set_stakes() work, see paused_at()"):
            opened.relay_move(late, b"", b"")
    with boa.env.anchor():
        opened.put(OLD, {SPLIT_PLACE: MAX_NONCE << 230})
        with refuses(EXPIRED):
            opened.relay_move(late, b"", b"")
        with refuses("instruction: nonces are used up, use set_stakes and set_split"):
            opened.relay_move(last, b"", b"")
    with refuses(NOT_SIGNED):
        opened.relay_move(ASKED, good[0], b"")
    with refuses(BUSY):
        opened.relay_move(ASKED, *good)
    opened.veto()
    with refuses(NOT_FRESH):
        opened.relay_move(ASKED, *good)
