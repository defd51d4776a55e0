"""relay(instructions, signatures) for accounts that are contracts"""

from typing import Any

import boa
import pytest

from sluice.words import (
    POOL,
    WALLET,
)
from tests.escrow_world import (
    MAX,
    NMR,
    ZERO_ADDRESS,
    World,
    nano,
    refuses,
)
from tests.gas_limits import REVERTED, least_gas, outcomes
from tests.hostile import (
    HOSTILE_WALLETS,
    REVERTS,
    SAYS_YES,
    WALLET_GAS,
    calls_to,
    make_hostile,
)
from tests.messages import Instruction, packed_by_code

HALVES = ((POOL, 5_000), (WALLET, 5_000))
NOT_SIGNED = "signature: not the account's"
TOO_LITTLE_GAS = "gas: too little left for the next item, send more"
MAX_BYTES = 8_192


def test_relay_takes_the_signature_of_a_contract_wallet(world: World, wallet: Any) -> None:
    """N19: an account may be a contract; its own rule says who signs for it."""
    account = wallet.address.lower()
    world.stake(account, {0: 60}, pool_nano=40)
    instruction = Instruction(account, 0, {0: 0, 5: 99}, {5: HALVES})

    assert world.relay(world.signed(instruction, "stranger")) == (
        0,
        {account: NOT_SIGNED},
    )
    assert world.relay(world.signed(instruction, "staker")) == (1, {})

    assert world.stakes_nano(account) == {5: 99}
    (call,) = calls_to(world, account)
    assert (call.msg.is_static, call.msg.gas, call.msg.value) == (True, WALLET_GAS, 0)
    assert world.skip_reasons() == []


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
        world.signed(first, "staker"),
        world.signed(bad, "staker"),
        world.signed(last, "other_staker"),
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

    assert (applied, world.skip_reasons()) == (0, [NOT_SIGNED] * 5)
    assert [call.get_gas_used() for call in calls_to(world, account)] == [WALLET_GAS] * 5
    assert world.escrow._computation.get_gas_used() < 5 * (WALLET_GAS + quiet)


def arguments_of_externals(world: World) -> dict[str, tuple[Any, ...]]:
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
        "relay": (Instruction(wallet, 0, {0: 0}).packed(), packed_by_code(b"")),
        "pay": ([], [wallet], b""),
        "fund": (nano(1),),
        "withdraw_reserve": (nano(1),),
        "burn": (),
        "set_operator": (stranger,),
        "set_guardian": (stranger,),
        "transfer_ownership": (stranger,),
        "accept_ownership": (),
        "veto": (10,),
        "pause": (),
        "unpause": (),
        "offer_move": (stranger,),
        "accept_move": (stranger,),
        "relay_move": (wallet, stranger, MAX, b"", b""),
        "word": (int(wallet, 16),),
        "reserve": (),
        "burned": (),
    }


def test_relay_lets_a_wallet_call_nothing_of_the_escrow(world: World, wallet: Any) -> None:
    """N10: the check is static and the lock is held, for views of accounts and NMR too. Each of
    these calls would do something otherwise, the wallet being owner, operator and guardian as
    well."""
    account = wallet.address.lower()
    world.stake(account, {0: 60}, pool_nano=40)
    world.give(account, 10 * NMR)
    owner = world.watched["owner"]
    world.escrow.set_operator(account, sender=owner)
    world.escrow.set_guardian(account, sender=owner)
    world.escrow.transfer_ownership(account, sender=owner)
    world.escrow.accept_ownership(sender=account)
    instruction = Instruction(account, 0, {0: 1})
    arguments = arguments_of_externals(world)
    # what anybody may read at any time: they tell nothing that a call could be about to change
    free = {"owner", "pending_owner", "operator", "guardian", "paused_at"}
    free |= {"round_state", "domain", "parameters"}
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


def _takes_anything(world: World, wallet: Any) -> tuple[str, Instruction]:
    """Makes a wallet with a stake say yes to every signature; returns it and what it asks for."""
    account = wallet.address.lower()
    world.stake(account, {0: 60})
    wallet.be_honest(ZERO_ADDRESS)
    return account, Instruction(account, 0, {0: 0})


@pytest.mark.parametrize("length", [0, 1, 64, 65, 66, 130, 2_047, 2_048])
def test_relay_hands_a_wallet_signatures_of_any_length(
    world: World, wallet: Any, length: int
) -> None:
    """Whatever a wallet takes for a signature: none, 31 owners', and 65 bytes that are no key's."""
    account, instruction = _takes_anything(world, wallet)

    assert world.relay((instruction, b"\xab" * length)) == (1, {})

    (call,) = calls_to(world, account)
    # selector, hash, offset, length, and the signature in whole words
    assert len(call.msg.data) == 100 + -(-length // 32) * 32
    assert call.msg.data[100 : 100 + length] == b"\xab" * length


@pytest.mark.parametrize("length", [2_049, 2_080, 4_096, MAX_BYTES - 64])
def test_relay_asks_no_wallet_about_a_signature_beyond_the_limit(
    world: World, wallet: Any, length: int
) -> None:
    account, instruction = _takes_anything(world, wallet)

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

    assert world.relay((bad, bytes(2_049)), world.signed(good, "staker")) == (
        0b10,
        {account: NOT_SIGNED},
    )


def test_relay_asks_no_code_about_a_key_signature(world: World, staker: str) -> None:
    """An account may have a key and code (EIP-7702): its key signs whatever its code would say, and
    its code is asked only about what is packed for it."""
    world.stake(staker, {0: 60})
    boa.env.set_code(staker, REVERTS)
    instruction = Instruction(staker, 0, {0: 0})

    applied, _ = world.relay(world.signed(instruction, "stranger"))
    assert (applied, calls_to(world, staker)) == (0, [])
    applied, _ = world.relay((instruction, b"any"))
    assert (applied, len(calls_to(world, staker))) == (0, 1)
    applied, _ = world.relay(world.signed(instruction, "staker"))
    assert (applied, calls_to(world, staker)) == (1, [])


def test_relay_asks_the_code_even_about_what_the_key_signed(world: World, staker: str) -> None:
    """Whoever packs a batch says which of the two is asked."""
    world.stake(staker, {0: 60})
    instruction = Instruction(staker, 0, {0: 0})
    by_code = packed_by_code(world.sign(instruction, "staker"))

    for code, applied in ((b"", 0), (REVERTS, 0), (SAYS_YES, 1)):
        boa.env.set_code(staker, code)
        world.escrow.relay(instruction.packed(), by_code)
        assert world.events()[-1][1]["applied"] == applied


def test_relay_takes_what_the_code_of_an_account_with_a_key_says(
    world: World, wallet: Any, staker: str
) -> None:
    """The code that an account delegated to (EIP-7702) may sign for it as well."""
    world.stake(staker, {0: 60})
    wallet.be_honest(ZERO_ADDRESS)
    boa.env.set_code(staker, bytes.fromhex("ef0100" + wallet.address[2:]))
    by_code = Instruction(staker, 0, {0: 40})
    by_key = Instruction(staker, 1, {0: 20})

    assert world.relay((by_code, b"any"), world.signed(by_key, "staker")) == (0b11, {})
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

    def applied(gas: int) -> int:
        bitmap, _ = world.relay((instruction, signature), gas=gas)
        (call,) = calls_to(world, account)
        assert call.msg.gas == WALLET_GAS
        return bitmap

    border = least_gas(applied, 100_000, 400_000)
    assert outcomes(applied, range(border, border + 500, 7)) == {1}
    assert outcomes(applied, range(border - 1, border - 500, -7)) == {REVERTED}
    with refuses(TOO_LITTLE_GAS):
        applied(border - 1)
