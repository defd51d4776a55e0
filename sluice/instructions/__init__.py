"""The EIP-712 messages: made, signed, checked, packed for the contract, stored as text.

A `Request` asks for an account's free withdrawal; an `Instruction` changes its stakes and splits.
Both cost the account no gas: somebody else sends them. Amounts are integers in nano-NMR; what is
signed, and what wallets show, are token base units.
"""

from sluice.instructions.changes import (
    Instruction,
    each_packed,
    instruction,
    pack_instruction,
    unpack_instruction,
)
from sluice.instructions.domain import NEVER, Domain, domain_separator
from sluice.instructions.lines import line, parse, read_messages, read_requests, write_messages
from sluice.instructions.signing import (
    MAX_ITEMS,
    MAX_PAY_BYTES,
    MAX_RELAY_BYTES,
    Message,
    PayCall,
    RelayCall,
    Signed,
    SignedInstruction,
    SignedRequest,
    is_signed,
    message,
    message_hash,
    pack_signature,
    pay_call,
    relay_call,
    sign,
    signature_bytes,
    typed_data,
    with_signature,
)
from sluice.instructions.withdrawals import Request, pack, request, request_of_units, unpack

__all__ = [
    "MAX_ITEMS",
    "MAX_PAY_BYTES",
    "MAX_RELAY_BYTES",
    "NEVER",
    "Domain",
    "Instruction",
    "Message",
    "PayCall",
    "RelayCall",
    "Request",
    "Signed",
    "SignedInstruction",
    "SignedRequest",
    "domain_separator",
    "each_packed",
    "instruction",
    "is_signed",
    "line",
    "message",
    "message_hash",
    "pack",
    "pack_instruction",
    "pack_signature",
    "parse",
    "pay_call",
    "read_messages",
    "read_requests",
    "relay_call",
    "request",
    "request_of_units",
    "sign",
    "signature_bytes",
    "typed_data",
    "unpack",
    "unpack_instruction",
    "with_signature",
    "write_messages",
]
