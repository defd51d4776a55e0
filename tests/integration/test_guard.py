"""Vetoes and pauses by their scripts, and what the others say meanwhile."""

import json
from pathlib import Path

import ape
import pytest

from sluice.instructions import Domain, instruction, request, sign, write_messages
from sluice.manifest import digest_of, manifest_text, read_manifest
from sluice.sending import move_time
from sluice.words import WALLET
from tests.integration.conftest import NMR, ROUND, STAKE_NANO, Run, World

pytestmark = pytest.mark.anvil

DAY = 24 * 3600
STAKER = 3


def guard(world: World, script: str, *arguments: object) -> Run:
    """`ape run veto` and its like."""
    return world.run(script, *arguments, "--yes", "--json")


def veto(world: World, *arguments: object) -> Run:
    return guard(world, "veto", *arguments, "--manifests", world.manifests)


@pytest.fixture
def announced(two_stakers: World) -> tuple[World, Path, Path]:
    """A round announced by `route`: the world, the inputs, the manifest."""
    world = two_stakers
    inputs = world.write_inputs({("staker01", 0): "-2", ("staker02", 0): "1"})
    assert world.route(inputs).code == 3
    (path,) = world.manifests.glob("*.json")
    return world, inputs, path


def test_veto_shows_and_checks_what_is_announced_and_strikes_it(
    announced: tuple[World, Path, Path],
) -> None:
    """N5: the guardian makes the round anew before it lets it pass; afterwards the operator goes on
    with one command."""
    world, inputs, path = announced
    registry = world.folder / "registry.csv"

    good = veto(world, "--dry-run", path, "--inputs", inputs, "--registry", registry)
    found = veto(world, "--dry-run")
    struck = veto(world)
    nothing = veto(world)
    done = world.route(inputs, "--wait")

    assert (good.code, good.document["complaints"]) == (0, []), good.err
    assert "what is published leads to the announced digest" in good.err
    assert "burns left, at most" in good.err
    assert found.document == {**good.document, "manifest": str(path)}
    assert "its payouts are not checked" in found.err
    assert (struck.code, struck.document["phase"]) == (0, "vetoed")
    assert struck.document["vetoed_digest"] == struck.document["digest"] == good.document["digest"]
    assert "announces what is left again" in struck.err
    assert (nothing.code, nothing.document["phase"]) == (0, "nothing announced")
    assert done.code == 0, done.err
    assert world.lens.stakes_of(world.names["staker02"])[0] == STAKE_NANO + NMR


def test_veto_says_what_does_not_agree_and_strikes_it_all_the_same(
    announced: tuple[World, Path, Path],
) -> None:
    """A manifest that is missing, of something else, or not what its inputs make."""
    world, _, path = announced
    registry = world.folder / "registry.csv"
    wrong = world.write_inputs({("staker01", 0): "-1"}, "other.csv")
    manifest = read_manifest(path)
    document = json.loads(manifest_text(manifest))
    links = [manifest.links[0][:1]]
    document |= {"links": json.loads(manifest_text(manifest))["links"], "chain_id": 1}
    document["links"][0] = document["links"][0][:1]
    document["digest"] = digest_of(links)
    elsewhere = world.folder / "elsewhere.json"
    elsewhere.write_text(json.dumps(document))
    broken = world.folder / "broken.json"
    broken.write_text("{")

    missing = world.run("veto", "--dry-run", "--json", "--manifests", world.folder / "nowhere")
    other = veto(world, "--dry-run", elsewhere)
    unreadable = veto(world, "--dry-run", broken)
    inputs_differ = veto(world, "--dry-run", "--inputs", wrong, "--registry", registry)
    struck = veto(world, broken)

    for run, words in (
        (missing, "leads to the announced digest: what nobody can check is a reason"),
        (other, "none of its links leads to the announced one"),
        (other, "the manifest is for chain 1, not for 31337"),
        (unreadable, "broken.json"),
        (inputs_differ, "use that file"),
    ):
        assert run.code == 1
        assert any(words in complaint for complaint in run.document["complaints"]), run.document
    assert struck.code == 0
    assert world.escrow.round_state().announced_at == 0


def test_veto_is_the_guardians(announced: tuple[World, Path, Path]) -> None:
    world, _, _ = announced

    refused = veto(world, "--account", "1")

    assert refused.document["error"] == "caller: only the guardian"
    assert "send it with that account, see guardian()" in refused.err
    assert world.escrow.round_state().announced_at != 0


def test_while_paused_every_script_says_until_when_and_loses_nothing(
    announced: tuple[World, Path, Path],
) -> None:
    """N7: exit code 3, the messages as they were, and the way out open; afterwards all goes on."""
    world, inputs, _ = announced
    staker = ape.accounts.test_accounts[STAKER]
    world.escrow.approve(20 * NMR, sender=world.owner)
    world.escrow.deposit_for(staker.address, 20 * NMR, sender=world.owner)
    domain = Domain(world.deployment.chain_id, world.deployment.address)
    messages = world.folder / "messages.jsonl"
    period = world.lens.current_period()
    write_messages(
        [
            sign(instruction(staker.address, {0: NMR}, {}, 0), domain, staker),
            sign(request(staker.address, NMR, period), domain, staker),
        ],
        messages,
    )
    store = ("--store", f"sqlite:///{world.folder}/relay.sqlite")
    assert world.run("relay", "add", messages, *store, "--json").code == 0
    world.pass_window()

    paused = guard(world, "pause")
    again = guard(world, "pause")
    ends_at = paused.document["ends_at"]
    runs = [
        world.route(inputs),
        world.run("pay", *store, "--yes", "--json"),
        world.run("relay", "send", *store, "--yes", "--json"),
        world.run("account", "deposit", "1", "--account", STAKER, "--yes", "--json"),
    ]
    shown = world.run("account", "show", "--account", staker.address, "--json")
    several = world.run(
        "account", "stake", "1=2", "--split", "1 wallet=100", "--account", STAKER, "--yes", "--json"
    )
    out = world.run("account", "withdraw", "3", "--now", "--account", STAKER, "--yes", "--json")

    assert (paused.code, again.code) == (0, 0)
    assert ends_at == paused.document["paused_at"] + 7 * DAY
    for run in runs:
        assert run.code == 3, run.err
        assert run.document["phase"] == "paused"
        assert run.document["come_back_at"] == ends_at
        assert "the escrow is paused since" in run.err
        assert "nothing is lost" in run.err
    assert shown.document["paused"] == {"paused_at": ends_at - 7 * DAY, "ends_at": ends_at}
    assert several.code == 0, several.err
    assert [each["name"] for each in several.document["transactions"]] == [
        "set the stakes",
        "set the split of model 1",
    ]
    assert world.lens.splits_of(staker.address) == {1: ((WALLET, 10_000),)}
    assert out.code == 0, out.err
    move_time(world.provider, ends_at)
    assert world.run("relay", "send", *store, "--yes", "--json").document["transactions"] == 1
    assert len(world.run("pay", *store, "--yes", "--json").document["paid"]) == 1
    assert world.route(inputs).code == 0
    assert world.escrow.round_state().resolved == ROUND


def test_the_owner_ends_a_pause_or_allows_another(world: World) -> None:
    nothing = guard(world, "unpause")
    guard(world, "pause")
    stopped = guard(world, "pause", "--account", "0")
    guardians = guard(world, "unpause", "--account", "2")
    ended = guard(world, "unpause")
    world.escrow.pause(sender=world.guardian)
    move_time(world.provider, world.escrow.paused_at() + 7 * DAY)
    used = guard(world, "pause")
    allowed = guard(world, "unpause")
    second = guard(world, "pause")

    assert (nothing.code, nothing.document["unpaused"]) == (0, False)
    assert stopped.document["phase"] == "paused"
    assert guardians.document["error"] == "ownable: caller is not the owner"
    assert (ended.code, ended.document["unpaused"]) == (0, True)
    assert used.document["error"] == "pause: used, the owner has to unpause() first"
    assert "another needs the owner's unpause() in between" in used.document["remedy"]
    assert "has ended by itself" in allowed.err
    assert second.document["phase"] == "paused"


def test_route_waits_for_the_end_of_a_pause(announced: tuple[World, Path, Path]) -> None:
    world, inputs, _ = announced
    guard(world, "pause")

    done = world.route(inputs, "--wait")

    assert done.code == 0, done.err
    assert "the escrow is paused since" in done.err
    assert world.escrow.round_state().resolved == ROUND
