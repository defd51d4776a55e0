"""Signatures that are wrong in one way, and contract wallets that are hostile in one way.

For the tests of `relay` and `pay`: both read signatures by the same rules."""

from collections.abc import Callable
from typing import Any

import boa

from tests.escrow_world import ZERO_ADDRESS, World
from tests.messages import Instruction, Withdrawal, packed_by_code

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
WALLET_GAS = 200_000
"""What the check of one contract wallet may use."""

MAGIC = bytes.fromhex("1626ba7e")
VALID = MAGIC + bytes(28)
"""What a wallet answers whose signature it is: exactly these 32 bytes."""

SAYS_YES = b"\x7f" + VALID + bytes.fromhex("5f5260205ff3")
"""Code that answers VALID to everything."""
SAYS_YES_AT_LENGTH = b"\x7f" + VALID + bytes.fromhex("5f52620186a05ff3")
"""Code that answers VALID and 99,968 bytes more to everything."""
DESTROYS_ITSELF = bytes.fromhex("30ff")
"""Code that gives itself up to itself."""
REVERTS = bytes.fromhex("5f5ffd")
"""Code that refuses everything."""

# as contracts/test/HostileWallet.vy numbers them
_MODES = {"reverts": 2, "burns all gas": 3, "writes": 4, "creates": 5}
_CODES = {
    "answers at length": SAYS_YES_AT_LENGTH,
    "destroys itself": DESTROYS_ITSELF,
    "is not deployed": b"",
}
_ANSWERS = {
    "answers nothing": b"",
    "answers 4 bytes": MAGIC,
    "answers 31 bytes": VALID[:31],
    "answers 33 bytes": VALID + b"\x00",
    "answers 64 bytes": VALID + bytes(32),
    "answers 96 bytes": (32).to_bytes(32, "big") + (4).to_bytes(32, "big") + VALID,
    "answers zeros": bytes(32),
    "answers ones": b"\xff" * 32,
    "answers the magic low": bytes(28) + MAGIC,
    "answers the magic and dirt": MAGIC + bytes(27) + b"\x01",
    "answers true": (1).to_bytes(32, "big"),
}

HOSTILE_WALLETS = (*_MODES, *_CODES, *_ANSWERS)
"""Every way in which a wallet may fail to say yes."""


def _at_length(length: int, held: int) -> bytes:
    return bytes(32) + length.to_bytes(32, "big") + b"\x01" * held


CUT_SHORT = (
    *(b"\x01" * length for length in (0, 1, 31, 32, 33, 63)),
    *(packed_by_code(b"\x01" * 100)[:length] for length in (1, 32, 63, 64, 65, 163)),
    # lengths that are far from what is there, and that come back to it if they are added up
    _at_length(2_049, 2_048),
    *(_at_length(2**256 - 1 - less, 64) for less in (0, 31, 63, 64, 127)),
)
"""What ends within one signature: in r, in the word after it, in a wallet's length or bytes."""


def make_hostile(wallet: Any, kind: str) -> None:
    """Makes a deployed `HostileWallet` hostile in one of these ways."""
    if kind in _MODES:
        wallet.behave(_MODES[kind])
    elif kind in _CODES:
        boa.env.set_code(wallet.address, _CODES[kind])
    else:
        wallet.answer_with(_ANSWERS[kind])


def malleable(signature: bytes) -> bytes:
    """The other signature that recovers to the same address."""
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


_BAD: dict[str, Callable[[bytes], bytes]] = {
    "high s": malleable,
    "v of 0 or 1": lambda good: good[:64] + bytes([good[64] - 27]),
    "v of 29": lambda good: good[:64] + bytes([29]),
    "the other v": lambda good: good[:64] + bytes([55 - good[64]]),
    "64 bytes": lambda good: good[:64],
    "66 bytes": lambda good: good + b"\x00",
    "nothing": lambda good: b"",
    "zeros": lambda good: bytes(65),
    "zeros with a v": lambda good: bytes(64) + b"\x1b",
    "r above the order": lambda good: b"\xff" * 32 + good[32:],
    "long": lambda good: good * 4,
    "2,048 bytes": lambda good: good + bytes(1_983),
    "2,049 bytes": lambda good: good + bytes(1_984),
}
_OTHERS = ("another signer", "another chain", "another contract")

BAD_SIGNATURES = (*_BAD, *_OTHERS)
"""Every way in which a signature by the staker may be none."""


def bad_signature(world: World, signed: Withdrawal | Instruction, kind: str) -> bytes:
    """A signature under a message of the staker that is wrong in one of these ways."""
    if kind == "another signer":
        return world.sign(signed, "stranger")
    if kind == "another chain":
        return world.sign(signed, "staker", chain_id=int(boa.env.evm.patch.chain_id) + 1)
    if kind == "another contract":
        return world.sign(signed, "staker", escrow=ZERO_ADDRESS)
    return _BAD[kind](world.sign(signed, "staker"))


def calls_to(world: World, account: str) -> list[Any]:
    """The calls that the last call of the escrow made to an address."""
    computation = world.escrow._computation
    address = bytes.fromhex(account[2:])
    return [call for call in computation.children if bytes(call.msg.to) == address]
