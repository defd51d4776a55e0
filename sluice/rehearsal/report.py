"""A rehearsal for people and for programs: who was out when, and what it cost.

Amounts are integers in nano-NMR, times unix seconds, prices in wei."""

from decimal import ROUND_DOWN, Decimal

from rich.table import Table

from sluice.participant.words import eth, gwei
from sluice.rehearsal.exits import DAY_S, Exit, Look, Rehearsal, Transacted
from sluice.sending import nmr, when


def document(rehearsal: Rehearsal, gas_price_wei: int) -> dict[str, object]:
    """All of it, as the command prints it with --json."""
    return {
        "gone_at": rehearsal.gone_at,
        "everything_out": rehearsal.succeeded,
        "out_after_days": rehearsal.days,
        "bound_days": rehearsal.bound_days,
        "gas_price_wei": gas_price_wei,
        "deeds": list(rehearsal.deeds),
        "accounts": [_account(each, rehearsal, gas_price_wei) for each in rehearsal.exits],
    }


def _account(each: Exit, rehearsal: Rehearsal, gas_price_wei: int) -> dict[str, object]:
    return {
        "name": each.name,
        "account": each.account,
        "out": each.is_out,
        "out_after_days": rehearsal.days_of(each),
        "equity_nano": each.equity_nano,
        "bound_nano": each.bound_nano,
        "burned_nano": each.burned_nano,
        "paid_out_nano": each.paid_out_nano,
        "left_nano": each.left_nano,
        "promises_kept": not each.broken,
        "weeks": [
            {
                "time": look.time,
                "staked_nano": look.staked_nano,
                "locked_nano": look.locked_nano,
                "withdrawable_nano": look.withdrawable_nano,
                "paid_out_nano": look.paid_out_nano,
            }
            for look in each.looks
        ],
        "transactions": [
            {
                "time": sent.time,
                "call": sent.call,
                "paid_nano": sent.paid_nano,
                "gas": sent.gas,
                "cost_wei": sent.gas * gas_price_wei,
            }
            for sent in each.transactions
        ],
    }


def weeks_table(each: Exit, rehearsal: Rehearsal) -> Table:
    """One account week by week, in NMR, each row as it was before what the account then sent."""
    title = each.account if each.name == each.account else f"{each.name}, {each.account}"
    table = _table(title, ("day", "date"), _AMOUNTS)
    for look in each.looks:
        table.add_row(*_row(look, rehearsal))
    return table


_AMOUNTS = ("in stakes", "locked", "withdrawable", "paid out")


def _row(look: Look, rehearsal: Rehearsal) -> list[str]:
    amounts = (look.staked_nano, look.locked_nano, look.withdrawable_nano, look.paid_out_nano)
    day = (look.time - rehearsal.gone_at) // DAY_S
    return [str(day), _when(look.time), *(_nmr(amount) for amount in amounts)]


def transactions_table(rehearsal: Rehearsal, gas_price_wei: int) -> Table:
    """Every transaction of every account."""
    title = f"Transactions, at {gwei(gas_price_wei)} for a unit of gas"
    table = _table(title, ("account", "date", "call"), ("NMR paid out", "gas", "ETH"))
    for each in rehearsal.exits:
        for sent in each.transactions:
            table.add_row(each.name, *_sent(sent, gas_price_wei))
    return table


def _sent(sent: Transacted, gas_price_wei: int) -> list[str]:
    paid = _nmr(sent.paid_nano) if sent.paid_nano else ""
    return [_when(sent.time), sent.call, paid, f"{sent.gas:,}", _eth(sent.gas * gas_price_wei)]


def accounts_table(rehearsal: Rehearsal, gas_price_wei: int) -> Table:
    """What everybody had, in NMR, and what came of it."""
    names = ("had", "burned", "paid out", "days", "sent", "gas", "ETH")
    table = _table("Who got out", ("account",), names)
    for each in rehearsal.exits:
        gas = sum(sent.gas for sent in each.transactions)
        table.add_row(
            each.name,
            _nmr(each.equity_nano),
            _nmr(each.burned_nano),
            _nmr(each.paid_out_nano),
            f"{rehearsal.days_of(each):.1f}",
            str(len(each.transactions)),
            f"{gas:,}",
            _eth(gas * gas_price_wei),
        )
    return table


def _table(title: str, texts: tuple[str, ...], figures: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in texts:
        # an address is for copying: never cut short
        table.add_column(name, overflow="fold")
    for name in figures:
        table.add_column(name, justify="right")
    return table


def _nmr(nano: int) -> str:
    """Rounded down to what a table has room for; the document has every nano."""
    value = Decimal(nano).scaleb(-9).quantize(Decimal("1e-6"), rounding=ROUND_DOWN)
    return f"{value:,f}"


def _eth(wei: int) -> str:
    return eth(wei).removesuffix(" ETH")


def _when(time: int) -> str:
    return when(time).removesuffix(" UTC")


def last_words(rehearsal: Rehearsal) -> str:
    """The one line that counts, and what is wrong where something is."""
    if rehearsal.succeeded:
        burned_nano = sum(each.burned_nano for each in rehearsal.exits)
        less = f", less {nmr(burned_nano)} burned within what was at risk" if burned_nano else ""
        return (
            f"everything out after {rehearsal.days:.1f} days{less}; bound {rehearsal.bound_days} "
            "days"
        )
    stuck = [each for each in rehearsal.exits if not each.is_out]
    late = (
        "late" if not stuck else ", ".join(f"{each.name} ({nmr(each.left_nano)})" for each in stuck)
    )
    return (
        f"NOT everything out after {rehearsal.bound_days} days: {late}; report it with this output"
    )
