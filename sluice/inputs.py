"""The table of a tournament's rounds, read from a csv or parquet file and checked row by row.

Columns: round, account, model and either payout (NMR, a burn is negative) or stake, corr, mmc,
corr_multiplier, mmc_multiplier, payout_factor, from which the payout follows by the tournament's
published rule (`payout_by_rule`). Where payout is there it is used. Optional: stake beside payout
(payouts are then checked against it), open_time, resolve_time (ISO 8601, UTC where no zone is
given), resolved (true or false). Other columns are passed over.

A number is the decimal that the file shows: the text of a csv field, or the shortest decimal that
reads back as a parquet file's double. All arithmetic is decimal, to 100 digits, and rounds once,
half to even, to the nano-NMR; so the same file gives the same integers on every machine, and a csv
file written from a parquet file gives the same ones.

Rows are counted as a person counts them: the header of a csv file is row 1, the first row of a
parquet file is row 1.
"""

import hashlib
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TypeAlias

import polars as pl
from eth_utils.address import to_checksum_address
from polars.exceptions import PolarsError

from sluice.errors import InvalidInput
from sluice.words import MAX_AMOUNT_NANO, PAYOUT_BIAS_NANO

KEY_COLUMNS = ("round", "account", "model")
RULE_COLUMNS = ("stake", "corr", "mmc", "corr_multiplier", "mmc_multiplier", "payout_factor")
OPTIONAL_COLUMNS = ("open_time", "resolve_time", "resolved")

PAYOUT_CAP = Decimal("0.25")
"""The published rule never pays or burns more than this part of the stake."""
CAP_DIVISOR = 4
CAP_SLACK_NANO = 2
"""4 x payout <= stake + 2 nano is what 4 x payout <= stake can become once both are rounded to
the nano."""

_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN, Emin=MIN_EMIN, Emax=MAX_EMAX)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")

Cell: TypeAlias = object
"""One field as polars hands it over: text, a number, a truth value, a time, or None."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model in one round. Amounts in nano-NMR; `number` is its row in the file; `stake_nano`
    is None where the file has no stakes and zero below one nano; a row that was not scored has a
    payout of zero. `account` is a name, or an address in its checksum form."""

    number: int
    round_number: int
    account: str
    model: str
    payout_nano: int
    stake_nano: int | None = None
    scored: bool = True
    resolved: bool = True
    open_time: datetime | None = None
    resolve_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class RoundTable:
    """A file's rows by round, ascending, each in the order of the file; `source` is the file's
    name, `sha256` of its bytes."""

    source: str
    sha256: str
    rounds: Mapping[int, tuple[Row, ...]]

    def rows(self, round_number: int) -> tuple[Row, ...]:
        """The rows of a round; InvalidInput if the file has none."""
        if round_number not in self.rounds:
            held = f"{min(self.rounds)} to {max(self.rounds)}" if self.rounds else "none"
            raise InvalidInput(
                f"{self.source}: no rows of round {round_number} (rounds held: {held}): name "
                "one of "
                "those, or a file that holds it"
            )
        return self.rounds[round_number]

    def unresolved(self) -> list[int]:
        """The rounds with a row that is not resolved: they can open and cannot be routed."""
        return [r for r, rows in self.rounds.items() if not all(row.resolved for row in rows)]

    def resolved_rows(self, round_number: int) -> tuple[Row, ...]:
        """The rows of a round that is to be routed; InvalidInput if one is not resolved."""
        rows = self.rows(round_number)
        for row in rows:
            if not row.resolved:
                raise bad_row(
                    self.source,
                    row.number,
                    f"round {round_number} is not resolved",
                    "wait for its scores and read the file that has them",
                )
        return rows


def read_rounds(path: Path) -> RoundTable:
    """Reads and checks a file of rounds (.csv or .parquet).

    Raises InvalidInput, naming file, row and remedy, for a missing column, an empty or
    unreadable field, a number that is not finite, a negative stake, a payout beyond 25% of the
    stake, or a model twice in a round."""
    data, frame, first_row = read_frame(path)
    source = path.name
    _check_columns(source, frame.columns)
    wanted = [
        c for c in (*KEY_COLUMNS, "payout", *RULE_COLUMNS, *OPTIONAL_COLUMNS) if c in frame.columns
    ]
    rows = [
        _row(source, number, dict(zip(wanted, cells, strict=True)))
        for number, cells in enumerate(frame.select(wanted).iter_rows(), start=first_row)
    ]
    _check_duplicates(source, rows)
    # Sorting is stable: within a round the order of the file stays.
    rows.sort(key=attrgetter("round_number"))
    rounds = {r: tuple(group) for r, group in groupby(rows, key=attrgetter("round_number"))}
    return RoundTable(source, hashlib.sha256(data).hexdigest(), rounds)


def read_frame(path: Path) -> tuple[bytes, pl.DataFrame, int]:
    """A file's bytes, its table (every field of a csv file as text) and the number of its first
    row.

    Raises InvalidInput if the file cannot be read, is of another kind, or names a column twice."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{path}: {error.strerror}: name a csv or parquet file that can be read"
        ) from error
    try:
        match path.suffix.lower():
            case ".csv":
                # As text: a type guessed from the first rows would make the account "0042" 42.
                frame, first_row = pl.read_csv(io.BytesIO(data), infer_schema=False), 2
            case ".parquet":
                frame, first_row = pl.read_parquet(io.BytesIO(data)), 1
            case _:
                raise InvalidInput(f"{path.name}: give a file whose name ends in .csv or .parquet")
    except PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InvalidInput(
            f"{path.name}: not a readable table ({reason}): write it again"
        ) from error
    repeated = [c for c in frame.columns if re.search(r"_duplicated_\d+$", c)]
    if repeated:
        name = repeated[0].rpartition("_duplicated_")[0]
        raise InvalidInput(
            f"{path.name}, row 1: column {name} stands there twice; keep one of them"
        )
    return data, frame, first_row


def bad_row(source: str, number: int, what: str, remedy: str) -> InvalidInput:
    """The refusal of one row: file, row, what is wrong, what to do."""
    return InvalidInput(f"{source}, row {number}: {what}; {remedy}")


def as_address(text: str) -> str | None:
    """An address in its checksum form, whatever the case of its letters; None if the text is no
    address."""
    return to_checksum_address(text) if _ADDRESS.fullmatch(text) else None


def to_nano(amount_nmr: Decimal) -> int:
    """An amount of NMR in nano-NMR, rounded half to even."""
    return int(amount_nmr.scaleb(9, _EXACT).to_integral_value(ROUND_HALF_EVEN))


def payout_by_rule(
    stake: Decimal,
    corr: Decimal,
    mmc: Decimal,
    corr_multiplier: Decimal,
    mmc_multiplier: Decimal,
    payout_factor: Decimal,
) -> Decimal:
    """The tournament's published payout in NMR, of a stake in NMR: stake x clip(payout_factor x
    (corr x corr_multiplier + mmc x mmc_multiplier), -25%, 25%)."""
    score = _EXACT.add(_EXACT.multiply(corr, corr_multiplier), _EXACT.multiply(mmc, mmc_multiplier))
    rate = min(max(_EXACT.multiply(payout_factor, score), -PAYOUT_CAP), PAYOUT_CAP)
    return _EXACT.multiply(stake, rate)


@dataclass(frozen=True, slots=True)
class _Fields:
    """One row's fields, read by name with the row's refusals."""

    source: str
    number: int
    cells: Mapping[str, Cell]

    def refuse(self, what: str, remedy: str) -> InvalidInput:
        return bad_row(self.source, self.number, what, remedy)

    def has(self, column: str) -> bool:
        """Whether the column is there and this row's field of it is not empty."""
        cell = self.cells.get(column)
        return cell is not None and not (isinstance(cell, str) and not cell.strip())

    def text(self, column: str) -> str:
        if not self.has(column):
            raise self.refuse(f"{column} is empty", "fill it in or leave the row out")
        return str(self.cells[column]).strip()

    def whole(self, column: str) -> int:
        text = self.text(column)
        if not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise self.refuse(f"{column} is {text}", "write a whole number")
        return int(text)

    def decimal(self, column: str) -> Decimal:
        text = self.text(column)
        cell = self.cells[column]
        if _NOT_FINITE.fullmatch(text) or (isinstance(cell, float) and not math.isfinite(cell)):
            raise self.refuse(
                f"{column} is {text}", "write a finite number, or leave it empty if not scored"
            )
        if isinstance(cell, bool) or not _NUMBER.fullmatch(text):
            raise self.refuse(f"{column} is {text}", "write a number such as 0.125")
        return Decimal(text)

    def truth(self, column: str) -> bool:
        text = self.text(column).lower()
        if text not in ("true", "false"):
            raise self.refuse(f"{column} is {text}", "write true or false")
        return text == "true"

    def time(self, column: str) -> datetime | None:
        if not self.has(column):
            return None
        cell = self.cells[column]
        try:
            time = cell if isinstance(cell, datetime) else datetime.fromisoformat(self.text(column))
        except ValueError:
            raise self.refuse(
                f"{column} is {self.text(column)}", "write a time such as 2024-01-06T18:00:00Z"
            ) from None
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _check_columns(source: str, columns: list[str]) -> None:
    missing = [column for column in KEY_COLUMNS if column not in columns]
    if missing:
        raise InvalidInput(f"{source}, row 1: no column {', '.join(missing)}; add it to every row")
    missing = [column for column in RULE_COLUMNS if column not in columns]
    if "payout" not in columns and missing:
        raise InvalidInput(
            f"{source}, row 1: no column payout, and to compute it no column "
            f"{', '.join(missing)}; add payout or these"
        )


def _check_duplicates(source: str, rows: list[Row]) -> None:
    first: dict[tuple[int, str, str], int] = {}
    for row in rows:
        seen = first.setdefault((row.round_number, row.account, row.model), row.number)
        if seen != row.number:
            raise bad_row(
                source,
                row.number,
                f"model {row.model} of account {row.account} is in round {row.round_number} "
                f"already, in row {seen}",
                "keep one of the two rows",
            )


def _row(source: str, number: int, cells: Mapping[str, Cell]) -> Row:
    fields = _Fields(source, number, cells)
    stake = _stake(fields) if "stake" in cells else None
    payout = _payout(fields, stake)
    stake_nano = None if stake is None else (to_nano(stake) if stake >= Decimal("1e-9") else 0)
    payout_nano = 0 if payout is None else to_nano(payout)
    if stake_nano is not None and CAP_DIVISOR * abs(payout_nano) > stake_nano + CAP_SLACK_NANO:
        raise fields.refuse(
            f"payout {payout} is beyond 25% of the stake {stake}",
            "correct the payout or the stake: more than that was never at risk",
        )
    return Row(
        number=number,
        round_number=fields.whole("round"),
        account=_account(fields),
        model=fields.text("model"),
        payout_nano=payout_nano,
        stake_nano=stake_nano,
        scored=payout is not None,
        resolved=fields.truth("resolved") if "resolved" in cells else True,
        open_time=fields.time("open_time"),
        resolve_time=fields.time("resolve_time"),
    )


def _account(fields: _Fields) -> str:
    name = fields.text("account")
    address = as_address(name)
    if address is not None and int(address, 16) == 0:
        raise fields.refuse(
            "account is the zero address", "write the account's own address or name"
        )
    return address or name


def _stake(fields: _Fields) -> Decimal:
    if not fields.has("stake"):
        raise fields.refuse("stake is empty", "write the stake in NMR, 0 if there is none")
    stake = fields.decimal("stake")
    if stake < 0:
        raise fields.refuse(
            f"stake {stake} is negative", "write the stake in NMR, 0 if there is none"
        )
    if stake.scaleb(9, _EXACT) > MAX_AMOUNT_NANO:
        raise fields.refuse(
            f"stake {stake} is more NMR than there is", "write it in NMR, not in base units"
        )
    return stake


def _payout(fields: _Fields, stake: Decimal | None) -> Decimal | None:
    if "payout" in fields.cells:
        if not fields.has("payout"):
            return None
        payout = fields.decimal("payout")
        if abs(payout.scaleb(9, _EXACT)) >= PAYOUT_BIAS_NANO - 1:
            raise fields.refuse(
                f"payout {payout} is more NMR than there is", "write it in NMR, not in base units"
            )
        return payout
    assert stake is not None, "without payouts the file has stakes: _check_columns saw to it"
    factors = [fields.decimal(column) for column in RULE_COLUMNS[3:]]
    if not (fields.has("corr") and fields.has("mmc")):
        return None
    return payout_by_rule(stake, fields.decimal("corr"), fields.decimal("mmc"), *factors)
