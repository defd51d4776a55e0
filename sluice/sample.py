"""A made-up tournament with the shape of the real one, for the demonstration and the tests: seeded,
and the same bytes on every machine.

Random numbers come from `random.Random.random` alone, and everything made from them is whole
numbers or sums and products of doubles, never a logarithm or a cosine, whose last digit depends
on the machine. The constants below are rounded from what Numerai's rounds 225-260 show: sizes of
accounts, quantiles of stakes and of their changes, rates at which models come, go and miss a
score, scores, multipliers and payout factors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import fsum
from pathlib import Path
from random import Random

import click
import polars as pl

from sluice.errors import InvalidInput
from sluice.files import write_atomically
from sluice.inputs import payout_by_rule, to_nano
from sluice.words import MODELS

NANO = 10**9
FIRST_ROUND = 401
FIRST_OPENING = datetime(2024, 1, 6, 18, tzinfo=UTC)
OPENING_TO_RESULT = timedelta(days=32, hours=2)
LAG_ROUNDS = 4

ACCOUNT_SIZES = (
    (1, 0.91),
    (2, 0.95),
    (3, 0.9733),
    (4, 0.9833),
    (5, 0.99),
    (6, 0.9933),
    (15, 0.9967),
    (48, 1.0),
)
"""Models of an account, and the share of accounts with at most that many."""

STAKE_NMR = (
    (0.0, 0.001), (0.01, 0.004), (0.05, 0.01), (0.15, 0.0104), (0.25, 0.0147), (0.3, 0.087),
    (0.35, 0.41), (0.4, 1.0), (0.5, 3.7), (0.6, 10.8), (0.7, 24.7), (0.75, 39.2), (0.8, 60.0),
    (0.85, 106.0), (0.9, 189.0), (0.95, 564.0), (0.97, 980.0), (0.98, 1406.0), (0.99, 2235.0),
    (0.999, 6552.0), (1.0, 10_700.0),
)  # fmt: skip
"""A stake that is new: share of stakes at most that large, and NMR."""
INCREASE = (
    (0.0, 0.002),
    (0.05, 0.036),
    (0.1, 0.106),
    (0.25, 0.34),
    (0.5, 1.0),
    (0.75, 5.1),
    (0.95, 80.0),
    (1.0, 400.0),
)
"""What is added to a stake, as a multiple of it; at most MOST_ADDED_NMR."""
DECREASE = (
    (0.0, 0.0025),
    (0.05, 0.013),
    (0.1, 0.038),
    (0.25, 0.24),
    (0.5, 0.69),
    (0.75, 0.91),
    (0.9, 0.96),
    (1.0, 0.994),
)
"""What is left of a stake, as a share of it."""
ROUND_CORR = (
    (0.0, -0.02),
    (0.1, -0.012),
    (0.3, 0.008),
    (0.5, 0.025),
    (0.7, 0.032),
    (0.9, 0.064),
    (1.0, 0.1),
)
"""A round's mean CORR."""
MMC_MULTIPLIERS = ((0.356, 0.0), (0.374, 0.5), (0.799, 1.0), (1.0, 2.0))
"""Share of models with at most the first figure's draw, and their MMC multiplier; the CORR
multiplier is 1."""
LATE_PAYOUT_FACTORS = (0.9947622, 0.922645, 0.922092)
"""Of the last rounds, 1 before them: the factor falls once more is staked than is paid for."""

INCREASED = 0.068
DECREASED = 0.016
GONE = 0.042
BACK = 0.15
UNSCORED = 0.021
STARTED = 0.65
TOGETHER = 0.9
OUTLIER = 0.003
OUTLIER_FACTOR = 6
MOST_ADDED_NMR = 600
CORR_SPREAD = 0.019
MMC_MEAN = 0.002
MMC_SPREAD = 0.014
LEAST_CHANGE_NANO = 2_000
"""Changes below it would pass for compounding, which is told to within 1e-6 NMR."""

DUST_NMR = 1.2e-14
DUST_ACCOUNTS = 2
DUST_ROUNDS = 4
"""A stake under one nano counts as none; the real rounds have ten."""


@dataclass(slots=True)
class _Model:
    """A model while its rounds are made. Stakes and payouts in nano-NMR, `payouts` one for each
    round made."""

    account: str
    name: str
    first_round: int
    mmc_multiplier: float
    dust: bool = False
    stake: int = 0
    payouts: list[int] = field(default_factory=list)


def generate(seed: int = 1, accounts: int = 300, rounds: int = 12) -> pl.DataFrame:
    """A sample tournament: a table with the columns and types of the real one, by round, account,
    model.

    A stake is the one before plus the payout that arrives with four rounds' lag, unless it was
    changed. With the default numbers it holds each thing that the real rounds hold: stakes under
    one nano, rows without a score, payouts at the cap, and a stake recorded smaller than the payout
    that arrives in that very pass. Raises InvalidInput for a number below 1."""
    if accounts < 1 or rounds < 1:
        raise InvalidInput("an empty sample: ask for one account and one round at least")
    random = Random(seed)
    models = _models(random, accounts, rounds)
    factors = [1.0] * rounds
    factors[max(rounds - len(LATE_PAYOUT_FACTORS), 0) :] = LATE_PAYOUT_FACTORS[-rounds:]
    records: list[dict[str, object]] = []
    overtaken = False
    for index in range(rounds):
        mean_corr = _quantile(ROUND_CORR, random.random())
        for model in models:
            arriving = model.payouts[index - LAG_ROUNDS] if index >= LAG_ROUNDS else 0
            before = model.stake
            model.stake = _next_stake(random, model, index, arriving)
            # Once at least the stake that was asked for is less than what arrives in the same pass.
            if (
                not overtaken
                and before
                and model.stake == before + arriving
                and arriving >= NANO // 100
            ):
                model.stake = arriving // 2
                overtaken = True
            dust = model.dust and model.first_round <= index < model.first_round + DUST_ROUNDS
            if model.stake or dust:
                records.append(_record(random, model, index, mean_corr, factors[index]))
            else:
                model.payouts.append(0)
    schema = {"round": pl.Int64, "account": pl.String, "model": pl.String, "resolved": pl.Boolean}
    return pl.DataFrame(records, schema_overrides=schema).sort("round", "account", "model")


def csv_bytes(frame: pl.DataFrame) -> bytes:
    """The sample as it is written to a file."""
    return frame.write_csv().encode()


def _models(random: Random, accounts: int, rounds: int) -> list[_Model]:
    # Sizes are dealt out by rank, not drawn, so that a small sample too has its few large accounts.
    sizes = [_share(ACCOUNT_SIZES, (rank + 0.5) / accounts) for rank in range(accounts)]
    order = sorted((random.random(), rank) for rank in range(accounts))
    dust_ranks = [rank for rank in range(accounts) if sizes[rank] == 1][1 : 1 + DUST_ACCOUNTS]
    models = []
    for number, (_, rank) in enumerate(order, start=1):
        account = f"account{number:04d}"
        large = sizes[rank] > 1
        start = 0 if large or rank in dust_ranks else _start(random, rounds)
        for place in range(min(sizes[rank], MODELS)):
            late = place > 0 and random.random() >= TOGETHER
            first_round = min(start + int(random.random() * rounds), rounds - 1) if late else start
            name = account if place == 0 else f"{account}_{place + 1}"
            draw = random.random()
            multiplier = next(value for upto, value in MMC_MULTIPLIERS if draw <= upto)
            models.append(_Model(account, name, first_round, multiplier, rank in dust_ranks))
    return models


def _start(random: Random, rounds: int) -> int:
    return 0 if random.random() < STARTED else int(random.random() * rounds)


def _next_stake(random: Random, model: _Model, index: int, arriving: int) -> int:
    if model.dust or index < model.first_round:
        return 0
    if not model.stake:
        comes = index == model.first_round or random.random() < BACK
        return int(_quantile(STAKE_NMR, random.random()) * NANO) if comes else 0
    compounded = model.stake + arriving
    draw, size = random.random(), random.random()
    if compounded <= 0 or draw < GONE:
        return 0
    if draw < GONE + INCREASED:
        added = min(int(compounded * _quantile(INCREASE, size)), MOST_ADDED_NMR * NANO)
        return compounded + max(added, LEAST_CHANGE_NANO)
    if draw < GONE + INCREASED + DECREASED:
        left = int(compounded * _quantile(DECREASE, size))
        return left if left and compounded - left >= LEAST_CHANGE_NANO else compounded
    return compounded


def _record(
    random: Random, model: _Model, index: int, mean_corr: float, factor: float
) -> dict[str, object]:
    first, second = _bell(random), _bell(random)
    if random.random() < OUTLIER:
        first *= OUTLIER_FACTOR
    corr = _score(mean_corr + CORR_SPREAD * first)
    mmc = _score(MMC_MEAN + MMC_SPREAD * (0.5 * first + 0.866 * second))
    stake = Decimal(model.stake) / NANO if model.stake else Decimal(str(DUST_NMR))
    scores = [Decimal(str(value)) for value in (corr, mmc, 1.0, model.mmc_multiplier, factor)]
    payout = payout_by_rule(stake, *scores)
    scored = random.random() >= UNSCORED
    payout_nano = to_nano(payout) if scored else 0
    model.payouts.append(payout_nano)
    opening = FIRST_OPENING + timedelta(weeks=index)
    return {
        "round": FIRST_ROUND + index,
        "account": model.account,
        "model": model.name,
        "open_time": _iso(opening),
        "resolve_time": _iso(opening + OPENING_TO_RESULT),
        "resolved": True,
        "stake": float(stake),
        "corr": corr,
        "mmc": mmc,
        "corr_multiplier": 1.0,
        "mmc_multiplier": model.mmc_multiplier,
        "payout_factor": factor,
        # Of a whole number of nanos, so that what a file adds up to is exact; of dust as it comes.
        "payout": (payout_nano / NANO if model.stake else float(payout)) if scored else None,
    }


def _bell(random: Random) -> float:
    """Nearly a standard normal draw: the sum of twelve uniform ones, which needs additions only."""
    # fsum, since the plain sum of doubles is rounded otherwise from Python 3.12 on.
    return fsum(random.random() for _ in range(12)) - 6.0


def _score(value: float) -> float:
    return round(value * 10**8) / 10**8


def _quantile(table: Sequence[tuple[float, float]], share: float) -> float:
    """The value at a share, on straight lines between the table's (share, value) points."""
    for (low, start), (high, end) in pairwise(table):
        if share <= high:
            return start + (end - start) * (share - low) / (high - low)
    return table[-1][1]


def _share(table: Sequence[tuple[int, float]], share: float) -> int:
    return next(value for value, upto in table if share <= upto)


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same file.")
@click.option("--accounts", default=300, show_default=True, type=click.IntRange(1))
@click.option("--rounds", default=12, show_default=True, type=click.IntRange(1))
def main(path: Path, seed: int, accounts: int, rounds: int) -> None:
    """Writes a made-up tournament to the csv file PATH."""
    frame = generate(seed, accounts, rounds)
    write_atomically(path, csv_bytes(frame))
    click.echo(f"{path}: {frame.height} rows, {rounds} rounds, {accounts} accounts")


if __name__ == "__main__":
    main()
