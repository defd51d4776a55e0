# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title What counts as a key's signature, to be called from tests
@license AGPL-3.0-only
@notice For tests only: `modules/signing.vy` for any hash.
"""

from ..modules import refusals
from ..modules import signing

initializes: refusals
initializes: signing[refusals := refusals]


@deploy
def __init__():
    refusals.__init__()


@external
@view
def is_key(account: address, hash: bytes32, r: uint256, vs: uint256) -> bool:
    """@notice Whether r and vs are a signature of the hash by the account's own key."""
    return signing._is_key(convert(account, uint256), hash, r, vs)
