"""A relay that dies at any step, on a chain that may take a block back: run again, every
instruction is applied exactly once, and the store says by which transaction."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account as Keys
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.account import Account
from sluice.delivery import TransactionWaits
from sluice.errors import InvalidInput, Refused
from sluice.events import INSTRUCTIONS_RELAYED
from sluice.instructions import (
    Domain,
    SignedInstruction,
    each_packed,
    instruction,
    sign,
    unpack_instruction,
)
from sluice.ledger import Ledger
from sluice.parameters import Parameters
from sluice.relay.plan import USED, batches
from sluice.relay.relay import Relay
from sluice.relay.store import Added, State, Store

DOMAIN = Domain(31_337, to_checksum_address("0x" + "5c" * 20))
KEYS = [Keys.from_key("0x" + f"0{digit}" * 32) for digit in (7, 9)]
PARAMETERS = Parameters(first_pass=10, first_pass_time=2_000, deployed_at=1_000)
SENDER: Any = SimpleNamespace(address="0x" + "aa" * 20)
MESSAGES = [
    sign(instruction(key.address, {nonce: 2 + nonce}, {}, nonce), DOMAIN, key)
    for key in KEYS
    for nonce in range(3)
]


DEEPEST = 6
"""How many blocks the chain takes back at most."""


class Death(BaseException):
    """The process ends here; nothing of it tidies up."""


@dataclass
class Steps:
    """Counts what the relay does with store and chain; it dies before or after one of them."""

    left: int | None = None

    def step(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Death


@dataclass
class Block:
    book: Ledger
    logs: list[dict[str, Any]] = field(default_factory=list)


class FakeChain:
    """An escrow that applies relayed instructions by the reference model, a block each."""

    def __init__(self, steps: Steps) -> None:
        book = Ledger(PARAMETERS)
        for key in KEYS:
            book.accounts[key.address] = Account(pool_nano=100)
        self.blocks = [Block(book)]
        self.steps = steps
        self.mempool: list[bytes] = []
        self.transactions = 0
        self.room = 256

    # --- what the relay calls

    def ledger(self, accounts: Any, block: int | None = None) -> Ledger:
        list(accounts)
        return copy.deepcopy(self.blocks[-1 if block is None else block].book)

    def time(self, block: int | None = None) -> int:
        return 1_500

    def last_block(self) -> Any:
        return SimpleNamespace(number=len(self.blocks) - 1)

    def logs(self, event: str, first: int, last: int) -> Iterator[tuple[int, list[Any]]]:
        assert event == INSTRUCTIONS_RELAYED
        yield last, [log for block in self.blocks[first : last + 1] for log in block.logs]

    @property
    def delivery(self) -> "FakeChain":
        return self

    def begin(self, sender: str) -> None:
        if self.mempool:
            raise TransactionWaits(f"a transaction of {sender} waits for a block")

    def waiting(self, sender: str) -> int:
        return len(self.mempool)

    def fits(self, calldata: bytes, sender: str) -> bool:
        return calldata.count(b"\x00\x41") <= self.room

    def relay(self, instructions: bytes, signatures: bytes, sender: Any) -> Any:
        self.steps.step()
        self.mempool.append(instructions)
        self.steps.step()
        self.mine()
        self.steps.step()
        logs = self.blocks[-1].logs
        return SimpleNamespace(
            txn_hash=logs[0]["hash"], block_number=len(self.blocks) - 1, logs=logs, data=b"",
            gas_used=1, total_fees_paid=1,
        )  # fmt: skip

    # --- what happens to it

    def mine(self) -> None:
        for instructions in self.mempool:
            book = copy.deepcopy(self.blocks[-1].book)
            applied = 0
            for place, packed in enumerate(each_packed(instructions)):
                asked = unpack_instruction(packed)
                try:
                    book.apply_instruction(
                        asked.account, asked.stakes_nano, asked.splits, asked.nonce,
                        asked.deadline, 1_500,
                    )  # fmt: skip
                    applied |= 1 << place
                except Refused:
                    pass
            self.transactions += 1
            number = self.transactions.to_bytes(32, "big")
            log = {
                "topics": [keccak(text=INSTRUCTIONS_RELAYED)],
                "data": encode(["bytes", "uint256", "uint256"], [instructions, applied, 1_500]),
                "transactionHash": number,
                "blockNumber": len(self.blocks),
                "hash": "0x" + number.hex(),
                "applied": applied,
            }
            self.blocks.append(Block(book, [log]))
        self.mempool.clear()

    def drop(self) -> None:
        self.mempool.clear()

    def take_back(self) -> None:
        """The newest block is no longer part of the chain, and its transaction is gone."""
        if len(self.blocks) > 1:
            self.blocks.pop()

    def grow(self) -> None:
        """Blocks of others, as many as a reorganisation may take back."""
        newest = self.blocks[-1].book
        self.blocks += [Block(copy.deepcopy(newest)) for _ in range(DEEPEST)]

    @property
    def applied_by(self) -> dict[tuple[str, int], str]:
        """By which transaction each instruction was applied."""
        found: dict[tuple[str, int], str] = {}
        for block in self.blocks:
            for log in block.logs:
                instructions = log["data"]
                for place, packed in enumerate(_packed(instructions)):
                    if log["applied"] >> place & 1:
                        asked = unpack_instruction(packed)
                        key = (asked.account, asked.nonce)
                        assert key not in found, "applied twice"
                        found[key] = log["hash"]
        return found


def _packed(data: bytes) -> list[bytes]:
    length_at = int.from_bytes(data[:32], "big")
    length = int.from_bytes(data[length_at : length_at + 32], "big")
    return list(each_packed(data[length_at + 32 : length_at + 32 + length]))


class MortalStore(Store):
    """A store whose process may die before and after each of its transactions."""

    steps: Steps

    def claim(self, numbers: Sequence[int]) -> None:
        self.steps.step()
        super().claim(numbers)
        self.steps.step()

    def record(self, outcomes: Any) -> None:
        self.steps.step()
        super().record(outcomes)
        self.steps.step()

    def settle(self, after: int, outcomes: Any, seen_block: int) -> None:
        self.steps.step()
        super().settle(after, outcomes, seen_block)
        self.steps.step()


def made(messages: Sequence[SignedInstruction]) -> tuple[Relay, FakeChain, Steps]:
    steps = Steps()
    chain = FakeChain(steps)
    store = MortalStore("sqlite://", DOMAIN)
    store.steps = steps
    deployment: Any = SimpleNamespace(block=0)
    escrow: Any = chain
    relay = Relay(deployment, escrow, store)
    assert list(relay.add(messages)) == [Added.NEW] * len(messages)
    return relay, chain, steps


def run(relay: Relay) -> None:
    """What `ape run relay send` does."""
    relay.settle()
    relay.begin(SENDER.address)
    planned = relay.plan(1_500)
    relay.note(planned)
    for batch in batches(planned):
        relay.send(batch, SENDER)


HAPPENS = ("mine", "drop", "take back", "grow", "nothing")
happenings = st.lists(
    st.tuples(
        st.integers(0, 16), st.sampled_from(["mine", "drop", "take back", "grow", "nothing"])
    ),
    max_size=DEEPEST,
)


@pytest.fixture(scope="module", autouse=True)
def short_memory() -> Iterator[None]:
    """Blocks are final sooner, so that the relay does not read all of them again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sluice.relay.relay.REORGANISED_BLOCKS", DEEPEST)
        yield


@settings(max_examples=60)
@given(happenings, st.integers(1, 6))
def test_every_instruction_is_applied_exactly_once(
    deaths: list[tuple[int, str]], room: int
) -> None:
    relay, chain, steps = made(MESSAGES)
    chain.room = room
    for steps_left, happens in deaths:
        steps.left = steps_left
        with suppress(Death, TransactionWaits):
            run(relay)
        if happens == "mine":
            chain.mine()
        elif happens == "drop":
            chain.drop()
        elif happens == "take back":
            chain.take_back()
        elif happens == "grow":
            chain.grow()
    steps.left = None
    chain.mine()

    run(relay)
    run(relay)

    by = chain.applied_by
    assert len(by) == len(MESSAGES)
    for each in relay.store.messages():
        assert isinstance(each.signed, SignedInstruction)
        asked = each.signed.message
        assert (each.state, each.transaction) == (State.APPLIED, by[asked.account, asked.nonce])
    for key in KEYS:
        account = chain.blocks[-1].book.account(key.address)
        assert (account.nonce, account.stakes_nano) == (3, {0: 2, 1: 3, 2: 4})
    before = chain.transactions
    run(relay)
    assert chain.transactions == before


def test_without_a_death_one_transaction_does() -> None:
    relay, chain, _ = made(MESSAGES)

    run(relay)

    assert chain.transactions == 1
    assert {each.state for each in relay.store.messages()} == {State.APPLIED}


def test_a_relay_waits_for_its_own_transaction() -> None:
    """Sent and not yet in a block: nothing is sent again, nothing is lost."""
    relay, chain, steps = made(MESSAGES)
    steps.left = 7
    with pytest.raises(Death):
        run(relay)
    assert chain.waiting(SENDER.address) == 1
    steps.left = None

    with pytest.raises(TransactionWaits, match="waits for a block"):
        run(relay)
    assert {each.state for each in relay.store.messages()} == {State.SENT}
    chain.mine()
    run(relay)

    assert chain.transactions == 1
    assert {each.state for each in relay.store.messages()} == {State.APPLIED}


def test_a_chain_begun_again_is_read_from_its_start() -> None:
    """A local chain may be started anew under the same address."""
    relay, chain, _ = made(MESSAGES)
    chain.grow()
    chain.grow()
    run(relay)
    assert relay.store.seen_block() == DEEPEST
    del chain.blocks[1:]

    run(relay)

    assert len(chain.applied_by) == len(MESSAGES)
    assert {each.state for each in relay.store.messages()} == {State.APPLIED}


def test_what_is_refused_is_pending_again() -> None:
    """A transaction that the contract refuses as a whole carries nothing."""
    relay, chain, _ = made(MESSAGES)

    def refuse(*_: object, **__: object) -> None:
        raise Refused("gas: too little left for the next item, send more")

    chain.relay = refuse  # type: ignore[method-assign]
    with pytest.raises(Refused, match="too little left"):
        run(relay)

    assert {each.state for each in relay.store.messages()} == {State.PENDING}


def test_what_was_used_elsewhere_is_closed_with_the_reason() -> None:
    relay, chain, _ = made(MESSAGES[:2])
    chain.blocks[-1].book.cancel_instructions(KEYS[0].address, 1)

    run(relay)

    first, second = relay.store.messages()
    assert (first.state, first.reason) == (State.SKIPPED, USED)
    assert second.state is State.APPLIED
    (result,) = relay.add([MESSAGES[0]])
    assert isinstance(result, InvalidInput)
