"""The message by which an account moves to another address: signed by both, packed, kept."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import InvalidInput
from sluice.instructions import (
    NEVER,
    Domain,
    SignedMove,
    is_by_keys,
    move,
    move_call,
    read_move,
    sign_move,
    write_move,
)
from sluice.instructions.moves import move_text, parse_move
from sluice.words import MAX_NONCE
from tests.messages import Move, packed_by_key

DOMAIN = Domain(31_337, to_checksum_address("0x" + "5c" * 20))
OLD = Account.from_key("0x" + "07" * 32)
NEW = Account.from_key("0x" + "09" * 32)
STRANGER = Account.from_key("0x" + "0b" * 32)


def asked(nonce: int = 3, deadline: int = NEVER) -> SignedMove:
    """A move from OLD to NEW, signed by nobody."""
    return SignedMove(move(OLD.address, NEW.address, nonce, deadline), DOMAIN)


def signed() -> SignedMove:
    """The same, signed by both."""
    return sign_move(sign_move(asked(), NEW), OLD)


@given(nonce=st.integers(0, MAX_NONCE - 1), deadline=st.none() | st.integers(0, 2**32 - 2))
def test_moves_are_hashed_as_eth_account_hashes_them(nonce: int, deadline: int | None) -> None:
    """Two libraries, one hash, and the type as the contract has it."""
    plain = Move(OLD.address, NEW.address, nonce, deadline)
    document = plain.typed_data(DOMAIN.contract, DOMAIN.chain_id)
    expected = bytes(OLD.sign_message(encode_typed_data(full_message=document)).signature)

    made = asked(nonce, NEVER if deadline is None else deadline)

    assert sign_move(made, OLD).signature == expected


def test_both_sides_sign_the_same_message_in_either_order() -> None:
    one, other = sign_move(sign_move(asked(), OLD), NEW), sign_move(sign_move(asked(), NEW), OLD)

    assert one == other
    assert one.missing == ()
    assert is_by_keys(one) == (True, True)
    assert sign_move(asked(), NEW).missing == (OLD.address,)
    assert is_by_keys(replace(one, signature=one.to_signature)) == (False, True)


def test_nobody_else_signs_a_move() -> None:
    with pytest.raises(InvalidInput, match="neither side of the move"):
        sign_move(asked(), STRANGER)


def test_a_move_is_sent_only_with_both_signatures() -> None:
    with pytest.raises(InvalidInput, match=f"^{NEW.address} did not sign the move yet"):
        move_call(sign_move(asked(), OLD))
    with pytest.raises(InvalidInput, match=f"{OLD.address} and {NEW.address} did not sign"):
        move_call(asked())


def test_a_keys_signature_goes_in_two_words_and_a_wallets_as_it_is() -> None:
    """N19: 64 bytes are a key's; what no key of that side made is left to its contract wallet."""
    both = signed()
    call = move_call(both)

    assert (call.account, call.to, call.deadline) == (OLD.address, NEW.address, NEVER)
    assert call.signature == packed_by_key(both.signature)
    assert call.to_signature == packed_by_key(both.to_signature)
    for wallets in (b"\x01", bytes(64), both.to_signature, both.signature + b"\0"):
        assert move_call(replace(both, signature=wallets)).signature == wallets


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((OLD.address, OLD.address.lower(), 0, NEVER), "both the old and the new address"),
        (("0x12", NEW.address, 0, NEVER), "account 0x12 is no address"),
        ((OLD.address, "0x" + "00" * 20, 0, NEVER), "is no address"),
        ((OLD.address, NEW.address, -1, NEVER), "they count from 0"),
        ((OLD.address, NEW.address, MAX_NONCE, NEVER), "they count from 0"),
        ((OLD.address, NEW.address, 0, 2**32 - 1), "or never"),
    ],
)
def test_move_refuses_what_cannot_be(fields: tuple[str, str, int, int], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        move(*fields)


def test_a_moves_file_is_read_back_by_the_other_side(tmp_path: Path) -> None:
    """A lost step loses nothing: the file says who has signed."""
    path = tmp_path / "move.json"
    for made in (asked(deadline=5), sign_move(asked(), NEW), signed()):
        write_move(made, path)
        assert read_move(path, DOMAIN) == made
    assert json.loads(move_text(asked()))["signature"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chain_id": 1}, "it is signed for chain_id 1, not for 31337"),
        ({"contract": "0x" + "66" * 20}, "it is signed for contract"),
        ({"kind": "withdrawal"}, "this is no move"),
        ({"nonce": -1}, "nonce is -1: write a whole number"),
        ({"deadline": 1.5}, "deadline is 1.5: write a whole number"),
        ({"to": OLD.address}, "both the old and the new address"),
        ({"signature": "0xzz"}, "non-hexadecimal"),
        ({"signature": "0x" + "00" * 2_049}, "2049 bytes is none"),
    ],
)
def test_read_move_names_file_and_remedy(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = tmp_path / "move.json"
    path.write_text(json.dumps({**json.loads(move_text(signed())), **changes}))

    with pytest.raises(InvalidInput, match=f"move.json: .*{message}.*get its file again"):
        read_move(path, DOMAIN)


def test_read_move_refuses_what_is_no_move(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="name the file of a move"):
        read_move(tmp_path / "missing.json", DOMAIN)
    whole = json.loads(move_text(signed()))
    for name in whole:
        text = json.dumps({key: value for key, value in whole.items() if key != name})
        with pytest.raises(InvalidInput, match=f"field '{name}' is missing"):
            parse_move(text, DOMAIN)
    for text in ("[1]", "{"):
        with pytest.raises(InvalidInput):
            parse_move(text, DOMAIN)
