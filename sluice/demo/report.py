"""What a replay shows in the end: tables, one JSON document, and pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rich.box import SIMPLE_HEAD
from rich.table import Table

from sluice.demo.bill import Line, Payer
from sluice.demo.checks import Checks
from sluice.demo.gasless import Fortnight, Standing
from sluice.demo.guests import DEPOSIT_NANO
from sluice.demo.replay import Opening, Replay, RoundResult
from sluice.history import History
from sluice.paying import Kind
from sluice.presets import Preset, split_in_words

NANO = 10**9
FIRST_MODEL = 0

ASKED_BY = {
    Kind.REQUEST: "a signed request, one-time",
    Kind.DUE: "nobody: due to the wallet, standing",
}
CARRIED = {
    "sign": "signed messages",
    "relay": "signed changes",
    "pay": "free withdrawals",
    "resolve": "accounts in a pass",
    "announce": "rounds",
    "fund": "rounds",
    "deposit_for": "accounts",
}


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
    """What the checks found; `gas_free`: that no guest sent a transaction; `audit` is None where
    there was no node to read events from."""

    chain_equals_ledger: bool
    conservation: bool
    compounding: CompoundingDocument
    gas_free: bool
    audit: bool | None


class GasDocument(TypedDict):
    """What a payer's calls of one kind came to; `carried`: how many messages, items,
    entries or accounts they were for."""

    payer: str
    call: str
    transactions: int
    carried: int
    gas: int


class GuestDocument(TypedDict):
    """One of the demonstration's own accounts, in the end; `splits` in words by model, the default
    ones left out; `paid`: what free withdrawals brought to its wallet."""

    account: str
    address: str
    preset: str
    splits: dict[str, str]
    stake: float
    pool: float
    due: float
    paid: float


class ItemDocument(TypedDict):
    """One item of a batch: a signed request, once, or what is due, which is standing."""

    account: str
    kind: str
    amount: float


class FortnightDocument(TypedDict):
    """One period's batch, paid after the pass over a round."""

    period: int
    after_round: int
    gas: int
    items: list[ItemDocument]


class Document(TypedDict):
    """What `--json` prints."""

    rounds: list[RoundDocument]
    checks: ChecksDocument
    guests: list[GuestDocument]
    fortnights: list[FortnightDocument]
    gas: list[GasDocument]


def document(
    results: Sequence[RoundResult],
    checks: Checks,
    guests: Sequence[Standing] = (),
    fortnights: Sequence[Fortnight] = (),
    lines: Sequence[Line] = (),
) -> Document:
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
            "gas_free": checks.gas_free,
            "audit": checks.audit,
        },
        "guests": [
            {
                "account": standing.guest.name,
                "address": standing.guest.signer.address,
                "preset": standing.guest.preset.value,
                "splits": {
                    str(model): split_in_words(model, split)
                    for model, split in standing.guest.splits.items()
                },
                "stake": standing.staked_nano / NANO,
                "pool": standing.pool_nano / NANO,
                "due": standing.due_nano / NANO,
                "paid": standing.paid_nano / NANO,
            }
            for standing in guests
        ],
        "fortnights": [
            {
                "period": fortnight.period,
                "after_round": fortnight.round_number,
                "gas": fortnight.gas,
                "items": [
                    {
                        "account": item.guest.name,
                        "kind": item.kind.value,
                        "amount": item.amount_nano / NANO,
                    }
                    for item in fortnight.items
                ],
            }
            for fortnight in fortnights
        ],
        "gas": [
            {
                "payer": line.payer.value,
                "call": line.call,
                "transactions": line.transactions,
                "carried": line.carried,
                "gas": line.gas,
            }
            for line in lines
        ],
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
    """What the table of rounds leaves out."""
    gas = sum(result.gas for result in replay.results)
    entries = sum(result.entries for result in replay.results)
    gas_per_entry = round(gas / max(1, entries))
    notes = [
        "Accounts, models and NMR are those of the recorded accounts, at the round's opening; the "
        "rest is its pass: gas and transactions of announcing and resolving it, seconds with "
        f"building it. {len(replay.guests)} accounts of the demonstration's own, the guests, are "
        "in each pass beside them, and in its gas. Gas for each account is gas divided by "
        "accounts. A pass also opens the round four later, for accounts that have come since: "
        f"over all rounds it took {gas_per_entry:,} gas for each of its entries."
    ]
    left_out = unresolved_note(replay.history)
    return [*notes, left_out] if left_out else notes


def guests_table(guests: Sequence[Standing]) -> Table:
    """A row for each preset: what it does with earnings, and what became of its guests' NMR."""
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, title="The guests, by preset")
    shown.add_column("preset")
    shown.add_column(f"earnings of model {FIRST_MODEL}")
    for heading in (
        "accounts",
        "NMR at\nfirst",
        "staked\nnow",
        "in the\npool",
        "of it\ndue",
        "paid\nout",
    ):
        shown.add_column(heading, justify="right")
    for preset in Preset:
        of = [standing for standing in guests if standing.guest.preset is preset]
        if not of:
            continue
        shown.add_row(
            preset.value,
            split_in_words(FIRST_MODEL, of[0].guest.splits.get(FIRST_MODEL, ())),
            str(len(of)),
            nmr(DEPOSIT_NANO * len(of)),
            nmr(sum(standing.staked_nano for standing in of)),
            nmr(sum(standing.pool_nano for standing in of)),
            nmr(sum(standing.due_nano for standing in of)),
            nmr(sum(standing.paid_nano for standing in of)),
        )
    return shown


def fullest(fortnights: Sequence[Fortnight]) -> Fortnight | None:
    """The last of the batches with the most items; None if there was none."""
    return max(fortnights, key=lambda each: (len(each.items), each.period), default=None)


def fortnight_table(fortnight: Fortnight) -> Table:
    """A row for each item of a batch."""
    title = f"The batch of period {fortnight.period}, after the pass over {fortnight.round_number}"
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, title=title)
    shown.add_column("account")
    shown.add_column("asked for by")
    shown.add_column("NMR", justify="right")
    for item in fortnight.items:
        shown.add_row(item.guest.name, ASKED_BY[item.kind], f"{item.amount_nano / NANO:,.9f}")
    return shown


def gas_table(lines: Sequence[Line]) -> Table:
    """A row for each payer and call."""
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, title="Who paid what gas")
    shown.add_column("who")
    shown.add_column("call")
    for heading in ("transactions", "gas", "gas for each"):
        shown.add_column(heading, justify="right")
    shown.add_column("of")
    for line in lines:
        shown.add_row(
            "users (the guests)" if line.payer is Payer.GUESTS else line.payer.value,
            line.call,
            f"{line.transactions:,}",
            f"{line.gas:,}",
            f"{line.gas_for_each:,}",
            _carried(line),
        )
    return shown


def _carried(line: Line) -> str:
    """What a payer's calls were for, counted."""
    if line.payer is Payer.RECORDED:
        return f"{line.carried:,} change{'' if line.carried == 1 else 's'}"
    return f"{line.carried:,} {CARRIED[line.call]}"


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
    """The checks, one a line."""
    said = {True: "passed", False: "FAILED", None: "not made"}
    audited = "it reads a node: use anvil"
    if checks.audited is not None:
        audited = f"rebuilt from {checks.audited:,} events alone, word for word what is stored"
    return [
        f"chain_equals_ledger: {said[checks.chain_equals_ledger]} (every word of every account, "
        "after every pass)",
        f"conservation: {said[checks.conservation]} (token balance = pools + stakes + reserve + "
        "burned, after every pass)",
        f"compounding: {said[checks.compounding]} ({checks.model_rounds:,} model-rounds came out "
        f"by themselves, at most {checks.max_difference_nano / NANO:.9f} NMR from the record)",
        f"gas_free: {said[checks.gas_free]} ({checks.guests} guests signed {checks.signed:,} "
        "messages, sent no transaction and hold no ether)",
        f"audit: {said[checks.audit]} ({audited})",
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
