"""What a rehearsal of the way out says of itself."""

from dataclasses import replace

import pytest
from rich.console import Console

from sluice.rehearsal import Exit, Look, Rehearsal, Transacted
from sluice.rehearsal.report import accounts_table, document, last_words, weeks_table

GONE_AT = 1_000_000
BOUND_S = 49 * 86_400
LEAVE = Transacted(GONE_AT + 1, "leave()", 0, 50_000)
OUT = Transacted(GONE_AT + 41 * 86_400 + 1, "withdraw(max)", 10**9, 60_000)


def exit_of(**changes: object) -> Exit:
    """An account that is out as it should be, but for the changes."""
    each = Exit(
        "one model", "0x" + "11" * 20, 10**9, 10**9, paid_out_nano=10**9, looks=[],
        transactions=[LEAVE, OUT],
    )  # fmt: skip
    each.looks.append(Look(GONE_AT, 10**9, 0, 0, 0))
    return replace(each, **changes)


def rehearsal_of(**changes: object) -> Rehearsal:
    return Rehearsal(GONE_AT, BOUND_S, (), (exit_of(**changes),))


def test_rehearsal_succeeds_where_all_that_was_had_is_out_in_time() -> None:
    rehearsal = rehearsal_of()

    assert rehearsal.succeeded
    assert last_words(rehearsal) == "everything out after 41.0 days; bound 49 days"


def test_rehearsal_tells_burns_within_the_bound() -> None:
    """N6: less by what was at risk is no failure, and is said."""
    rehearsal = rehearsal_of(burned_nano=4 * 10**8, paid_out_nano=6 * 10**8)

    assert rehearsal.succeeded
    assert "less 0.400000000 NMR burned within what was at risk" in last_words(rehearsal)


@pytest.mark.parametrize(
    "changes",
    [
        {"paid_out_nano": 10**9 - 1},
        {"left_nano": 1},
        {"broken": True},
        {"burned_nano": 10**9 + 1},
        {"transactions": [LEAVE, replace(OUT, time=GONE_AT + BOUND_S + 1)]},
    ],
)
def test_rehearsal_fails_by_one_nano_or_one_second(changes: dict[str, object]) -> None:
    """N1 N2: a nano missing or left, a promise broken, a burn above its bound, a second late."""
    rehearsal = rehearsal_of(**changes)

    assert not rehearsal.succeeded
    assert last_words(rehearsal).startswith("NOT everything out after 49 days")
    assert document(rehearsal, 1)["everything_out"] is False


def test_rehearsal_reckons_costs_by_the_price_of_gas() -> None:
    """S9: each transaction's gas, and what it costs."""
    (account,) = document(rehearsal_of(), 2 * 10**9)["accounts"]  # type: ignore[misc]

    assert [sent["cost_wei"] for sent in account["transactions"]] == [10**14, 12 * 10**13]
    assert accounts_table(rehearsal_of(), 10**9).row_count == 1
    assert weeks_table(exit_of(), rehearsal_of()).row_count == 1


def test_rehearsal_never_cuts_an_address_short(capsys: pytest.CaptureFixture[str]) -> None:
    """An account of a real chain has no name but its address."""
    address = "0x" + "5a" * 20
    rehearsal = rehearsal_of(name=address, account=address)

    Console(width=110).print(accounts_table(rehearsal, 10**9))

    assert "…" not in capsys.readouterr().out
    assert weeks_table(rehearsal.exits[0], rehearsal).title == address
