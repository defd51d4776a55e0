"""An account in the escrow: look, deposit, stake, split, withdraw, by its own key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from ape.api import ProviderAPI

from sluice.ledger import ALL
from sluice.participant import commands, moving
from sluice.participant.chain import connect
from sluice.participant.desk import Desk
from sluice.participant.now import parse_nmr_eth
from sluice.presets import Preset, parse_model, parse_splits, parse_weights
from sluice.sending import (
    Command,
    Output,
    json_option,
    parse_nmr,
    record_option,
    yes_option,
)

Function = Callable[..., Any]

account_option = click.option(
    "--account",
    required=True,
    help="The ape account: alias, address, or number of a test account. To look, any address.",
)
store_option = click.option(
    "--store",
    envvar="SLUICE_RELAY_STORE",
    help="Where signed messages are kept: a file of JSON lines, or a relay's store by its URL.",
)
price_option = click.option(
    "--nmr-eth",
    envvar="SLUICE_NMR_ETH",
    help="ETH for one NMR, such as 0.0042, to show prices in NMR as well.",
)
gasless_option = click.option(
    "--gasless", is_flag=True, help="Sign only: somebody else sends it, you pay no gas."
)
days_option = click.option(
    "--good-for",
    type=click.IntRange(1, 365),
    default=7,
    show_default=True,
    help="Days until what is signed without gas lapses.",
)
move_days_option = click.option(
    "--good-for",
    type=click.IntRange(1, 365),
    default=1,
    show_default=True,
    help="Days until what is signed into the file lapses; the new address cannot end it earlier.",
)


def common(function: Function) -> Function:
    """What every subcommand takes."""
    for option in (json_option, record_option, account_option):
        function = option(function)
    return function


def sending(function: Function) -> Function:
    """What every subcommand takes that can send something."""
    return common(yes_option(price_option(function)))


def desk_of(provider: ProviderAPI, record: Path | None, as_json: bool, **options: Any) -> Desk:
    """The desk of a subcommand, by its options."""
    nmr_eth = options.get("nmr_eth")
    return Desk(
        connect(provider, record),
        Output(as_json),
        yes=options.get("yes", False),
        nmr_eth=None if nmr_eth is None else parse_nmr_eth(nmr_eth),
        store=options.get("store"),
        good_for_days=options.get("good_for", 7),
    )


@click.group()
def cli() -> None:
    """An account of the escrow, by its own key: what it holds and what is to come, deposits,
    stakes, splits of earnings, withdrawals, moving to another address.

    Directly a change costs gas, shown before; with --gasless it is only signed, and anybody sends
    it. Amounts are NMR with at most nine decimals, models are numbered 0 to 64.

    Exit codes: 0 done; 1 refused or failed, the message says what to do; 2 wrong arguments; 3 come
    back later, it says when or why: the escrow is paused, a transaction of the account waits for a
    block, or the node is behind. Withdrawals, stakes and splits are never paused.
    """


@cli.command(cls=Command)
@common
@store_option
def show(provider: ProviderAPI, account: str, **options: Any) -> None:
    """Stakes, pool, what is due, at risk and withdrawable, each apart; splits in words; when what
    is locked comes free; what is pending, each thing one-time or standing.

    \b
    Example:
      ape run account show --account staker --store messages.jsonl
    """
    commands.show(desk_of(provider, **options), account)


@cli.command(cls=Command)
@common
def schedule(provider: ProviderAPI, account: str, **options: Any) -> None:
    """The exact dates at which the locked part of the pool becomes withdrawable."""
    commands.schedule(desk_of(provider, **options), account)


@cli.command(cls=Command)
@click.argument("amount")
@click.option(
    "--stake", "stakes", multiple=True, help="Stake of it in the same transaction: MODEL=NMR."
)
@sending
def deposit(
    provider: ProviderAPI, amount: str, stakes: tuple[str, ...], account: str, **options: Any
) -> None:
    """Put AMOUNT NMR of the wallet into the account's pool, and on models with --stake. The
    approval that NMR needs before is sent as well.

    \b
    Example:
      ape run account deposit 30 --stake 0=20 --stake 3=10 --account staker
    """
    commands.deposit(desk_of(provider, **options), account, parse_nmr(amount), stakes)


@cli.command(cls=Command)
@click.argument("stakes", nargs=-1, required=True)
@click.option(
    "--split",
    "splits",
    multiple=True,
    help="A split set with the same signature: 'MODEL DEST=PERCENT...', as `split` takes it.",
)
@sending
@gasless_option
@store_option
@days_option
def stake(
    provider: ProviderAPI,
    stakes: tuple[str, ...],
    splits: tuple[str, ...],
    gasless: bool,
    account: str,
    **options: Any,
) -> None:
    """Set stakes: 3=5 gives model 3 a stake of 5 NMR, 3+2 puts 2 more on it, 3-1.5 takes some off.
    The pool takes up the difference. Any number of models, one signature; moving NMR from one model
    to another counts in the very next round.

    \b
    Examples:
      ape run account stake 0-5 3+5 --account staker
      ape run account stake 0=10 --split '0 pool=100' --gasless --account staker
    """
    typed = parse_splits([word for each in splits for word in each.split()]) if splits else {}
    commands.change(desk_of(provider, **options), account, stakes, typed, gasless)


@cli.command(cls=Command)
@click.argument("parts", nargs=-1)
@click.option("--preset", type=click.Choice([preset.value for preset in Preset]))
@click.option("--weights", help="Target weights of the preset balance: 0=50,3=30,5=20.")
@sending
@gasless_option
@store_option
@days_option
def split(
    provider: ProviderAPI,
    parts: tuple[str, ...],
    preset: str | None,
    weights: str | None,
    gasless: bool,
    account: str,
    **options: Any,
) -> None:
    """Say where earnings go: MODEL DEST=PERCENT..., where DEST is a model, `pool` or `wallet`, up
    to eight of them, together exactly 100; `MODEL default` sends them back to the model. Or a
    --preset, for the models named, or for all that have a stake or a split.

    \b
    Examples:
      ape run account split 3 3=50 pool=30 wallet=20 --account staker
      ape run account split 3 wallet=100 4 default --gasless --account staker
      ape run account split --preset passive-income --account staker
      ape run account split --preset balance --weights 0=50,3=30,5=20 --account staker
    """
    desk = desk_of(provider, **options)
    if preset is None:
        if weights is not None:
            raise click.UsageError("--weights are for --preset balance")
        commands.change(desk, account, (), parse_splits(parts), gasless)
    commands.preset(
        desk,
        account,
        Preset(preset),
        [parse_model(part) for part in parts],
        None if weights is None else parse_weights(weights),
        gasless,
    )


@cli.command(cls=Command)
@click.argument("amount", default="all")
@click.option("--now", "way", flag_value="now", help="At once, for gas, as often as you like.")
@click.option("--free", "way", flag_value="free", help="Signed, with the fortnight's batch.")
@sending
@store_option
def withdraw(
    provider: ProviderAPI, amount: str, way: str | None, account: str, **options: Any
) -> None:
    """Take AMOUNT NMR (or all) out of the pool. Without --now or --free it shows what both cost and
    when they arrive, and sends nothing.

    \b
    Examples:
      ape run account withdraw 2.5 --account staker --nmr-eth 0.0042
      ape run account withdraw all --free --store messages.jsonl --account staker
    """
    amount_nano = ALL if amount == "all" else parse_nmr(amount)
    desk = desk_of(provider, **options)
    commands.withdraw(desk, account, amount_nano, now=way == "now", free=way == "free")


@cli.command(cls=Command)
@sending
@store_option
def leave(provider: ProviderAPI, account: str, **options: Any) -> None:
    """Take every stake off at once, as the first step out; `withdraw` takes out what comes free."""
    commands.leave(desk_of(provider, **options), account)


@cli.group()
def cancel() -> None:
    """Take back what was signed and is not done yet."""


@cancel.command(cls=Command)
@click.option("--nonce", type=int, help="Kill only those numbered below; all if left out.")
@sending
def instructions(provider: ProviderAPI, nonce: int | None, account: str, **options: Any) -> None:
    """Make signed changes of stakes and splits that nobody sent yet useless, for ever."""
    commands.cancel_instructions(desk_of(provider, **options), account, nonce)


@cancel.command(cls=Command)
@sending
def withdrawal(provider: ProviderAPI, account: str, **options: Any) -> None:
    """Give this period's free withdrawal up, so that one signed for it is not paid."""
    commands.cancel_withdrawal(desk_of(provider, **options), account)


file_option = click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Sign only, into this file, which the other side signs too: neither pays gas.",
)


@cli.group()
def move() -> None:
    """Take the whole account to another address of yours: pool, stakes, splits, open rounds.

    \b
    With transactions, one of each side:
      ape run account move offer 0xNEW --account old
      ape run account move accept 0xOLD --account new
    Without gas for either; the file goes from one to the other, in any order:
      ape run account move offer 0xNEW --file move.json --account old
      ape run account move accept 0xOLD --file move.json --account new
      ape run account move send move.json --account anybody

    The new address has no stakes, splits or open risk, and no round is announced at that moment;
    its own pool stays and backs the old rounds then. A step that never comes changes nothing.
    """


@move.command(cls=Command)
@click.argument("to")
@sending
@file_option
@move_days_option
def offer(provider: ProviderAPI, to: str, file: Path | None, account: str, **options: Any) -> None:
    """Offer the account to the address TO, which has to accept; or sign that with --file."""
    moving.offer(desk_of(provider, **options), account, to, file)


@move.command("take-back", cls=Command)
@sending
def take_back(provider: ProviderAPI, account: str, **options: Any) -> None:
    """End an offer. What was signed into a file dies with `cancel instructions`."""
    moving.take_back(desk_of(provider, **options), account)


@move.command(cls=Command)
@click.argument("old")
@sending
@file_option
@move_days_option
def accept(
    provider: ProviderAPI, old: str, file: Path | None, account: str, **options: Any
) -> None:
    """Take over what the address OLD offered to this --account; or sign that with --file."""
    moving.accept(desk_of(provider, **options), account, old, file)


@move.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@sending
def send(provider: ProviderAPI, file: Path, account: str, **options: Any) -> None:
    """Send a move that both sides signed into FILE; anybody may, and pays the gas."""
    moving.send_file(desk_of(provider, **options), account, file)
