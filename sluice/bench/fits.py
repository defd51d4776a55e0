"""Lines through what was measured, and whether anything grows faster than a line."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sluice.errors import InvalidInput

Series = Mapping[int, int]
"""Gas by size."""

STEEPER_PER_MILLE = 50
"""By how much the upper half of a series may be steeper than the lower."""


@dataclass(frozen=True, slots=True)
class Line:
    """The line of least squares through a series: gas for one more, gas at none, and the largest
    distance of a measured point from it. Rounded to whole gas."""

    slope: int
    intercept: int
    residual: int


def fit(series: Series) -> Line:
    """The line through a series; InvalidInput for fewer than two sizes."""
    if len(series) < 2:
        raise InvalidInput(f"a line needs two sizes, not {len(series)}: measure more")
    sizes = np.array(list(series), dtype=float)
    gas = np.array(list(series.values()), dtype=float)
    slope, intercept = np.polyfit(sizes, gas, 1)
    residuals = np.abs(gas - (slope * sizes + intercept))
    return Line(round(float(slope)), round(float(intercept)), round(float(residuals.max())))


def halves(series: Series) -> tuple[float, float]:
    """The gas of one more, on the way from the smallest size to the middle one of those measured,
    and on the way from there to the largest."""
    sizes = sorted(series)
    if len(sizes) < 3:
        raise InvalidInput(f"two halves need three sizes, not {len(sizes)}: measure more")
    low, middle, high = sizes[0], sizes[len(sizes) // 2], sizes[-1]
    lower = (series[middle] - series[low]) / (middle - low)
    return lower, (series[high] - series[middle]) / (high - middle)


def steeper_per_mille(series: Series) -> int:
    """By how many thousandths the upper half of a series is steeper than the lower; negative if it
    is flatter. This is stricter than the cost for each item, which what is paid once for all of
    them makes fall."""
    lower, upper = halves(series)
    return round((upper / lower - 1) * 1_000)


def faster_than_linear(growth: Mapping[str, Series]) -> list[str]:
    """A line for each series that gets steeper by more than is allowed."""
    lines = []
    for name, series in growth.items():
        steeper = steeper_per_mille(series)
        if steeper > STEEPER_PER_MILLE:
            lower, upper = halves(series)
            lines.append(
                f"{name} grows faster than linearly: {upper:,.0f} gas for one more at "
                f"{max(series):,}, {lower:,.0f} at the lower sizes"
            )
    return lines
