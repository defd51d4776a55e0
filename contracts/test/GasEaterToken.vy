# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Token that fails for one payee, for tests only
@license AGPL-3.0-only
@author Sluice contributors
@notice A transfer to the chosen payee reverts or eats all gas given; every other works.
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

payee: public(address)
eats_gas: public(bool)


@deploy
def __init__():
    """
    @notice Gives the whole supply to the deployer; fails for nobody yet.
    """
    plain_token.__init__()


@external
def set_trap(payee: address, eats_gas: bool):
    """
    @notice Chooses the payee and the way to fail.
    @param payee Who cannot be paid; the zero address for nobody.
    @param eats_gas True eats all gas given, false reverts without data.
    """
    self.payee = payee
    self.eats_gas = eats_gas


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Moves the caller's tokens, unless to the chosen payee.
    @param receiver Who gets them.
    @param amount How much, in base units.
    @return True.
    """
    if receiver == self.payee and receiver != empty(address):
        assert not self.eats_gas, UNREACHABLE
        raise

    plain_token._move(msg.sender, receiver, amount)

    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Moves tokens by allowance, whoever gets them.
    @param owner Whose tokens move.
    @param receiver Who gets them.
    @param amount How much, in base units.
    @return True.
    """
    plain_token._move_for(msg.sender, owner, receiver, amount)

    return True
