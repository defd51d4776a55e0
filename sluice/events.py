"""The contract's events, read from the logs of a receipt or of a node.

Amounts are integers in nano-NMR, rounds the tournament's numbers, times unix seconds, addresses
checksum text.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from eth_abi.abi import decode
from eth_utils.abi import event_signature_to_log_topic
from eth_utils.address import to_checksum_address

from sluice.account import Split
from sluice.ledger import Skip
from sluice.words import ACCOUNT_BITS, AMOUNT_BITS, MAX_AMOUNT_NANO, WORD_BYTES, unpack_split

DEPOSITED = "Deposited(address,address,uint256)"
FREE_WITHDRAWALS = "FreeWithdrawals(uint256,uint256[],uint256)"
INSTRUCTIONS_RELAYED = "InstructionsRelayed(bytes,uint256,uint256)"
ROUND_VETOED = "RoundVetoed(uint256,bytes32)"
LINK_APPLIED = "LinkApplied(uint256,bytes,uint256)"
ACCOUNT_MOVED = "AccountMoved(address,address,uint256)"

Log: TypeAlias = Mapping[str, Any]
"""A log as JSON-RPC gives it: address, topics, data."""


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one item of `pay`: what was paid, zero if it was skipped, and why it was."""

    account: str
    paid_nano: int
    skip: Skip


@dataclass(frozen=True, slots=True)
class FreeWithdrawals:
    """One batch of free withdrawals, in the order in which they were asked for."""

    period: int
    items: tuple[Item, ...]
    time: int


@dataclass(frozen=True, slots=True)
class LinkApplied:
    """One link of a round as it was applied: its raw words and the time of its block."""

    round_number: int
    link: bytes
    time: int


@dataclass(frozen=True, slots=True)
class SplitSet:
    """How a model's earnings are shared out from now on; an empty split: back to the model."""

    account: str
    model: int
    split: Split


@dataclass(frozen=True, slots=True)
class StakesSet:
    """What the models named hold now, in nano-NMR by model."""

    account: str
    stakes_nano: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class InstructionsRelayed:
    """One call of `relay`: the packed instructions as they were given, which of them were applied
    (bit i: the i-th, from the lowest bit up), and the time of the block."""

    instructions: bytes
    applied: int
    time: int


@dataclass(frozen=True, slots=True)
class InstructionSkipped:
    """An instruction that was not applied, and the contract's words for why."""

    account: str
    nonce: int
    reason: str


@dataclass(frozen=True, slots=True)
class InstructionsCancelled:
    """Instructions signed for a nonce below this one are dead."""

    account: str
    nonce: int


@dataclass(frozen=True, slots=True)
class WithdrawalCancelled:
    """The account's turn of this period is given up; requests signed for it are dead."""

    account: str
    period: int


@dataclass(frozen=True, slots=True)
class RoundVetoed:
    """The guardian cleared what was announced and left to apply; its digest."""

    round_number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Paused:
    """The guardian's pause began; it ends by itself after one round length."""

    paused_at: int


@dataclass(frozen=True, slots=True)
class Unpaused:
    """The owner ended the pause, or allowed another one."""


@dataclass(frozen=True, slots=True)
class MoveOffered:
    """`to`, and nobody else, may take the account over; None: nobody may."""

    account: str
    to: str | None


@dataclass(frozen=True, slots=True)
class AccountMoved:
    """Everything of `account` is `to`'s now; `nonce` is the one that the old account keeps."""

    account: str
    to: str
    nonce: int


def free_withdrawals(logs: Iterable[Log]) -> list[FreeWithdrawals]:
    """The batches of free withdrawals among a receipt's logs."""
    batches = []
    for topics, data in _matching(logs, FREE_WITHDRAWALS):
        items, time = decode(["uint256[]", "uint256"], data)
        batches.append(FreeWithdrawals(_number(topics[1]), tuple(map(_item, items)), time))
    return batches


def links_applied(logs: Iterable[Log]) -> list[LinkApplied]:
    """The links applied among a receipt's logs."""
    links = []
    for topics, data in _matching(logs, LINK_APPLIED):
        link, time = decode(["bytes", "uint256"], data)
        links.append(LinkApplied(_number(topics[1]), link, time))
    return links


def splits_set(logs: Iterable[Log]) -> list[SplitSet]:
    """The splits set directly, by the account's own transaction, among a receipt's logs."""
    return [
        SplitSet(_address(topics[1]), _number(topics[2]), unpack_split(_number(data)).parts)
        for topics, data in _matching(logs, "SplitSet(address,uint256,uint256)")
    ]


def stakes_set(logs: Iterable[Log]) -> list[StakesSet]:
    """The stakes set directly, by the account's own transaction, among a receipt's logs."""
    found = []
    for topics, data in _matching(logs, "StakesSet(address,uint256[])"):
        (words,) = decode(["uint256[]"], data)
        stakes_nano = {word >> AMOUNT_BITS: word & MAX_AMOUNT_NANO for word in words}
        found.append(StakesSet(_address(topics[1]), stakes_nano))
    return found


def instructions_relayed(logs: Iterable[Log]) -> list[InstructionsRelayed]:
    """The batches of instructions among a receipt's logs."""
    found = []
    for _, data in _matching(logs, INSTRUCTIONS_RELAYED):
        instructions, applied, time = decode(["bytes", "uint256", "uint256"], data)
        found.append(InstructionsRelayed(instructions, applied, time))
    return found


def instructions_skipped(logs: Iterable[Log]) -> list[InstructionSkipped]:
    """The instructions that were not applied among a receipt's logs, in the order of the batch."""
    found = []
    for topics, data in _matching(logs, "InstructionSkipped(address,uint256,string)"):
        nonce, reason = decode(["uint256", "string"], data)
        found.append(InstructionSkipped(_address(topics[1]), nonce, reason))
    return found


def instructions_cancelled(logs: Iterable[Log]) -> list[InstructionsCancelled]:
    """The cancelled instructions among a receipt's logs."""
    return [
        InstructionsCancelled(_address(topics[1]), _number(data))
        for topics, data in _matching(logs, "InstructionsCancelled(address,uint256)")
    ]


def withdrawals_cancelled(logs: Iterable[Log]) -> list[WithdrawalCancelled]:
    """The cancelled free withdrawals among a receipt's logs."""
    return [
        WithdrawalCancelled(_address(topics[1]), _number(data))
        for topics, data in _matching(logs, "WithdrawalCancelled(address,uint256)")
    ]


def rounds_vetoed(logs: Iterable[Log]) -> list[RoundVetoed]:
    """The vetoes among a receipt's logs."""
    return [RoundVetoed(_number(topics[1]), data) for topics, data in _matching(logs, ROUND_VETOED)]


def pauses(logs: Iterable[Log]) -> list[Paused]:
    """The pauses that began among a receipt's logs."""
    return [Paused(_number(data)) for _, data in _matching(logs, "Paused(uint256)")]


def pauses_ended(logs: Iterable[Log]) -> list[Unpaused]:
    """The pauses that the owner ended among a receipt's logs."""
    return [Unpaused() for _ in _matching(logs, "Unpaused()")]


def moves_offered(logs: Iterable[Log]) -> list[MoveOffered]:
    """The offers of a move, those taken back too, among a receipt's logs."""
    return [
        MoveOffered(_address(topics[1]), _address(topics[2]) if _number(topics[2]) else None)
        for topics, _ in _matching(logs, "MoveOffered(address,address)")
    ]


def accounts_moved(logs: Iterable[Log]) -> list[AccountMoved]:
    """The moves to another address among a receipt's logs."""
    return [
        AccountMoved(_address(topics[1]), _address(topics[2]), _number(data))
        for topics, data in _matching(logs, ACCOUNT_MOVED)
    ]


def topic_of(signature: str) -> str:
    """The first topic of an event given by its signature, as nodes take it."""
    return "0x" + event_signature_to_log_topic(signature).hex()


def _matching(logs: Iterable[Log], signature: str) -> Iterator[tuple[list[bytes], bytes]]:
    wanted = event_signature_to_log_topic(signature)
    for log in logs:
        topics = [_raw(topic) for topic in log["topics"]]
        if topics and topics[0] == wanted:
            yield topics, _raw(log["data"])


def _raw(value: str | bytes) -> bytes:
    return bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else bytes(value)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _address(topic: bytes) -> str:
    return to_checksum_address(topic[-20:])


def _item(word: int) -> Item:
    account = _address(word.to_bytes(WORD_BYTES, "big"))
    paid_nano = (word >> ACCOUNT_BITS) & MAX_AMOUNT_NANO
    # two spare bits stand between the amount and the reason
    return Item(account, paid_nano, Skip(word >> (ACCOUNT_BITS + 56)))
