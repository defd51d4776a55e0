"""Which access list goes with a batch, by the rules of EIP-2929 and EIP-2930, and by the node."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from ape_ethereum.transactions import TransactionType
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st
from web3.exceptions import ContractLogicError, Web3RPCError

from sluice.access_lists import (
    KEY_SAVES,
    LISTED_ADDRESS_GAS,
    MOST_BYTES,
    PAYS_FROM_KEYS,
    Listed,
    documents,
    gas_saved,
    read,
    worthwhile,
)
from sluice.contract import MAX_TRANSACTION_GAS, Contract, Price, _type_with_list
from sluice.errors import Refused

ESCROW, TOKEN, SENDER = (to_checksum_address("0x" + f"{digit}c" * 20) for digit in "567")
REACHED = {ESCROW, SENDER}
CALLDATA = b"\x01\x02\x03\x04"


def keys(count: int) -> tuple[int, ...]:
    return tuple(range(count))


def answer(*listed: Listed) -> dict[str, Any]:
    return {"accessList": documents(listed), "gasUsed": 96_000}


@pytest.mark.parametrize(
    ("listed", "saved"),
    [
        (Listed(ESCROW, ()), -LISTED_ADDRESS_GAS),
        (Listed(ESCROW, keys(PAYS_FROM_KEYS - 1)), 0),
        (Listed(ESCROW, keys(PAYS_FROM_KEYS)), 100),
        (Listed(TOKEN, ()), 100),
        (Listed(TOKEN, keys(3)), 400),
        (Listed("0x" + "00" * 19 + "01", ()), -LISTED_ADDRESS_GAS),
    ],
)
def test_what_naming_an_account_saves(listed: Listed, saved: int) -> None:
    """The receiver is reached anyway: its keys must make up for its address."""
    assert gas_saved(listed, REACHED) == saved
    kept = (listed,) if saved > 0 else ()
    assert worthwhile([listed], REACHED, 0) == kept


@given(
    st.lists(st.tuples(st.sampled_from([ESCROW, TOKEN, SENDER]), st.integers(0, 5_000))),
    st.integers(0, MOST_BYTES + 100),
)
def test_what_is_kept_saves_gas_and_fits(listed: list[tuple[str, int]], data_bytes: int) -> None:
    made = [Listed(address, keys(count)) for address, count in listed]

    kept = worthwhile(made, REACHED, data_bytes)

    length = data_bytes + sum(29 + 33 * len(each.keys) for each in kept)
    assert not kept or length <= MOST_BYTES
    assert all(gas_saved(each, REACHED) > 0 for each in kept)


def test_of_a_list_that_is_too_long_a_part_is_kept() -> None:
    (kept,) = worthwhile([Listed(ESCROW, keys(5_000))], REACHED, MOST_BYTES - 29 - 33 * 40 - 1)

    assert kept == Listed(ESCROW, keys(40))
    assert KEY_SAVES * 40 > LISTED_ADDRESS_GAS


def test_a_nodes_answer_is_read_back() -> None:
    made = (Listed(ESCROW, (0, 2**256 - 1)), Listed(TOKEN, ()))

    assert read(documents(made)) == made
    assert read([{"address": ESCROW.lower(), "storageKeys": [b"\0" * 31 + b"\7"]}]) == (
        Listed(ESCROW, (7,)),
    )


class Node:
    """A node that estimates, and makes a list or refuses to."""

    def __init__(self, made: Any, with_list: Any = 98_000, without: int = 100_000) -> None:
        self.made, self.with_list, self.without = made, with_list, without
        self.asked = 0
        self.listed: Any = None

    def estimate_gas(self, transaction: dict[str, Any], block: str) -> int:
        if "accessList" not in transaction:
            return self.without
        self.listed = transaction["accessList"]
        if isinstance(self.with_list, Exception):
            raise self.with_list
        return int(self.with_list)

    def create_access_list(self, transaction: dict[str, Any], block: str) -> Any:
        self.asked += 1
        if isinstance(self.made, Exception):
            raise self.made
        return self.made


def contract(node: Node, chain_id: int = 1) -> Contract:
    provider: Any = SimpleNamespace(
        web3=SimpleNamespace(eth=node), chain_id=chain_id, network=SimpleNamespace(is_dev=False)
    )
    return Contract(ESCROW, provider)


MANY = Listed(ESCROW, keys(60))


def test_a_list_goes_along_if_it_takes_less_gas() -> None:
    node = Node(answer(MANY, Listed(SENDER, ())))

    assert contract(node).price(CALLDATA, SENDER) == Price(98_000, (MANY,))
    assert node.listed == documents((MANY,))


def test_a_call_may_want_more_gas_than_it_uses() -> None:
    """`pay` wants gas left over for its last transfer, with a list more than without one: the limit
    is what it goes through with, whether it takes less is what it uses."""
    node = Node(answer(MANY), with_list=104_000)

    assert contract(node).price(CALLDATA, SENDER) == Price(104_000, (MANY,))


@pytest.mark.parametrize(
    "node",
    [
        Node(answer(Listed(ESCROW, keys(PAYS_FROM_KEYS - 1)))),
        Node({**answer(MANY), "gasUsed": 100_000}),
        Node(answer(MANY), with_list=ContractLogicError("execution reverted: digest: another")),
        Node({**answer(MANY), "error": "execution reverted"}),
        Node(answer()),
    ],
    ids=["rules say no", "node says no", "refused with it", "failed half-way", "nothing to list"],
)
def test_no_list_goes_along_if_it_does_not(node: Node) -> None:
    batch = contract(node)

    assert batch.price(CALLDATA, SENDER) == Price(100_000, ())
    assert batch.price(CALLDATA, SENDER) == Price(100_000, ())
    assert node.asked == 2


@pytest.mark.parametrize(
    "refusal",
    [
        Web3RPCError("the method eth_createAccessList does not exist", None),
        TimeoutError("read timed out"),
        NotImplementedError(),
    ],
)
def test_a_node_that_makes_none_is_told_of_once(
    refusal: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    node = Node(refusal)
    batch = contract(node)

    with caplog.at_level(logging.WARNING):
        prices = [batch.price(CALLDATA, SENDER) for _ in range(3)]

    assert prices == [Price(100_000, ())] * 3
    assert node.asked == 1
    (said,) = caplog.messages
    assert said.startswith("the node makes no access lists, batches go without")


def test_a_call_that_is_refused_is_refused_as_before() -> None:
    node = Node(answer(MANY))
    node.estimate_gas = _refuse  # type: ignore[method-assign]

    with pytest.raises(Refused, match="digest: another"):
        contract(node).price(CALLDATA, SENDER)
    assert node.asked == 0


def test_where_bytes_may_be_charged_no_list_is_asked_for() -> None:
    node = Node(answer(MANY))

    assert contract(node, chain_id=10).price(CALLDATA, SENDER) == Price(100_000, ())
    assert node.asked == 0


def test_the_limit_of_gas_leaves_a_quarter() -> None:
    assert Price(100_000, ()).limit == 125_000
    assert Price(MAX_TRANSACTION_GAS, ()).limit == MAX_TRANSACTION_GAS


def test_prices_stay_dynamic_with_a_list() -> None:
    assert _type_with_list(TransactionType.DYNAMIC) is TransactionType.DYNAMIC
    assert _type_with_list(TransactionType.STATIC) is TransactionType.ACCESS_LIST


def _refuse(transaction: dict[str, Any], block: str) -> int:
    raise ContractLogicError("execution reverted: digest: another")
