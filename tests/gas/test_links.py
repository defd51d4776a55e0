"""Links and batches are cut by estimates of gas; here is what the contract really takes."""

from collections.abc import Sequence

import pytest
from eth_account.signers.local import LocalAccount

from sluice.account import Split
from sluice.bench import NANO_A_NMR, World, build_world, run_pass
from sluice.calls import calls
from sluice.local_chain import anvil_chain
from sluice.parameters import BPS
from sluice.rounds import DEFAULT_GAS, links
from sluice.words import DESTINATIONS, MODELS, Entry

pytestmark = pytest.mark.anvil

ACCOUNTS = 24
SPLITTING = 8
STAKE_NANO = 3 * NANO_A_NMR


def _entries(world: World, payouts: dict[int, int]) -> list[Entry]:
    return _of(world.stakers[:ACCOUNTS], payouts)


def test_links_and_batches_take_no_more_gas_than_they_were_cut_for() -> None:
    """Accounts of 65 models that win and lose on all of them, then accounts whose one loss is
    taken from the stakes on every page."""
    everywhere = dict.fromkeys(range(MODELS), STAKE_NANO)
    with anvil_chain() as chain:
        world = build_world(chain)
        staked = calls.deposit_and_stake(MODELS * STAKE_NANO, everywhere)
        for staker in world.stakers[:ACCOUNTS]:
            world.send(staker.address.lower(), staked, "deposit_and_stake")
        for number in range(1, 5):
            run_pass(world, number, [_entries(world, {})])

        mixed = _entries(
            world, {m: (-1) ** (m // 3) * (NANO_A_NMR // 8 + m) for m in range(MODELS)}
        )
        cut = links(mixed)
        usual = sum(DEFAULT_GAS.usual_call + DEFAULT_GAS.usual(link) for link in cut)
        assert sum(_check(world, 5, mixed)) <= usual

        # everything behind the other pages, which keep a nano each: a loss writes all of them
        for staker in world.stakers[:ACCOUNTS]:
            held = world.lens.position(staker.address)
            behind_nano = held.pool_nano + held.staked_nano - (MODELS - 1)
            last = dict.fromkeys(range(MODELS - 1), 1) | {MODELS - 1: behind_nano}
            world.send(staker.address.lower(), calls.set_stakes(last), "set_stakes")
        lost = world.lens.risks_of(world.stakers[0].address)[0].bound_nano
        _check(world, 6, _entries(world, {0: -lost}))
        pages = world.lens.stakes_of(world.stakers[0].address)
        assert [model for model, stake in pages.items() if stake] == [MODELS - 1]


def test_links_take_no_more_gas_than_they_were_cut_for_whatever_splits_say() -> None:
    """Accounts of one model whose earning goes to eight pages never used before, then accounts of
    65 models that win on each and split every earning eight ways, and lose on half of them."""
    with anvil_chain() as chain:
        world = build_world(chain)
        one, all_models = world.stakers[:SPLITTING], world.stakers[SPLITTING : 2 * SPLITTING]
        everywhere = dict.fromkeys(range(MODELS), STAKE_NANO)
        _send_each(world, one, calls.deposit_and_stake(STAKE_NANO, {0: STAKE_NANO}))
        _send_each(world, all_models, calls.deposit_and_stake(MODELS * STAKE_NANO, everywhere))
        for number in range(1, 5):
            run_pass(world, number, [_of([*one, *all_models], {})])

        _send_each(world, one, calls.set_split(0, _eight_ways(0)))
        _check(world, 5, _of(one, {0: NANO_A_NMR // 8}))
        assert len(world.lens.stakes_of(one[0].address)) == 9
        for model in range(MODELS):
            _send_each(world, all_models, calls.set_split(model, _eight_ways(model)))
        _check(world, 6, _of(all_models, dict.fromkeys(range(MODELS), NANO_A_NMR // 8)))
        mixed = {model: (-1) ** model * (NANO_A_NMR // 8) for model in range(MODELS)}
        _check(world, 7, _of(all_models, mixed))


def _of(stakers: Sequence[LocalAccount], payouts: dict[int, int]) -> list[Entry]:
    return [Entry(account, payouts) for account in sorted(each.address.lower() for each in stakers)]


def _eight_ways(model: int) -> Split:
    """A model on each of eight pages, other pages for other models."""
    models = [1 + (4 * page + model) % (MODELS - 1) for page in range(0, 2 * DESTINATIONS, 2)]
    return tuple((each, BPS // DESTINATIONS) for each in models)


def _send_each(world: World, stakers: Sequence[LocalAccount], data: bytes) -> None:
    world.send_all([(staker.address.lower(), data, "call") for staker in stakers])


def _check(world: World, number: int, entries: list[Entry]) -> list[int]:
    cut = links(entries)
    _, *gas = run_pass(world, number, [[*link] for link in cut])
    for link, taken in zip(cut, gas, strict=True):
        worst = DEFAULT_GAS.usual_call + sum(map(DEFAULT_GAS.worst, link))
        assert taken <= worst, f"{len(link)} entries took {taken}, at worst {worst} was expected"
        print(f"{len(link)} entries: {taken:,} gas, at worst {worst:,}")
    return gas
