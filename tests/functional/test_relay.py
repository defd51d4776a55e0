"""relay(instructions, signatures)"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boa
import pytest

from sluice.words import (
    MAX_NONCE,
    MODELS,
    POOL,
    SPLIT_PLACE,
    WALLET,
    SplitWord,
    pack_split,
    unpack_split,
    word_slot,
)
from tests.escrow_world import (
    MAX,
    NMR,
    START,
    ZERO_ADDRESS,
    World,
    deploy_world,
    nano,
    now,
    refuses,
    set_time,
    words_slot,
)
from tests.hostile import (
    BAD_SIGNATURES,
    HOSTILE_WALLETS,
    REVERTS,
    SAYS_YES,
    WALLET_GAS,
    bad_signature,
    calls_to,
    make_hostile,
)
from tests.messages import Instruction, Withdrawal, packed_signatures

HALVES = ((POOL, 5_000), (WALLET, 5_000))
MALFORMED = "instructions: malformed, pack them as sluice.instructions does"
NOT_SIGNED = "signature: not the account's"
USED = "instruction: its nonce is used or cancelled"
TO_COME = "instruction: its nonce is still to come"
TOO_LITTLE_GAS = "gas: too little left for the next item, send more"
# what a transaction may use (EIP-7825)
TRANSACTION_GAS = 2**24
MAX_BYTES = 8_192


def reasons(world: World) -> list[str]:
    """Why instructions of the last call were skipped, in order."""
    return [fields["reason"] for name, fields in world.events() if name == "InstructionSkipped"]


def test_relay_sets_stakes_and_splits_by_one_signature(world: World, staker: str) -> None:
    """N12 N17 S53: one signature, any number of changes, no gas for the account."""
    world.stake(staker, {0: 100, 4: 200}, pool_nano=50)
    instruction = Instruction(staker, 0, {0: 0, 4: 210, 64: 140}, {0: HALVES, 5: ((0, 10_000),)})

    with world.moves():
        applied, skipped = world.relay((instruction, world.sign(instruction, "staker")))

    assert (applied, skipped) == (1, {})
    assert world.stakes_nano(staker) == {4: 210, 64: 140}
    assert world.pool_nano(staker) == 0
    split_words = {m: unpack_split(world.words(staker)[SPLIT_PLACE + m]) for m in (0, 5)}
    assert split_words[0].parts == HALVES
    assert split_words[0].nonce == 1
    assert split_words[5].parts == ((0, 10_000),)


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ({"nonce": 0, "deadline": -1}, "instruction: expired"),
        ({"nonce": 1}, "instruction: its nonce is still to come"),
        ({"nonce": 0, "stakes_nano": {}}, "instruction: names no change"),
        ({"nonce": 0, "stakes_nano": {0: 101}}, "stakes: the pool holds too little, deposit first"),
        ({"nonce": 0, "stakes_nano": {65: 0}}, "models: numbered 0 to 64"),
        ({"nonce": 0, "stakes_nano": {3: 0, 2: 0}}, "models: must be strictly ascending"),
        ({"nonce": 0, "splits": {3: HALVES, 2: HALVES}}, "models: must be strictly ascending"),
        (
            {"nonce": 0, "splits": {3: ((0, 9_999),)}},
            "split: shares must sum to 10_000 basis points",
        ),
    ],
)
def test_relay_skips_one_that_is_refused_and_applies_the_others(
    world: World,
    staker: str,
    other_staker: str,
    instruction: dict[str, int],
    reason: str,
) -> None:
    for account in (staker, other_staker):
        world.stake(account, {0: 60}, pool_nano=40)
    fields = {"stakes_nano": {1: 10}} | instruction
    if "deadline" in fields:
        fields["deadline"] += now()
    bad = Instruction(staker, **fields)
    good = Instruction(other_staker, 0, {0: 100})
    before = world.words(staker)

    applied, skipped = world.relay(
        (bad, world.sign(bad, "staker")), (good, world.sign(good, "other_staker"))
    )

    assert (applied, skipped) == (0b10, {staker: reason})
    assert world.words(staker) == before
    assert world.stakes_nano(other_staker) == {0: 100}


def test_relay_skips_what_somebody_else_signed(
    world: World, staker: str, other_staker: str
) -> None:
    """N19: nobody can sign for another."""
    world.stake(staker, {0: 60})
    before = world.words(staker)
    instruction = Instruction(staker, 0, {0: 0})

    for role in ("other_staker", "owner", "operator", "guardian"):
        applied, skipped = world.relay((instruction, world.sign(instruction, role)))
        assert (applied, skipped) == (0, {staker: "signature: not the account's"})
    assert world.words(staker) == before


@pytest.mark.parametrize("malformed", ["empty", "head", "stakes", "splits", "counts"])
def test_relay_refuses_bytes_that_are_no_instructions(
    world: World, staker: str, malformed: str
) -> None:
    instruction = Instruction(staker, 0, {0: 0}, {0: HALVES})
    encoded = instruction.packed()
    counts = Instruction(staker, 0, dict.fromkeys(range(66), 0)).packed()
    given = {
        "empty": b"",
        "head": encoded[:31],
        "stakes": Instruction(staker, 0, {0: 0}).packed()[:-1],
        "splits": encoded[:-1],
        "counts": counts,
    }[malformed]

    with refuses("instructions: malformed, pack them as sluice.instructions does"):
        world.escrow.relay(given, packed_signatures([bytes(65)]))


@pytest.mark.parametrize(
    "signatures", [b"", b"\x00", b"\x00\x01", packed_signatures([bytes(65)])[:-1]]
)
def test_relay_refuses_a_missing_signature(world: World, staker: str, signatures: bytes) -> None:
    with refuses("signatures: give one for each message"):
        world.escrow.relay(Instruction(staker, 0, {0: 0}).packed(), signatures)


def test_relay_refuses_more_signatures_than_instructions(world: World, staker: str) -> None:
    with refuses("signatures: more than messages"):
        world.escrow.relay(
            Instruction(staker, 0, {0: 0}).packed(), packed_signatures([bytes(65), b""])
        )


def test_relay_skips_for_ever_once_the_nonces_are_used_up(world: World, staker: str) -> None:
    # no test can wait for 67 million instructions: the last nonce is put where it is stored
    slot = word_slot(staker, SPLIT_PLACE, words_slot())
    boa.env.set_storage(world.escrow.address, slot, pack_split(SplitWord(nonce=MAX_NONCE)))
    instruction = Instruction(staker, MAX_NONCE, splits={1: HALVES})

    applied, skipped = world.relay((instruction, world.sign(instruction, "staker")))

    reason = "instruction: nonces are used up, use set_stakes and set_split"
    assert (applied, skipped) == (0, {staker: reason})
    world.escrow.leave(sender=staker)
    assert world.lens.position(staker).nonce == MAX_NONCE


# --- signatures by a key --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", BAD_SIGNATURES)
def test_relay_skips_a_bad_signature_and_applies_the_others(
    world: World, staker: str, other_staker: str, kind: str
) -> None:
    """N10 N19: nobody instructs in another's name, and a bad one never blocks a batch."""
    for account in (staker, other_staker):
        world.stake(account, {0: 60}, pool_nano=40)
    bad, good = Instruction(staker, 0, {0: 0}), Instruction(other_staker, 0, {0: 100})
    before = world.words(staker)

    applied, skipped = world.relay(
        (bad, bad_signature(world, bad, kind)), (good, world.sign(good, "other_staker"))
    )

    assert (applied, skipped) == (0b10, {staker: NOT_SIGNED})
    assert world.words(staker) == before
    assert world.stakes_nano(other_staker) == {0: 100}


@pytest.mark.parametrize(
    "signature",
    [b"", bytes(65), bytes(64) + b"\x1b", b"\xff" * 32 + bytes(32) + b"\x1b"],
    ids=["none", "zeros", "zeros with a v", "r above the order"],
)
def test_relay_skips_the_zero_address_whatever_recovers_to_it(
    world: World, signature: bytes
) -> None:
    nobody = Instruction(ZERO_ADDRESS, 0, splits={0: HALVES})

    with world.unchanged():
        assert world.relay((nobody, signature)) == (0, {ZERO_ADDRESS: NOT_SIGNED})
    assert world.words(ZERO_ADDRESS) == {}


CHANGES: dict[str, Callable[[Instruction], Instruction]] = {
    "nothing": lambda signed: signed,
    "a stake": lambda signed: replace(signed, stakes_nano={0: 59, 4: 41}),
    "a model": lambda signed: replace(signed, stakes_nano={0: 59, 5: 40}),
    "a stake less": lambda signed: replace(signed, stakes_nano={0: 59}),
    "no stakes": lambda signed: replace(signed, stakes_nano={}),
    "a split's model": lambda signed: replace(signed, splits={2: HALVES}),
    "a destination": lambda signed: replace(signed, splits={1: ((POOL, 5_000), (1, 5_000))}),
    "the order of destinations": lambda signed: replace(signed, splits={1: HALVES[::-1]}),
    "a share": lambda signed: replace(signed, splits={1: ((POOL, 4_999), (WALLET, 5_001))}),
    "the default": lambda signed: replace(signed, splits={1: ()}),
    "no splits": lambda signed: replace(signed, splits={}),
    "a split more": lambda signed: replace(signed, splits={1: HALVES, 2: HALVES}),
    "the deadline": lambda signed: replace(signed, deadline=START + 101),
    "no deadline": lambda signed: replace(signed, deadline=None),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_relay_skips_what_was_changed_after_it_was_signed(
    world: World, staker: str, changed: str
) -> None:
    """N12: the signature covers every field, and every word of the arrays."""
    world.stake(staker, {0: 60}, pool_nano=40)
    signed = Instruction(staker, 0, {0: 59, 4: 40}, {1: HALVES}, deadline=START + 100)
    sent = CHANGES[changed](signed)

    applied, _ = world.relay((sent, world.sign(signed, "staker")))

    assert applied == (changed == "nothing")
    assert reasons(world) == [NOT_SIGNED][applied:]


def test_relay_skips_what_was_signed_for_another_account(
    world: World, staker: str, other_staker: str
) -> None:
    for account in (staker, other_staker):
        world.stake(account, {0: 60}, pool_nano=40)
    signed = Instruction(staker, 0, {0: 0})
    signature = world.sign(signed, "staker")

    with world.unchanged():
        applied, skipped = world.relay((replace(signed, account=other_staker), signature))
    assert (applied, skipped) == (0, {other_staker: NOT_SIGNED})


def test_relay_takes_no_signature_for_another_escrow_or_chain(world: World, staker: str) -> None:
    """N19: no replay on another contract, nor on a chain that split off."""
    other = deploy_world()
    for each in (world, other):
        each.stake(staker, {0: 60}, pool_nano=40)
    instruction = Instruction(staker, 0, {0: 0})
    signature = world.sign(instruction, "staker")

    assert other.relay((instruction, signature)) == (0, {staker: NOT_SIGNED})
    # boa's patches stay after an anchor: what is changed is put back
    patch, chain_id = boa.env.evm.patch, int(boa.env.evm.patch.chain_id)
    try:
        patch.chain_id = chain_id + 1
        assert world.relay((instruction, signature)) == (0, {staker: NOT_SIGNED})
        with boa.env.anchor():
            assert world.relay((instruction, world.sign(instruction, "staker"))) == (1, {})
    finally:
        patch.chain_id = chain_id
    assert world.relay((instruction, signature)) == (1, {})


def test_relay_and_pay_take_no_signature_for_the_other(
    world: World, staker: str, operator: str
) -> None:
    world.stake(staker, {0: 60}, pool_nano=40)
    instruction, request = Instruction(staker, 0, {0: 0}), Withdrawal(staker, 4, 1)
    instructed, requested = world.sign(instruction, "staker"), world.sign(request, "staker")

    with world.unchanged():
        assert world.relay((instruction, requested)) == (0, {staker: NOT_SIGNED})
        world.escrow.pay([request.word()], [], packed_signatures([instructed]), sender=operator)

    assert world.relay((instruction, instructed)) == (1, {})


def test_relay_applies_a_signature_once(world: World, staker: str) -> None:
    """N19: not twice in a batch, not in a later one."""
    world.stake(staker, {0: 60}, pool_nano=40)
    instruction = Instruction(staker, 0, {0: 50})
    signed = (instruction, world.sign(instruction, "staker"))

    assert world.relay(signed, signed, signed) == (0b1, {staker: USED})
    assert reasons(world) == [USED] * 2
    world.escrow.set_stakes([0], [nano(60)], sender=staker)
    assert world.relay(signed) == (0, {staker: USED})
    assert world.stakes_nano(staker) == {0: 60}


def test_relay_applies_several_of_one_account_in_the_order_of_their_nonces(
    world: World, staker: str
) -> None:
    world.stake(staker, {0: 60}, pool_nano=40)
    listed = [Instruction(staker, nonce, {nonce: 10 + nonce}) for nonce in range(3)]
    first, second, third = ((each, world.sign(each, "staker")) for each in listed)

    applied, _ = world.relay(second, first, third, second, third)

    assert applied == 0b11010
    assert world.lens.position(staker).nonce == 3


def test_relay_in_the_wrong_order_leaves_what_is_to_come_good(world: World, staker: str) -> None:
    world.stake(staker, {0: 60}, pool_nano=40)
    listed = [Instruction(staker, nonce, {nonce: 10 + nonce}) for nonce in range(2)]
    first, second = ((each, world.sign(each, "staker")) for each in listed)

    assert world.relay(second, first) == (0b10, {staker: TO_COME})
    assert world.relay(second) == (0b1, {})
    assert world.stakes_nano(staker) == {0: 10, 1: 11}


# --- contract wallets -----------------------------------------------------------------------------


def test_relay_takes_the_signature_of_a_contract_wallet(world: World, wallet: Any) -> None:
    """N19: an account may be a contract; its own rule says who signs for it."""
    account = wallet.address.lower()
    world.stake(account, {0: 60}, pool_nano=40)
    instruction = Instruction(account, 0, {0: 0, 5: 99}, {5: HALVES})

    assert world.relay((instruction, world.sign(instruction, "stranger"))) == (
        0,
        {account: NOT_SIGNED},
    )
    assert world.relay((instruction, world.sign(instruction, "staker"))) == (1, {})

    assert world.stakes_nano(account) == {5: 99}
    (call,) = calls_to(world, account)
    assert (call.msg.is_static, call.msg.gas, call.msg.value) == (True, WALLET_GAS, 0)
    assert reasons(world) == []


# one of them destroys itself, of which py-evm warns
@pytest.mark.filterwarnings("ignore:SELFDESTRUCT:DeprecationWarning")
@pytest.mark.parametrize("kind", HOSTILE_WALLETS)
def test_relay_skips_a_hostile_wallet_and_applies_the_others(
    world: World, wallet: Any, staker: str, other_staker: str, kind: str
) -> None:
    """N10: a wallet that reverts, burns gas, writes or answers garbage harms only itself."""
    account = wallet.address.lower()
    for each in (account, staker, other_staker):
        world.stake(each, {0: 60}, pool_nano=40)
    first, bad, last = (Instruction(each, 0, {0: 100}) for each in (staker, account, other_staker))
    make_hostile(wallet, kind)
    before = world.words(account)

    applied, skipped = world.relay(
        (first, world.sign(first, "staker")),
        (bad, world.sign(bad, "staker")),
        (last, world.sign(last, "other_staker")),
    )

    assert (applied, skipped) == (0b101, {account: NOT_SIGNED})
    assert world.words(account) == before
    assert world.stakes_nano(staker) == world.stakes_nano(other_staker) == {0: 100}


def test_relay_gives_each_wallet_no_more_gas_than_its_cap(world: World, wallet: Any) -> None:
    """N10: what a hostile wallet can burn is bounded, and the batch goes on."""
    account = wallet.address.lower()
    world.stake(account, {0: 60}, pool_nano=40)
    instruction = Instruction(account, 0, {0: 100})
    world.relay((instruction, bytes(65)))
    quiet = world.escrow._computation.get_gas_used()
    make_hostile(wallet, "burns all gas")

    applied, _ = world.relay(*[(instruction, bytes(65))] * 5)

    assert (applied, reasons(world)) == (0, [NOT_SIGNED] * 5)
    assert [call.get_gas_used() for call in calls_to(world, account)] == [WALLET_GAS] * 5
    assert world.escrow._computation.get_gas_used() < 5 * (WALLET_GAS + quiet)


def lock_free(world: World) -> dict[str, tuple[Any, ...]]:
    """Arguments with which the wallet could call every external of the escrow, by name."""
    wallet, stranger = world.watched["wallet"], world.watched["stranger"]
    digest = b"\x01" * 32
    return {
        "deposit": (nano(1),),
        "deposit_for": (stranger, nano(1)),
        "deposit_and_stake": (nano(1), [0], [nano(61)]),
        "set_stakes": ([0], [0]),
        "set_split": (0, [POOL], [10_000]),
        "leave": (),
        "cancel_instructions": (1,),
        "cancel_withdrawal": (),
        "withdraw": (MAX,),
        "announce": (10, bytes(32), digest),
        "resolve": (10, [b""], bytes(32)),
        "relay": (Instruction(wallet, 0, {0: 0}).packed(), b"\x00\x00"),
        "pay": ([], [wallet], b""),
        "fund": (nano(1),),
        "withdraw_reserve": (nano(1),),
        "burn": (),
        "set_operator": (stranger,),
        "set_guardian": (stranger,),
        "transfer_ownership": (stranger,),
        "accept_ownership": (),
        "word": (int(wallet, 16),),
        "round_state": (),
        "reserve": (),
        "burned": (),
        "domain": (),
        "parameters": (),
        "operator": (),
        "guardian": (),
    }


def test_relay_lets_a_wallet_call_nothing_of_the_escrow(world: World, wallet: Any) -> None:
    """N10: the check is static and the lock is held, for views too. Each of these calls would do
    something otherwise, the wallet being owner, operator and guardian as well."""
    account = wallet.address.lower()
    world.stake(account, {0: 60}, pool_nano=40)
    world.give(account, 10 * NMR)
    owner = world.watched["owner"]
    world.escrow.set_operator(account, sender=owner)
    world.escrow.set_guardian(account, sender=owner)
    world.escrow.transfer_ownership(account, sender=owner)
    world.escrow.accept_ownership(sender=account)
    instruction = Instruction(account, 0, {0: 1})
    arguments = lock_free(world)
    # the two that anybody may read at any time: they tell nothing that a call could be about to
    # change
    free = {"owner", "pending_owner"}
    externals = {entry["name"] for entry in world.escrow.abi if entry["type"] == "function"}
    assert set(arguments) | free == externals

    for name in arguments:
        payload = getattr(world.escrow, name).prepare_calldata(*arguments[name])
        wallet.call_back(world.escrow.address, payload)
        with world.unchanged():
            assert world.relay((instruction, b"")) == (0, {account: NOT_SIGNED}), name
    wallet.call_back(world.escrow.address, world.escrow.owner.prepare_calldata())
    assert world.relay((instruction, b"")) == (1, {})


def test_relay_lets_a_wallet_move_no_token(world: World, wallet: Any, stranger: str) -> None:
    account = wallet.address.lower()
    world.stake(account, {0: 60}, pool_nano=40)
    world.give(account, NMR)
    wallet.call_back(world.token.address, world.token.transfer.prepare_calldata(stranger, 1))
    instruction = Instruction(account, 0, {0: 1})

    with world.unchanged():
        assert world.relay((instruction, b"")) == (0, {account: NOT_SIGNED})


@pytest.mark.parametrize("length", [0, 1, 64, 65, 66, 130, 2_047, 2_048])
def test_relay_hands_a_wallet_signatures_of_any_length(
    world: World, wallet: Any, length: int
) -> None:
    """Whatever a wallet takes for a signature: none, 31 owners', and 65 bytes that are no key's."""
    account = wallet.address.lower()
    world.stake(account, {0: 60})
    wallet.be_honest(ZERO_ADDRESS)
    instruction = Instruction(account, 0, {0: 0})

    assert world.relay((instruction, b"\xab" * length)) == (1, {})

    (call,) = calls_to(world, account)
    # selector, hash, offset, length, and the signature in whole words
    assert len(call.msg.data) == 100 + -(-length // 32) * 32
    assert call.msg.data[100 : 100 + length] == b"\xab" * length


@pytest.mark.parametrize("length", [2_049, 2_080, 4_096, MAX_BYTES - 2])
def test_relay_asks_no_wallet_about_a_signature_beyond_the_limit(
    world: World, wallet: Any, length: int
) -> None:
    account = wallet.address.lower()
    world.stake(account, {0: 60})
    wallet.be_honest(ZERO_ADDRESS)
    instruction = Instruction(account, 0, {0: 0})

    with world.unchanged():
        assert world.relay((instruction, bytes(length))) == (0, {account: NOT_SIGNED})
    assert calls_to(world, account) == []


def test_relay_applies_what_follows_a_signature_beyond_the_limit(
    world: World, wallet: Any, staker: str
) -> None:
    account = wallet.address.lower()
    for each in (account, staker):
        world.stake(each, {0: 60})
    bad, good = Instruction(account, 0, {0: 0}), Instruction(staker, 0, {0: 0})

    assert world.relay((bad, bytes(2_049)), (good, world.sign(good, "staker"))) == (
        0b10,
        {account: NOT_SIGNED},
    )


def test_relay_tries_the_key_of_an_account_with_code_first(world: World, staker: str) -> None:
    """An account may have a key and code (EIP-7702): its key signs whatever its code would say."""
    world.stake(staker, {0: 60})
    boa.env.set_code(staker, REVERTS)
    instruction = Instruction(staker, 0, {0: 0})

    applied, _ = world.relay((instruction, world.sign(instruction, "stranger")))
    assert (applied, len(calls_to(world, staker))) == (0, 1)
    applied, _ = world.relay((instruction, world.sign(instruction, "staker")))
    assert (applied, calls_to(world, staker)) == (1, [])


def test_relay_takes_what_the_code_of_an_account_with_a_key_says(
    world: World, wallet: Any, staker: str
) -> None:
    """The code that an account delegated to (EIP-7702) may sign for it as well."""
    world.stake(staker, {0: 60})
    wallet.be_honest(ZERO_ADDRESS)
    boa.env.set_code(staker, bytes.fromhex("ef0100" + wallet.address[2:]))
    by_code = Instruction(staker, 0, {0: 40})
    by_key = Instruction(staker, 1, {0: 20})

    assert world.relay((by_code, b"any"), (by_key, world.sign(by_key, "staker"))) == (0b11, {})
    assert len(calls_to(world, staker)) == 1


def test_relay_takes_a_wallet_from_the_moment_it_is_deployed(world: World, staker: str) -> None:
    account = "0x" + "5a" * 20
    world.stake(account, {0: 60})
    instruction = Instruction(account, 0, {0: 0})

    assert world.relay((instruction, b"")) == (0, {account: NOT_SIGNED})
    boa.env.set_code(account, SAYS_YES)
    assert world.relay((instruction, b"")) == (1, {})


@pytest.mark.parametrize("signature", [b"", bytes(2_048)], ids=["short", "long"])
def test_relay_reverts_rather_than_give_a_wallet_too_little_gas(
    world: World, wallet: Any, signature: bytes
) -> None:
    """Nobody can have a good instruction skipped by sending too little gas: at the very border the
    wallet still has all of its cap, and below it the whole call reverts and says so."""
    account = wallet.address.lower()
    world.stake(account, {0: 60})
    instruction = Instruction(account, 0, {0: 0})
    # what is left of the cap where the wallet looks, after it has read its calldata
    wallet.need_gas(WALLET_GAS - 2_000)

    def outcome(gas: int) -> str:
        with boa.env.anchor():
            try:
                applied, _ = world.relay((instruction, signature), gas=gas)
            except boa.BoaError:
                return "reverted"
            (call,) = calls_to(world, account)
            assert call.msg.gas == WALLET_GAS
            return "applied" if applied else "skipped"

    low, high = 100_000, 400_000
    assert (outcome(low), outcome(high)) == ("reverted", "applied")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if outcome(middle) == "reverted" else (low, middle)
    assert {outcome(high + above) for above in range(0, 500, 7)} == {"applied"}
    assert {outcome(low - below) for below in range(0, 500, 7)} == {"reverted"}
    with refuses(TOO_LITTLE_GAS):
        world.relay((instruction, signature), gas=low)


def test_relay_never_skips_a_good_instruction_for_want_of_gas(world: World, staker: str) -> None:
    """Nor one that a key signed: recovering the key costs gas as well."""
    world.stake(staker, {0: 60}, pool_nano=40)
    instruction = Instruction(staker, 0, {0: 100})
    signed = (instruction, world.sign(instruction, "staker"))
    outcomes = set()

    for gas in (*range(2_000, 60_000, 450), *range(14_000, 26_000, 90)):
        with boa.env.anchor():
            try:
                outcomes.add(world.relay(signed, gas=gas)[0])
            except boa.BoaError:
                outcomes.add("reverted")

    assert outcomes == {"reverted", 1}


# --- limits ---------------------------------------------------------------------------------------


def test_relay_takes_as_many_instructions_as_the_bytes_hold(
    world: World, staker: str, other_staker: str
) -> None:
    """254 that are skipped and one that is applied in 8,168 of the 8,192 bytes, and 256 heads."""
    world.stake(staker, {0: 60}, pool_nano=40)
    empty = Instruction(other_staker, 0)
    good = Instruction(staker, 0, {0: 100})

    applied, _ = world.relay(*[(empty, b"")] * 254, (good, world.sign(good, "staker")))

    assert applied == 1 << 254
    assert reasons(world) == [NOT_SIGNED] * 254
    applied, _ = world.relay(*[(empty, b"")] * 256)
    assert (applied, reasons(world)) == (0, [NOT_SIGNED] * 256)
    assert world.escrow._computation.get_gas_used() < TRANSACTION_GAS


def test_relay_refuses_more_bytes_than_a_batch_holds(world: World, staker: str) -> None:
    head = Instruction(staker, 0).packed()

    for instructions, signatures in ((head * 257, b""), (head, bytes(MAX_BYTES + 1))):
        with refuses(""):
            world.escrow.relay(instructions, signatures)


EIGHT_WAYS = [
    (POOL, 1_251),
    (WALLET, 1_250),
    *((model, 1_250) for model in (0, 4, 9, 33, 63)),
    (64, 1_249),
]


def test_relay_applies_everything_that_an_account_can_change_at_once(
    world: World, wallet: Any, staker: str, other_staker: str, stranger: str
) -> None:
    """S48: 65 stakes and 65 splits of eight parts in one signature, and four such in a batch."""
    accounts = {"staker": staker, "other_staker": other_staker, "stranger": stranger}
    accounts["wallet"] = wallet.address.lower()
    splits = {
        model: tuple(EIGHT_WAYS[model % 8 :] + EIGHT_WAYS[: model % 8]) for model in range(65)
    }
    batch = []
    for role, account in accounts.items():
        world.stake(account, {3: 10**12})
        stakes = {model: 10**9 + model for model in range(MODELS)}
        instruction = Instruction(account, 0, stakes, splits)
        signer = "staker" if role == "wallet" else role
        batch.append((instruction, world.sign(instruction, signer)))
    assert sum(len(instruction.packed()) for instruction, _ in batch) == 8_188

    assert world.relay(*batch) == (0b1111, {})

    assert world.escrow._computation.get_gas_used() < TRANSACTION_GAS
    for account in accounts.values():
        assert world.stakes_nano(account) == {model: 10**9 + model for model in range(MODELS)}
        words = world.words(account)
        for model, split in splits.items():
            assert unpack_split(words[SPLIT_PLACE + model]).parts == split
        assert all(words[page] >> 216 == 0b1111 for page in range(1, 17))
        assert words[0] >> 254 == 1
        assert world.lens.position(account).nonce == 1


def test_relay_needs_a_deadline_not_to_be_past(world: World, staker: str) -> None:
    world.stake(staker, {0: 60})
    first, second = (Instruction(staker, nonce, {0: 60}, deadline=START + 9) for nonce in (0, 1))

    set_time(START + 9)
    assert world.relay((first, world.sign(first, "staker"))) == (1, {})
    set_time(START + 10)
    assert world.relay((second, world.sign(second, "staker"))) == (
        0,
        {staker: "instruction: expired"},
    )


def test_relay_takes_the_highest_deadline_as_none(world: World, staker: str) -> None:
    world.stake(staker, {0: 60})
    last = Instruction(staker, 0, {0: 50}, deadline=2**32 - 2)
    never = Instruction(staker, 1, {0: 40})

    set_time(2**32 - 2)
    assert world.relay((last, world.sign(last, "staker"))) == (1, {})
    set_time(2**40)
    assert world.relay((never, world.sign(never, "staker"))) == (1, {})


@pytest.mark.parametrize("spare_bit", [234, 245, 255])
def test_relay_refuses_a_head_with_spare_bits(world: World, staker: str, spare_bit: int) -> None:
    """A message has one encoding: nobody can relay it as other bytes."""
    encoded = Instruction(staker, 0, {0: 100}).packed()
    head = (int.from_bytes(encoded[:32], "big") | 1 << spare_bit).to_bytes(32, "big")

    with refuses("instructions: malformed, pack them as sluice.instructions does"):
        world.escrow.relay(head + encoded[32:], packed_signatures([bytes(65)]))


# --- all or nothing, and nobody else's ------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_split", "reason"),
    [
        (((POOL, 9_999),), "split: shares must sum to 10_000 basis points"),
        (((POOL, 10_000), (WALLET, 1)), "split: shares must sum to 10_000 basis points"),
        (((POOL, 5_000), (POOL, 5_000)), "split: a destination is named twice"),
        (((65, 10_000),), "split: destinations are models 0 to 64, POOL 254 or WALLET 255"),
        (((253, 10_000),), "split: destinations are models 0 to 64, POOL 254 or WALLET 255"),
        (((POOL, 10_001),), "split: a share is 1 to 10_000 basis points"),
        (((POOL, 0), (WALLET, 10_000)), "split: a share is 1 to 10_000 basis points"),
    ],
)
def test_relay_changes_nothing_if_the_last_split_is_refused(
    world: World, staker: str, last_split: tuple[tuple[int, int], ...], reason: str
) -> None:
    """N12: an instruction is applied whole or not at all."""
    world.stake(staker, {0: 60}, pool_nano=40)
    splits = {0: HALVES, 5: (), 64: last_split}
    instruction = Instruction(staker, 0, {0: 50, 9: 50}, splits)

    with world.unchanged():
        applied, skipped = world.relay((instruction, world.sign(instruction, "staker")))
    assert (applied, skipped) == (0, {staker: reason})


def test_relay_sets_no_split_if_the_stakes_are_refused(world: World, staker: str) -> None:
    world.stake(staker, {0: 60}, pool_nano=40)
    instruction = Instruction(staker, 0, {0: 50, 9: 51}, {0: HALVES})

    with world.unchanged():
        applied, skipped = world.relay((instruction, world.sign(instruction, "staker")))
    assert (applied, skipped) == (0, {staker: "stakes: the pool holds too little, deposit first"})


def test_relay_names_the_first_thing_that_is_wrong(world: World, staker: str) -> None:
    """One instruction with everything wrong, put right step by step."""
    world.stake(staker, {0: 60}, pool_nano=40)
    world.escrow.cancel_instructions(3, sender=staker)
    twice = ((POOL, 5_000), (POOL, 5_000))
    wrong = Instruction(staker, 2, {1: 999}, {5: HALVES, 4: twice}, deadline=START - 1)
    steps: list[tuple[dict[str, Any], str]] = [
        ({}, "instruction: expired"),
        ({"deadline": START}, USED),
        ({"nonce": 4}, TO_COME),
        ({"nonce": 3}, NOT_SIGNED),
        ({}, "split: a destination is named twice"),
        ({"splits": {5: HALVES, 4: HALVES}}, "models: must be strictly ascending"),
        ({"splits": {4: HALVES, 5: HALVES}}, "stakes: the pool holds too little, deposit first"),
    ]
    for step, (change, reason) in enumerate(steps):
        wrong = replace(wrong, **change)
        signer = "staker" if step > 3 else "stranger"
        with world.unchanged():
            assert world.relay((wrong, world.sign(wrong, signer))) == (0, {staker: reason})
    right = replace(wrong, stakes_nano={1: 40})
    assert world.relay((right, world.sign(right, "staker"))) == (1, {})


def test_relay_logs_the_batch_and_each_that_it_skips(
    world: World, staker: str, other_staker: str, stranger: str
) -> None:
    """N21: an account's stakes and splits can be rebuilt from events alone."""
    for account in (staker, other_staker):
        world.stake(account, {0: 60}, pool_nano=40)
    listed = [
        Instruction(staker, 7, {0: 0}),
        Instruction(staker, 0, {0: 100}),
        Instruction(other_staker, 0, {0: 101}),
        Instruction(staker, 1, {}, {64: HALVES}),
    ]
    roles = ["staker", "staker", "other_staker", "staker"]
    encoded = b"".join(each.packed() for each in listed)
    signatures = [world.sign(each, role) for each, role in zip(listed, roles, strict=True)]
    set_time(START + 77)

    with world.moves():
        world.escrow.relay(encoded, packed_signatures(signatures), sender=stranger)

    short = "stakes: the pool holds too little, deposit first"
    assert world.events() == [
        ("InstructionSkipped", {"account": staker, "nonce": 7, "reason": TO_COME}),
        ("InstructionSkipped", {"account": other_staker, "nonce": 0, "reason": short}),
        (
            "InstructionsRelayed",
            {"instructions": encoded, "applied": 0b1010, "time": START + 77},
        ),
    ]


def test_relay_touches_nothing_but_the_account_that_signed(
    world: World, wallet: Any, staker: str
) -> None:
    """N19: all words, balances, counters and roles of everybody else stay as they are."""
    for account in [*world.watched.values()]:
        if account not in (world.watched["escrow"], world.watched["burner"]):
            world.stake(account, {0: 60, 5: 7}, pool_nano=40)
            world.escrow.set_split(5, [POOL], [10_000], sender=account)
    instruction = Instruction(staker, 0, {0: 0, 64: 100}, {0: HALVES, 5: (), 33: ((5, 10_000),)})
    before = world.state()

    assert world.relay((instruction, world.sign(instruction, "staker"))) == (1, {})

    after = world.state()
    assert after["words"].pop("staker") != before["words"].pop("staker")
    assert after == before


def test_relay_keeps_due_period_round_and_risks(world: World, staker: str) -> None:
    """What is due falls only as far as the pool does."""
    world.stake(staker, {0: 10**9}, pool_nano=40)
    world.run_passes(10, 11, staker)
    world.put_due(staker, 30)
    world.escrow.cancel_withdrawal(sender=staker)
    risks, before = world.lens.risks_of(staker), world.lens.position(staker)
    keeping = Instruction(staker, 0, {1: 10}, {0: HALVES})
    lowering = Instruction(staker, 1, {1: 25})

    assert world.relay((keeping, world.sign(keeping, "staker"))) == (1, {})
    assert (world.pool_nano(staker), world.due_nano(staker)) == (30, 30)
    assert world.relay((lowering, world.sign(lowering, "staker"))) == (1, {})
    assert (world.pool_nano(staker), world.due_nano(staker)) == (15, 15)
    after = world.lens.position(staker)
    assert (after.round, after.period) == (before.round, before.period)
    assert world.lens.risks_of(staker) == risks
