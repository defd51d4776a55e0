# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Batch sender of a library, deployable, for the gas bench only
@license AGPL-3.0-only
@author Sluice contributors
@notice Gives snekmate's batch distributor an address: one of the general-purpose senders that a
        batch of free withdrawals has to be compared with.
@custom:security For measuring. Holds nothing between calls.
"""

from ethereum.ercs import IERC20

from snekmate.utils import batch_distributor

initializes: batch_distributor


@deploy
def __init__():
    """
    @notice Nothing to set.
    """
    batch_distributor.__init__()


@external
def distribute_token(token: IERC20, data: batch_distributor.Batch):
    """
    @notice Collects the sum from the caller, who has approved it, and hands it out.
    @param token The token to pay in.
    @param data Who is paid, and how much each gets in token base units.
    """
    batch_distributor._distribute_token(token, data)
