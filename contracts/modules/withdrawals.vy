# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Withdrawals: at once for gas, or free once a period
@notice NMR leaves an account only to the account's own address, and never more than is
        withdrawable. In a batch one account that cannot be paid is skipped and reported, and keeps
        its NMR and its turn.
"""

from snekmate.utils import message_hash_utils

from . import refusals
from . import packing
from . import amounts
from . import clock
from . import accounts
from . import treasury
from . import signing

uses: refusals
uses: amounts
uses: clock
uses: accounts
uses: treasury
uses: signing

MAX_ITEMS: constant(uint256) = 256
WITHDRAWAL_TYPE: constant(bytes32) = keccak256(
    "Withdrawal(address account,uint256 amount,uint256 period,uint256 deadline)"
)

# why an item was skipped, as it stands in the item; `sluice.ledger.Skip` has the numbers
SIGNATURE: constant(uint256) = 1 << packing.ITEM_SKIP_SHIFT
TURN_USED: constant(uint256) = 2 << packing.ITEM_SKIP_SHIFT
PERIOD_TO_COME: constant(uint256) = 3 << packing.ITEM_SKIP_SHIFT
EXPIRED: constant(uint256) = 4 << packing.ITEM_SKIP_SHIFT
NOTHING_WITHDRAWABLE: constant(uint256) = 5 << packing.ITEM_SKIP_SHIFT
ABOVE_WITHDRAWABLE: constant(uint256) = 6 << packing.ITEM_SKIP_SHIFT
TRANSFER_FAILED: constant(uint256) = 7 << packing.ITEM_SKIP_SHIFT
NOTHING_DUE: constant(uint256) = 8 << packing.ITEM_SKIP_SHIFT


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
    due_word: uint256 = accounts._due_word(account, word)
    due: uint256 = (due_word >> packing.DUE_SHIFT) & packing.AMOUNT_MASK
    withdrawable: uint256 = accounts._withdrawable(account, word, due, accounts._first_open())
    nano: uint256 = withdrawable
    if amount != max_value(uint256):
        nano = amounts._to_nano(amount)
    if nano == 0:
        refusals._refuse(refusals.NOTHING_WITHDRAWABLE)
    if nano > withdrawable:
        refusals._refuse(refusals.ABOVE_WITHDRAWABLE)

    accounts._store(account, accounts._take_out(account, word, due_word, nano))

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
    request: uint256,
    signature: Bytes[signing.MAX_BYTES],
    domain: bytes32,
    period: uint256,
    first_open: uint256,
) -> uint256:
    """
    @dev One signed request: returns the item without its account, what was paid in nano and why it
         was skipped (see packing).
    """
    account: address = convert(request & packing.ADDRESS_MASK, address)
    nano: uint256 = (request >> packing.REQUEST_AMOUNT_SHIFT) & packing.AMOUNT_MASK
    is_all: bool = nano == packing.AMOUNT_MASK
    amount: uint256 = max_value(uint256) if is_all else unsafe_mul(nano, packing.NANO)
    request_period: uint256 = (request >> packing.REQUEST_PERIOD_SHIFT) & packing.PERIOD_MASK
    deadline: uint256 = packing._deadline(request >> packing.REQUEST_DEADLINE_SHIFT)
    word: uint256 = accounts._words[convert(account, uint256)]
    if (word >> packing.PERIOD_SHIFT) & packing.PERIOD_MASK >= request_period:
        return TURN_USED
    if request_period > period:
        return PERIOD_TO_COME
    if block.timestamp > deadline:
        return EXPIRED
    # after what costs nothing: a wallet may use all the gas that its check is given
    struct_hash: bytes32 = keccak256(
        abi_encode(WITHDRAWAL_TYPE, account, amount, request_period, deadline)
    )
    hash: bytes32 = message_hash_utils._to_typed_data_hash(domain, struct_hash)
    if not signing._is_signed(account, hash, signature):
        return SIGNATURE
    due_word: uint256 = accounts._due_word(account, word)
    withdrawable: uint256 = accounts._withdrawable(
        account, word, (due_word >> packing.DUE_SHIFT) & packing.AMOUNT_MASK, first_open
    )
    if is_all:
        nano = withdrawable
    if nano == 0:
        return NOTHING_WITHDRAWABLE
    if nano > withdrawable:
        return ABOVE_WITHDRAWABLE
    return self._pay_out(account, word, due_word, nano, period)


@internal
def _pay_due(account: address, period: uint256) -> uint256:
    """
    @dev What is due to an account, whatever is at risk; it uses the turn. Returns as
         `_pay_request`.
    """
    word: uint256 = accounts._words[convert(account, uint256)]
    if (word >> packing.PERIOD_SHIFT) & packing.PERIOD_MASK >= period:
        return TURN_USED
    due_word: uint256 = accounts._due_word(account, word)
    due: uint256 = (due_word >> packing.DUE_SHIFT) & packing.AMOUNT_MASK
    if due == 0:
        return NOTHING_DUE
    return self._pay_out(account, word, due_word, due, period)


@internal
def _pay_out(
    account: address, word: uint256, due_word: uint256, nano: uint256, period: uint256
) -> uint256:
    """
    @dev Uses the turn and sends; if the token refuses, everything is as it was. Returns as
         `_pay_request`.
    """
    left: uint256 = accounts._take_out(account, word, due_word, nano)
    left = left & ~(packing.PERIOD_MASK << packing.PERIOD_SHIFT) | period << packing.PERIOD_SHIFT
    accounts._words[convert(account, uint256)] = left
    if treasury._try_push(account, nano):
        return nano << packing.REQUEST_AMOUNT_SHIFT

    accounts._store(account, word)
    if due_word != 0:
        accounts._words[packing._place(account, packing.SPLIT_PLACE)] = due_word
    return TRANSFER_FAILED


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
