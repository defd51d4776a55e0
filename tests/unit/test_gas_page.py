"""docs/gas.md and its pictures are what the committed snapshots give."""

from dataclasses import replace
from pathlib import Path

import pytest

from sluice.bench import fits, page, pictures, snapshots
from sluice.bench.names import LABELS, LISTED, ORDINARY, PLAIN
from sluice.bench.snapshots import Snapshots
from sluice.errors import InvalidInput
from sluice.gas_snapshot import LIMITS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def committed() -> Snapshots:
    return snapshots.read(ROOT / "bench")


def test_the_page_is_made_from_the_snapshots(committed: Snapshots) -> None:
    """S9: what every route costs is published, as measured."""
    text = (DOCS / "gas.md").read_text()

    assert page.fill(text, committed) == text


def test_the_pictures_are_drawn_from_the_snapshots(committed: Snapshots) -> None:
    for name, drawn_from in (
        (pictures.GROWTH_PICTURE, committed.growth),
        (pictures.MONEY_PICTURE, committed.weeks),
    ):
        assert pictures.drawn_from(drawn_from) in (DOCS / name).read_text()
        assert f"]({name})" in (DOCS / "gas.md").read_text()


def test_a_picture_is_drawn_the_same_twice(committed: Snapshots) -> None:
    assert pictures.growth_picture(committed.growth) == pictures.growth_picture(committed.growth)
    assert pictures.money_picture(committed.weeks) == pictures.money_picture(committed.weeks)


def test_nothing_grows_faster_than_linearly(committed: Snapshots) -> None:
    """S9: the cost for each does not rise with how many there are."""
    assert fits.faster_than_linear(committed.growth) == []


def test_every_figure_has_a_name_in_words(committed: Snapshots) -> None:
    keys = {key.removeprefix(ORDINARY) for key in committed.figures}

    assert {key for key in keys if not key.startswith(PLAIN)} == set(LABELS)
    assert set(LIMITS) <= set(LABELS)


def test_marks_must_name_what_is_made(committed: Snapshots) -> None:
    text = (DOCS / "gas.md").read_text()

    with pytest.raises(InvalidInput, match=r"differ: limit, limits"):
        page.fill(text.replace("bench: limits", "bench: limit"), committed)
    with pytest.raises(InvalidInput, match=r"differ: limits"):
        page.fill(text.replace("<!-- made by the bench: limits -->", ""), committed)


def test_words_around_the_marks_are_kept(committed: Snapshots) -> None:
    text = (DOCS / "gas.md").read_text() + "\nBy hand.\n"
    moved = replace(committed, figures={**committed.figures, "withdraw": 1_234_567})

    filled = page.fill(text, moved)
    assert filled.endswith("\nBy hand.\n")
    assert "1,234,567" in filled


def test_figures_in_another_document_are_brought_up_to_date() -> None:
    document = "\n".join(
        (
            "| one (`withdraw`) | 1 | 2 | 50% |",
            "| two (`relay_one`) | 3 | | |",
            "| three | 4 | 5 | |",
        )
    )
    figures = {"withdraw": 50_000, "plain_withdraw": 60_000, "relay_one": 70_000}

    assert page.refresh(document, figures).splitlines() == [
        "| one (`withdraw`) | 50,000 | 60,000 | 83% |",
        "| two (`relay_one`) | 70,000 | | |",
        "| three | 4 | 5 | |",
    ]


def test_what_was_not_measured_stays(committed: Snapshots) -> None:
    figures = {"withdraw": 1}
    measured = replace(snapshots.NOTHING, figures=figures)

    results = snapshots.over(measured, committed)
    assert results.weeks == committed.weeks
    assert results.growth == committed.growth
    assert set(results.figures) == {"withdraw"} | {
        key for key in committed.figures if key.startswith("resolve_round_") or LISTED in key
    }


def test_snapshots_are_read_as_written(committed: Snapshots, tmp_path: Path) -> None:
    snapshots.write(committed, tmp_path)

    assert snapshots.read(tmp_path) == committed
    assert (tmp_path / "gas.json").read_text() == (ROOT / "bench" / "gas.json").read_text()
