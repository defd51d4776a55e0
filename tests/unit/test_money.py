"""What rounds cost in money: exact integers, rounding as it is said to be."""

from datetime import date
from pathlib import Path

import pytest

from sluice.bench import money
from sluice.bench.market import CALENDAR, GAS_PRICES, NMR_PRICES, Prices, read_prices
from sluice.bench.money import Week
from sluice.errors import InvalidInput

GWEI = 10**9
ETH = 10**18
NMR = 10**9


@pytest.fixture
def week() -> Week:
    return Week(
        round_number=260,
        resolved_on=date(2021, 5, 19),
        accounts=2,
        models=3,
        gas=1_000_000,
        data_bytes=500,
        gas_price_wei=100 * GWEI,
        nmr_micro_usd=40_000_000,
    )


def test_a_pass_costs_its_gas_at_the_weeks_price(week: Week) -> None:
    assert money.sluice_wei(week) == ETH // 10


def test_numerais_contract_pays_for_each_model(week: Week) -> None:
    assert money.v3_wei(week) == 3 * 85_800 * 100 * GWEI


def test_a_rollup_pays_for_execution_and_for_bytes(week: Week) -> None:
    execution = 1_000_000 * GWEI // 100

    assert money.rollup_wei(week) == execution + 500 * 16 * 100 * GWEI
    assert money.blob_rollup_wei(week) == execution + 500 * GWEI


def test_nmr_follows_from_dollars_and_is_rounded_up() -> None:
    assert money.nano_nmr(ETH, 40_000_000, eth_usd=1_000) == 25 * NMR
    assert money.nano_nmr(ETH, 40_000_000, eth_usd=2_000) == 50 * NMR
    # a third of a nano is a nano
    assert money.nano_nmr(10**7, 30_000_000, eth_usd=1) == 1
    assert money.nano_nmr(0, 40_000_000) == 0


def test_totals_are_sums_of_weeks_each_at_its_own_price(week: Week) -> None:
    dearer = Week(261, date(2021, 5, 26), 2, 3, 1_000_000, 500, 300 * GWEI, 80_000_000)
    weeks = [week, dearer]

    assert money.total_wei(weeks, money.sluice_wei) == 4 * ETH // 10
    assert money.total_nano_nmr(weeks, money.sluice_wei) == sum(
        money.nano_nmr(money.sluice_wei(each), each.nmr_micro_usd) for each in weeks
    )


def _files(folder: Path, days: int) -> Path:
    dates = [f"2021-05-{19 + day}" for day in range(days)]
    prices = [f"{date},{100 + day}.0000000005" for day, date in enumerate(dates)]
    (folder / GAS_PRICES).write_text("\n".join(["date,avg_gas_price_gwei", *prices]))
    closes = [f"{date},1,2,0.5,40.12345678" for date in dates]
    (folder / NMR_PRICES).write_text("\n".join(["date,open,high,low,close", *closes]))
    row = "260,2021-04-17T18:00:00Z,2021-05-19T20:00:00Z"
    (folder / CALENDAR).write_text(f"round,open_time,resolve_time\n{row}\n")
    return folder


def test_prices_are_means_of_seven_days_rounded_down(tmp_path: Path) -> None:
    prices = read_prices(_files(tmp_path, 7))

    # a fraction of a wei is left out each day, so is one of a millionth of a dollar
    assert prices == {260: Prices(date(2021, 5, 19), 103 * GWEI, 40_123_456)}


def test_a_missing_day_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=f"{GAS_PRICES}: there is no 2021-05-25"):
        read_prices(_files(tmp_path, 6))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=GAS_PRICES):
        read_prices(tmp_path)


def test_what_is_no_price_is_told(tmp_path: Path) -> None:
    folder = _files(tmp_path, 7)
    (folder / NMR_PRICES).write_text("date,open,high,low,close\n2021-05-19,1,2,0.5,much\n")

    with pytest.raises(InvalidInput, match="2021-05-19, much"):
        read_prices(folder)
