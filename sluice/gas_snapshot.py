"""The committed gas figures, and what has moved away from them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

TOLERANCE_PER_MILLE = 3
"""Addresses made anew may have a zero byte more or less in calldata; nothing else may move."""

LIMITS = {
    "resolve_one_model_marginal": 6_600,
    "resolve_split_marginal": 15_000,
    "pay_due_marginal": 20_000,
    "pay_signed_marginal": 20_500,
    "relay_rebalance_marginal": 24_000,
    "set_stakes_two_models": 39_500,
    "fortnight": 72_000,
    "runtime_bytes": 24_576,
    "resolve_round_260_total": 16_777_216,
    "resolve_round_260_largest_transaction": 16_777_216,
}
"""What may never be exceeded; among them what a contract's code may have (EIP-170), and what one
transaction may use (EIP-7825)."""


@dataclass(frozen=True, slots=True)
class Change:
    """A figure beside the committed one; None where there is none."""

    key: str
    before: int | None
    now: int | None

    @property
    def difference(self) -> int | None:
        """What it rose by."""
        return None if self.before is None or self.now is None else self.now - self.before

    @property
    def per_cent(self) -> float | None:
        """The same, of what it was."""
        return 100 * self.difference / self.before if self.difference and self.before else None


def changes(figures: Mapping[str, int], committed: Mapping[str, int]) -> list[Change]:
    """Every figure measured, in order, then those of the snapshot that were not."""
    keys = [*figures, *(key for key in committed if key not in figures)]
    return [Change(key, committed.get(key), figures.get(key)) for key in keys]


def table(changed: Sequence[Change]) -> Table:
    """A row for each figure, changed or not."""
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("key", no_wrap=True)
    for heading in ("before", "now", "difference", "per cent", "at most"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for change in changed:
        limit = LIMITS.get(change.key)
        shown.add_row(
            change.key,
            "new" if change.before is None else f"{change.before:,}",
            "not measured" if change.now is None else f"{change.now:,}",
            f"{change.difference:+,}" if change.difference else "",
            f"{change.per_cent:+.2f}" if change.per_cent else "",
            "" if limit is None else f"{limit:,}",
        )
    return shown


def text(figures: Mapping[str, int]) -> str:
    """The figures as the snapshot's file holds them."""
    return json.dumps(dict(figures), indent=2) + "\n"


def read(path: Path) -> dict[str, int]:
    """The committed figures; none if there is no file yet."""
    if not path.exists():
        return {}
    return {key: int(gas) for key, gas in json.loads(path.read_text()).items()}


def differences(figures: Mapping[str, int], committed: Mapping[str, int]) -> list[str]:
    """A line for each figure that is new, has moved by more than the tolerance, up or down, or is
    over its limit. Committed figures that were not measured are passed over."""
    lines = []
    for key, gas in figures.items():
        before = committed.get(key)
        if before is None:
            lines.append(f"{key}: {gas:,} is not in the snapshot: run the bench with --update")
        elif abs(gas - before) * 1_000 > before * TOLERANCE_PER_MILLE:
            lines.append(
                f"{key}: {gas:,}, the snapshot has {before:,}: if that is meant, run the bench "
                "with --update and say why in the commit"
            )
        if gas > LIMITS.get(key, gas):
            lines.append(f"{key}: {gas:,} is over its limit of {LIMITS[key]:,}")
    return lines
