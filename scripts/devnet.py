"""A lasting local chain with token, escrow and funded accounts."""

import signal
import sys
import threading
from pathlib import Path

import ape
import click
from ape.logging import LogLevel, logger

from sluice.deployment import FOLDER
from sluice.devnet import Devnet, anvil, set_up
from sluice.errors import SluiceError
from sluice.escrow import Escrow
from sluice.sending import FAILED, Output, json_option, nmr, pass_days, when


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8545, show_default=True)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/devnet"),
    show_default=True,
    help="Where the chain's state is kept.",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    default=FOLDER / "local.json",
    show_default=True,
    help="The deployment's record, which the other scripts read.",
)
@click.option("--first-pass", type=int, default=1, show_default=True, help="Number of round one.")
@click.option("--move-days", type=click.IntRange(1), help="Move a running devnet's time, and end.")
@json_option
@click.pass_context
def cli(
    ctx: click.Context,
    port: int,
    folder: Path,
    record: Path,
    first_pass: int,
    move_days: int | None,
    as_json: bool,
) -> None:
    """Run a local chain with a stand-in NMR token, the escrow, a funded reserve and stakers with
    NMR, until Ctrl-C. Its state lasts: the next start finds the same contracts again. To start
    afresh, remove the folder.

    \b
    Examples:
      ape run devnet                       # in one terminal
      ape run devnet --move-days 7         # in another: a week passes
      ape run route payouts.csv --network http://127.0.0.1:8545 --wait

    Accounts are ape's test accounts: 0 owner, 1 operator, 2 guardian, 3 to 9 stakers.

    Exit codes: 0 stopped or time moved; 1 refused or failed; 2 wrong arguments.
    """
    logger.set_level(LogLevel.WARNING)
    output = Output(as_json)
    # a polite end stops anvil too, at any moment
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FAILED))
    try:
        if move_days is not None:
            _move(f"http://127.0.0.1:{port}", move_days, output)
        with anvil(port, folder) as url, ape.networks.parse_network_choice(url) as provider:
            running = set_up(folder, record, first_pass, provider)
            escrow = Escrow(running.deployment.address, provider)
            _show(running, url, record, escrow, output)
            _wait_for_the_end()
            output.say("stopping; the state is kept")
    except SluiceError as error:
        click.echo(f"devnet: {error}", err=True)
        ctx.exit(FAILED)


def _move(url: str, days: int, output: Output) -> None:
    with ape.networks.parse_network_choice(url) as provider:
        time = pass_days(provider, days)
    output.say(f"it is {when(time)} on the devnet now")
    output.end({"time": time})


def _show(running: Devnet, url: str, record: Path, escrow: Escrow, output: Output) -> None:
    deployment = running.deployment
    state = escrow.round_state()
    next_round = state.resolved + 1
    pass_time = deployment.parameters.pass_time(next_round)
    output.table(
        "Devnet, found again" if running.found_again else "Devnet",
        [
            ("network", url),
            ("escrow", deployment.address),
            ("lens", deployment.lens),
            ("token", deployment.token),
            ("burner", deployment.burner),
            ("owner (0)", running.owner),
            ("operator (1)", running.operator),
            ("guardian (2)", running.guardian),
            *((f"staker ({i})", staker) for i, staker in enumerate(running.stakers, start=3)),
            ("reserve", nmr(escrow.reserve_nano())),
            ("next pass", f"round {next_round}, {when(pass_time)}"),
            ("record", str(record)),
        ],
    )
    output.say("Ctrl-C stops it")
    output.document(
        {
            "url": url,
            "escrow": deployment.address,
            "lens": deployment.lens,
            "token": deployment.token,
            "burner": deployment.burner,
            "owner": running.owner,
            "operator": running.operator,
            "guardian": running.guardian,
            "stakers": list(running.stakers),
            "found_again": running.found_again,
            "record": str(record),
        }
    )


def _wait_for_the_end() -> None:
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    stop.wait()
