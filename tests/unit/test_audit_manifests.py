"""Published manifests that a move overtook before they were announced."""

from dataclasses import replace
from pathlib import Path

import pytest

from sluice.audit.journal import Announcement, End
from sluice.audit.manifests import Compared, compare, overtaken, read_folder
from sluice.inputs import RoundTable
from sluice.manifest import ANNOUNCE_AGAIN, Target, build, write_manifest
from sluice.moves import Moved, Moves
from sluice.registry import Registry
from sluice.words import Entry
from tests.recorded import DEPLOYMENT

LISTED, ELSEWHERE, OTHER = (f"0x{number:040x}" for number in (1, 2, 3))
MADE, ANNOUNCED = 20, 30
"""The blocks of the manifest and of its announcement."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = Target(DEPLOYMENT.address, DEPLOYMENT.chain_id, DEPLOYMENT.parameters)
    table = RoundTable("rounds.csv", "00", {})
    manifest = build(target, table, Registry(), 10, MADE, [[Entry(LISTED, {0: 1})]], 0, "a commit")
    write_manifest(manifest, tmp_path / "round-10-1.json")
    return tmp_path


def compared(folder: Path, end: End = End.OPEN, links: int = 0) -> Compared:
    """The manifest of the folder, announced."""
    ((_, published),) = read_folder(folder, {}, DEPLOYMENT)
    digest = bytes.fromhex(published.digest[2:])
    announced = Announcement(10, digest, 1_700_604_800, ANNOUNCED, links=links, end=end)
    return compare([announced], [("round-10-1.json", published)], DEPLOYMENT)


def warnings(compared: Compared, folder: Path, *moves: Moved) -> list[str]:
    return list(overtaken(compared, folder, Moves(moves)))


@pytest.mark.parametrize("block", [MADE + 1, ANNOUNCED])
@pytest.mark.parametrize("listed", ["from", "to"])
def test_a_move_between_manifest_and_announcement_is_warned_of(
    folder: Path, block: int, listed: str
) -> None:
    """The entry is of an address at which another account is by then."""
    pair = (LISTED, ELSEWHERE) if listed == "from" else (ELSEWHERE, LISTED)

    (warning,) = warnings(compared(folder), folder, Moved(block, *pair))

    assert warning == (
        "round 10, manifest round-10-1.json: an account moved to or from an address of the "
        f"manifest between its block {MADE} and the announcement: {ANNOUNCE_AGAIN}"
    )


@pytest.mark.parametrize(
    "moved",
    [
        Moved(MADE, LISTED, ELSEWHERE),
        Moved(ANNOUNCED + 1, LISTED, ELSEWHERE),
        Moved(MADE + 1, ELSEWHERE, OTHER),
    ],
)
def test_no_other_move_is_warned_of(folder: Path, moved: Moved) -> None:
    """Of an earlier one the manifest knows; a later one waited for the round's end; one of other
    addresses is nothing to it."""
    assert warnings(compared(folder), folder, moved) == []


@pytest.mark.parametrize(
    ("end", "links", "warned"),
    [
        (End.RESOLVED, 1, True),
        (End.VETOED, 1, True),
        (End.REPLACED, 1, True),
        (End.VETOED, 0, False),
        (End.REPLACED, 0, False),
    ],
)
def test_what_was_struck_before_it_was_applied_is_not_warned_of(
    folder: Path, end: End, links: int, warned: bool
) -> None:
    given = warnings(compared(folder, end, links), folder, Moved(MADE + 1, LISTED, ELSEWHERE))

    assert bool(given) == warned
    assert all("were not for the accounts that its inputs name" in each for each in given)


def test_a_manifest_known_from_an_earlier_audit_is_warned_of_too(folder: Path) -> None:
    """What is kept of it says up to which block it followed moves."""
    ((name, published),) = read_folder(folder, {}, DEPLOYMENT)
    known = {published.sha256: published}
    before = compared(folder)

    ((_, again),) = read_folder(folder, known, DEPLOYMENT)

    assert (name, again) == ("round-10-1.json", published)
    assert published.followed_to == MADE
    kept = replace(before, recomputed=((before.recomputed[0][0], name, again),))
    assert len(warnings(kept, folder, Moved(MADE + 1, LISTED, ELSEWHERE))) == 1
