# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Treasury: the reserve, what waits to be burned, and the token
@notice Keeps true: token balance >= pools + stakes + reserve + burned, equal unless someone sent
        NMR in by mistake. All amounts are in nano-NMR; the token alone speaks in base units.
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
    self._burned += burned


@internal
def _fund(sender: address, nano: uint256):
    self._reserve += nano

    log ReserveFunded(sender=sender, amount=packing._base_units(nano))

    self._pull(sender, nano)


@internal
def _withdraw_reserve(owner: address, nano: uint256):
    if nano > self._reserve:
        refusals._refuse(refusals.RESERVE_LESS)

    self._reserve -= nano

    log ReserveWithdrawn(owner=owner, amount=packing._base_units(nano))

    self._push(owner, nano)


@internal
def _burn():
    nano: uint256 = self._burned
    if nano == 0:
        refusals._refuse(refusals.NOTHING_BURNED)

    self._burned = 0

    log BurnSent(amount=packing._base_units(nano))

    self._push(BURNER.address, nano)
    extcall BURNER.burn(packing._base_units(nano))


@internal
def _pull(sender: address, nano: uint256):
    # the token returns false instead of reverting when it is stopped
    taken: bool = extcall TOKEN.transferFrom(sender, self, packing._base_units(nano))
    if not taken:
        refusals._refuse(refusals.TOKEN_NOT_TAKEN)


@internal
def _push(to: address, nano: uint256):
    sent: bool = extcall TOKEN.transfer(to, packing._base_units(nano))
    if not sent:
        refusals._refuse(refusals.TOKEN_NOT_SENT)


@internal
def _try_push(to: address, nano: uint256) -> bool:
    """
    @dev For a batch, which one payee must not stop: tells whether the token said true. Reverts only
         if so little gas is left that the payee would get less than TRANSFER_GAS, since a caller
         could make anybody's transfer fail so.
    """
    if msg.gas < TRANSFER_GAS * 64 // 63 + refusals.SPARE_GAS:
        refusals._refuse(refusals.TOO_LITTLE_GAS)

    success: bool = False
    response: Bytes[32] = b""
    success, response = raw_call(
        TOKEN.address,
        abi_encode(
            # unchecked: an amount of 54 bits
            to,
            unsafe_mul(nano, packing.NANO),
            method_id=method_id("transfer(address,uint256)"),
        ),
        max_outsize=32,
        gas=TRANSFER_GAS,
        revert_on_failure=False,
    )
    if not success or len(response) != 32:
        return False
    return extract32(response, 0, output_type=uint256) == 1
