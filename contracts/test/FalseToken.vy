# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Token that answers false, for tests only
@license AGPL-3.0-only
@author Sluice contributors
@notice While it refuses, transfers move nothing and answer false in a successful call.
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

is_refusing: public(bool)


@deploy
def __init__():
    """
    @notice Gives the whole supply to the deployer; refuses nothing yet.
    """
    plain_token.__init__()


@external
def set_refusing(refusing: bool):
    """
    @notice Switches the refusal on or off.
    @param refusing Whether transfers answer false from now on.
    """
    self.is_refusing = refusing


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Moves the caller's tokens, unless it refuses.
    @param receiver Who gets them.
    @param amount How much, in base units.
    @return Whether they moved.
    """
    if self.is_refusing:
        return False

    plain_token._move(msg.sender, receiver, amount)

    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Moves tokens by allowance, unless it refuses.
    @param owner Whose tokens move.
    @param receiver Who gets them.
    @param amount How much, in base units.
    @return Whether they moved.
    """
    if self.is_refusing:
        return False

    plain_token._move_for(msg.sender, owner, receiver, amount)

    return True
