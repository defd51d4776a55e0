"""Instructions as `relay` takes them and as wallets sign them, stated apart from `sluice`.

The bytes of one: a head word (from the lowest bit up account 160 | number of stakes 8 | number of
splits 8 | nonce 26 | deadline 32), eight bytes for each stake (nano 54 | model), 23 for each split
(parts 176 | model)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sluice.account import Split
from tests.escrow_world import MAX, nano, packed_signatures

NEVER = 2**32 - 1
"""As a deadline: none."""


def packed_parts(split: Split) -> int:
    """A split as its word holds it: destination 8 | share 14, the first part lowest."""
    return sum(
        (destination | share << 8) << 22 * index for index, (destination, share) in enumerate(split)
    )


def unpacked_parts(parts: int) -> Split:
    """A split out of its word."""
    found = []
    while parts:
        found.append((parts & 0xFF, parts >> 8 & 0x3FFF))
        parts >>= 22
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Instruction:
    """What an account wants changed; the deadline in unix seconds."""

    account: str
    nonce: int
    stakes_nano: Mapping[int, int] = field(default_factory=dict)
    splits: Mapping[int, Split] = field(default_factory=dict)
    deadline: int = NEVER

    def packed(self) -> bytes:
        """Its bytes in a batch."""
        head = int(self.account, 16) | len(self.stakes_nano) << 160 | len(self.splits) << 168
        head |= self.nonce << 176 | self.deadline << 202
        words = [head.to_bytes(32, "big")]
        words += [
            (stake | model << 54).to_bytes(8, "big") for model, stake in self.stakes_nano.items()
        ]
        words += [
            (packed_parts(split) | model << 176).to_bytes(23, "big")
            for model, split in self.splits.items()
        ]
        return b"".join(words)

    def typed_data(self, escrow: str, chain_id: int) -> dict[str, Any]:
        """The EIP-712 document that a wallet signs."""
        return {
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "Instruction": [
                    {"name": "account", "type": "address"},
                    {"name": "models", "type": "uint256[]"},
                    {"name": "stakes", "type": "uint256[]"},
                    {"name": "splits", "type": "Split[]"},
                    {"name": "nonce", "type": "uint256"},
                    {"name": "deadline", "type": "uint256"},
                ],
                "Split": [
                    {"name": "model", "type": "uint256"},
                    {"name": "destinations", "type": "uint256[]"},
                    {"name": "shares", "type": "uint256[]"},
                ],
            },
            "primaryType": "Instruction",
            "domain": {
                "name": "Sluice",
                "version": "1",
                "chainId": chain_id,
                "verifyingContract": escrow,
            },
            "message": {
                "account": self.account,
                "models": list(self.stakes_nano),
                "stakes": [nano(stake) for stake in self.stakes_nano.values()],
                "splits": [
                    {
                        "model": model,
                        "destinations": [destination for destination, _ in split],
                        "shares": [share for _, share in split],
                    }
                    for model, split in self.splits.items()
                ],
                "nonce": self.nonce,
                "deadline": MAX if self.deadline == NEVER else self.deadline,
            },
        }


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
        found.append(Instruction(account, nonce, stakes, splits, deadline))
    return found


def batch_of(signed: Iterable[tuple[Instruction, bytes]]) -> tuple[bytes, bytes]:
    """The two arguments of `relay`."""
    listed = list(signed)
    instructions = b"".join(instruction.packed() for instruction, _ in listed)
    return instructions, packed_signatures([signature for _, signature in listed])
