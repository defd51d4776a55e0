"""`ape run demo`: recorded tournament rounds through the escrow on a chain of its own."""

import json
import signal
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import click
from ape.logging import LogLevel, logger
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sluice import demo, sample
from sluice.anvil import has_anvil
from sluice.demo import report
from sluice.errors import SluiceError
from sluice.files import write_atomically
from sluice.inputs import read_rounds


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Of the made-up tournament: accounts, rounds."""

    accounts: int
    rounds: int


SEED = 1
TABLE_WIDTH = 112
FULL_SAMPLE = SampleSize(accounts=300, rounds=12)
SMALL_SAMPLE = SampleSize(accounts=150, rounds=12)
"""What the in-process chain does within a minute."""


@click.command(context_settings={"max_content_width": 100})
@click.option(
    "--rounds",
    "rounds_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A csv or parquet file of recorded rounds: round, account, model, stake, payout (or corr, "
    "mmc, corr_multiplier, mmc_multiplier, payout_factor), resolved. Default: a made-up sample.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else.")
@click.option(
    "--in-process",
    is_flag=True,
    help="Use ape's in-process chain even where there is anvil; fifty times slower.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build"),
    show_default=True,
    help="Folder for pictures, manifests, the rounds' files, registry and the sample.",
)
def cli(rounds_file: Path | None, as_json: bool, in_process: bool, output: Path) -> None:
    """Replays recorded tournament rounds through the escrow, on a chain of its own.

    Deploys the escrow; lets every recorded account deposit, stake, change its stakes and withdraw
    as the file shows; and runs the weekly pass over every round: announced, waited for (the
    chain's time is moved), resolved. A stake that only compounded is never set from the file: it
    has to come out right by itself.

    \b
    Ends with a table of the rounds and the checks:
      chain_equals_ledger  every stored word of every account is the reference ledger's
      conservation         token balance = pools + stakes + reserve + burned
      compounding          every stake that only compounded is within 0.00001 NMR of the record
      gas_free             no guest sent a transaction or holds ether
      audit                rebuilt from events alone, everything is what is stored (on anvil)
    The first two are made after every pass, the last one in the end.

    A round that the file marks as unresolved is never resolved: the replay ends before its pass. A
    stake under one nano-NMR counts as none.

    \b
    Exit codes: 0 all checks passed; 1 a check failed, or the file cannot be replayed; 2 wrong
    usage.

    \b
    Examples:
      ape run demo
      ape run demo --rounds rounds.parquet
      ape run demo --json > demo.json

    Beside the recorded accounts a few of its own, the guests, stake by signed messages only: their
    splits are presets, a relayer sends their changes, the operator their free withdrawals.

    With --json amounts are in NMR and seconds are those of each pass.
    """
    # Ended by a signal, Python would leave anvil behind: it cleans up only after exceptions.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console(stderr=True)
    try:
        # ape tells on stdout what it compiles and deploys; that place is for the result.
        with redirect_stdout(sys.stderr), logger.at_level(LogLevel.WARNING):
            replay, pictures = _replay(console, rounds_file, in_process or not has_anvil(), output)
    except SluiceError as error:
        raise click.ClickException(str(error)) from error

    if as_json:
        click.echo(json.dumps(_document(replay), indent=1))
    else:
        _show(replay, pictures)
    if not replay.checks.passed:
        for failure in replay.checks.failures():
            console.print(f"[red]{failure}[/red]", highlight=False, soft_wrap=True)
        console.print("[red]A check failed: do not trust this build.[/red]")
        sys.exit(1)


def _document(replay: demo.Replay) -> report.Document:
    return report.document(
        replay.results,
        replay.checks,
        replay.gasless.standings(),
        replay.gasless.fortnights,
        replay.bill.lines(),
    )


def _replay(
    console: Console, rounds_file: Path | None, in_process: bool, output: Path
) -> tuple[demo.Replay, list[Path]]:
    if in_process:
        console.print(
            "No anvil is used: this runs on ape's in-process chain, which is fifty times "
            "slower. Anvil comes with Node >= 20: `make setup`.",
            soft_wrap=True,
        )
    path = rounds_file or _make_sample(console, in_process, output)
    console.print(f"Reading {path}", highlight=False, soft_wrap=True)
    recording = demo.prepare(read_rounds(path))
    history = recording.history
    note = report.unresolved_note(history)
    if note:
        console.print(note, highlight=False, soft_wrap=True)
    with (
        demo.open_chain(recording, in_process) as chain,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        ) as progress,
    ):
        replay = demo.Replay(chain, recording, output / "demo")
        task = progress.add_task(f"Starting on {chain.name}", total=len(history.passes))

        def on_pass(number: int) -> None:
            done = number - history.first_pass
            progress.update(task, completed=done, description=f"Pass over round {number}")

        demo.run(replay, on_pass)
        progress.update(task, completed=len(history.passes), description="Replayed")
    shown = [opening for number, opening in replay.openings.items() if number <= history.last_round]
    return replay, report.draw(shown, output / "demo")


def _make_sample(console: Console, in_process: bool, output: Path) -> Path:
    size = SMALL_SAMPLE if in_process else FULL_SAMPLE
    path = output / "sample_rounds.csv"
    data = sample.csv_bytes(sample.generate(SEED, size.accounts, size.rounds))
    write_atomically(path, data)
    smaller = ", smaller than on anvil" if in_process else ""
    console.print(
        f"A made-up sample{smaller}: {size.accounts} accounts, {size.rounds} rounds, seed {SEED}",
        highlight=False,
    )
    return path


def _show(replay: demo.Replay, pictures: list[Path]) -> None:
    # Where the terminal is narrower, or there is none, lines go on rather than lose figures.
    console = Console(width=max(Console().width, TABLE_WIDTH))
    console.print(report.table(replay.results))
    for note in report.footnotes(replay):
        console.print(note, highlight=False)
    console.print(report.guests_table(replay.gasless.standings()))
    fortnight = report.fullest(replay.gasless.fortnights)
    if fortnight:
        console.print(report.fortnight_table(fortnight))
    console.print(report.gas_table(replay.bill.lines()))
    for line in report.check_lines(replay.checks):
        console.print(line, highlight=False)
    console.print(f"Pictures: {', '.join(str(path) for path in pictures)}", highlight=False)
    console.print(f"Manifests: {replay.folder / 'manifests'}", highlight=False)
    console.print(f"Rounds' files: {replay.folder / 'rounds'}", highlight=False)
