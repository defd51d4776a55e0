"""The weekly pass by its script, on a real chain: killed half-way, announced wrongly, refused."""

import pytest

from sluice.errors import Refused
from sluice.events import links_applied
from sluice.inputs import read_rounds
from sluice.manifest import Target, build, read_manifest, recompute, write_manifest
from sluice.registry import load_registry
from sluice.words import NO_DIGEST, Entry, digest_chain, link_bytes
from tests.integration.conftest import NMR, ROUND, SPREAD, STAKE_NANO, World

pytestmark = pytest.mark.anvil

ACCOUNTS = 22


def test_route_killed_at_any_moment_carries_on(world: World) -> None:
    """Killed while its announcement waits, and again between batches, with a batch on the way: run
    again, it completes the round, every entry applied exactly once, with one manifest."""
    world.stake(ACCOUNTS, SPREAD)
    world.fund(1_000 * NMR)
    world.open_round()
    payouts = {
        (name, model): "0.5" if (i + model) % 3 else "-0.25"
        for i, name in enumerate(world.names)
        for model in SPREAD
    }
    inputs = world.write_inputs(payouts)
    before_nano = world.escrow.reserve_nano()
    start = lambda: world.start("route", *world.route_arguments(inputs, "--batch-links", 1))  # noqa: E731

    world.hold_blocks(True)
    world.kill_when_pending(start())
    world.rpc("anvil_dropAllTransactions")
    assert world.mined_digest() == NO_DIGEST
    world.kill_when_pending(start())
    world.mine()
    world.hold_blocks(False)
    waiting = world.route(inputs)
    assert waiting.code == 3, waiting.err
    assert waiting.document["come_back_at"] == world.escrow.round_state().announced_at + 86_400
    (path,) = world.manifests.glob("*.json")
    manifest = read_manifest(path)
    digests = manifest.digests()
    assert len(manifest.links) == 5
    assert world.mined_digest() == digests[0]

    world.pass_window()
    world.hold_blocks(True)
    process = start()
    world.wait_for_pending(process)
    world.mine()
    assert world.mined_digest() == digests[1]
    world.kill_when_pending(process)
    world.mine()
    world.hold_blocks(False)
    assert world.mined_digest() == digests[2]

    done = world.route(inputs, "--batch-links", 1)
    assert done.code == 0, done.err
    assert (done.document["transactions"], done.document["links"]) == (3, 3)
    state = world.escrow.round_state()
    assert (state.resolved, state.digest) == (ROUND, NO_DIGEST)
    nano = {key: NMR // 2 if value == "0.5" else -NMR // 4 for key, value in payouts.items()}
    for holding, name in zip(
        world.escrow.storage.holdings(world.names.values()), world.names, strict=True
    ):
        assert holding.stakes_nano == {m: STAKE_NANO + nano[name, m] for m in SPREAD}
        assert holding.word.pool_nano == 0
    earned_nano = sum(payout for payout in nano.values() if payout > 0)
    assert world.escrow.reserve_nano() == before_nano - earned_nano
    assert world.escrow.burned_nano() == earned_nano - sum(nano.values())
    assert list(world.manifests.glob("*.json")) == [path]
    again = world.route(inputs, "--round", ROUND)
    assert (again.code, again.document["phase"]) == (0, "done")


def test_route_waits_by_moving_a_local_chains_time(two_stakers: World) -> None:
    """With --wait a local chain is routed in one go, and anybody recomputes the digest from the
    published files (N5)."""
    world = two_stakers
    inputs = world.write_inputs({("staker01", 0): "1", ("staker02", 1): "-2"})

    done = world.route(inputs, "--wait")

    assert done.code == 0, done.err
    staker, other = world.names.values()
    assert world.lens.stakes_of(staker) == {0: STAKE_NANO + NMR, 1: STAKE_NANO}
    assert world.lens.stakes_of(other) == {0: STAKE_NANO, 1: STAKE_NANO - 2 * NMR}
    (path,) = world.manifests.glob("*.json")
    manifest = read_manifest(path)
    staked = {h.account: h.staked_nano for h in world.escrow.storage.holdings(
        world.names.values(), manifest.block
    )}  # fmt: skip
    registry = load_registry(world.folder / "registry.csv")
    assert recompute(manifest, read_rounds(inputs), registry, staked) == manifest.digest
    logs = world.escrow._web3.eth.get_logs({"fromBlock": manifest.block, "toBlock": "latest"})
    assert [e.link for e in links_applied(logs)] == manifest.link_bytes()


def test_route_refuses_before_sending_what_cannot_work(two_stakers: World) -> None:
    """A payout over its bound, an account nobody knows, a reserve too small: nothing is announced,
    and the message says what to do."""
    world = two_stakers
    over = world.route(world.write_inputs({("staker01", 0): "6"}))
    unknown = world.route(world.write_inputs({("stranger", 0): "1"}))
    taken_nano = world.escrow.reserve_nano() - NMR
    world.escrow.withdraw_reserve(taken_nano, sender=world.owner)
    poor = world.route(world.write_inputs({("staker01", 0): "1.5"}))
    number = world.route(world.write_inputs({("staker01", 0): "1"}), "--round", ROUND + 1)
    missing = world.route(world.folder / "missing.csv")

    assert [run.code for run in (over, unknown, poor, number, missing)] == [1] * 5
    assert "staker" not in over.err
    assert "earns 6000000000 nano-NMR of at most" in over.document["error"]
    assert "round.csv, row 2: account stranger is unknown" in unknown.err
    assert "fund at least 500000000 nano-NMR first" in poor.err
    assert "name a csv or parquet file" in missing.err
    assert f"rounds go in order, next is {ROUND}" in number.err
    assert world.escrow.round_state().announced_at == 0
    assert not world.manifests.exists()


def test_route_names_the_entry_over_its_bound_and_announces_again(two_stakers: World) -> None:
    """A payout over its bound was announced: the run says which account, announcing again from the
    corrected file replaces the digest, and the wrong manifest stays beside the right one."""
    world = two_stakers
    staker, other = world.names.values()
    wrong_inputs = world.write_inputs({("staker01", 0): "9", ("staker02", 0): "1"}, "wrong.csv")
    registry = load_registry(world.folder / "registry.csv")
    deployment = world.deployment
    wrong = build(
        Target(deployment.address, deployment.chain_id, deployment.parameters),
        read_rounds(wrong_inputs),
        registry,
        ROUND,
        world.escrow.last_block().number,
        [[Entry(staker, {0: 9 * NMR}), Entry(other, {0: NMR})]],
        0,
        "a mistaken tool",
    )
    write_manifest(wrong, world.manifests / f"round-{ROUND}-1.json")
    world.announce(ROUND, wrong.link_bytes())
    world.pass_window()

    stuck = world.route(wrong_inputs)
    inputs = world.write_inputs({("staker01", 0): "2", ("staker02", 0): "1"})
    done = world.route(inputs, "--announce-again", "--wait")

    assert stuck.code == 1
    assert f"refuses account {staker}, entry 0 of link 0" in stuck.err
    assert "earnings are above its bound" in stuck.err
    assert "--announce-again" in stuck.err
    assert wrong.digest in stuck.err
    assert done.code == 0, done.err
    assert world.lens.stakes_of(staker) == {0: STAKE_NANO + 2 * NMR, 1: STAKE_NANO}
    assert world.lens.stakes_of(other) == {0: STAKE_NANO + NMR, 1: STAKE_NANO}
    assert read_manifest(world.manifests / f"round-{ROUND}-1.json") == wrong
    assert read_manifest(world.manifests / f"round-{ROUND}-2.json").digest != wrong.digest


def test_route_takes_over_a_round_with_an_account_twice(two_stakers: World) -> None:
    """An account stood twice in what was announced, in two links: the first one is applied, the
    second one stands still. Announcing again covers exactly the accounts that are left."""
    world = two_stakers
    staker, other = world.names.values()
    made = [
        link_bytes([Entry(staker, {0: NMR})]),
        link_bytes([Entry(staker, {0: NMR}), Entry(other, {0: NMR})]),
    ]
    world.announce(ROUND, made)
    world.pass_window()
    digests = digest_chain(made)
    world.escrow.resolve(ROUND, made[:1], digests[1], sender=world.operator)
    with pytest.raises(Refused, match=r"^entry 00 of link 00: account is already in this pass$"):
        world.escrow.resolve(ROUND, made[1:], NO_DIGEST, sender=world.operator)
    inputs = world.write_inputs({("staker01", 0): "1", ("staker02", 0): "1"})

    lost = world.route(inputs)
    done = world.route(inputs, "--announce-again", "--wait")

    assert lost.code == 1
    assert "is of no manifest" in lost.err
    assert "0x" + digests[1].hex() in lost.err
    assert done.code == 0, done.err
    assert world.escrow.round_state().resolved == ROUND
    assert world.lens.stakes_of(staker) == {0: STAKE_NANO + NMR, 1: STAKE_NANO}
    assert world.lens.stakes_of(other) == {0: STAKE_NANO + NMR, 1: STAKE_NANO}
    (path,) = world.manifests.glob("*.json")
    assert [e.account for link in read_manifest(path).links for e in link] == [other]


def test_route_sends_a_batch_in_parts_that_is_dearer_than_expected(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four links that are expected in one transaction, on a chain where half of them fit one."""
    world.stake(24, SPREAD)
    world.fund(1_000 * NMR)
    world.open_round()
    inputs = world.write_inputs({(name, m): "0.5" for name in world.names for m in SPREAD})
    assert world.route(inputs).code == 3
    world.pass_window()
    monkeypatch.setattr("sluice.contract.MAX_TRANSACTION_GAS", 2_700_000)

    done = world.route(inputs)

    assert done.code == 0, done.err
    assert (done.document["links"], done.document["transactions"]) == (5, 2)
    assert world.escrow.round_state().resolved == ROUND
