"""The stand-in token shows every oddity of the NMR token that escrow, scripts and page rely on."""

from typing import Any

import boa
import pytest
from boa.contracts.vyper.vyper_contract import VyperContract
from eth.abc import ComputationAPI
from eth_utils.address import to_checksum_address

from tests.escrow_world import NMR, SUPPLY, ZERO_ADDRESS
from tests.unit.conftest import calldata

pytestmark = pytest.mark.usefixtures("fresh_chain")

SOURCE = "contracts/test/StandInNmr.vy"
LAST_RELAYED = to_checksum_address(f"0x{1_000_000:040x}")
FIRST_NOT_RELAYED = to_checksum_address(f"0x{1_000_001:040x}")
GAS_GIVEN = 500_000
TRUE_WORD = (1).to_bytes(32, "big")
FALSE_WORD = bytes(32)


@pytest.fixture
def relay() -> str:
    return str(boa.env.generate_address("relay"))


@pytest.fixture
def holder() -> str:
    return str(boa.env.generate_address("holder"))


@pytest.fixture
def nmr(relay: str, holder: str) -> Any:
    with boa.env.prank(relay):
        token = boa.load(SOURCE, False)
        token.transfer(holder, 100 * NMR)
    return token


@pytest.fixture
def gas_eating_nmr(relay: str, holder: str) -> Any:
    with boa.env.prank(relay):
        token = boa.load(SOURCE, True)
        token.transfer(holder, 100 * NMR)
    return token


def call(token: VyperContract, sender: str, data: bytes, value_wei: int = 0) -> ComputationAPI:
    """A raw call with GAS_GIVEN, so that return data and gas can be looked at."""
    done: ComputationAPI = boa.env.execute_code(
        to_address=token.address, sender=sender, data=data, value=value_wei, gas=GAS_GIVEN
    )
    return done


def assert_reverted_without_data(computation: ComputationAPI) -> None:
    assert computation.is_error
    assert computation.output == b""
    assert computation.get_gas_used() < GAS_GIVEN // 5


def assert_ate_all_gas(computation: ComputationAPI) -> None:
    assert computation.is_error
    assert computation.output == b""
    assert computation.get_gas_used() == GAS_GIVEN


def events(token: Any) -> list[tuple[Any, ...]]:
    """Name and arguments of the last call's events."""
    return [(type(log).__name__, *log[1:]) for log in token.get_logs()]


def test_supply_is_eleven_million_with_18_decimals_at_the_deployer(relay: str) -> None:
    with boa.env.prank(relay):
        token = boa.load(SOURCE, False)

    assert token.decimals() == 18
    assert token.symbol() == "NMR"
    assert token.name() == "Numeraire"
    assert token.totalSupply() == SUPPLY
    assert token.balanceOf(relay) == SUPPLY


def test_transfer_returns_a_32_byte_true_and_moves_the_amount(
    nmr: Any, holder: str, stranger: str
) -> None:
    done = call(nmr, holder, calldata("transfer(address,uint256)", stranger, NMR))

    assert not done.is_error
    assert done.output == TRUE_WORD
    assert nmr.balanceOf(stranger) == NMR
    assert nmr.balanceOf(holder) == 99 * NMR
    assert nmr.totalSupply() == SUPPLY


def test_transfer_from_returns_a_32_byte_true(
    nmr: Any, holder: str, spender: str, stranger: str
) -> None:
    nmr.approve(spender, 5 * NMR, sender=holder)
    data = calldata("transferFrom(address,address,uint256)", holder, stranger, 2 * NMR)
    done = call(nmr, spender, data)

    assert done.output == TRUE_WORD
    assert nmr.balanceOf(stranger) == 2 * NMR
    assert nmr.balanceOf(holder) == 98 * NMR
    assert nmr.allowance(holder, spender) == 3 * NMR


def test_approve_returns_a_32_byte_true(nmr: Any, holder: str, spender: str) -> None:
    done = call(nmr, holder, calldata("approve(address,uint256)", spender, NMR))

    assert done.output == TRUE_WORD
    assert nmr.allowance(holder, spender) == NMR


def test_transfer_and_approve_log_their_events(nmr: Any, holder: str, spender: str) -> None:
    nmr.transfer(spender, NMR, sender=holder)
    assert events(nmr) == [("Transfer", holder, spender, NMR)]
    nmr.approve(spender, 7, sender=holder)
    assert events(nmr) == [("Approval", holder, spender, 7)]


def test_approve_from_non_zero_to_non_zero_reverts_without_data(
    nmr: Any, holder: str, spender: str
) -> None:
    nmr.approve(spender, NMR, sender=holder)
    refused = call(nmr, holder, calldata("approve(address,uint256)", spender, 2 * NMR))

    assert_reverted_without_data(refused)
    assert nmr.allowance(holder, spender) == NMR


def test_approve_zero_first_allows_another_amount(nmr: Any, holder: str, spender: str) -> None:
    nmr.approve(spender, NMR, sender=holder)
    nmr.approve(spender, 0, sender=holder)
    nmr.approve(spender, 2 * NMR, sender=holder)

    assert nmr.allowance(holder, spender) == 2 * NMR


def test_change_approval_goes_from_the_old_amount_to_the_new(
    nmr: Any, holder: str, spender: str
) -> None:
    nmr.approve(spender, NMR, sender=holder)
    assert nmr.changeApproval(spender, NMR, 2 * NMR, sender=holder)

    assert events(nmr) == [("Approval", holder, spender, 2 * NMR)]
    assert nmr.allowance(holder, spender) == 2 * NMR


def test_change_approval_of_a_wrong_old_amount_reverts_without_data(
    nmr: Any, holder: str, spender: str
) -> None:
    nmr.approve(spender, NMR, sender=holder)
    data = calldata("changeApproval(address,uint256,uint256)", spender, 2 * NMR, 3 * NMR)

    assert_reverted_without_data(call(nmr, holder, data))
    assert nmr.allowance(holder, spender) == NMR


def test_infinite_allowance_is_used_up(nmr: Any, holder: str, spender: str) -> None:
    nmr.approve(spender, 2**256 - 1, sender=holder)
    nmr.transferFrom(holder, spender, NMR, sender=spender)

    assert nmr.allowance(holder, spender) == 2**256 - 1 - NMR


def test_transfer_from_logs_no_approval(nmr: Any, holder: str, spender: str) -> None:
    nmr.approve(spender, NMR, sender=holder)
    nmr.transferFrom(holder, spender, NMR, sender=spender)

    assert events(nmr) == [("Transfer", holder, spender, NMR)]


@pytest.mark.parametrize("call_name", ["transfer", "transferFrom", "approve"])
def test_one_byte_too_many_eats_all_gas(
    nmr: Any, holder: str, spender: str, call_name: str
) -> None:
    nmr.approve(spender, NMR, sender=holder)
    sender, data = {
        "transfer": (holder, calldata("transfer(address,uint256)", spender, 1)),
        "transferFrom": (
            spender,
            calldata("transferFrom(address,address,uint256)", holder, spender, 1),
        ),
        "approve": (holder, calldata("approve(address,uint256)", spender, 0)),
    }[call_name]

    assert_ate_all_gas(call(nmr, sender, data + b"\x00"))
    assert nmr.balanceOf(spender) == 0
    assert nmr.allowance(holder, spender) == NMR
    assert call(nmr, sender, data).output == TRUE_WORD


@pytest.mark.parametrize("call_name", ["transfer", "transferFrom", "approve"])
def test_one_byte_too_few_fails(nmr: Any, holder: str, spender: str, call_name: str) -> None:
    data = {
        "transfer": calldata("transfer(address,uint256)", spender, 0),
        "transferFrom": calldata("transferFrom(address,address,uint256)", holder, spender, 0),
        "approve": calldata("approve(address,uint256)", spender, 0),
    }[call_name]

    assert call(nmr, holder, data[:-1]).is_error
    assert call(nmr, holder, data).output == TRUE_WORD


def test_transfer_of_too_much_reverts_without_data(nmr: Any, holder: str, stranger: str) -> None:
    data = calldata("transfer(address,uint256)", stranger, 100 * NMR + 1)

    assert_reverted_without_data(call(nmr, holder, data))
    assert nmr.balanceOf(holder) == 100 * NMR


def test_transfer_from_of_too_much_reverts_without_data(
    nmr: Any, holder: str, spender: str
) -> None:
    nmr.approve(spender, 200 * NMR, sender=holder)
    data = calldata("transferFrom(address,address,uint256)", holder, spender, 100 * NMR + 1)

    assert_reverted_without_data(call(nmr, spender, data))
    assert nmr.balanceOf(holder) == 100 * NMR


def test_transfer_from_above_the_allowance_reverts_without_data(
    nmr: Any, holder: str, spender: str
) -> None:
    nmr.approve(spender, NMR, sender=holder)
    data = calldata("transferFrom(address,address,uint256)", holder, spender, NMR + 1)

    assert_reverted_without_data(call(nmr, spender, data))
    assert nmr.allowance(holder, spender) == NMR


@pytest.mark.parametrize(
    "signature",
    [
        "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
        "DOMAIN_SEPARATOR()",
        "increaseAllowance(address,uint256)",
        "paused()",
        "burn(uint256)",
    ],
)
def test_unknown_functions_succeed_with_empty_return_data_and_do_nothing(
    nmr: Any, holder: str, spender: str, signature: str
) -> None:
    done = call(nmr, holder, calldata(signature, holder, spender, NMR, 2**256 - 1, 27, 1, 1))

    assert not done.is_error
    assert done.output == b""
    assert nmr.allowance(holder, spender) == 0
    assert nmr.balanceOf(holder) == 100 * NMR
    assert nmr.totalSupply() == SUPPLY


def test_ether_is_swallowed(nmr: Any, stranger: str) -> None:
    boa.env.set_balance(stranger, NMR)

    assert not call(nmr, stranger, b"", value_wei=1).is_error
    assert not call(nmr, stranger, calldata("paused()"), value_wei=1).is_error
    assert boa.env.get_balance(nmr.address) == 2


def test_transfer_to_the_zero_address_is_allowed_and_burns_nothing(nmr: Any, holder: str) -> None:
    assert nmr.transfer(ZERO_ADDRESS, NMR, sender=holder)

    assert nmr.balanceOf(ZERO_ADDRESS) == NMR
    assert nmr.totalSupply() == SUPPLY


def test_transfer_to_the_token_itself_is_allowed(nmr: Any, holder: str) -> None:
    assert nmr.transfer(nmr.address, NMR, sender=holder)

    assert nmr.balanceOf(nmr.address) == NMR
    assert nmr.balanceOf(holder) == 99 * NMR


def test_transfer_to_oneself_changes_nothing(nmr: Any, holder: str) -> None:
    assert nmr.transfer(holder, 100 * NMR, sender=holder)

    assert nmr.balanceOf(holder) == 100 * NMR


def test_mint_burns_the_callers_own_tokens(nmr: Any, holder: str, relay: str) -> None:
    done = call(nmr, holder, calldata("mint(uint256)", NMR))

    assert done.output == TRUE_WORD
    assert nmr.balanceOf(holder) == 99 * NMR
    assert nmr.totalSupply() == SUPPLY - NMR
    assert nmr.balanceOf(relay) == SUPPLY - 100 * NMR
    nmr.mint(2, sender=holder)
    assert events(nmr) == [("Transfer", holder, ZERO_ADDRESS, 2)]


def test_numerai_transfer_burns_from_an_allowance(nmr: Any, holder: str, spender: str) -> None:
    nmr.approve(spender, 3 * NMR, sender=holder)
    assert nmr.numeraiTransfer(holder, NMR, sender=spender)

    assert events(nmr) == [
        ("Transfer", holder, ZERO_ADDRESS, NMR),
        ("Approval", holder, spender, 2 * NMR),
    ]
    assert nmr.balanceOf(holder) == 99 * NMR
    assert nmr.balanceOf(spender) == 0
    assert nmr.totalSupply() == SUPPLY - NMR
    assert nmr.allowance(holder, spender) == 2 * NMR


def excess_burns(token: Any, holder: str, spender: str) -> list[ComputationAPI]:
    """Three burns that are not covered: own balance, allowance, the owner's balance."""
    beyond_allowance = calldata("numeraiTransfer(address,uint256)", holder, 200 * NMR + 1)
    beyond_balance = calldata("numeraiTransfer(address,uint256)", holder, 100 * NMR + 1)
    token.approve(spender, 200 * NMR, sender=holder)
    return [
        call(token, holder, calldata("mint(uint256)", 100 * NMR + 1)),
        call(token, spender, beyond_allowance),
        call(token, spender, beyond_balance),
    ]


def test_burning_too_much_answers_false_in_a_successful_transaction(
    nmr: Any, holder: str, spender: str
) -> None:
    for answer in excess_burns(nmr, holder, spender):
        assert not answer.is_error
        assert answer.output == FALSE_WORD
    assert nmr.balanceOf(holder) == 100 * NMR
    assert nmr.totalSupply() == SUPPLY
    assert nmr.allowance(holder, spender) == 200 * NMR


def test_burning_too_much_eats_all_gas_in_the_other_build(
    gas_eating_nmr: Any, holder: str, spender: str
) -> None:
    for answer in excess_burns(gas_eating_nmr, holder, spender):
        assert_ate_all_gas(answer)
    assert gas_eating_nmr.balanceOf(holder) == 100 * NMR
    assert gas_eating_nmr.totalSupply() == SUPPLY


def test_stopped_functions_answer_false_and_do_nothing(
    nmr: Any, relay: str, holder: str, spender: str
) -> None:
    nmr.approve(spender, NMR, sender=holder)
    nmr.set_stopped(True, sender=relay)
    answers = [
        call(nmr, holder, calldata("transfer(address,uint256)", spender, 1)),
        call(nmr, spender, calldata("transferFrom(address,address,uint256)", holder, spender, 1)),
        call(nmr, holder, calldata("approve(address,uint256)", spender, 0)),
        call(nmr, holder, calldata("changeApproval(address,uint256,uint256)", spender, NMR, 0)),
        call(nmr, holder, calldata("mint(uint256)", 1)),
        call(nmr, holder, calldata("transfer(address,uint256)", spender, 2**256 - 1)),
    ]

    assert [answer.is_error for answer in answers] == [False] * len(answers)
    assert [answer.output for answer in answers] == [FALSE_WORD] * len(answers)
    assert nmr.balanceOf(holder) == 100 * NMR
    assert nmr.balanceOf(spender) == 0
    assert nmr.allowance(holder, spender) == NMR
    assert nmr.totalSupply() == SUPPLY


def test_the_stop_ends(nmr: Any, relay: str, holder: str, spender: str) -> None:
    nmr.set_stopped(True, sender=relay)
    nmr.set_stopped(False, sender=relay)

    assert nmr.transfer(spender, 1, sender=holder)
    assert nmr.balanceOf(spender) == 1


def test_a_stranger_cannot_stop_the_token(nmr: Any, stranger: str) -> None:
    with boa.reverts("nmr: only the deployer stops it"):
        nmr.set_stopped(True, sender=stranger)
    assert not nmr.stopped()


def test_the_relay_moves_the_balance_of_the_first_million_addresses(
    nmr: Any, relay: str, holder: str, stranger: str
) -> None:
    nmr.transfer(LAST_RELAYED, 2 * NMR, sender=holder)
    assert nmr.withdraw(LAST_RELAYED, stranger, NMR, sender=relay)

    assert events(nmr) == [("Transfer", LAST_RELAYED, stranger, NMR)]
    assert nmr.balanceOf(LAST_RELAYED) == NMR
    assert nmr.balanceOf(stranger) == NMR


def test_nothing_but_the_relay_and_the_first_million_can_be_moved(
    nmr: Any, relay: str, holder: str, stranger: str
) -> None:
    nmr.transfer(LAST_RELAYED, NMR, sender=holder)
    nmr.transfer(FIRST_NOT_RELAYED, NMR, sender=holder)

    assert not nmr.withdraw(LAST_RELAYED, stranger, NMR, sender=stranger)
    assert not nmr.withdraw(FIRST_NOT_RELAYED, stranger, NMR, sender=relay)
    assert not nmr.withdraw(holder, stranger, NMR, sender=relay)
    assert not nmr.withdraw(LAST_RELAYED, ZERO_ADDRESS, NMR, sender=relay)
    assert not nmr.withdraw(LAST_RELAYED, stranger, NMR + 1, sender=relay)
    assert nmr.balanceOf(LAST_RELAYED) == NMR
    assert nmr.balanceOf(FIRST_NOT_RELAYED) == NMR
    assert nmr.balanceOf(stranger) == 0
