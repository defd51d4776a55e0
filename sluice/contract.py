"""A contract on a connected network: calls tried first, then sent; views.

Large calls go with an access list where that takes less gas (docs/decisions/0010-access-lists.md).
A refusal of the contract comes back as `Refused` with the contract's own words.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import ape
from ape.api import AccountAPI, ProviderAPI, ReceiptAPI
from ape.exceptions import TransactionError
from ape_ethereum.transactions import DynamicFeeTransaction, TransactionType
from eth_abi.abi import decode
from eth_tester.exceptions import TransactionFailed  # type: ignore[import-untyped]
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.exceptions import ContractLogicError, Web3Exception, Web3RPCError

from sluice import access_lists
from sluice.access_lists import AccessList
from sluice.calls import encode_call, split_types
from sluice.delivery import Delivery
from sluice.errors import InvalidInput, Refused
from sluice.node import is_local

MAX_TRANSACTION_GAS = 16_777_216
"""The most that one transaction may use (EIP-7825)."""

ETHEREUM_CHAIN_IDS = frozenset({1, 11155111, 560048})
"""Ethereum and its test networks, Sepolia and Hoodi. Elsewhere the bytes of an access list may be
charged as well, as a rollup does, and cost more than its gas saves."""

TOO_LITTLE_GAS = "gas: too little left for the next item, send more"
"""The contract's words where it will not tell a failure from a want of gas."""

# not ape's, whose warnings go to standard output, where --json has its one document
_logger = logging.getLogger(__name__)

_MAKES_NO_LISTS = (Web3Exception, OSError, NotImplementedError)
"""How it shows that a node makes no access lists: an error of its own or of web3's, no answer, or,
of the chain within ape's process, web3's NotImplementedError: it carries no such method there."""

_OUT_OF_GAS = re.compile(r"out ?of ?gas|OOG\b|gas required exceeds", re.IGNORECASE)


class OutOfGas(Refused):
    """A call that does not go through within the gas of one transaction; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Price:
    """The least gas that a large call goes through with now, and the access list that goes along;
    an empty one is none."""

    gas: int
    access_list: AccessList

    @property
    def limit(self) -> int:
        """A gas limit: a quarter more, since others may change what the call meets."""
        return min(MAX_TRANSACTION_GAS, self.gas * 5 // 4)


class Contract:
    """A contract at an address of the connected network. `gas` of a method is the transaction's gas
    limit (None: ape's setting for the network)."""

    def __init__(
        self,
        address: str,
        provider: ProviderAPI | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        self.address = to_checksum_address(address)
        self.provider = provider or ape.networks.provider
        self.delivery = delivery or Delivery(self.provider)
        self._makes_lists = True

    def send(
        self,
        calldata: bytes,
        sender: AccountAPI,
        gas: int | None = None,
        to: str | None = None,
        max_fee_wei: int | None = None,
        access_list: AccessList = (),
    ) -> ReceiptAPI:
        """Sends calldata to the contract (or `to`) and stays until it is in the chain, as
        `sluice.delivery` has it; `max_fee_wei`: the most that is paid for a unit of gas at first;
        `access_list`: goes along if there is one. Refused with the contract's words if it would
        revert: it is tried first, and nothing is sent then."""
        self.dry_run(calldata, sender.address, to)
        settings: dict[str, Any] = {} if gas is None else {"gas_limit": gas}
        if max_fee_wei is not None:
            settings["max_fee"] = max_fee_wei
            settings["max_priority_fee"] = min(max_fee_wei, self.provider.priority_fee)
        ecosystem = self.provider.network.ecosystem
        if access_list:
            settings["accessList"] = access_lists.documents(access_list)
            # left to itself ape would give it a fixed price of gas
            settings["type"] = _type_with_list(ecosystem.default_transaction_type)
        with _refusals():
            transaction = ecosystem.create_transaction(
                receiver=to or self.address, data=calldata, sender=sender.address, **settings
            )
            if isinstance(transaction, DynamicFeeTransaction) and access_list:
                transaction = _Listed.model_validate(transaction.model_dump(mode="python"))
            return self.delivery.deliver(transaction, sender)

    def send_large(
        self,
        calldata: bytes,
        sender: AccountAPI,
        gas: int | None,
        max_fee_wei: int | None = None,
    ) -> ReceiptAPI:
        """Sends with a gas limit that leaves room for what others may change, and with an access
        list if that takes less gas; see `price`. With `gas` given: with that limit, as it is."""
        if gas is not None:
            return self.send(calldata, sender, gas, max_fee_wei=max_fee_wei)
        price = self.price(calldata, sender.address)
        return self.send(
            calldata, sender, price.limit, max_fee_wei=max_fee_wei, access_list=price.access_list
        )

    def dry_run(self, calldata: bytes, sender: str | None, to: str | None = None) -> bytes:
        """What a call would return now, without sending it; Refused if it would revert."""
        with _refusals():
            return self._eth_call(calldata, to or self.address, None, sender)

    def fits(self, calldata: bytes, sender: str) -> bool:
        """Whether a call stays within the gas of one transaction; one that the contract refuses
        for another reason does, and is refused when it is sent."""
        try:
            self.dry_run(calldata, sender)
        except OutOfGas:
            return False
        except Refused as error:
            return str(error) != TOO_LITTLE_GAS
        return True

    def estimate_gas(self, calldata: bytes, sender: str, access_list: AccessList = ()) -> int:
        """The gas that a call would use now; Refused if it would revert."""
        with _refusals():
            transaction: Any = {"to": self.address, "data": _hex(calldata), "from": sender}
            if access_list:
                transaction["accessList"] = access_lists.documents(access_list)
            return self._web3.eth.estimate_gas(transaction, self._now)

    def price(self, calldata: bytes, sender: str) -> Price:
        """What a large call takes now, with an access list if it uses less gas with one; Refused if
        it would revert. A node that makes no lists is no error: a log line says so, once."""
        gas = self.estimate_gas(calldata, sender)
        try:
            access_list = self._worthwhile_list(calldata, sender, gas)
            if access_list:
                # what is listed is paid at once: an item late in a batch may find less gas left
                return Price(self.estimate_gas(calldata, sender, access_list), access_list)
        except Refused:
            # the chain has moved on meanwhile: sending it finds out why
            pass
        except _MAKES_NO_LISTS as error:
            # asked again for every batch, a node that does not answer would take its time each time
            self._makes_lists = False
            _logger.warning("the node makes no access lists, batches go without: %s", error)
        return Price(gas, ())

    def code(self, address: str) -> bytes:
        """The code at an address; none of a key's account."""
        return bytes(self.provider.get_code(to_checksum_address(address)))

    def answer(self, address: str, calldata: bytes, gas: int) -> bytes | None:
        """What any contract answers to a call that may use at most this gas; None if it fails."""
        # what a transaction costs before the first instruction of the contract runs
        base = 21_000 + 40 * len(calldata)
        transaction: Any = {
            "to": to_checksum_address(address), "data": _hex(calldata), "gas": gas + base,
        }  # fmt: skip
        try:
            return bytes(self._web3.eth.call(transaction))
        except (Web3RPCError, ContractLogicError, TransactionError, TransactionFailed):
            return None

    def calldata_of(self, transaction: str) -> bytes:
        """What a transaction, given by its hash, called its receiver with."""
        found: Any = self._web3.eth.get_transaction(transaction)  # type: ignore[arg-type]
        return bytes(found["input"])

    def gas_price(self) -> int:
        """What a unit of gas costs now, in wei, as the node says."""
        return int(self._web3.eth.gas_price)

    def _worthwhile_list(self, calldata: bytes, sender: str, gas: int) -> AccessList:
        """The access list for a call that takes so much gas without one; empty if it saves none."""
        on_ethereum = is_local(self.provider) or self.provider.chain_id in ETHEREUM_CHAIN_IDS
        if not (self._makes_lists and on_ethereum):
            return ()
        transaction: Any = {
            "to": self.address, "data": _hex(calldata), "from": sender,
            "gas": hex(MAX_TRANSACTION_GAS),
        }  # fmt: skip
        answer: Any = self._web3.eth.create_access_list(transaction, self._now)
        # a call that fails half-way has a list as well, of what it came to
        if answer.get("error"):
            return ()
        made, reached = access_lists.read(answer["accessList"]), {self.address, sender}
        kept = access_lists.worthwhile(made, reached, len(calldata))
        saved = access_lists.total_saved(kept, reached) - access_lists.total_saved(made, reached)
        # a chain that charges more for lists than the protocol's rules say
        return kept if int(answer["gasUsed"]) - saved < gas else ()

    @property
    def _now(self) -> Literal["pending", "latest"]:
        # anvil's last block may be hours old: what counts is the time a transaction would get
        return "pending" if self._has_http and is_local(self.provider) else "latest"

    @property
    def _has_http(self) -> bool:
        return getattr(self.provider, "http_uri", None) is not None

    @property
    def _web3(self) -> Web3:
        web3: Web3 = self.provider.web3
        return web3

    def _view(
        self, signature: str, returns: str, *arguments: object, block: int | None = None
    ) -> tuple[Any, ...]:
        with _refusals():
            answer = self._eth_call(encode_call(signature, *arguments), self.address, block, None)
        if not answer:
            raise InvalidInput(
                f"{self.address} does not answer {signature}: there is no escrow at this "
                "address on the connected network; check --network and the deployment's record"
            )
        return decode(split_types(returns), answer)

    def _eth_call(self, calldata: bytes, to: str, block: int | None, sender: str | None) -> bytes:
        transaction: dict[str, Any] = {"to": to, "data": _hex(calldata)}
        if sender is not None:
            transaction |= {"from": sender, "gas": MAX_TRANSACTION_GAS}
        at: object = self._now if block is None else block
        return bytes(self._web3.eth.call(transaction, at))  # type: ignore[arg-type]


class _Listed(DynamicFeeTransaction):
    """Says how long its list is where a person is asked to sign it: a pass's has thousands of
    slots."""

    def to_string(self, calldata_repr: Any = None) -> str:
        """As ape shows a transaction, but for the list."""
        bare = self.model_copy(update={"access_list": []})
        slots = sum(len(each.storage_keys) for each in self.access_list)
        shown = str(DynamicFeeTransaction.to_string(bare, calldata_repr))
        return shown.replace("accessList: []", f"accessList: {slots} slots")


def _type_with_list(usual: TransactionType) -> TransactionType:
    return TransactionType.ACCESS_LIST if usual is TransactionType.STATIC else usual


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (Web3RPCError, ContractLogicError, TransactionError, TransactionFailed) as error:
        if _OUT_OF_GAS.search(str(error)):
            raise OutOfGas("more gas than one transaction may use: send less at a time") from error
        if type(error) is Web3RPCError:
            raise
        raise Refused(_reason(error)) from error


def _reason(error: Exception) -> str:
    """The contract's words out of what provider and library wrap around them."""
    text = str(getattr(error, "revert_message", None) or getattr(error, "message", None) or error)
    for prefix in ("execution reverted: ", "revert: ", "Transaction failed: "):
        text = text.removeprefix(prefix)
    return text.strip() or "the transaction reverted without saying why"
