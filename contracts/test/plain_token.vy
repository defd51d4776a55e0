# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Ordinary token that the hostile ones are built upon, for tests only
@license AGPL-3.0-only
@author Sluice contributors
@notice The deployer gets the whole supply. Amounts are base units, 1e18 for one token.
@custom:security For tests. Holds nothing of value.
"""

from ethereum.ercs import IERC20

_SUPPLY: constant(uint256) = 11_000_000 * 10**18

decimals: public(constant(uint8)) = 18

totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__():
    """
    @notice Gives the whole supply to the deployer.
    """
    self.totalSupply = _SUPPLY
    self.balanceOf[msg.sender] = _SUPPLY

    log IERC20.Transfer(sender=empty(address), receiver=msg.sender, value=_SUPPLY)


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Sets an allowance.
    @param spender Who may move the caller's tokens.
    @param amount How much.
    @return True.
    """
    self.allowance[msg.sender][spender] = amount

    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)

    return True


@external
def mint(amount: uint256) -> bool:
    """
    @notice Burns the caller's own tokens, as NMR does under this name.
    @param amount How much.
    @return True.
    """
    self.totalSupply -= amount
    self.balanceOf[msg.sender] -= amount

    log IERC20.Transfer(sender=msg.sender, receiver=empty(address), value=amount)

    return True


@internal
def _move(owner: address, receiver: address, amount: uint256):
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += amount

    log IERC20.Transfer(sender=owner, receiver=receiver, value=amount)


@internal
def _move_for(spender: address, owner: address, receiver: address, amount: uint256):
    self.allowance[owner][spender] -= amount
    self._move(owner, receiver, amount)
