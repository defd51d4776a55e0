# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Burner of NMR
@license AGPL-3.0-only
@author Sluice contributors
@notice Destroys NMR that was sent here. Send first, then call `burn`: whatever lies here is there
        to be destroyed, so anyone may call, and nothing sent here can ever be taken out again.
@dev NMR has no `burn`: its `mint(uint256)` destroys the caller's own tokens and answers with a
     bool. Because the token swallows functions that it does not know, the answer alone proves
     nothing; supply and balance do.
@custom:security Trusts the token to report its own supply and balances truthfully.
"""

from .interfaces import IBurner
from .interfaces import INmr

implements: IBurner

TOKEN: immutable(INmr)


@deploy
def __init__(token: address):
    """
    @notice Binds the burner to one token for ever.
    @param token The NMR token.
    """
    assert token.is_contract, "burner: token has no code"

    TOKEN = INmr(token)


@external
def burn(amount: uint256):
    """
    @notice Destroys exactly this much of the NMR that lies here, or reverts and destroys nothing.
    @param amount What to destroy, in token base units; at least 1 and at most the burner's balance.
    """
    assert amount > 0, "burner: amount must not be zero"
    balance_before: uint256 = staticcall TOKEN.balanceOf(self)
    # Asked for beforehand because one build of the token eats all gas when too much is burned.
    assert amount <= balance_before, "burner: send the NMR here first"
    supply_before: uint256 = staticcall TOKEN.totalSupply()

    # An empty answer is a swallowed call: a refusal like any other, with the same clear message.
    burned: bool = extcall TOKEN.mint(amount, default_return_value=False)
    assert burned, "burner: token refused to burn"
    supply_after: uint256 = staticcall TOKEN.totalSupply()
    assert supply_after == supply_before - amount, "burner: supply fell by another sum"
    balance_after: uint256 = staticcall TOKEN.balanceOf(self)
    assert balance_after == balance_before - amount, "burner: balance fell by another sum"

    log IBurner.Burned(amount=amount)


@external
@view
def token() -> address:
    """
    @notice The token that this burner destroys.
    @return Its address.
    """
    return TOKEN.address
