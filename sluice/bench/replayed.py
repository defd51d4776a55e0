"""The passes of recorded rounds, one after the other, as the demonstration replays them: what each
took, and how many bytes it sent."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sluice.bench.market import Prices
from sluice.bench.money import Week
from sluice.bench.world import NotMeasured
from sluice.demo import Recording, Replay
from sluice.errors import InvalidInput
from sluice.local_chain import AnvilChain, Transaction

OPERATORS = ("fund", "announce", "resolve")
"""What the names of a pass's own transactions begin with."""


class MeteredChain(AnvilChain):
    """An anvil that keeps account of gas and calldata of what belongs to a pass."""

    gas = 0
    data_bytes = 0

    def send(self, transactions: Sequence[Transaction], time: int | None = None) -> list[int]:
        """As the chain that it is."""
        used = super().send(transactions, time)
        for transaction, gas in zip(transactions, used, strict=True):
            if transaction.name.startswith(OPERATORS):
                self.gas += gas
                self.data_bytes += len(transaction.data)
        return used


def measure_passes(
    chain: AnvilChain,
    recording: Recording,
    prices: Mapping[int, Prices],
    on_pass: Callable[[], None] = lambda: None,
) -> list[Week]:
    """A week for each recorded round: its pass resolves it and opens the one four later. The passes
    before the first recorded round, which only open, are left out; the demonstration's eight guests
    are in each pass. `on_pass` is called after each pass.

    NotMeasured if a check of the replay fails; InvalidInput for a round without prices."""
    unpriced = sorted(set(recording.history.stakes_nano) - set(prices))
    if unpriced:
        raise InvalidInput(f"round {unpriced[0]} is not in the calendar of prices: add it")
    metered = MeteredChain(chain.provider)
    taken: dict[int, tuple[int, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        replay = Replay(metered, recording, Path(folder))
        replay.start()
        for number in recording.history.passes:
            metered.gas = metered.data_bytes = 0
            replay.run_pass(number)
            taken[number] = metered.gas, metered.data_bytes
            on_pass()
        replay.check(replay.words())
    if not replay.checks.passed:
        raise NotMeasured("; ".join(replay.checks.failures()))
    return [
        Week(
            round_number=result.round_number,
            resolved_on=prices[result.round_number].resolved_on,
            accounts=result.accounts,
            models=result.models,
            gas=taken[result.round_number][0],
            data_bytes=taken[result.round_number][1],
            gas_price_wei=prices[result.round_number].gas_price_wei,
            nmr_micro_usd=prices[result.round_number].nmr_micro_usd,
        )
        for result in replay.results
    ]
