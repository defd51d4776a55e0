"""What calls cost: receipts' gasUsed on a local chain, beside the same work done plainly.

Marginal figures are slopes: the gas of a transaction with 200 items less that of one with 100,
divided by 100 (of 100 and 50 where 200 do not fit a call); so whatever a transaction costs once is
left out. The accounts measured have been through at least five passes, hold NMR in their wallets,
and win and lose in turn.
"""

from sluice.bench.participants import measure_participants
from sluice.bench.plain import PLAIN, measure_plain
from sluice.bench.real_round import measure_real_round
from sluice.bench.routes import measure_routes
from sluice.bench.world import (
    FIRST_ROUND,
    NANO_A_NMR,
    STAKE_NANO,
    Figures,
    World,
    build_world,
    keys,
    run_pass,
)
from sluice.local_chain import LocalChain

__all__ = [
    "FIRST_ROUND",
    "NANO_A_NMR",
    "PLAIN",
    "STAKE_NANO",
    "Figures",
    "World",
    "build_world",
    "keys",
    "measure",
    "measure_real_round",
    "measure_sluice",
    "run_pass",
]


def measure(chain: LocalChain) -> Figures:
    """All figures that need no recorded rounds."""
    world = build_world(chain)
    return measure_sluice(world) | measure_plain(world)


def measure_sluice(world: World) -> Figures:
    """Those of the escrow, without the plain work beside them."""
    return measure_routes(world) | measure_participants(world)
