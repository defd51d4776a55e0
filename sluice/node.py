"""A node's answers, asked for again where that helps, and held against what it answered before.

A node may be behind, or one address may stand for several nodes of which one is: an answer about an
older state than one already seen is asked for again, and never used. What no honest node can say,
nor several of them behind one address, ends the run before anything more is sent (docs/trouble.md).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import ape
from ape.api import ProviderAPI
from hexbytes import HexBytes
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import HTTPError, Timeout
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3RPCError
from web3.providers.rpc.utils import REQUEST_RETRY_ALLOWLIST, ExceptionRetryConfiguration
from web3.types import RPCEndpoint, RPCResponse

from sluice.errors import SluiceError

REORGANISED_BLOCKS = 64
"""How far back what the chain says may still change: two epochs of Ethereum are final."""

ANSWER_S = 30
"""How long a node may take for an answer."""

BEHIND_S = 30.0
"""How long a node that is behind is waited for: more than two blocks."""

LOCAL_CHAIN_IDS = frozenset({1337, 31337})
"""What ape's in-process chain and anvil call themselves."""

_NO_ANSWER = (RequestsConnectionError, HTTPError, Timeout)

_ASKED_AGAIN = [*REQUEST_RETRY_ALLOWLIST, "eth_feeHistory", "web3_clientVersion"]
_ASKED_AGAIN.remove("eth_sendRawTransaction")  # whether one has arrived is looked for first

_UNKNOWN_BLOCK = re.compile(
    r"(header|block) (for hash )?not found|unknown block|out ?of ?range|block height is", re.I
)
_AT = {
    "eth_call": 1, "eth_getStorageAt": 2, "eth_getCode": 1, "eth_getTransactionCount": 1,
    "eth_estimateGas": 1, "eth_createAccessList": 1,
}  # fmt: skip
"""Where the block stands among the parameters of what reads the chain's state."""

Answer = TypeVar("Answer")

_DELEGATION = "0xef0100"
"""How the code of a key's account begins that lets a contract act for it; it may be taken back."""


class ComeBackLater(SluiceError):
    """Nothing is wrong with what was asked for; it is to be asked for again later."""


class NodeBehind(ComeBackLater):
    """The node knows less of the chain than it did, and did not catch up while it was waited
    for."""


class NodeContradicts(SluiceError):
    """Two answers of the node cannot both be true; nothing was sent after the second."""


class _Again(Exception):
    """An answer that is not to be used; the next one may be."""


def is_local(provider: ProviderAPI) -> bool:
    """Whether the connected chain is one for development: in-process, anvil, or a fork."""
    return bool(provider.network.is_dev) or provider.chain_id in LOCAL_CHAIN_IDS


def watch(provider: ProviderAPI) -> None:
    """Holds the provider's answers against each other from now on, anew if it was watched before;
    and has it give up on an answer after ANSWER_S seconds, where ape's would wait for half an
    hour. Does nothing to the chain within ape's process."""
    uri = getattr(provider, "http_uri", None)
    if uri is None:
        return
    web3: Web3 = provider.web3
    network = provider.network
    headers = ape.networks.get_request_headers(network.ecosystem.name, network.name, provider.name)
    web3.provider = _Watched(
        uri,
        request_kwargs={"headers": headers, "timeout": ANSWER_S},
        exception_retry_configuration=ExceptionRetryConfiguration(
            errors=_NO_ANSWER, method_allowlist=_ASKED_AGAIN
        ),
    )


def batch(web3: Web3, questions: Sequence[tuple[str, Any]]) -> list[RPCResponse]:
    """Several questions at once, which one and the same node answers; NodeBehind as for single
    ones. A node that refuses batches answers each with its error."""
    provider: Any = web3.provider
    seen = provider.watch if isinstance(provider, _Watched) else _Watch()

    def ask() -> list[RPCResponse]:
        asked = [(method, seen.of_newest(method, parameters)) for method, parameters in questions]
        answer = provider.make_batch_request(asked)
        refused = not isinstance(answer, list)
        responses: list[RPCResponse] = [answer] * len(questions) if refused else answer
        if len(responses) != len(questions):
            raise _Again(f"it answers {len(responses)} of {len(questions)} questions")
        for (method, parameters), response in zip(asked, responses, strict=True):
            if _knows_less(method, parameters, response):
                raise _Again(f"it answers {method} of a block that it does not have")
            if not refused:
                # or who asks in turn for the newest block and for more hears of it from a node
                # that is behind each time
                seen.check(method, parameters, response)
        return responses

    return _patiently(ask, (_Again, OSError))


def result_of(response: RPCResponse) -> Any:
    """The result in an answer; Web3RPCError if it is an error."""
    if "result" not in response:
        raise Web3RPCError(str(response.get("error")), rpc_response=response)
    return response["result"]


def log_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A log as web3 gives it: bytes and numbers, where JSON has text."""
    numbers = ("blockNumber", "logIndex", "transactionIndex")
    return {
        **raw,
        **{name: int(raw[name], 16) for name in numbers},
        **{name: HexBytes(raw[name]) for name in ("data", "blockHash", "transactionHash")},
        "topics": [HexBytes(topic) for topic in raw["topics"]],
    }


class _Watched(HTTPProvider):
    """A node whose answers are watched."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.watch = _Watch()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """The answer to one question, asked again where that helps; for several: `batch`."""
        return self.watch.ask(super().make_request, method, params)


class _Watch:
    """What a node has answered: the newest block that it named, its chain, where code stands."""

    def __init__(self) -> None:
        self._newest = 0
        self._chain: str | None = None
        self._answered = -1
        self._with_code: set[str] = set()

    def ask(
        self,
        make_request: Callable[[RPCEndpoint, Any], RPCResponse],
        method: RPCEndpoint,
        parameters: Any,
    ) -> RPCResponse:
        """A question to the node; NodeBehind, NodeContradicts."""

        def once() -> RPCResponse:
            asked = self.of_newest(method, parameters)
            response = make_request(method, asked)
            self.check(method, asked, response)
            return response

        return _patiently(once, (_Again,))

    def of_newest(self, method: str, parameters: Any) -> Any:
        """Asks for the state of the newest block by its number: a node that is behind has none."""
        place = _AT.get(method)
        if place is None or not self._newest or list(parameters)[place:] != ["latest"]:
            return parameters
        return [*list(parameters)[:place], hex(self._newest)]

    def check(self, method: str, parameters: Any, response: RPCResponse) -> None:
        """Holds an answer against those before it; _Again if it is not to be used."""
        number = response.get("id")
        if isinstance(number, int):
            if number <= self._answered:
                raise _Again("it repeats the answer to another question")
            self._answered = number
        named = _block_of(method, parameters)
        if (
            named is not None
            and named <= self._newest
            and _knows_less(method, parameters, response)
        ):
            raise _Again(f"it does not have block {named} of {self._newest}")
        if response.get("error"):
            return
        result: Any = response.get("result")
        if method == "eth_chainId":
            self._check_chain(result)
        elif method == "eth_blockNumber":
            self._advance(int(result, 16))
        elif method == "eth_getBlockByNumber" and result and parameters[0] == "latest":
            self._advance(_number(result["number"]))
        elif method == "eth_getTransactionReceipt" and result:
            _check_hash(parameters[0], result["transactionHash"], "receipt")
            self._newest = max(self._newest, _number(result["blockNumber"]))
        elif method == "eth_getTransactionByHash" and result:
            _check_hash(parameters[0], result["hash"], "transaction")
        elif method == "eth_getCode":
            self._check_code(str(parameters[0]), str(result))

    def _advance(self, number: int) -> None:
        back = self._newest - number
        if back > REORGANISED_BLOCKS:
            raise NodeContradicts(
                f"the node's newest block was {self._newest}, now it is {number}: {back} blocks "
                "less, which no reorganisation takes back; ask another node (--network), then run "
                "this again"
            )
        if back > 0:
            raise _Again(f"its newest block is {number}, it was {self._newest}")
        self._newest = number

    def _check_chain(self, chain: str) -> None:
        if self._chain not in (None, chain):
            raise NodeContradicts(
                f"the node was on chain {int(str(self._chain), 16)}, now it says {int(chain, 16)}: "
                "ask another node (--network), then run this again"
            )
        self._chain = chain

    def _check_code(self, address: str, code: str) -> None:
        if len(code) > len("0x"):
            if not code.startswith(_DELEGATION):
                self._with_code.add(address)
        elif address in self._with_code:
            raise NodeContradicts(
                f"the node had code at {address}, now it says there is none: ask another node "
                "(--network), then run this again"
            )


def _patiently(ask: Callable[[], Answer], errors: tuple[type[Exception], ...]) -> Answer:
    """What is asked for, asked again after one of these errors, for BEHIND_S seconds."""
    retrying = Retrying(
        retry=retry_if_exception_type(errors),
        stop=stop_after_delay(BEHIND_S),
        wait=wait_exponential(multiplier=0.05, max=2),
        reraise=True,
    )
    try:
        return retrying(ask)
    except _Again as again:
        raise NodeBehind(
            f"the node is behind what it said before: {again}; run this again when it has caught "
            "up, or ask another one (--network)"
        ) from again


def _knows_less(method: str, parameters: Any, response: Any) -> bool:
    """Whether the answer says that there is no such block."""
    if _block_of(method, parameters) is None:
        return False
    if error := response.get("error"):
        return bool(_UNKNOWN_BLOCK.search(str(error)))
    return method == "eth_getBlockByNumber" and response.get("result") is None


def _block_of(method: str, parameters: Any) -> int | None:
    """The number of the block that is asked about, if it is asked for by its number."""
    place = 0 if method == "eth_getBlockByNumber" else _AT.get(method)
    if place is None or len(parameters) <= place:
        return None
    block = parameters[place]
    if isinstance(block, str) and re.fullmatch(r"0x[0-9a-f]+", block):
        return int(block, 16)
    return block if isinstance(block, int) else None


def _check_hash(asked: object, answered: object, what: str) -> None:
    if _hash(asked) != _hash(answered):
        raise NodeContradicts(
            f"asked for the {what} {_hash(asked)} the node gives that of {_hash(answered)}: ask "
            "another node (--network), then run this again"
        )


def _hash(value: object) -> str:
    return value.lower() if isinstance(value, str) else "0x" + bytes(value).hex()  # type: ignore[call-overload]


def _number(value: str | int) -> int:
    return int(value, 16) if isinstance(value, str) else value
