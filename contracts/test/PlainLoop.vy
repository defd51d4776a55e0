# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Plain loop of token transfers, for the gas bench only
@license AGPL-3.0-only
@author Sluice contributors
@notice Pays many receivers from one sender in the way that general-purpose senders do: collect
        once, then one transfer each. What a batch of free withdrawals has to be compared with.
@custom:security For measuring. Holds nothing between calls.
"""

from ..interfaces import INmr

_MAX_RECEIVERS: constant(uint256) = 256


@external
def disperse(
    token: address,
    receivers: DynArray[address, _MAX_RECEIVERS],
    amounts: DynArray[uint256, _MAX_RECEIVERS],
):
    """
    @notice Collects the sum from the caller, who has approved it, and hands it out.
    @param token The token to pay in.
    @param receivers Who is paid.
    @param amounts How much each gets, in token base units, one for each receiver.
    """
    assert len(receivers) == len(amounts), "loop: one amount per receiver"

    total: uint256 = 0
    for amount: uint256 in amounts:
        total += amount
    collected: bool = extcall INmr(token).transferFrom(msg.sender, self, total)
    assert collected, "loop: could not collect"

    for i: uint256 in range(len(receivers), bound=_MAX_RECEIVERS):
        paid: bool = extcall INmr(token).transfer(receivers[i], amounts[i])
        assert paid, "loop: could not pay"
