"""The fortnight's free withdrawals by their script, on a real chain."""

from dataclasses import replace
from typing import Any

import ape
import pytest
from ape.api import AccountAPI
from eth_utils.address import to_checksum_address

from sluice.events import free_withdrawals
from sluice.instructions import (
    Domain,
    SignedRequest,
    pay_call,
    request,
    sign,
    with_signature,
    write_messages,
)
from sluice.ledger import ALL, Skip
from sluice.parameters import PERIOD_S
from sluice.relay.store import State, Store
from sluice.rounds import entries, links
from sluice.sending import move_time
from sluice.words import NO_DIGEST, WALLET, link_bytes
from tests.integration.conftest import NMR, ROUND, World

SAYS_YES = "0x7f1626ba7e" + "00" * 28 + "5f5260205ff3"
"""Code of a contract wallet that approves every signature."""
SAYS_NOTHING = "0x5f5ffd"

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

    accounts = [each.message.account for each in signed]
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
    assert [world.escrow.token.balance_nano(each) for each in accounts[:4]] == [
        5 * NMR,
        2 * NMR,
        0,
        0,
    ]
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
    assert world.escrow.token.balance_nano(signed[0].message.account) == 0


@pytest.fixture
def earners(world: World) -> list[AccountAPI]:
    """Four accounts with 10 NMR at risk each; model 0 of the first three sends what it earns to the
    wallet, and has earned 2, 1 and 0.5 NMR."""
    accounts = list(ape.accounts.test_accounts[3:7])
    world.escrow.approve(40 * NMR, sender=world.owner)
    for account in accounts:
        world.escrow.deposit_for(account.address, 10 * NMR, sender=world.owner)
        world.escrow.set_stakes({0: 10 * NMR}, sender=account)
        world.names[account.alias or account.address] = account.address
    for account in accounts[:3]:
        world.escrow.set_split(0, ((WALLET, 10_000),), sender=account)
    world.fund(100 * NMR)
    world.open_round()
    payouts = (2 * NMR, NMR, NMR // 2, NMR)
    earned = {(a.address, 0): payout for a, payout in zip(accounts, payouts, strict=True)}
    staked = {account.address: 10 * NMR for account in accounts}
    made = [link_bytes(link) for link in links(entries(earned, staked, 0))]
    world.announce(ROUND, made)
    world.pass_window()
    world.escrow.resolve(ROUND, made, NO_DIGEST, sender=world.operator)
    return accounts


def test_what_is_due_leaves_without_anybody_asking(world: World, earners: list[AccountAPI]) -> None:
    """S5, S26, N21: found on the chain, paid though all stakes are at risk, once a period; users
    pay no gas; what is below the floor waits, and says so (N11)."""
    url = f"sqlite:///{world.folder / 'relay.sqlite'}"
    options = ("--store", url, "--yes", "--json")
    before = [account.balance for account in earners]
    period = world.lens.current_period()

    first = world.run("pay", *options, "--min-due", "0.75")
    second = world.run("pay", *options)
    third = world.run("pay", *options)

    addresses = [account.address for account in earners]
    assert first.code == 0, first.err
    assert in_order(first.document["paid"], addresses) == [
        {"account": addresses[0], "amount_nano": 2 * NMR, "kind": "due"},
        {"account": addresses[1], "amount_nano": NMR, "kind": "due"},
    ]
    assert first.document["skipped"] == [
        {"account": addresses[2], "reason": "below the floor", "kind": "due"}
    ]
    assert (first.document["period"], first.document["floor_nano"]) == (period, 3 * NMR // 4)
    assert [each["account"] for each in second.document["paid"]] == [addresses[2]]
    assert (third.document["paid"], third.document["skipped"]) == ([], [])
    assert [world.escrow.token.balance_nano(each) for each in addresses] == [
        2 * NMR,
        NMR,
        NMR // 2,
        0,
    ]
    assert [account.balance for account in earners] == before
    for account in earners[:3]:
        held = world.lens.position(account.address)
        assert (held.due_nano, held.staked_nano, held.period) == (0, 10 * NMR, period)


def test_a_request_goes_before_what_is_due(world: World, earners: list[AccountAPI]) -> None:
    """One transaction pays both kinds; an account whose request is paid keeps the rest of what is
    due for the next period, and it rolls over visibly."""
    url = f"sqlite:///{world.folder / 'relay.sqlite'}"
    first, second, *_ = earners
    domain = Domain(world.deployment.chain_id, world.deployment.address)
    period = world.lens.current_period()
    path = world.folder / "requests.jsonl"
    write_messages([sign(request(first.address, NMR, period), domain, first)], path)
    assert world.run("relay", "add", path, "--store", url, "--json").code == 0

    paid = world.run("pay", "--store", url, "--yes", "--json")

    assert paid.code == 0, paid.err
    by_account = {each["account"]: each for each in paid.document["paid"]}
    assert by_account[first.address]["kind"] == "request"
    assert by_account[first.address]["amount_nano"] == NMR
    assert by_account[second.address]["kind"] == "due"
    assert len(by_account) == 3
    assert paid.document["transactions"] == 1
    assert {"account": first.address, "reason": "turn used", "kind": "due"} in (
        paid.document["skipped"]
    )
    (kept,) = Store(url, domain).messages()
    assert (kept.state, kept.transaction is None) == (State.APPLIED, False)
    assert world.lens.position(first.address).due_nano == NMR
    move_time(world.provider, world.escrow.time() + PERIOD_S)
    later = world.run("pay", "--store", url, "--yes", "--json")
    assert later.document["paid"] == [{"account": first.address, "amount_nano": NMR, "kind": "due"}]


def test_pay_killed_between_sending_and_writing_down_pays_nobody_twice(
    world: World, earners: list[AccountAPI]
) -> None:
    """Killed with its transaction on the way: run again it waits, then knows what it paid."""
    url = f"sqlite:///{world.folder / 'relay.sqlite'}"
    first = earners[0]
    domain = Domain(world.deployment.chain_id, world.deployment.address)
    period = world.lens.current_period()
    path = world.folder / "requests.jsonl"
    write_messages([sign(request(first.address, ALL, period), domain, first)], path)
    assert world.run("relay", "add", path, "--store", url, "--json").code == 0
    options = ("--store", url, "--yes", "--json")

    world.hold_blocks(True)
    world.kill_when_pending(world.start("pay", *options))
    waiting = world.run("pay", *options)
    assert (waiting.code, waiting.document["phase"]) == (3, "waiting")
    world.mine()
    world.hold_blocks(False)
    (sent,) = Store(url, domain).messages()
    again = world.run("pay", *options)

    assert sent.state is State.SENT
    assert again.code == 0, again.err
    assert (again.document["paid"], again.document["transactions"]) == ([], 0)
    (kept,) = Store(url, domain).messages()
    assert (kept.state, kept.transaction is None) == (State.APPLIED, False)
    paid = [world.escrow.token.balance_nano(each.address) for each in earners]
    assert paid == [2 * NMR, NMR, NMR // 2, 0]


def test_pay_waits_for_cheaper_gas(world: World, signed: list[SignedRequest]) -> None:
    """N11: above the ceiling nothing is sent and everything rolls over; below it the transaction
    itself cannot cost more."""
    path = world.folder / "requests.jsonl"
    write_messages(signed[:1], path)

    dear = world.run("pay", path, "--yes", "--json", "--max-gas-price", "0.000001")
    nonsense = world.run("pay", path, "--yes", "--json", "--max-gas-price", "cheap")
    fine = world.run("pay", path, "--yes", "--json", "--max-gas-price", "100")

    assert (dear.code, dear.document["paid"]) == (3, [])
    assert "is above the ceiling of 0.001 gwei" in dear.err
    assert "rolls over" in dear.err
    assert (nonsense.code, "write gwei above zero" in nonsense.err) == (1, True)
    assert (fine.code, len(fine.document["paid"])) == (0, 1)
    assert fine.document["fee_wei"] <= fine.document["gas"] * 100 * 10**9


def test_a_contract_wallets_request_is_asked_about(world: World) -> None:
    """N12: kept from the file, left out while the wallet does not approve."""
    wallet = to_checksum_address("0x" + "c0" * 20)
    world.escrow.approve(5 * NMR, sender=world.owner)
    world.escrow.deposit_for(wallet, 5 * NMR, sender=world.owner)
    domain = Domain(world.deployment.chain_id, world.deployment.address)
    asked = with_signature(request(wallet, NMR, 1), domain, b"\x01" * 130)
    path = world.folder / "requests.jsonl"
    write_messages([asked], path)
    world.rpc("anvil_setCode", wallet, SAYS_NOTHING)

    waits = world.run("pay", path, "--yes", "--json")
    world.rpc("anvil_setCode", wallet, SAYS_YES)
    paid = world.run("pay", path, "--yes", "--json")

    assert [each["reason"] for each in waits.document["skipped"]] == ["signature"]
    assert paid.code == 0, paid.err
    assert [each["account"] for each in paid.document["paid"]] == [wallet]
    assert world.escrow.token.balance_nano(wallet) == NMR
