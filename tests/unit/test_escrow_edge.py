"""What `sluice.escrow` knows of the contract, held against the contract itself."""

import json

from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from sluice.calls import Calls, calls
from sluice.escrow import WORDS_SLOT, Escrow
from sluice.events import FreeWithdrawals, Item, LinkApplied, free_withdrawals, links_applied
from sluice.ledger import ALL, Skip
from tests.escrow_world import deployer_of, item, words_slot

ACCOUNT = to_checksum_address("0x" + "a1" * 20)
OTHER_NAMES = {"parameters": "terms", "reserve": "reserve_nano", "burned": "burned_nano"}
WALLETS_OWN = {"eip712Domain"}
"""What only wallets read."""


def abi() -> list[dict[str, object]]:
    """The contract's functions."""
    compiled = deployer_of("Escrow.vy").compiler_data
    listed = json.loads(json.dumps(compiled_abi(compiled)))
    return [each for each in listed if each["type"] == "function"]


def compiled_abi(compiled: object) -> object:
    from vyper.compiler.output import build_abi_output

    return build_abi_output(compiled)


def test_words_stand_where_the_compiler_put_them() -> None:
    assert words_slot() == WORDS_SLOT


def test_every_function_of_the_contract_has_a_method_and_no_other() -> None:
    functions = abi()
    for function in functions:
        name = str(function["name"])
        if name not in WALLETS_OWN:
            assert hasattr(Escrow, OTHER_NAMES.get(name, name)), name
    changing = {str(f["name"]) for f in functions if f["stateMutability"] == "nonpayable"}
    offered = {name for name in vars(Calls) if not name.startswith(("_", "token_"))}
    assert offered == changing


def test_calls_have_the_contracts_selectors_and_base_units() -> None:
    made = {
        "deposit": calls.deposit(3),
        "deposit_for": calls.deposit_for(ACCOUNT, 3),
        "deposit_and_stake": calls.deposit_and_stake(3, {64: 1, 0: 2}),
        "set_stakes": calls.set_stakes({1: 0}),
        "leave": calls.leave(),
        "withdraw": calls.withdraw(ALL),
        "announce": calls.announce(1, bytes(32), b"\x01" * 32),
        "resolve": calls.resolve(1, [b"", bytes(32)], bytes(32)),
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
    assert made["deposit"][4:] == encode(["uint256"], [3 * 10**9])
    assert made["withdraw"][4:] == encode(["uint256"], [2**256 - 1])
    assert made["deposit_and_stake"][4:] == encode(
        ["uint256", "uint256[]", "uint256[]"], [3 * 10**9, [0, 64], [2 * 10**9, 10**9]]
    )


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
