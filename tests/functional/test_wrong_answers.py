"""What the escrow calls answers wrongly: nothing, too little, half a truth, or with a revert; and
signatures and instructions that are wrong where no client would make them so."""

from typing import Any

import boa
import pytest
from eth_utils.crypto import keccak

from sluice.ledger import Skip
from sluice.words import MAX_AMOUNT_NANO, AccountWord, pack_account
from tests.compiled import slot_of
from tests.escrow_world import NMR, World, nano, refuses, role_address
from tests.functional.test_relay import MALFORMED, NOT_SIGNED
from tests.hostile import CURVE_ORDER, REVERTS
from tests.messages import Instruction, Withdrawal

NOTHING = bytes.fromhex("00")
"""Code that answers with no bytes."""
REVERTS_WITH_WORD = bytes.fromhex("602a5f5260205ffd")
"""Code that reverts with 32 bytes, the number 42."""


def answers(word: int, length: int = 32) -> bytes:
    """Code that answers with the first bytes of a word, whatever it is asked."""
    return (
        b"\x7f" + word.to_bytes(32, "big") + bytes.fromhex("5f5260") + bytes([length]) + b"\x5f\xf3"
    )


WRONG_ANSWERS = {
    "nothing": NOTHING,
    "31 bytes": answers(1, 31),
    "two": answers(2),
    "all ones": answers(2**256 - 1),
    "a revert": REVERTS,
    "a revert with data": REVERTS_WITH_WORD,
    "no code": b"",
}


def put_burned(world: World, amount_nano: int) -> None:
    """Makes so much of the reserve wait to be burned, as passes would."""
    for name, change in (("_reserve", -amount_nano), ("_burned", amount_nano)):
        slot = slot_of("treasury", name)
        held = int(boa.env.get_storage(world.escrow.address, slot))
        boa.env.set_storage(world.escrow.address, slot, held + change)


def fails(contract: Any, name: str, *arguments: Any, sender: str) -> bytes:
    """The call reverts; returns with what."""
    with pytest.raises(boa.BoaError) as error:
        getattr(contract, name)(*arguments, sender=role_address(sender))
    return bytes(error.value.call_trace.computation.output)


@pytest.mark.parametrize("answer", WRONG_ANSWERS)
@pytest.mark.parametrize(
    ("name", "arguments", "sender"),
    [
        ("deposit", (NMR,), "staker"),
        ("deposit_for", (role_address("staker"), NMR), "stranger"),
        ("fund", (NMR,), "stranger"),
        ("withdraw", (nano(1),), "staker"),
        ("withdraw_reserve", (nano(1),), "owner"),
        ("burn", (), "stranger"),
    ],
)
def test_nothing_moves_on_a_wrong_answer_of_the_token(
    world: World, staker: str, name: str, arguments: tuple[Any, ...], sender: str, answer: str
) -> None:
    """N10: whatever is not the one word true is a refusal; what the token says is handed on."""
    world.stake(staker, {}, pool_nano=5)
    world.fund(10)
    put_burned(world, 5)
    code = boa.env.get_code(world.token.address)
    before = world.words(staker), world.escrow.reserve(), world.escrow.burned()
    boa.env.set_code(world.token.address, WRONG_ANSWERS[answer])

    output = fails(world.escrow, name, *arguments, sender=sender)

    assert output == ((42).to_bytes(32, "big") if answer == "a revert with data" else b"")
    assert (world.words(staker), world.escrow.reserve(), world.escrow.burned()) == before
    boa.env.set_code(world.token.address, code)


@pytest.mark.parametrize("answer", ["a revert", "a revert with data", "no code"])
def test_burn_stays_undone_if_the_burner_does_not_burn(world: World, answer: str) -> None:
    """What was burned waits until the burner takes it."""
    world.fund(5)
    put_burned(world, 5)
    boa.env.set_code(world.burner.address, WRONG_ANSWERS[answer])

    with world.moves():
        fails(world.escrow, "burn", sender="stranger")

    assert world.escrow.burned() == nano(5)


@pytest.mark.parametrize("answer", ["nothing", "31 bytes", "a revert", "a revert with data"])
@pytest.mark.parametrize("name", ["position", "stakes_of", "schedule", "risks_of", "splits_of"])
def test_the_lens_hands_on_what_fails(world: World, staker: str, name: str, answer: str) -> None:
    """A lens on what is no escrow reports nothing."""
    boa.env.set_code(world.escrow.address, WRONG_ANSWERS[answer])

    output = fails(world.lens, name, staker, sender="stranger")

    assert output == ((42).to_bytes(32, "big") if answer == "a revert with data" else b"")


@pytest.mark.parametrize(
    ("failing", "output"),
    [(b"\x00", b""), (REVERTS, b""), (REVERTS_WITH_WORD, (42).to_bytes(32, "big"))],
)
def test_the_lens_needs_the_state_of_the_round(
    world: World, staker: str, failing: bytes, output: bytes
) -> None:
    """An escrow that shows its words and not its round is none either."""
    shows_words = keccak(text="word(uint256)")[:4]
    head = b"\x5f\x35\x60\xe0\x1c\x63" + shows_words + b"\x14\x60"
    code = head + bytes([len(head) + 2 + len(failing)]) + b"\x57" + failing
    boa.env.set_code(world.escrow.address, code + b"\x5b" + bytes.fromhex("5f5f5260205ff3"))

    assert fails(world.lens, "position", staker, sender="stranger") == output
    assert set(world.lens.stakes_of(staker)) == {0}


def test_the_domain_is_of_the_address_that_is_called(world: World) -> None:
    """S19: whoever runs the escrow's code at another address signs nothing for this one."""
    proxy = "0x" + "ab" * 20
    escrow = bytes.fromhex(str(world.escrow.address)[2:])
    head, tail = (
        bytes.fromhex("363d3d373d3d3d363d73"),
        bytes.fromhex("5af43d82803e903d91602b57fd5bf3"),
    )
    boa.env.set_code(proxy, head + escrow + tail)
    names = (
        keccak(text=text)
        for text in (
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
            "Sluice",
            "1",
        )
    )
    chain = int(boa.env.evm.patch.chain_id).to_bytes(32, "big")
    expected = keccak(b"".join(names) + chain + bytes(12) + bytes.fromhex(proxy[2:]))

    data = world.escrow.domain.prepare_calldata()
    assert bytes(boa.env.execute_code(proxy, data=data).output) == expected
    assert bytes(world.escrow.domain()) != expected


# --- what no client makes -------------------------------------------------------------------------


@pytest.mark.parametrize("s", [CURVE_ORDER // 2 + 1, 2**255 - 1])
def test_a_high_s_is_nobodys(world: World, staker: str, s: int) -> None:
    """N19: of two signatures that recover alike only the lower one counts."""
    world.stake(staker, {}, pool_nano=5)
    good = world.sign(request := Withdrawal(staker, 4, 1), "staker")
    bad = good[:32] + s.to_bytes(32, "big") + good[64:]

    assert world.pay((request, bad)) == [(0, Skip.SIGNATURE)]
    instruction = Instruction(staker, 0, {0: 1})
    good = world.sign(instruction, "staker")
    bad = good[:32] + s.to_bytes(32, "big") + good[64:]
    assert world.relay((instruction, bad)) == (0, {staker: NOT_SIGNED})


def test_the_highest_s_that_counts_is_read_whole(world: World, staker: str) -> None:
    """Half of the curve's order itself is no refusal: some key signed that, if nobody here."""
    world.stake(staker, {}, pool_nano=5)
    good = world.sign(request := Withdrawal(staker, 4, 1), "staker")
    half = good[:32] + (CURVE_ORDER // 2).to_bytes(32, "big") + good[64:]

    assert world.pay((request, half)) == [(0, Skip.SIGNATURE)]
    (call,) = [
        call
        for call in world.escrow._computation.children
        if int.from_bytes(call.msg.to, "big") == 1
    ]
    assert bytes(call.msg.data)[96:128] == (CURVE_ORDER // 2).to_bytes(32, "big")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_relay_refuses_stakes_cut_short(world: World, staker: str, count: int) -> None:
    """Of two stakes too, which are read apart from other numbers of them."""
    packed = Instruction(staker, 0, dict.fromkeys(range(count), 1)).packed()
    for missing in (1, 8, 8 * count):
        with world.unchanged(), refuses(MALFORMED):
            world.escrow.relay(packed[:-missing], bytes(64))


@pytest.mark.parametrize(("stakes", "splits"), [(66, 0), (255, 0), (0, 66), (0, 255), (66, 66)])
def test_relay_refuses_more_changes_than_there_are_models(
    world: World, staker: str, stakes: int, splits: int
) -> None:
    """Though all of them are there."""
    head = int(staker, 16) | stakes << 160 | splits << 168
    with world.unchanged(), refuses(MALFORMED):
        world.escrow.relay(head.to_bytes(32, "big") + bytes(8 * stakes + 23 * splits), bytes(64))


def test_a_pool_that_would_not_fit_refuses_the_stake(world: World, staker: str) -> None:
    """Nothing wraps: 54 bits are above all NMR there is, and are checked all the same."""
    world.put(staker, {0: pack_account(AccountWord(pool_nano=MAX_AMOUNT_NANO, stake_nano=2))})
    too_large = "amount: does not fit 54 bits of nano-NMR"

    with world.unchanged():
        with refuses(too_large):
            world.escrow.set_stakes([0], [nano(1)], sender=staker)
        with refuses(too_large):
            world.escrow.leave(sender=staker)
        instruction = Instruction(staker, 0, {0: 1})
        _, skipped = world.relay(world.signed(instruction, "staker"))
        assert skipped == {staker: too_large}
