"""relay_move(account, to, deadline, signature, to_signature) for accounts that are contracts"""

from typing import Any

import boa
import pytest

from tests.compiled import deployer_of
from tests.escrow_world import STAKE, World, refuses, revert_reason
from tests.hostile import (
    HOSTILE_WALLETS,
    REVERTS,
    SAYS_YES,
    WALLET_GAS,
    calls_to,
    make_hostile,
)
from tests.messages import Move
from tests.moving import ASKED, NEW, NOT_SIGNED, OLD, both, moved, signature

TOO_LITTLE_GAS = "gas: too little left for the next item, send more"


@pytest.fixture
def wallets(opened: World, wallet: Any) -> World:
    """The old account's stake, moved by transactions to a contract wallet of the staker's."""
    opened.move(OLD, wallet.address.lower())
    return opened


@pytest.mark.parametrize("side", ["account", "to", "both"])
@pytest.mark.parametrize("length", [1, 64, 65, 2_048])
def test_relay_move_asks_a_contract_wallet(
    opened: World, wallet: Any, side: str, length: int
) -> None:
    """N12 N19: either side may be one; 64 bytes that are no key's are a wallet's too."""
    second = deployer_of("test/HostileWallet.vy").deploy()
    for each in (wallet, second):
        boa.env.set_code(each.address, SAYS_YES)
    account = OLD if side == "to" else wallet.address.lower()
    to = NEW if side == "account" else second.address.lower()
    if account != OLD:
        opened.move(OLD, account)
    asked = Move(account, to)
    given = b"\x02" * length
    signatures = (
        signature(opened, "staker", asked) if account == OLD else given,
        signature(opened, "stranger", asked) if to == NEW else given,
    )

    opened.relay_move(asked, *signatures)

    asked_of = [each for each in (account, to) if each not in (OLD, NEW)]
    for each in asked_of:
        (call,) = calls_to(opened, each)
        assert (call.msg.is_static, call.msg.gas, call.msg.value) == (True, WALLET_GAS, 0)
        assert given in bytes(call.msg.data)
    assert opened.stakes_nano(to) == {0: STAKE}


def test_relay_move_takes_what_the_wallets_owner_signed(wallets: World, wallet: Any) -> None:
    """65 bytes as wallets make them: the wallet's own rule says who signs for it."""
    asked = Move(wallet.address.lower(), NEW)
    new = signature(wallets, "stranger", asked)
    with wallets.unchanged(), refuses(NOT_SIGNED):
        wallets.relay_move(asked, wallets.sign(asked, "stranger"), new)

    wallets.relay_move(asked, wallets.sign(asked, "staker"), new)

    assert moved(wallets)


@pytest.mark.filterwarnings("ignore:SELFDESTRUCT:DeprecationWarning")
@pytest.mark.parametrize("kind", HOSTILE_WALLETS)
@pytest.mark.parametrize("side", [0, 1])
def test_relay_move_refuses_what_a_hostile_wallet_does_not_clearly_sign(
    opened: World, wallet: Any, kind: str, side: int
) -> None:
    """N19: exactly the 32 bytes of a yes count."""
    address = wallet.address.lower()
    if side == 0:
        opened.move(OLD, address)
    asked = Move(address, NEW) if side == 0 else Move(OLD, address)
    make_hostile(wallet, kind)
    signatures = [signature(opened, "staker", asked), signature(opened, "stranger", asked)]
    signatures[side] = b"\x03" * 65

    with opened.unchanged(), refuses(NOT_SIGNED):
        opened.relay_move(asked, *signatures)


def test_relay_move_asks_a_key_before_its_code(opened: World) -> None:
    """N19: an account with code (EIP-7702) signs by its key, whatever its code says; what its key
    did not sign is its code's to say."""
    good = both(opened)
    with boa.env.anchor():
        boa.env.set_code(OLD, REVERTS)
        opened.relay_move(ASKED, *good)
        assert moved(opened)
        assert calls_to(opened, OLD) == []
    boa.env.set_code(OLD, SAYS_YES)
    opened.relay_move(ASKED, b"\x01" * 64, good[1])
    assert moved(opened)


def test_relay_move_refuses_too_little_gas_for_a_wallet(wallets: World, wallet: Any) -> None:
    """Nobody makes a good signature look bad by sending little gas; nothing is lost then either."""
    asked = Move(wallet.address.lower(), NEW)
    wallet.need_gas(WALLET_GAS - 30_000)
    given = wallets.sign(asked, "staker"), signature(wallets, "stranger", asked)
    reasons = set()
    for gas in range(150_000, 400_000, 5_000):
        with boa.env.anchor():
            reasons.add(_reason(wallets, asked, given, gas))

    assert NOT_SIGNED not in reasons
    assert {"moved", TOO_LITTLE_GAS} <= reasons


def _reason(world: World, asked: Move, given: tuple[bytes, bytes], gas: int) -> str:
    """What became of a move sent with so much gas; empty if it ran out."""
    try:
        world.relay_move(asked, *given, gas=gas)
    except boa.BoaError as error:
        return revert_reason(error)
    assert moved(world)
    return "moved"
