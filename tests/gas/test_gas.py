"""Gas on a real chain against the committed snapshot: `bench/gas.json`, made by `make bench`."""

from pathlib import Path

import pytest

from sluice import bench, gas_snapshot
from sluice.local_chain import anvil_chain
from tests.real_rounds import needs_rounds_225_260, real_rounds_file

SNAPSHOT = Path(__file__).parents[2] / "bench" / "gas.json"

pytestmark = pytest.mark.anvil


def test_gas_of_every_call_is_the_snapshots() -> None:
    """S9 S30: what every route costs is measured and published."""
    with anvil_chain() as chain:
        figures = bench.measure(chain)

    assert gas_snapshot.differences(figures, gas_snapshot.read(SNAPSHOT)) == []
    assert set(figures) == {
        key for key in gas_snapshot.read(SNAPSHOT) if not key.startswith("resolve_round_")
    }
    for key, gas in figures.items():
        plain = figures.get(bench.PLAIN + key)
        assert plain is None or key.startswith("deposit") or gas < plain


@needs_rounds_225_260
def test_gas_of_a_real_round_is_the_snapshots() -> None:
    path = real_rounds_file()
    assert path is not None
    with anvil_chain() as chain:
        figures = bench.measure_real_round(chain, path)

    assert gas_snapshot.differences(figures, gas_snapshot.read(SNAPSHOT)) == []


def test_gas_that_moved_is_told() -> None:
    assert gas_snapshot.differences({"withdraw": 50_200}, {"withdraw": 50_100}) == []
    (moved,) = gas_snapshot.differences({"withdraw": 50_300}, {"withdraw": 50_100})
    assert moved.startswith("withdraw: 50,300, the snapshot has 50,100: ")
    (new,) = gas_snapshot.differences({"leave": 1}, {})
    assert "is not in the snapshot" in new
    over = gas_snapshot.differences(
        {"resolve_one_model_marginal": 7_201}, {"resolve_one_model_marginal": 7_201}
    )
    assert over == ["resolve_one_model_marginal: 7,201 is over its limit of 7,200"]
