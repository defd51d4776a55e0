"""The EIP-712 messages: made, signed, checked, packed for the contract, stored as text.

A `Request` asks for an account's free withdrawal; an `Instruction` changes its stakes and splits; a
`Move` takes all of it to another address. None costs the account gas: somebody else sends it.
Amounts are integers in nano-NMR; what is signed, and what wallets show, are token base units.
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
from sluice.instructions.moves import (
    Move,
    MoveCall,
    SignedMove,
    is_by_keys,
    move,
    move_call,
    read_move,
    sign_move,
    write_move,
)
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
    "Move",
    "MoveCall",
    "PayCall",
    "RelayCall",
    "Request",
    "Signed",
    "SignedInstruction",
    "SignedMove",
    "SignedRequest",
    "domain_separator",
    "each_packed",
    "instruction",
    "is_by_keys",
    "is_signed",
    "line",
    "message",
    "message_hash",
    "move",
    "move_call",
    "pack",
    "pack_instruction",
    "pack_signature",
    "parse",
    "pay_call",
    "read_messages",
    "read_move",
    "read_requests",
    "relay_call",
    "request",
    "request_of_units",
    "sign",
    "sign_move",
    "signature_bytes",
    "typed_data",
    "unpack",
    "unpack_instruction",
    "with_signature",
    "write_messages",
    "write_move",
]
