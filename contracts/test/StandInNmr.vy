# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Stand-in for the NMR token, for local chains only
@license AGPL-3.0-only
@author Sluice contributors
@notice Behaves like the NMR token on Ethereum, oddities included, so that whatever works with this
        one works with the real one. Never deploy it where value is held: its deployer can stop it
        and move balances.
@dev Every refusal of a transfer or an approval reverts without data. Calldata that is too long eats
     all gas, as on the real token; calldata that is too short reverts here, which the compiler's
     dispatcher decides. Amounts are base units, 1e18 for one NMR.
@custom:security For tests. The deployer holds the emergency stop and the relay's right.
"""

from ethereum.ercs import IERC20

from ..interfaces import INmr

implements: IERC20
implements: INmr

name: public(constant(String[9])) = "Numeraire"
symbol: public(constant(String[3])) = "NMR"
decimals: public(constant(uint8)) = 18

_SUPPLY: constant(uint256) = 11_000_000 * 10**18
# The tournament kept its participants' NMR here; nobody is known to hold a key to one of them.
_LAST_RELAYED_ADDRESS: constant(uint256) = 1_000_000
_SELECTOR_LENGTH: constant(uint256) = 4
_WORD_LENGTH: constant(uint256) = 32

RELAY: public(immutable(address))
EXCESS_BURN_EATS_GAS: public(immutable(bool))

totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
stopped: public(bool)


@deploy
def __init__(excess_burn_eats_gas: bool):
    """
    @notice Gives the whole supply of 11,000,000 NMR to the deployer, who also plays the relay and
            holds the stop.
    @param excess_burn_eats_gas How burning more than there is ends: true eats all gas given, false
           answers false in a successful transaction. Builds of the real token differ in this.
    """
    RELAY = msg.sender
    EXCESS_BURN_EATS_GAS = excess_burn_eats_gas
    self.totalSupply = _SUPPLY
    self.balanceOf[msg.sender] = _SUPPLY

    log IERC20.Transfer(sender=empty(address), receiver=msg.sender, value=_SUPPLY)


# --------------------------------------------------------------------------------------------------
# HOLDERS
# --------------------------------------------------------------------------------------------------


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Moves the caller's NMR. The zero address and the token itself are receivers like any
            other.
    @param receiver Who gets it.
    @param amount How much, in base units; reverts without data if the caller has less.
    @return True; false, with nothing moved, while the token is stopped.
    """
    if self.stopped:
        return False
    assert self._is_payload_exact(len(msg.data), 2), UNREACHABLE
    assert self.balanceOf[msg.sender] >= amount

    self._move(msg.sender, receiver, amount)

    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Moves NMR that its owner has approved the caller to move. No allowance is endless: even
            the highest is used up. There is no Approval event.
    @param owner Whose NMR moves.
    @param receiver Who gets it.
    @param amount How much, in base units; reverts without data if balance or allowance is smaller.
    @return True; false, with nothing moved, while the token is stopped.
    """
    if self.stopped:
        return False
    assert self._is_payload_exact(len(msg.data), 3), UNREACHABLE
    assert self.balanceOf[owner] >= amount
    assert self.allowance[owner][msg.sender] >= amount

    self.allowance[owner][msg.sender] -= amount
    self._move(owner, receiver, amount)

    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Sets an allowance, but only from zero or to zero: reverts without data otherwise.
    @param spender Who may move the caller's NMR.
    @param amount How much, in base units.
    @return True; false, with nothing set, while the token is stopped.
    """
    if self.stopped:
        return False
    assert self._is_payload_exact(len(msg.data), 2), UNREACHABLE
    assert amount == 0 or self.allowance[msg.sender][spender] == 0

    self._set_allowance(msg.sender, spender, amount)

    return True


@external
def changeApproval(spender: address, old_amount: uint256, new_amount: uint256) -> bool:
    """
    @notice Sets an allowance from any amount to any other, if it still is what the caller believes.
    @param spender Who may move the caller's NMR.
    @param old_amount What the allowance is, in base units; reverts without data if it is another.
    @param new_amount What it becomes, in base units.
    @return True; false, with nothing set, while the token is stopped.
    """
    if self.stopped:
        return False
    assert self._is_payload_exact(len(msg.data), 3), UNREACHABLE
    assert self.allowance[msg.sender][spender] == old_amount

    self._set_allowance(msg.sender, spender, new_amount)

    return True


@external
def mint(amount: uint256) -> bool:
    """
    @notice Burns the caller's own NMR. The name is the real token's, which reused an old function
            for this.
    @param amount How much, in base units.
    @return True; false, with nothing burned, while the token is stopped or if the caller has less
            (or all gas is eaten in the latter case, as chosen at deployment).
    """
    if self.stopped:
        return False

    return self._burn(msg.sender, amount)


@external
def numeraiTransfer(owner: address, amount: uint256) -> bool:
    """
    @notice Burns NMR that its owner has approved the caller to move. Works while stopped, as on the
            real token.
    @param owner Whose NMR is burned.
    @param amount How much, in base units.
    @return True; false, with nothing burned, if allowance or balance is smaller (or all gas is
            eaten, as chosen at deployment).
    """
    assert self._is_payload_exact(len(msg.data), 2), UNREACHABLE
    allowance: uint256 = self.allowance[owner][msg.sender]
    if allowance < amount:
        return self._refuse_burn()
    if not self._burn(owner, amount):
        return False

    self._set_allowance(owner, msg.sender, allowance - amount)

    return True


@external
@payable
def __default__():
    """
    @notice Swallows every function that the token does not have, and ether: success, empty return
            data, no effect. So `permit`, `increaseAllowance` or `paused` seem to work.
    """
    pass


# --------------------------------------------------------------------------------------------------
# THE DEPLOYER, AS RELAY AND AS OPERATOR OF THE STOP
# --------------------------------------------------------------------------------------------------


@external
def withdraw(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Moves NMR out of one of the first million addresses, at the word of the relay alone.
    @param owner Whose NMR moves; at most address 1,000,000.
    @param receiver Who gets it; not the zero address.
    @param amount How much, in base units.
    @return True; false, with nothing moved, for another caller, a higher address, the zero
            receiver, or too little.
    """
    assert self._is_payload_exact(len(msg.data), 3), UNREACHABLE
    if msg.sender != RELAY or convert(owner, uint256) > _LAST_RELAYED_ADDRESS:
        return False
    if receiver == empty(address) or self.balanceOf[owner] < amount:
        return False

    self._move(owner, receiver, amount)

    return True


@external
def set_stopped(stopped: bool):
    """
    @notice Stops the token or lets it run again. The real token can no longer be stopped; tests
            need to see it.
    @param stopped Whether it stands.
    """
    assert msg.sender == RELAY, "nmr: only the deployer stops it"

    self.stopped = stopped


# --------------------------------------------------------------------------------------------------
# INTERNALS
# --------------------------------------------------------------------------------------------------


@internal
@pure
def _is_payload_exact(length: uint256, words: uint256) -> bool:
    return length == _SELECTOR_LENGTH + words * _WORD_LENGTH


@internal
def _move(owner: address, receiver: address, amount: uint256):
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += amount

    log IERC20.Transfer(sender=owner, receiver=receiver, value=amount)


@internal
def _set_allowance(owner: address, spender: address, amount: uint256):
    self.allowance[owner][spender] = amount

    log IERC20.Approval(owner=owner, spender=spender, value=amount)


@internal
def _burn(owner: address, amount: uint256) -> bool:
    if self.balanceOf[owner] < amount:
        return self._refuse_burn()

    self.totalSupply -= amount
    self.balanceOf[owner] -= amount

    log IERC20.Transfer(sender=owner, receiver=empty(address), value=amount)

    return True


@internal
@view
def _refuse_burn() -> bool:
    assert not EXCESS_BURN_EATS_GAS, UNREACHABLE

    return False
