"""What the scripts share: connecting, choosing the signer, showing, confirming, waiting, ending.

Exit codes of every script: 0 done; 1 refused or failed, the message says what to do; 2 wrong
arguments; 3 nothing is wrong, come back later. With --json one document goes to standard output and
everything else to standard error.
"""

import json
import sys
import time as wall
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import ape
import click
from ape.api import AccountAPI, ProviderAPI, TestProviderAPI
from ape.cli import ConnectedProviderCommand
from ape.exceptions import ApeException
from ape.logging import LogLevel, logger
from requests.exceptions import RequestException
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from web3.exceptions import Web3Exception

from sluice.delivery import STUCK_AFTER_S, Delivery, Terms
from sluice.errors import InvalidInput, SluiceError
from sluice.inputs import to_nano
from sluice.node import ComeBackLater, is_local, watch
from sluice.remedies import remedy
from sluice.words import MAX_AMOUNT_NANO

DONE = 0
FAILED = 1
COME_BACK_LATER = 3

POLL_S = 12
HOUR_S = 3_600
DAY_S = 86_400

Function = TypeVar("Function", bound=Callable[..., Any])


class Command(ConnectedProviderCommand):
    """A script's command: connected to a network; a refusal is one line on standard error, one of
    the contract has what to do about it on the next (and a document where --json is given), never a
    traceback. What is only to be done again later ends it so."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the script; ends the process with exit code 1 if something is refused, 3 if it is to
        be run again later."""
        # ape reports every transaction on standard output; the scripts have their own words
        logger.set_level(LogLevel.WARNING)
        try:
            return super().invoke(ctx)
        except ComeBackLater as later:
            if ctx.params.get("as_json"):
                _print_json({"phase": "waiting"})
            click.echo(f"{ctx.info_name}: {later}", err=True)
            ctx.exit(COME_BACK_LATER)
        except RequestException as error:
            told = (
                f"the node does not answer ({error}): nothing is lost; run this again when it "
                "does, or with another one (--network)"
            )
            if ctx.params.get("as_json"):
                _print_json({"error": told, "kind": type(error).__name__})
            click.echo(f"{ctx.info_name}: {told}", err=True)
            ctx.exit(FAILED)
        except (SluiceError, ApeException, Web3Exception, OSError) as error:
            what_to_do = remedy(str(error))
            if ctx.params.get("as_json"):
                document = {"error": str(error), "kind": type(error).__name__}
                _print_json(document | ({"remedy": what_to_do} if what_to_do else {}))
            click.echo(f"{ctx.info_name}: {error}", err=True)
            if what_to_do:
                click.echo(what_to_do, err=True)
            ctx.exit(FAILED)


class Output:
    """Where a script speaks: to a person, or with --json as one document."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(stderr=as_json, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """A line for a person."""
        self.console.print(text, markup=False)

    def table(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        """Names and values for a person."""
        table = Table(title=title, show_header=False, title_justify="left")
        table.add_column()
        # addresses and digests are for copying: never cut short
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(name, value)
        self.console.print(table)

    def progress(self) -> Progress:
        """A bar for what takes long; gone when it is done."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        return Progress(*columns, console=self.console, transient=True)

    def document(self, document: Mapping[str, object]) -> None:
        """The document, of a script that goes on afterwards."""
        if self.as_json:
            _print_json(document)

    def end(self, document: Mapping[str, object], code: int = DONE) -> NoReturn:
        """The script's last word: the document if one was asked for, and the exit code."""
        self.document(document)
        sys.exit(code)


def json_option(function: Function) -> Function:
    """Adds --json."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document, nothing else, to stdout."
    )(function)


def yes_option(function: Function) -> Function:
    """Adds --yes."""
    return click.option("--yes", is_flag=True, help="Send without asking.")(function)


def record_option(function: Function) -> Function:
    """Adds --record."""
    return click.option(
        "--record",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The deployment's record; deployments/<network>.json if left out.",
    )(function)


def delivery_options(function: Function) -> Function:
    """Adds what says how transactions are sent, as the argument `terms`."""

    @wraps(function)
    def with_terms(
        *arguments: Any,
        confirmations: int | None,
        max_fee: str | None,
        stuck_after: float,
        replace: bool,
        **others: Any,
    ) -> Any:
        max_fee_wei = None if max_fee is None else parse_gwei(max_fee, "--max-fee")
        terms = Terms(confirmations, max_fee_wei, stuck_after, replace)
        return function(*arguments, terms=terms, **others)

    options = (
        click.option(
            "--confirmations",
            type=click.IntRange(1),
            help="Blocks that a transaction must be in before it counts; left out: 1 on a local "
            "chain, else 3 or more.",
        ),
        click.option(
            "--max-fee",
            help="gwei, the most ever paid for a unit of gas; left out: four times the first fee.",
        ),
        click.option(
            "--stuck-after",
            type=click.FloatRange(0, min_open=True),
            default=STUCK_AFTER_S,
            show_default=True,
            help="Seconds after which a transaction that waits is replaced by a dearer one.",
        ),
        click.option(
            "--replace",
            is_flag=True,
            help="Replace a transaction that an earlier run left waiting.",
        ),
    )
    for option in reversed(options):
        with_terms = option(with_terms)
    return cast(Function, with_terms)


def delivery(provider: ProviderAPI, terms: Terms) -> Delivery:
    """What sends a script's transactions; the node's answers are held against each other from now
    on."""
    watch(provider)
    return Delivery(provider, terms)


def confirm(question: str, yes: bool, output: Output) -> None:
    """Asks before something is sent; a no ends the script with nothing sent."""
    if not yes and not click.confirm(question, err=output.as_json):
        raise InvalidInput("nothing was sent")


def signer(name: str | None, role: str, wanted: str) -> AccountAPI:
    """The ape account that sends: `name` is an alias, an address, or the number of a test account;
    if left out, whichever ape account has the address `wanted` of the role. Test accounts, whose
    keys everybody knows, serve on local chains only. InvalidInput if there is none."""
    accounts = [ape.accounts.load(alias) for alias in ape.accounts.aliases]
    if is_local(ape.networks.provider):
        accounts += list(ape.accounts.test_accounts)
    if name is not None and name.isdigit() and is_local(ape.networks.provider):
        return ape.accounts.test_accounts[int(name)]
    for account in accounts:
        if (name or wanted) in (account.alias, account.address):
            return account
    if name is None:
        raise InvalidInput(
            f"{role}: none of ape's accounts is {wanted}: import its key (`ape accounts import`), "
            "or name the account with --account"
        )
    raise InvalidInput(f"account {name} is none of ape's: see `ape accounts list`")


def nmr(nano: int) -> str:
    """An amount as a person reads it."""
    return f"{Decimal(nano).scaleb(-9):,f} NMR"


def parse_nmr(text: str) -> int:
    """An amount in NMR as a person types it, in nano-NMR; InvalidInput if it is none."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise InvalidInput(f"{text} is no amount: write NMR, such as 12.5") from None
    if not amount.is_finite() or amount < 0 or amount.scaleb(9) > MAX_AMOUNT_NANO:
        raise InvalidInput(f"{text} is no amount of NMR: write one from 0 to the supply")
    nano = to_nano(amount)
    if Decimal(nano).scaleb(-9) != amount:
        raise InvalidInput(f"{text} is not a whole nano-NMR: write at most nine decimals")
    return nano


def parse_gwei(text: str, option: str) -> int:
    """A price of gas as a person types it, in gwei, in wei; InvalidInput if it is none."""
    try:
        wei = Decimal(text).scaleb(9)
    except InvalidOperation:
        wei = Decimal(0)
    if not wei.is_finite() or wei <= 0:
        raise InvalidInput(f"{option} {text}: write gwei above zero, such as 20")
    return int(wei)


def when(time: int) -> str:
    """A unix time as a person reads it."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def parse_time(text: str) -> int:
    """A time as a person types it, in unix seconds: those, or ISO 8601, in UTC if it names no zone;
    InvalidInput if it is none."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text} is no time: write such as 2025-01-04T18:00:00Z") from None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())


def chain_time(provider: ProviderAPI) -> int:
    """The time that a transaction sent now would get, as far as one can know."""
    at = "pending" if is_local(provider) else "latest"
    return int(provider.get_block(at).timestamp)


def in_an_hour(provider: ProviderAPI) -> int:
    """A time of the chain that is not yet, for first passes on local chains."""
    return chain_time(provider) + HOUR_S


def pass_days(provider: ProviderAPI, days: int) -> int:
    """Lets days pass on a local chain; returns its time then."""
    move_time(provider, chain_time(provider) + days * DAY_S)
    return int(provider.get_block("latest").timestamp)


def move_time(provider: ProviderAPI, time: int) -> None:
    """Moves a local chain's time on and mines a block; does nothing if that time is past."""
    if time <= int(provider.get_block("latest").timestamp):
        return
    if isinstance(provider, TestProviderAPI):
        provider.set_timestamp(time)
        provider.mine()
        return
    provider.make_request("evm_setNextBlockTimestamp", [time])
    provider.make_request("evm_mine", [])


def wait_until(provider: ProviderAPI, time: int, output: Output) -> None:
    """Stays until the chain's time is there; a local chain's time is moved instead."""
    if is_local(provider):
        output.say(f"moving the local chain's time to {when(time)}")
        move_time(provider, time)
        return
    with output.progress() as bar:
        task = bar.add_task(f"waiting until {when(time)}", total=None)
        while (now := chain_time(provider)) < time:
            bar.update(task, description=f"waiting until {when(time)}, {time - now} s more")
            wall.sleep(min(POLL_S, time - now))


def _print_json(document: Mapping[str, object]) -> None:
    print(json.dumps(document, indent=1), flush=True)
