"""What the gas bench measures beside the escrow does its work, or its figures mean nothing."""

from typing import Any

import boa
import pytest

pytestmark = pytest.mark.usefixtures("fresh_chain")

ZERO = "0x" + "00" * 20
ENDLESS = 2**256 - 1


@pytest.fixture
def token() -> Any:
    return boa.load("contracts/test/PlainToken.vy")


@pytest.fixture
def payees() -> list[str]:
    return [str(boa.env.generate_address(f"payee {number}")) for number in range(3)]


def test_plain_token_moves_by_allowance_and_uses_it_up(
    token: Any, payees: list[str], spender: str
) -> None:
    token.approve(spender, 5)

    assert token.transferFrom(boa.env.eoa, payees[0], 4, sender=spender)
    assert token.balanceOf(payees[0]) == 4
    assert token.allowance(boa.env.eoa, spender) == 1
    with boa.reverts():
        token.transferFrom(boa.env.eoa, payees[0], 2, sender=spender)


def test_plain_token_keeps_an_endless_allowance(
    token: Any, payees: list[str], spender: str
) -> None:
    token.approve(spender, ENDLESS)

    assert token.transferFrom(boa.env.eoa, payees[0], 4, sender=spender)
    assert token.allowance(boa.env.eoa, spender) == ENDLESS


def test_plain_token_refuses_the_zero_address_and_too_little(
    token: Any, payees: list[str], spender: str
) -> None:
    token.approve(spender, 5)

    with boa.reverts("token: the zero address receives nothing"):
        token.transfer(ZERO, 1)
    with boa.reverts("token: the zero address receives nothing"):
        token.transferFrom(boa.env.eoa, ZERO, 1, sender=spender)
    with boa.reverts():
        token.transfer(boa.env.eoa, 1, sender=payees[0])


def test_distributor_and_loop_pay_each_and_keep_nothing(token: Any, payees: list[str]) -> None:
    amounts = [3, 5, 7]
    for name in ("Distributor", "PlainLoop"):
        sender = boa.load(f"contracts/test/{name}.vy")
        token.approve(sender.address, sum(amounts))
        if name == "Distributor":
            sender.distribute_token(token.address, (list(zip(payees, amounts, strict=True)),))
        else:
            sender.disperse(token.address, payees, amounts)
        assert token.balanceOf(sender.address) == 0

    assert [token.balanceOf(payee) for payee in payees] == [6, 10, 14]
