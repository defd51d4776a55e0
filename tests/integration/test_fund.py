"""Filling up the reserve by its script, on a real chain."""

import pytest

from tests.integration.conftest import NMR, World

pytestmark = pytest.mark.anvil


def test_fund_fills_the_reserve_up_and_run_again_adds_nothing(world: World) -> None:
    world.fund(NMR)
    held_nano = world.escrow.token.balance_nano(world.owner.address)

    first = world.run("fund", "2.000000001", "--yes", "--json")
    again = world.run("fund", "2.000000001", "--yes", "--json")

    assert (first.code, again.code) == (0, 0), first.err + again.err
    assert first.document == {"funded_nano": NMR + 1, "reserve_nano": 2 * NMR + 1}
    assert again.document == {"funded_nano": 0, "reserve_nano": 2 * NMR + 1}
    assert world.escrow.reserve_nano() == 2 * NMR + 1
    assert world.escrow.token.balance_nano(world.owner.address) == held_nano - NMR - 1


def test_fund_refuses_before_anything_is_sent(world: World) -> None:
    before_nano = world.escrow.reserve_nano()

    poor = world.run("fund", "1", "--account", "9", "--yes")
    crumb = world.run("fund", "0.0000000001", "--yes")

    assert (poor.code, crumb.code) == (1, 1)
    assert "holds 0.000000000 NMR, 1.000000000 NMR are lacking" in poor.err
    assert "is not a whole nano-NMR" in crumb.err
    assert world.escrow.reserve_nano() == before_nano
