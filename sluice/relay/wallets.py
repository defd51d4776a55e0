"""Whether a message is signed: by its account's own key, or by a contract wallet that says so.

A contract wallet (ERC-1271) is asked as the escrow asks it: a call with the same gas, and the same
answer of exactly 32 bytes. A wallet may change its mind, so what it refuses now may be good later.
"""

from enum import Enum

from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector

from sluice.contract import Contract
from sluice.instructions import Signed, is_signed, message_hash

SELECTOR = function_signature_to_4byte_selector("isValidSignature(bytes32,bytes)")
APPROVES = SELECTOR + bytes(28)
"""The answer of a wallet that approves: its own selector, and nothing behind it."""

WALLET_GAS = 200_000
"""What the escrow gives a wallet to answer."""


class Signing(Enum):
    """What proves a message: the account's own key; its contract wallet; not (yet) its contract
    wallet; nothing, since only a key could and it did not."""

    KEY = "key"
    WALLET = "wallet"
    WALLET_REFUSES = "the wallet does not approve the signature"
    NOBODY = "not the account's signature"


def signing(signed: Signed, escrow: Contract) -> Signing:
    """What proves a message now."""
    if is_signed(signed):
        return Signing.KEY
    account = signed.message.account
    if not escrow.code(account):
        return Signing.NOBODY
    hashed = message_hash(signed.message, signed.domain)
    question = SELECTOR + encode(["bytes32", "bytes"], [hashed, signed.signature])
    answer = escrow.answer(account, question, WALLET_GAS)
    return Signing.WALLET if answer == APPROVES else Signing.WALLET_REFUSES
