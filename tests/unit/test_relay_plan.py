"""Which instructions a relay sends, in which batches, and what it learns from events."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_account import Account as Keys
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from sluice.account import Account
from sluice.calls import calls
from sluice.instructions import (
    NEVER,
    Domain,
    Signed,
    SignedInstruction,
    instruction,
    pay_call,
    relay_call,
    request,
    sign,
)
from sluice.ledger import ALL, Ledger, Skip
from sluice.parameters import Parameters
from sluice.relay.chain import Where, by_transaction, paid, relayed
from sluice.relay.plan import (
    BATCH_GAS,
    NOT_SIGNED,
    USED,
    Planned,
    batches,
    dead,
    instruction_gas,
    plan,
)
from sluice.relay.store import Outcome, State, Stored
from sluice.words import MAX_NONCE
from tests.escrow_world import item

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = Domain(31_337, to_checksum_address("0x" + "5c" * 20))
KEY = Keys.from_key("0x" + "07" * 32)
OTHER_KEY = Keys.from_key("0x" + "09" * 32)
PARAMETERS = Parameters(first_pass=10, first_pass_time=2_000, deployed_at=1_000)
NOW = 1_500
HERE = Where("0xaa", 7)


def book(**account: object) -> Ledger:
    """A ledger with 10 nano in the pool of each of the two accounts, nonces 0."""
    made = Ledger(PARAMETERS)
    for key in (KEY, OTHER_KEY):
        made.accounts[key.address] = Account(pool_nano=10)
    for name, value in account.items():
        setattr(made.accounts[KEY.address], name, value)
    return made


def order(
    nonce: int,
    stakes_nano: Mapping[int, int] | None = None,
    deadline: int = NEVER,
    key: Keys = KEY,
) -> SignedInstruction:
    asked = instruction(
        key.address, {0: 1} if stakes_nano is None else stakes_nano, {}, nonce, deadline
    )
    return sign(asked, DOMAIN, key)


def kept(*signed: Signed, by_key: bool = True) -> list[Stored]:
    return [
        Stored(number, each, by_key, State.PENDING, None, None, None)
        for number, each in enumerate(signed)
    ]


def reasons(*signed: Signed, ledger: Ledger | None = None, good: bool = True) -> list[str | None]:
    stored = kept(*signed)
    numbers = {each.number for each in stored} if good else set()
    return [each.reason for each in plan(stored, ledger or book(), numbers, NOW)]


def test_plan_sends_what_the_contract_would_apply_in_the_order_of_nonces() -> None:
    """N17: each builds on the ones before it, each account by itself."""
    assert reasons(order(0, {0: 10}), order(1, {0: 3, 5: 7}), order(2, {1: 1})) == [
        None,
        None,
        "stakes: the pool holds too little, deposit first",
    ]
    assert reasons(order(0), order(0, key=OTHER_KEY), order(1, key=OTHER_KEY)) == [None] * 3


@pytest.mark.parametrize(
    ("asked", "ledger", "good", "reason"),
    [
        (order(0, deadline=NOW), book(), True, None),
        (order(0, deadline=NOW - 1), book(), False, "instruction: expired"),
        (order(0), book(nonce=1), False, "instruction: its nonce is used or cancelled"),
        (order(2), book(nonce=1), False, "instruction: its nonce is still to come"),
        (order(0), book(), False, "signature: not the account's"),
        (order(0, {0: 11}), book(), False, "signature: not the account's"),
        (order(0, {0: 11}), book(), True, "stakes: the pool holds too little, deposit first"),
        (order(0), book(nonce=MAX_NONCE), True, "instruction: its nonce is used or cancelled"),
    ],
)
def test_plan_gives_the_contracts_reason_in_the_contracts_order(
    asked: SignedInstruction, ledger: Ledger, good: bool, reason: str | None
) -> None:
    assert reasons(asked, ledger=ledger, good=good) == [reason]


def test_one_that_waits_holds_up_the_later_ones_of_its_account_only() -> None:
    """What is left out does not raise the nonce."""
    assert reasons(order(0, {0: 11}), order(1), order(0, key=OTHER_KEY)) == [
        "stakes: the pool holds too little, deposit first",
        "instruction: its nonce is still to come",
        None,
    ]


def test_of_two_with_one_nonce_the_first_that_can_be_applied_goes() -> None:
    assert reasons(order(0, {0: 11}), order(0, {0: 2}), order(0, {0: 3})) == [
        "stakes: the pool holds too little, deposit first",
        None,
        "instruction: its nonce is used or cancelled",
    ]


def test_requests_are_not_relayed() -> None:
    assert plan(kept(sign(request(KEY.address, 1, 1), DOMAIN, KEY)), book(), {0}, NOW) == []


def planned(count: int, signature: bytes = bytes(65), by_key: bool = True) -> list[Planned]:
    one = order(0)
    stored = replace(kept(one, by_key=by_key)[0], signed=replace(one, signature=signature))
    return [Planned(replace(stored, number=n), one.message, None) for n in range(count)]


def test_batches_fit_a_transaction() -> None:
    """By the bytes of instructions and signatures and by gas; in order, none left out."""
    by_length = 8_192 // 64
    assert [len(batch) for batch in batches(planned(2 * by_length + 1))] == [by_length] * 2 + [1]
    in_batches = [each for batch in batches(planned(500)) for each in batch]
    assert in_batches == [each.stored for each in planned(500)]
    gas = instruction_gas(planned(1, by_key=False)[0])
    wallets = [len(b) for b in batches(planned(60, by_key=False))]
    assert wallets[0] == (BATCH_GAS - 300_000) // gas
    long = [len(b) for b in batches(planned(9, bytes(2_048), by_key=False))]
    assert long == [3, 3, 3]
    every = instruction(KEY.address, dict.fromkeys(range(65), 1), {}, 0)
    large = [replace(each, instruction=every) for each in planned(31)]
    assert [len(b) for b in batches(large)] == [14, 14, 3]
    waiting = [replace(each, reason="instruction: expired") for each in planned(3)]
    assert batches(waiting) == []


def test_the_reasons_that_the_plan_gives_are_the_contracts() -> None:
    golden = json.loads((ROOT / "tests/surface/refusals.json").read_text())

    assert {NOT_SIGNED, USED} <= {text for texts in golden.values() for text in texts}


def test_dead_is_what_no_transaction_can_apply_any_more() -> None:
    """Used, cancelled, expired; all else may become good and stays."""
    wish = sign(request(KEY.address, ALL, 3, 1_600), DOMAIN, KEY)
    (used, to_come, expired, turn, later) = kept(
        order(0), order(2), order(1, deadline=NOW - 1), wish, order(1, {0: 11})
    )

    assert dead(used, book(nonce=1), NOW) == Outcome(
        0, State.SKIPPED, "instruction: its nonce is used or cancelled"
    )
    assert dead(to_come, book(nonce=1), NOW) is None
    assert dead(expired, book(nonce=1), NOW) == Outcome(2, State.EXPIRED)
    assert dead(turn, book(period=3), NOW) == Outcome(3, State.SKIPPED, "turn used")
    assert dead(turn, book(period=2), NOW) is None
    assert dead(turn, book(period=2), 1_601) == Outcome(3, State.EXPIRED)
    assert dead(later, book(nonce=1), NOW) is None


def relayed_log(batch: list[SignedInstruction], applied: int) -> dict[str, object]:
    data = encode(["bytes", "uint256", "uint256"], [relay_call(batch).instructions, applied, NOW])
    return {"topics": [keccak(text="InstructionsRelayed(bytes,uint256,uint256)")], "data": data}


def skipped_log(signed: SignedInstruction, reason: str) -> dict[str, object]:
    account = bytes(12) + bytes.fromhex(signed.message.account[2:])
    return {
        "topics": [keccak(text="InstructionSkipped(address,uint256,string)"), account],
        "data": encode(["uint256", "string"], [signed.message.nonce, reason]),
    }


def test_what_was_relayed_is_found_again_by_its_bytes() -> None:
    """Whoever sent it, among whatever others: applied, skipped for good, or still to be done."""
    mine, gone, waits = order(0), order(1), order(2, {0: 11})
    foreign = order(5, key=OTHER_KEY)
    logs = [
        skipped_log(foreign, "instruction: its nonce is still to come"),
        skipped_log(gone, "instruction: its nonce is used or cancelled"),
        skipped_log(waits, "stakes: the pool holds too little, deposit first"),
        relayed_log([foreign, mine, gone, waits], 0b0010),
    ]

    assert relayed(logs, HERE, kept(mine, gone, waits, order(3))) == [
        Outcome(0, State.APPLIED, None, "0xaa", 7),
        Outcome(1, State.SKIPPED, "instruction: its nonce is used or cancelled", "0xaa", 7),
        Outcome(2, State.PENDING, "stakes: the pool holds too little, deposit first"),
    ]
    assert relayed([relayed_log([mine, gone], 0b01)], HERE, kept(gone)) == []


def pay_log(*items: int, period: int = 4) -> dict[str, object]:
    return {
        "topics": [
            keccak(text="FreeWithdrawals(uint256,uint256[],uint256)"),
            period.to_bytes(32, "big"),
        ],
        "data": encode(["uint256[]", "uint256"], [list(items), NOW]),
    }


def test_what_was_paid_is_found_again_by_the_calls_requests() -> None:
    """Two requests of one account: the calldata says which one it was; what is due is nobody's."""
    first = sign(request(KEY.address, ALL, 4), DOMAIN, KEY)
    second = sign(request(KEY.address, 5, 4), DOMAIN, KEY)
    third = sign(request(OTHER_KEY.address, 9, 4), DOMAIN, OTHER_KEY)
    call = pay_call([second, third])
    data = calls.pay(call.requests, (KEY.address,), call.signatures)
    log = pay_log(
        item(KEY.address, 5, Skip.PAID),
        item(OTHER_KEY.address, 0, Skip.ABOVE_WITHDRAWABLE),
        item(KEY.address, 0, Skip.TURN_USED),
    )

    assert paid([log], HERE, data, kept(first, second, third)) == [
        Outcome(1, State.APPLIED, None, "0xaa", 7),
        Outcome(2, State.PENDING, "above withdrawable"),
    ]
    only_due = calls.pay([], [KEY.address], b"")
    assert paid([pay_log(item(KEY.address, 5, Skip.PAID))], HERE, only_due, kept(second)) == []


def test_behind_a_multisig_account_and_amount_tell() -> None:
    early = sign(request(KEY.address, 6, 4), DOMAIN, KEY)
    to_come = sign(request(KEY.address, 5, 5), DOMAIN, KEY)
    fits = sign(request(KEY.address, 5, 4), DOMAIN, KEY)
    everything = sign(request(KEY.address, ALL, 4), DOMAIN, KEY)
    log = pay_log(item(KEY.address, 5, Skip.PAID))

    found = paid([log], HERE, b"\x01" * 40, kept(early, to_come, fits, everything))
    assert found == [Outcome(2, State.APPLIED, None, "0xaa", 7)]


def test_logs_are_told_apart_by_their_transaction() -> None:
    def log(transaction: int, block: int) -> dict[str, object]:
        return {"transactionHash": bytes([transaction] * 32), "blockNumber": block}

    one, two, three = log(1, 5), log(2, 5), log(1, 5)

    assert by_transaction([one, two, three]) == [
        (Where("0x" + "01" * 32, 5), [one, three]),
        (Where("0x" + "02" * 32, 5), [two]),
    ]
