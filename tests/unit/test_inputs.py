"""Reading a file of rounds: exact amounts, the published rule, refusals by file, row, remedy."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import InvalidInput
from sluice.inputs import RoundTable, payout_by_rule, read_rounds, to_nano
from tests.real_rounds import needs_rounds_225_260, real_rounds_file

HEADER = "round,account,model,payout"
SCORED = "round,account,model,stake,corr,mmc,corr_multiplier,mmc_multiplier,payout_factor"
CHECKSUM = "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "rounds.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def read(folder: Path, *lines: str) -> RoundTable:
    return read_rounds(write(folder, *lines))


def test_reads_payouts_by_round_in_the_order_of_the_file(tmp_path: Path) -> None:
    table = read(tmp_path, HEADER, "226,dew,dew,1.5", "225,dew,dew_b,-0.000000001", "225,dew,dew,")

    assert table.source == "rounds.csv"
    assert list(table.rounds) == [225, 226]
    assert [(r.number, r.model, r.payout_nano, r.scored) for r in table.rows(225)] == [
        (3, "dew_b", -1, True),
        (4, "dew", 0, False),
    ]
    assert table.rows(226)[0].payout_nano == 1_500_000_000
    assert table.rows(226)[0].stake_nano is None


def test_csv_and_parquet_of_the_same_table_agree(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "round": [1, 1, 2],
            "account": ["0042", "dew", "dew"],
            "model": ["0042", "dew", "dew"],
            "stake": [0.1 + 0.2, 6.5e-15, 1e6],
            "payout": [0.0729403694125971, None, -123456.123456789],
            "resolved": [True, True, False],
        }
    )
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    csv, parquet = read_rounds(tmp_path / "t.csv"), read_rounds(tmp_path / "t.parquet")

    amounts = [
        [(r.account, r.stake_nano, r.payout_nano) for rows in t.rounds.values() for r in rows]
        for t in (csv, parquet)
    ]
    assert amounts[0] == amounts[1]
    assert amounts[0] == [
        ("0042", 300_000_000, 72_940_369),
        ("dew", 0, 0),
        ("dew", 10**15, -123_456_123_456_789),
    ]
    assert [r.number for r in csv.rows(1)] == [2, 3]
    assert [r.number for r in parquet.rows(1)] == [1, 2]


@given(st.integers(-(10**15), 10**15))
def test_whole_nanos_survive_a_double(amount_nano: int) -> None:
    """A file's doubles give back the integer they were written from, up to a million NMR."""
    assert to_nano(Decimal(repr(amount_nano / 10**9))) == amount_nano


@pytest.mark.parametrize(
    ("text", "nano"),
    [("0.0000000005", 0), ("0.0000000015", 2), ("0.00000000250000001", 3), ("-0.0000000005", 0)],
)
def test_rounds_half_to_even(text: str, nano: int) -> None:
    assert to_nano(Decimal(text)) == nano


@pytest.mark.parametrize(("stake", "nano"), [("0.0000000009", 0), ("0.000000001", 1), ("0", 0)])
def test_a_stake_under_a_nano_is_none(tmp_path: Path, stake: str, nano: int) -> None:
    table = read(tmp_path, f"{HEADER},stake", f"1,dew,dew,0,{stake}")

    assert table.rows(1)[0].stake_nano == nano


def test_computes_payouts_by_the_published_rule(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        SCORED,
        "1,a,gain,100,0.03,0.01,1,2,0.5",
        "1,a,capped,100,0.3,0.01,1,0,1",
        "1,a,floored,100,-0.3,-0.3,1,2,1",
        "1,a,unscored,100,,,1,2,1",
    )

    assert [r.payout_nano for r in table.rows(1)] == [
        2_500_000_000,
        25_000_000_000,
        -25_000_000_000,
        0,
    ]
    assert [r.scored for r in table.rows(1)] == [True, True, True, False]


def test_payout_column_is_used_where_it_is(tmp_path: Path) -> None:
    table = read(tmp_path, f"{SCORED},payout", "1,a,m,100,0.03,0.01,1,2,0.5,-1")

    assert table.rows(1)[0].payout_nano == -1_000_000_000


@given(*[st.decimals(-10, 10, places=9) for _ in range(4)], st.decimals(0, 10**6, places=9))
def test_rule_never_passes_a_quarter_of_the_stake(
    corr: Decimal, mmc: Decimal, multiplier: Decimal, factor: Decimal, stake: Decimal
) -> None:
    assert abs(4 * payout_by_rule(stake, corr, mmc, Decimal(1), multiplier, factor)) <= stake


def test_addresses_are_accounts_whatever_their_case(tmp_path: Path) -> None:
    table = read(tmp_path, HEADER, f"1,0x{'ab' * 20},m,0", f"1,0x{'AB' * 20},n,0")

    assert {r.account for r in table.rows(1)} == {CHECKSUM}


def test_times_are_utc(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        f"{HEADER},open_time,resolve_time",
        "1,a,m,0,2020-08-15T18:00:00Z,2020-09-16T22:00:00+02:00",
        "1,a,n,0,2020-08-15T18:00:00,",
    )

    first, second = table.rows(1)
    assert first.open_time == datetime(2020, 8, 15, 18, tzinfo=UTC) == second.open_time
    assert first.resolve_time == datetime(2020, 9, 16, 22, tzinfo=timezone(timedelta(hours=2)))
    assert second.resolve_time is None


def test_unresolved_round_is_read_and_not_routed(tmp_path: Path) -> None:
    table = read(tmp_path, f"{HEADER},resolved", "1,a,m,0,true", "2,a,m,,true", "2,a,n,,False")

    assert table.unresolved() == [2]
    assert len(table.resolved_rows(1)) == 1
    assert len(table.rows(2)) == 2
    with pytest.raises(InvalidInput, match=r"^rounds.csv, row 4: round 2 is not resolved; wait"):
        table.resolved_rows(2)


def test_unknown_round(tmp_path: Path) -> None:
    table = read(tmp_path, HEADER, "3,a,m,0", "5,a,m,0")

    with pytest.raises(InvalidInput, match=r"rounds.csv: no rows of round 4 .*held: 3 to 5.*name"):
        table.rows(4)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["round,model,payout", "1,m,0"], "rounds.csv, row 1: no column account; add"),
        (
            ["round,account,model,stake,corr", "1,a,m,1,0"],
            "row 1: no column payout, and to compute it no column mmc, corr_multiplier, ",
        ),
        (["round,account,model,payout,payout", "1,a,m,0,0"], "row 1: column payout stands there"),
        (
            [HEADER, "1,a,m,0", "1,b,m,0", "1,a,m,1"],
            "rounds.csv, row 4: model m of account a is in round 1 already, in row 2; keep one",
        ),
        (
            [HEADER, f"1,0x{'ab' * 20},m,0", f"1,0x{'AB' * 20},m,0"],
            "row 3: model m of account 0xABaB",
        ),
        ([HEADER, "1,a,m,0", "1,a,n,NaN"], "row 3: payout is NaN; write a finite number"),
        ([HEADER, "1,a,m,-inf"], "row 2: payout is -inf; write a finite number"),
        ([HEADER, "1,a,m,1_000"], "row 2: payout is 1_000; write a number such as"),
        ([HEADER, "1,a,m,1e99"], "row 2: payout 1E+99 is more NMR than there is; write it in NMR"),
        ([HEADER, "1, ,m,0"], "row 2: account is empty; fill it in"),
        ([HEADER, "1,a,,0"], "row 2: model is empty; fill it in"),
        ([HEADER, ",a,m,0"], "row 2: round is empty; fill it in"),
        ([HEADER, "1.5,a,m,0"], "row 2: round is 1.5; write a whole number"),
        ([HEADER, "-1,a,m,0"], "row 2: round is -1; write a whole number"),
        ([HEADER, f"1,0x{'00' * 20},m,0"], "row 2: account is the zero address; write"),
        ([f"{HEADER},stake", "1,a,m,0,-1"], "row 2: stake -1 is negative; write"),
        ([f"{HEADER},stake", "1,a,m,0,"], "row 2: stake is empty; write"),
        ([f"{HEADER},stake", "1,a,m,0,2e7"], r"row 2: stake 2E\+7 is more NMR than there is; w"),
        (
            [f"{HEADER},stake", "1,a,m,0.26,1"],
            "row 2: payout 0.26 is beyond 25% of the stake 1; correct",
        ),
        ([f"{HEADER},stake", "1,a,m,-0.250000001,1"], "row 2: payout -0.250000001 is beyond 25%"),
        ([f"{HEADER},stake", "1,a,m,0.000000001,0.0000000009"], "row 2: .* is beyond 25%"),
        ([f"{HEADER},resolved", "1,a,m,0,maybe"], "row 2: resolved is maybe; write true or false"),
        ([f"{HEADER},open_time", "1,a,m,0,soon"], "row 2: open_time is soon; write a time"),
        ([SCORED, "1,a,m,1,0.1,0.1,1,1,"], "row 2: payout_factor is empty; fill it in"),
        ([SCORED, "1,a,m,1,nan,0.1,1,1,1"], "row 2: corr is nan; write a finite number"),
        ([HEADER, "1,a,m,0,7"], "rounds.csv: not a readable table .*: write it again"),
    ],
)
def test_refuses(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message.replace("1E+99", r"1E\+99")):
        read(tmp_path, *lines)


def test_refuses_a_double_that_is_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"round": [1], "account": ["a"], "model": ["m"], "payout": [float("nan")]})
    frame.write_parquet(path)

    with pytest.raises(InvalidInput, match=r"t.parquet, row 1: payout is nan; write a finite"):
        read_rounds(path)


def test_a_quarter_of_the_stake_is_allowed_up_to_rounding(tmp_path: Path) -> None:
    lines = ["1,a,m,0.25,1", "1,a,n,-0.000000001,0.000000002", "1,a,o,0.250000000499,1.000000001"]
    table = read(tmp_path, f"{HEADER},stake", *lines)

    assert [r.payout_nano for r in table.rows(1)] == [250_000_000, -1, 250_000_000]


def test_refuses_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "rounds.txt").write_text("round\n")

    with pytest.raises(InvalidInput, match=r"No such file.*name a csv or parquet"):
        read_rounds(tmp_path / "rounds.csv")
    with pytest.raises(InvalidInput, match=r"rounds.txt: give a file whose name ends in"):
        read_rounds(tmp_path / "rounds.txt")


@needs_rounds_225_260
def test_real_rounds_hold_what_is_known_of_them(tmp_path: Path) -> None:
    """The published rule gives the published payout of all rows but a handful, to 0.0001 NMR; no
    more can be asked, since scores are published to eight digits."""
    path = real_rounds_file()
    assert path is not None
    published = read_rounds(path)
    pl.read_parquet(path).drop("payout").write_parquet(tmp_path / "scores.parquet")
    computed = read_rounds(tmp_path / "scores.parquet")
    rows = [row for r in published.rounds for row in published.rows(r)]
    pairs = [
        (row, other)
        for r in published.rounds
        for row, other in zip(published.rows(r), computed.rows(r), strict=True)
        if row.scored
    ]

    assert (min(published.rounds), max(published.rounds), len(rows)) == (225, 260, 61_529)
    assert sum(not row.scored for row in rows) == 1_317
    assert sum(row.stake_nano == 0 for row in rows) == 10
    assert len({row.account for row in rows}) == 2_974
    assert sum(abs(row.payout_nano - other.payout_nano) > 100_000 for row, other in pairs) <= 5
    assert not published.unresolved()
    assert all(row.open_time and row.open_time.isoweekday() == 6 for row in rows)
