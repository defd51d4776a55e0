"""The EIP-712 messages: packed and signed as the contract reads them."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import boa
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import InvalidInput
from sluice.instructions import (
    MAX_PAY_BYTES,
    NEVER,
    Domain,
    Request,
    SignedRequest,
    domain_separator,
    is_signed,
    message_hash,
    pack,
    pack_signature,
    pay_call,
    read_requests,
    request,
    request_of_units,
    sign,
    signature_bytes,
    unpack,
    write_messages,
)
from sluice.instructions.signing import MAX_SIGNATURE_BYTES
from sluice.ledger import ALL, Skip
from sluice.units import MAX_UINT
from sluice.words import MAX_AMOUNT_NANO, MAX_PERIOD
from tests.escrow_world import START, deploy_world, item, role_address, set_time
from tests.messages import Withdrawal, packed_by_code, packed_by_key

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
DOMAIN = Domain(31_337, to_checksum_address("0x" + "5c" * 20))
staker_key = Account.from_key("0x" + "07" * 32)
stranger_key = Account.from_key("0x" + "09" * 32)

requests = st.builds(
    request,
    account=st.integers(1, 2**160 - 1).map(lambda number: f"0x{number:040x}"),
    amount_nano=st.one_of(st.just(ALL), st.integers(1, MAX_AMOUNT_NANO - 1)),
    period=st.integers(1, MAX_PERIOD),
    deadline=st.one_of(st.just(NEVER), st.integers(0, 2**32 - 2)),
)


@given(requests)
def test_requests_survive_packing(asked: Request) -> None:
    assert unpack(pack(asked)) == asked
    assert 0 <= pack(asked) < 2**256


@given(requests)
def test_requests_are_packed_as_drawn(asked: Request) -> None:
    """Account 160 | amount 54 | period 10 | deadline 32, written down a second time."""
    amount = None if asked.amount_nano == ALL else asked.amount_nano
    deadline = None if asked.deadline == NEVER else asked.deadline
    assert pack(asked) == Withdrawal(asked.account, amount, asked.period, deadline).word()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("0x12", 1, 1, 0), "account 0x12 is no address"),
        (("0x" + "00" * 20, 1, 1, 0), "is no address"),
        ((staker_key.address, 0, 1, 0), "above zero"),
        ((staker_key.address, -2, 1, 0), "above zero"),
        ((staker_key.address, MAX_AMOUNT_NANO, 1, 0), "or for all"),
        ((staker_key.address, 1, 0, 0), "they count from 1 to 1023"),
        ((staker_key.address, 1, 1_024, 0), "they count from 1 to 1023"),
        ((staker_key.address, 1, 1, 2**32 - 1), "or never"),
        ((staker_key.address, 1, 1, NEVER - 1), "or never"),
        ((staker_key.address, 1, 1, -1), "or never"),
    ],
)
def test_request_refuses_what_does_not_fit(fields: tuple[str, int, int, int], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        request(*fields)


def test_request_of_units_takes_whole_nano_only() -> None:
    assert request_of_units(staker_key.address, 3 * 10**9, 1).amount_nano == 3
    assert request_of_units(staker_key.address, MAX_UINT, 1).amount_nano == ALL
    with pytest.raises(InvalidInput, match=r"not a whole nano-NMR, use multiples of 10\*\*9"):
        request_of_units(staker_key.address, 10**9 + 1, 1)


@given(amount=st.one_of(st.just(ALL), st.integers(1, MAX_AMOUNT_NANO - 1)), deadline=st.booleans())
def test_hashes_agree_with_eth_account(amount: int, deadline: bool) -> None:
    """Two libraries, one hash: what `eip712` makes is what `eth-account` signs."""
    asked = request(staker_key.address, amount, 7, 5 if deadline else NEVER)
    plain = Withdrawal(asked.account, None if amount == ALL else amount, 7, 5 if deadline else None)
    document = plain.typed_data(DOMAIN.contract, DOMAIN.chain_id)
    signed = staker_key.sign_message(encode_typed_data(full_message=document))

    assert message_hash(asked, DOMAIN) == bytes(signed.message_hash)
    assert sign(asked, DOMAIN, staker_key).signature == bytes(signed.signature)


def test_domains_are_not_shared_between_messages() -> None:
    """A message keeps its own domain, whatever was made before it."""
    asked = request(staker_key.address, 1, 1)
    here, there = (
        sign(asked, DOMAIN, staker_key),
        sign(asked, replace(DOMAIN, chain_id=1), staker_key),
    )

    assert is_signed(here)
    assert is_signed(there)
    assert not is_signed(replace(here, domain=there.domain))
    assert message_hash(asked, DOMAIN) != message_hash(asked, there.domain)


def test_is_signed_takes_what_the_contract_takes() -> None:
    """N19: 65 bytes, v 27 or 28, low s, by the account itself; never an exception."""
    good = sign(request(staker_key.address, 1, 1), DOMAIN, staker_key)
    raw = good.signature
    s = int.from_bytes(raw[32:64], "big")
    high = raw[:32] + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([55 - raw[64]])
    other = bytes(stranger_key.unsafe_sign_hash(message_hash(good.message, good.domain)).signature)

    assert is_signed(good)
    for signature in (
        b"", raw[:64], raw + b"\0", raw[:64] + bytes([raw[64] - 27]), high, other,
        bytes(65), b"\xff" * 64 + b"\x1b", bytes(64) + b"\x1b",
    ):  # fmt: skip
        assert not is_signed(replace(good, signature=signature))
    with pytest.raises(InvalidInput, match="cannot sign for"):
        sign(good.message, DOMAIN, stranger_key)


def test_pay_call_packs_a_key_signature_in_two_words_and_others_whole() -> None:
    one = sign(request(staker_key.address, 1, 1), DOMAIN, staker_key)
    long = replace(one, signature=b"\x02" * 300)

    call = pay_call([one, long], [stranger_key.address])

    assert call.requests == (pack(one.message), pack(one.message))
    assert call.due_accounts == (stranger_key.address,)
    assert call.signatures == packed_by_key(one.signature) + packed_by_code(b"\x02" * 300)
    assert len(pay_call([one] * 255).signatures) + 64 + MAX_SIGNATURE_BYTES == MAX_PAY_BYTES
    with pytest.raises(InvalidInput, match="a batch has 1 to 256"):
        pay_call([])
    with pytest.raises(InvalidInput, match="a batch has 1 to 256"):
        pay_call([one] * 256, [stranger_key.address])
    with pytest.raises(InvalidInput, match="bytes of signatures"):
        pay_call([long] * 62)


def test_only_what_the_accounts_key_signed_is_packed_as_such() -> None:
    """N19: a contract wallet may take for a signature what a key cannot have made, and what another
    key made for it, its owner's: none of that is lost, the wallet is asked."""
    good = sign(request(staker_key.address, 1, 1), DOMAIN, staker_key)
    raw = good.signature
    s = int.from_bytes(raw[32:64], "big")
    high = raw[:32] + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([55 - raw[64]])
    hashed = message_hash(good.message, good.domain)
    owners = bytes(stranger_key.unsafe_sign_hash(hashed).signature)

    assert pack_signature(good) == packed_by_key(raw)
    for other in (b"", raw[:64], raw + b"\0", raw[:64] + bytes([raw[64] - 27]), high, owners,
                  bytes(65), bytes(64) + b"\x1b"):  # fmt: skip
        signed = replace(good, signature=other)
        assert pack_signature(signed) == packed_by_code(other)
        assert len(pack_signature(signed)) == signature_bytes(signed, by_key=False)


@given(st.lists(st.tuples(requests, st.binary(max_size=80)), max_size=5))
def test_stored_requests_are_read_back(listed: list[tuple[Request, bytes]]) -> None:
    stored = [SignedRequest(asked, DOMAIN, signature) for asked, signature in listed]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "requests.jsonl"
        write_messages(stored[:2], path)
        write_messages(stored[2:], path)
        assert read_requests(path, DOMAIN) == stored


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chain_id": 1}, "it is signed for chain_id 1, not for 31337"),
        ({"contract": "0x" + "66" * 20}, "it is signed for contract"),
        ({"amount_nano": 1.5}, "amount_nano is 1.5: write a whole number"),
        ({"amount_nano": -1}, "amount_nano is -1: write a whole number"),
        ({"amount_nano": True}, "write a whole number"),
        ({"deadline": 2**32 - 1}, "or never"),
        ({"signature": "0xzz"}, "non-hexadecimal"),
        ({"period": None}, "period is None"),
        ({"account": 5}, "account 5 is no address"),
    ],
)
def test_read_requests_names_file_line_and_remedy(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = tmp_path / "requests.jsonl"
    good = sign(request(staker_key.address, ALL, 1), DOMAIN, staker_key)
    write_messages([good], path)
    bad = {**json.loads(path.read_text()), **changes}
    path.write_text(path.read_text() + "\n" + json.dumps(bad) + "\n")

    with pytest.raises(InvalidInput, match=f"requests.jsonl, line 3: .*{message}.*leave it out"):
        read_requests(path, DOMAIN)


def test_read_requests_refuses_what_is_no_request(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    with pytest.raises(InvalidInput, match="name a file of signed messages"):
        read_requests(path, DOMAIN)
    for line in ("[1]", "{", '{"account": "0x12"}'):
        path.write_text(line)
        with pytest.raises(InvalidInput, match=r"requests\.jsonl, line 1"):
            read_requests(path, DOMAIN)


def test_the_contract_reads_what_is_packed_and_signed() -> None:
    """Domain, hash, packing and signature as the contract has them: it pays."""
    with boa.env.anchor():
        world = deploy_world()
        set_time(START)
        domain = Domain(boa.env.evm.patch.chain_id, str(world.escrow.address))
        account = staker_key.address
        world.give(account, 10**19)
        world.escrow.deposit(10**19, sender=account)
        good = sign(request(account, 3, 1, 2**32 - 2), domain, staker_key)
        bad = replace(good, signature=good.signature[:64] + bytes([good.signature[64] ^ 7]))
        call = pay_call([bad, good])

        world.escrow.pay(call.requests, [], call.signatures, sender=role_address("operator"))

        ((_, fields),) = [each for each in world.events() if each[0] == "FreeWithdrawals"]
        assert list(fields["items"]) == [
            item(account, 0, Skip.SIGNATURE),
            item(account, 3, Skip.PAID),
        ]
        assert world.escrow.domain() == domain_separator(domain.chain_id, domain.contract)
        assert not is_signed(bad)
