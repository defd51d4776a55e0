"""Moving to another address: by the account's command, and through the weekly pass."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import ape
import pytest
from ape.api import AccountAPI
from eth_utils.address import to_checksum_address

from sluice.calls import calls
from sluice.errors import Refused
from sluice.inputs import read_rounds
from sluice.manifest import digest_of, manifest_text, read_manifest, recompute
from sluice.registry import load_registry
from sluice.rounds import Link
from sluice.weekly import WeeklyRun
from sluice.words import NO_DIGEST, digest_chain, link_bytes
from tests.integration.conftest import NMR, ROUND, STAKE_NANO, Run, World

pytestmark = pytest.mark.anvil

OLD, NEW, ANYBODY = 3, 4, 5
"""Numbers of test accounts."""
ELSEWHERE = to_checksum_address("0x" + "be" * 20)
"""An address that nobody ever deposited for."""


@pytest.fixture
def old(world: World) -> AccountAPI:
    """An account with 10 NMR on model 0 and 2 NMR in its pool."""
    account = ape.accounts.test_accounts[OLD]
    world.escrow.approve(12 * NMR, sender=world.owner)
    world.escrow.deposit_for(account.address, 12 * NMR, sender=world.owner)
    world.escrow.set_stakes({0: 10 * NMR}, sender=account)
    return account


@pytest.fixture
def new(world: World) -> AccountAPI:
    """Where it goes: an address with 1 NMR in its pool."""
    account = ape.accounts.test_accounts[NEW]
    world.escrow.approve(NMR, sender=world.owner)
    world.escrow.deposit_for(account.address, NMR, sender=world.owner)
    return account


def move(world: World, number: int, *arguments: object) -> Run:
    """`ape run account move` by a test account."""
    return world.run("account", "move", *arguments, "--account", number, "--yes", "--json")


def shown(world: World, address: str) -> dict[str, Any]:
    return world.run("account", "show", "--account", address, "--json").document


def test_a_move_is_offered_shown_taken_back_and_accepted(
    world: World, old: AccountAPI, new: AccountAPI
) -> None:
    """What happens is said before it is sent; a step that never comes changes nothing."""
    offered = move(world, OLD, "offer", new.address)
    pending = shown(world, old.address)
    taken_back = move(world, OLD, "take-back")
    late = move(world, NEW, "accept", old.address)
    again = move(world, OLD, "offer", new.address)
    accepted = move(world, NEW, "accept", old.address)

    assert [run.code for run in (offered, taken_back, late, again, accepted)] == [0, 0, 1, 0, 0]
    assert offered.document["possible_now"] is True
    for sentence in ("no burn is escaped", "only while no round is announced", "its nonce, raised"):
        assert sentence in offered.err
    assert pending["offered_to"] == new.address
    assert any(f"move of everything to {new.address}" in e["what"] for e in pending["pending"])
    assert shown(world, old.address)["offered_to"] is None
    assert late.document["error"] == "move: not offered to the caller"
    assert "send offer_move() from it first" in late.document["remedy"]
    assert accepted.document["now"]["stakes_nano"] == {"0": 10 * NMR}
    assert accepted.document["now"]["pool_nano"] == 3 * NMR
    assert world.lens.position(old.address).pool_nano == 0
    assert world.lens.position(old.address).nonce == 1_000


def test_a_move_is_signed_by_both_into_a_file_and_sent_by_anybody(
    world: World, old: AccountAPI, new: AccountAPI
) -> None:
    """N12: neither side pays gas; the file says who has still to sign."""
    file = world.folder / "move.json"
    signed_at = world.escrow.last_block().time
    gas = [each.balance for each in (old, new)]

    first = move(world, NEW, "accept", old.address, "--file", file)
    early = move(world, ANYBODY, "send", file)
    other = move(world, OLD, "offer", ELSEWHERE, "--file", file)
    second = move(world, OLD, "offer", new.address, "--file", file)
    sent = move(world, ANYBODY, "send", file)
    twice = move(world, ANYBODY, "send", file)

    assert [run.code for run in (first, early, other, second, sent, twice)] == [0, 1, 1, 0, 0, 1]
    assert first.document["missing"] == [old.address]
    assert 0 < first.document["deadline"] - signed_at <= 24 * 3600 + 60
    assert f"{new.address} can only let it lapse" in first.err
    assert f"{old.address} did not sign the move yet" in early.err
    assert "holds the move from" in other.err
    assert second.document["missing"] == []
    assert sent.document["stakes_nano"] == {"0": 10 * NMR}
    assert sent.document["pool_nano"] == 3 * NMR
    assert "it was sent or cancelled" in twice.err
    assert [each.balance for each in (old, new)] == gas


def test_a_signed_move_dies_with_the_nonce_and_with_its_deadline(
    world: World, old: AccountAPI, new: AccountAPI
) -> None:
    file = world.folder / "move.json"
    for number, step, other in ((OLD, "offer", new), (NEW, "accept", old)):
        assert move(world, number, step, other.address, "--file", file, "--good-for", 1).code == 0
    dead = world.folder / "dead.json"
    dead.write_text(file.read_text())
    forged = world.folder / "forged.json"
    document = json.loads(file.read_text())
    forged.write_text(json.dumps({**document, "signature": document["to_signature"]}))

    wrong = move(world, ANYBODY, "send", forged)
    world.rpc("evm_increaseTime", 2 * 24 * 3600)
    world.mine()
    lapsed = move(world, ANYBODY, "send", file)
    world.escrow.cancel_instructions(1, sender=old)
    cancelled = move(world, ANYBODY, "send", dead)

    assert [run.code for run in (wrong, lapsed, cancelled)] == [1, 1, 1]
    assert f"the signature of {old.address} in {forged} is not its own" in wrong.err
    assert "lapsed at" in lapsed.err
    assert "it was sent or cancelled" in cancelled.err
    assert world.lens.stakes_of(old.address) == {0: 10 * NMR}


def test_a_move_says_why_it_cannot_be_done_now(
    world: World, old: AccountAPI, new: AccountAPI
) -> None:
    world.announce(257, [b""])
    busy = move(world, OLD, "offer", new.address)
    refused = move(world, NEW, "accept", old.address)
    itself = move(world, OLD, "offer", old.address)

    assert (busy.code, busy.document["possible_now"]) == (0, False)
    assert busy.document["reason"] == "move: wait for the end of the announced round"
    assert "not now: move: wait for the end" in busy.err
    assert refused.document["error"] == "move: wait for the end of the announced round"
    assert "is the account's own address" in itself.err


# --- through the weekly pass ----------------------------------------------------------------------


def relocate(world: World, account: str, to: str) -> None:
    """Moves an account of the tournament, whose key nobody has."""
    world.send_as(account, calls.offer_move(to))
    world.send_as(to, calls.accept_move(account))


def checked(world: World, path: Path, inputs: Path) -> str:
    """The digest of a manifest, made anew from what is published and the chain."""
    manifest = read_manifest(path)
    run = WeeklyRun(world.deployment, world.escrow, world.manifests, ROUND)
    head = world.escrow.last_block().number
    accounts = sorted({*world.names.values(), ELSEWHERE})
    staked = {
        h.account: h.staked_nano for h in world.escrow.storage.holdings(accounts, manifest.block)
    }
    done = {
        h.account
        for h in world.escrow.storage.holdings(accounts, manifest.followed_to)
        if h.word.round_word == world.deployment.parameters.round_word(ROUND)
    }
    return recompute(
        manifest,
        read_rounds(inputs),
        load_registry(world.folder / "registry.csv"),
        staked,
        run.moves(world.deployment.block, head),
        done,
        run.passed(head),
    )


def test_route_pays_an_account_where_it_has_moved(two_stakers: World) -> None:
    """The inputs go on naming it by its old address, week after week."""
    world = two_stakers
    first, second = world.names.values()
    relocate(world, first, ELSEWHERE)
    inputs = world.write_inputs({("staker01", 0): "2", ("staker02", 0): "-1"})

    done = world.route(inputs, "--wait")

    assert done.code == 0, done.err
    assert world.lens.stakes_of(ELSEWHERE) == {0: STAKE_NANO + 2 * NMR, 1: STAKE_NANO}
    assert world.lens.stakes_of(first) == {}
    assert world.lens.stakes_of(second) == {0: STAKE_NANO - NMR, 1: STAKE_NANO}
    assert checked(world, Path(done.document["manifest"]), inputs)


def test_route_announces_again_when_somebody_moves_just_before_it(
    two_stakers: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A race with a move costs a second announcement and nobody a burn; in between something is
    announced all the time."""
    world = two_stakers
    first, second = world.names.values()
    inputs = world.write_inputs({("staker01", 0): "-2", ("staker02", 0): "1"})
    announce = WeeklyRun.announce
    digests = []

    def race(run: WeeklyRun, announcement: Any, sender: AccountAPI) -> None:
        if not digests:
            relocate(world, first, ELSEWHERE)
        announce(run, announcement, sender)
        digests.append((announcement.replaces, world.escrow.round_state().digest))

    monkeypatch.setattr(WeeklyRun, "announce", race)
    waits = world.route(inputs)
    world.pass_window()
    done = world.route(inputs)

    assert (waits.code, done.code) == (3, 0), done.err
    assert "an account moved to another address just before the announcement" in waits.err
    assert [replaced for replaced, _ in digests] == [NO_DIGEST, digests[0][1]]
    assert world.lens.stakes_of(ELSEWHERE) == {0: STAKE_NANO - 2 * NMR, 1: STAKE_NANO}
    assert world.lens.stakes_of(second) == {0: STAKE_NANO + NMR, 1: STAKE_NANO}
    assert len(list(world.manifests.glob("*.json"))) == 2
    assert checked(world, Path(done.document["manifest"]), inputs)


def test_route_sees_such_a_race_also_after_it_was_killed(
    two_stakers: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that announced ended before it looked: the next one announces again."""
    world = two_stakers
    first, _ = world.names.values()
    inputs = world.write_inputs({("staker01", 0): "-2"})
    announce = WeeklyRun.announce

    def race(run: WeeklyRun, announcement: Any, sender: AccountAPI) -> None:
        relocate(world, first, ELSEWHERE)
        announce(run, announcement, sender)
        raise Refused("killed")

    with monkeypatch.context() as patch:
        patch.setattr(WeeklyRun, "announce", race)
        assert world.route(inputs).code == 1
    assert world.escrow.round_state().announced_at != 0

    seen = world.run("veto", "--dry-run", "--json", "--manifests", world.manifests)
    done = world.route(inputs, "--wait")

    assert seen.code == 1
    (complaint,) = seen.document["complaints"]
    assert "an account moved to or from an address of the manifest" in complaint
    assert done.code == 0, done.err
    assert world.lens.stakes_of(ELSEWHERE) == {0: STAKE_NANO - 2 * NMR, 1: STAKE_NANO}
    assert world.lens.stakes_of(first) == {}


@pytest.mark.parametrize("moves", ["applied", "left"])
def test_route_goes_on_after_a_veto_and_a_move(two_stakers: World, moves: str) -> None:
    """In the middle of a round: one link is applied, the rest vetoed, an account moves. What is
    announced again adds no account and leaves none out."""
    world = two_stakers
    first, second = world.names.values()
    inputs = world.write_inputs({("staker01", 0): "-2", ("staker02", 0): "-1"})
    assert world.route(inputs).code == 3
    (path,) = world.manifests.glob("*.json")
    entries = [entry for link in read_manifest(path).links for entry in link]
    _announce_in_links(world, path, [[entry] for entry in entries])
    made = read_manifest(path)
    world.pass_window()
    world.escrow.resolve(ROUND, made.link_bytes()[:1], made.digests()[1], sender=world.operator)
    world.escrow.veto(ROUND, sender=world.guardian)
    applied = entries[0].account
    left = entries[1].account
    run = WeeklyRun(world.deployment, world.escrow, world.manifests, ROUND)
    head = world.escrow.last_block().number
    assert [each.account for each in run.passed(head)] == [applied]
    relocate(world, applied if moves == "applied" else left, ELSEWHERE)

    done = world.route(inputs, "--announce-again", "--wait")

    assert done.code == 0, done.err
    assert world.escrow.round_state().resolved == ROUND
    assert {applied, left} == {first, second}
    where = {applied: applied, left: left, (applied if moves == "applied" else left): ELSEWHERE}
    assert world.lens.stakes_of(where[first])[0] == STAKE_NANO - 2 * NMR
    assert world.lens.stakes_of(where[second])[0] == STAKE_NANO - NMR
    rest = read_manifest(Path(done.document["manifest"]))
    assert rest.accounts == [where[left]]
    assert rest.links_applied == 1
    assert checked(world, Path(done.document["manifest"]), inputs) == rest.digest


def _announce_in_links(world: World, path: Path, made: list[Link]) -> None:
    """Announces again what a manifest has, a link for each account, and writes it there."""
    manifest = read_manifest(path)
    links = tuple(tuple(link) for link in made)
    path.write_text(manifest_text(replace(manifest, links=links, digest=digest_of(links))))
    digest = digest_chain([link_bytes(link) for link in made])[0]
    stored = world.escrow.round_state().digest
    world.escrow.announce(ROUND, stored, digest, sender=world.operator)


def test_pay_pays_what_is_due_to_an_address_that_nobody_deposited_for(two_stakers: World) -> None:
    """A standing order moves along, and the batch finds it."""
    world = two_stakers
    first, _ = world.names.values()
    world.send_as(first, calls.set_split(0, ((255, 10_000),)))
    assert world.route(world.write_inputs({("staker01", 0): "2"}), "--wait").code == 0
    relocate(world, first, ELSEWHERE)

    paid = world.run("pay", "--yes", "--json", "--store", f"sqlite:///{world.folder}/relay.sqlite")

    assert paid.code == 0, paid.err
    assert paid.document["paid"] == [{"account": ELSEWHERE, "amount_nano": 2 * NMR, "kind": "due"}]
    assert world.escrow.token.balance_nano(ELSEWHERE) == 2 * NMR
