# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Withdrawals: at once for gas, or free once a period
@notice NMR leaves an account only to the account's own address, and never more than is
        withdrawable. In a batch one account that cannot be paid is skipped and reported, and keeps
        its NMR and its turn.
"""

from snekmate.utils import eip712_domain_separator as eip712

from . import refusals
from . import packing
from . import amounts
from . import clock
from . import accounts
from . import treasury
from . import signing

uses: refusals
uses: amounts
uses: signing
uses: eip712
uses: clock
uses: accounts
uses: treasury

MAX_ITEMS: constant(uint256) = 256
# what one payee's token transfer may use: the real token needs 55,000 for a new holder
TRANSFER_GAS: constant(uint256) = 100_000
WITHDRAWAL_TYPE: constant(bytes32) = keccak256(
    "Withdrawal(address account,uint256 amount,uint256 period,uint256 deadline)"
)

# why an item was skipped; `sluice.ledger.Skip` has the same numbers
PAID: constant(uint256) = 0
SIGNATURE: constant(uint256) = 1
TURN_USED: constant(uint256) = 2
PERIOD_TO_COME: constant(uint256) = 3
EXPIRED: constant(uint256) = 4
NOTHING_WITHDRAWABLE: constant(uint256) = 5
ABOVE_WITHDRAWABLE: constant(uint256) = 6
TRANSFER_FAILED: constant(uint256) = 7
NOTHING_DUE: constant(uint256) = 8


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
    word: uint256 = accounts._word(account)
    due: uint256 = accounts._due(account, word)
    withdrawable: uint256 = accounts._withdrawable(account, word, due, accounts._first_open())
    nano: uint256 = withdrawable
    if amount != max_value(uint256):
        nano = amounts._to_nano(amount)
    if nano == 0:
        refusals._refuse(refusals.NOTHING_WITHDRAWABLE)
    if nano > withdrawable:
        refusals._refuse(refusals.ABOVE_WITHDRAWABLE)

    accounts._store(account, accounts._take_out(account, word, nano, due))

    paid: uint256 = packing._base_units(nano)
    log Withdrawn(account=account, amount=paid)

    treasury._push(account, nano)
    return paid


@internal
def _cancel(account: address):
    """
    @dev Uses the turn, so that what was signed for this period is dead.
    """
    period: uint256 = self._check_period()
    word: uint256 = accounts._word(account)
    if (word >> packing.PERIOD_SHIFT) & packing.PERIOD_MASK >= period:
        refusals._refuse(refusals.TURN_USED)

    accounts._store(account, packing._with_period(word, period))

    log WithdrawalCancelled(account=account, period=period)


@internal
def _pay_request(
    request_word: uint256,
    signature: Bytes[signing.MAX_BYTES],
    period: uint256,
    first_open: uint256,
) -> (uint256, uint256):
    """
    @dev One signed request: returns what was paid in nano and why it was skipped.
    """
    request: packing.Request = packing._request(request_word)
    hash: bytes32 = eip712._hash_typed_data_v4(
        keccak256(
            abi_encode(
                WITHDRAWAL_TYPE, request.account, request.amount, request.period, request.deadline
            )
        )
    )
    if not signing._is_signed(request.account, hash, signature):
        return 0, SIGNATURE
    word: uint256 = accounts._word(request.account)
    if (word >> packing.PERIOD_SHIFT) & packing.PERIOD_MASK >= request.period:
        return 0, TURN_USED
    if request.period > period:
        return 0, PERIOD_TO_COME
    if block.timestamp > request.deadline:
        return 0, EXPIRED
    due: uint256 = accounts._due(request.account, word)
    withdrawable: uint256 = accounts._withdrawable(request.account, word, due, first_open)
    nano: uint256 = request.amount // packing.NANO
    if request.amount == max_value(uint256):
        nano = withdrawable
    if nano == 0:
        return 0, NOTHING_WITHDRAWABLE
    if nano > withdrawable:
        return 0, ABOVE_WITHDRAWABLE
    return self._pay_out(request.account, word, nano, due, period)


@internal
def _pay_due(account: address, period: uint256) -> (uint256, uint256):
    """
    @dev What is due to an account, whatever is at risk; it uses the turn. Returns as
         `_pay_request`.
    """
    word: uint256 = accounts._word(account)
    if (word >> packing.PERIOD_SHIFT) & packing.PERIOD_MASK >= period:
        return 0, TURN_USED
    due: uint256 = accounts._due(account, word)
    if due == 0:
        return 0, NOTHING_DUE
    return self._pay_out(account, word, due, due, period)


@internal
def _pay_out(
    account: address, word: uint256, nano: uint256, due: uint256, period: uint256
) -> (uint256, uint256):
    """
    @dev Uses the turn and sends; if the token refuses, everything is as it was.
    """
    left: uint256 = accounts._take_out(account, word, nano, due)
    accounts._store(account, packing._with_period(left, period))
    if treasury._try_push(account, nano, TRANSFER_GAS):
        return nano, PAID

    accounts._with_due(account, word, due - min(due, nano), due)
    accounts._store(account, word)
    return 0, TRANSFER_FAILED


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
