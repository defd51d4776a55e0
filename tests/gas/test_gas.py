"""Gas on a real chain against the committed snapshot: `bench/gas.json`, made by `make bench`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sluice import bench, gas_snapshot
from sluice.bench.names import LISTED
from sluice.local_chain import anvil_chain
from tests.real_rounds import needs_rounds_225_260, real_rounds_file

SNAPSHOT = Path(__file__).parents[2] / "bench" / "gas.json"

pytestmark = pytest.mark.anvil

Take = Callable[[bench.Figures], list[str]]


def test_gas_of_every_call_is_the_snapshots(measured: Take) -> None:
    """S9 S30: what every route costs is measured and published."""
    with anvil_chain() as chain:
        figures = bench.measure(chain)

    assert measured(figures) == []
    assert set(figures) == {
        key for key in gas_snapshot.read(SNAPSHOT) if not key.startswith("resolve_round_")
    }
    assert figures["fortnight_user"] == 0
    for key, gas in figures.items():
        plain = figures.get(bench.PLAIN + key)
        assert plain is None or key.startswith("deposit") or gas < plain
        assert LISTED not in key or gas < figures[key.replace(LISTED, "")]


@needs_rounds_225_260
def test_gas_of_a_real_round_is_the_snapshots(measured: Take) -> None:
    path = real_rounds_file()
    assert path is not None
    with anvil_chain() as chain:
        figures = bench.measure_real_round(chain, path)

    assert measured(figures) == []
    assert figures["resolve_round_260_listed_total"] < figures["resolve_round_260_total"]
