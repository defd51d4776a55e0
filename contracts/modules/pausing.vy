# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title The pause: the guardian's brake, which lets go by itself
@notice Stops what others do with accounts (deposits, relays, passes, batches), never what accounts
        do to get out, and no clock. It ends after one round length; the guardian has another only
        after the owner's `unpause`, so that no key alone can make it last.
"""

from . import refusals
from . import clock

uses: refusals
uses: clock

# 0 = not since the last unpause
_paused_at: uint256


event Paused:
    paused_at: uint256


event Unpaused:
    pass


@internal
def _pause():
    if self._paused_at != 0:
        refusals._refuse(refusals.PAUSE_USED)

    self._paused_at = block.timestamp

    log Paused(paused_at=block.timestamp)


@internal
def _unpause():
    if self._paused_at == 0:
        refusals._refuse(refusals.NOT_PAUSED)

    self._paused_at = 0

    log Unpaused()


@internal
@view
def _check_running():
    # unchecked: both are times
    if block.timestamp < unsafe_add(self._paused_at, clock.ROUND_LENGTH):
        refusals._refuse(refusals.PAUSED)
