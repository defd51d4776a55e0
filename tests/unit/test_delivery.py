"""Raising a fee, and telling what has become of a transaction (docs/trouble.md)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from ape_ethereum.transactions import DynamicFeeTransaction, StaticFeeTransaction
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st
from web3.exceptions import Web3RPCError

from sluice import delivery
from sluice.delivery import (
    LIVE_CONFIRMATIONS,
    LOOKS,
    MOST_TIMES_MORE,
    RAISE_PERCENT,
    Delivery,
    NonceTaken,
    Terms,
    TransactionWaits,
    _fee,
    _Flight,
    _paying,
)
from sluice.node import NodeContradicts

SENDER = to_checksum_address("0x" + "aa" * 20)
TO = to_checksum_address("0x" + "bb" * 20)
OTHER_HASH = "0x" + "22" * 32
NONCE = 7
FEE_WEI = 40 * 10**9
FEES_WEI = st.integers(1, 10**13)


def transaction(fee_wei: int = FEE_WEI, tip_wei: int = 0) -> DynamicFeeTransaction:
    return DynamicFeeTransaction.model_validate(
        {
            "chainId": 1, "nonce": NONCE, "gas": 50_000, "to": TO, "from": SENDER,
            "maxFeePerGas": fee_wei, "maxPriorityFeePerGas": tip_wei,
        }
    )  # fmt: skip


class Signer:
    """Signs what it gets in a way of its own."""

    address = SENDER

    def sign_transaction(self, unsigned: Any) -> Any:
        return _Signed.model_validate(unsigned.model_dump(by_alias=True))


class _Signed(DynamicFeeTransaction):
    def serialize_transaction(self) -> bytes:
        return f"{self.nonce} {self.max_fee} {self.max_priority_fee}".encode()


@dataclass
class Chain:
    """One nonce of a chain, as a node tells it. A transaction handed over waits in the pool, unless
    the node has something to say against it; time goes by with each question for the height."""

    market_wei: int = FEE_WEI
    height: int = 100
    used: int = NONCE
    takes: bool = True
    refusals: list[Exception] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    pool: set[str] = field(default_factory=set)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    looks: int = 0

    @property
    def eth(self) -> Any:
        return self

    @property
    def provider(self) -> Any:
        return self

    # --- what web3 is asked

    @property
    def block_number(self) -> int:
        self.looks += 1
        self.height += 1
        return self.height

    def send_raw_transaction(self, raw: bytes) -> None:
        self.sent.append(raw)
        if self.refusals:
            raise self.refusals.pop(0)
        if self.takes:
            self.pool.add(hash_of(raw))

    def get_block(self, number: int) -> Any:
        listed = [bytes.fromhex(each[2:]) for each in self.listed]
        return {"hash": number.to_bytes(32, "big"), "transactions": listed}

    def make_batch_request(self, questions: Any) -> list[Any]:
        return [{"result": self._answer(*each)} for each in questions]

    def _answer(self, method: str, parameters: Any) -> Any:
        if method == "eth_getTransactionCount":
            return hex(self.used)
        if method == "eth_getTransactionReceipt":
            return self.receipts.get(parameters[0])
        known = parameters[0] in self.pool or parameters[0] in self.receipts
        return {"hash": parameters[0]} if known else None

    # --- what happens

    def mine(self, raw: bytes) -> dict[str, Any]:
        """The transaction is in the newest block; its receipt."""
        hash_ = hash_of(raw)
        self.used = NONCE + 1
        self.listed.append(hash_)
        self.receipts[hash_] = {
            "transactionHash": hash_, "blockNumber": hex(self.height), "from": SENDER.lower(),
            "blockHash": "0x" + self.height.to_bytes(32, "big").hex(),
        }  # fmt: skip
        return self.receipts[hash_]


def hash_of(raw: bytes) -> str:
    return "0x" + delivery.keccak(raw).hex()


def flight(
    chain: Chain, first: DynamicFeeTransaction | None = None, **terms: Any
) -> tuple[_Flight, list[int]]:
    """A transaction about to be handed over, and the fees that it and its replacements offer."""

    def prepare(fresh: Any) -> Any:
        assert _fee(fresh) == 0
        return fresh.model_copy(update={"max_fee": chain.market_wei})

    fees_wei: list[int] = []
    signer: Any = Signer()

    class Noting(_Flight):
        def _sign(self, unsigned: Any) -> None:
            fees_wei.append(_fee(unsigned))
            super()._sign(unsigned)

    by: Any = SimpleNamespace(
        _web3=chain,
        terms=Terms(**{"confirmations": 1, "stuck_after_s": 1_000.0, **terms}),
        confirmations=terms.get("confirmations", 1),
        provider=SimpleNamespace(prepare_transaction=prepare),
        _count=lambda sender, block: chain.used,
    )
    return Noting(by, signer, first or transaction()), fees_wei


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "POLL_S", 0.001)


# --- fees


@given(FEES_WEI, st.integers(0, 100), FEES_WEI)
def test_a_tip_rises_as_the_fee_does(fee_wei: int, percent: int, more_wei: int) -> None:
    tip_wei = fee_wei * percent // 100
    raised_wei = fee_wei + more_wei

    paying: Any = _paying(transaction(fee_wei, tip_wei), raised_wei)

    assert paying.max_fee == raised_wei
    # nodes want both to be higher
    assert tip_wei < paying.max_priority_fee <= raised_wei
    assert paying.max_priority_fee * fee_wei >= tip_wei * raised_wei
    assert (paying.nonce, paying.receiver, paying.signature) == (NONCE, TO, None)


@given(FEES_WEI, st.integers(0, 100), FEES_WEI)
def test_a_tip_is_never_above_the_fee(fee_wei: int, percent: int, less_wei: int) -> None:
    tip_wei = fee_wei * percent // 100
    lowered_wei = min(fee_wei, less_wei)

    paying: Any = _paying(transaction(fee_wei, tip_wei), lowered_wei)

    assert paying.max_fee == lowered_wei
    assert paying.max_priority_fee == min(tip_wei, lowered_wei)


def test_a_transaction_of_the_old_kind_has_one_price() -> None:
    old = StaticFeeTransaction.model_validate(
        {"chainId": 1, "nonce": NONCE, "gas": 50_000, "gasPrice": 10, "from": SENDER}
    )

    paying: Any = _paying(old, 13)

    assert (_fee(old), _fee(paying), paying.gas_price) == (10, 13, 13)


def test_a_stuck_transaction_pays_a_quarter_more_up_to_four_times_the_first_fee() -> None:
    chain = Chain(market_wei=1)
    stuck, fees_wei = flight(chain, stuck_after_s=-1.0)

    with pytest.raises(TransactionWaits, match=r"pays 160.000 gwei at most.*--replace"):
        stuck.land()

    assert fees_wei[0] == FEE_WEI
    assert fees_wei[-1] == MOST_TIMES_MORE * FEE_WEI
    for before_wei, after_wei in pairwise(fees_wei[:-1]):
        assert after_wei == before_wei * (100 + RAISE_PERCENT) // 100 + 1
    assert len(set(chain.sent)) == len(fees_wei)


def test_a_stuck_transaction_pays_what_the_market_asks_if_that_is_more() -> None:
    chain = Chain(market_wei=3 * FEE_WEI)
    stuck, fees_wei = flight(chain, stuck_after_s=-1.0)

    with pytest.raises(TransactionWaits):
        stuck.land()

    assert fees_wei[:2] == [FEE_WEI, 3 * FEE_WEI]


@pytest.mark.parametrize("most_wei", [FEE_WEI // 2, FEE_WEI, 2 * FEE_WEI, 100 * FEE_WEI])
def test_the_maximum_is_never_exceeded(most_wei: int) -> None:
    stuck, fees_wei = flight(Chain(market_wei=10**15), max_fee_wei=most_wei, stuck_after_s=-1.0)

    with pytest.raises(TransactionWaits):
        stuck.land()

    assert fees_wei == sorted({min(FEE_WEI, most_wei), most_wei})


def test_a_replacement_that_pays_too_little_is_raised_at_once() -> None:
    chain = Chain(refusals=[Web3RPCError("replacement transaction underpriced")] * 2)
    replacing, fees_wei = flight(chain)

    replacing._hand_over()

    assert len(chain.sent) == len(fees_wei) == 3
    assert len(chain.pool) == 1


def test_a_transaction_that_a_pool_drops_for_its_fee_pays_more() -> None:
    """A node says that it took it, and has it no more."""
    chain = Chain(takes=False)
    stuck, fees_wei = flight(chain, stuck_after_s=-1.0)

    with pytest.raises(TransactionWaits):
        stuck.land()

    assert fees_wei[-1] == MOST_TIMES_MORE * FEE_WEI


# --- what has become of it


@pytest.mark.parametrize("confirmations", [1, 2, 3, 12])
def test_a_receipt_counts_after_so_many_blocks(confirmations: int) -> None:
    chain = Chain()
    flying, _ = flight(chain, confirmations=confirmations)
    flying._hand_over()
    receipt = chain.mine(chain.sent[0])
    height = chain.height

    assert flying.land() == receipt
    # its own among them
    assert chain.height == max(height + 1, height + confirmations - 1)


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ("already known", Web3RPCError("already known")),
        ("used", Web3RPCError("nonce too low: next nonce 8, tx nonce 7")),
        ("full", Web3RPCError("txpool is full")),
        ("lost", ConnectionError("reset")),
    ],
)
def test_what_may_have_arrived_is_looked_for(said: str, refusal: Exception) -> None:
    chain = Chain(refusals=[refusal])
    flying, fees_wei = flight(chain)
    flying._hand_over()

    flying._look()
    assert chain.sent == chain.sent[:1] * 2
    receipt = chain.mine(chain.sent[0])

    assert flying.land() == receipt
    assert len(fees_wei) == 1


def test_another_refusal_of_the_node_ends_it() -> None:
    flying, _ = flight(Chain(refusals=[Web3RPCError("insufficient funds for gas * price + value")]))

    with pytest.raises(Web3RPCError, match="insufficient funds"):
        flying.land()


def test_whichever_is_in_the_chain_counts() -> None:
    chain = Chain(market_wei=1)
    flying, fees_wei = flight(chain)
    flying._hand_over()
    flying._replace()
    flying._replace()
    receipt = chain.mine(chain.sent[1])

    assert flying.land() == receipt
    assert _fee(flying.landed) == fees_wei[1]


def test_a_receipt_may_come_after_the_nonce() -> None:
    chain = Chain(used=NONCE + 1)
    flying, _ = flight(chain)
    flying._hand_over()
    for _ in range(LOOKS):
        assert flying._look() is None

    receipt = chain.mine(chain.sent[0])

    assert flying.land() == receipt


def test_a_nonce_that_another_transaction_has_is_said() -> None:
    chain = Chain(used=NONCE + 1)
    flying, _ = flight(chain)

    with pytest.raises(NonceTaken, match=f"another transaction of {SENDER} has the nonce {NONCE}"):
        flying.land()
    assert chain.looks == LOOKS + 1
    assert len(chain.sent) == 1


@pytest.mark.parametrize("lie", ["block", "listed", "from", "nonce"])
def test_a_receipt_that_fits_neither_block_nor_nonce_contradicts(lie: str) -> None:
    chain = Chain()
    flying, _ = flight(chain)
    flying._hand_over()
    receipt = chain.mine(chain.sent[0])
    if lie == "block":
        receipt["blockHash"] = OTHER_HASH
    elif lie == "listed":
        chain.listed = [OTHER_HASH]
    elif lie == "from":
        receipt["from"] = TO
    else:
        chain.used = NONCE

    with pytest.raises(NodeContradicts, match="do not know of it"):
        flying.land()
    assert chain.looks == LOOKS + 1


def test_a_receipt_in_a_block_that_was_replaced_meanwhile_is_looked_at_again() -> None:
    chain = Chain()
    flying, _ = flight(chain)
    flying._hand_over()
    receipt = chain.mine(chain.sent[0])
    true_hash, receipt["blockHash"] = receipt["blockHash"], OTHER_HASH
    assert flying._look() is None

    receipt["blockHash"] = true_hash

    assert flying.land() == receipt


def test_a_receipt_of_a_block_that_is_to_come_is_not_believed() -> None:
    chain = Chain()
    flying, _ = flight(chain)
    flying._hand_over()
    receipt = chain.mine(chain.sent[0])
    receipt["blockNumber"] = hex(chain.height + 5)

    assert flying._look() is None


def test_a_receipt_of_another_transaction_contradicts_at_once() -> None:
    chain = Chain()
    flying, _ = flight(chain)
    flying._hand_over()
    chain.mine(chain.sent[0])["transactionHash"] = OTHER_HASH

    with pytest.raises(NodeContradicts, match=f"the node gives that of {OTHER_HASH}"):
        flying.land()
    assert chain.looks == 1


# --- where a step begins


def beginning(mined: int, pending: Iterator[int], **terms: Any) -> Delivery:
    """What sends on a node that counts so many transactions of the sender."""

    def count(_: str, block: Any) -> int:
        return next(pending) if block == "pending" else mined

    eth = SimpleNamespace(block_number=100, get_transaction_count=count)
    provider: Any = SimpleNamespace(http_uri="http://node", web3=SimpleNamespace(eth=eth))
    return Delivery(provider, Terms(**terms))


def test_a_step_begins_with_the_next_nonce() -> None:
    sends = beginning(NONCE, iter([NONCE]))

    assert sends.begin(SENDER) == sends.nonce(SENDER) == NONCE


def test_no_step_begins_while_a_transaction_waits() -> None:
    sends = beginning(NONCE, iter([NONCE + 1]))

    with pytest.raises(TransactionWaits, match="with --replace if it is stuck"):
        sends.begin(SENDER)
    with pytest.raises(KeyError):
        sends.nonce(SENDER)


def test_a_step_that_replaces_begins_with_the_nonce_of_the_one_that_waits() -> None:
    assert beginning(NONCE, iter([NONCE + 2]), replaces=True).begin(SENDER) == NONCE


def test_a_node_that_counts_fewer_with_those_that_wait_is_asked_again() -> None:
    assert beginning(NONCE, iter([0, NONCE - 1, NONCE])).begin(SENDER) == NONCE

    with pytest.raises(NodeContradicts, match="and fewer with those that wait"):
        beginning(NONCE, iter([NONCE - 1] * LOOKS)).begin(SENDER)


@pytest.mark.parametrize(
    ("given", "local", "of_network", "blocks"),
    [
        (None, True, 0, 1),
        (None, False, 0, LIVE_CONFIRMATIONS),
        (None, False, 7, 8),
        (1, False, 7, 1),
        (12, True, 0, 12),
        (0, False, 0, 1),
    ],
)
def test_how_many_blocks_a_transaction_must_be_in(
    given: int | None, local: bool, of_network: int, blocks: int
) -> None:
    network = SimpleNamespace(is_dev=local, required_confirmations=of_network)
    provider: Any = SimpleNamespace(network=network, chain_id=1)

    assert Delivery(provider, Terms(given)).confirmations == blocks
