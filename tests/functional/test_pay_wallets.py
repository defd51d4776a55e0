"""pay(requests, due_accounts, signatures) for accounts that are contracts"""

from typing import Any

import boa
import pytest

from sluice.ledger import Skip
from tests.escrow_world import (
    MAX,
    START,
    ZERO_ADDRESS,
    World,
    nano,
    refuses,
)
from tests.gas_limits import REVERTED, least_gas, outcomes
from tests.hostile import (
    HOSTILE_WALLETS,
    REVERTS,
    WALLET_GAS,
    calls_to,
    make_hostile,
)
from tests.messages import Withdrawal


def test_pay_takes_the_request_of_a_contract_wallet(world: World, wallet: Any) -> None:
    """S20 N19: an account may be a contract; its own rule says who signs for it."""
    account = wallet.address.lower()
    world.stake(account, {}, pool_nano=13)
    request = Withdrawal(account, 4, 1)

    with world.unchanged():
        assert world.pay(world.signed(request, "stranger")) == [(0, Skip.SIGNATURE)]
    with world.moves(wallet=nano(4), escrow=-nano(4)):
        assert world.pay(world.signed(request, "staker")) == [(4, Skip.PAID)]

    (call,) = calls_to(world, account)
    assert (call.msg.is_static, call.msg.gas, call.msg.value) == (True, WALLET_GAS, 0)
    assert world.period(account) == 1


# one of them destroys itself, of which py-evm warns
@pytest.mark.filterwarnings("ignore:SELFDESTRUCT:DeprecationWarning")
@pytest.mark.parametrize("kind", HOSTILE_WALLETS)
def test_pay_skips_a_hostile_wallet_and_pays_the_others(
    world: World, wallet: Any, staker: str, other_staker: str, kind: str
) -> None:
    """N10: a wallet that reverts, burns gas, writes or answers garbage harms only itself."""
    account = wallet.address.lower()
    for each in (account, staker, other_staker):
        world.stake(each, {}, pool_nano=13)
    first, bad, last = (Withdrawal(each, 4, 1) for each in (staker, account, other_staker))
    make_hostile(wallet, kind)
    before = world.words(account)

    with world.moves(staker=nano(4), other_staker=nano(4), escrow=-nano(8)):
        paid = world.pay(
            world.signed(first, "staker"),
            world.signed(bad, "staker"),
            world.signed(last, "other_staker"),
        )

    assert paid == [(4, Skip.PAID), (0, Skip.SIGNATURE), (4, Skip.PAID)]
    assert world.words(account) == before


def test_pay_gives_each_wallet_no_more_gas_than_its_cap(world: World, wallet: Any) -> None:
    """N10: what a hostile wallet can burn is bounded, and the batch goes on."""
    account = wallet.address.lower()
    request = Withdrawal(account, 4, 1)
    world.pay((request, bytes(65)))
    quiet = world.escrow._computation.get_gas_used()
    make_hostile(wallet, "burns all gas")

    assert world.pay(*[(request, bytes(65))] * 5) == [(0, Skip.SIGNATURE)] * 5

    assert [call.get_gas_used() for call in calls_to(world, account)] == [WALLET_GAS] * 5
    assert world.escrow._computation.get_gas_used() < 5 * (WALLET_GAS + quiet)


def test_pay_asks_no_wallet_about_a_request_whose_time_is_not_now(
    world: World, wallet: Any
) -> None:
    """N10: nor does it cost the batch what the wallet may burn."""
    account = wallet.address.lower()
    make_hostile(wallet, "burns all gas")
    requests = [
        Withdrawal(account, 4, 0),
        Withdrawal(account, 4, 2),
        Withdrawal(account, 4, 1, deadline=START - 1),
    ]

    assert world.pay(*[(request, b"") for request in requests]) == [
        (0, Skip.TURN_USED),
        (0, Skip.PERIOD_TO_COME),
        (0, Skip.EXPIRED),
    ]
    assert calls_to(world, account) == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("withdraw", (MAX,)),
        ("leave", ()),
        ("deposit", (nano(1),)),
        ("cancel_withdrawal", ()),
        ("cancel_instructions", (5,)),
        ("set_stakes", ([0], [0])),
        ("word", (1,)),
        ("reserve", ()),
    ],
)
def test_pay_lets_a_wallet_call_nothing_of_the_escrow(
    world: World, wallet: Any, name: str, arguments: tuple[Any, ...]
) -> None:
    account = wallet.address.lower()
    world.stake(account, {}, pool_nano=13)
    world.give(account, nano(5))
    wallet.call_back(world.escrow.address, getattr(world.escrow, name).prepare_calldata(*arguments))
    request = Withdrawal(account, 4, 1)

    with world.unchanged():
        assert world.pay((request, b"")) == [(0, Skip.SIGNATURE)]


@pytest.mark.parametrize("length", [0, 65, 2_048])
def test_pay_hands_a_wallet_signatures_of_any_length(
    world: World, wallet: Any, length: int
) -> None:
    account = wallet.address.lower()
    world.stake(account, {}, pool_nano=13)
    wallet.be_honest(ZERO_ADDRESS)
    request = Withdrawal(account, 4, 1)

    assert world.pay((request, b"\xab" * length)) == [(4, Skip.PAID)]
    (call,) = calls_to(world, account)
    assert call.msg.data[100 : 100 + length] == b"\xab" * length


def test_pay_asks_no_wallet_about_a_signature_beyond_the_limit(
    world: World, wallet: Any, staker: str
) -> None:
    account = wallet.address.lower()
    for each in (account, staker):
        world.stake(each, {}, pool_nano=13)
    wallet.be_honest(ZERO_ADDRESS)
    bad, good = Withdrawal(account, 4, 1), Withdrawal(staker, 4, 1)

    paid = world.pay((bad, bytes(2_049)), world.signed(good, "staker"))

    assert paid == [(0, Skip.SIGNATURE), (4, Skip.PAID)]
    assert calls_to(world, account) == []


def test_pay_asks_no_code_about_a_key_signature(world: World, staker: str) -> None:
    """An account may have a key and code (EIP-7702): its key signs whatever its code would say, and
    its code is asked only about what is packed for it."""
    world.stake(staker, {}, pool_nano=13)
    boa.env.set_code(staker, REVERTS)
    request = Withdrawal(staker, 4, 1)

    assert world.pay(world.signed(request, "stranger")) == [(0, Skip.SIGNATURE)]
    assert calls_to(world, staker) == []
    assert world.pay((request, b"any")) == [(0, Skip.SIGNATURE)]
    assert len(calls_to(world, staker)) == 1
    assert world.pay(world.signed(request, "staker")) == [(4, Skip.PAID)]
    assert calls_to(world, staker) == []


def test_pay_reverts_rather_than_give_a_wallet_too_little_gas(world: World, wallet: Any) -> None:
    """Nobody can have a good request skipped by sending too little gas: at the very border the
    wallet still has all of its cap, and below it the whole call reverts and says so."""
    account = wallet.address.lower()
    world.stake(account, {}, pool_nano=13)
    request = Withdrawal(account, 4, 1)
    wallet.need_gas(WALLET_GAS - 2_000)

    def pay(gas: int) -> tuple[int, Skip]:
        (paid,) = world.pay((request, bytes(2_048)), gas=gas)
        (call,) = calls_to(world, account)
        assert call.msg.gas == WALLET_GAS
        return paid

    border = least_gas(pay, 100_000, 400_000)
    assert outcomes(pay, range(border, border + 500, 17)) == {(4, Skip.PAID)}
    assert outcomes(pay, range(border - 1, border - 500, -17)) == {REVERTED}
    with refuses("gas: too little left for the next item, send more"):
        pay(border - 1)
