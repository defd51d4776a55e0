"""The participants' own example, week by week, on ledger and contract, and as docs/story.md tells
it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sluice.account import bound_nano, risk_units
from sluice.ledger import ALL
from sluice.words import OPEN_ROUNDS, unpack_account
from tests.tournament import BOOKS, STAKER, Tournament, tournament

PAGE = Path(__file__).parents[2] / "docs" / "story.md"
NMR_NANO = 10**9
START_NMR = 10

Row = tuple[str, str, str, str, str, str, str]

pytestmark = pytest.mark.usefixtures("deployed")


def stakes(nmr: int) -> Callable[[Tournament], None]:
    """The step that leaves so many NMR on the model."""
    return lambda t: t.driver.set_stakes(STAKER, {0: nmr * NMR_NANO})


def takes_all(t: Tournament) -> None:
    """A withdrawal of whatever is withdrawable."""
    t.driver.withdraw(STAKER, ALL)


def passes(t: Tournament) -> None:
    """A pass without a payout."""
    t.passes(1, STAKER)


THE_PASS = ("the pass", passes)
OUT = ("takes out what is free", takes_all)

STORIES: dict[str, list[tuple[str, Callable[[Tournament], None]]]] = {
    "5 out": [("5 out", stakes(5)), *[step for _ in range(4) for step in (THE_PASS, OUT)]],
    "5 out, 2 back for X+1": [("5 out", stakes(5)), ("2 back", stakes(7)), *[THE_PASS] * 4],
    "3 out, asked for at first": [("3 out", stakes(7)), *[THE_PASS] * 4],
    "5 out, a week later changed to 3": [
        ("5 out", stakes(5)),
        THE_PASS,
        ("5 changed to 3", stakes(7)),
        *[THE_PASS] * 3,
    ],
}


def nmr(amount_nano: int) -> str:
    """To the last nano, without zeros that say nothing."""
    whole, rest = divmod(amount_nano, NMR_NANO)
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".")


def newest(t: Tournament) -> str:
    """The newest open round, as X and how many later."""
    later = t.resolved - (t.parameters.first_pass + 3)
    return f"X+{later}" if later else "X"


def row(t: Tournament, done: str) -> Row:
    """What the account is at that moment."""
    position = t.seen(STAKER)
    word = unpack_account(t.driver.words(STAKER)[0])
    place = t.parameters.round_word(t.resolved + OPEN_ROUNDS) % OPEN_ROUNDS
    figures = (
        position.staked_nano,
        position.pool_nano,
        bound_nano(word.risks_units[place]),
        position.at_risk_nano,
        position.withdrawable_nano,
    )
    stake, pool, bound, at_risk, withdrawable = (nmr(figure) for figure in figures)
    return newest(t), done, stake, pool, bound, at_risk, withdrawable


def told(book: str, heading: str) -> Iterator[Row]:
    """The rows of a story, lived through."""
    with tournament(book) as t:
        t.stake(STAKER, {0: START_NMR * NMR_NANO})
        t.passes(OPEN_ROUNDS, STAKER)
        yield row(t, "10 staked")
        for done, step in STORIES[heading]:
            step(t)
            yield row(t, done)


def promised(book: str) -> Iterator[tuple[str, str, str]]:
    """The release schedule in the moment 5 are taken out: amount, and the two times in days from
    then."""
    with tournament(book) as t:
        t.stake(STAKER, {0: START_NMR * NMR_NANO})
        t.passes(OPEN_ROUNDS, STAKER)
        stakes(5)(t)
        for release in t.driver.schedule(STAKER):
            days = [(time - t.driver.now) // 86_400 for time in (release.earliest, release.latest)]
            yield nmr(release.amount_nano), str(days[0]), str(days[1])


def page_table(heading: str) -> list[tuple[str, ...]]:
    """The rows of the table under a heading of the page, without its head."""
    section = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    (text,) = (part for part in section if part.startswith(heading + "\n"))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]


def lines(rows: Iterator[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows as the page writes them."""
    return list(rows)


@pytest.mark.parametrize("heading", STORIES)
@pytest.mark.parametrize("book", BOOKS)
def test_the_story_comes_out_as_the_page_tells_it(book: str, heading: str) -> None:
    """S45 S46 S47 S48: every figure of every week, to the nano."""
    assert lines(told(book, heading)) == page_table(heading)


@pytest.mark.parametrize("book", BOOKS)
def test_the_schedule_comes_out_as_the_page_tells_it(book: str) -> None:
    """S2 N1: known in the moment of asking."""
    assert lines(promised(book)) == page_table("What is known when 5 are asked for")


@pytest.mark.parametrize("book", BOOKS)
def test_two_staked_back_count_as_seven_in_the_next_round(book: str) -> None:
    """S46: of 10 staked 5 were taken out; with 2 staked back X+1 opens on 7."""
    rows = {first: rest for first, *rest in told(book, "5 out, 2 back for X+1")}

    assert rows["X+1"][3] == nmr(bound_nano(risk_units(7 * NMR_NANO, 2_500)))


def test_changing_five_to_three_is_never_worse_than_three_at_first() -> None:
    """S47 S48 N4: in the same week the same state; a week later at least as free each week."""
    back, three, later = (
        {when: figures for when, _, *figures in told("ledger", heading)}
        for heading in list(STORIES)[1:]
    )

    assert back == three
    for when, figures in later.items():
        assert float(figures[-1]) >= float(three[when][-1])
    assert later["X+4"] != three["X+4"]
    assert (later["X+4"][0], later["X+4"][-1]) == (three["X+4"][0], three["X+4"][-1])
