# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Amounts: what the externals take, in nano-NMR
"""

from . import refusals
from . import packing

uses: refusals


@internal
@view
def _to_nano(amount: uint256) -> uint256:
    """
    @dev Token base units to nano-NMR; refuses what is not a whole nano or does not fit an amount's
         54 bits.
    """
    nano: uint256 = unsafe_div(amount, packing.NANO)
    # unchecked: not above the amount
    if unsafe_mul(nano, packing.NANO) != amount:
        refusals._refuse(refusals.AMOUNT_NOT_WHOLE)
    if nano > packing.AMOUNT_MASK:
        refusals._refuse(refusals.AMOUNT_TOO_LARGE)
    return nano


@internal
@view
def _positive_nano(amount: uint256) -> uint256:
    if amount == 0:
        refusals._refuse(refusals.AMOUNT_ZERO)
    return self._to_nano(amount)


@internal
@view
def _check_fits(nano: uint256):
    if nano > packing.AMOUNT_MASK:
        refusals._refuse(refusals.AMOUNT_TOO_LARGE)
