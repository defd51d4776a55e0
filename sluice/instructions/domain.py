"""What a signature is good for, and the messages as wallets show and sign them (EIP-712).

The messages' amounts are token base units and their maximum stands for "all" or "never", as in the
contract. No message class has a domain of its own: a default of the class would be shared by all.
"""

from dataclasses import dataclass
from typing import Any

from eip712.messages import EIP712Domain, EIP712Message
from eth_pydantic_types import abi
from pydantic import BaseModel

from sluice.units import MAX_UINT

DOMAIN_NAME = "Sluice"
DOMAIN_VERSION = "1"

NEVER = MAX_UINT
"""As a deadline: the message does not expire."""

DEADLINE_BITS = 32
PACKED_NEVER: int = 2**DEADLINE_BITS - 1


class Withdrawal(EIP712Message):
    """A request for the free withdrawal of a period."""

    account: abi.address
    amount: abi.uint256
    period: abi.uint256
    deadline: abi.uint256


class Split(BaseModel):
    """How the earnings of one model are to be shared out; two empty lists: back to the model."""

    model: abi.uint256
    destinations: list[abi.uint256]
    shares: list[abi.uint256]


class Instruction(EIP712Message):
    """A change of any number of stakes and splits."""

    account: abi.address
    models: list[abi.uint256]
    stakes: list[abi.uint256]
    splits: list[Split]
    nonce: abi.uint256
    deadline: abi.uint256


class Move(EIP712Message):
    """All of an account goes to another address; both sign it."""

    account: abi.address
    to: abi.address
    nonce: abi.uint256
    deadline: abi.uint256


@dataclass(frozen=True, slots=True)
class Domain:
    """What a signature is good for: one contract on one chain."""

    chain_id: int
    contract: str

    def fields(self, account: str) -> dict[str, Any]:
        """The domain, and the account that signs for it, as the message classes take them."""
        return {
            "account": account,
            "eip712_name": DOMAIN_NAME,
            "eip712_version": DOMAIN_VERSION,
            "eip712_chainId": self.chain_id,
            "eip712_verifyingContract": self.contract,
        }


def domain_separator(chain_id: int, contract: str) -> bytes:
    """What the contract's view `domain` says on this chain."""
    fields: dict[str, Any] = {
        "name": DOMAIN_NAME,
        "version": DOMAIN_VERSION,
        "chainId": chain_id,
        "verifyingContract": contract,
    }
    return bytes(EIP712Domain(**fields).separator)


def pack_deadline(deadline: int) -> int:
    """The 32 bits of a deadline: unix seconds, all ones = never."""
    return PACKED_NEVER if deadline == NEVER else deadline


def unpack_deadline(bits: int) -> int:
    """The deadline of 32 bits."""
    return NEVER if bits == PACKED_NEVER else bits
