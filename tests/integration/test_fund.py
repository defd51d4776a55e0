"""Funding the reserve by its script, on a real chain."""

import pytest

from tests.integration.conftest import NMR, World

pytestmark = pytest.mark.anvil


def test_fund_adds_exactly_that_much_to_the_reserve(world: World) -> None:
    before_nano = world.escrow.reserve_nano()
    held_nano = world.escrow.balance_nano(world.owner.address)

    run = world.run("fund", "2.000000001", "--yes", "--json")

    assert run.code == 0, run.err
    assert run.document == {
        "funded_nano": 2 * NMR + 1,
        "reserve_nano": before_nano + 2 * NMR + 1,
    }
    assert world.escrow.reserve_nano() == before_nano + 2 * NMR + 1
    assert world.escrow.balance_nano(world.owner.address) == held_nano - 2 * NMR - 1


def test_fund_refuses_before_anything_is_sent(world: World) -> None:
    before_nano = world.escrow.reserve_nano()

    zero = world.run("fund", "0", "--yes")
    poor = world.run("fund", "1", "--account", "9", "--yes")
    crumb = world.run("fund", "0.0000000001", "--yes")

    assert (zero.code, poor.code, crumb.code) == (1, 1, 1)
    assert "amount: must be above zero" in zero.err
    assert "holds 0.000000000 NMR: fund no more than that" in poor.err
    assert "is not a whole nano-NMR" in crumb.err
    assert world.escrow.reserve_nano() == before_nano
