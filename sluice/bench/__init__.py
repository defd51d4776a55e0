"""What calls cost: receipts' gasUsed on a local chain, beside the same work done plainly.

Marginal figures are slopes: the gas of a transaction with 200 items less that of one with 100,
divided by 100 (of 100 and 50 where 200 do not fit a call); so whatever a transaction costs once is
left out. The accounts measured have been through at least five passes, hold NMR in their wallets,
and win and lose in turn. The token is the stand-in for NMR; `oz_` begins the key of a figure with
an ordinary ERC-20 token in its place (`contracts/test/PlainToken.vy`).
"""

from sluice.bench.fortnight import measure_fortnight
from sluice.bench.names import ORDINARY, PLAIN
from sluice.bench.others import measure_others
from sluice.bench.participants import measure_participants
from sluice.bench.plain import measure_plain
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
    "ORDINARY",
    "PLAIN",
    "STAKE_NANO",
    "Figures",
    "World",
    "build_world",
    "keys",
    "measure",
    "measure_real_round",
    "measure_sluice",
    "moves_tokens",
    "run_pass",
]

MOVING_TOKENS = ("deposit", "withdraw", "pay_", "plain_disperse", "distributor", "token_")


def measure(chain: LocalChain) -> Figures:
    """All figures that need no recorded rounds."""
    world = build_world(chain)
    figures = measure_sluice(world) | measure_plain(world) | measure_others(world)
    figures |= measure_fortnight(build_world(chain))
    return figures | _with_ordinary_token(chain)


def measure_sluice(world: World) -> Figures:
    """Those of the escrow, without the other work beside them."""
    return measure_routes(world) | measure_participants(world)


def _with_ordinary_token(chain: LocalChain) -> Figures:
    """What moves tokens, once more with an ordinary token: `oz_` before its key."""
    world = build_world(chain, ordinary_token=True)
    figures = measure_sluice(world) | measure_others(world)
    figures |= measure_fortnight(build_world(chain, ordinary_token=True))
    return {ORDINARY + key: gas for key, gas in figures.items() if moves_tokens(key)}


def moves_tokens(key: str) -> bool:
    """Whether a figure's gas hangs on the token."""
    return key == "fortnight" or key.startswith(MOVING_TOKENS)
