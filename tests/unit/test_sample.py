"""The sample tournament: the same bytes for the same seed, and the shape of the real one."""

import hashlib
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.errors import InvalidInput
from sluice.inputs import read_rounds
from sluice.sample import FIRST_ROUND, LAG_ROUNDS, csv_bytes, generate, main
from tests.real_rounds import needs_rounds_225_260, real_rounds_file

GOLDEN_SHA256 = "916b2d3bab5901138d6426fe35fbf02716e0fbcbf438873ea1781e82ef744bd2"
KEY = ["round", "account", "model"]


@pytest.fixture(scope="module")
def sample() -> pl.DataFrame:
    return generate()


def continued(frame: pl.DataFrame) -> pl.DataFrame:
    """The model-rounds with a stake in the round before too, from the fifth round on: `change` is
    what the stake differs by from the one before plus the payout that arrives."""
    stakes = frame.select(*KEY, "stake")
    before = stakes.select(pl.col("round") + 1, "account", "model", before="stake")
    arriving = frame.select(pl.col("round") + 4, "account", "model", arriving="payout")
    return (
        stakes.filter(pl.col("round") >= pl.col("round").min() + LAG_ROUNDS)
        .join(before, on=KEY)
        .join(arriving, on=KEY, how="left")
        .with_columns(pl.col("arriving").fill_null(0.0))
        .with_columns(change=pl.col("stake") - pl.col("before") - pl.col("arriving"))
    )


def test_golden_bytes(sample: pl.DataFrame) -> None:
    """A change here changes the demonstration's every figure: it has to be meant."""
    assert hashlib.sha256(csv_bytes(sample)).hexdigest() == GOLDEN_SHA256


def test_seeds_differ() -> None:
    assert not generate(2, 20, 6).equals(generate(3, 20, 6))


def test_sizes_of_accounts(sample: pl.DataFrame) -> None:
    """S50: most accounts have one model, a few have many."""
    sizes = sample.group_by("account").agg(models=pl.col("model").n_unique())["models"]

    assert len(sizes) == 300
    assert sample["round"].n_unique() == 12
    assert (sizes == 1).sum() / len(sizes) == pytest.approx(0.91, abs=0.01)
    assert sizes.sum() / len(sizes) == pytest.approx(1.36, abs=0.02)
    assert sorted(sizes)[-2:] == [15, 48]


def test_stakes_compound_or_change_as_the_real_ones(sample: pl.DataFrame) -> None:
    change = continued(sample)["change"]

    assert (change.abs() <= 1e-6).sum() / len(change) == pytest.approx(0.916, abs=0.02)
    assert (change > 1e-6).sum() / len(change) == pytest.approx(0.068, abs=0.015)
    assert (change < -1e-6).sum() / len(change) == pytest.approx(0.016, abs=0.008)


def test_stakes_are_as_heavy_tailed(sample: pl.DataFrame) -> None:
    quantiles = [sample["stake"].quantile(q) for q in (0.1, 0.5, 0.9, 0.99)]
    low, middle, high, top = (q for q in quantiles if q is not None)

    assert low == pytest.approx(0.01, rel=0.5)
    assert 1 < middle < 10
    assert 100 < high < 500
    assert 1_000 < top < 5_000


def test_payouts_follow_the_rule_and_are_slightly_positive(
    sample: pl.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "sample.csv").write_bytes(csv_bytes(sample))
    (tmp_path / "scores.csv").write_bytes(csv_bytes(sample.drop("payout")))
    published = read_rounds(tmp_path / "sample.csv")
    computed = read_rounds(tmp_path / "scores.csv")

    for r in published.rounds:
        for row, other in zip(published.rows(r), computed.rows(r), strict=True):
            assert not row.scored or row.payout_nano == other.payout_nano
    rate = sample["payout"].sum() / sample["stake"].sum()
    assert 0 < rate < 0.05
    assert (sample["payout"].abs() > sample["stake"] * 0.2499).any()


def test_holds_what_is_rare_in_the_real_rounds(sample: pl.DataFrame) -> None:
    unscored = sample["payout"].null_count() / sample.height
    pairs = continued(sample)

    assert unscored == pytest.approx(0.021, abs=0.006)
    assert (sample["stake"] < 1e-9).sum() == 8
    assert (pairs["stake"] < pairs["arriving"]).any()


def test_models_come_and_go(sample: pl.DataFrame) -> None:
    here = {tuple(key) for key in sample.select(KEY).iter_rows()}
    first, last = FIRST_ROUND, FIRST_ROUND + 11
    came = [(r, a, m) for r, a, m in here if r > first and (r - 1, a, m) not in here]
    went = [(r, a, m) for r, a, m in here if r < last and (r + 1, a, m) not in here]
    back = [(r, a, m) for r, a, m in came if any((q, a, m) in here for q in range(first, r))]

    assert len(came) > 100
    assert len(went) > 100
    assert back


def test_rounds_open_on_saturday_at_18_utc(sample: pl.DataFrame) -> None:
    openings = [datetime.fromisoformat(t) for t in sample["open_time"].unique().sort()]
    results = [datetime.fromisoformat(t) for t in sample["resolve_time"].unique().sort()]

    assert len(openings) == 12
    assert {(t.isoweekday(), t.hour, t.utcoffset().seconds) for t in openings} == {(6, 18, 0)}
    assert {t.isoweekday() for t in results} == {3}
    assert {(b - a).days for a, b in zip(openings, results, strict=True)} == {32}


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 14))
def test_any_sample_is_a_valid_file(
    tmp_path_factory: pytest.TempPathFactory, seed: int, accounts: int, rounds: int
) -> None:
    path = tmp_path_factory.mktemp("sample") / "sample.csv"
    path.write_bytes(csv_bytes(generate(seed, accounts, rounds)))
    table = read_rounds(path)

    assert set(table.rounds) <= set(range(FIRST_ROUND, FIRST_ROUND + rounds))


def test_refuses_an_empty_sample() -> None:
    with pytest.raises(InvalidInput, match="an empty sample: ask for one account"):
        generate(1, 0, 12)


def test_command_writes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "build" / "sample.csv"
    result = CliRunner().invoke(main, [str(path), "--accounts", "20", "--rounds", "6"])

    assert result.exit_code == 0, result.output
    assert path.read_bytes() == csv_bytes(generate(1, 20, 6))


@needs_rounds_225_260
def test_sample_has_the_columns_of_the_real_rounds(sample: pl.DataFrame) -> None:
    path = real_rounds_file()
    assert path is not None
    real = pl.read_parquet(path)

    assert sample.schema == real.schema
    change = continued(real)["change"]
    assert len(change) == 53_236
    assert (change.abs() <= 1e-6).sum() == 48_762
