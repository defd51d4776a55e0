"""What the tournament costs in money: the gas of its rounds at the prices of their weeks.

Exact integers: wei, nano-NMR, millionths of a dollar, bytes. An amount of NMR is rounded up to the
nano, a mean price down to the wei or the millionth; nothing else is rounded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from sluice.bench.peers import Peer

WEI_AN_ETH = 10**18
WEI_A_GWEI = 10**9
NANO_A_NMR = 10**9
MICRO_USD = 10**6

ETH_USD = 1_000
"""Dollars for one ETH, by which amounts in NMR are computed: the data have no price of ETH, which
rose several times over in these months. Amounts in NMR are proportional to it."""

L2_GAS_PRICE_WEI = WEI_A_GWEI // 100
"""What a rollup takes for a unit of gas of execution."""
CALLDATA_GAS_A_BYTE = 16
"""What a byte of a rollup's data takes on Ethereum if it is posted as calldata, uncompressed and
none of it zero, at the week's gas price."""
BLOB_GAS_A_BYTE = 1
BLOB_GAS_PRICE_WEI = WEI_A_GWEI
"""What a byte takes in a blob (EIP-4844), and the price assumed for it."""


@dataclass(frozen=True, slots=True)
class Week:
    """A round's pass: the accounts and models of the round, the gas of funding, announcing and
    resolving it, and the bytes of calldata of that; the mean gas price in wei and the mean price of
    an NMR in millionths of a dollar, of the seven days from the one it resolved on."""

    round_number: int
    resolved_on: date
    accounts: int
    models: int
    gas: int
    data_bytes: int
    gas_price_wei: int
    nmr_micro_usd: int


def sluice_wei(week: Week) -> int:
    """The pass on Ethereum."""
    return week.gas * week.gas_price_wei


def v3_wei(week: Week) -> int:
    """Every model of the round staked and resolved by NumeraiTournamentV3."""
    return week.models * Peer.V3_MODEL_ROUND.gas * week.gas_price_wei


def rollup_wei(week: Week) -> int:
    """The pass on a rollup that posts its data as calldata."""
    data_gas = week.data_bytes * CALLDATA_GAS_A_BYTE
    return week.gas * L2_GAS_PRICE_WEI + data_gas * week.gas_price_wei


def blob_rollup_wei(week: Week) -> int:
    """The pass on a rollup that posts its data in blobs."""
    blob_gas = week.data_bytes * BLOB_GAS_A_BYTE
    return week.gas * L2_GAS_PRICE_WEI + blob_gas * BLOB_GAS_PRICE_WEI


def nano_nmr(wei: int, nmr_micro_usd: int, eth_usd: int = ETH_USD) -> int:
    """So much wei in nano-NMR, rounded up."""
    micro_usd_wei = wei * eth_usd * MICRO_USD
    return -(-micro_usd_wei * NANO_A_NMR // (WEI_AN_ETH * nmr_micro_usd))


def total_wei(weeks: Sequence[Week], cost: Callable[[Week], int]) -> int:
    """What all weeks cost."""
    return sum(cost(week) for week in weeks)


def total_nano_nmr(weeks: Sequence[Week], cost: Callable[[Week], int]) -> int:
    """What all weeks cost in nano-NMR, each at its own price and rounded up."""
    return sum(nano_nmr(cost(week), week.nmr_micro_usd) for week in weeks)
