"""What the bench does with a chain besides sending: access lists, and taking back."""

from dataclasses import replace

import pytest

from sluice.bench import NANO_A_NMR, build_world
from sluice.bench.world import with_lists
from sluice.calls import calls
from sluice.local_chain import anvil_chain

pytestmark = pytest.mark.anvil


def test_what_is_measured_with_lists_takes_less_and_has_not_happened() -> None:
    """A deposit reaches the token, which is worth naming; a stake reaches the escrow alone, which
    is not for so few slots. Each is sent with lists first, then without."""
    with anvil_chain() as chain:
        world = build_world(chain)
        staker = world.stakers[0].address.lower()
        deposit, stake = calls.deposit(NANO_A_NMR), calls.set_stakes({0: NANO_A_NMR})
        gas = []
        for data in (deposit, stake):
            block, sent = chain.block(), chain.sent_and_held(staker)
            listed = with_lists(world, lambda of, data=data: {"": of.send(staker, data, "one")})
            assert (chain.block(), chain.sent_and_held(staker)) == (block, sent)
            gas.append((listed[""], world.send(staker, data, "one")))

        assert world.lens.stakes_of(staker) == {0: NANO_A_NMR}
        assert world.lens.position(staker).pool_nano == 0
        assert gas[0][0] < gas[0][1]
        assert gas[1][0] == gas[1][1]


def test_a_list_goes_into_a_block_at_the_time_asked_for() -> None:
    with anvil_chain() as chain:
        world = replace(build_world(chain), listed=True)
        time = chain.time() + 1_000

        world.send(world.stakers[0].address.lower(), calls.deposit(NANO_A_NMR), "deposit")
        assert chain.time() < time
        chain.send_listed([], time)
        assert chain.time() == time
