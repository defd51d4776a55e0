"""`ape run bench`: what every call costs in gas, beside the same work done plainly."""

import json
import os
import sys
from pathlib import Path

import click
from ape.logging import LogLevel, logger
from rich.console import Console
from rich.table import Table

from sluice import bench, gas_snapshot
from sluice.anvil import has_anvil
from sluice.errors import SluiceError
from sluice.local_chain import anvil_chain, in_process_chain

DEFAULT_ROUNDS = Path("../shared/data/tournament_rounds_225_260.parquet")
OUT = Path("build/bench.json")
SNAPSHOT = Path("bench/gas.json")

console = Console(stderr=True)


@click.command()
@click.option(
    "--rounds",
    "rounds_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Recorded rounds with round 260 in them; default: SLUICE_ROUNDS, else ../shared/data.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the flat map from key to gas only.")
@click.option("--update", is_flag=True, help=f"Write the figures to {SNAPSHOT}, to be committed.")
def cli(rounds_file: Path | None, as_json: bool, update: bool) -> None:
    """Measure gas on a fresh local chain.

    Figures are receipts' gasUsed (of `runtime_bytes`: bytes); `marginal` is the slope between 100
    and 200 items of a batch (50 and 100 for `relay`, which does not take 200), accounts that have
    been through at least five passes, payouts mixed in sign; `plain_*` is the same work in
    contracts/test/PlainEscrow.vy and PlainLoop.vy. Writes build/bench.json and compares with the
    committed snapshot.

    Exit codes: 0 within the tolerance, 1 a figure left it or something failed, 2 wrong usage.

    Example: ape run bench --json
    """
    logger.set_level(LogLevel.ERROR)
    try:
        figures = _measure(rounds_file)
    except SluiceError as error:
        console.print(f"[red]{error}[/red]")
        sys.exit(1)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(gas_snapshot.text(figures))
    if update:
        SNAPSHOT.write_text(gas_snapshot.text(figures))
    committed = gas_snapshot.read(SNAPSHOT)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        Console().print(_table(figures, committed))
    left = gas_snapshot.differences(figures, committed)
    for line in left:
        console.print(f"[red]{line}[/red]")
    sys.exit(1 if left else 0)


def _measure(rounds_file: Path | None) -> bench.Figures:
    if has_anvil():
        with console.status("measuring on anvil"), anvil_chain() as chain:
            figures = bench.measure(chain)
    else:
        console.print(
            "no anvil: measuring on ape's in-process chain (make setup with Node for anvil)"
        )
        with in_process_chain(bench.keys()) as chain:
            figures = bench.measure(chain)
    path = rounds_file or _recorded_rounds()
    if path is None:
        console.print(f"left out resolve_round_260_*: no {DEFAULT_ROUNDS}, and SLUICE_ROUNDS unset")
    elif not has_anvil():
        console.print("left out resolve_round_260_*: only anvil is fast enough for 2,246 accounts")
    else:
        with console.status(f"measuring round 260 of {path.name}"), anvil_chain() as chain:
            figures |= bench.measure_real_round(chain, path)
    return figures


def _recorded_rounds() -> Path | None:
    named = os.environ.get("SLUICE_ROUNDS")
    if named:
        return Path(named)
    return DEFAULT_ROUNDS if DEFAULT_ROUNDS.exists() else None


def _table(figures: bench.Figures, committed: bench.Figures) -> Table:
    table = Table("key", "gas", "plainly", "of plainly", "snapshot")
    for column in table.columns[1:]:
        column.justify = "right"
    for key, gas in figures.items():
        if key.startswith(bench.PLAIN) and key.removeprefix(bench.PLAIN) in figures:
            continue
        plain = figures.get(bench.PLAIN + key)
        table.add_row(
            key,
            f"{gas:,}",
            f"{plain:,}" if plain else "",
            f"{gas / plain:.0%}" if plain else "",
            f"{committed[key]:,}" if key in committed else "new",
        )
    return table
