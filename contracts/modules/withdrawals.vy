# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Withdrawals: at once for gas, or free once a period
@notice NMR leaves an account only to the account's own address, and never more than is
        withdrawable. In a batch one account that cannot be paid is skipped and reported, and keeps
        its NMR and its turn.
"""

from snekmate.utils import eip712_domain_separator as eip712

from . import refusals
from . import packing
from . import accounts
from . import treasury

uses: eip712
uses: accounts
uses: treasury

MAX_ITEMS: constant(uint256) = 256
MAX_SIGNATURES_BYTES: constant(uint256) = 32_768
SIGNATURE_BYTES: constant(uint256) = 65
# a length of two bytes stands before each signature
LENGTH_BYTES: constant(uint256) = 2
# what one payee's token transfer may use: the real token needs 55,000 for a new holder
TRANSFER_GAS: constant(uint256) = 100_000
# half the order of secp256k1, rounded down (EIP-2): above it a signature is a malleable copy of
# another
MAX_S: constant(bytes32) = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
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


event Withdrawn:
    account: indexed(address)
    amount: uint256


# an item: account 160 | nano-NMR 54 | spare 2 | why it was skipped, 0 = paid (see packing)
event FreeWithdrawals:
    period: indexed(uint256)
    items: DynArray[uint256, MAX_ITEMS]
    time: uint256


@internal
def _withdraw(account: address, amount: uint256) -> uint256:
    """
    @dev Returns what left, in base units.
    """
    word: uint256 = accounts._word(account)
    withdrawable: uint256 = accounts._withdrawable(account, word, accounts._first_open())
    nano: uint256 = withdrawable
    if amount != max_value(uint256):
        if amount == 0:
            refusals._refuse("amount: must be above zero")
        nano = packing._to_nano(amount)
    if nano == 0:
        refusals._refuse("withdraw: nothing withdrawable")
    if nano > withdrawable:
        refusals._refuse("withdraw: above withdrawable")
    # unchecked: withdrawable is at most the pool, the lowest field of the word
    accounts._store(account, unsafe_sub(word, nano))

    log Withdrawn(account=account, amount=nano * packing.NANO)

    treasury._push(account, nano)
    return nano * packing.NANO


@internal
def _pay(
    period: uint256,
    requests: DynArray[uint256, MAX_ITEMS],
    due_accounts: DynArray[address, MAX_ITEMS],
    signatures: Bytes[MAX_SIGNATURES_BYTES],
):
    if period > packing.PERIOD_MASK:
        refusals._refuse("pay: periods ended, use withdraw")
    count: uint256 = len(requests) + len(due_accounts)
    if count == 0 or count > MAX_ITEMS:
        refusals._refuse("pay: give 1 to 256 items")

    items: DynArray[uint256, MAX_ITEMS] = []
    first_open: uint256 = accounts._first_open()
    at: uint256 = 0
    for word: uint256 in requests:
        request: packing.Request = packing._request(word)
        if at + LENGTH_BYTES > len(signatures):
            refusals._refuse("signatures: one for each request")
        length: uint256 = convert(slice(signatures, at, LENGTH_BYTES), uint256)
        at += LENGTH_BYTES
        if at + length > len(signatures):
            refusals._refuse("signatures: one for each request")
        signed: bool = False
        if length == SIGNATURE_BYTES:
            signed = self._signed_by(request, slice(signatures, at, SIGNATURE_BYTES))
        at += length

        nano: uint256 = 0
        skip: uint256 = SIGNATURE
        if signed:
            nano, skip = self._pay_request(request, period, first_open)
        items.append(packing._item(request.account, nano, skip))
    if at != len(signatures):
        refusals._refuse("signatures: more than requests")
    for account: address in due_accounts:
        items.append(packing._item(account, 0, NOTHING_WITHDRAWABLE))

    log FreeWithdrawals(period=period, items=items, time=block.timestamp)


@internal
def _pay_request(
    request: packing.Request, period: uint256, first_open: uint256
) -> (uint256, uint256):
    """
    @dev One signed request: returns what was paid in nano and why it was skipped.
    """
    word: uint256 = accounts._word(request.account)
    if (word >> packing.PERIOD_SHIFT) & packing.PERIOD_MASK >= request.period:
        return 0, TURN_USED
    if request.period > period:
        return 0, PERIOD_TO_COME
    if block.timestamp > request.deadline:
        return 0, EXPIRED
    withdrawable: uint256 = accounts._withdrawable(request.account, word, first_open)
    nano: uint256 = request.amount // packing.NANO
    if request.amount == max_value(uint256):
        nano = withdrawable
    if nano == 0:
        return 0, NOTHING_WITHDRAWABLE
    if nano > withdrawable:
        return 0, ABOVE_WITHDRAWABLE
    # unchecked: withdrawable is at most the pool, the lowest field of the word
    accounts._store(request.account, packing._with_period(unsafe_sub(word, nano), period))
    if not treasury._try_push(request.account, nano, TRANSFER_GAS):
        accounts._store(request.account, word)
        return 0, TRANSFER_FAILED
    return nano, PAID


@internal
@view
def _signed_by(request: packing.Request, signature: Bytes[SIGNATURE_BYTES]) -> bool:
    """
    @dev Uses no assert: a bad signature is skipped, it must not stop the batch.
    """
    r: uint256 = extract32(signature, 0, output_type=uint256)
    s: uint256 = extract32(signature, 32, output_type=uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    if s > convert(MAX_S, uint256) or v not in [27, 28] or request.account == empty(address):
        return False

    hash: bytes32 = eip712._hash_typed_data_v4(
        keccak256(
            abi_encode(
                WITHDRAWAL_TYPE, request.account, request.amount, request.period, request.deadline
            )
        )
    )
    return ecrecover(hash, v, r, s) == request.account
