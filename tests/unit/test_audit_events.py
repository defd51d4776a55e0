"""Every event of the contract is one that the audit reads."""

import json
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_utils.abi import event_signature_to_log_topic

from sluice.audit.events import EVENTS, At, Deposited, RoundAnnounced, at_of, event_of
from sluice.errors import InvalidInput
from sluice.events import FreeWithdrawals, Item, MoveOffered, SplitSet, StakesSet
from sluice.ledger import Skip
from sluice.words import POOL, WALLET, SplitWord, pack_split

ABI = Path(__file__).parents[1] / "surface" / "abi.json"
STAKER = "0x" + "ab" * 20


def log(signature: str, topics: list[int], types: list[str], values: list[object]) -> dict:
    first = event_signature_to_log_topic(signature)
    return {
        "topics": ["0x" + first.hex(), *(f"0x{topic:064x}" for topic in topics)],
        "data": "0x" + encode(types, values).hex(),
    }


def test_all_events_of_the_contract_are_read() -> None:
    """S41: none is passed over, none is made up."""
    abi = json.loads(ABI.read_text())
    signatures = {
        f"{each['name']}({','.join(field['type'] for field in each['inputs'])})"
        for each in abi
        if each["type"] == "event"
    }
    assert set(EVENTS) == signatures


def test_events_are_read_field_by_field() -> None:
    account = int(STAKER, 16)
    split = ((POOL, 4_000), (WALLET, 6_000))
    item = account | 7 << 160 | int(Skip.PAID) << 216
    skipped = account | int(Skip.TURN_USED) << 216
    given = {
        Deposited(STAKER, 5): log(
            "Deposited(address,address,uint256)", [account, 1], ["uint256"], [5 * 10**9]
        ),
        SplitSet(STAKER, 3, split): log(
            "SplitSet(address,uint256,uint256)",
            [account, 3],
            ["uint256"],
            [pack_split(SplitWord(split))],
        ),
        RoundAnnounced(9, b"\x01" * 32, b"\x02" * 32, 77): log(
            "RoundAnnounced(uint256,bytes32,bytes32,uint256)",
            [9],
            ["bytes32", "bytes32", "uint256"],
            [b"\x01" * 32, b"\x02" * 32, 77],
        ),
        FreeWithdrawals(4, (Item(STAKER, 7, Skip.PAID), Item(STAKER, 0, Skip.TURN_USED)), 88): log(
            "FreeWithdrawals(uint256,uint256[],uint256)",
            [4],
            ["uint256[]", "uint256"],
            [[item, skipped], 88],
        ),
        MoveOffered(STAKER, None): log("MoveOffered(address,address)", [account, 0], [], []),
    }
    for event, entry in given.items():
        assert event_of(entry) == event
    stakes = log("StakesSet(address,uint256[])", [account], ["uint256[]"], [[5, 64 << 54 | 6]])
    assert event_of(stakes) == StakesSet(STAKER, {0: 5, 64: 6})


def test_a_log_says_where_it_stands() -> None:
    entry = {"blockNumber": "0x10", "logIndex": "0x2", "transactionHash": "0xab"}
    assert at_of(entry) == At(16, 2, "0xab", None)
    assert at_of({**entry, "blockTimestamp": "0x20"}).time == 32


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(InvalidInput, match="an event that no escrow writes"):
        event_of(log("Transfer(address,address,uint256)", [1, 2], ["uint256"], [3]))
