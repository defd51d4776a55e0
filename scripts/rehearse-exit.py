"""`ape run rehearse-exit`: everybody leaves, without operator, guardian or owner."""

from contextlib import suppress
from pathlib import Path

import click
from ape.logging import LogLevel, logger
from rich.console import Console
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception

from sluice.anvil import has_anvil
from sluice.deployment import FOLDER
from sluice.errors import InvalidInput, SluiceError
from sluice.local_chain import AnvilChain, anvil_chain
from sluice.rehearsal import (
    KeysBurn,
    KeysDelay,
    KeysGone,
    Power,
    Rehearsal,
    Stage,
    copied,
    made_up,
    rehearse,
)
from sluice.rehearsal.report import (
    accounts_table,
    document,
    last_words,
    transactions_table,
    weeks_table,
)
from sluice.sending import DONE, FAILED, Output, json_option, nmr, when

WEI_A_GWEI = 10**9
SHOWN = 10
"""Of more accounts only what became of them is shown, not each week."""

TABLE_WIDTH = 110

KEYS = {None: KeysGone, Power.DELAY: KeysDelay, Power.BURN: KeysBurn}


@click.command()
@click.option("--fork", "url", help="Rehearse on a copy of this chain: the address of its node.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    default=FOLDER / "local.json",
    show_default=True,
    help="With --fork: the deployment's record.",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    help="Whose way out, by address, of made-up ones by name; may be given again. All if left out.",
)
@click.option(
    "--weeks",
    type=click.IntRange(6, 52),
    default=6,
    show_default=True,
    help="Without --fork: passes before the keys are gone, in the middle of the next one.",
)
@click.option("--summary", is_flag=True, help="Show what became of each account, not each week.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the made-up payouts.")
@click.option(
    "--hostile",
    type=click.Choice([power.value for power in Power]),
    help="The keys are in the wrong hands instead of gone: they let no round end, or burn all that "
    "open rounds may burn.",
)
@click.option(
    "--gwei",
    type=click.FloatRange(min=0, min_open=True),
    help="Price of a unit of gas to reckon with; the forked chain's, or 1, if left out.",
)
@json_option
@click.pass_context
def cli(
    ctx: click.Context,
    url: str | None,
    record: Path,
    accounts: tuple[str, ...],
    weeks: int,
    summary: bool,
    seed: int,
    hostile: str | None,
    gwei: float | None,
    as_json: bool,
) -> None:
    """Rehearse the way out: operator, guardian and owner are gone, and every account takes out
    everything with its own transactions. Shows for each account, week by week, what is in stakes,
    locked, withdrawable and paid out, and what each transaction costs.

    The chain is a new local one with a made-up tournament, or with --fork a copy of a running one:
    nothing is sent to that one, and no key is needed.

    \b
    Examples:
      ape run rehearse-exit
      ape run rehearse-exit --account 'one model' --account 'every model'
      ape run rehearse-exit --hostile burn --summary
      ape run rehearse-exit --fork http://127.0.0.1:8545 --account 0x...

    Exit codes: 0 everything was out in time; 1 something was not, or failed; 2 wrong arguments.
    """
    logger.set_level(LogLevel.WARNING)
    output = Output(as_json)
    try:
        if not has_anvil():
            raise InvalidInput("anvil is missing: install Node >= 20 and run `make setup`")
        gas_price_wei = round(gwei * WEI_A_GWEI) if gwei else _gas_price_wei(url)
        with anvil_chain(forked_url=url) as chain:
            stage = _stage(chain, url, record, accounts, weeks, seed)
            rehearsal = _rehearse(stage, Power(hostile) if hostile else None, output)
    except (SluiceError, OSError, Web3Exception) as error:
        click.echo(f"rehearse-exit: {error}", err=True)
        ctx.exit(FAILED)
    _show(rehearsal, gas_price_wei, summary, output)
    output.end(document(rehearsal, gas_price_wei), DONE if rehearsal.succeeded else FAILED)


def _stage(
    chain: AnvilChain,
    url: str | None,
    record: Path,
    accounts: tuple[str, ...],
    weeks: int,
    seed: int,
) -> Stage:
    return made_up(chain, weeks, seed, accounts) if url is None else copied(chain, record, accounts)


def _gas_price_wei(url: str | None) -> int:
    """What a unit of gas costs on the chain that is copied; a gwei on none."""
    if url:
        # the copying says better what is wrong with the node
        with suppress(Web3Exception, OSError):
            return max(1, int(Web3(HTTPProvider(url)).eth.gas_price))
    return WEI_A_GWEI


def _rehearse(stage: Stage, power: Power | None, output: Output) -> Rehearsal:
    with output.progress() as bar:
        task = bar.add_task("days", total=None)
        return rehearse(stage, KEYS[power], lambda day: bar.update(task, completed=day))


def _show(rehearsal: Rehearsal, gas_price_wei: int, summary: bool, output: Output) -> None:
    total_nano = sum(each.equity_nano for each in rehearsal.exits)
    count = len(rehearsal.exits)
    output.say(
        f"{count} account{'s' if count > 1 else ''} with {nmr(total_nano)}; the keys are "
        f"{'in the wrong hands' if rehearsal.deeds else 'gone'} from {when(rehearsal.gone_at)} on"
    )
    for deed in rehearsal.deeds:
        output.say(f"- {deed}")
    tables = [accounts_table(rehearsal, gas_price_wei)]
    if not summary and count <= SHOWN:
        weeks = [weeks_table(each, rehearsal) for each in rehearsal.exits]
        tables = [*weeks, transactions_table(rehearsal, gas_price_wei), *tables]
    # where the terminal is narrower, or there is none, lines go on rather than lose figures
    wide = Console(stderr=output.as_json, width=max(output.console.width, TABLE_WIDTH))
    for table in tables:
        wide.print(table)
    output.say(last_words(rehearsal))
