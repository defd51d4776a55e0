"""An account in words: rows for a terminal, documents for --json. Pure.

Stake by model, pool, what of it is due, at risk and withdrawable always stand apart: one number for
all of it hides what can be done with which.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_UP, Decimal

from sluice.account import Split
from sluice.book import Position
from sluice.ledger import ALL
from sluice.parameters import Parameters
from sluice.participant.now import AccountNow, Counting, Price, Turn
from sluice.participant.pending import Pending
from sluice.presets import split_in_words
from sluice.schedule import Release
from sluice.sending import DAY_S, nmr, when
from sluice.words import OPEN_ROUNDS

Rows = list[tuple[str, str]]

NO_PRICE = "no price is known, give --nmr-eth"


def position_rows(position: Position, stakes_nano: Mapping[int, int]) -> Rows:
    """What an account holds."""
    stakes = [(f"stake of model {model}", nmr(nano)) for model, nano in sorted(stakes_nano.items())]
    return [
        *(stakes or [("stakes", "none")]),
        ("pool", nmr(position.pool_nano)),
        ("due, of the pool", nmr(position.due_nano)),
        ("at risk in open rounds", nmr(position.at_risk_nano)),
        ("withdrawable now", nmr(position.withdrawable_nano)),
    ]


def split_rows(splits: Mapping[int, Split], models: Iterable[int]) -> Rows:
    """Where the earnings of each model go."""
    return [
        (f"earnings of model {model}", split_in_words(model, splits.get(model, ())))
        for model in sorted({*splits, *models})
    ]


def schedule_rows(releases: Sequence[Release]) -> Rows:
    """When how much of the pool can leave."""
    return [
        (
            f"{nmr(release.amount_nano)} in all",
            f"not before {when(release.earliest)}; from {when(release.latest + 1)} on by itself",
        )
        for release in releases
    ]


def change_rows(before: AccountNow, after: AccountNow, models: Iterable[int]) -> Rows:
    """What a change does to the account, figure by figure."""
    pairs = [
        *(
            (
                f"stake of model {model}",
                before.account.stakes_nano.get(model, 0),
                after.account.stakes_nano.get(model, 0),
            )
            for model in sorted(models)
        ),
        ("pool", before.account.pool_nano, after.account.pool_nano),
        ("due, of the pool", before.account.due_nano, after.account.due_nano),
        ("at risk in open rounds", before.at_risk_nano, after.at_risk_nano),
        ("withdrawable now", before.withdrawable_nano, after.withdrawable_nano),
    ]
    return [(name, nmr(a) if a == b else f"{nmr(a)} -> {nmr(b)}") for name, a, b in pairs]


def counting_in_words(counting: Counting) -> str:
    """From when on a change of stake counts."""
    return (
        f"counts from round {counting.round_number} on, whose opening is the pass over round "
        f"{counting.pass_round}, {when(counting.pass_time)} or later"
    )


def eth(wei: int) -> str:
    """An amount of ETH as a person reads it, rounded up to the gwei."""
    value = Decimal(wei).scaleb(-18).quantize(Decimal("1e-9"), rounding=ROUND_UP)
    return f"{value:f} ETH"


def gwei(wei: int) -> str:
    """A gas price as a person reads it, rounded up."""
    return f"{Decimal(wei).scaleb(-9).quantize(Decimal('1e-3'), rounding=ROUND_UP):f} gwei"


def gas_in_words(cost: Price) -> str:
    """What a transaction costs in ETH, and how that comes about."""
    return f"{eth(cost.wei)} ({cost.gas:,} gas at {gwei(cost.wei // cost.gas)})"


def price_in_words(cost: Price) -> str:
    """What a transaction costs, in ETH and in NMR."""
    return f"{gas_in_words(cost)}; in NMR: {NO_PRICE if cost.nano is None else nmr(cost.nano)}"


def exit_in_words(parameters: Parameters) -> str:
    """How everything gets out again, for before the first deposit."""
    days = (OPEN_ROUNDS * parameters.round_length_s + parameters.grace_s) // DAY_S
    return (
        "the way out: stake comes off at any time; what open rounds can still burn frees itself, a "
        f"quarter of a decrease with each resolved round, less burns; if the operator stops for "
        f"good, all is out after {days} days by your own transactions"
    )


def not_now(seen: AccountNow, amount_nano: int) -> str:
    """Why an amount cannot leave now, and when it can."""
    free_nano = seen.withdrawable_nano
    text = (
        f"only {nmr(free_nano)} are withdrawable now"
        if free_nano
        else "nothing is withdrawable now"
    )
    release = seen.release_of(amount_nano) if amount_nano else next(iter(seen.releases), None)
    if release is None:
        return f"{text}; take stake off first"
    return f"{text}; {nmr(release.amount_nano)} not before {when(release.earliest)}"


def ways_rows(
    seen: AccountNow, leaving_nano: int, paid: Price | None, turn: Turn | None, free_nano: int
) -> list[tuple[str, str, str]]:
    """Both ways out side by side: now for gas (`paid` None: it cannot be), free with the batch
    (`turn` None: there are no more)."""
    now_column = ["nothing", "-", "-", f"not possible: {not_now(seen, leaving_nano)}"]
    if paid is not None:
        in_nmr = NO_PRICE if paid.nano is None else nmr(paid.nano)
        now_column = [nmr(leaving_nano), gas_in_words(paid), in_nmr, "in the transaction's block"]
    waits = ", as far as passes free it by then" if free_nano > seen.withdrawable_nano else ""
    amount = f"{nmr(free_nano)}{waits}" if free_nano else "nothing"
    arrives, often = "never: the periods are over", "not any more"
    if turn is not None:
        opens = "" if turn.opens_at <= seen.now else f"from {when(turn.opens_at)}, "
        arrives = f"{opens}by {when(turn.ends_at)}"
        often = f"once in a period; this would be {turn.period}'s"
    names = ("you get", "price", "in NMR", "arrives", "how often")
    free_column = (amount, "nothing", "nothing", arrives, often)
    return list(zip(names, (*now_column, "as often as you like"), free_column, strict=True))


def due_in_words(due_nano: int, amount_nano: int, free: bool) -> list[str]:
    """What a withdrawal means for what is due."""
    if not due_nano:
        return []
    lines = [
        f"{nmr(due_nano)} of the pool are due: they leave with the next batch anyway, with no "
        "request; a withdrawal takes from them first"
    ]
    if free and amount_nano != ALL and amount_nano < due_nano:
        left = nmr(due_nano - amount_nano)
        lines.append(f"this request uses the period's turn, so the other {left} wait for the next")
    return lines


# --- documents ------------------------------------------------------------------------------------


def position_document(position: Position, stakes_nano: Mapping[int, int]) -> dict[str, object]:
    """What an account holds, every amount in nano-NMR."""
    return {
        "stakes_nano": {str(model): nano for model, nano in sorted(stakes_nano.items())},
        "pool_nano": position.pool_nano,
        "due_nano": position.due_nano,
        "at_risk_nano": position.at_risk_nano,
        "withdrawable_nano": position.withdrawable_nano,
        "nonce": position.nonce,
        "last_round": position.round_number,
        "last_paid_period": position.period,
    }


def now_document(seen: AccountNow) -> dict[str, object]:
    """The same of an account as a change would leave it."""
    account = seen.account
    return position_document(
        Position(
            account.pool_nano,
            account.staked_nano,
            seen.at_risk_nano,
            seen.withdrawable_nano,
            account.due_nano,
            account.nonce,
            account.round_number,
            account.period,
        ),
        account.stakes_nano,
    )


def splits_document(splits: Mapping[int, Split]) -> dict[str, object]:
    """Splits by model: parts of (destination, basis points); 254 the pool, 255 the wallet."""
    return {str(model): [list(part) for part in split] for model, split in sorted(splits.items())}


def schedule_document(releases: Sequence[Release]) -> list[dict[str, int]]:
    """The release schedule: amounts in nano-NMR, times in unix seconds."""
    return [
        {"amount_nano": r.amount_nano, "earliest": r.earliest, "latest": r.latest} for r in releases
    ]


def turn_document(turn: Turn) -> dict[str, int]:
    """A free withdrawal's period and times."""
    return {"period": turn.period, "opens_at": turn.opens_at, "arrives_by": turn.ends_at}


def pending_rows(to_come: Sequence[Pending]) -> Rows:
    """What is still to come, each one-time or standing."""
    return [(f"{each.lasts}: {each.what}", each.when) for each in to_come]


def pending_document(to_come: Sequence[Pending]) -> list[dict[str, str]]:
    """The same for --json."""
    return [{"lasts": str(each.lasts), "what": each.what, "when": each.when} for each in to_come]


def price_document(cost: Price) -> dict[str, object]:
    """A price; `price_nano` null where no price of NMR is known."""
    return {"gas": cost.gas, "price_wei": cost.wei, "price_nano": cost.nano}
