"""Prices of the weeks in which recorded rounds were resolved, from files of daily figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from sluice.bench.money import MICRO_USD, WEI_A_GWEI
from sluice.errors import InvalidInput

GAS_PRICES = "gas_price_daily.csv"
NMR_PRICES = "nmr_usd_daily.csv"
CALENDAR = "round_calendar_225_260.csv"
WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a round's week: the day it resolved on, the mean of the seven days' average gas prices in
    wei, and of their closing prices of an NMR in millionths of a dollar; both rounded down."""

    resolved_on: date
    gas_price_wei: int
    nmr_micro_usd: int


def read_prices(folder: Path) -> dict[int, Prices]:
    """The prices of every round of the calendar; InvalidInput if a file is missing, lacks a column
    or a day, or holds what is no price."""
    gas = _daily(folder / GAS_PRICES, "avg_gas_price_gwei", WEI_A_GWEI)
    nmr = _daily(folder / NMR_PRICES, "close", MICRO_USD)
    return {
        number: Prices(day, week_mean(gas, day, GAS_PRICES), week_mean(nmr, day, NMR_PRICES))
        for number, day in _resolved_on(folder / CALENDAR).items()
    }


def week_mean(daily: Mapping[date, int], first: date, source: str) -> int:
    """The mean of seven days, rounded down; InvalidInput if one is missing."""
    days = [first + timedelta(days=after) for after in range(WEEK_DAYS)]
    missing = [day for day in days if day not in daily]
    if missing:
        raise InvalidInput(f"{source}: there is no {missing[0]}: add the day's price")
    return sum(daily[day] for day in days) // WEEK_DAYS


def _daily(path: Path, column: str, scale: int) -> dict[date, int]:
    frame = _read(path, ["date", column])
    found = {}
    for day, text in frame.iter_rows():
        try:
            found[date.fromisoformat(day)] = int(Decimal(text) * scale)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise InvalidInput(f"{path.name}: {day}, {text}: write a day and a price") from error
    return found


def _resolved_on(path: Path) -> dict[int, date]:
    frame = _read(path, ["round", "resolve_time"])
    return {int(number): date.fromisoformat(time[:10]) for number, time in frame.iter_rows()}


def _read(path: Path, columns: list[str]) -> pl.DataFrame:
    """Columns as text: prices are decimal fractions, which floats would blur."""
    try:
        return pl.read_csv(path, columns=columns, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InvalidInput(f"{path}: {error}: name a folder with this file in it") from error
