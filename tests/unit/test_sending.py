"""What a person types and reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import InvalidInput
from sluice.sending import nmr, parse_nmr, parse_time, when
from sluice.words import MAX_AMOUNT_NANO


@given(st.integers(0, MAX_AMOUNT_NANO))
def test_amounts_survive_being_shown(nano: int) -> None:
    assert parse_nmr(nmr(nano).removesuffix(" NMR").replace(",", "")) == nano


def test_amounts_are_shown_in_nmr() -> None:
    assert nmr(1_234_500_000_000) == "1,234.500000000 NMR"
    assert parse_nmr("3") == 3 * 10**9
    assert parse_nmr("0.000000001") == 1


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf", "1e20", "0.0000000001", "1,5"])
def test_amounts_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="write"):
        parse_nmr(text)


def test_times_are_utc() -> None:
    assert parse_time("1736013600") == 1_736_013_600
    assert parse_time("2025-01-04T18:00:00Z") == 1_736_013_600
    assert parse_time("2025-01-04T18:00:00") == 1_736_013_600
    assert parse_time("2025-01-04T19:00:00+01:00") == 1_736_013_600
    assert when(1_736_013_600) == "2025-01-04 18:00:00 UTC"
    with pytest.raises(InvalidInput, match="is no time: write such as"):
        parse_time("soon")
