"""Sending many transactions fast on a chain of one's own: anvil, or ape's in-process chain.

For replays and benchmarks only. Both kinds have the same methods; anvil takes any sender without a
key and hundreds of transactions in a block, the in-process chain signs for the senders whose keys
it was given and is some fifty times slower. Every receipt is looked at: a transaction that failed
stops the run with its name and, where it can be had, the contract's words.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar, cast

import ape
from ape.api import ProviderAPI
from ape_test.provider import LocalProvider
from eth_account import Account as KeyedAccount
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception

from sluice import access_lists
from sluice.access_lists import AccessList
from sluice.anvil import running_anvil
from sluice.errors import InvalidInput, SluiceError

BLOCK_GAS = 30_000_000_000
"""So high that no block of a replay is ever half full: the base fee then stays zero, and senders
need no ether."""

IN_PROCESS_GAS_PRICE_WEI = 10 * 10**9
"""Far above what full blocks raise the base fee to."""
IN_PROCESS_BATCH = 20
"""The time for a transaction grows with its place in the block."""
ETHER_WEI = 10**18
TRANSFER_GAS = 21_000

T = TypeVar("T")

BATCH = 500
REQUEST_SECONDS = 300


class ChainFailure(SluiceError):
    """A transaction of a replay failed, which its plan says cannot be."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is to be sent: calldata, the most gas it may use, a name for messages, and the access
    list that goes along if there is one."""

    sender: str
    to: str
    data: bytes
    gas: int
    name: str
    value_wei: int = 0
    access_list: AccessList = ()


class LocalChain(ABC):
    """A local chain that ape is connected to."""

    name: str

    def __init__(self, provider: ProviderAPI) -> None:
        self.provider = provider
        self.web3: Web3 = provider.web3
        self._nonces: dict[str, int] = {}

    @abstractmethod
    def send(self, transactions: Sequence[Transaction], time: int | None = None) -> list[int]:
        """Sends them, each sender's in order, the first block at `time` if one is given; returns
        the gas used by each. Mined when this returns. ChainFailure if one fails."""

    @abstractmethod
    def wait_until(self, time: int) -> None:
        """Mines an empty block at that time, which must be later than the last one's."""

    @abstractmethod
    def storage(self, contract: str, slots: Sequence[int]) -> list[int]:
        """The words in a contract's storage slots, in the order asked for."""

    @contextmanager
    def one_by_one(self) -> Iterator[None]:
        """Meanwhile every transaction that somebody sends gets a block at once, as ape expects."""
        yield
        # ape counted on meanwhile
        self._nonces.clear()

    def time(self) -> int:
        """The time of the last block."""
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def block(self) -> int:
        """The number of the last block."""
        return int(self.web3.eth.block_number)

    def sent_and_held(self, account: str) -> tuple[int, int]:
        """How many transactions a checksum address has sent, and its ether in wei."""
        address = Web3.to_checksum_address(account)
        return self.web3.eth.get_transaction_count(address), self.web3.eth.get_balance(address)

    def _failed(self, transaction: Transaction, reason: str = "") -> ChainFailure:
        return ChainFailure(
            f"{transaction.name} of {transaction.sender} failed"
            f"{f' ({reason})' if reason else ''}: the replay's plan and the contract disagree; "
            "report it with the file that was replayed"
        )


class AnvilChain(LocalChain):
    """An anvil that takes transactions from any sender."""

    name = "anvil"

    def __init__(self, provider: ProviderAPI) -> None:
        super().__init__(provider)
        self._http = cast(HTTPProvider, self.web3.provider)
        self._request([("anvil_autoImpersonateAccount", [True]), ("evm_setAutomine", [False])])

    def send(self, transactions: Sequence[Transaction], time: int | None = None) -> list[int]:
        self._read_nonces({transaction.sender for transaction in transactions})
        if time is not None:
            self._request([("evm_setNextBlockTimestamp", [time])])
        gas_used: list[int] = []
        for chunk in _chunks(transactions, BATCH):
            hashes = self._request(
                [("eth_sendTransaction", [self._fields(each)]) for each in chunk], chunk
            )
            self._request([("evm_mine", [])])
            (receipts,) = self._request([("eth_getBlockReceipts", ["latest"])])
            by_hash = {receipt["transactionHash"]: receipt for receipt in receipts}
            for transaction, hash_ in zip(chunk, hashes, strict=True):
                receipt = by_hash.get(hash_)
                if receipt is None:
                    raise self._failed(transaction, "it was not mined")
                if int(receipt["status"], 16) != 1:
                    raise self._failed(transaction, self._reason(transaction))
                gas_used.append(int(receipt["gasUsed"], 16))
        return gas_used

    def send_listed(
        self, transactions: Sequence[Transaction], time: int | None = None
    ) -> list[int]:
        """As `send`, each in a block of its own and with the access list that a script would send
        along."""
        if time is not None:
            self.wait_until(time)
        return [
            self.send([replace(each, access_list=self._list_of(each))])[0] for each in transactions
        ]

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Meanwhile everything is as ever; afterwards nothing of it has happened."""
        (snapshot,) = self._request([("evm_snapshot", [])])
        nonces = dict(self._nonces)
        try:
            yield
        finally:
            self._request([("evm_revert", [snapshot])])
            self._nonces = nonces

    def wait_until(self, time: int) -> None:
        self._request([("evm_setNextBlockTimestamp", [time]), ("evm_mine", [])])

    def storage(self, contract: str, slots: Sequence[int]) -> list[int]:
        words: list[int] = []
        for chunk in _chunks(slots, BATCH):
            requests = [("eth_getStorageAt", [contract, hex(slot), "latest"]) for slot in chunk]
            words += [int(word, 16) for word in self._request(requests)]
        return words

    @contextmanager
    def one_by_one(self) -> Iterator[None]:
        self._request([("evm_setAutomine", [True])])
        try:
            with super().one_by_one():
                yield
        finally:
            self._request([("evm_setAutomine", [False])])

    def _list_of(self, transaction: Transaction) -> AccessList:
        fields = {
            "from": transaction.sender,
            "to": transaction.to,
            "data": "0x" + transaction.data.hex(),
            "gas": hex(transaction.gas),
        }
        (answer,) = self._request([("eth_createAccessList", [fields, "pending"])], [transaction])
        reached = {Web3.to_checksum_address(each) for each in (transaction.sender, transaction.to)}
        made = access_lists.read(answer["accessList"])
        return access_lists.worthwhile(made, reached, len(transaction.data))

    def _fields(self, transaction: Transaction) -> dict[str, Any]:
        nonce = self._nonces[transaction.sender]
        self._nonces[transaction.sender] = nonce + 1
        fields = {
            "from": transaction.sender,
            "to": transaction.to,
            "data": "0x" + transaction.data.hex(),
            "value": hex(transaction.value_wei),
            "gas": hex(transaction.gas),
            "gasPrice": "0x0",
            "nonce": hex(nonce),
        }
        if not transaction.access_list:
            return fields
        return {**fields, "accessList": access_lists.documents(transaction.access_list)}

    def _read_nonces(self, senders: set[str]) -> None:
        for chunk in _chunks(sorted(senders - self._nonces.keys()), BATCH):
            requests = [("eth_getTransactionCount", [sender, "latest"]) for sender in chunk]
            nonces = [int(nonce, 16) for nonce in self._request(requests)]
            self._nonces |= dict(zip(chunk, nonces, strict=True))

    def _reason(self, transaction: Transaction) -> str:
        fields: Any = {
            "from": Web3.to_checksum_address(transaction.sender),
            "to": Web3.to_checksum_address(transaction.to),
            "data": "0x" + transaction.data.hex(),
            "gas": transaction.gas,
        }
        try:
            # The state has moved on by a block; the reason mostly is still the same.
            self.web3.eth.call(fields)
        except Web3Exception as error:
            return str(error)
        return ""

    def _request(
        self,
        requests: Sequence[tuple[str, list[Any]]],
        transactions: Sequence[Transaction] | None = None,
    ) -> list[Any]:
        responses = self._http.make_batch_request(requests)  # type: ignore[arg-type]
        results = []
        for index, response in enumerate(cast(list[Mapping[str, Any]], responses)):
            if "result" not in response:
                reason = str(response.get("error"))
                if transactions is not None:
                    raise self._failed(transactions[index], reason)
                raise ChainFailure(f"{requests[index][0]}: anvil answered {reason}")
            results.append(response["result"])
        return results


class InProcessChain(LocalChain):
    """ape's in-process chain, driven below its JSON-RPC: it signs for senders whose keys it was
    given, and for ape's test accounts. Its base fee is not zero, so they get ether."""

    name = "ape's in-process chain"

    def __init__(self, provider: LocalProvider, keys: Mapping[str, bytes]) -> None:
        super().__init__(provider)
        self._backend = provider.evm_backend
        self._keys = dict(keys)
        for key in self._backend.account_keys:
            self._keys[key.public_key.to_address()] = key.to_bytes()
        rich = self._backend.account_keys[-1].public_key.to_address()
        self.send(
            [
                Transaction(rich, address, b"", TRANSFER_GAS, "transfer of ether", ETHER_WEI)
                for address in keys
            ]
        )

    def send(self, transactions: Sequence[Transaction], time: int | None = None) -> list[int]:
        chain = self._backend.chain
        if time is not None:
            chain.set_header_timestamp(time)
        gas_used: list[int] = []
        pending = block_gas = 0
        for transaction in transactions:
            full = block_gas + transaction.gas > chain.header.gas_limit
            if full or pending == IN_PROCESS_BATCH:
                self._backend.mine_blocks(1)
                pending = block_gas = 0
            signed = self._signed(transaction)
            decoded = chain.get_vm().get_transaction_builder().decode(signed)
            _, receipt, computation = chain.apply_transaction(decoded)
            if computation.is_error:
                raise self._failed(transaction, str(computation.error))
            gas_used.append(receipt.gas_used - block_gas)
            block_gas = receipt.gas_used
            pending += 1
        if pending:
            self._backend.mine_blocks(1)
        return gas_used

    def wait_until(self, time: int) -> None:
        self._backend.chain.set_header_timestamp(time)
        self._backend.mine_blocks(1)

    def storage(self, contract: str, slots: Sequence[int]) -> list[int]:
        state = self._backend.chain.get_vm().state
        address = bytes.fromhex(contract.removeprefix("0x"))
        return [state.get_storage(address, slot) for slot in slots]

    def _signed(self, transaction: Transaction) -> bytes:
        key = self._keys.get(transaction.sender.lower())
        if key is None:
            raise InvalidInput(
                f"account {transaction.sender} is an address whose key nobody has here: install "
                "anvil (Node >= 20, then `make setup`), which needs none"
            )
        if transaction.sender not in self._nonces:
            state = self._backend.chain.get_vm().state
            self._nonces[transaction.sender] = state.get_nonce(
                bytes.fromhex(transaction.sender.removeprefix("0x"))
            )
        fields = {
            "to": Web3.to_checksum_address(transaction.to),
            "data": transaction.data,
            "gas": transaction.gas,
            "gasPrice": IN_PROCESS_GAS_PRICE_WEI,
            "nonce": self._nonces[transaction.sender],
            "value": transaction.value_wei,
            "chainId": self.provider.chain_id,
        }
        self._nonces[transaction.sender] += 1
        return bytes(KeyedAccount.sign_transaction(fields, key).raw_transaction)


@contextmanager
def anvil_chain(
    forked_url: str | None = None, code_bytes: int | None = None
) -> Iterator[AnvilChain]:
    """A new anvil on a free port, with ape connected to it; ended with the block, whatever
    happens in it. With `forked_url` it goes on from the last block of the chain that answers
    there, and reads from it what it does not have. `code_bytes`: how long code may be, instead of
    EIP-170's 24,576 bytes, to measure what could not be deployed."""
    # Not by ape, whose anvil records every step of every transaction: gigabytes for a whole replay.
    arguments = [
        "--gas-limit", str(BLOCK_GAS),
        "--block-base-fee-per-gas", "0", "--gas-price", "0", "--disable-min-priority-fee",
    ]  # fmt: skip
    if forked_url:
        arguments += ["--fork-url", forked_url]
    if code_bytes:
        arguments += ["--code-size-limit", str(code_bytes)]
    with running_anvil(arguments) as url:
        settings = {"host": url, "request_timeout": REQUEST_SECONDS}
        local = ape.networks.ethereum.local
        with local.use_provider("foundry", provider_settings=settings) as provider:
            yield AnvilChain(provider)


@contextmanager
def in_process_chain(keys: Mapping[str, bytes]) -> Iterator[InProcessChain]:
    """A new in-process chain; `keys` are the private keys of its senders by address."""
    with ape.networks.ethereum.local.use_provider("test") as provider:
        assert isinstance(provider, LocalProvider)
        yield InProcessChain(provider, keys)


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
