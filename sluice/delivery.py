"""A transaction's way into the chain: sent once, looked for until it is there to stay.

What happens to a transaction is told by its sender's nonce: of all that were signed with one nonce
one gets into the chain. So a step is planned from a state that is at least as new as the nonce it
is sent with (`begin`), and whatever is sent again, in place of one that is stuck or one that an
earlier run sent, has the same nonce: nothing happens twice (docs/trouble.md).
"""

import re
import time
from dataclasses import dataclass, field
from typing import Any

from ape.api import AccountAPI, ProviderAPI, ReceiptAPI, TransactionAPI
from ape_ethereum.transactions import DynamicFeeTransaction
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from tenacity import (
    RetryError,
    Retrying,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
)
from web3 import Web3
from web3.exceptions import Web3RPCError

from sluice.errors import Refused
from sluice.node import ComeBackLater, NodeContradicts, batch, is_local, log_of, result_of

LIVE_CONFIRMATIONS = 3
"""How many blocks a transaction is to be in on a chain that is not local, its own among them:
reorganisations of more than one block have been rare on Ethereum since it proves by stake."""

STUCK_AFTER_S = 180
"""How long a transaction waits before it is replaced: fifteen blocks."""

LONGEST_S = 3_600
"""How long a transaction is looked for at most."""

POLL_S = 4.0
"""How often a transaction is looked for, in the end."""

RAISE_PERCENT = 25
"""How much more the replacement pays; nodes ask for a tenth."""

MOST_TIMES_MORE = 4
"""How many times the first fee a replacement pays at most where no maximum is given."""

LOOKS = 8
"""How often an answer that does not fit the others is looked at again."""

WEI_A_GWEI = 10**9

_KNOWN = re.compile(r"already known|already imported|known transaction", re.I)
_NONCE_USED = re.compile(r"nonce (is )?too low|invalid nonce|old ?nonce", re.I)
_PAYS_TOO_LITTLE = re.compile(r"underpriced|fee too low to replace", re.I)
_NO_ROOM = re.compile(r"pool (is )?(full|overflow)|pool limit|txpool.*(full|limit)", re.I)


class TransactionWaits(ComeBackLater):
    """A transaction of the sender waits for a block: what it does is not known yet."""


class NonceTaken(ComeBackLater):
    """Another transaction of the sender has the nonce: what was planned without it was not sent
    into the chain."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How transactions are sent. `confirmations`: how many blocks, its own among them, a
    transaction must be in before it counts, None for what fits the network; `max_fee_wei`:
    the most that is ever paid for a unit of gas; `stuck_after_s`: how long one waits before a
    dearer one replaces it; `replaces`: also one that waits from an earlier run."""

    confirmations: int | None = None
    max_fee_wei: int | None = None
    stuck_after_s: float = STUCK_AFTER_S
    replaces: bool = False


class Delivery:
    """Sends transactions on one provider, by the terms."""

    def __init__(self, provider: ProviderAPI, terms: Terms | None = None) -> None:
        self.provider = provider
        self.terms = terms or Terms()
        self._nonces: dict[str, int] = {}

    @property
    def confirmations(self) -> int:
        """How many blocks a transaction must be in, one at least."""
        if self.terms.confirmations is not None:
            return max(1, self.terms.confirmations)
        if is_local(self.provider):
            return 1
        # ape counts the blocks after its own
        of_network: int = self.provider.network.required_confirmations
        return max(LIVE_CONFIRMATIONS, of_network + 1)

    def waiting(self, sender: str) -> int:
        """How many of the sender's transactions wait for a block, as far as the node knows."""
        return max(0, self._count(sender, "pending") - self._count(sender, "latest"))

    def nonce(self, sender: str) -> int:
        """With which nonce the next step of a sender goes that has begun."""
        return self._nonces[sender]

    def begin(self, sender: str) -> int:
        """To be called before the state is read that steps of the sender are planned from: if the
        sender does anything in between, or the state is older than it looks, none of the steps
        gets into the chain. Returns the nonce of the first one. TransactionWaits while one of the
        sender's waits for a block, unless the terms say to replace it."""
        if not self._has_http:
            self._nonces[sender] = self._count(sender, "latest")
            return self._nonces[sender]
        # what is read from now on is at least as new as this block
        head = self._web3.eth.block_number
        mined = self._count(sender, head)
        all_known = self._all_known(sender, mined)
        if all_known > mined and not self.terms.replaces:
            raise TransactionWaits(
                f"a transaction of {sender} waits for a block: run this again when it is in one, "
                "or with --replace if it is stuck"
            )
        self._nonces[sender] = mined
        return mined

    def deliver(self, transaction: TransactionAPI, sender: AccountAPI) -> ReceiptAPI:
        """Sends it and stays until it is in as many blocks as the terms ask for; raises fees and
        sends again meanwhile. Refused if it reverts; TransactionWaits if it stays stuck at the
        highest fee allowed; NonceTaken, NodeContradicts. The chain within ape's process has none
        of these troubles, and ape sends it."""
        if not self._has_http:
            return sender.call(transaction)
        if int(self._web3.eth.chain_id) != int(self.provider.chain_id):
            raise NodeContradicts(
                f"the node was on chain {self.provider.chain_id}, now it says "
                f"{self._web3.eth.chain_id}: ask another node (--network), then run this again"
            )
        if transaction.receiver:
            # a node that has lost the contract would take a transaction to it as it is
            self._web3.eth.get_code(transaction.receiver)
        begun = sender.address in self._nonces
        transaction.sender = sender.address
        transaction.nonce = (
            self._nonces[sender.address] if begun else self._count(sender.address, "pending")
        )
        flight = _Flight(self, sender, self.provider.prepare_transaction(transaction))
        found = flight.land()
        if begun:
            self._nonces[sender.address] = transaction.nonce + 1
        if not int(found["status"], 16):
            raise self._refusal(flight.landed, found)
        return self._receipt(flight.landed, found)

    def _receipt(self, transaction: TransactionAPI, found: Any) -> ReceiptAPI:
        """The node's receipt as ape has it."""
        fields: dict[str, Any] = transaction.model_dump(by_alias=True, mode="json")
        fields |= {
            "provider": self.provider,
            "signature": transaction.signature,
            "transactionHash": found["transactionHash"],
            "status": int(found["status"], 16),
            "blockNumber": int(found["blockNumber"], 16),
            "gasUsed": int(found["gasUsed"], 16),
            "gasPrice": int(found["effectiveGasPrice"], 16),
            "contractAddress": found["contractAddress"],
            "logs": [log_of(each) for each in found["logs"]],
            "required_confirmations": 0,
        }
        return self.provider.network.ecosystem.decode_receipt(fields)

    def _refusal(self, transaction: TransactionAPI, found: Any) -> Exception:
        """Why a transaction reverted that went through when it was tried."""
        number = int(found["blockNumber"], 16)
        fields: Any = {
            "from": transaction.sender, "to": transaction.receiver or None,
            "data": transaction.data, "gas": transaction.gas_limit,
        }  # fmt: skip
        try:
            self._web3.eth.call(fields, number)
        except Exception as error:
            return error
        return Refused(
            f"transaction {found['transactionHash']} reverted in block {number}: "
            "others changed what it met, or it ran out of gas; run this again"
        )

    def _all_known(self, sender: str, mined: int) -> int:
        """How many transactions the node knows of, those that wait for a block among them; asked
        again while it is less than are in blocks, as a node that is behind may say."""
        asking = Retrying(
            retry=retry_if_result(lambda count: count < mined),
            stop=stop_after_attempt(LOOKS),
            wait=wait_exponential(multiplier=0.05, max=POLL_S),
            retry_error_callback=lambda _: None,
        )
        count: int | None = asking(self._count, sender, "pending")
        if count is None:
            raise NodeContradicts(
                f"the node counts {mined} transactions of {sender} in blocks, and fewer with those "
                "that wait: ask another node (--network), then run this again"
            )
        return count

    def _count(self, sender: str, block: Any) -> int:
        return int(self._web3.eth.get_transaction_count(sender, block))  # type: ignore[arg-type]

    @property
    def _has_http(self) -> bool:
        return getattr(self.provider, "http_uri", None) is not None

    @property
    def _web3(self) -> Web3:
        web3: Web3 = self.provider.web3
        return web3


@dataclass(slots=True)
class _Sent:
    """A signed transaction, and when it was signed."""

    transaction: TransactionAPI
    raw: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def hash(self) -> str:
        return "0x" + keccak(self.raw).hex()


class _Flight:
    """One nonce under way: what was signed with it, and what became of it."""

    def __init__(self, by: Delivery, sender: AccountAPI, first: TransactionAPI) -> None:
        self._by = by
        self._web3 = by._web3
        self._sender = sender
        self._nonce = int(first.nonce or 0)
        self._sent: list[_Sent] = []
        self._odd_looks = 0
        limit = by.terms.max_fee_wei
        self._ceiling_wei = MOST_TIMES_MORE * _fee(first) if limit is None else limit
        self._sign(_paying(first, min(_fee(first), self._ceiling_wei)))
        self.landed = first

    def land(self) -> Any:
        """The receipt of whichever of them is in the chain to stay."""
        self._hand_over()
        looking = Retrying(
            retry=retry_if_result(lambda found: found is None),
            wait=wait_exponential(multiplier=0.02, max=POLL_S),
            stop=stop_after_delay(LONGEST_S),
        )
        try:
            return looking(self._look)
        except RetryError as error:
            raise TransactionWaits(
                f"transaction {self._sent[-1].hash} with nonce {self._nonce} is not in the chain "
                f"to stay after {LONGEST_S} s: run this again"
            ) from error

    def _look(self) -> Any | None:
        newest = self._web3.eth.block_number
        used, seen = self._at(newest)
        for each, (receipt, _) in zip(reversed(self._sent), reversed(seen), strict=True):
            if receipt is not None:
                self.landed = each.transaction
                deep = newest - int(receipt["blockNumber"], 16) + 1
                fits = deep > 0 and self._fits(each, receipt)
                return receipt if fits and deep >= self._by.confirmations else None
        if used > self._nonce:
            # a node may know the nonce before the receipt
            self._odd(NonceTaken(
                f"another transaction of {self._sender.address} has the nonce {self._nonce}: it "
                "was sent by another run or another person; run this again, it looks first at "
                "what has happened"
            ))  # fmt: skip
        elif time.monotonic() - self._sent[-1].at > self._by.terms.stuck_after_s:
            # also one that the node has not: pools drop first what pays least
            self._replace()
        elif seen[-1][1] is None:
            self._hand_over()
        return None

    def _at(self, block: int) -> tuple[int, list[tuple[Any, Any]]]:
        """What one and the same node, which has this block, says: how many nonces are used by then,
        and, of each transaction sent, its receipt and itself, None if it knows of none."""
        sender = self._sender.address
        questions: list[tuple[str, Any]] = [("eth_getTransactionCount", [sender, hex(block)])]
        for each in self._sent:
            questions.append(("eth_getTransactionReceipt", [each.hash]))
            questions.append(("eth_getTransactionByHash", [each.hash]))
        used, *found = (result_of(answer) for answer in batch(self._web3, questions))
        return int(used, 16), list(zip(found[::2], found[1::2], strict=True))

    def _fits(self, each: _Sent, receipt: Any) -> bool:
        """Whether a receipt fits the block and the nonce."""
        number = int(receipt["blockNumber"], 16)
        block = self._web3.eth.get_block(number)
        if (
            bytes(block["hash"]) == bytes.fromhex(receipt["blockHash"][2:])
            and bytes.fromhex(each.hash[2:]) in map(bytes, block["transactions"])  # type: ignore[arg-type]
            and to_checksum_address(receipt["from"]) == self._sender.address
            and self._by._count(self._sender.address, number) > self._nonce
        ):
            return True
        # the block may have been replaced between two questions
        self._odd(NodeContradicts(
            f"the node has a receipt of {each.hash} in block {number}, and a block {number} and a "
            "nonce that do not know of it: ask another node (--network), then run this again"
        ))  # fmt: skip
        return False

    def _odd(self, error: Exception) -> None:
        self._odd_looks += 1
        if self._odd_looks > LOOKS:
            raise error

    def _hand_over(self) -> None:
        """Gives the last one to the node. What may have arrived is looked for, whatever the node
        said: an answer can be lost, and the same transaction twice is one."""
        try:
            self._web3.eth.send_raw_transaction(self._sent[-1].raw)
        except OSError:
            return
        except Web3RPCError as error:
            text = str(error)
            if _PAYS_TOO_LITTLE.search(text):
                self._replace()
            elif not any(each.search(text) for each in (_KNOWN, _NONCE_USED, _NO_ROOM)):
                raise

    def _replace(self) -> None:
        """A dearer one with the same nonce."""
        last = self._sent[-1].transaction
        fee_wei = _fee(last)
        wanted_wei = max(fee_wei * (100 + RAISE_PERCENT) // 100 + 1, self._market_wei(last))
        if fee_wei >= self._ceiling_wei:
            raise TransactionWaits(
                f"transaction {self._sent[-1].hash} with nonce {self._nonce} waits for a block "
                f"and pays {fee_wei / WEI_A_GWEI:.3f} gwei at most: run this again later, or with "
                "--replace and a higher --max-fee"
            )
        self._sign(_paying(last, min(wanted_wei, self._ceiling_wei)))
        self._hand_over()

    def _market_wei(self, like: TransactionAPI) -> int:
        fresh = like.model_copy(update=dict.fromkeys(_fees(like)))
        return _fee(self._by.provider.prepare_transaction(fresh))

    def _sign(self, transaction: TransactionAPI) -> None:
        signed = self._sender.sign_transaction(transaction)
        if signed is None:
            raise Refused("the transaction was not signed: nothing was sent")
        self._sent.append(_Sent(signed, signed.serialize_transaction()))


def _fees(transaction: TransactionAPI) -> tuple[str, ...]:
    """The fields that say what it pays, the ceiling first."""
    if isinstance(transaction, DynamicFeeTransaction):
        return ("max_fee", "max_priority_fee")
    return ("gas_price",)


def _fee(transaction: TransactionAPI) -> int:
    """The most that it pays for a unit of gas, in wei."""
    return int(getattr(transaction, _fees(transaction)[0]) or 0)


def _paying(transaction: TransactionAPI, fee_wei: int) -> TransactionAPI:
    """The same, unsigned, with another fee; the tip rises as it does, one of zero by a wei, since
    nodes want both to be higher; it is never above the fee."""
    before_wei = max(1, _fee(transaction))
    changed: dict[str, Any] = {_fees(transaction)[0]: fee_wei, "signature": None}
    for name in _fees(transaction)[1:]:
        tip_wei = int(getattr(transaction, name) or 0)
        least_wei = tip_wei + (fee_wei > before_wei)
        changed[name] = min(fee_wei, max(least_wei, -(-tip_wei * fee_wei // before_wei)))
    return transaction.model_copy(update=changed)
