"""Lines through measured gas, and what counts as growing faster than one."""

import pytest

from sluice.bench.fits import Line, faster_than_linear, fit, halves, steeper_per_mille
from sluice.errors import InvalidInput


def test_a_line_is_found_again() -> None:
    series = {size: 21_000 + 6_600 * size for size in (1, 10, 100, 1_000)}

    assert fit(series) == Line(slope=6_600, intercept=21_000, residual=0)
    assert steeper_per_mille(series) == 0
    assert faster_than_linear({"pass": series}) == []


def test_the_residual_is_the_largest_distance_from_the_line() -> None:
    line = fit({0: 0, 1: 10, 2: 0, 3: 10})

    assert line == Line(slope=2, intercept=2, residual=6)


def test_what_bends_upwards_is_told() -> None:
    quadratic = {size: 50_000 + 100 * size + size * size for size in (1, 10, 100, 1_000)}

    (told,) = faster_than_linear({"pass": quadratic})
    assert told.startswith("pass grows faster than linearly: ")
    assert steeper_per_mille(quadratic) > 1_000


def test_what_bends_by_little_or_downwards_is_not() -> None:
    flatter = {1: 100, 2: 190, 3: 270}
    hardly = {1: 10_000, 2: 20_000, 3: 30_490}

    assert faster_than_linear({"flatter": flatter, "hardly": hardly}) == []


def test_too_few_sizes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="two sizes"):
        fit({1: 100})
    with pytest.raises(InvalidInput, match="three sizes"):
        halves({1: 100, 2: 200})
