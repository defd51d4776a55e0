"""A node asked in bulk: what it refuses is asked for in smaller pieces, what it loses again."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from tenacity import wait_none

from sluice.audit import node
from sluice.audit.node import BlockId, Node, NodeFailure
from sluice.storage import WORDS_SLOT
from sluice.words import place_key, word_slot

ESCROW = "0x" + "e5" * 20
STAKER = "0x" + "ab" * 20


class Fake:
    """A provider with a log in every block, which may take only so much at a time."""

    def __init__(self, most_blocks: int = 10**9) -> None:
        self.most_blocks = most_blocks
        self.asked: list[tuple[str, list[Any]]] = []
        self.failures: list[Exception | dict[str, Any]] = []
        self.logs_of: Callable[[int, int], list[dict[str, Any]]] = self.one_a_block
        self.overrides = True

    def one_a_block(self, first: int, last: int) -> list[dict[str, Any]]:
        return [
            {"blockNumber": hex(block), "logIndex": "0x0", "address": ESCROW}
            for block in range(first, last + 1)
        ]

    def make_request(self, method: str, parameters: list[Any]) -> dict[str, Any]:
        self.asked.append((method, parameters))
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        if method == "eth_getLogs":
            first, last = (int(parameters[0][key], 16) for key in ("fromBlock", "toBlock"))
            if last - first + 1 > self.most_blocks:
                return {"error": {"code": -32602, "message": "block range too large"}}
            return {"result": self.logs_of(first, last)}
        if method == "eth_call":
            if not self.overrides or len(parameters[0]["data"]) > 2 + 64 * 300:
                return {"error": {"code": -32000, "message": "not so much"}}
            return {"result": parameters[0]["data"]}
        return {"result": None}

    def make_batch_request(self, asked: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
        self.asked += asked
        return [{"result": parameters[1]} for _, parameters in asked]


def made(fake: Fake) -> Node:
    asking = Node(SimpleNamespace(web3=SimpleNamespace(provider=fake)))  # type: ignore[arg-type]
    asking._retrying.wait = wait_none()
    return asking


def ranges(fake: Fake) -> list[int]:
    """How many blocks were asked for at a time."""
    return [
        int(parameters[0]["toBlock"], 16) - int(parameters[0]["fromBlock"], 16) + 1
        for method, parameters in fake.asked
        if method == "eth_getLogs"
    ]


@pytest.mark.parametrize("most_blocks", [1, 7, 999, 10**6])
def test_ranges_shrink_until_they_are_taken(most_blocks: int) -> None:
    """Each block once and in order, whatever a provider takes at a time."""
    fake = Fake(most_blocks)
    found = [
        int(log["blockNumber"], 16) for _, logs in made(fake).logs(ESCROW, 5, 3_000) for log in logs
    ]
    assert found == list(range(5, 3_001))
    refused = sum(blocks > most_blocks for blocks in ranges(fake))
    assert refused <= 12 + len(ranges(fake)) // 10


def test_ranges_grow_while_little_is_found() -> None:
    fake = Fake()
    fake.logs_of = lambda first, last: []
    list(made(fake).logs(ESCROW, 0, 10**6))
    assert max(ranges(fake)) == node.MOST_BLOCKS
    assert len(ranges(fake)) < 30


def test_a_block_that_is_refused_alone_is_said() -> None:
    with pytest.raises(NodeFailure, match="no logs of block 9: block range too large"):
        list(made(Fake(0)).logs(ESCROW, 9, 40))


@pytest.mark.parametrize(
    "failure",
    [
        requests.ConnectionError("gone"),
        requests.Timeout("slow"),
        {"error": {"code": 429, "message": "patience"}},
        {"error": {"code": -32005, "message": "daily request limit: rate limited"}},
    ],
)
def test_what_passes_is_asked_again(failure: Any) -> None:
    fake = Fake()
    fake.failures = [failure] * (node.ATTEMPTS - 1)
    assert len(list(made(fake).logs(ESCROW, 0, 9))) == 1
    fake.failures = [failure] * node.ATTEMPTS
    with pytest.raises(NodeFailure, match="the node does not answer"):
        list(made(fake).logs(ESCROW, 0, 9))


def test_http_errors_are_refusals_but_for_those_that_pass() -> None:
    """A provider may say in HTTP that a range is too wide."""
    fake = Fake()
    answer = requests.Response()
    answer.status_code = 413
    fake.failures = [requests.HTTPError(response=answer)]
    assert sum(len(logs) for _, logs in made(fake).logs(ESCROW, 0, 9)) == 10
    assert ranges(fake)[:2] == [10, 5]


@pytest.mark.parametrize("change", ["again", "backwards", "beyond", "removed", "other"])
def test_logs_that_cannot_be_are_refused(change: str) -> None:
    """N7: a log twice, out of order, of another block or contract, or taken back."""
    fake = Fake()
    changes: dict[str, Callable[[list[Any]], list[Any]]] = {
        "again": lambda logs: [*logs, logs[-1]],
        "backwards": lambda logs: logs[::-1],
        "beyond": lambda logs: [*logs, {**logs[-1], "blockNumber": "0xffff"}],
        "removed": lambda logs: [{**logs[0], "removed": True}, *logs[1:]],
        "other": lambda logs: [{**logs[0], "address": STAKER}, *logs[1:]],
    }
    fake.logs_of = lambda first, last: changes[change](fake.one_a_block(first, last))
    with pytest.raises(NodeFailure, match="ask another node"):
        list(made(fake).logs(ESCROW, 0, 9))


def test_words_are_read_in_smaller_calls_if_they_have_to_be() -> None:
    fake = Fake()
    places = [(STAKER, place) for place in range(500)]
    words = made(fake).words(ESCROW, places, 1)
    assert words == b"".join(place_key(*each).to_bytes(32, "big") for each in places)
    assert fake.asked[-1][1][2] == {ESCROW: {"code": "0x" + node.READER.hex()}}


def test_words_are_read_one_by_one_where_code_cannot_be_replaced() -> None:
    fake = Fake()
    fake.overrides = False
    places = [(STAKER, place) for place in range(500)]
    words = made(fake).words(ESCROW, places, 1)
    slots = [word_slot(*each, WORDS_SLOT) for each in places]
    assert words == b"".join(slot.to_bytes(32, "big") for slot in slots)


def test_a_block_that_is_not_there_is_none() -> None:
    fake = Fake()
    assert made(fake).block(7) is None
    fake.failures = [{"error": {"code": -32601, "message": "unknown block tag"}}]
    assert made(fake).block("finalized") is None
    block = {"number": "0x7", "hash": "0xaa", "timestamp": "0x9"}
    fake.failures = [{"result": block}]
    assert made(fake).head() == BlockId(7, "0xaa", 9)
    with pytest.raises(NodeFailure, match="no newest block"):
        made(fake).head()
