# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Treasury: the reserve, what waits to be burned, and the token
@notice Keeps true: token balance >= pools + stakes + reserve + burned, equal unless someone sent
        NMR in by mistake. All amounts are in nano-NMR; the token alone speaks in base units.
@dev Unchecked in this file: amounts, which are under 2^64, in base units.
"""

from ethereum.ercs import IERC20
from ..interfaces import IBurner
from . import refusals

uses: refusals
from . import packing

TOKEN: immutable(IERC20)
BURNER: immutable(IBurner)

# what one payee's token transfer may use: the real token needs 55,000 for a new holder
TRANSFER_GAS: constant(uint256) = 100_000
# the token's answer, as the 32 bytes that it is
SAID_TRUE: constant(bytes32) = 0x0000000000000000000000000000000000000000000000000000000000000001

# earnings come out of it
_reserve: uint256
# burns of past passes that `burn` has not yet sent to the burner
_burned: uint256


event ReserveFunded:
    sender: indexed(address)
    amount: uint256


event ReserveWithdrawn:
    owner: indexed(address)
    amount: uint256


event BurnSent:
    amount: uint256


@deploy
def __init__(token_: address, burner_: address):
    if token_ == empty(address):
        refusals._refuse(refusals.TOKEN_ZERO)
    if burner_ == empty(address):
        refusals._refuse(refusals.BURNER_ZERO)

    TOKEN = IERC20(token_)
    BURNER = IBurner(burner_)


@internal
def _settle_pass(earned: uint256, burned: uint256):
    """
    @dev Earnings come out of the reserve, burns go to the burn counter: burns never pay earnings.
    """
    reserve: uint256 = self._reserve
    if reserve < earned:
        refusals._refuse(refusals.RESERVE_TOO_SMALL)

    self._reserve = unsafe_sub(reserve, earned)
    # unchecked: less than 2^64 a call
    self._burned = unsafe_add(self._burned, burned)


@internal
def _fund(sender: address, nano: uint256):
    # unchecked: less than 2^54 a call
    self._reserve = unsafe_add(self._reserve, nano)

    log ReserveFunded(sender=sender, amount=unsafe_mul(nano, packing.NANO))

    self._pull(sender, nano)


@internal
def _withdraw_reserve(owner: address, nano: uint256):
    reserve: uint256 = self._reserve
    if nano > reserve:
        refusals._refuse(refusals.RESERVE_LESS)

    self._reserve = unsafe_sub(reserve, nano)

    log ReserveWithdrawn(owner=owner, amount=unsafe_mul(nano, packing.NANO))

    self._push(owner, nano)


@internal
def _burn():
    nano: uint256 = self._burned
    if nano == 0:
        refusals._refuse(refusals.NOTHING_BURNED)

    self._burned = 0

    log BurnSent(amount=unsafe_mul(nano, packing.NANO))

    self._push(BURNER.address, nano)
    extcall BURNER.burn(unsafe_mul(nano, packing.NANO))


@internal
def _pull(sender: address, nano: uint256):
    # the token returns false instead of reverting when it is stopped
    taken: bool = extcall TOKEN.transferFrom(sender, self, unsafe_mul(nano, packing.NANO))
    if not taken:
        refusals._refuse(refusals.TOKEN_NOT_TAKEN)


@internal
def _push(to: address, nano: uint256):
    sent: bool = extcall TOKEN.transfer(to, unsafe_mul(nano, packing.NANO))
    if not sent:
        refusals._refuse(refusals.TOKEN_NOT_SENT)
