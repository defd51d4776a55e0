"""A node's answers held against each other (docs/trouble.md)."""

from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from hexbytes import HexBytes
from requests.exceptions import ConnectionError as RequestsConnectionError
from web3.exceptions import Web3RPCError

from sluice import node
from sluice.node import (
    REORGANISED_BLOCKS,
    NodeBehind,
    NodeContradicts,
    _block_of,
    _knows_less,
    _Watch,
    _Watched,
    batch,
    log_of,
    result_of,
)

ADDRESS = "0x" + "aa" * 20
OTHER = "0x" + "bb" * 20
HASH = "0x" + "11" * 32
CODE = "0x6000"
DELEGATED = "0xef0100" + "cc" * 20
UNKNOWN = {"error": {"code": -32000, "message": "header not found"}}


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "BEHIND_S", 0.15)


class Script:
    """A node that gives these answers in turn, the last one for ever; `asked` is what came."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, method: str, parameters: Any) -> Any:
        self.asked.append((method, parameters))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, dict) else {"result": answer}


def watched(*answers: Any) -> tuple[Script, Callable[[str, Any], Any]]:
    """Such a node, and how one asks it who watches it."""
    script = Script(*answers)
    return script, partial(_Watch().ask, script)


def test_a_newest_block_below_one_already_seen_is_asked_for_again() -> None:
    script, ask = watched("0x64", "0x63", "0x5f", "0x65")

    assert ask("eth_blockNumber", [])["result"] == "0x64"
    assert ask("eth_blockNumber", [])["result"] == "0x65"
    assert len(script.asked) == 4


@pytest.mark.usefixtures("_impatient")
def test_a_node_that_does_not_catch_up_is_behind() -> None:
    _, ask = watched("0x64", "0x63")
    ask("eth_blockNumber", [])

    with pytest.raises(NodeBehind, match="its newest block is 99, it was 100"):
        ask("eth_blockNumber", [])


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("back", "error"),
    [(REORGANISED_BLOCKS, NodeBehind), (REORGANISED_BLOCKS + 1, NodeContradicts)],
)
def test_more_blocks_less_than_a_reorganisation_takes_back_contradict(
    back: int, error: type[Exception]
) -> None:
    _, ask = watched(hex(1_000), hex(1_000 - back))
    ask("eth_blockNumber", [])

    with pytest.raises(error):
        ask("eth_blockNumber", [])


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("eth_getBlockByNumber", {"number": "0x64"}),
        ("eth_getTransactionReceipt", {"transactionHash": HASH, "blockNumber": "0x64"}),
    ],
)
def test_blocks_and_receipts_name_blocks_that_the_node_has_to_know_from_then_on(
    method: str, answer: Any
) -> None:
    parameters = ["latest", False] if method == "eth_getBlockByNumber" else [HASH]
    _, ask = watched({"result": answer}, "0x63")
    ask(method, parameters)

    with pytest.raises(NodeBehind):
        ask("eth_blockNumber", [])


@pytest.mark.parametrize(
    ("method", "before"),
    [
        ("eth_call", [{}]),
        ("eth_getStorageAt", [ADDRESS, "0x0"]),
        ("eth_getCode", [ADDRESS]),
        ("eth_getTransactionCount", [ADDRESS]),
        ("eth_estimateGas", [{}]),
        ("eth_createAccessList", [{}]),
    ],
)
def test_the_newest_state_is_asked_for_by_its_number(method: str, before: list[Any]) -> None:
    script, ask = watched("0x64", "0x0")
    ask("eth_blockNumber", [])

    ask(method, [*before, "latest"])
    ask(method, [*before, "0x5"])
    ask(method, [*before, "pending"])

    asked = [parameters[-1] for _, parameters in script.asked[1:]]
    assert asked == ["0x64", "0x5", "pending"]


def test_before_any_block_was_named_the_newest_is_asked_for_as_such() -> None:
    script, ask = watched("0x0")

    ask("eth_getCode", [ADDRESS, "latest"])

    assert script.asked == [("eth_getCode", [ADDRESS, "latest"])]


def test_a_block_that_was_seen_and_is_not_there_is_asked_for_again() -> None:
    script, ask = watched("0x64", UNKNOWN, {"result": None}, "0x7")
    ask("eth_blockNumber", [])

    # an error of a call; nothing instead of a block
    assert ask("eth_call", [{}, "latest"])["result"] is None
    assert ask("eth_getTransactionCount", [ADDRESS, "latest"])["result"] == "0x7"
    assert [parameters[-1] for _, parameters in script.asked[1:]] == ["0x64"] * 3


def test_a_block_that_nobody_has_seen_may_be_unknown() -> None:
    _, ask = watched("0x64", UNKNOWN)
    ask("eth_blockNumber", [])

    assert ask("eth_call", [{}, "0x65"]) == UNKNOWN


def test_a_repeated_answer_is_not_used() -> None:
    _, ask = watched({"id": 1, "result": "0x1"}, {"id": 1, "result": "0x1"}, {"id": 3, "result": 7})
    ask("eth_chainId", [])

    assert ask("eth_gasPrice", [])["result"] == 7


@pytest.mark.usefixtures("_impatient")
def test_a_node_that_only_repeats_is_given_up() -> None:
    _, ask = watched({"id": 1, "result": "0x1"})
    ask("eth_gasPrice", [])

    with pytest.raises(NodeBehind, match="repeats the answer"):
        ask("eth_gasPrice", [])


def test_another_chain_contradicts() -> None:
    script, ask = watched("0x1", "0x1", "0xaa36a7")
    ask("eth_chainId", [])
    ask("eth_chainId", [])

    with pytest.raises(NodeContradicts, match="was on chain 1, now it says 11155111"):
        ask("eth_chainId", [])
    assert len(script.asked) == 3


def test_code_that_is_gone_contradicts() -> None:
    _, ask = watched(CODE, "0x")
    ask("eth_getCode", [ADDRESS, "latest"])

    # where none was, none may be
    assert ask("eth_getCode", [OTHER, "latest"])["result"] == "0x"
    with pytest.raises(NodeContradicts, match="had code at"):
        ask("eth_getCode", [ADDRESS, "latest"])


def test_a_delegation_may_be_taken_back() -> None:
    """EIP-7702: a key's account had code, and has none."""
    _, ask = watched(DELEGATED, "0x")
    ask("eth_getCode", [ADDRESS, "latest"])

    assert ask("eth_getCode", [ADDRESS, "latest"])["result"] == "0x"


@pytest.mark.parametrize(
    ("method", "answer", "what"),
    [
        ("eth_getTransactionReceipt", {"transactionHash": HASH, "blockNumber": "0x1"}, "receipt"),
        ("eth_getTransactionByHash", {"hash": HASH}, "transaction"),
    ],
)
def test_what_is_of_another_transaction_contradicts(method: str, answer: Any, what: str) -> None:
    _, ask = watched({"result": answer})

    ask(method, [HASH.upper().replace("X", "x")])
    ask(method, [HexBytes(HASH)])
    with pytest.raises(NodeContradicts, match=f"asked for the {what} 0x22"):
        ask(method, ["0x" + "22" * 32])


def test_a_refusal_is_handed_on() -> None:
    refused = {"error": {"code": 3, "message": "execution reverted: amount: zero"}}
    script, ask = watched(refused)

    assert ask("eth_call", [{}, "0x1"]) == refused
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("method", "parameters", "block"),
    [
        ("eth_call", [{}, "0x10"], 16),
        ("eth_call", [{}, 16], 16),
        ("eth_call", [{}, "latest"], None),
        ("eth_call", [{}], None),
        ("eth_call", [{}, {"blockHash": HASH}], None),
        ("eth_getStorageAt", [ADDRESS, "0x5", "0x10"], 16),
        ("eth_getBlockByNumber", ["0x10", False], 16),
        ("eth_getBlockByNumber", ["latest", False], None),
        ("eth_getTransactionReceipt", ["0x10"], None),
    ],
)
def test_which_block_is_asked_about(method: str, parameters: Any, block: int | None) -> None:
    assert _block_of(method, parameters) == block


@pytest.mark.parametrize(
    "message",
    [
        "header not found",
        "header for hash not found",
        "block not found",
        "unknown block",
        "BlockOutOfRangeError: block height is 5 but requested was 9",
    ],
)
def test_how_nodes_say_that_they_do_not_have_a_block(message: str) -> None:
    error = {"error": {"code": -32000, "message": message}}

    assert _knows_less("eth_call", [{}, "0x1"], error)
    assert not _knows_less("eth_call", [{}, "latest"], error)
    assert not _knows_less("eth_call", [{}, "0x1"], {"error": {"message": "execution reverted"}})


def test_no_block_where_one_is_asked_for_by_its_number_is_less() -> None:
    assert _knows_less("eth_getBlockByNumber", ["0x1", False], {"result": None})
    assert not _knows_less("eth_getBlockByNumber", ["latest", False], {"result": None})
    assert not _knows_less("eth_call", [{}, "0x1"], {"result": None})


def batching(*answers: Any) -> tuple[Any, list[Sequence[Any]]]:
    """A watched web3 whose node gives these answers to batches in turn, or fails with them."""
    left, asked = list(answers), []

    class Provider(_Watched):
        def make_batch_request(self, batch_requests: Any) -> Any:
            asked.append(batch_requests)
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    return SimpleNamespace(provider=Provider()), asked


@pytest.mark.parametrize("unknown", [[UNKNOWN], UNKNOWN], ids=["each", "whole"])
def test_a_batch_is_asked_again_until_one_node_has_the_block(unknown: Any) -> None:
    count = [("eth_getTransactionCount", [ADDRESS, "0x64"])]
    web3, asked = batching(unknown, RequestsConnectionError(), [{"result": "0x7"}])

    assert batch(web3, count) == [{"result": "0x7"}]
    assert asked == [count] * 3


def test_a_receipt_of_another_transaction_in_a_batch_contradicts() -> None:
    other = "0x" + "22" * 32
    web3, asked = batching([{"result": {"transactionHash": other, "blockNumber": "0x64"}}])

    with pytest.raises(NodeContradicts, match=f"receipt {HASH} the node gives that of {other}"):
        batch(web3, [("eth_getTransactionReceipt", [HASH])])
    assert len(asked) == 1


def test_a_batch_of_the_newest_state_asks_for_it_by_its_number() -> None:
    web3, asked = batching([{"result": "0x0"}])
    web3.provider.watch.ask(Script("0x64"), "eth_blockNumber", [])

    batch(web3, [("eth_getStorageAt", [ADDRESS, "0x0", "latest"])])

    assert asked == [[("eth_getStorageAt", [ADDRESS, "0x0", "0x64"])]]


def test_a_batch_with_too_few_answers_is_asked_again() -> None:
    questions: list[tuple[str, Any]] = [("eth_gasPrice", []), ("eth_chainId", [])]
    both = [{"result": "0x7"}, {"result": "0x1"}]
    web3, asked = batching(both[:1], both)

    assert batch(web3, questions) == both
    assert asked == [questions] * 2


def test_a_poll_hears_for_ever_from_the_node_that_is_behind() -> None:
    """Two questions in turn, to one address for two nodes: a receipt in a batch names a block as
    well, and the newest one is then asked for again."""
    receipt = {"transactionHash": HASH, "blockNumber": "0x64"}
    web3, _ = batching([{"result": receipt}])
    batch(web3, [("eth_getTransactionReceipt", [HASH])])

    script = Script("0x63", "0x64")
    assert web3.provider.watch.ask(script, "eth_blockNumber", [])["result"] == "0x64"
    assert len(script.asked) == 2


def test_a_node_that_refuses_batches_answers_each_with_its_error() -> None:
    refusal = {"error": {"code": -32600, "message": "batches are not allowed"}}
    web3, _ = batching(refusal)

    answers = batch(web3, [("eth_gasPrice", []), ("eth_chainId", [])])

    assert answers == [refusal, refusal]
    with pytest.raises(Web3RPCError, match="batches are not allowed"):
        result_of(answers[0])


def test_a_log_is_as_web3_gives_it() -> None:
    raw = {
        "address": ADDRESS, "blockNumber": "0x10", "logIndex": "0x1", "transactionIndex": "0x2",
        "data": "0x1234", "blockHash": HASH, "transactionHash": HASH, "topics": [HASH],
        "removed": False,
    }  # fmt: skip

    assert log_of(raw) == {
        **raw, "blockNumber": 16, "logIndex": 1, "transactionIndex": 2,
        "data": b"\x12\x34", "blockHash": b"\x11" * 32, "transactionHash": b"\x11" * 32,
        "topics": [b"\x11" * 32],
    }  # fmt: skip
