"""Prints every figure beside the committed one at the end of the run, also when all is well."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from sluice import bench, gas_snapshot

SNAPSHOT = Path(__file__).parents[2] / "bench" / "gas.json"
MEASURED = pytest.StashKey[dict[str, int]]()
WIDTH = 110


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[bench.Figures], list[str]]:
    """Takes figures for the table, and says what has moved away from the snapshot."""

    def take(figures: bench.Figures) -> list[str]:
        request.config.stash.setdefault(MEASURED, {}).update(figures)
        return gas_snapshot.differences(figures, gas_snapshot.read(SNAPSHOT))

    return take


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The table, if something was measured."""
    figures = config.stash.get(MEASURED, {})
    if not figures:
        return
    console = Console(width=WIDTH, no_color=True, force_terminal=False)
    with console.capture() as captured:
        console.print(
            gas_snapshot.table(gas_snapshot.changes(figures, gas_snapshot.read(SNAPSHOT)))
        )
    terminalreporter.section("gas beside bench/gas.json")
    terminalreporter.write_line(captured.get().rstrip("\n"))
