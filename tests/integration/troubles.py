"""What a node can do to who asks it. A trouble begins anew for each script: see `begin`."""

import time
from copy import deepcopy
from typing import Any

import ape
from eth_account import Account as Keys
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from tests.integration.faulty_node import Dropped, Failed, FaultyNode, Forward, Question
from tests.integration.faulty_node import Trouble as NoTrouble

SEND = "eth_sendRawTransaction"
RESERVE = "0x" + keccak(text="reserve()")[:4].hex()


class Trouble(NoTrouble):
    """Made by the node `node`; `run` counts the runs of the script that is at work, from 0."""

    codes: frozenset[int] = frozenset({0, 3})
    """With which exit codes the scripts may end under it."""

    again: tuple[str, ...] = ()
    """Scripts that saw too little to do, and are run once more when it is over."""

    says = ""
    """What at least one of the runs says, if it has to say something."""

    def __init__(self, node: FaultyNode) -> None:
        self.node = node
        self.run = 0

    def begin(self, run: int) -> None:
        self.run = run


class LostAnswers(Trouble):
    """Each transaction arrives, and the answer to its first sending is lost."""

    def __init__(self, node: FaultyNode) -> None:
        super().__init__(node)
        self.seen: set[str] = set()

    def answer(self, question: Question, forward: Forward) -> Any:
        answer = forward()
        if question.method == SEND and question.parameters[0] not in self.seen:
            self.seen.add(question.parameters[0])
            raise Dropped
        return answer


class LostRequests(LostAnswers):
    """The first sending of each transaction does not arrive."""

    def answer(self, question: Question, forward: Forward) -> Any:
        if question.method == SEND and question.parameters[0] not in self.seen:
            self.seen.add(question.parameters[0])
            raise Dropped
        return forward()


class ForgetsTransactions(LostAnswers):
    """The node says that it took a transaction, and it did not, once for each."""

    def answer(self, question: Question, forward: Forward) -> Any:
        if question.method == SEND and question.parameters[0] not in self.seen:
            self.seen.add(question.parameters[0])
            return _result(question, "0x" + "11" * 32)
        return forward()


class Flaky(Trouble):
    """Connections are reset: of every eleven questions one does not arrive, one is done and not
    answered, and one has a gateway's error. Before the scripts watch the node that may end them."""

    codes = frozenset({0, 1, 3})

    def answer(self, question: Question, forward: Forward) -> Any:
        match question.number % 11:
            case 3:
                raise Dropped
            case 6:
                forward()
                raise Dropped
            case 9:
                raise Failed
        return forward()


class Silent(Trouble):
    """One question of each kind gets no answer in time."""

    def __init__(self, node: FaultyNode) -> None:
        super().__init__(node)
        self.left = {SEND, "eth_getTransactionReceipt"}

    def answer(self, question: Question, forward: Forward) -> Any:
        answer = forward()
        if question.method in self.left:
            self.left.remove(question.method)
            time.sleep(1.7)
        return answer


class Repeats(Trouble):
    """From the first look at the contract on every fourth question gets the answer to the one
    before."""

    def __init__(self, node: FaultyNode) -> None:
        super().__init__(node)
        self.last: Any = None

    def begin(self, run: int) -> None:
        super().begin(run)
        self.last = None

    def answer(self, question: Question, forward: Forward) -> Any:
        if question.batched or (self.last is None and question.method != "eth_getCode"):
            return forward()
        if question.number % 4 == 3 and self.last and question.method != SEND:
            return self.last
        self.last = forward()
        return self.last


class NoRoom(LostAnswers):
    """The pool is full when a transaction comes for the first time."""

    def answer(self, question: Question, forward: Forward) -> Any:
        if question.method == SEND and question.parameters[0] not in self.seen:
            self.seen.add(question.parameters[0])
            return _error(question, "txpool is full")
        return forward()


class Reorganised(Trouble):
    """The block of each transaction is taken back, once, when its receipt was seen."""

    def __init__(self, node: FaultyNode) -> None:
        super().__init__(node)
        self.seen: set[str] = set()

    def answer(self, question: Question, forward: Forward) -> Any:
        answer = forward()
        if question.method == "eth_getTransactionReceipt" and answer.get("result"):
            asked = question.parameters[0]
            if asked not in self.seen:
                self.seen.add(asked)
                number = int(answer["result"]["blockNumber"], 16)
                depth = int(self.node.rpc("eth_blockNumber"), 16) - number + 1
                self.node.rpc("anvil_reorg", depth, [])
        return answer


class NonceUsed(Trouble):
    """In the first run of each script somebody with the same key is a moment faster: another
    transaction has the nonce of the first one when that comes."""

    says = "another transaction of"

    def __init__(self, node: FaultyNode) -> None:
        super().__init__(node)
        self.is_due = True

    def begin(self, run: int) -> None:
        super().begin(run)
        self.is_due = not run

    def answer(self, question: Question, forward: Forward) -> Any:
        if self.is_due and question.method == SEND:
            self.is_due = False
            sender, fields = _signed(question)
            self.node.rpc(SEND, _to_oneself(sender, fields))
        return forward()


class Stuck(Trouble):
    """No block comes while the pool has a transaction for whose nonce less than `offers` fees were
    offered. What was offered is in `fees_wei`, by sender and nonce, and its hashes in `hashes`."""

    def __init__(self, node: FaultyNode, offers: int) -> None:
        super().__init__(node)
        self.offers = offers
        self.fees_wei: dict[tuple[str, int], list[int]] = {}
        self.hashes: dict[tuple[str, int], list[str]] = {}
        self.is_stuck = False
        node.mines = False
        node.rpc("evm_setAutomine", False)

    def answer(self, question: Question, forward: Forward) -> Any:
        if question.method == "eth_blockNumber" and not self.is_stuck:
            self.node.rpc("evm_mine")
        answer = forward()
        if question.method == SEND and "result" in answer:
            sender, fields = _signed(question)
            place = (sender, fields["nonce"])
            hashes = self.hashes.setdefault(place, [])
            if answer["result"] not in hashes:
                hashes.append(answer["result"])
                self.fees_wei.setdefault(place, []).append(fields["maxFeePerGas"])
            self.is_stuck = len(hashes) < self.offers
        return answer


class TooLate(Trouble):
    """What waits in the pool gets into a block a moment before the next transaction comes, and not
    earlier."""

    says = "another transaction of"

    def __init__(self, node: FaultyNode) -> None:
        super().__init__(node)
        node.mines = False

    def answer(self, question: Question, forward: Forward) -> Any:
        if question.method == SEND:
            self.node.rpc("evm_mine")
            self.node.mines = True
        return forward()


class OldState(Trouble):
    """The first run of each script sees the state, nonces too, as it was before the week."""

    codes = frozenset({0, 1, 3})

    def __init__(self, node: FaultyNode) -> None:
        super().__init__(node)
        self.old = node.rpc("eth_blockNumber")
        self.places = {"eth_call": 1, "eth_getStorageAt": 2, "eth_getTransactionCount": 1}

    def answer(self, question: Question, forward: Forward) -> Any:
        place = self.places.get(question.method)
        if self.run or place is None or question.parameters[place] == "pending":
            return forward()
        body = deepcopy(question.body)
        body["params"][place] = self.old
        return self.node.forward(body)


class OldAnswers(OldState):
    """As before, but for the nonces, which are right. What does not fit is refused; where nothing
    seems to be left to do, a later run does it."""

    again = ("relay", "pay")

    def __init__(self, node: FaultyNode) -> None:
        super().__init__(node)
        del self.places["eth_getTransactionCount"]


class OtherReceipts(Trouble):
    """In the first run of each script receipts are those of other transactions."""

    codes = frozenset({0, 1, 3})
    says = "asked for the receipt"

    def answer(self, question: Question, forward: Forward) -> Any:
        answer = forward()
        if not self.run and question.method == "eth_getTransactionReceipt" and answer["result"]:
            answer["result"]["transactionHash"] = "0x" + "22" * 32
        return answer


class ForgedReceipts(Trouble):
    """In the first run of each script transactions do not arrive and have receipts."""

    codes = frozenset({0, 1, 3})
    says = "and a nonce that do not know of it"

    def answer(self, question: Question, forward: Forward) -> Any:
        if self.run:
            return forward()
        if question.method == SEND:
            return _result(question, "0x" + "11" * 32)
        if question.method == "eth_getTransactionReceipt":
            newest = self.node.rpc("eth_getBlockByNumber", "latest", False)
            return _result(question, _receipt(question.parameters[0], newest))
        return forward()


class SaysReverted(Trouble):
    """In the first run of each script receipts say that what went through did not."""

    codes = frozenset({0, 1, 3})
    says = "reverted in block"

    def answer(self, question: Question, forward: Forward) -> Any:
        answer = forward()
        if not self.run and question.method == "eth_getTransactionReceipt" and answer["result"]:
            answer["result"]["status"] = "0x0"
        return answer


class _WhenSending(Trouble):
    """Begins in the first run of each script with the first question for a nonce at its newest."""

    codes = frozenset({0, 1, 3})
    asks = ""

    def __init__(self, node: FaultyNode) -> None:
        super().__init__(node)
        self.count = 0

    def begin(self, run: int) -> None:
        super().begin(run)
        self.count = 0

    def answer(self, question: Question, forward: Forward) -> Any:
        answer = forward()
        if question.method == self.asks:
            self.count += 1
            if not self.run and self.count > 2:
                return _result(question, self.lie(answer["result"]))
        return answer

    def lie(self, truth: Any) -> Any:
        raise NotImplementedError


class OtherChain(_WhenSending):
    """In the middle of the first run the node is on another chain."""

    asks, says = "eth_chainId", "the node was on chain"

    def lie(self, truth: Any) -> Any:
        return "0x1"


class CodeGone(_WhenSending):
    """In the middle of the first run there is no code any more."""

    asks, says = "eth_getCode", "now it says there is none"

    def lie(self, truth: Any) -> Any:
        return "0x"


class FarBack(_WhenSending):
    """In the middle of the first run the chain is a hundred blocks shorter."""

    asks, says = "eth_blockNumber", "which no reorganisation takes back"

    def lie(self, truth: Any) -> Any:
        return hex(max(0, int(truth, 16) - 100))


class FewTransactions(Trouble):
    """In the first run fewer transactions are known than are in blocks."""

    codes = frozenset({0, 1, 3})
    says = "and fewer with those that wait"

    def answer(self, question: Question, forward: Forward) -> Any:
        answer = forward()
        asked = question.parameters
        if not self.run and question.method == "eth_getTransactionCount" and asked[1] == "pending":
            answer["result"] = "0x0"
        return answer


class HidesReserve(Trouble):
    """The reserve is empty, whatever else happens."""

    def answer(self, question: Question, forward: Forward) -> Any:
        if question.method == "eth_call" and RESERVE in question.parameters[0].values():
            return _result(question, "0x" + "00" * 32)
        return forward()


def _result(question: Question, result: Any) -> Any:
    return {"jsonrpc": "2.0", "id": question.body["id"], "result": result}


def _error(question: Question, message: str) -> Any:
    return {
        "jsonrpc": "2.0", "id": question.body["id"],
        "error": {"code": -32003, "message": message},
    }  # fmt: skip


def _receipt(asked: str, block: Any) -> Any:
    zero = "0x" + "00" * 20
    return {
        "transactionHash": asked, "transactionIndex": "0x0", "blockHash": block["hash"],
        "blockNumber": block["number"], "from": zero, "to": zero, "cumulativeGasUsed": "0x5208",
        "gasUsed": "0x5208", "contractAddress": None, "logs": [], "logsBloom": "0x" + "00" * 256,
        "status": "0x1", "type": "0x2", "effectiveGasPrice": "0x1",
    }  # fmt: skip


def _signed(question: Question) -> tuple[str, Any]:
    """Who signed the transaction that is sent, and its fields."""
    raw = HexBytes(question.parameters[0])
    return Keys.recover_transaction(raw), TypedTransaction.from_bytes(raw).as_dict()


def _to_oneself(sender: str, like: Any) -> str:
    """A transaction that does nothing, with the nonce and a higher fee, as a node takes it."""
    key = next(each for each in ape.accounts.test_accounts if each.address == sender)
    fields = {
        "type": 2, "to": sender, "value": 0, "data": b"", "gas": 21_000,
        "chainId": like["chainId"], "nonce": like["nonce"],
        "maxFeePerGas": 2 * like["maxFeePerGas"],
        "maxPriorityFeePerGas": 2 * like["maxPriorityFeePerGas"],
    }  # fmt: skip
    return "0x" + bytes(Keys.sign_transaction(fields, key.private_key).raw_transaction).hex()
