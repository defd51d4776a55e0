"""Every event of the escrow, decoded from a node's logs one by one, in the order of the chain.

Amounts are integers in nano-NMR, rounds the tournament's numbers, times unix seconds. Addresses are
in lower case, as the entries of a link give them: an audit meets millions, and a checksum of each
would take longer than all the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from eth_abi.abi import decode
from eth_utils.abi import event_signature_to_log_topic

from sluice.errors import InvalidInput
from sluice.events import (
    AccountMoved,
    FreeWithdrawals,
    InstructionsCancelled,
    InstructionSkipped,
    InstructionsRelayed,
    Item,
    LinkApplied,
    Log,
    MoveOffered,
    Paused,
    RoundVetoed,
    SplitSet,
    StakesSet,
    Unpaused,
    WithdrawalCancelled,
)
from sluice.ledger import Skip
from sluice.units import from_units
from sluice.words import ACCOUNT_BITS, AMOUNT_BITS, MAX_AMOUNT_NANO, WORD_BYTES, unpack_split

_ACCOUNT_MASK: int = 2**ACCOUNT_BITS - 1
_SKIP_SHIFT = ACCOUNT_BITS + AMOUNT_BITS + 2


@dataclass(frozen=True, slots=True)
class At:
    """Where an event stands: block, place among the block's logs, transaction, and the block's time
    if the node says it with its logs."""

    block: int
    index: int
    transaction: str
    time: int | None


@dataclass(frozen=True, slots=True)
class Deposited:
    """NMR added to an account's pool, by whomever."""

    account: str
    amount_nano: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A withdrawal by the account's own transaction."""

    account: str
    amount_nano: int


@dataclass(frozen=True, slots=True)
class Left:
    """Every stake went to the pool; `nonce` is the account's then."""

    account: str
    nonce: int


@dataclass(frozen=True, slots=True)
class RoundAnnounced:
    """The digest of a round's links, or of what is left of them, in place of `replaces` (zero:
    nothing was announced)."""

    round_number: int
    replaces: bytes
    digest: bytes
    announced_at: int


@dataclass(frozen=True, slots=True)
class RoundResolved:
    """The round is done; the links that ended it come right after this event."""

    round_number: int


@dataclass(frozen=True, slots=True)
class ReserveFunded:
    """NMR added to the reserve."""

    amount_nano: int


@dataclass(frozen=True, slots=True)
class ReserveWithdrawn:
    """NMR taken out of the reserve, to the owner."""

    amount_nano: int


@dataclass(frozen=True, slots=True)
class BurnSent:
    """What passes had burned was sent to the burner."""

    amount_nano: int


@dataclass(frozen=True, slots=True)
class OperatorSet:
    """Another operator."""

    operator: str


@dataclass(frozen=True, slots=True)
class GuardianSet:
    """Another guardian."""

    guardian: str


@dataclass(frozen=True, slots=True)
class OwnershipOffered:
    """The ownership is offered; nothing changes until it is accepted."""

    new_owner: str


@dataclass(frozen=True, slots=True)
class OwnershipTransferred:
    """Another owner; what was offered is taken."""

    new_owner: str


Event: TypeAlias = (
    Deposited
    | Withdrawn
    | Left
    | StakesSet
    | SplitSet
    | InstructionsRelayed
    | InstructionSkipped
    | InstructionsCancelled
    | WithdrawalCancelled
    | FreeWithdrawals
    | MoveOffered
    | AccountMoved
    | RoundAnnounced
    | LinkApplied
    | RoundResolved
    | RoundVetoed
    | Paused
    | Unpaused
    | ReserveFunded
    | ReserveWithdrawn
    | BurnSent
    | OperatorSet
    | GuardianSet
    | OwnershipOffered
    | OwnershipTransferred
)

Words: TypeAlias = list[int]
"""Indexed fields of an event, each in a word, without the event's own topic."""


def event_of(log: Log) -> Event:
    """The event of a log of the escrow; InvalidInput for one that is none of them, which an escrow
    of the recorded code never writes."""
    topics = [int(_text(topic), 16) for topic in log["topics"]]
    decoder = _DECODERS.get(topics[0]) if topics else None
    if decoder is None:
        raise InvalidInput(f"an event that no escrow writes, topic {log['topics'][:1]}")
    return decoder(topics[1:], bytes.fromhex(_text(log["data"]).removeprefix("0x")))


def at_of(log: Log) -> At:
    """Where a log stands."""
    time = log.get("blockTimestamp")
    return At(
        _number(log["blockNumber"]),
        _number(log["logIndex"]),
        _text(log["transactionHash"]),
        None if time is None else _number(time),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "0x" + bytes(value).hex()


def _number(value: Any) -> int:
    return value if isinstance(value, int) else int(value, 16)


def _address(word: int) -> str:
    return f"0x{word & _ACCOUNT_MASK:040x}"


def _word(data: bytes, at: int = 0) -> int:
    return int.from_bytes(data[WORD_BYTES * at : WORD_BYTES * (at + 1)], "big")


def _nano(data: bytes) -> int:
    return from_units(_word(data))


def _stakes(topics: Words, data: bytes) -> Event:
    (words,) = decode(["uint256[]"], data)
    stakes_nano = {word >> AMOUNT_BITS: word & MAX_AMOUNT_NANO for word in words}
    return StakesSet(_address(topics[0]), stakes_nano)


def _split(topics: Words, data: bytes) -> Event:
    return SplitSet(_address(topics[0]), topics[1], unpack_split(_word(data)).parts)


def _relayed(topics: Words, data: bytes) -> Event:
    return InstructionsRelayed(*decode(["bytes", "uint256", "uint256"], data))


def _skipped(topics: Words, data: bytes) -> Event:
    return InstructionSkipped(_address(topics[0]), *decode(["uint256", "string"], data))


def _paid(topics: Words, data: bytes) -> Event:
    words, time = decode(["uint256[]", "uint256"], data)
    items = tuple(
        Item(_address(word), word >> ACCOUNT_BITS & MAX_AMOUNT_NANO, Skip(word >> _SKIP_SHIFT))
        for word in words
    )
    return FreeWithdrawals(topics[0], items, time)


def _offered(topics: Words, data: bytes) -> Event:
    return MoveOffered(_address(topics[0]), _address(topics[1]) if topics[1] else None)


def _announced(topics: Words, data: bytes) -> Event:
    return RoundAnnounced(topics[0], data[:32], data[32:64], _word(data, 2))


def _link(topics: Words, data: bytes) -> Event:
    return LinkApplied(topics[0], *decode(["bytes", "uint256"], data))


_BY_SIGNATURE: dict[str, Callable[[Words, bytes], Event]] = {
    "Deposited(address,address,uint256)": lambda t, d: Deposited(_address(t[0]), _nano(d)),
    "Withdrawn(address,uint256)": lambda t, d: Withdrawn(_address(t[0]), _nano(d)),
    "Left(address,uint256)": lambda t, d: Left(_address(t[0]), _word(d)),
    "StakesSet(address,uint256[])": _stakes,
    "SplitSet(address,uint256,uint256)": _split,
    "InstructionsRelayed(bytes,uint256,uint256)": _relayed,
    "InstructionSkipped(address,uint256,string)": _skipped,
    "InstructionsCancelled(address,uint256)": (
        lambda t, d: InstructionsCancelled(_address(t[0]), _word(d))
    ),
    "WithdrawalCancelled(address,uint256)": (
        lambda t, d: WithdrawalCancelled(_address(t[0]), _word(d))
    ),
    "FreeWithdrawals(uint256,uint256[],uint256)": _paid,
    "MoveOffered(address,address)": _offered,
    "AccountMoved(address,address,uint256)": (
        lambda t, d: AccountMoved(_address(t[0]), _address(t[1]), _word(d))
    ),
    "RoundAnnounced(uint256,bytes32,bytes32,uint256)": _announced,
    "LinkApplied(uint256,bytes,uint256)": _link,
    "RoundResolved(uint256)": lambda t, d: RoundResolved(t[0]),
    "RoundVetoed(uint256,bytes32)": lambda t, d: RoundVetoed(t[0], d),
    "Paused(uint256)": lambda t, d: Paused(_word(d)),
    "Unpaused()": lambda t, d: Unpaused(),
    "ReserveFunded(address,uint256)": lambda t, d: ReserveFunded(_nano(d)),
    "ReserveWithdrawn(address,uint256)": lambda t, d: ReserveWithdrawn(_nano(d)),
    "BurnSent(uint256)": lambda t, d: BurnSent(_nano(d)),
    "OperatorSet(address,address)": lambda t, d: OperatorSet(_address(t[1])),
    "GuardianSet(address,address)": lambda t, d: GuardianSet(_address(t[1])),
    "OwnershipTransferStarted(address,address)": lambda t, d: OwnershipOffered(_address(t[1])),
    "OwnershipTransferred(address,address)": lambda t, d: OwnershipTransferred(_address(t[1])),
}

EVENTS = tuple(_BY_SIGNATURE)
"""Their signatures; a test holds them against the contract's ABI."""

_DECODERS = {
    int.from_bytes(event_signature_to_log_topic(signature), "big"): decoder
    for signature, decoder in _BY_SIGNATURE.items()
}
