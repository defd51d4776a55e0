"""The three messages that wallets sign, as the contract takes them and as EIP-712 documents.

Stated here a second time, apart from `sluice.instructions`, which is held against it. Amounts are
nano-NMR, deadlines unix seconds; None stands for all that is withdrawable, and for no deadline."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Split = tuple[tuple[int, int], ...]
"""Destination and basis points of each part."""

ALL = 2**54 - 1
NEVER = 2**32 - 1
MAX = 2**256 - 1

_TYPES = {
    "EIP712Domain": "string name, string version, uint256 chainId, address verifyingContract",
    "Withdrawal": "address account, uint256 amount, uint256 period, uint256 deadline",
    "Instruction": "address account, uint256[] models, uint256[] stakes, Split[] splits, "
    "uint256 nonce, uint256 deadline",
    "Move": "address account, address to, uint256 nonce, uint256 deadline",
    "Split": "uint256 model, uint256[] destinations, uint256[] shares",
}


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A request of `pay`."""

    account: str
    amount_nano: int | None
    period: int
    deadline: int | None = None

    def word(self) -> int:
        """From the lowest bit up: account 160 | amount 54 | period 10 | deadline 32."""
        amount = ALL if self.amount_nano is None else self.amount_nano
        word = int(self.account, 16) | amount << 160 | self.period << 214
        return word | _packed_deadline(self.deadline) << 224

    def typed_data(self, escrow: str, chain_id: int) -> dict[str, Any]:
        """The EIP-712 document that a wallet signs."""
        message = {
            "account": self.account,
            "amount": MAX if self.amount_nano is None else _base_units(self.amount_nano),
            "period": self.period,
            "deadline": MAX if self.deadline is None else self.deadline,
        }
        return _document("Withdrawal", message, escrow, chain_id)


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction of `relay`: what stakes and splits, each by model, are to be."""

    account: str
    nonce: int
    stakes_nano: Mapping[int, int] = field(default_factory=dict)
    splits: Mapping[int, Split] = field(default_factory=dict)
    deadline: int | None = None

    def packed(self) -> bytes:
        """A head (from the lowest bit up account 160 | number of stakes 8 | number of splits 8 |
        nonce 26 | deadline 32), eight bytes for each stake (amount 54 | model), 23 for each split
        (parts 176 | model)."""
        counts = len(self.stakes_nano) << 160 | len(self.splits) << 168
        head = int(self.account, 16) | counts
        head |= self.nonce << 176 | _packed_deadline(self.deadline) << 202
        stakes = [stake | model << 54 for model, stake in self.stakes_nano.items()]
        splits = [packed_parts(split) | model << 176 for model, split in self.splits.items()]
        return (
            head.to_bytes(32, "big")
            + b"".join(stake.to_bytes(8, "big") for stake in stakes)
            + b"".join(split.to_bytes(23, "big") for split in splits)
        )

    def typed_data(self, escrow: str, chain_id: int) -> dict[str, Any]:
        """The EIP-712 document that a wallet signs."""
        message = {
            "account": self.account,
            "models": list(self.stakes_nano),
            "stakes": [_base_units(stake) for stake in self.stakes_nano.values()],
            "splits": [
                {
                    "model": model,
                    "destinations": [destination for destination, _ in split],
                    "shares": [share for _, share in split],
                }
                for model, split in self.splits.items()
            ],
            "nonce": self.nonce,
            "deadline": MAX if self.deadline is None else self.deadline,
        }
        return _document("Instruction", message, escrow, chain_id)


@dataclass(frozen=True, slots=True)
class Move:
    """A move of all of an account to another address, as both of them sign it."""

    account: str
    to: str
    nonce: int = 0
    deadline: int | None = None

    @property
    def until(self) -> int:
        """The deadline as the contract is given it."""
        return MAX if self.deadline is None else self.deadline

    def typed_data(self, escrow: str, chain_id: int) -> dict[str, Any]:
        """The EIP-712 document that both wallets sign."""
        message = {
            "account": self.account,
            "to": self.to,
            "nonce": self.nonce,
            "deadline": self.until,
        }
        return _document("Move", message, escrow, chain_id)


def packed_parts(split: Split) -> int:
    """A split as its word holds it: destination 8 | share 14, the first part lowest."""
    return sum((to | share << 8) << 22 * index for index, (to, share) in enumerate(split))


def unpacked_parts(parts: int) -> Split:
    """A split out of its word."""
    found = []
    while parts:
        found.append((parts & 0xFF, parts >> 8 & 0x3FFF))
        parts >>= 22
    return tuple(found)


def unpacked_instructions(batch: bytes) -> list[Instruction]:
    """The instructions of a batch."""
    found, at = [], 0
    while at < len(batch):
        head = int.from_bytes(batch[at : at + 32], "big")
        at += 32
        stakes, splits = {}, {}
        for _ in range(head >> 160 & 0xFF):
            word = int.from_bytes(batch[at : at + 8], "big")
            stakes[word >> 54] = word & 2**54 - 1
            at += 8
        for _ in range(head >> 168 & 0xFF):
            word = int.from_bytes(batch[at : at + 23], "big")
            splits[word >> 176] = unpacked_parts(word & 2**176 - 1)
            at += 23
        account = f"0x{head & 2**160 - 1:040x}"
        nonce, deadline = head >> 176 & 2**26 - 1, head >> 202 & NEVER
        found.append(
            Instruction(account, nonce, stakes, splits, None if deadline == NEVER else deadline)
        )
    return found


def packed_by_key(signature: bytes) -> bytes:
    """A key's signature as `pay` and `relay` take it: r, then s with v - 27 in its highest bit."""
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    assert (len(signature), v in (27, 28), s < 2**255) == (65, True, True)
    return r + (s + 2**255 * (v - 27)).to_bytes(32, "big")


def packed_by_code(signature: bytes) -> bytes:
    """What an account's code is asked about, as `pay` and `relay` take it: a word of zeros, a word
    with the length, the bytes."""
    return bytes(32) + len(signature).to_bytes(32, "big") + signature


def packed_signature(signature: bytes, by_key: bool = True) -> bytes:
    """By the key if it could be one of the account's."""
    like_one = len(signature) == 65 and signature[64] in (27, 28) and signature[32] < 128
    if by_key and like_one and any(signature[:32]):
        return packed_by_key(signature)
    return packed_by_code(signature)


def packed_signatures(signatures: Iterable[bytes]) -> bytes:
    """Signatures as `pay` and `relay` take them, by the key each that could be."""
    return b"".join(packed_signature(signature) for signature in signatures)


def signatures_of(
    signed: Sequence[tuple[Withdrawal | Instruction, bytes]], wallets: Collection[str] = ()
) -> bytes:
    """The signatures of a batch, where `wallets` are accounts that have no key."""
    return b"".join(
        packed_signature(signature, by_key=message.account not in wallets)
        for message, signature in signed
    )


def relay_arguments(
    signed: Sequence[tuple[Instruction, bytes]], wallets: Collection[str] = ()
) -> tuple[bytes, bytes]:
    """Instructions and signatures as `relay` takes them."""
    packed = b"".join(instruction.packed() for instruction, _ in signed)
    return packed, signatures_of(signed, wallets)


def _packed_deadline(deadline: int | None) -> int:
    return NEVER if deadline is None else deadline


def _base_units(amount_nano: int) -> int:
    return amount_nano * 10**9


def _document(
    primary: str, message: Mapping[str, Any], escrow: str, chain_id: int
) -> dict[str, Any]:
    named = ("EIP712Domain", primary, *(["Split"] if primary == "Instruction" else []))
    return {
        "types": {
            name: [
                {"type": kind, "name": field_name}
                for kind, field_name in (each.split() for each in _TYPES[name].split(", "))
            ]
            for name in named
        },
        "primaryType": primary,
        "domain": {
            "name": "Sluice",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": escrow,
        },
        "message": dict(message),
    }
