# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Token that keeps a fee, for tests only
@license AGPL-3.0-only
@author Sluice contributors
@notice Of every transfer less arrives than was sent; what is kept is nobody's.
@custom:security For tests. Hostile on purpose.
"""

from ethereum.ercs import IERC20

from . import plain_token

implements: IERC20
initializes: plain_token
exports: (
    plain_token.totalSupply,
    plain_token.balanceOf,
    plain_token.allowance,
    plain_token.decimals,
    plain_token.approve,
    plain_token.mint,
)

_NANO: constant(uint256) = 10**9
_WHOLE: constant(uint256) = 10_000

fee_bps: public(uint256)


@deploy
def __init__():
    """
    @notice Gives the whole supply to the deployer; keeps nothing yet.
    """
    plain_token.__init__()


@external
def set_fee(fee_bps: uint256):
    """
    @notice Chooses what is kept of every transfer from now on.
    @param fee_bps Basis points; the fee is rounded down to 10**9 base units.
    """
    self.fee_bps = fee_bps


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Moves the caller's tokens less the fee.
    @param receiver Who gets them.
    @param amount How much leaves the caller, in base units.
    @return True.
    """
    plain_token._move(msg.sender, receiver, amount)
    self._keep(receiver, amount)

    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Moves tokens by allowance, less the fee.
    @param owner Whose tokens move.
    @param receiver Who gets them.
    @param amount How much leaves the owner, in base units.
    @return True.
    """
    plain_token._move_for(msg.sender, owner, receiver, amount)
    self._keep(receiver, amount)

    return True


@internal
def _keep(receiver: address, amount: uint256):
    fee: uint256 = amount // _NANO * self.fee_bps // _WHOLE * _NANO
    if fee != 0:
        plain_token._move(receiver, empty(address), fee)
