"""The passes that docs/gas.md puts a price on, on a made-up tournament."""

from datetime import date

import pytest

from sluice import sample
from sluice.bench.market import Prices
from sluice.bench.replayed import measure_passes
from sluice.demo import Recording, prepare
from sluice.errors import InvalidInput
from sluice.inputs import read_rounds
from sluice.local_chain import anvil_chain
from sluice.words import WORD_BYTES

pytestmark = pytest.mark.anvil

PRICES = Prices(date(2021, 5, 19), gas_price_wei=10**11, nmr_micro_usd=40_000_000)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    path = tmp_path_factory.mktemp("sample") / "rounds.csv"
    path.write_bytes(sample.csv_bytes(sample.generate(1, 20, 6)))
    return prepare(read_rounds(path))


def test_every_recorded_round_becomes_a_week(recording: Recording) -> None:
    recorded = sorted(recording.history.stakes_nano)
    told: list[None] = []
    with anvil_chain() as chain:
        weeks = measure_passes(
            chain, recording, dict.fromkeys(recorded, PRICES), lambda: told.append(None)
        )

    assert len(told) == len(recording.history.passes)
    assert [week.round_number for week in weeks] == [
        number for number in recorded if number <= recording.history.last_pass
    ]
    for week in weeks:
        held = recording.history.stakes_nano[week.round_number]
        assert week.accounts == len(held)
        assert week.models == sum(len(models) for models in held.values())
        assert week.data_bytes > WORD_BYTES * week.accounts
        assert week.gas > 21_000
        assert (week.gas_price_wei, week.nmr_micro_usd) == (10**11, 40_000_000)


def test_a_round_without_prices_is_told_before_anything_is_sent(recording: Recording) -> None:
    with anvil_chain() as chain:
        with pytest.raises(InvalidInput, match="is not in the calendar of prices"):
            measure_passes(chain, recording, {})
        assert chain.block() == 0
