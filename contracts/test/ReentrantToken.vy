# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Token that calls back, for tests only
@license AGPL-3.0-only
@author Sluice contributors
@notice In the midst of a transfer it calls a target of the test's choice and records the outcome.
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

_MAX_CALLDATA: constant(uint256) = 2_048
_MAX_ANSWER: constant(uint256) = 256

target: public(address)
payload: public(Bytes[_MAX_CALLDATA])
# How often the target was called, and how often that succeeded.
attempts: public(uint256)
successes: public(uint256)
last_answer: public(Bytes[_MAX_ANSWER])
_is_calling: bool


@deploy
def __init__():
    """
    @notice Gives the whole supply to the deployer; calls nobody yet.
    """
    plain_token.__init__()


@external
def arm(target: address, payload: Bytes[_MAX_CALLDATA]):
    """
    @notice Chooses whom every transfer calls back, and clears the record.
    @param target The contract to call; the zero address for none.
    @param payload The calldata.
    """
    self.target = target
    self.payload = payload
    self.attempts = 0
    self.successes = 0
    self.last_answer = b""


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Moves the caller's tokens and calls back.
    @param receiver Who gets them.
    @param amount How much, in base units.
    @return True.
    """
    plain_token._move(msg.sender, receiver, amount)
    self._call_back()

    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Moves tokens by allowance and calls back.
    @param owner Whose tokens move.
    @param receiver Who gets them.
    @param amount How much, in base units.
    @return True.
    """
    plain_token._move_for(msg.sender, owner, receiver, amount)
    self._call_back()

    return True


@internal
def _call_back():
    # A target that transfers in its turn would otherwise recurse until the gas is gone.
    if self.target == empty(address) or self._is_calling:
        return

    self._is_calling = True
    success: bool = False
    answer: Bytes[_MAX_ANSWER] = b""
    success, answer = raw_call(
        self.target, self.payload, max_outsize=_MAX_ANSWER, revert_on_failure=False
    )
    self._is_calling = False

    self.attempts += 1
    if success:
        self.successes += 1
    self.last_answer = answer
