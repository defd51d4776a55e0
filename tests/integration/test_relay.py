"""Gas-free changes by the relay's script, on a real chain: sent, killed, sent by others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ape
import pytest
from ape.api import AccountAPI
from eth_utils.address import to_checksum_address

from sluice.account import Split
from sluice.instructions import (
    NEVER,
    Domain,
    Signed,
    SignedInstruction,
    instruction,
    relay_call,
    request,
    sign,
    with_signature,
    write_messages,
)
from sluice.ledger import ALL
from sluice.relay.commands import default_url
from sluice.relay.plan import Planned, instruction_gas
from sluice.relay.store import State, Store, Stored
from sluice.sending import move_time
from sluice.words import POOL, WALLET
from tests.integration.conftest import NMR, Run, World

pytestmark = pytest.mark.anvil

HALVES: Split = ((POOL, 5_000), (WALLET, 5_000))
WALLET_ADDRESS = to_checksum_address("0x" + "c0" * 20)
SAYS_YES = "0x7f1626ba7e" + "00" * 28 + "5f5260205ff3"
"""Code of a contract wallet that approves every signature."""
SAYS_NOTHING = "0x5f5ffd"


class Office:
    """A relay's store, its script, and the people who sign."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.domain = Domain(world.deployment.chain_id, world.deployment.address)
        self.url = f"sqlite:///{world.folder / 'relay.sqlite'}"
        self.stakers: list[AccountAPI] = list(ape.accounts.test_accounts[3:6])
        world.escrow.approve(100 * NMR, sender=world.owner)
        for staker in self.stakers:
            world.escrow.deposit_for(staker.address, 10 * NMR, sender=world.owner)

    def order(
        self,
        staker: AccountAPI,
        nonce: int,
        stakes_nano: Mapping[int, int],
        splits: Mapping[int, Split] | None = None,
        deadline: int = NEVER,
    ) -> SignedInstruction:
        asked = instruction(staker.address, stakes_nano, splits or {}, nonce, deadline)
        return sign(asked, self.domain, staker)

    def file(self, signed: Sequence[Signed]) -> Path:
        path = self.world.folder / f"messages{len(list(self.world.folder.iterdir()))}.jsonl"
        write_messages(signed, path)
        return path

    def add(self, *signed: Signed) -> Run:
        return self.world.run("relay", "add", self.file(signed), "--store", self.url, "--json")

    def send(self, *arguments: object) -> Run:
        return self.world.run("relay", "send", *self.options(), *arguments)

    def to_come(self, *arguments: object) -> list[dict[str, Any]]:
        run = self.world.run("relay", "list", "--store", self.url, "--json", *arguments)
        assert run.code == 0, run.err
        listed: list[dict[str, Any]] = run.document["to_come"]
        return listed

    def options(self) -> list[object]:
        return ["--store", self.url, "--yes", "--json"]

    def kept(self) -> list[Stored]:
        return Store(self.url, self.domain).messages()

    def states(self) -> list[State]:
        return [each.state for each in self.kept()]

    def stakes(self, staker: AccountAPI) -> dict[int, int]:
        return self.world.lens.stakes_of(staker.address)


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


def test_a_relay_pays_the_gas_and_leaves_out_what_cannot_be(office: Office) -> None:
    """N12, N17, S13: one signature changes stakes and splits; users pay nothing; what cannot be
    applied says why, holds nobody up and is sent when it can be."""
    world = office.world
    first, second, third = office.stakers
    good = [
        office.order(first, 0, {0: 6 * NMR, 3: 4 * NMR}, {3: HALVES, 7: ((0, 10_000),)}),
        office.order(first, 1, {0: NMR}),
        office.order(third, 0, {64: NMR}),
    ]
    too_much = office.order(second, 0, {0: 11 * NMR})
    before = [staker.balance for staker in office.stakers]

    added = office.add(*good, too_much, good[0])
    dry = office.send("--dry-run")
    sent = office.send()
    again = office.send()

    assert added.code == 0, added.err
    assert (added.document["new"], added.document["known"]) == (4, 1)
    assert (dry.code, dry.document["applied"], dry.document["transactions"]) == (0, [], 0)
    assert sent.code == 0, sent.err
    document = sent.document
    assert {(each["account"], each["nonce"]) for each in document["applied"]} == {
        (first.address, 0), (first.address, 1), (third.address, 0),
    }  # fmt: skip
    assert [(each["account"], each["reason"]) for each in document["left_out"]] == [
        (second.address, "stakes: the pool holds too little, deposit first")
    ]
    assert (document["transactions"], document["users_gas"], document["skipped"]) == (1, 0, [])
    assert document["gas"] > 21_000
    assert (again.code, again.document["applied"], again.document["transactions"]) == (0, [], 0)
    assert office.stakes(first) == {0: NMR, 3: 4 * NMR}
    assert office.stakes(third) == {64: NMR}
    assert world.lens.splits_of(first.address) == {3: HALVES, 7: ((0, 10_000),)}
    assert [staker.balance for staker in office.stakers] == before

    world.escrow.deposit_for(second.address, NMR, sender=world.owner)
    late = office.send()
    assert [each["account"] for each in late.document["applied"]] == [second.address]
    assert office.stakes(second) == {0: 11 * NMR}
    assert [staker.balance for staker in office.stakers] == before


def test_add_refuses_what_nobody_could_ever_send(office: Office) -> None:
    """N19: a stranger's signature, a used nonce, a deadline past; the others of the file are
    kept."""
    world = office.world
    first, second, third = office.stakers
    good = office.order(first, 0, {0: NMR})
    forged = replace(office.order(first, 0, {0: 2 * NMR}), signature=good.signature)
    expired = office.order(second, 0, {0: NMR}, deadline=1_000)
    world.escrow.cancel_instructions(3, sender=third)
    used = office.order(third, 2, {0: NMR})

    added = office.add(forged, expired, good, used)

    assert added.code == 1
    assert added.document["new"] == 1
    assert [each["reason"].split(":")[0] for each in added.document["refused"]] == [
        f"{first.address} did not sign it",
        "its deadline has passed",
        "instruction",
    ]
    assert [each.signed for each in office.kept()] == [good]
    bad_file = world.folder / "bad.jsonl"
    bad_file.write_text("{}\n")
    refused = world.run("relay", "add", bad_file, "--store", office.url, "--json")
    assert (refused.code, "bad.jsonl, line 1" in refused.err) == (1, True)


def test_list_shows_what_is_one_time_and_what_is_standing(office: Office) -> None:
    """N18: every pending thing says which it is."""
    world = office.world
    first, second, _ = office.stakers
    world.escrow.set_split(3, HALVES, sender=second)
    ask = sign(request(first.address, ALL, 1), office.domain, first)
    assert office.add(office.order(first, 0, {0: NMR}), ask).code == 0

    listed = office.to_come()

    assert [(each["account"], each["lasts"], each["state"]) for each in listed] == [
        (first.address, "one-time", "pending"),
        (first.address, "one-time", "pending"),
        (second.address, "standing", "in every pass"),
    ]
    assert listed[0]["what"] == "instruction 0: stake of model 0 becomes 1.000000000 NMR"
    assert listed[1]["what"] == "free withdrawal of all that is withdrawable, from period 1 on"
    assert "50.00% to the pool" in listed[2]["what"]
    only_second = office.to_come("--account", second.address)
    assert [each["account"] for each in only_second] == [second.address]
    assert office.send().code == 0
    assert [each["state"] for each in office.to_come("--account", first.address)] == ["pending"]
    everything = office.to_come("--account", first.address, "--all")
    assert [each["state"] for each in everything] == ["applied", "pending"]


def test_a_relay_killed_at_any_moment_carries_on(office: Office) -> None:
    """Killed between sending and writing down, its transaction lost; killed again, its transaction
    mined: run again, everything is applied exactly once, and the store knows by what."""
    world = office.world
    messages = [
        office.order(staker, nonce, {nonce: NMR}) for staker in office.stakers for nonce in range(3)
    ]
    assert office.add(*messages).code == 0
    start = lambda: world.start("relay", "send", *office.options())  # noqa: E731

    world.hold_blocks(True)
    world.kill_when_pending(start())
    assert office.states() == [State.SENT] * 9
    waiting = office.send()
    assert (waiting.code, waiting.document) == (3, {"phase": "waiting"})
    world.rpc("anvil_dropAllTransactions")
    world.kill_when_pending(start())
    world.mine()
    world.hold_blocks(False)
    assert office.states() == [State.SENT] * 9
    for staker in office.stakers:
        assert office.stakes(staker) == {0: NMR, 1: NMR, 2: NMR}

    done = office.send()

    assert done.code == 0, done.err
    assert (done.document["transactions"], done.document["applied"]) == (0, [])
    kept = office.kept()
    assert {(each.state, each.reason) for each in kept} == {(State.APPLIED, None)}
    (transaction,) = {each.transaction for each in kept}
    assert transaction is not None
    assert world.provider.web3.eth.get_transaction(transaction)["to"] == world.escrow.address
    for staker in office.stakers:
        assert world.lens.position(staker.address).nonce == 3
    later = [office.order(staker, 3, {9: NMR}) for staker in office.stakers]
    assert office.add(*later).code == 0
    assert len(office.send().document["applied"]) == 3


def test_what_others_relayed_or_cancelled_is_written_down(office: Office) -> None:
    """The chain is the truth: sent by a stranger, replaced by one with the same nonce, cancelled,
    expired."""
    world = office.world
    first, second, third = office.stakers
    stranger = ape.accounts.test_accounts[8]
    deadline = world.escrow.time() + 3_600
    by_stranger, replaced = office.order(first, 0, {0: NMR}), office.order(second, 0, {0: NMR})
    cancelled = office.order(third, 0, {0: NMR})
    expires = office.order(third, 1, {0: 2 * NMR}, deadline=deadline)
    assert office.add(by_stranger, replaced, cancelled, expires).code == 0
    instead = office.order(second, 0, {5: NMR})
    call = relay_call([by_stranger, instead])
    receipt = world.escrow.relay(call.instructions, call.signatures, sender=stranger)
    world.escrow.cancel_instructions(1, sender=third)
    move_time(world.provider, deadline + 1)

    sent = office.send()

    assert (sent.code, sent.document["transactions"]) == (0, 0)
    outcomes = [(e.signed, e.state, e.reason, e.transaction) for e in office.kept()]
    assert (by_stranger, State.APPLIED, None, str(receipt.txn_hash)) in outcomes
    used = "instruction: its nonce is used or cancelled"
    assert (replaced, State.SKIPPED, used, None) in outcomes
    assert (cancelled, State.SKIPPED, used, None) in outcomes
    assert (expires, State.EXPIRED, None, None) in outcomes
    assert office.stakes(second) == {5: NMR}
    assert office.stakes(third) == {}


def test_a_contract_wallet_is_asked_when_it_is_to_be_sent(office: Office) -> None:
    """N12: kept whatever the wallet says now, sent once it approves, never counted as signed."""
    world = office.world
    world.escrow.deposit_for(WALLET_ADDRESS, 5 * NMR, sender=world.owner)
    asked = instruction(WALLET_ADDRESS, {2: NMR}, {}, 0)
    signed = with_signature(asked, office.domain, b"\x01" * 130)
    no_code = office.add(signed)
    world.rpc("anvil_setCode", WALLET_ADDRESS, SAYS_NOTHING)

    added = office.add(signed)
    waits = office.send()
    world.rpc("anvil_setCode", WALLET_ADDRESS, SAYS_YES)
    sent = office.send()

    assert (no_code.code, added.code) == (1, 0)
    assert [each["reason"] for each in waits.document["left_out"]] == [
        "signature: not the account's"
    ]
    assert sent.code == 0, sent.err
    assert [each["account"] for each in sent.document["applied"]] == [WALLET_ADDRESS]
    assert world.lens.stakes_of(WALLET_ADDRESS) == {2: NMR}


def test_a_store_that_is_lost_is_filled_from_the_same_file(office: Office) -> None:
    """What is applied is refused as used, what is not is kept and sent."""
    first, second, _ = office.stakers
    done, open_ = office.order(first, 0, {0: NMR}), office.order(second, 0, {0: NMR})
    assert office.add(done).code == 0
    assert office.send().code == 0
    (office.world.folder / "relay.sqlite").unlink()

    added = office.add(done, open_)
    sent = office.send()

    assert (added.code, added.document["new"]) == (1, 1)
    assert [each["account"] for each in sent.document["applied"]] == [second.address]
    assert office.stakes(first) == office.stakes(second) == {0: NMR}


def test_a_batch_that_does_not_fit_is_sent_in_parts(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a transaction has less room than expected, the batch is halved, in order."""
    monkeypatch.setattr("sluice.contract.MAX_TRANSACTION_GAS", 400_000)
    messages = [
        office.order(staker, nonce, {nonce: NMR}, {nonce: HALVES})
        for staker in office.stakers
        for nonce in range(4)
    ]
    assert office.add(*messages).code == 0

    sent = office.send()

    assert sent.code == 0, sent.err
    assert len(sent.document["applied"]) == 12
    assert sent.document["transactions"] > 1
    for staker in office.stakers:
        assert office.stakes(staker) == dict.fromkeys(range(4), NMR)


def test_relay_is_open_to_anybody(office: Office) -> None:
    """A stranger's account sends, and pays."""
    first = office.stakers[0]
    assert office.add(office.order(first, 0, {0: NMR})).code == 0
    before = ape.accounts.test_accounts[9].balance

    sent = office.send("--account", 9)

    assert sent.code == 0, sent.err
    assert sent.document["fee_wei"] == before - ape.accounts.test_accounts[9].balance > 0


def test_no_instruction_takes_more_gas_than_batches_reckon_with(office: Office) -> None:
    """The dearest of its kind: everything is written for the first time."""
    first, second, third = office.stakers
    every = dict.fromkeys(range(65), NMR // 10)
    orders = [
        office.order(first, 0, {}, dict.fromkeys(range(65), HALVES)),
        office.order(second, 0, every),
        office.order(third, 0, {0: NMR}),
    ]
    for order in orders:
        assert office.add(order).code == 0
        planned = [each for each in office.kept() if each.signed == order]
        reckoned = instruction_gas(Planned(planned[0], order.message, None))

        sent = office.send()

        assert len(sent.document["applied"]) == 1, sent.err
        assert sent.document["gas"] - 21_000 <= reckoned


def test_a_store_of_its_own_for_each_local_chain(office: Office) -> None:
    """Without --store: local chains have the same id and the same addresses, so their stores are
    told apart by the block of the deployment."""
    world = office.world
    url = default_url(world.provider, world.deployment)
    other = replace(world.deployment, block_hash="0x" + "ab" * 32)

    assert url.startswith("sqlite:///build/relay/local-")
    assert default_url(world.provider, other) == "sqlite:///build/relay/local-abababab.sqlite"
    assert url != default_url(world.provider, other)
