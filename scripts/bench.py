"""`ape run bench`: what every call costs in gas, beside the same work done otherwise."""

import json
import sys
from pathlib import Path

import click
from ape.logging import LogLevel, logger
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sluice import bench, gas_snapshot
from sluice.anvil import has_anvil
from sluice.bench import fits, page, pictures, snapshots
from sluice.bench.growth import Growth, measure_growth
from sluice.bench.market import read_prices
from sluice.bench.money import Week
from sluice.bench.replayed import measure_passes
from sluice.demo import prepare
from sluice.errors import SluiceError
from sluice.files import write_atomically
from sluice.inputs import read_rounds
from sluice.local_chain import anvil_chain, in_process_chain

BESIDE = Path("../shared/data")
ROUNDS = "tournament_rounds_225_260.parquet"
BUILD, COMMITTED, DOCS = Path("build"), Path("bench"), Path("docs")
PAGE = "gas.md"
README = Path("README.md")
TABLE_WIDTH = 110

console = Console(stderr=True)


@click.command()
@click.option(
    "--rounds",
    "rounds_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="SLUICE_ROUNDS",
    help=f"Recorded rounds with round 260 in them; default: SLUICE_ROUNDS, else {BESIDE}.",
)
@click.option(
    "--prices",
    "prices_folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="SLUICE_PRICES",
    help="Folder of gas_price_daily.csv, nmr_usd_daily.csv and round_calendar_225_260.csv; "
    f"default: SLUICE_PRICES, else {BESIDE}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the flat map from key to gas only.")
@click.option(
    "--update",
    is_flag=True,
    help=f"Write {COMMITTED}/*.json, {DOCS}/{PAGE}, its pictures and the figures in {README}.",
)
@click.option("--page-only", is_flag=True, help="Measure nothing: make the page anew.")
def cli(
    rounds_file: Path | None,
    prices_folder: Path | None,
    as_json: bool,
    update: bool,
    page_only: bool,
) -> None:
    """Measure gas on a fresh local chain.

    Figures are receipts' gasUsed (of `runtime_bytes`: bytes); docs/gas.md says how each is
    measured. Writes build/bench.json, and the page and its pictures under build; compares with the
    committed snapshot, and checks that nothing grows faster than linearly.

    Exit codes: 0 within the tolerance, 1 a figure left it or something failed, 2 wrong usage.

    \b
    Examples:
      ape run bench --json
      ape run bench --update
      ape run bench --page-only --update
    """
    logger.set_level(LogLevel.ERROR)
    committed = snapshots.read(COMMITTED)
    rounds_file = rounds_file or _beside(ROUNDS)
    prices_folder = prices_folder or _beside()
    try:
        measured = committed if page_only else _measure(rounds_file, prices_folder)
        results = snapshots.over(measured, committed)
        _write(results, BUILD, BUILD)
        write_atomically(BUILD / "bench.json", gas_snapshot.text(measured.figures).encode())
        if update:
            _write(results, COMMITTED, DOCS)
            readme = page.refresh(README.read_text(), results.figures)
            write_atomically(README, readme.encode())
    except SluiceError as error:
        console.print(f"[red]{error}[/red]")
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(measured.figures))
    else:
        changed = gas_snapshot.changes(measured.figures, committed.figures)
        # where the terminal is narrower, or there is none, lines go on rather than lose figures
        Console(width=max(Console().width, TABLE_WIDTH)).print(gas_snapshot.table(changed))
    # what has just been taken over is not told, what exceeds its limit is
    beside = measured.figures if update else committed.figures
    failures = gas_snapshot.differences(measured.figures, beside)
    failures += fits.faster_than_linear(measured.growth)
    for line in failures:
        console.print(f"[red]{line}[/red]")
    sys.exit(1 if failures else 0)


def _measure(rounds_file: Path | None, prices_folder: Path | None) -> snapshots.Snapshots:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        if not has_anvil():
            console.print(
                "No anvil: measuring on ape's in-process chain (make setup with Node for anvil); "
                "left out are growth and recorded rounds, which are thousands of accounts."
            )
            task = progress.add_task("Every call", total=1)
            with in_process_chain(bench.keys()) as chain:
                figures, measured_on = bench.measure(chain), snapshots.conditions(chain)
            progress.advance(task)
            return snapshots.Snapshots(figures, {}, [], measured_on)
        task = progress.add_task("Every call", total=1)
        with anvil_chain() as chain:
            figures, measured_on = bench.measure(chain), snapshots.conditions(chain)
        progress.advance(task)
        growth = _growth(progress)
        weeks: list[Week] = []
        if rounds_file is None:
            console.print(f"Left out: round 260 and money: no {BESIDE / ROUNDS}, no SLUICE_ROUNDS")
        else:
            figures |= _real_round(progress, rounds_file)
            weeks = _weeks(progress, rounds_file, prices_folder)
    return snapshots.Snapshots(figures, growth, weeks, measured_on)


def _growth(progress: Progress) -> Growth:
    task = progress.add_task("Growth", total=1)
    with anvil_chain() as chain:
        growth = measure_growth(chain)
    progress.advance(task)
    return growth


def _real_round(progress: Progress, rounds_file: Path) -> bench.Figures:
    task = progress.add_task("Round 260", total=1)
    with anvil_chain() as chain:
        figures = bench.measure_real_round(chain, rounds_file)
    progress.advance(task)
    return figures


def _weeks(progress: Progress, rounds_file: Path, prices_folder: Path | None) -> list[Week]:
    if prices_folder is None:
        console.print(f"Left out: money: no {BESIDE}, and SLUICE_PRICES is not set")
        return []
    prices = read_prices(prices_folder)
    recording = prepare(read_rounds(rounds_file))
    task = progress.add_task("Every pass", total=len(recording.history.passes))
    with anvil_chain() as chain:
        return measure_passes(chain, recording, prices, lambda: progress.advance(task))


def _write(results: snapshots.Snapshots, data: Path, docs: Path) -> None:
    """Writes the results and, if there are results of every kind, the page and its pictures."""
    snapshots.write(results, data)
    if not (results.growth and results.weeks):
        console.print("The page is not made: growth or money was never measured.")
        return
    filled = page.fill((DOCS / PAGE).read_text(), results)
    write_atomically(docs / PAGE, filled.encode())
    write_atomically(docs / pictures.GROWTH_PICTURE, pictures.growth_picture(results.growth))
    write_atomically(docs / pictures.MONEY_PICTURE, pictures.money_picture(results.weeks))


def _beside(name: str = "") -> Path | None:
    path = BESIDE / name
    return path if path.exists() else None
