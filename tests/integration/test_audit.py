"""The audit on a real chain: what holds, and every nano that does not (S41, N2, N7)."""

import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import ape
import pytest
from ape.api import AccountAPI
from eth_utils.crypto import keccak

from sluice.anvil import free_port
from sluice.audit.checkpoints import Checkpoints, _digest
from sluice.audit.events import EVENTS
from sluice.audit.node import BlockId
from sluice.calls import calls
from sluice.devnet import anvil
from sluice.errors import Refused
from sluice.events import topic_of
from sluice.instructions import Domain, SignedInstruction, instruction, relay_call, sign
from sluice.sending import move_time
from sluice.storage import WORDS_SLOT
from sluice.weekly import WeeklyRun
from sluice.words import (
    ACCOUNT_BITS,
    MAX_AMOUNT_NANO,
    POOL,
    SPLIT_PLACE,
    WALLET,
    WORD_BYTES,
    Entry,
    digest_chain,
    link_bytes,
    word_slot,
)
from tests.integration.conftest import FIRST_PASS, NMR, ROUND, Run, World
from tests.integration.lying_node import Request, node_between

pytestmark = pytest.mark.anvil

RESERVE_SLOT, BURNED_SLOT, ANNOUNCED_AT_SLOT, OPERATOR_SLOT, PAUSED_AT_SLOT = 8, 9, 6, 2, 10
BALANCES_SLOT = 1
"""Of the stand-in token."""
NEW = "0x" + "9e" * 20
"""The address to which an account has moved."""
SPLIT = ((POOL, 2_000), (WALLET, 5_000), (5, 3_000))


class History:
    """A chain on which everything has happened once, and audits of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.checkpoints = world.folder / "audit.sqlite"

    def make(self) -> None:
        world, escrow = self.world, self.world.escrow
        world.stake(4, (0, 1))
        world.fund(100 * NMR)
        world.open_round()
        splitter, loser, leaver, steady = world.names.values()
        self.splitter, self.loser, self.leaver, self.steady = (
            each.lower() for each in world.names.values()
        )
        self.new = NEW
        world.send_as(splitter, calls.set_split(0, SPLIT))
        self._relay()
        payouts = {("staker01", 0): "1", ("staker02", 1): "-2", ("staker04", 0): "0.5"}
        routed = world.route(world.write_inputs(payouts), "--wait")
        assert routed.code == 0, routed.err
        escrow.pay([], [splitter, steady], b"", sender=world.operator)
        world.send_as(loser, calls.set_stakes({0: 5 * NMR}))
        world.send_as(loser, calls.withdraw(3 * NMR))
        world.send_as(leaver, calls.leave())
        world.send_as(leaver, calls.cancel_instructions(1_001))
        world.send_as(leaver, calls.cancel_withdrawal())
        world.send_as(steady, calls.set_stakes({1: 9 * NMR, 64: NMR}))
        world.send_as(steady, calls.set_stakes({1: 10 * NMR, 64: 0}))
        world.send_as(splitter, calls.offer_move(NEW))
        world.send_as(NEW, calls.accept_move(splitter))
        world.send_as(steady, calls.offer_move(loser))
        escrow.burn(sender=world.owner)
        escrow.withdraw_reserve(NMR, sender=world.owner)
        escrow.transfer_ownership(self.loser, sender=world.owner)
        self._announce_twice()

    def _relay(self) -> None:
        world = self.world
        signer = ape.accounts.test_accounts[5]
        self.signer = signer.address.lower()
        world.escrow.approve(10 * NMR, sender=world.owner)
        world.escrow.deposit_for(signer.address, 10 * NMR, sender=world.owner)
        domain = Domain(world.deployment.chain_id, world.deployment.address)
        signed: list[SignedInstruction] = [
            sign(instruction(signer.address, stakes, splits, nonce), domain, signer)
            for stakes, splits, nonce in (
                ({0: 4 * NMR, 7: NMR}, {7: ((WALLET, 10_000),)}, 0),
                ({0: 5 * NMR}, {}, 9),
                ({7: 2 * NMR}, {}, 1),
            )
        ]
        call = relay_call(signed)
        world.escrow.relay(call.instructions, call.signatures, sender=world.operator)

    def _announce_twice(self) -> None:
        """Round 262: vetoed; announced in two links, the first applied, the second announced anew.
        One pause that the owner ended, and one that is on."""
        world = self.world
        links = [link_bytes([Entry(each, {})]) for each in (NEW, self.loser, self.steady)]
        world.announce(ROUND + 1, links[1:])
        world.escrow.veto(ROUND + 1, sender=world.guardian)
        world.escrow.pause(sender=world.guardian)
        world.escrow.unpause(sender=world.owner)
        world.announce(ROUND + 1, links[:2])
        digests = digest_chain(links[:2])
        world.pass_window()
        world.escrow.resolve(ROUND + 1, links[:1], digests[1], sender=world.operator)
        world.escrow.announce(
            ROUND + 1, digests[1], digest_chain(links[1:])[0], sender=world.operator
        )
        world.escrow.pause(sender=world.guardian)
        world.escrow.set_guardian(self.steady, sender=world.owner)

    # --- audits and what is planted

    def audit(self, *arguments: object, url: str | None = None) -> Run:
        world = self.world
        fixed = ["--checkpoints", f"sqlite:///{self.checkpoints}", "--manifests", world.manifests]
        before = world.url
        try:
            world.url = url or before
            return world.run("audit", *fixed, *arguments, "--json")
        finally:
            world.url = before

    def slot(self, slot: int, contract: str | None = None) -> int:
        where = contract or self.world.escrow.address
        return int(self.world.rpc("eth_getStorageAt", where, hex(slot), "latest"), 16)

    def plant(self, slot: int, added: int, contract: str | None = None) -> None:
        where = contract or self.world.escrow.address
        value = (self.slot(slot, contract) + added) % 2**256
        self.world.rpc("anvil_setStorageAt", where, hex(slot), f"0x{value:064x}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("audit")
    with (
        anvil(free_port(), folder / "chain") as url,
        ape.networks.ethereum.local.use_provider("foundry", provider_settings={"host": url}) as on,
    ):
        history = History(World(url, on, folder))
        history.make()
        yield history


@pytest.fixture
def history(made: History) -> Iterator[History]:
    """The chain as it was made; what a test does to it is undone."""
    snapshot = made.world.rpc("evm_snapshot")
    yield made
    made.world.rpc("evm_revert", snapshot)
    made.checkpoints.unlink(missing_ok=True)


def only(run: Run) -> dict[str, Any]:
    """The one thing that does not hold."""
    assert run.code == 1, run.out + run.err
    findings = run.document["findings"]
    assert len(findings) == 1, findings
    found: dict[str, Any] = findings[0]
    return found


def by_check(run: Run) -> dict[str, dict[str, Any]]:
    assert run.code == 1, run.out + run.err
    return {found["check"]: found for found in run.document["findings"]}


# --- what holds -----------------------------------------------------------------------------------


def test_audit_of_a_chain_where_everything_has_happened_holds(history: History) -> None:
    """S41, N7: rebuilt from events alone, every word of every account is the chain's; the balance
    is pools, stakes, reserve and burned; what was resolved is what was announced."""
    run = history.audit()

    assert run.code == 0, run.out + run.err
    said = run.document
    assert said["findings"] == []
    assert all(said["checks"].values())
    assert (said["accounts"], said["words"]) == (6, 6 * 83)
    assert said["rounds_resolved"] == ROUND - FIRST_PASS + 1
    assert (said["instructions"], said["free_withdrawals"]) == (2, 1)
    assert said["manifests_recomputed"] == 1
    assert sorted(set(said["manifests_missing"])) == [257, 258, 259, 260, 262]
    balance_nano = history.world.escrow.token.balance_nano(history.world.escrow.address)
    assert said["balance_units"] == balance_nano * 10**9
    held = ("pools_nano", "stakes_nano", "reserve_nano", "burned_nano")
    assert sum(said[name] for name in held) == balance_nano
    assert said["over_units"] == 0


def test_audit_says_what_was_sent_without_depositing(history: History) -> None:
    """It is nobody's, and no fault."""
    world = history.world
    world.escrow.token.transfer(world.escrow.address, 7, sender=world.owner)

    run = history.audit()

    assert run.code == 0, run.out
    assert run.document["over_units"] == 7 * 10**9


def test_audit_shows_a_page(history: History) -> None:
    """Without --json: one line for each check, and the verdict."""
    world = history.world
    store = f"sqlite:///{history.checkpoints}"

    run = world.run("audit", "--checkpoints", store, "--manifests", world.manifests)

    assert run.code == 0, run.err
    for name in (
        "events",
        "rules",
        "rounds",
        "manifests",
        "accounts",
        "conservation",
        "roles, pause",
    ):
        assert re.search(rf"│ {name} +│ yes ", run.out), run.out
    assert "accounts: 6; words as rebuilt: 498" in run.out
    assert "Everything that was checked holds." in run.out


def test_audit_of_an_earlier_block(history: History) -> None:
    """As of any block that the node still has."""
    block = history.world.escrow.last_block().number - 3

    run = history.audit("--block", block)

    assert run.code == 0, run.out + run.err
    assert run.document["block"] == block
    assert history.audit("--block", block + 1_000).code == 1
    assert "is before the deployment" in history.audit("--block", 0).err


# --- a nano that was planted ----------------------------------------------------------------------

WORD = Callable[[History], tuple[str, int]]


@pytest.mark.parametrize(
    ("who", "place", "shift", "field", "unit_nano"),
    [
        ("new", 0, 0, "pool", 1),
        ("new", 0, 54, "stake of model 0", 1),
        ("steady", 0, 108 + 30 * ((ROUND + 4 - FIRST_PASS + 1) % 4), f"risk of round {ROUND + 4}",
         2**18),
        ("loser", 0, 228, "last pass", None),
        ("leaver", 0, 239, "period of its last turn", None),
        ("new", 1, 0, "stake of model 1", 1),
        ("new", 2, 0, "stake of model 5", 1),
        ("steady", 16, 162, "stake of model 64", 1),
        ("splitter", 9, 108, "stake of model 35", 1),
        ("splitter", 0, 0, "pool", 1),
        ("steady", 17, 0, "move offered to", None),
        ("new", 2, 216, "flags of stake page 2", None),
        ("signer", SPLIT_PLACE, 176, "due", 1),
        ("signer", SPLIT_PLACE, 230, "nonce", None),
        ("new", SPLIT_PLACE, 8, "split of model 0", None),
        ("splitter", SPLIT_PLACE + 40, 8, "split of model 40", None),
        ("splitter", 3, 230, "spare bits of word 3", None),
    ],
)  # fmt: skip
def test_audit_finds_one_planted_in_a_word(
    history: History, who: str, place: int, shift: int, field: str, unit_nano: int | None
) -> None:
    """One nano, one unit, one bit more in any word of an account, in use or not: the account, the
    field and both values."""
    account = getattr(history, who)
    history.plant(word_slot(account, place, WORDS_SLOT), 1 << shift)

    found = by_check(history.audit())

    assert set(found) <= {"accounts", "conservation"}
    assert (found["accounts"]["subject"], found["accounts"]["field"]) == (account, field)
    if unit_nano is not None:
        assert found["accounts"]["unit"] == "nano-NMR"
        assert found["accounts"]["found"] - found["accounts"]["wanted"] == unit_nano
    covered = field in ("pool", "stake of model 0", "stake of model 1", "stake of model 5")
    assert ("conservation" in found) is (covered or field == "stake of model 64")


@pytest.mark.parametrize(("slot", "field"), [(RESERVE_SLOT, "reserve"), (BURNED_SLOT, "burned")])
@pytest.mark.parametrize("added", [1, -1])
def test_audit_finds_one_planted_in_the_treasury(
    history: History, slot: int, field: str, added: int
) -> None:
    if field == "burned":
        history.plant(BURNED_SLOT, 0)
        added = 1
    held_nano = history.slot(slot)
    history.plant(slot, added)

    found = by_check(history.audit())

    treasury = found["treasury"]
    assert (treasury["field"], treasury["found"]) == (field, held_nano + added)
    assert treasury["wanted"] == held_nano
    assert ("conservation" in found) is (added > 0)


def test_audit_finds_a_nano_that_the_token_balance_lacks(history: History) -> None:
    """N2: less than what is owed, to the nano."""
    world = history.world
    holder = int(world.escrow.address, 16)
    slot = keccak(BALANCES_SLOT.to_bytes(WORD_BYTES, "big") + holder.to_bytes(WORD_BYTES, "big"))
    balance_nano = world.escrow.token.balance_nano(world.escrow.address)
    history.plant(int.from_bytes(slot, "big"), -1, world.deployment.token)

    found = only(history.audit())

    assert (found["check"], found["field"]) == ("conservation", "token balance")
    assert (found["found"], found["wanted"]) == (balance_nano - 1, balance_nano)


def test_audit_finds_another_round_state_and_another_operator(history: History) -> None:
    history.plant(ANNOUNCED_AT_SLOT, 1)
    history.plant(OPERATOR_SLOT, 1)

    run = history.audit()
    found = by_check(run)

    assert set(found) == {"round_state", "roles"}
    assert found["round_state"]["field"] == "time of the announcement"
    assert found["roles"]["field"] == "operator"
    history.plant(PAUSED_AT_SLOT, 1)
    assert by_check(history.audit())["roles"]["field"] == "time of the pause"


def test_audit_finds_a_stored_digest_that_is_not_what_is_left(history: History) -> None:
    """N5: the digest that is stored has to lead back, link by link, to the announced one."""
    history.plant(5, 1)

    found = only(history.audit())

    assert (found["check"], found["subject"]) == ("rounds", f"round {ROUND + 1}")


# --- manifests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("made_whole", [False, True])
def test_audit_finds_a_manifest_with_another_nano(
    history: History, made_whole: bool, tmp_path: Path
) -> None:
    """Also one that was made whole again: its digest is then not the announced one."""
    (path,) = history.world.manifests.glob("*.json")
    document = json.loads(path.read_text())
    entry = next(e for link in document["links"] for e in link if e["payouts_nano"])
    model = next(iter(entry["payouts_nano"]))
    entry["payouts_nano"][model] += 1
    if made_whole:
        links = [
            link_bytes(
                Entry(e["account"], {int(m): p for m, p in e["payouts_nano"].items()}) for e in link
            )
            for link in document["links"]
        ]
        document["digest"] = "0x" + digest_chain(links)[0].hex()
    tampered = tmp_path / "manifests"
    tampered.mkdir()
    (tampered / path.name).write_text(json.dumps(document))
    assert history.audit().code == 0

    found = only(history.audit("--manifests", tampered))

    assert found["check"] == "manifests"
    assert found["subject"] == (f"round {ROUND}" if made_whole else f"manifest {path.name}")
    assert history.audit("--manifests", tmp_path / "nowhere").code == 1


def test_audit_warns_of_an_account_that_moved_before_its_announcement(
    two_stakers: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry is of an address that the account has left: no rule is broken, and the audit says
    what `ape run veto` says, also when it goes on from a checkpoint, until it is put right."""
    world, history = two_stakers, History(two_stakers)
    inputs = world.write_inputs({("staker01", 0): "-2"})
    announce = WeeklyRun.announce

    def race(run: WeeklyRun, announcement: Any, sender: AccountAPI) -> None:
        world.send_as(world.names["staker01"], calls.offer_move(NEW))
        world.send_as(NEW, calls.accept_move(world.names["staker01"]))
        announce(run, announcement, sender)
        raise Refused("killed")

    with monkeypatch.context() as patch:
        patch.setattr(WeeklyRun, "announce", race)
        assert world.route(inputs).code == 1

    warned, again = history.audit(), history.audit()
    store = f"sqlite:///{history.checkpoints}"
    page = world.run("audit", "--checkpoints", store, "--manifests", world.manifests)
    vetoed = world.run("veto", "--dry-run", "--json", "--manifests", world.manifests)
    done = world.route(inputs, "--wait")
    after = history.audit()

    (complaint,) = vetoed.document["complaints"]
    (path,) = {*world.manifests.glob("*.json")} - {Path(done.document["manifest"])}
    for run in (warned, again):
        assert run.code == 0, run.out + run.err
        assert run.document["findings"] == []
        assert run.document["warnings"] == [f"round {ROUND}, manifest {path.name}: {complaint}"]
    assert warned.document["since_block"] is None
    assert again.document["since_block"] is not None
    assert f"warning: round {ROUND}, manifest {path.name}" in page.out
    assert "Everything that was checked holds." in page.out
    assert (done.code, after.code) == (0, 0), done.err + after.err
    assert (after.document["warnings"], after.document["manifests_recomputed"]) == ([], 2)


# --- checkpoints ----------------------------------------------------------------------------------


def test_audit_goes_on_from_its_checkpoint(history: History) -> None:
    first = history.audit()
    assert first.document["since_block"] is None
    history.world.send_as(history.loser, calls.set_stakes({0: 4 * NMR}))

    again = history.audit()

    assert again.code == 0, again.out
    assert again.document["since_block"] == first.document["block"]
    assert again.document["block"] > first.document["block"]
    fresh = history.audit("--fresh")
    changing = ("seconds", "since_block")
    assert {k: v for k, v in fresh.document.items() if k not in changing} == {
        k: v for k, v in again.document.items() if k not in changing
    }


def test_audit_drops_a_checkpoint_that_was_reorganised_away(history: History) -> None:
    world = history.world
    snapshot = world.rpc("evm_snapshot")
    world.send_as(history.loser, calls.set_stakes({0: 4 * NMR}))
    away = history.audit().document["block"]
    world.rpc("evm_revert", snapshot)
    move_time(world.provider, world.escrow.time() + 100)
    world.send_as(history.loser, calls.set_stakes({0: 3 * NMR}))

    run = history.audit()

    assert run.code == 0, run.out
    (note,) = run.document["notes"]
    assert f"the checkpoint of block {away} was dropped: the chain was reorganised" in note
    assert history.audit().document["notes"] == []


def rewrite_checkpoint(history: History, change: Callable[[Any], None]) -> None:
    """Changes the state of the newest checkpoint and signs it again, as one who knows how would."""
    store = Checkpoints(f"sqlite:///{history.checkpoints}", history.world.deployment)
    kept = next(store.each())
    change(kept.rebuilt)
    store.save(kept.block, kept.rebuilt)
    store.close()


def test_audit_is_not_deceived_by_a_tampered_checkpoint(history: History) -> None:
    """With its checksum made right: it differs from the chain, so all is read again and the
    checkpoint is named."""
    history.audit()

    def take_one(rebuilt: Any) -> None:
        rebuilt.ledger.accounts[NEW].pool_nano -= 1

    rewrite_checkpoint(history, take_one)
    pool_nano = history.slot(word_slot(NEW, 0, WORDS_SLOT)) & MAX_AMOUNT_NANO

    run = history.audit()

    assert run.code == 0, run.out
    (note,) = run.document["notes"]
    assert "was wrong, not the chain" in note
    assert f"{NEW}: pool is {pool_nano} nano-NMR, not {pool_nano - 1}" in note
    assert history.audit().document["notes"] == []


def test_audit_finds_a_nano_also_from_a_checkpoint(history: History) -> None:
    """What is found from a checkpoint is found again from the deployment on."""
    history.audit()
    history.plant(word_slot(history.signer, 0, WORDS_SLOT), 1)

    run = history.audit()

    assert by_check(run)["accounts"]["subject"] == history.signer
    assert run.document["since_block"] is None


@pytest.mark.parametrize("damage", ["state", "row", "pages", "file"])
def test_audit_drops_a_damaged_checkpoint(history: History, damage: str) -> None:
    history.audit()
    path = history.checkpoints
    if damage in ("state", "row"):
        column, value = ("state", "x'00'") if damage == "state" else ("block_time", "7")
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(f"UPDATE checkpoints SET {column} = {value}")
    elif damage == "pages":
        data = bytearray(path.read_bytes())
        data[4096:] = os.urandom(len(data) - 4096)
        path.write_bytes(data)
    else:
        path.write_bytes(b"not a database" * 1_000)

    run = history.audit()

    assert run.code == 0, run.out + run.err
    assert any("damaged" in note for note in run.document["notes"]), run.document["notes"]
    assert history.audit().document["notes"] == []


def test_audit_killed_at_any_moment_goes_on(history: History) -> None:
    """Killed without a chance to tidy up, again and again, then run: it holds."""
    world = history.world
    arguments = ["--checkpoints", f"sqlite:///{history.checkpoints}", "--json"]
    slow = lambda request, result: (time.sleep(0.02), result)[1]  # noqa: E731
    with node_between(world.url, slow) as url:
        before, world.url = world.url, url
        for tenths in (25, 32, 40):
            process = world.start("audit", *arguments)
            time.sleep(tenths / 10)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        world.url = before

    run = history.audit()

    assert run.code == 0, run.out + run.err


# --- nodes that lie or refuse ---------------------------------------------------------------------

LOST = {
    "Deposited": {"accounts", "conservation", "rules"},
    "StakesSet": {"accounts"},
    "SplitSet": {"accounts"},
    "InstructionsRelayed": {"accounts"},
    "InstructionSkipped": {"events"},
    "InstructionsCancelled": {"accounts"},
    "WithdrawalCancelled": {"accounts"},
    "Left": {"accounts"},
    "MoveOffered": {"accounts"},
    "AccountMoved": {"accounts"},
    "Withdrawn": {"accounts"},
    "FreeWithdrawals": {"accounts"},
    "RoundAnnounced": {"rounds"},
    "LinkApplied": {"rounds"},
    "RoundResolved": {"rounds"},
    "RoundVetoed": {"rounds"},
    "Paused": {"roles"},
    "Unpaused": {"rules"},
    "ReserveFunded": {"treasury"},
    "ReserveWithdrawn": {"treasury"},
    "BurnSent": {"treasury"},
    "OperatorSet": {"roles"},
    "GuardianSet": {"roles"},
    "OwnershipTransferStarted": {"roles"},
    "OwnershipTransferred": {"roles"},
}


@pytest.mark.parametrize("event", [signature.partition("(")[0] for signature in EVENTS])
def test_audit_finds_that_a_node_leaves_an_event_out(history: History, event: str) -> None:
    """N7: the last event of each kind, left out by the node, is missed. (Of the transfers of
    ownership all: a deployer who is the owner has two that say the same.)"""
    (signature,) = [each for each in EVENTS if each.startswith(f"{event}(")]
    topic = topic_of(signature)

    def leave_out(request: Request, result: Any) -> Any:
        if request["method"] != "eth_getLogs":
            return result
        places = [index for index, log in enumerate(result) if log["topics"][0] == topic]
        left_out = places if event == "OwnershipTransferred" else places[-1:]
        return [log for index, log in enumerate(result) if index not in left_out]

    with node_between(history.world.url, leave_out) as url:
        run = history.audit(url=url)

    assert set(by_check(run)) & LOST[event], run.document["findings"]


def test_audit_refuses_a_node_that_repeats_or_disorders_events(history: History) -> None:
    for twisted in (lambda logs: [*logs, *logs[-1:]], lambda logs: logs[::-1]):

        def twist(request: Request, result: Any, twisted: Any = twisted) -> Any:
            return twisted(result) if request["method"] == "eth_getLogs" else result

        with node_between(history.world.url, twist) as url:
            run = history.audit(url=url)
        assert run.code == 1
        assert "it repeats, disorders or withdraws them" in run.document["error"]


def test_audit_finds_a_payout_that_a_node_changed(history: History) -> None:
    """One nano in a link's event: the chain of digests breaks, and the account differs."""
    topic = topic_of("LinkApplied(uint256,bytes,uint256)")

    def change(request: Request, result: Any) -> Any:
        if request["method"] == "eth_getLogs":
            for log in result:
                word = 2 + 64 * 3
                if log["topics"][0] == topic and int(log["topics"][1], 16) == ROUND:
                    entry = int(log["data"][word : word + 64], 16) + (1 << ACCOUNT_BITS)
                    log["data"] = f"{log['data'][:word]}{entry:064x}{log['data'][word + 64 :]}"
        return result

    with node_between(history.world.url, change) as url:
        found = by_check(history.audit(url=url))

    assert {"rounds", "accounts", "manifests"} & set(found) >= {"rounds", "accounts"}


def test_audit_works_with_a_provider_that_limits(history: History) -> None:
    """At most seven blocks a range, now and then too many requests, no code in the place of a
    contract's: slower, and the same."""
    asked = {"count": 0}

    def refuse(request: Request) -> dict[str, Any] | int | None:
        if request["method"] != "eth_getStorageAt":
            asked["count"] += 1
            if asked["count"] % 9 == 0:
                return 429
        if request["method"] == "eth_getLogs":
            first, last = (int(request["params"][0][k], 16) for k in ("fromBlock", "toBlock"))
            if last - first >= 7:
                return {"code": -32005, "message": "query returned more than 7 blocks"}
        if request["method"] == "eth_call" and len(request["params"]) > 2:
            return {"code": -32602, "message": "too many arguments, want at most 2"}
        return None

    with node_between(history.world.url, refuse=refuse) as url:
        run = history.audit(url=url)

    assert run.code == 0, run.out + run.err
    plain = history.audit("--fresh")
    assert {**run.document, "seconds": 0} == {**plain.document, "seconds": 0}


def test_audit_sees_that_the_chain_changed_meanwhile(history: History) -> None:
    """N7: a reorganisation while it reads is no finding, but nothing is said to hold either."""
    seen: list[str] = []

    def twist(request: Request, result: Any) -> Any:
        if request["method"] == "eth_getLogs":
            seen.append("logs")
        if request["method"] == "eth_getBlockByNumber" and seen and result:
            return {**result, "hash": "0x" + "77" * 32}
        return result

    with node_between(history.world.url, twist) as url:
        run = history.audit(url=url)

    assert run.code == 1
    assert "the chain was reorganised while it was read" in run.document["error"]


def test_the_checksum_of_a_checkpoint_covers_its_block() -> None:
    block = BlockId(7, "0x" + "11" * 32, 1_700_000_000)
    others = [BlockId(8, block.hash, block.time), BlockId(7, "0x" + "12" * 32, block.time)]
    assert len({_digest(each, b"state") for each in (block, *others)}) == 3
