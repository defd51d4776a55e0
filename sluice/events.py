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

from sluice.ledger import Skip
from sluice.words import ACCOUNT_BITS, AMOUNT_BITS

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


def free_withdrawals(logs: Iterable[Log]) -> list[FreeWithdrawals]:
    """The batches of free withdrawals among a receipt's logs."""
    batches = []
    for topics, data in _matching(logs, "FreeWithdrawals(uint256,uint256[],uint256)"):
        items, time = decode(["uint256[]", "uint256"], data)
        batches.append(
            FreeWithdrawals(int.from_bytes(topics[1], "big"), tuple(map(_item, items)), time)
        )
    return batches


def links_applied(logs: Iterable[Log]) -> list[LinkApplied]:
    """The links applied among a receipt's logs."""
    links = []
    for topics, data in _matching(logs, "LinkApplied(uint256,bytes,uint256)"):
        link, time = decode(["bytes", "uint256"], data)
        links.append(LinkApplied(int.from_bytes(topics[1], "big"), link, time))
    return links


def _matching(logs: Iterable[Log], signature: str) -> Iterator[tuple[list[bytes], bytes]]:
    wanted = event_signature_to_log_topic(signature)
    for log in logs:
        topics = [_raw(topic) for topic in log["topics"]]
        if topics and topics[0] == wanted:
            yield topics, _raw(log["data"])


def _raw(value: str | bytes) -> bytes:
    return bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else bytes(value)


def _item(word: int) -> Item:
    account = (word & ((1 << ACCOUNT_BITS) - 1)).to_bytes(20, "big")
    paid_nano = (word >> ACCOUNT_BITS) & ((1 << AMOUNT_BITS) - 1)
    # two spare bits stand between the amount and the reason
    return Item(to_checksum_address(account), paid_nano, Skip(word >> (ACCOUNT_BITS + 56)))
