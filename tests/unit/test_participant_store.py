"""Signed messages are kept in a file or in a relay's store, and found there again."""

from pathlib import Path

from eth_account import Account as Keys

from sluice.instructions import Domain, instruction, request, sign
from sluice.ledger import ALL
from sluice.participant.store import keep, stored_messages

KEY = Keys.from_key("0x" + "07" * 32)
DOMAIN = Domain(1, "0x" + "5C" * 20)
MESSAGES = [
    sign(instruction(KEY.address, {0: 1}, {3: ()}, 0), DOMAIN, KEY),
    sign(request(KEY.address, ALL, 1), DOMAIN, KEY),
]


def test_a_file_keeps_both_kinds(tmp_path: Path) -> None:
    path = str(tmp_path / "messages.jsonl")
    assert stored_messages(path, DOMAIN) == []

    for signed in MESSAGES:
        keep(path, signed)

    assert stored_messages(path, DOMAIN) == MESSAGES


def test_a_relays_store_keeps_both_kinds(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'relay.sqlite'}"

    for signed in MESSAGES:
        keep(url, signed)

    assert stored_messages(url, DOMAIN) == MESSAGES


def test_without_a_store_nothing_is_kept() -> None:
    keep(None, MESSAGES[0])

    assert stored_messages(None, DOMAIN) == []
