"""Who paid what gas in a replay."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Payer(StrEnum):
    """Who sends transactions."""

    GUESTS = "guests"
    RELAYER = "relayer"
    OPERATOR = "operator"
    OWNER = "owner"
    RECORDED = "recorded accounts"


@dataclass(frozen=True, slots=True)
class Line:
    """What a payer's calls of one kind came to. `carried`: how many messages, items, entries or
    accounts they were for."""

    payer: Payer
    call: str
    transactions: int
    carried: int
    gas: int

    @property
    def gas_for_each(self) -> int:
        """The gas for each of those that the calls were for."""
        return round(self.gas / self.carried) if self.carried else 0


class Bill:
    """Receipts' gas, added up by payer and call."""

    def __init__(self) -> None:
        self._lines: dict[tuple[Payer, str], Line] = {}

    def add(self, payer: Payer, call: str, gas: Sequence[int], carried: int) -> None:
        """Adds transactions, the gas of each given."""
        before = self._lines.get((payer, call), Line(payer, call, 0, 0, 0))
        self._lines[payer, call] = Line(
            payer,
            call,
            before.transactions + len(gas),
            before.carried + carried,
            before.gas + sum(gas),
        )

    def lines(self) -> list[Line]:
        """By payer in the order of `Payer`, then by call."""
        order = list(Payer)
        return sorted(self._lines.values(), key=lambda line: (order.index(line.payer), line.call))
