"""What a replay shows in the end: a table, one JSON document, and pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rich.box import SIMPLE_HEAD
from rich.table import Table

from sluice.demo import Checks, Opening, Replay, RoundResult
from sluice.history import History

NANO = 10**9


class RoundDocument(TypedDict):
    """A row of the table; NMR amounts are exact to the nano."""

    round: int
    accounts: int
    models: int
    at_stake: float
    earned: float
    burned: float
    gas: int
    gas_per_account: int
    transactions: int
    seconds: float


class CompoundingDocument(TypedDict):
    """How many model-rounds only compounded, and how far the worst came out from its record."""

    model_rounds: int
    max_difference_nmr: float


class ChecksDocument(TypedDict):
    """What the checks found."""

    chain_equals_ledger: bool
    conservation: bool
    compounding: CompoundingDocument


class Document(TypedDict):
    """What `--json` prints."""

    rounds: list[RoundDocument]
    checks: ChecksDocument


def document(results: Sequence[RoundResult], checks: Checks) -> Document:
    """The replay as the one JSON document, amounts in NMR."""
    return {
        "rounds": [
            {
                "round": result.round_number,
                "accounts": result.accounts,
                "models": result.models,
                "at_stake": result.at_stake_nano / NANO,
                "earned": result.earned_nano / NANO,
                "burned": result.burned_nano / NANO,
                "gas": result.gas,
                "gas_per_account": result.gas_per_account,
                "transactions": result.transactions,
                "seconds": round(result.seconds, 3),
            }
            for result in results
        ],
        "checks": {
            "chain_equals_ledger": checks.chain_equals_ledger,
            "conservation": checks.conservation,
            "compounding": {
                "model_rounds": checks.model_rounds,
                "max_difference_nmr": checks.max_difference_nano / NANO,
            },
        },
    }


def table(results: Sequence[RoundResult]) -> Table:
    """A row for each round."""
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in (
        "round", "accounts", "models", "at stake\nNMR", "earned\nNMR", "burned\nNMR", "gas",
        "gas for each\naccount", "trans-\nactions", "seconds",
    ):  # fmt: skip
        shown.add_column(heading, justify="right")
    for result in results:
        shown.add_row(
            str(result.round_number),
            f"{result.accounts:,}",
            f"{result.models:,}",
            nmr(result.at_stake_nano),
            nmr(result.earned_nano),
            nmr(result.burned_nano),
            f"{result.gas:,}",
            f"{result.gas_per_account:,}",
            str(result.transactions),
            f"{result.seconds:.2f}",
        )
    return shown


def footnotes(replay: Replay) -> list[str]:
    """What the table leaves out."""
    sent = replay.participants
    listed = ", ".join(f"{count:,} {kind}" for kind, count in sorted(sent.steps.items()))
    gas = sum(result.gas for result in replay.results)
    entries = sum(result.entries for result in replay.results)
    gas_per_entry = round(gas / max(1, entries))
    notes = [
        "Accounts, models and stake are those at the round's opening; the rest is its pass: gas "
        "and transactions of announcing and resolving it, seconds with building it. Gas for each "
        "account is gas divided by accounts. A pass also opens the round four later, for accounts "
        f"that have come since: over all rounds it took {gas_per_entry:,} gas for each "
        "of its entries.",
        f"Participants sent {sent.transactions:,} transactions of their own ({listed or 'none'}), "
        f"{sent.gas:,} gas, which no round's figure includes.",
    ]
    left_out = unresolved_note(replay.history)
    return [*notes, left_out] if left_out else notes


def unresolved_note(history: History) -> str:
    """Which rounds are left out because they are not resolved; empty if none is."""
    if history.last_pass == history.last_round:
        return ""
    first = history.last_pass + 1
    named = str(first) if first == history.last_round else f"{first} to {history.last_round}"
    return (
        f"Left out: rounds {named}. Round {first} is not resolved in the file, so the replay ends "
        "before its pass; rounds already open by then were opened and stay so."
    )


def check_lines(checks: Checks) -> list[str]:
    """The three checks, one a line."""
    said = {True: "passed", False: "FAILED"}
    return [
        f"chain_equals_ledger: {said[checks.chain_equals_ledger]} (every word of every account, "
        "after every pass)",
        f"conservation: {said[checks.conservation]} (token balance = pools + stakes + reserve + "
        "burned, after every pass)",
        f"compounding: {said[checks.compounding]} ({checks.model_rounds:,} model-rounds came out "
        f"by themselves, at most {checks.max_difference_nano / NANO:.9f} NMR from the record)",
    ]


def draw(openings: Sequence[Opening], folder: Path) -> list[Path]:
    """Pictures of stake, pools and what is at risk over the rounds; returns their files."""
    pictures = (
        ("stake", "Stakes", [opening.staked_nano for opening in openings]),
        ("pool", "Pools", [opening.pools_nano for opening in openings]),
        ("at_risk", "At risk in open rounds", [opening.at_risk_nano for opening in openings]),
    )
    rounds = [opening.round_number for opening in openings]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, title, amounts_nano in pictures:
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(rounds, [amount / NANO for amount in amounts_nano], marker=".")
        axes.set(title=title, xlabel="round, at its opening", ylabel="NMR")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=120)
        paths.append(path)
    return paths


def nmr(amount_nano: int) -> str:
    """An amount as a person reads it."""
    return f"{amount_nano / NANO:,.2f}"
