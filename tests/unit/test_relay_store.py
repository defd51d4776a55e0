"""The relay's store: every message once, in order, and what became of it; on SQLite and, where it
is installed, on PostgreSQL."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import psycopg
import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address

from sluice.errors import InvalidInput
from sluice.instructions import Domain, SignedInstruction, instruction, request, sign
from sluice.ledger import ALL
from sluice.relay.store import Added, Outcome, State, Store, StoreError
from sluice.words import POOL

DOMAIN = Domain(31_337, to_checksum_address("0x" + "5c" * 20))
KEY = Account.from_key("0x" + "07" * 32)
OTHER_KEY = Account.from_key("0x" + "09" * 32)
NOBODYS_UID = 65_534


def order(nonce: int, key: Account = KEY, stake_nano: int = 5) -> SignedInstruction:
    return sign(instruction(key.address, {0: stake_nano}, {}, nonce), DOMAIN, key)


def postgres() -> Iterator[str]:
    """A PostgreSQL of its own on a socket in a new folder; it refuses to run as root."""
    if shutil.which("initdb") is None:
        pytest.skip("needs PostgreSQL: put initdb and pg_ctl on PATH")
    user = NOBODYS_UID if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="sluice-pg-") as folder:
        Path(folder).chmod(0o777)
        data = f"{folder}/data"

        def run(*command: str) -> None:
            subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder)

        run("initdb", "-A", "trust", "-U", "relay", "--no-sync", "-D", data)
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-o", options, "-l", f"{folder}/log", "start")
        try:
            with psycopg.connect(
                host=folder, user="relay", dbname="postgres", autocommit=True
            ) as c:
                c.execute("CREATE DATABASE relay")
            yield folder
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")


def relay_in(folder: str) -> str:
    return f"host={folder} user=relay dbname=postgres"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], str]]:
    """Makes the URL of a new, empty database."""
    if request.param == "sqlite":
        yield lambda folder: f"sqlite:///{folder}/below/relay.sqlite"
        return
    for folder in postgres():
        names = (f"relay{number}" for number in count())

        def made(_: Path, folder: str = folder, names: Iterator[str] = names) -> str:
            name = next(names)
            with psycopg.connect(relay_in(folder), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            return f"postgresql://relay@/{name}?host={folder}"

        yield made


@pytest.fixture
def url(server: Callable[[Path], str], tmp_path: Path) -> str:
    return server(tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url, DOMAIN)
    yield opened
    opened.close()


def numbers(store: Store, *states: State) -> list[int]:
    return [each.number for each in store.messages(states or tuple(State))]


def test_a_message_is_kept_once_and_read_back_as_it_was(store: Store, url: str) -> None:
    """Unique by what is signed; still there for whoever opens the database next."""
    split = sign(instruction(KEY.address, {0: 0, 64: 3}, {3: ((POOL, 10_000),)}, 1), DOMAIN, KEY)
    asked = sign(request(KEY.address, ALL, 7, 99), DOMAIN, KEY)

    assert [store.add(each, True) for each in (split, asked, split)] == [
        Added.NEW,
        Added.NEW,
        Added.KNOWN,
    ]
    found = Store(url, DOMAIN).messages()
    assert [each.signed for each in found] == [split, asked]
    assert {(each.state, each.reason, each.transaction, each.by_key) for each in found} == {
        (State.PENDING, None, None, True)
    }


def test_messages_come_in_the_order_of_nonces(store: Store) -> None:
    """Whatever order they were added in: for each account by nonce, requests behind by period."""
    added = [
        sign(request(KEY.address, ALL, 2), DOMAIN, KEY),
        order(2), order(0), order(1, OTHER_KEY), order(0, stake_nano=6),
        sign(request(KEY.address, ALL, 1), DOMAIN, KEY),
    ]  # fmt: skip
    for each in added:
        store.add(each, True)

    mine = [each.signed for each in store.messages(account=KEY.address.lower())]
    assert mine == [added[2], added[4], added[1], added[5], added[0]]
    assert len(store.messages()) == 6


def test_a_wallets_message_may_be_signed_again_while_it_is_open(store: Store) -> None:
    """The same message with another signature replaces the one that did not do; never a key's."""
    first = replace(order(0), signature=b"\x01" * 130)
    second = replace(first, signature=b"\x02" * 130)

    assert store.add(first, False) is Added.NEW
    assert store.add(second, False) is Added.SIGNED_AGAIN
    (kept,) = store.messages()
    assert (kept.signed.signature, kept.by_key) == (second.signature, False)
    assert store.add(order(0), True) is Added.SIGNED_AGAIN
    assert store.add(first, False) is Added.KNOWN
    store.claim([kept.number])
    assert store.add(replace(first, signature=b"\x03"), False) is Added.KNOWN


def test_what_was_handed_over_and_did_not_happen_is_pending_again(store: Store) -> None:
    """The states of a killed relay: claimed, then found again."""
    for nonce in range(3):
        store.add(order(nonce), True)
    one, two, three = numbers(store)

    store.claim([one, two])
    assert numbers(store, State.SENT) == [one, two]
    store.record([Outcome(one, State.APPLIED, None, "0xaa", 5)])
    store.release()

    assert numbers(store, State.APPLIED) == [one]
    assert [each.number for each in store.open_messages()] == [two, three]
    assert numbers(store, State.SENT) == []


def test_what_a_reorganisation_undid_is_open_again(store: Store) -> None:
    """Outcomes of blocks that may still change are replaced by what the chain says now."""
    for nonce in range(4):
        store.add(order(nonce), True)
    one, two, three, four = numbers(store)
    store.settle(
        -1,
        [
            Outcome(one, State.APPLIED, None, "0xaa", 10),
            Outcome(two, State.APPLIED, None, "0xbb", 20),
            Outcome(three, State.SKIPPED, "instruction: its nonce is used or cancelled", None, 21),
        ],
        seen_block=15,
    )
    assert store.seen_block() == 15
    assert [each.number for each in store.since(15)] == [two, three, four]

    store.settle(15, [Outcome(three, State.APPLIED, None, "0xcc", 22)], seen_block=18)

    states = {each.number: (each.state, each.transaction) for each in store.messages()}
    assert states == {
        one: (State.APPLIED, "0xaa"),
        two: (State.PENDING, None),
        three: (State.APPLIED, "0xcc"),
        four: (State.PENDING, None),
    }
    assert store.seen_block() == 18


def test_a_store_is_for_one_contract_on_one_chain(store: Store, url: str) -> None:
    store.add(order(0), True)
    elsewhere = Store(url, replace(DOMAIN, chain_id=1))

    assert elsewhere.messages() == []
    assert elsewhere.seen_block() is None
    elsewhere.release()
    with pytest.raises(InvalidInput, match="this store is for"):
        elsewhere.add(order(1), True)


def test_two_relays_keep_a_message_once(store: Store, url: str) -> None:
    """Two processes on one database: the second one finds the message there."""
    other = Store(url, DOMAIN)

    assert store.add(order(0), True) is Added.NEW
    assert other.add(order(0), True) is Added.KNOWN
    assert len(other.messages()) == 1


@pytest.mark.parametrize(
    "bad", ["nonsense", "sqlite:////proc/none/relay.sqlite", "postgresql://nobody@/x?host=/nowhere"]
)
def test_a_store_that_cannot_be_opened_says_what_to_do(bad: str) -> None:
    with pytest.raises(InvalidInput, match="name one with --store"):
        Store(bad, DOMAIN)


def test_a_database_that_fails_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "relay.sqlite"
    opened = Store(f"sqlite:///{path}", DOMAIN)
    opened.close()
    path.write_bytes(b"not a database at all" * 100)

    with pytest.raises(StoreError, match="the relay store failed"):
        opened.messages()
