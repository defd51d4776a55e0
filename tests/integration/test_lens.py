"""The lens through its Python methods, against the reference model read from the same chain."""

import pytest

from sluice.calls import calls
from sluice.errors import InvalidInput
from sluice.lens import Lens
from sluice.schedule import Release
from sluice.words import POOL, WALLET
from tests.integration.conftest import NMR, ROUND, STAKE_NANO, World

SPLIT = ((WALLET, 2_500), (0, 7_499), (POOL, 1))


@pytest.mark.anvil
def test_lens_says_of_accounts_what_the_ledger_says(two_stakers: World) -> None:
    """N1: every view, typed, in nano-NMR."""
    world = two_stakers
    staker, other = world.names.values()
    world.send_as(staker, calls.set_stakes({0: 0, 1: 0}))
    world.send_as(staker, calls.set_split(1, SPLIT))
    accounts = (staker, other, world.owner.address)
    ledger = world.escrow.ledger(accounts)
    now = world.escrow.time()

    for account in accounts:
        held = ledger.account(account)
        assert world.lens.position(account) == ledger.position(account, now)
        assert world.lens.stakes_of(account) == held.stakes_nano
        assert world.lens.splits_of(account) == held.splits
        risks = {risk.round_number: risk.bound_nano for risk in world.lens.risks_of(account)}
        assert risks == {r: u * 2**18 for r, u in held.risks_units.items()}
        assert world.lens.schedule(account) == tuple(ledger.schedule(account, now))
    assert world.lens.current_period() == ledger.parameters.period(now)

    parameters = ledger.parameters
    earliest = parameters.pass_time(ROUND) + parameters.window_s
    assert world.lens.splits_of(staker) == {1: SPLIT}
    assert world.lens.schedule(staker) == (
        Release(2 * STAKE_NANO, earliest, parameters.deadline(ROUND)),
    )
    (risk,) = world.lens.risks_of(staker)
    assert risk.deadline == parameters.deadline(ROUND)
    assert risk.lock_nano == 2 * STAKE_NANO - world.lens.position(staker).withdrawable_nano
    assert STAKE_NANO == 10 * NMR


@pytest.mark.anvil
def test_lens_looks_at_the_block_that_is_named(two_stakers: World) -> None:
    world = two_stakers
    staker, _ = world.names.values()
    before = world.escrow.last_block().number
    world.send_as(staker, calls.set_stakes({1: 0}))

    assert world.lens.stakes_of(staker, before) == {0: STAKE_NANO, 1: STAKE_NANO}
    assert world.lens.stakes_of(staker) == {0: STAKE_NANO}


@pytest.mark.anvil
def test_lens_where_there_is_none_says_so(world: World) -> None:
    with pytest.raises(InvalidInput, match="does not answer position"):
        Lens(world.owner.address, world.provider).position(world.owner.address)
