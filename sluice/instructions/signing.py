"""Messages with what proves that their account sent them: signed, checked, batched for the
contract.

A key's signature can be checked here. That of a contract wallet (ERC-1271) cannot: only the wallet
says whether it is good, see `sluice.relay.wallets`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, overload

from ape.api import AccountAPI
from eip712.messages import EIP712Message, extract_eip712_struct_message, hash_message
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from sluice.errors import InvalidInput
from sluice.instructions.changes import Instruction, pack_instruction
from sluice.instructions.domain import Domain
from sluice.instructions.withdrawals import Request, pack

MAX_ITEMS = 256
MAX_PAY_BYTES = 18_432
"""What the signatures of one call of `pay` take at most: 255 keys' and a longest one."""
MAX_RELAY_BYTES = 8_192
"""What the instructions of one call of `relay` take at most, and what their signatures do."""
MAX_SIGNATURE_BYTES = 2_048
SIGNATURE_BYTES = 65
WORD_BYTES = 32
PACKED_KEY_BYTES = 2 * WORD_BYTES
"""What a key's signature takes in a batch: r, then s below v - 27 in the highest bit (EIP-2098)."""
WALLET_HEAD_BYTES = 2 * WORD_BYTES
"""What stands before a wallet's in a batch: a word of zeros, as no r is, then its length."""
MAX_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half the order of secp256k1: a signature with a higher s is a copy of another (EIP-2)."""

Message: TypeAlias = Request | Instruction


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request with what proves that its account asked for it."""

    message: Request
    domain: Domain
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedInstruction:
    """An instruction with what proves that its account gave it."""

    message: Instruction
    domain: Domain
    signature: bytes


Signed: TypeAlias = SignedRequest | SignedInstruction


@dataclass(frozen=True, slots=True)
class PayCall:
    """The arguments of one call of `pay`."""

    requests: tuple[int, ...]
    due_accounts: tuple[str, ...]
    signatures: bytes


@dataclass(frozen=True, slots=True)
class RelayCall:
    """The arguments of one call of `relay`."""

    instructions: bytes
    signatures: bytes


def message(asked: Message, domain: Domain) -> EIP712Message:
    """The EIP-712 message as wallets sign it."""
    return asked.typed(domain)


def message_hash(asked: Message, domain: Domain) -> bytes:
    """The 32 bytes that are signed."""
    return bytes(hash_message(message(asked, domain)))


def typed_data(asked: Message, domain: Domain) -> dict[str, Any]:
    """The document that `eth_signTypedData_v4` of a wallet takes."""
    return extract_eip712_struct_message(message(asked, domain))


@overload
def with_signature(asked: Request, domain: Domain, signature: bytes) -> SignedRequest: ...
@overload
def with_signature(asked: Instruction, domain: Domain, signature: bytes) -> SignedInstruction: ...
def with_signature(asked: Message, domain: Domain, signature: bytes) -> Signed:
    """The message with a signature made elsewhere; InvalidInput for one that is too long."""
    check_length(signature)
    if isinstance(asked, Request):
        return SignedRequest(asked, domain, signature)
    return SignedInstruction(asked, domain, signature)


def check_length(signature: bytes) -> None:
    """InvalidInput for a signature that is longer than any that the contract takes."""
    if len(signature) > MAX_SIGNATURE_BYTES:
        raise InvalidInput(
            f"a signature of {len(signature)} bytes is none: at most {MAX_SIGNATURE_BYTES} go"
        )


@overload
def sign(asked: Request, domain: Domain, signer: AccountAPI | LocalAccount) -> SignedRequest: ...
@overload
def sign(
    asked: Instruction, domain: Domain, signer: AccountAPI | LocalAccount
) -> SignedInstruction: ...
def sign(asked: Message, domain: Domain, signer: AccountAPI | LocalAccount) -> Signed:
    """The message signed by an ape account or an eth-account key; InvalidInput if the signer is not
    its account or declines."""
    if signer.address != asked.account:
        raise InvalidInput(f"{signer.address} cannot sign for {asked.account}: sign with that key")
    return with_signature(asked, domain, signature_of(message(asked, domain), signer))


def signature_of(made: EIP712Message, signer: AccountAPI | LocalAccount) -> bytes:
    """The 65 bytes of an ape account's or an eth-account key's signature; InvalidInput if it
    declines."""
    if isinstance(signer, LocalAccount):
        return bytes(signer.sign_message(made.signable_message).signature)
    by_ape = signer.sign_message(made)
    if by_ape is None:
        raise InvalidInput(f"{signer.address} did not sign: confirm in the wallet")
    return bytes(by_ape.encode_rsv())


def is_signed(signed: Signed) -> bool:
    """Whether the signature is one of the account's own key that the contract takes: 65 bytes, low
    s, v 27 or 28."""
    made = message(signed.message, signed.domain)
    return is_by_key(made, signed.message.account, signed.signature)


def is_by_key(made: EIP712Message, address: str, signature: bytes) -> bool:
    """Whether a signature is one of the address' own key, as `is_signed` says."""
    if len(signature) != SIGNATURE_BYTES or signature[64] not in (27, 28):
        return False
    if int.from_bytes(signature[32:64], "big") > MAX_S:
        return False
    try:
        recovered: str = Account.recover_message(made.signable_message, signature=signature)
    except (BadSignature, ValidationError):
        return False
    return recovered == address


def pay_call(batch: Sequence[SignedRequest], due_accounts: Sequence[str] = ()) -> PayCall:
    """The arguments of `pay` for a batch, in its order: signed requests, and accounts whose due is
    to be paid; InvalidInput if there are no items or too many: at most 256, and `MAX_PAY_BYTES`."""
    count = len(batch) + len(due_accounts)
    if not 0 < count <= MAX_ITEMS:
        raise InvalidInput(f"{count} items: a batch has 1 to {MAX_ITEMS}")
    words = tuple(pack(signed.message) for signed in batch)
    return PayCall(words, tuple(due_accounts), _signatures(batch, MAX_PAY_BYTES))


def relay_call(batch: Sequence[SignedInstruction]) -> RelayCall:
    """The arguments of `relay` for a batch, in its order; InvalidInput if there are none or too
    many: at most 256, and twice `MAX_RELAY_BYTES`."""
    if not 0 < len(batch) <= MAX_ITEMS:
        raise InvalidInput(f"{len(batch)} instructions: a batch has 1 to {MAX_ITEMS}")
    packed = b"".join(pack_instruction(signed.message) for signed in batch)
    if len(packed) > MAX_RELAY_BYTES:
        raise InvalidInput(
            f"{len(packed)} bytes of instructions, at most {MAX_RELAY_BYTES} go: batch fewer"
        )
    return RelayCall(packed, _signatures(batch, MAX_RELAY_BYTES))


def pack_signature(signed: Signed) -> bytes:
    """A signature as a batch holds it: in two words if it is one of the account's own key, about
    which the contract asks no code, otherwise as a wallet's. Source: docs/accounting.md,
    "Signatures"."""
    signature = signed.signature
    if is_signed(signed):
        return two_words(signature)
    return bytes(WORD_BYTES) + len(signature).to_bytes(WORD_BYTES, "big") + signature


def two_words(signature: bytes) -> bytes:
    """The 65 bytes of a key's signature in two words: r, then s below v - 27 (EIP-2098)."""
    r, s, parity = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64] - 27
    return r + (s | parity << 255).to_bytes(WORD_BYTES, "big")


def signature_bytes(signed: Signed, by_key: bool) -> int:
    """How many bytes a signature takes in a batch, if it is already known whether it is the
    account's own key's."""
    return PACKED_KEY_BYTES if by_key else WALLET_HEAD_BYTES + len(signed.signature)


def _signatures(batch: Sequence[Signed], at_most: int) -> bytes:
    packed = b"".join(pack_signature(signed) for signed in batch)
    if len(packed) > at_most:
        raise InvalidInput(f"{len(packed)} bytes of signatures, at most {at_most} go: batch fewer")
    return packed
