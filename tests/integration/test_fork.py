"""The escrow on a fork of a chain where it is deployed: same state, same rules, same gas."""

import pytest

from sluice import bench
from sluice.bench import NANO_A_NMR, STAKE_NANO, World, build_world, run_pass
from sluice.calls import calls
from sluice.local_chain import AnvilChain, anvil_chain
from sluice.words import Entry

pytestmark = pytest.mark.anvil

STAKERS = 12
PASSES = 5


def _payouts(world: World, number: int) -> list[list[Entry]]:
    accounts = sorted((each.address for each in world.stakers[:STAKERS]), key=lambda a: int(a, 16))
    paid = number > 4
    return [
        [
            Entry(account, {0: NANO_A_NMR * (1 if place % 2 else -1)} if paid else {})
            for place, account in enumerate(accounts)
        ]
    ]


def _week(world: World, number: int) -> list[int]:
    """One of everything: a pass, and a user's calls; returns the gas of each."""
    staker = world.stakers[0].address.lower()
    gas = run_pass(world, number, _payouts(world, number))
    gas.append(world.send(staker, calls.deposit(NANO_A_NMR), "deposit"))
    gas.append(world.send(staker, calls.set_stakes({0: STAKE_NANO, 5: NANO_A_NMR}), "set_stakes"))
    gas.append(world.send(staker, calls.withdraw(NANO_A_NMR // 2), "withdraw"))
    return gas


def test_fork_goes_on_from_the_deployed_escrow_at_the_same_gas() -> None:
    """S9: gas is measured on a fork of the chain that holds the escrow, and is the same there."""
    with anvil_chain() as source:
        world = build_world(source)
        staked = calls.deposit_and_stake(2 * STAKE_NANO, {0: STAKE_NANO})
        world.send_all(
            [(each.address.lower(), staked, "stake") for each in world.stakers[:STAKERS]]
        )
        for number in range(bench.FIRST_ROUND, bench.FIRST_ROUND + PASSES):
            run_pass(world, number, _payouts(world, number))
        staker = world.stakers[0].address
        before = world.lens.position(staker)

        with anvil_chain(forked_url=source.web3.provider.endpoint_uri) as fork:  # type: ignore[attr-defined]
            forked = _on(fork, world)
            assert fork.block() == source.block()
            assert forked.lens.position(staker) == before
            gas_on_fork = _week(forked, number + 1)
            after_on_fork = forked.lens.position(staker)

        assert world.lens.position(staker) == before, "the fork changed the chain it came from"
        gas = _week(world, number + 1)

        assert gas_on_fork == gas
        assert after_on_fork == world.lens.position(staker)
        assert all(0 < each < 16_777_216 for each in gas)


def _on(chain: AnvilChain, world: World) -> World:
    return World(chain, world.deployment, world.owner, world.operator, world.stakers)
