# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Withdrawals: at once for gas, or free once a period
@notice NMR leaves an account only to the account's own address, and never more than is
        withdrawable. The batch of free ones is `Escrow.pay`.
"""

from . import refusals
from . import packing
from . import amounts
from . import clock
from . import accounts
from . import treasury

uses: refusals
uses: amounts
uses: clock
uses: accounts
uses: treasury

MAX_ITEMS: constant(uint256) = 256
WITHDRAWAL_TYPE: constant(bytes32) = keccak256(
    "Withdrawal(address account,uint256 amount,uint256 period,uint256 deadline)"
)

# why an item was skipped, as it stands in the outcome; `sluice.ledger.Skip` has the numbers
SIGNATURE: constant(uint256) = 1 << packing.OUTCOME_SKIP_SHIFT
TURN_USED: constant(uint256) = 2 << packing.OUTCOME_SKIP_SHIFT
PERIOD_TO_COME: constant(uint256) = 3 << packing.OUTCOME_SKIP_SHIFT
EXPIRED: constant(uint256) = 4 << packing.OUTCOME_SKIP_SHIFT
NOTHING_WITHDRAWABLE: constant(uint256) = 5 << packing.OUTCOME_SKIP_SHIFT
ABOVE_WITHDRAWABLE: constant(uint256) = 6 << packing.OUTCOME_SKIP_SHIFT
TRANSFER_FAILED: constant(uint256) = 7 << packing.OUTCOME_SKIP_SHIFT
NOTHING_DUE: constant(uint256) = 8 << packing.OUTCOME_SKIP_SHIFT


event Withdrawn:
    account: indexed(address)
    amount: uint256


# an item: account 160 | nano-NMR 54 | spare 2 | why it was skipped, 0 = paid (see packing)
event FreeWithdrawals:
    period: indexed(uint256)
    items: DynArray[uint256, MAX_ITEMS]
    time: uint256


event WithdrawalCancelled:
    account: indexed(address)
    period: uint256


@internal
def _withdraw(account: address, amount: uint256) -> uint256:
    """
    @dev Returns what left, in base units.
    """
    if amount == 0:
        refusals._refuse(refusals.AMOUNT_ZERO)
    key: uint256 = convert(account, uint256)
    word: uint256 = accounts._words[key]
    due_word: uint256 = 0
    if word >> packing.DUE_FLAG_SHIFT != 0:
        due_word = accounts._due_word(key)
    due: uint256 = (due_word >> packing.DUE_SHIFT) & packing.AMOUNT_MASK
    withdrawable: uint256 = accounts._withdrawable(key, word, due, accounts._first_open())
    nano: uint256 = withdrawable
    if ~amount != 0:
        nano = amounts._to_nano(amount)
    if nano == 0:
        refusals._refuse(refusals.NOTHING_WITHDRAWABLE)
    if nano > withdrawable:
        refusals._refuse(refusals.ABOVE_WITHDRAWABLE)

    accounts._words[key] = accounts._take_out(key, word, due_word, nano)

    paid: uint256 = unsafe_mul(nano, packing.NANO)
    log Withdrawn(account=account, amount=paid)

    treasury._push(account, nano)
    return paid


@internal
def _cancel(account: address):
    """
    @dev Uses the turn, so that what was signed for this period is dead.
    """
    period: uint256 = self._check_period()
    key: uint256 = convert(account, uint256)
    word: uint256 = accounts._words[key]
    if (word >> packing.PERIOD_SHIFT) & packing.PERIOD_MASK >= period:
        refusals._refuse(refusals.TURN_USED)

    accounts._words[key] = packing._with_period(word, period)

    log WithdrawalCancelled(account=account, period=period)


@internal
@view
def _check_period() -> uint256:
    """
    @dev Returns the current period.
    """
    period: uint256 = clock._period()
    if period > packing.PERIOD_MASK:
        refusals._refuse(refusals.PERIODS_ENDED)
    return period
