"""A move of all of an account to another address, without gas for either of the two.

Both sign the same message, and then anybody can send it (`relay_move`). Its nonce is the old
account's present one; the move raises it, so no signature serves twice. The file in which it goes
from one to the other, and to whoever sends it, is one JSON object:

    {"kind": "move", "account": "0x…", "to": "0x…", "nonce": 0, "deadline": 1700000000,
     "chain_id": 1, "contract": "0x…", "signature": "0x…", "to_signature": null}

`deadline` may be "never"; a signature that is not there yet is null.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ape.api import AccountAPI
from eth_account.signers.local import LocalAccount

from sluice.errors import InvalidInput
from sluice.files import write_atomically
from sluice.instructions.checks import check_deadline, checked_account
from sluice.instructions.domain import NEVER, Domain
from sluice.instructions.domain import Move as TypedMove
from sluice.instructions.lines import read_signature, read_terms, whole
from sluice.instructions.signing import check_length, is_by_key, signature_of, two_words
from sluice.words import MAX_NONCE

MOVE = "move"


@dataclass(frozen=True, slots=True)
class Move:
    """All of `account` is to go to the address `to`, as long as the account's nonce is `nonce` and
    until `deadline` (unix seconds) or `NEVER`. Made by `move`, which checks it."""

    account: str
    to: str
    nonce: int
    deadline: int

    def typed(self, domain: Domain) -> TypedMove:
        """As wallets sign it."""
        fields = domain.fields(self.account) | {"to": self.to}
        return TypedMove(nonce=self.nonce, deadline=self.deadline, **fields)


@dataclass(frozen=True, slots=True)
class SignedMove:
    """A move with what proves that both want it; a signature that is not there yet is empty."""

    message: Move
    domain: Domain
    signature: bytes = b""
    to_signature: bytes = b""

    @property
    def missing(self) -> tuple[str, ...]:
        """Whose signatures are not there yet."""
        both = ((self.message.account, self.signature), (self.message.to, self.to_signature))
        return tuple(address for address, signature in both if not signature)


@dataclass(frozen=True, slots=True)
class MoveCall:
    """The arguments of `relay_move`."""

    account: str
    to: str
    deadline: int
    signature: bytes
    to_signature: bytes


def move(account: str, to: str, nonce: int, deadline: int = NEVER) -> Move:
    """A move that the contract can take; InvalidInput for addresses that are none or the same, a
    nonce or a deadline that cannot be."""
    left, taken = checked_account(account), checked_account(to)
    if left == taken:
        raise InvalidInput(f"{left} is both the old and the new address: name another one")
    if not 0 <= nonce < MAX_NONCE:
        raise InvalidInput(f"nonce {nonce}: they count from 0 to {MAX_NONCE - 1}")
    check_deadline(deadline)
    return Move(left, taken, nonce, deadline)


def sign_move(signed: SignedMove, signer: AccountAPI | LocalAccount) -> SignedMove:
    """The move with the signature of one of its two sides added; InvalidInput if the signer is
    neither of them, or declines."""
    asked = signed.message
    if signer.address not in (asked.account, asked.to):
        raise InvalidInput(
            f"{signer.address} is neither side of the move from {asked.account} to {asked.to}: "
            "sign with one of these two keys"
        )
    signature = signature_of(asked.typed(signed.domain), signer)
    if signer.address == asked.account:
        return replace(signed, signature=signature)
    return replace(signed, to_signature=signature)


def move_call(signed: SignedMove) -> MoveCall:
    """The arguments of `relay_move`; InvalidInput, naming whose it is, if a signature is missing.
    A signature of a side's own key goes as r and vs, anything else as its contract wallet takes
    it. Source: docs/moving.md, "How"."""
    if signed.missing:
        raise InvalidInput(
            f"{' and '.join(signed.missing)} did not sign the move yet: have it signed with "
            "`ape run account move` first"
        )
    asked = signed.message
    made = asked.typed(signed.domain)
    return MoveCall(
        asked.account,
        asked.to,
        asked.deadline,
        _packed(made, asked.account, signed.signature),
        _packed(made, asked.to, signed.to_signature),
    )


def is_by_keys(signed: SignedMove) -> tuple[bool, bool]:
    """Whether either signature is one of its side's own key; what is not may be a contract
    wallet's, which only the wallet can tell."""
    asked = signed.message
    made = asked.typed(signed.domain)
    return (
        is_by_key(made, asked.account, signed.signature),
        is_by_key(made, asked.to, signed.to_signature),
    )


def move_text(signed: SignedMove) -> str:
    """The move as the text of its file."""
    asked = signed.message
    document = {
        "kind": MOVE,
        "account": asked.account,
        "to": asked.to,
        "nonce": asked.nonce,
        "deadline": "never" if asked.deadline == NEVER else asked.deadline,
        "chain_id": signed.domain.chain_id,
        "contract": signed.domain.contract,
        "signature": _hex(signed.signature),
        "to_signature": _hex(signed.to_signature),
    }
    return json.dumps(document, indent=1) + "\n"


def write_move(signed: SignedMove, path: Path) -> None:
    """Writes the move's file, whole or not at all."""
    write_atomically(path, move_text(signed).encode())


def read_move(path: Path, domain: Domain) -> SignedMove:
    """Reads a move's file; InvalidInput, naming the file, if it holds none, or one for another
    chain or contract. Signatures are not checked."""
    try:
        return parse_move(path.read_text(encoding="utf-8"), domain)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: {error}: name the file of a move") from error
    except InvalidInput as error:
        raise InvalidInput(
            f"{path.name}: {error}; have the move signed again, or get its file again"
        ) from error


def parse_move(text: str, domain: Domain) -> SignedMove:
    """The move of a text; InvalidInput if it is none, or not for `domain`."""
    document, deadline = read_terms(text, domain)
    try:
        if document["kind"] != MOVE:
            raise InvalidInput(f"kind is {document['kind']}: this is no move")
        asked = move(
            str(document["account"]),
            str(document["to"]),
            whole("nonce", document["nonce"]),
            deadline,
        )
        signatures = [_signature(document, name) for name in ("signature", "to_signature")]
    except KeyError as error:
        raise InvalidInput(f"field {error} is missing") from error
    return SignedMove(asked, domain, *signatures)


def _packed(made: TypedMove, address: str, signature: bytes) -> bytes:
    return two_words(signature) if is_by_key(made, address, signature) else signature


def _signature(document: dict[str, Any], name: str) -> bytes:
    value = document[name]
    signature = b"" if value is None else read_signature(value)
    check_length(signature)
    return signature


def _hex(signature: bytes) -> str | None:
    return "0x" + signature.hex() if signature else None
