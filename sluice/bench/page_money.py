"""The part of docs/gas.md that is about money."""

from collections.abc import Callable, Sequence

from sluice.bench.money import (
    BLOB_GAS_A_BYTE,
    BLOB_GAS_PRICE_WEI,
    CALLDATA_GAS_A_BYTE,
    ETH_USD,
    L2_GAS_PRICE_WEI,
    MICRO_USD,
    NANO_A_NMR,
    WEI_A_GWEI,
    WEI_AN_ETH,
    Week,
    blob_rollup_wei,
    nano_nmr,
    rollup_wei,
    sluice_wei,
    total_nano_nmr,
    total_wei,
    v3_wei,
)
from sluice.bench.page_text import table, times
from sluice.bench.peers import Peer

HERE = (
    ("NumeraiTournamentV3, Ethereum", v3_wei),
    ("this contract, Ethereum", sluice_wei),
    ("this contract on a rollup, data as calldata", rollup_wei),
    ("this contract on a rollup, data in blobs", blob_rollup_wei),
)


def money_blocks(weeks: Sequence[Week]) -> dict[str, str]:
    """What was replayed, what was assumed, what all rounds cost, and the table week by week."""
    return {
        "replayed": _replayed(weeks),
        "assumptions": _assumptions(),
        "totals": _totals(weeks),
        "weeks": _weekly(weeks),
    }


def _replayed(weeks: Sequence[Week]) -> str:
    rows = [
        ("rounds", f"{weeks[0].round_number} to {weeks[-1].round_number}"),
        ("stakes of models in them", f"{sum(week.models for week in weeks):,}"),
        ("gas here", f"{sum(week.gas for week in weeks):,}"),
        ("bytes of calldata here", f"{sum(week.data_bytes for week in weeks):,}"),
        ("gas of NumeraiTournamentV3 for each", f"{Peer.V3_MODEL_ROUND.gas:,}"),
    ]
    return table(("", ""), rows)


def _assumptions() -> str:
    gwei = WEI_A_GWEI
    rows = [
        ("dollars for one ETH", f"{ETH_USD:,}"),
        ("gwei for a unit of gas on a rollup", f"{L2_GAS_PRICE_WEI / gwei:g}"),
        ("gas on Ethereum for a byte of its data as calldata", f"{CALLDATA_GAS_A_BYTE}"),
        ("blob gas for a byte of its data in a blob", f"{BLOB_GAS_A_BYTE}"),
        ("gwei for a unit of blob gas", f"{BLOB_GAS_PRICE_WEI / gwei:g}"),
    ]
    return table(("", "assumed"), rows)


def _totals(weeks: Sequence[Week]) -> str:
    ours = total_wei(weeks, sluice_wei)
    rows = []
    for name, cost in HERE:
        wei = total_wei(weeks, cost)
        each = wei // sum(week.models for week in weeks)
        rows.append(
            (
                name,
                _eth(wei),
                _nmr(total_nano_nmr(weeks, cost)),
                f"{each / WEI_A_GWEI:,.0f}",
                times(wei, ours),
            )
        )
    heading = ("all rounds", "ETH", "NMR", "gwei for a model and round", "of this contract")
    return table(heading, rows)


def _weekly(weeks: Sequence[Week]) -> str:
    rows = []
    for week in weeks:
        ours, v3 = sluice_wei(week), v3_wei(week)
        rows.append(
            (
                str(week.round_number),
                week.resolved_on.isoformat(),
                f"{week.models:,}",
                f"{week.gas:,}",
                f"{week.gas_price_wei / WEI_A_GWEI:.1f}",
                f"{week.nmr_micro_usd / MICRO_USD:.2f}",
                *_both(week, sluice_wei),
                *_both(week, v3_wei),
                times(v3, ours),
                *_both(week, rollup_wei),
            )
        )
    heading = (
        "round", "resolved", "models", "gas", "gwei", "USD an NMR", "ETH", "NMR",
        "V3: ETH", "V3: NMR", "V3 of ours", "rollup: ETH", "rollup: NMR",
    )  # fmt: skip
    return table(heading, rows)


def _both(week: Week, cost: Callable[[Week], int]) -> tuple[str, str]:
    wei = cost(week)
    return _eth(wei), _nmr(nano_nmr(wei, week.nmr_micro_usd))


def _eth(wei: int) -> str:
    return f"{wei / WEI_AN_ETH:,.4f}"


def _nmr(amount_nano: int) -> str:
    return f"{amount_nano / NANO_A_NMR:,.2f}"
