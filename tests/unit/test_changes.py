"""Instructions: packed, hashed, signed and stored as the contract and wallets read them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import boa
import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from eth_utils.address import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.account import Split
from sluice.errors import InvalidInput
from sluice.instructions import (
    MAX_RELAY_BYTES,
    NEVER,
    Domain,
    Instruction,
    Signed,
    SignedInstruction,
    each_packed,
    instruction,
    is_signed,
    message_hash,
    pack_instruction,
    read_messages,
    read_requests,
    relay_call,
    request,
    sign,
    typed_data,
    unpack_instruction,
    write_messages,
)
from sluice.words import MAX_AMOUNT_NANO, MAX_NONCE, POOL, WALLET
from tests import messages
from tests.escrow_world import START, deploy_world, set_time
from tests.messages import packed_by_code, packed_by_key

DOMAIN = Domain(31_337, to_checksum_address("0x" + "5c" * 20))
KEY = Account.from_key("0x" + "07" * 32)
STRANGER = Account.from_key("0x" + "09" * 32)
HALVES: Split = ((POOL, 5_000), (WALLET, 5_000))

models = st.integers(0, 64)
destinations = st.sampled_from([*range(65), POOL, WALLET])


@st.composite
def split_of(draw: st.DrawFn) -> Split:
    chosen = draw(st.lists(destinations, unique=True, max_size=8))
    if not chosen:
        return ()
    cuts = draw(
        st.lists(
            st.integers(1, 9_999), unique=True, min_size=len(chosen) - 1, max_size=len(chosen) - 1
        )
    )
    edges = [0, *sorted(cuts), 10_000]
    return tuple((d, edges[i + 1] - edges[i]) for i, d in enumerate(chosen))


@st.composite
def instructions(draw: st.DrawFn, account: str | None = None) -> Instruction:
    stakes = draw(st.dictionaries(models, st.integers(0, MAX_AMOUNT_NANO), max_size=65))
    splits = draw(st.dictionaries(models, split_of(), max_size=5, min_size=not stakes))
    address = account or f"0x{draw(st.integers(1, 2**160 - 1)):040x}"
    nonce = draw(st.integers(0, MAX_NONCE - 1))
    deadline = draw(st.one_of(st.just(NEVER), st.integers(0, 2**32 - 2)))
    return instruction(address, stakes, splits, nonce, deadline)


def stated(asked: Instruction) -> messages.Instruction:
    """The instruction as the tests state it."""
    deadline = None if asked.deadline == NEVER else asked.deadline
    return messages.Instruction(
        asked.account, asked.nonce, asked.stakes_nano, asked.splits, deadline
    )


@given(st.lists(instructions(), max_size=4))
def test_instructions_survive_packing(listed: list[Instruction]) -> None:
    packed = [pack_instruction(each) for each in listed]

    assert list(each_packed(b"".join(packed))) == packed
    assert [unpack_instruction(each) for each in packed] == listed


@given(instructions())
def test_an_instruction_is_packed_as_drawn(asked: Instruction) -> None:
    """Head, stakes and splits, written down a second time."""
    assert pack_instruction(asked) == stated(asked).packed()


@given(instructions(), st.data())
def test_bytes_that_are_no_instruction_are_refused(asked: Instruction, data: st.DataObject) -> None:
    packed = pack_instruction(asked)
    short = packed[: data.draw(st.integers(1, len(packed) - 1))]

    with pytest.raises(InvalidInput, match="cut short"):
        list(each_packed(short))
    for wrong in (b"", packed + packed):
        with pytest.raises(InvalidInput, match="not the bytes of one instruction"):
            unpack_instruction(wrong)
    spare = (int.from_bytes(packed[:32], "big") | 1 << 234).to_bytes(32, "big") + packed[32:]
    with pytest.raises(InvalidInput, match="spare bits are set"):
        unpack_instruction(spare)


def test_models_that_do_not_ascend_are_refused() -> None:
    packed = pack_instruction(instruction(KEY.address, {1: 5, 2: 6}, {}, 0))

    with pytest.raises(InvalidInput, match="do not ascend"):
        unpack_instruction(packed[:32] + packed[40:48] + packed[32:40])


@pytest.mark.parametrize(
    ("stakes", "splits", "nonce", "deadline", "message"),
    [
        ({}, {}, 0, NEVER, "changes nothing: name a stake or a split"),
        ({65: 1}, {}, 0, NEVER, "model 65: models are numbered 0 to 64"),
        ({-1: 1}, {}, 0, NEVER, "models are numbered 0 to 64"),
        ({0: -1}, {}, 0, NEVER, "stake of -1 nano-NMR on model 0"),
        ({0: MAX_AMOUNT_NANO + 1}, {}, 0, NEVER, "give 0 to the supply"),
        ({}, {65: HALVES}, 0, NEVER, "65"),
        ({}, {0: ((POOL, 9_999),)}, 0, NEVER, "model 0"),
        ({}, {0: ((POOL, 5_000), (POOL, 5_000))}, 0, NEVER, "twice"),
        ({0: 1}, {}, -1, NEVER, "they count from 0"),
        ({0: 1}, {}, MAX_NONCE, NEVER, "they count from 0 to 67108862"),
        ({0: 1}, {}, 0, 2**32 - 1, "or never"),
        ({0: 1}, {}, 0, -1, "or never"),
    ],
)
def test_instruction_refuses_what_the_contract_would(
    stakes: Mapping[int, int],
    splits: Mapping[int, Split],
    nonce: int,
    deadline: int,
    message: str,
) -> None:
    with pytest.raises(InvalidInput, match=message):
        instruction(KEY.address, stakes, splits, nonce, deadline)
    with pytest.raises(InvalidInput, match="is no address"):
        instruction("0x12", {0: 1}, {}, 0)


@given(instructions(account=KEY.address))
def test_hashes_agree_with_eth_account(asked: Instruction) -> None:
    """N17: two libraries, one hash, however many stakes and splits one signature changes; and the
    document for a wallet says the same."""
    document = stated(asked).typed_data(DOMAIN.contract, DOMAIN.chain_id)
    signed = KEY.sign_message(encode_typed_data(full_message=document))

    assert message_hash(asked, DOMAIN) == bytes(signed.message_hash)
    assert sign(asked, DOMAIN, KEY).signature == bytes(signed.signature)
    of_wallet = encode_typed_data(full_message=typed_data(asked, DOMAIN))
    assert _hash_eip191_message(of_wallet) == signed.message_hash


@settings(max_examples=25)
@given(instructions(account=KEY.address))
def test_only_the_accounts_signature_of_exactly_this_counts(asked: Instruction) -> None:
    """N19: another key, another nonce, another domain: none of them."""
    good = sign(asked, DOMAIN, KEY)
    by_other = bytes(STRANGER.unsafe_sign_hash(message_hash(asked, DOMAIN)).signature)

    assert is_signed(good)
    assert not is_signed(replace(good, signature=by_other))
    assert not is_signed(replace(good, domain=replace(DOMAIN, chain_id=1)))
    changed = replace(asked, nonce=(asked.nonce + 1) % MAX_NONCE)
    assert not is_signed(replace(good, message=changed))
    with pytest.raises(InvalidInput, match="cannot sign for"):
        sign(asked, DOMAIN, STRANGER)


def test_relay_call_joins_instructions_and_signatures() -> None:
    one = sign(instruction(KEY.address, {0: 1}, {}, 0), DOMAIN, KEY)
    two = SignedInstruction(instruction(KEY.address, {}, {3: HALVES}, 1), DOMAIN, b"\x02" * 300)

    call = relay_call([one, two])

    assert list(each_packed(call.instructions)) == [
        pack_instruction(one.message),
        pack_instruction(two.message),
    ]
    assert call.signatures == packed_by_key(one.signature) + packed_by_code(b"\x02" * 300)
    for wrong in ([], [one] * 257):
        with pytest.raises(InvalidInput, match="a batch has 1 to 256"):
            relay_call(wrong)
    assert len(relay_call([one] * 128).signatures) == MAX_RELAY_BYTES
    with pytest.raises(InvalidInput, match="8256 bytes of signatures, at most 8192 go"):
        relay_call([one] * 129)
    every = instruction(KEY.address, dict.fromkeys(range(65), 1), {}, 0)
    with pytest.raises(InvalidInput, match="8832 bytes of instructions, at most 8192 go"):
        relay_call([replace(one, message=every)] * 16)


@given(st.lists(st.tuples(instructions(), st.binary(max_size=80)), max_size=4))
def test_messages_of_both_kinds_are_read_back(listed: list[tuple[Instruction, bytes]]) -> None:
    stored: list[Signed] = [SignedInstruction(asked, DOMAIN, by) for asked, by in listed]
    stored.append(sign(request(KEY.address, 5, 1), DOMAIN, KEY))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "messages.jsonl"
        write_messages(stored[:2], path)
        write_messages(stored[2:], path)
        assert read_messages(path, DOMAIN) == stored
        if listed:
            with pytest.raises(InvalidInput, match="`ape run relay add` takes both"):
                read_requests(path, DOMAIN)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "order"}, "kind is order: write withdrawal or instruction"),
        ({"contract": "0x" + "66" * 20}, "it is signed for contract"),
        ({"stakes_nano": [1]}, "objects with a field for each model"),
        ({"stakes_nano": {"x": 1}}, "model x: write its number"),
        ({"stakes_nano": {"01": 1}}, "model 01: write its number"),
        ({"stakes_nano": {"1": 1.5}}, "stake is 1.5: write a whole number"),
        ({"stakes_nano": {"65": 1}}, "numbered 0 to 64"),
        ({"splits": {"1": 5}}, "write a list of destination and share"),
        ({"splits": {"1": [[1]]}}, "write destination and share"),
        ({"splits": {"1": [[1, True]]}}, "share is True"),
        ({"splits": {"1": [[1, 1]]}}, "model 1"),
        ({"nonce": -1}, "nonce is -1: write a whole number"),
        ({"nonce": None}, "nonce is None"),
        ({"deadline": 2**32 - 1}, "or never"),
        ({"signature": "0x" + "00" * 2_049}, "at most 2048 go"),
    ],
)
def test_read_messages_names_file_line_and_remedy(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = tmp_path / "messages.jsonl"
    good = sign(instruction(KEY.address, {1: 5}, {2: HALVES}, 0), DOMAIN, KEY)
    write_messages([good], path)
    bad = {**json.loads(path.read_text()), **changes}
    path.write_text(path.read_text() + "\n" + json.dumps(bad) + "\n")

    with pytest.raises(InvalidInput, match=f"messages.jsonl, line 3: .*{message}.*leave it out"):
        read_messages(path, DOMAIN)


def test_a_line_without_a_field_names_it(tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    good = sign(instruction(KEY.address, {1: 5}, {}, 0), DOMAIN, KEY)
    write_messages([good], path)
    for name in ("account", "stakes_nano", "splits", "nonce", "deadline", "signature", "chain_id"):
        fields = json.loads(path.read_text().splitlines()[0])
        del fields[name]
        (tmp_path / "short.jsonl").write_text(json.dumps(fields))
        with pytest.raises(InvalidInput, match=f"field '{name}' is missing"):
            read_messages(tmp_path / "short.jsonl", DOMAIN)


def test_the_contract_reads_what_is_packed_and_signed() -> None:
    """Domain, hash, packing and signature as the contract has them: many stakes and splits by one
    signature, whatever their number; one bit of the signature changed, and it is skipped."""
    with boa.env.anchor():
        world = deploy_world()
        set_time(START)
        domain = Domain(boa.env.evm.patch.chain_id, str(world.escrow.address))
        world.give(KEY.address, 10**21)
        world.escrow.deposit(10**21, sender=KEY.address)
        wanted = [
            instruction(KEY.address, {5: 3}, {}, 0),
            instruction(KEY.address, {}, {0: HALVES, 7: ()}, 1),
            instruction(
                KEY.address,
                {model: 10 + model for model in range(65)},
                {model: ((model, 9_000), (POOL, 999), (WALLET, 1)) for model in range(0, 65, 8)},
                2,
                START + 10,
            ),
        ]
        signed = [sign(each, domain, KEY) for each in wanted]
        good = signed[0].signature
        bad = replace(signed[0], signature=good[:64] + bytes([good[64] ^ 7]))
        call = relay_call([bad, *signed])

        world.escrow.relay(call.instructions, call.signatures, sender=STRANGER.address)

        ((_, fields),) = [each for each in world.events() if each[0] == "InstructionsRelayed"]
        assert (fields["instructions"], fields["applied"]) == (call.instructions, 0b1110)
        ((_, skipped),) = [each for each in world.events() if each[0] == "InstructionSkipped"]
        assert skipped["reason"] == "signature: not the account's"
        assert list(world.lens.stakes_of(KEY.address)) == [(10 + m) * 10**9 for m in range(65)]
        held = {
            split.model: tuple(zip(split.destinations, split.shares, strict=True))
            for split in world.lens.splits_of(KEY.address)
        }
        assert held == {m: ((m, 9_000), (POOL, 999), (WALLET, 1)) for m in range(0, 65, 8)}
        assert world.lens.position(KEY.address).nonce == 3
