"""Where audits ended: kept, found again, and given up when they cannot be trusted."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sluice.audit.checkpoints import KEPT, Checkpoints
from sluice.audit.manifests import Published
from sluice.audit.node import BlockId
from sluice.audit.rebuild import Rebuild
from sluice.errors import InvalidInput
from tests.recorded import ADDRESS, DEPLOYMENT

STAKER = "0x" + "ab" * 20
PUBLISHED = Published("aa", ADDRESS, 31_337, 10, 0, 1, "0xbb", 7)


def block(number: int) -> BlockId:
    return BlockId(number, f"0x{number:064x}", 1_700_000_000 + number)


def state(pool_nano: int) -> Rebuild:
    rebuilt = Rebuild(DEPLOYMENT.parameters)
    rebuilt.ledger.deposit(STAKER, pool_nano)
    return rebuilt


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'folder' / 'audit.sqlite'}"


def test_the_newest_ones_are_kept_the_newest_first(url: str) -> None:
    store = Checkpoints(url, DEPLOYMENT)
    for number in range(1, KEPT + 4):
        store.save(block(number), state(number))
    store.save(block(5), state(55))
    store.close()
    kept = list(Checkpoints(url, DEPLOYMENT).each())
    assert [each.block for each in kept] == [block(number) for number in (6, 5, 4)]
    pools = [each.rebuilt.ledger.account(STAKER).pool_nano for each in kept]
    assert pools == [6, 55, 4]


def test_another_deployment_has_its_own(url: str) -> None:
    """One with another first block is another chain, whatever its address."""
    store = Checkpoints(url, DEPLOYMENT)
    store.save(block(1), state(1))
    other = Checkpoints(url, replace(DEPLOYMENT, block_hash="0x99"))
    assert list(other.each()) == []
    other.save(block(9), state(9))
    other.clear()
    assert [each.block for each in store.each()] == [block(1)]


def test_a_damaged_one_is_dropped_and_the_one_before_is_there(url: str, tmp_path: Path) -> None:
    store = Checkpoints(url, DEPLOYMENT)
    store.save(block(1), state(1))
    store.save(block(2), state(2))
    with closing(sqlite3.connect(tmp_path / "folder" / "audit.sqlite")) as database, database:
        database.execute("UPDATE checkpoints SET block_hash = '0x77' WHERE block = 2")
    assert [each.block for each in store.each()] == [block(1)]
    (note,) = store.notes
    assert note.startswith("the checkpoint of block 2 was dropped: it is damaged")
    assert len(list(Checkpoints(url, DEPLOYMENT).each())) == 1


def test_a_file_that_is_no_database_is_put_aside_not_deleted(url: str, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "audit.sqlite"
    path.parent.mkdir()
    path.write_bytes(b"somebody's notes" * 100)
    store = Checkpoints(url, DEPLOYMENT)
    store.save(block(1), state(1))
    assert len(list(store.each())) == 1
    assert "put aside as audit.sqlite.damaged" in store.notes[0]
    assert path.with_name("audit.sqlite.damaged").read_bytes() == b"somebody's notes" * 100


def test_a_state_that_cannot_be_kept_is_said_and_no_failure(url: str, tmp_path: Path) -> None:
    store = Checkpoints(url, DEPLOYMENT)
    with closing(sqlite3.connect(tmp_path / "folder" / "audit.sqlite")) as database, database:
        database.execute("DROP TABLE checkpoints")
    store.save(block(1), state(1))
    assert "the state of block 1 was not kept" in store.notes[0]


def test_a_kept_state_is_whole_or_not_there(url: str, tmp_path: Path) -> None:
    """A save that is cut off leaves what was there: it is one transaction."""
    store = Checkpoints(url, DEPLOYMENT)
    store.save(block(1), state(1))
    with closing(sqlite3.connect(tmp_path / "folder" / "audit.sqlite")) as database:
        database.execute("DELETE FROM checkpoints")
        # not committed: as if killed here
    assert [each.block for each in store.each()] == [block(1)]


def test_manifests_are_remembered(url: str) -> None:
    store = Checkpoints(url, DEPLOYMENT)
    assert store.manifests() == {}
    store.keep_manifest(PUBLISHED)
    store.keep_manifest(PUBLISHED)
    assert Checkpoints(url, DEPLOYMENT).manifests() == {"aa": PUBLISHED}


@pytest.mark.parametrize("bad", ["nothing", "postgresql://nobody@127.0.0.1:1/none", "sqlite:////"])
def test_what_is_no_database_is_refused(bad: str) -> None:
    with pytest.raises(InvalidInput, match="name a file for them with --checkpoints"):
        Checkpoints(bad, DEPLOYMENT)
