"""What has moved away from the committed figures is told, and shown beside them."""

import pytest
from rich.console import Console

from sluice import gas_snapshot
from sluice.gas_snapshot import Change


def test_gas_that_moved_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gas_snapshot.LIMITS, "resolve_one_model_marginal", 7_200)

    assert gas_snapshot.differences({"withdraw": 50_200}, {"withdraw": 50_100}) == []
    (moved,) = gas_snapshot.differences({"withdraw": 50_300}, {"withdraw": 50_100})
    assert moved.startswith("withdraw: 50,300, the snapshot has 50,100: ")
    (new,) = gas_snapshot.differences({"leave": 1}, {})
    assert "is not in the snapshot" in new
    over = gas_snapshot.differences(
        {"resolve_one_model_marginal": 7_201}, {"resolve_one_model_marginal": 7_201}
    )
    assert over == ["resolve_one_model_marginal: 7,201 is over its limit of 7,200"]


def test_every_figure_stands_beside_the_committed_one() -> None:
    changed = gas_snapshot.changes({"withdraw": 50_300, "leave": 1}, {"withdraw": 50_000, "pay": 2})

    assert changed == [
        Change("withdraw", 50_000, 50_300),
        Change("leave", None, 1),
        Change("pay", 2, None),
    ]
    console = Console(width=100)
    with console.capture() as captured:
        console.print(gas_snapshot.table(changed))
    heading, _, *rows = [line.split() for line in captured.get().splitlines() if line.strip()]
    assert heading[:3] == ["key", "before", "now"]
    assert rows == [
        ["withdraw", "50,000", "50,300", "+300", "+0.60"],
        ["leave", "new", "1"],
        ["pay", "2", "not", "measured"],
    ]


def test_what_did_not_move_has_no_difference() -> None:
    change = Change("fortnight_user", 0, 0)

    assert change.difference == 0
    assert change.per_cent is None
