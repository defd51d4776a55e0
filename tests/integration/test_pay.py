"""The fortnight's free withdrawals by their script, on a real chain."""

from dataclasses import replace
from typing import Any

import ape
import pytest

from sluice.events import free_withdrawals
from sluice.instructions import (
    Domain,
    SignedRequest,
    pay_call,
    request,
    sign,
    write_messages,
)
from sluice.ledger import ALL, Skip
from tests.integration.conftest import NMR, World

pytestmark = pytest.mark.anvil


@pytest.fixture
def signed(world: World) -> list[SignedRequest]:
    """Five requests of accounts with 5 NMR in the pool: for all, for 2 NMR, a stranger's signature,
    one for too much, and a second one of the first account."""
    domain = Domain(world.deployment.chain_id, world.deployment.address)
    stakers = ape.accounts.test_accounts[3:7]
    world.escrow.approve(20 * NMR, sender=world.owner)
    for staker in stakers:
        world.escrow.deposit_for(staker.address, 5 * NMR, sender=world.owner)
    amounts = (ALL, 2 * NMR, NMR, 6 * NMR)
    made = [
        sign(request(staker.address, amount, 1), domain, staker)
        for staker, amount in zip(stakers, amounts, strict=True)
    ]
    made[2] = replace(made[2], signature=made[0].signature)
    return [*made, sign(request(stakers[0].address, NMR, 1), domain, stakers[0])]


def in_order(listed: list[dict[str, Any]], accounts: list[str]) -> list[dict[str, Any]]:
    """What a document lists, in the order of these accounts."""
    return sorted(listed, key=lambda each: accounts.index(each["account"]))


def test_pay_pays_what_it_can_and_nobody_twice(world: World, signed: list[SignedRequest]) -> None:
    """S20, S30, N10: the account pays no gas, a bad request blocks nobody, and a second run pays
    nobody twice, since the turn is used."""
    path = world.folder / "requests.jsonl"
    write_messages(signed, path)
    before = [ape.accounts.test_accounts[i].balance for i in range(3, 7)]

    dry = world.run("pay", path, "--dry-run", "--json")
    first = world.run("pay", path, "--yes", "--json")
    second = world.run("pay", path, "--yes", "--json")

    accounts = [each.request.account for each in signed]
    assert (dry.code, dry.document["paid"], dry.document["transactions"]) == (0, [], 0)
    assert first.code == 0, first.err
    assert in_order(first.document["paid"], accounts) == [
        {"account": accounts[0], "amount_nano": 5 * NMR, "kind": "request"},
        {"account": accounts[1], "amount_nano": 2 * NMR, "kind": "request"},
    ]
    assert in_order(first.document["skipped"], accounts) == [
        {"account": accounts[0], "reason": "turn used", "kind": "request"},
        {"account": accounts[2], "reason": "signature", "kind": "request"},
        {"account": accounts[3], "reason": "above withdrawable", "kind": "request"},
    ]
    assert (first.document["period"], first.document["transactions"]) == (1, 1)
    assert (first.document["users_gas"], first.document["floor_nano"]) == (0, 0)
    assert first.document["gas"] > 21_000
    assert (second.code, second.document["paid"], second.document["transactions"]) == (0, [], 0)
    assert [each["reason"] for each in in_order(second.document["skipped"], accounts)] == [
        "turn used",
        "turn used",
        "turn used",
        "signature",
        "above withdrawable",
    ]
    assert [world.escrow.balance_nano(each) for each in accounts[:4]] == [5 * NMR, 2 * NMR, 0, 0]
    pools = [world.lens.position(each).pool_nano for each in accounts[:4]]
    assert pools == [0, 3 * NMR, 5 * NMR, 5 * NMR]
    assert [ape.accounts.test_accounts[i].balance for i in range(3, 7)] == before


def test_pay_is_the_operators_and_a_batch_skips_a_bad_signature(
    world: World, signed: list[SignedRequest]
) -> None:
    """Whatever the script looked at before: the contract decides, and says why."""
    path = world.folder / "requests.jsonl"
    write_messages(signed, path)

    refused = world.run("pay", path, "--account", 5, "--yes", "--json")
    call = pay_call(signed)
    receipt = world.escrow.pay(call.requests, (), call.signatures, sender=world.operator)

    assert refused.code == 1
    assert refused.document["error"] == "caller: only the operator"
    (batch,) = free_withdrawals(receipt.logs)
    assert [item.skip for item in batch.items] == [
        Skip.PAID,
        Skip.PAID,
        Skip.SIGNATURE,
        Skip.ABOVE_WITHDRAWABLE,
        Skip.TURN_USED,
    ]
    assert [item.paid_nano for item in batch.items] == [5 * NMR, 2 * NMR, 0, 0, 0]


def test_pay_refuses_a_request_for_another_contract(
    world: World, signed: list[SignedRequest]
) -> None:
    path = world.folder / "requests.jsonl"
    elsewhere = replace(signed[1], domain=Domain(1, signed[1].domain.contract))
    write_messages([signed[0], elsewhere], path)

    refused = world.run("pay", path, "--yes", "--json")

    assert refused.code == 1
    assert "requests.jsonl, line 2: it is signed for chain_id 1, not for 31337" in refused.err
    assert world.escrow.balance_nano(signed[0].request.account) == 0
