"""Each hostile token does its one bad thing, and is an ordinary token otherwise."""

from typing import Any

import boa
import pytest

from tests.unit.conftest import calldata

pytestmark = pytest.mark.usefixtures("fresh_chain")

GAS_GIVEN = 200_000


@pytest.fixture
def payee() -> str:
    return str(boa.env.generate_address("payee"))


@pytest.mark.parametrize("name", ["FalseToken", "FeeToken", "ReentrantToken", "GasEaterToken"])
def test_unarmed_it_is_an_ordinary_token(name: str, payee: str, spender: str) -> None:
    token = boa.load(f"contracts/test/{name}.vy")
    owner = boa.env.eoa

    assert token.transfer(payee, 3)
    assert token.approve(spender, 5)
    assert token.transferFrom(owner, payee, 4, sender=spender)
    assert token.mint(2, sender=payee)
    assert token.balanceOf(payee) == 5
    assert token.allowance(owner, spender) == 1
    assert token.totalSupply() == token.balanceOf(owner) + 5


def test_false_token_answers_false_and_moves_nothing(payee: str, spender: str) -> None:
    token = boa.load("contracts/test/FalseToken.vy")
    token.approve(spender, 5)
    token.set_refusing(True)

    assert token.transfer(payee, 3) is False
    assert token.transferFrom(boa.env.eoa, payee, 4, sender=spender) is False
    assert token.balanceOf(payee) == 0
    token.set_refusing(False)
    assert token.transfer(payee, 3)


def test_fee_token_keeps_its_share_of_whole_nanos(payee: str, spender: str) -> None:
    token = boa.load("contracts/test/FeeToken.vy")
    token.approve(spender, 10**18)
    token.set_fee(100)

    assert token.transfer(payee, 2 * 10**11)
    assert token.balanceOf(payee) == 198 * 10**9
    assert token.transferFrom(boa.env.eoa, payee, 10**11 - 1, sender=spender)
    assert token.balanceOf(payee) == 298 * 10**9 - 1
    assert token.balanceOf(spender) == 0
    token.set_fee(10_000)
    assert token.transfer(spender, 10**9)
    assert token.balanceOf(spender) == 0


def test_reentrant_token_calls_back_and_records_the_outcome(payee: str) -> None:
    token = boa.load("contracts/test/ReentrantToken.vy")
    other = boa.load("contracts/test/StandInNmr.vy", False)
    token.arm(other.address, calldata("approve(address,uint256)", payee, 1))

    token.transfer(payee, 1)
    assert other.allowance(token.address, payee) == 1
    assert (token.attempts(), token.successes()) == (1, 1)
    assert token.last_answer() == (1).to_bytes(32, "big")
    # The second approval from non-zero is refused, which must not stop the transfer.
    token.transfer(payee, 1)
    assert token.balanceOf(payee) == 2
    assert (token.attempts(), token.successes()) == (2, 1)


def test_gas_eater_reverts_or_eats_the_gas_of_one_payee_only(payee: str, spender: str) -> None:
    token = boa.load("contracts/test/GasEaterToken.vy")
    token.set_trap(payee, False)
    with boa.reverts():
        token.transfer(payee, 1, gas=GAS_GIVEN)
    assert gas_of_failed_transfer(token, payee) < GAS_GIVEN // 5

    token.set_trap(payee, True)
    assert gas_of_failed_transfer(token, payee) == GAS_GIVEN
    assert token.transfer(spender, 1)


def gas_of_failed_transfer(token: Any, payee: str) -> int:
    """What a transfer that must fail uses up of GAS_GIVEN."""
    data = calldata("transfer(address,uint256)", payee, 1)
    done = boa.env.execute_code(to_address=token.address, data=data, gas=GAS_GIVEN)
    assert done.is_error
    used: int = done.get_gas_used()
    return used
