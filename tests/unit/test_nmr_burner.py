"""The burner destroys exactly what it is asked to, or reverts with the reason."""

from typing import Any

import boa
import pytest
from boa import BoaError

from tests.escrow_world import NMR, SUPPLY, ZERO_ADDRESS

pytestmark = pytest.mark.usefixtures("fresh_chain")

# A token of the shape that the burner reads; `mint` is put in by each test, or left out.
HOSTILE_TOKEN = """
# pragma version 0.4.3
# pragma evm-version prague
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])

@deploy
def __init__():
    self.totalSupply = 11_000_000 * 10**18

@external
def give(receiver: address, amount: uint256):
    self.balanceOf[receiver] += amount

@external
@payable
def __default__():
    pass
"""


@pytest.fixture
def treasury() -> str:
    return str(boa.env.generate_address("treasury"))


@pytest.fixture
def nmr(treasury: str) -> Any:
    with boa.env.prank(treasury):
        return boa.load("contracts/test/StandInNmr.vy", False)


@pytest.fixture
def burner(nmr: Any) -> Any:
    return boa.load("contracts/NmrBurner.vy", nmr.address)


def burner_of_hostile_token(mint: str) -> tuple[Any, Any]:
    """A burner that holds 5 NMR of a token with this `mint` function, and the token."""
    token = boa.loads(HOSTILE_TOKEN + mint)
    burner = boa.load("contracts/NmrBurner.vy", token.address)
    token.give(burner.address, 5 * NMR)
    return burner, token


def assert_nothing_burned(burner: Any, token: Any) -> None:
    assert token.balanceOf(burner.address) == 5 * NMR
    assert token.totalSupply() == SUPPLY


def test_constructor_refuses_a_token_without_code(stranger: str) -> None:
    with pytest.raises(BoaError, match="burner: token has no code"):
        boa.load("contracts/NmrBurner.vy", stranger)


def test_burner_names_its_token(burner: Any, nmr: Any) -> None:
    assert burner.token() == nmr.address


def test_burn_refuses_zero(burner: Any) -> None:
    with boa.reverts("burner: amount must not be zero"):
        burner.burn(0)


@pytest.mark.parametrize("excess_burn_eats_gas", [False, True])
def test_burn_refuses_more_than_lies_here(treasury: str, excess_burn_eats_gas: bool) -> None:
    with boa.env.prank(treasury):
        nmr = boa.load("contracts/test/StandInNmr.vy", excess_burn_eats_gas)
        burner = boa.load("contracts/NmrBurner.vy", nmr.address)
        nmr.transfer(burner.address, 5 * NMR)

    with boa.reverts("burner: send the NMR here first"):
        burner.burn(5 * NMR + 1)
    assert_nothing_burned(burner, nmr)


def test_burn_refuses_when_the_token_answers_false(burner: Any, nmr: Any, treasury: str) -> None:
    nmr.transfer(burner.address, 5 * NMR, sender=treasury)
    nmr.set_stopped(True, sender=treasury)

    with boa.reverts("burner: token refused to burn"):
        burner.burn(NMR)
    assert_nothing_burned(burner, nmr)


def test_burn_refuses_when_the_token_swallows_mint() -> None:
    burner, token = burner_of_hostile_token(mint="")

    with boa.reverts("burner: token refused to burn"):
        burner.burn(NMR)
    assert_nothing_burned(burner, token)


def test_burn_refuses_when_the_token_says_true_and_does_nothing() -> None:
    burner, token = burner_of_hostile_token("""
@external
def mint(amount: uint256) -> bool:
    return True
""")

    with boa.reverts("burner: supply fell by another sum"):
        burner.burn(NMR)
    assert_nothing_burned(burner, token)


def test_burn_refuses_when_the_token_burns_more() -> None:
    burner, token = burner_of_hostile_token("""
@external
def mint(amount: uint256) -> bool:
    self.totalSupply -= 2 * amount
    self.balanceOf[msg.sender] -= 2 * amount
    return True
""")

    with boa.reverts("burner: supply fell by another sum"):
        burner.burn(NMR)
    assert_nothing_burned(burner, token)


def test_burn_refuses_when_the_balance_stays() -> None:
    burner, token = burner_of_hostile_token("""
@external
def mint(amount: uint256) -> bool:
    self.totalSupply -= amount
    return True
""")

    with boa.reverts("burner: balance fell by another sum"):
        burner.burn(NMR)
    assert_nothing_burned(burner, token)


def test_burn_refuses_re_entrance() -> None:
    burner, token = burner_of_hostile_token("""
interface Burner:
    def burn(amount: uint256): nonpayable

@external
def mint(amount: uint256) -> bool:
    extcall Burner(msg.sender).burn(amount)
    self.totalSupply -= amount
    self.balanceOf[msg.sender] -= amount
    return True
""")

    with boa.reverts():
        burner.burn(NMR)
    assert_nothing_burned(burner, token)


def test_burn_destroys_exactly_the_amount_whoever_calls(
    burner: Any, nmr: Any, treasury: str, stranger: str
) -> None:
    nmr.transfer(burner.address, 5 * NMR, sender=treasury)
    burner.burn(2 * NMR, sender=stranger)

    logs = [(type(log).__name__, log.address, *log[1:]) for log in burner.get_logs()]
    assert logs == [
        ("Transfer", nmr.address, burner.address, ZERO_ADDRESS, 2 * NMR),
        ("Burned", burner.address, 2 * NMR),
    ]
    assert nmr.balanceOf(burner.address) == 3 * NMR
    assert nmr.totalSupply() == SUPPLY - 2 * NMR
    assert nmr.balanceOf(stranger) == 0
    assert nmr.balanceOf(treasury) == SUPPLY - 5 * NMR


def test_burn_can_destroy_all_that_lies_here(burner: Any, nmr: Any, treasury: str) -> None:
    nmr.transfer(burner.address, 5 * NMR, sender=treasury)
    burner.burn(5 * NMR)

    assert nmr.balanceOf(burner.address) == 0
    assert nmr.totalSupply() == SUPPLY - 5 * NMR
