"""A contract on a connected network: calls tried first, then sent; views.

A refusal of the contract comes back as `Refused` with the contract's own words.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ape
from ape.api import AccountAPI, ProviderAPI, ReceiptAPI
from ape.exceptions import TransactionError
from eth_abi.abi import decode
from eth_tester.exceptions import TransactionFailed  # type: ignore[import-untyped]
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.exceptions import ContractLogicError, Web3RPCError

from sluice.calls import encode_call, split_types
from sluice.errors import InvalidInput, Refused

MAX_TRANSACTION_GAS = 16_777_216
"""The most that one transaction may use (EIP-7825)."""

LOCAL_CHAIN_IDS = frozenset({1337, 31337})
"""What ape's in-process chain and anvil call themselves."""

TOO_LITTLE_GAS = "gas: too little left for the next item, send more"
"""The contract's words where it will not tell a failure from a want of gas."""

_OUT_OF_GAS = re.compile(r"out ?of ?gas|OOG\b|gas required exceeds", re.IGNORECASE)


def is_local(provider: ProviderAPI) -> bool:
    """Whether the connected chain is one for development: in-process, anvil, or a fork."""
    return bool(provider.network.is_dev) or provider.chain_id in LOCAL_CHAIN_IDS


class OutOfGas(Refused):
    """A call that does not go through within the gas of one transaction; nothing was sent."""


class Contract:
    """A contract at an address of the connected network. `gas` of a method is the transaction's gas
    limit (None: ape's setting for the network)."""

    def __init__(self, address: str, provider: ProviderAPI | None = None) -> None:
        self.address = to_checksum_address(address)
        self.provider = provider or ape.networks.provider

    def send(
        self,
        calldata: bytes,
        sender: AccountAPI,
        gas: int | None = None,
        to: str | None = None,
        max_fee_wei: int | None = None,
    ) -> ReceiptAPI:
        """Sends calldata to the contract (or `to`) and waits for the receipt; `max_fee_wei`: the
        most that is paid for a unit of gas. Refused with the contract's words if it would revert:
        it is tried first, and nothing is sent then."""
        self.dry_run(calldata, sender.address, to)
        settings: dict[str, Any] = {} if gas is None else {"gas_limit": gas}
        if max_fee_wei is not None:
            settings["max_fee"] = max_fee_wei
            settings["max_priority_fee"] = min(max_fee_wei, self.provider.priority_fee)
        with _refusals():
            transaction = self.provider.network.ecosystem.create_transaction(
                receiver=to or self.address, data=calldata, sender=sender.address, **settings
            )
            return sender.call(transaction)

    def send_large(
        self,
        calldata: bytes,
        sender: AccountAPI,
        gas: int | None,
        max_fee_wei: int | None = None,
    ) -> ReceiptAPI:
        """Sends with a gas limit that leaves room for what others may change; see `gas_limit`."""
        limit = gas or self.gas_limit(calldata, sender.address)
        return self.send(calldata, sender, limit, max_fee_wei=max_fee_wei)

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

    def estimate_gas(self, calldata: bytes, sender: str) -> int:
        """The gas that a call would use now; Refused if it would revert."""
        with _refusals():
            transaction: Any = {"to": self.address, "data": _hex(calldata), "from": sender}
            return self._web3.eth.estimate_gas(transaction)

    def gas_limit(self, calldata: bytes, sender: str) -> int:
        """A gas limit for a large call: what it would use now and a quarter more, since others may
        change what it meets; Refused if it would revert."""
        return min(MAX_TRANSACTION_GAS, self.estimate_gas(calldata, sender) * 5 // 4)

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

    def waiting(self, sender: str) -> int:
        """How many of the sender's transactions wait for a block, as far as the node knows."""
        count = self._web3.eth.get_transaction_count
        address = to_checksum_address(sender)
        return count(address, "pending") - count(address, "latest")

    def gas_price(self) -> int:
        """What a unit of gas costs now, in wei, as the node says."""
        return int(self._web3.eth.gas_price)

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
        at: object = block
        if block is None:
            # anvil's last block may be hours old: what counts is the time a transaction would get
            fresh = self._has_http and is_local(self.provider)
            at = "pending" if fresh else "latest"
        return bytes(self._web3.eth.call(transaction, at))  # type: ignore[arg-type]


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
