"""The gas bench's baseline does the same job as the real escrow, or its figures mean nothing."""

from typing import Any

import boa
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from tests.escrow_world import NMR

pytestmark = pytest.mark.usefixtures("fresh_chain")

PERIOD_SECONDS = 14 * 86_400
FOREVER = 2**256 - 1


@pytest.fixture
def staker() -> LocalAccount:
    account: LocalAccount = Account.from_key("0x" + "51" * 32)
    return account


@pytest.fixture
def operator() -> str:
    return str(boa.env.generate_address("operator"))


@pytest.fixture
def nmr() -> Any:
    return boa.load("contracts/test/StandInNmr.vy", False)


@pytest.fixture
def escrow(nmr: Any, operator: str, staker: LocalAccount) -> Any:
    """An escrow with 1,000 NMR in reserve, and 100 NMR in the staker's pool."""
    escrow = boa.load("contracts/test/PlainEscrow.vy", nmr.address, operator)
    nmr.approve(escrow.address, 1_000 * NMR)
    escrow.fund(1_000 * NMR)
    nmr.transfer(staker.address, 100 * NMR)
    nmr.approve(escrow.address, 100 * NMR, sender=staker.address)
    escrow.deposit(100 * NMR, sender=staker.address)
    return escrow


def signed(escrow: Any, signer: LocalAccount, account: str, amount: int, period: int) -> bytes:
    message = encode_typed_data(
        domain_data={
            "name": "PlainEscrow",
            "version": "1",
            "chainId": boa.env.evm.patch.chain_id,
            "verifyingContract": escrow.address,
        },
        message_types={
            "Withdrawal": [
                {"name": "account", "type": "address"},
                {"name": "amount", "type": "uint256"},
                {"name": "period", "type": "uint256"},
                {"name": "deadline", "type": "uint256"},
            ]
        },
        message_data={
            "account": account,
            "amount": amount,
            "period": period,
            "deadline": FOREVER,
        },
    )
    return bytes(signer.sign_message(message).signature)


def opened(escrow: Any, operator: str, account: str, rounds: range) -> None:
    """Passes without payouts, so that the rounds four later are open."""
    for number in rounds:
        escrow.resolve(number, [account], [1], [0], sender=operator)


def assert_conserved(escrow: Any, nmr: Any, account: str) -> None:
    held = escrow.pool(account) + escrow.staked(account) + escrow.reserve() + escrow.burned()
    assert nmr.balanceOf(escrow.address) == held


def test_earning_and_loss_go_to_the_stake_and_the_next_risk_follows(
    escrow: Any, nmr: Any, operator: str, staker: LocalAccount
) -> None:
    account = staker.address
    escrow.set_stakes([1, 2], [40 * NMR, 20 * NMR], sender=account)
    opened(escrow, operator, account, range(10, 14))
    escrow.resolve(14, [account, account], [2, 1], [-5 * NMR, 3 * NMR], sender=operator)

    assert escrow.stakes(account, 1) == 43 * NMR
    assert escrow.stakes(account, 2) == 15 * NMR
    assert escrow.pool(account) == 40 * NMR
    assert escrow.risks(account, 18) == 58 * NMR // 4
    assert escrow.reserve() == 997 * NMR
    assert escrow.burned() == 5 * NMR
    assert_conserved(escrow, nmr, account)


def test_a_loss_follows_nmr_that_was_moved_to_another_model(
    escrow: Any, nmr: Any, operator: str, staker: LocalAccount
) -> None:
    account = staker.address
    escrow.set_stakes([1], [100 * NMR], sender=account)
    opened(escrow, operator, account, range(10, 14))
    escrow.set_stakes([1, 7], [0, 99 * NMR], sender=account)
    escrow.resolve(14, [account], [1], [-25 * NMR], sender=operator)

    assert escrow.pool(account) == 0
    assert escrow.stakes(account, 7) == 75 * NMR
    assert escrow.burned() == 25 * NMR
    assert_conserved(escrow, nmr, account)


def test_payouts_above_the_bound_and_second_entries_are_refused(
    escrow: Any, operator: str, staker: LocalAccount
) -> None:
    account = staker.address
    escrow.set_stakes([1], [40 * NMR], sender=account)
    opened(escrow, operator, account, range(10, 14))

    for payout in (-10 * NMR - 1, 10 * NMR + 1):
        with boa.reverts("plain: payout above its bound"):
            escrow.resolve(14, [account], [1], [payout], sender=operator)
    escrow.resolve(14, [account], [1], [10 * NMR], sender=operator)
    with boa.reverts("plain: account resolved twice"):
        escrow.resolve(14, [account], [1], [0], sender=operator)
    with boa.reverts("plain: round is over"):
        escrow.resolve(13, [account], [1], [0], sender=operator)
    with boa.reverts("plain: operator only"):
        escrow.resolve(15, [account], [1], [0], sender=account)


def test_withdraw_leaves_what_is_at_risk(
    escrow: Any, nmr: Any, operator: str, staker: LocalAccount
) -> None:
    account = staker.address
    escrow.set_stakes([1], [100 * NMR], sender=account)
    opened(escrow, operator, account, range(10, 12))
    escrow.set_stakes([1], [0], sender=account)

    with boa.reverts("plain: more than withdrawable"):
        escrow.withdraw(50 * NMR + 1, sender=account)
    escrow.withdraw(50 * NMR, sender=account)
    assert nmr.balanceOf(account) == 50 * NMR
    opened(escrow, operator, account, range(12, 15))
    escrow.withdraw(25 * NMR, sender=account)
    assert nmr.balanceOf(account) == 75 * NMR
    assert_conserved(escrow, nmr, account)


def test_pay_pays_a_signed_request_once_in_a_period_and_skips_the_rest(
    escrow: Any, nmr: Any, operator: str, staker: LocalAccount
) -> None:
    account = staker.address
    stranger = Account.from_key("0x" + "52" * 32)
    period = boa.env.timestamp // PERIOD_SECONDS

    def pay(signer: LocalAccount, amount: int, of_period: int) -> list[str]:
        signature = signed(escrow, signer, account, amount, of_period)
        escrow.pay([account], [amount], [of_period], [FOREVER], [signature], sender=operator)
        return [type(log).__name__ for log in escrow.get_logs()]

    assert pay(stranger, NMR, period) == ["Skipped"]
    assert pay(staker, 100 * NMR + 1, period) == ["Skipped"]
    assert pay(staker, NMR, period + 1) == ["Skipped"]
    assert pay(staker, NMR, period) == ["Withdrawn", "Transfer"]
    assert pay(staker, NMR, period) == ["Skipped"]
    boa.env.time_travel(seconds=PERIOD_SECONDS)
    assert pay(staker, FOREVER, period + 1) == ["Withdrawn", "Transfer"]
    assert nmr.balanceOf(account) == 100 * NMR
    assert_conserved(escrow, nmr, account)


def test_plain_loop_pays_every_receiver(nmr: Any, staker: LocalAccount, operator: str) -> None:
    loop = boa.load("contracts/test/PlainLoop.vy")
    nmr.approve(loop.address, 3 * NMR)
    loop.disperse(nmr.address, [staker.address, operator], [NMR, 2 * NMR])

    assert nmr.balanceOf(staker.address) == NMR
    assert nmr.balanceOf(operator) == 2 * NMR
    assert nmr.balanceOf(loop.address) == 0
    with boa.reverts("loop: one amount per receiver"):
        loop.disperse(nmr.address, [operator], [])
