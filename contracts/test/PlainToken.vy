# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Ordinary ERC-20 token, for the gas bench only
@license AGPL-3.0-only
@author Sluice contributors
@notice Refuses and moves as OpenZeppelin's ERC-20 does: nothing to the zero address, nothing that
        is not there, and the highest allowance is not used up. What the escrow costs with a token
        that is younger than NMR.
@custom:security For measuring. Holds nothing of value.
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


@deploy
def __init__():
    """
    @notice Gives the whole supply to the deployer.
    """
    plain_token.__init__()


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Moves the caller's tokens.
    @param receiver Who gets them; not the zero address.
    @param amount How much, in base units; reverts if the caller has less.
    @return True.
    """
    assert receiver != empty(address), "token: the zero address receives nothing"

    plain_token._move(msg.sender, receiver, amount)

    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Moves tokens by allowance; the highest allowance stays as it is.
    @param owner Whose tokens move.
    @param receiver Who gets them; not the zero address.
    @param amount How much, in base units; reverts if balance or allowance is smaller.
    @return True.
    """
    assert receiver != empty(address), "token: the zero address receives nothing"

    if plain_token.allowance[owner][msg.sender] == max_value(uint256):
        plain_token._move(owner, receiver, amount)
    else:
        plain_token._move_for(msg.sender, owner, receiver, amount)

    return True
