"""What `sluice.escrow` knows of the contract, held against the contract itself."""

import json

from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from sluice.calls import Calls, calls
from sluice.escrow import Escrow
from sluice.events import (
    AccountMoved,
    FreeWithdrawals,
    InstructionsCancelled,
    InstructionSkipped,
    InstructionsRelayed,
    Item,
    LinkApplied,
    MoveOffered,
    Paused,
    RoundVetoed,
    SplitSet,
    StakesSet,
    Unpaused,
    WithdrawalCancelled,
    accounts_moved,
    free_withdrawals,
    instructions_cancelled,
    instructions_relayed,
    instructions_skipped,
    links_applied,
    moves_offered,
    pauses,
    pauses_ended,
    rounds_vetoed,
    splits_set,
    stakes_set,
    withdrawals_cancelled,
)
from sluice.ledger import ALL, Skip
from sluice.lens import Lens
from sluice.storage import WORDS_SLOT
from sluice.words import POOL, SplitWord, pack_split
from tests.compiled import deployer_of, words_slot
from tests.escrow_world import item

ACCOUNT = to_checksum_address("0x" + "a1" * 20)
OTHER = to_checksum_address("0x" + "b2" * 20)
OTHER_NAMES = {
    "parameters": "terms",
    "reserve": "reserve_nano",
    "burned": "burned_nano",
    "word": "storage",
}


def abi() -> list[dict[str, object]]:
    """The contract's functions."""
    compiled = deployer_of("Escrow.vy").compiler_data
    listed = json.loads(json.dumps(compiled_abi(compiled)))
    return [each for each in listed if each["type"] == "function"]


def views() -> list[str]:
    """The names of the contract's functions that change nothing."""
    return [str(each["name"]) for each in abi() if each["stateMutability"] in ("view", "pure")]


def compiled_abi(compiled: object) -> object:
    from vyper.compiler.output import build_abi_output

    return build_abi_output(compiled)


def test_words_stand_where_the_compiler_put_them() -> None:
    assert words_slot() == WORDS_SLOT


def test_every_function_of_the_contract_has_a_method_and_no_other() -> None:
    functions = abi()
    for function in functions:
        name = str(function["name"])
        named = OTHER_NAMES.get(name, name)
        assert hasattr(Escrow, named) or hasattr(Lens, named), name
    changing = {str(f["name"]) for f in functions if f["stateMutability"] == "nonpayable"}
    offered = {name for name in vars(Calls) if not name.startswith(("_", "token_"))}
    assert offered == changing


def test_calls_have_the_contracts_selectors_and_base_units() -> None:
    made = {
        "deposit": calls.deposit(3),
        "deposit_for": calls.deposit_for(ACCOUNT, 3),
        "deposit_and_stake": calls.deposit_and_stake(3, {64: 1, 0: 2}),
        "set_stakes": calls.set_stakes({1: 0}),
        "set_split": calls.set_split(3, ((POOL, 4_000), (5, 6_000))),
        "relay": calls.relay(b"\x01", b""),
        "cancel_instructions": calls.cancel_instructions(4),
        "cancel_withdrawal": calls.cancel_withdrawal(),
        "leave": calls.leave(),
        "withdraw": calls.withdraw(ALL),
        "offer_move": calls.offer_move(ACCOUNT),
        "accept_move": calls.accept_move(ACCOUNT),
        "relay_move": calls.relay_move(ACCOUNT, OTHER, 2**256 - 1, b"\x01" * 64, b""),
        "announce": calls.announce(1, bytes(32), b"\x01" * 32),
        "resolve": calls.resolve(1, [b"", bytes(32)], bytes(32)),
        "veto": calls.veto(1),
        "pause": calls.pause(),
        "unpause": calls.unpause(),
        "pay": calls.pay([1], [], b"\x00\x00"),
        "fund": calls.fund(1),
        "withdraw_reserve": calls.withdraw_reserve(1),
        "burn": calls.burn(),
        "set_operator": calls.set_operator(ACCOUNT),
        "set_guardian": calls.set_guardian(ACCOUNT),
        "transfer_ownership": calls.transfer_ownership(ACCOUNT),
        "accept_ownership": calls.accept_ownership(),
    }
    selectors = {}
    for function in abi():
        types = ",".join(str(each["type"]) for each in function["inputs"])  # type: ignore[index]
        selectors[function["name"]] = function_signature_to_4byte_selector(
            f"{function['name']}({types})"
        )
    assert {name: data[:4] for name, data in made.items()} == {
        name: selectors[name] for name in made
    }
    assert set(selectors) - set(made) == set(views())
    assert made["deposit"][4:] == encode(["uint256"], [3 * 10**9])
    assert made["set_split"][4:] == encode(
        ["uint256", "uint256[]", "uint256[]"], [3, [POOL, 5], [4_000, 6_000]]
    )
    assert made["withdraw"][4:] == encode(["uint256"], [2**256 - 1])
    assert made["deposit_and_stake"][4:] == encode(
        ["uint256", "uint256[]", "uint256[]"], [3 * 10**9, [0, 64], [2 * 10**9, 10**9]]
    )


def event(signature: str, *indexed: int | str, **data: object) -> dict[str, object]:
    """A log as a node gives it; `data` by Solidity type, `_` for brackets."""
    topics = [int(each, 16) if isinstance(each, str) else each for each in indexed]
    return {
        "topics": [keccak(text=signature), *(each.to_bytes(32, "big") for each in topics)],
        "data": encode([name.replace("_", "[]") for name in data], list(data.values())),
    }


def test_events_of_an_account_are_read() -> None:
    """Each into its own type, and none into another's."""
    split = SplitWord(((3, 2_500), (POOL, 7_500)))
    relayed = {
        "topics": [keccak(text="InstructionsRelayed(bytes,uint256,uint256)")],
        "data": encode(["bytes", "uint256", "uint256"], [b"\x07" * 40, 5, 99]),
    }
    skipped = {
        "topics": [
            keccak(text="InstructionSkipped(address,uint256,string)"),
            bytes(12) + bytes.fromhex(ACCOUNT[2:]),
        ],
        "data": encode(["uint256", "string"], [4, "instruction: expired"]),
    }
    logs = [
        event("SplitSet(address,uint256,uint256)", ACCOUNT, 2, uint256=pack_split(split)),
        event("SplitSet(address,uint256,uint256)", ACCOUNT, 64, uint256=0),
        event("StakesSet(address,uint256[])", ACCOUNT, uint256_=[5, 64 << 54 | 6]),
        relayed,
        skipped,
        event("InstructionsCancelled(address,uint256)", ACCOUNT, uint256=9),
        event("WithdrawalCancelled(address,uint256)", ACCOUNT, uint256=3),
    ]

    assert splits_set(logs) == [
        SplitSet(ACCOUNT, 2, ((3, 2_500), (POOL, 7_500))),
        SplitSet(ACCOUNT, 64, ()),
    ]
    assert stakes_set(logs) == [StakesSet(ACCOUNT, {0: 5, 64: 6})]
    assert instructions_relayed(logs) == [InstructionsRelayed(b"\x07" * 40, 5, 99)]
    assert instructions_skipped(logs) == [InstructionSkipped(ACCOUNT, 4, "instruction: expired")]
    assert instructions_cancelled(logs) == [InstructionsCancelled(ACCOUNT, 9)]
    assert withdrawals_cancelled(logs) == [WithdrawalCancelled(ACCOUNT, 3)]


def test_events_of_powers_and_moves_are_read() -> None:
    """Each into its own type, and none into another's; an offer taken back names nobody."""
    logs = [
        event("RoundVetoed(uint256,bytes32)", 261, bytes32=b"\x05" * 32),
        event("Paused(uint256)", uint256=99),
        event("Unpaused()"),
        event("MoveOffered(address,address)", ACCOUNT, OTHER),
        event("MoveOffered(address,address)", ACCOUNT, 0),
        event("AccountMoved(address,address,uint256)", ACCOUNT, OTHER, uint256=1_000),
    ]

    assert rounds_vetoed(logs) == [RoundVetoed(261, b"\x05" * 32)]
    assert pauses(logs) == [Paused(99)]
    assert pauses_ended(logs) == [Unpaused()]
    assert moves_offered(logs) == [MoveOffered(ACCOUNT, OTHER), MoveOffered(ACCOUNT, None)]
    assert accounts_moved(logs) == [AccountMoved(ACCOUNT, OTHER, 1_000)]


def test_events_are_read_whether_bytes_or_text() -> None:
    topic = keccak(text="FreeWithdrawals(uint256,uint256[],uint256)")
    words = [item(ACCOUNT, 7, Skip.PAID), item(ACCOUNT, 0, Skip.EXPIRED)]
    paid = {
        "topics": ["0x" + topic.hex(), "0x" + (5).to_bytes(32, "big").hex()],
        "data": "0x" + encode(["uint256[]", "uint256"], [words, 99]).hex(),
    }
    topic = keccak(text="LinkApplied(uint256,bytes,uint256)")
    applied = {
        "topics": [topic, (261).to_bytes(32, "big")],
        "data": encode(["bytes", "uint256"], [b"\x01" * 32, 98]),
    }
    other = {"topics": [], "data": b""}

    assert free_withdrawals([other, applied, paid]) == [
        FreeWithdrawals(5, (Item(ACCOUNT, 7, Skip.PAID), Item(ACCOUNT, 0, Skip.EXPIRED)), 99)
    ]
    assert links_applied([paid, applied]) == [LinkApplied(261, b"\x01" * 32, 98)]
