"""An Ethereum node asked in bulk, over JSON-RPC: logs by ranges of blocks, storage by thousands of
words.

Providers limit what one answer may hold, each in its own way and words: a refused range is halved
until it is taken and grows again. What is lost on the way is asked for again. Everything is read
as of a block by number; whoever reads checks in the end that the block is still the same.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ape.api import ProviderAPI
from ape_test.provider import LocalProvider
from eth_abi.abi import decode
from requests.exceptions import HTTPError, RequestException
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)
from web3 import Web3

from sluice.calls import encode_call, split_types
from sluice.errors import InvalidInput, SluiceError
from sluice.events import Log
from sluice.storage import READ_BATCH, WORDS_SLOT
from sluice.stored import Place
from sluice.words import WORD_BYTES, place_key, word_slot

FIRST_BLOCKS = 1_000
MOST_BLOCKS = 50_000
MOST_LOGS = 5_000
"""An answer with more is large: the next range is smaller."""
CALM = 50
"""After so many answers in a row a wider range than the one refused is tried again."""

ATTEMPTS = 7
LONGEST_WAIT_S = 20
TOO_MANY_REQUESTS = 429
BUSY_CODES = frozenset({408, TOO_MANY_REQUESTS, 500, 502, 503, 504})
_BUSY = re.compile(r"rate.?limit|too many requests|request limit|throttl", re.IGNORECASE)

WORDS_A_CALL = 4_000
"""What reading them takes, 9 million gas, is below what any node gives a call."""
FEWEST_WORDS = 100

READER = bytes.fromhex(
    f"60{WORDS_SLOT:02x}60005260005b80356020526040600020548160400152602001803611600757366040f3"
)
"""Stands in for the escrow's code in a call that only reads: given keys of the mapping `_words`, it
returns the words. So one call reads thousands, by the storage layout alone.

    60..60005260005b  memory[0] = the mapping's slot; i = 0; 7:
    80356020526040600020548160400152  memory[64 + i] = storage[keccak(memory[0:64])], where
                                      memory[32] = calldata[i]
    602001803611600757  i += 32; again from 7 while i < the length of the calldata
    366040f3  return memory[64:64 + the length of the calldata]
"""

Json: TypeAlias = Any


class NodeFailure(SluiceError):
    """The node does not answer, or its answers contradict themselves."""


class _Refusal(SluiceError):
    """The node understood and says no, as to a range that is too wide."""


class _Busy(SluiceError):
    """The node asks for patience."""


@dataclass(frozen=True, slots=True)
class BlockId:
    """A block's number, hash (0x and 64 digits) and time."""

    number: int
    hash: str
    time: int


class Node:
    """The node that ape is connected to."""

    def __init__(self, provider: ProviderAPI) -> None:
        if isinstance(provider, LocalProvider):
            raise InvalidInput("the in-process chain keeps no history to audit: use anvil")
        web3: Web3 = provider.web3
        self._provider: Any = web3.provider
        self._words_a_call = WORDS_A_CALL
        self._retrying = Retrying(
            retry=retry_if_exception(_is_passing),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(multiplier=0.2, max=LONGEST_WAIT_S),
            reraise=True,
        )
        self._blocks = FIRST_BLOCKS
        self._most_blocks = MOST_BLOCKS
        self._calm = 0

    # --- blocks -----------------------------------------------------------------------------------

    def block(self, which: int | str) -> BlockId | None:
        """A block by number, or by a name such as "latest"; None if the node has none such."""
        try:
            answer = self._ask(
                "eth_getBlockByNumber", hex(which) if isinstance(which, int) else which, False
            )
        except _Refusal:
            return None
        if answer is None:
            return None
        return BlockId(int(answer["number"], 16), str(answer["hash"]), int(answer["timestamp"], 16))

    def head(self) -> BlockId:
        """The newest block."""
        found = self.block("latest")
        if found is None:
            raise NodeFailure("the node has no newest block: it may still be starting")
        return found

    # --- logs -------------------------------------------------------------------------------------

    def logs(self, contract: str, first: int, last: int) -> Iterator[tuple[int, list[Log]]]:
        """All logs of a contract in blocks `first` to `last`, in order: yields the last block read
        and the logs found since the one before. NodeFailure if the node goes on refusing, or if
        what it gives is out of order, repeated or of another place."""
        while first <= last:
            end = min(last, first + self._blocks - 1)
            found = self._logs(contract, first, end)
            if found is None:
                continue
            _check_order(contract, found, first, end)
            self._after_logs(len(found))
            yield end, found
            first = end + 1

    def _logs(self, contract: str, first: int, last: int) -> list[Log] | None:
        """None if the range was refused and is smaller now."""
        where = {"address": contract, "fromBlock": hex(first), "toBlock": hex(last)}
        try:
            found: list[Log] = self._ask("eth_getLogs", where)
        except _Refusal as error:
            if first == last:
                raise NodeFailure(
                    f"the node gives no logs of block {first}: {error}; use an archive node"
                ) from error
            self._blocks = max(1, (last - first + 1) // 2)
            self._most_blocks = max(1, (last - first + 1) * 3 // 4)
            self._calm = 0
            return None
        return found

    def _after_logs(self, found: int) -> None:
        self._calm += 1
        if self._calm >= CALM:
            self._most_blocks = min(MOST_BLOCKS, 2 * self._most_blocks)
            self._calm = 0
        if found > MOST_LOGS:
            self._blocks = max(1, self._blocks // 2)
        elif found < MOST_LOGS // 4:
            self._blocks = min(self._most_blocks, 2 * self._blocks)

    # --- state ------------------------------------------------------------------------------------

    def words(self, contract: str, places: Sequence[Place], block: int) -> bytes:
        """The stored words at (account, place), one after the other, as of a block.

        By calls that put a reader in the place of the escrow's code; word by word from a node that
        takes no such calls."""
        found = b""
        while len(found) < WORD_BYTES * len(places):
            start = len(found) // WORD_BYTES
            if not self._words_a_call:
                return found + self._one_by_one(contract, places[start:], block)
            try:
                found += self._read(contract, places[start : start + self._words_a_call], block)
            except _Refusal:
                self._words_a_call = self._words_a_call // 2
                if self._words_a_call < FEWEST_WORDS:
                    self._words_a_call = 0
        return found

    def view(
        self, contract: str, signature: str, returns: str, block: int, *arguments: object
    ) -> tuple[Any, ...]:
        """What a view of a contract answers as of a block; NodeFailure if it does not."""
        data = "0x" + encode_call(signature, *arguments).hex()
        try:
            answer = self._ask("eth_call", {"to": contract, "data": data}, hex(block))
        except _Refusal as error:
            raise NodeFailure(
                f"{contract} does not answer {signature} as of block {block}: {error}; for an old "
                "block use an archive node"
            ) from error
        return decode(split_types(returns), bytes.fromhex(answer.removeprefix("0x")))

    def _read(self, contract: str, places: Sequence[Place], block: int) -> bytes:
        keys = (place_key(account, place) for account, place in places)
        data = "0x" + b"".join(key.to_bytes(WORD_BYTES, "big") for key in keys).hex()
        code = {contract: {"code": "0x" + READER.hex()}}
        answer = self._ask("eth_call", {"to": contract, "data": data}, hex(block), code)
        words = bytes.fromhex(answer.removeprefix("0x"))
        if len(words) != WORD_BYTES * len(places):
            raise _Refusal("it takes no code in the place of a contract's")
        return words

    def _one_by_one(self, contract: str, places: Sequence[Place], block: int) -> bytes:
        words = []
        for start in range(0, len(places), READ_BATCH):
            slots = (
                word_slot(account, place, WORDS_SLOT)
                for account, place in places[start : start + READ_BATCH]
            )
            asked = [("eth_getStorageAt", [contract, hex(slot), hex(block)]) for slot in slots]
            words += [int(word, 16).to_bytes(WORD_BYTES, "big") for word in self._batch(asked)]
        return b"".join(words)

    # --- asking -----------------------------------------------------------------------------------

    def _ask(self, method: str, *parameters: object) -> Json:
        """One request; _Refusal if the node says no, NodeFailure if it says nothing."""
        return self._retried(lambda: _result(self._provider.make_request(method, list(parameters))))

    def _batch(self, asked: Sequence[tuple[str, list[str]]]) -> list[Json]:
        """Many requests at once."""

        def results() -> list[Json]:
            answers = self._provider.make_batch_request(asked)
            if not isinstance(answers, list):
                raise _Refusal(f"it takes no batches of requests: {answers}")
            return [_result(answer) for answer in answers]

        try:
            found: list[Json] = self._retried(results)
        except _Refusal as error:
            raise NodeFailure(f"the node does not answer in bulk: {error}; use another") from error
        return found

    def _retried(self, request: Callable[[], Json]) -> Json:
        try:
            return self._retrying(request)
        except (RequestException, ConnectionError, _Busy, ValueError) as error:
            if isinstance(error, HTTPError) and error.response.status_code not in BUSY_CODES:
                # what is too large for it, a provider may also refuse in these words
                raise _Refusal(str(error)) from error
            raise NodeFailure(
                f"the node does not answer: {error}; try again, or another"
            ) from error


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, HTTPError):
        return error.response.status_code in BUSY_CODES
    return isinstance(error, RequestException | ConnectionError | _Busy | ValueError)


def _result(answer: Json) -> Json:
    error = answer.get("error")
    if error is None:
        return answer.get("result")
    said = error.get("message", "") if isinstance(error, dict) else str(error)
    code = error.get("code") if isinstance(error, dict) else None
    if code == TOO_MANY_REQUESTS or _BUSY.search(said):
        raise _Busy(said)
    raise _Refusal(said)


def _check_order(contract: str, logs: Sequence[Log], first: int, last: int) -> None:
    """The node's answer is what was asked for, each log once and in order."""
    before = (first, -1)
    for log in logs:
        at = int(log["blockNumber"], 16), int(log["logIndex"], 16)
        if at <= before or at[0] > last or log.get("removed"):
            raise NodeFailure(
                f"the node gives a log of block {at[0]}, place {at[1]}, after block {before[0]}, "
                f"place {before[1]}, asked for blocks {first} to {last}: it repeats, disorders or "
                "withdraws them; ask another node"
            )
        if str(log["address"]).lower() != contract.lower():
            raise NodeFailure(f"the node gives a log of {log['address']}: ask another node")
        before = at
