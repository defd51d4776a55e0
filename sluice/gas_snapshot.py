"""The committed gas figures, and what has moved away from them."""

import json
from collections.abc import Mapping
from pathlib import Path

TOLERANCE_PER_MILLE = 3
"""Addresses made anew may have a zero byte more or less in calldata; nothing else may move."""

LIMITS = {
    "resolve_one_model_marginal": 7_200,
    "resolve_split_marginal": 16_000,
    "pay_due_marginal": 20_500,
    "relay_rebalance_marginal": 28_000,
    "runtime_bytes": 24_576,
    "resolve_round_260_total": 19_000_000,
    "resolve_round_260_largest_transaction": 16_777_216,
}
"""What may never be exceeded; among them what a contract's code may have (EIP-170), and what one
transaction may use (EIP-7825)."""


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
