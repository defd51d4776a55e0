# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title The clock: pass times, deadlines, periods
@notice Rounds are counted as account words count them, from 1 at the first pass; the externals use
        the tournament's own numbers. All times are unix seconds.
"""

from . import refusals
from . import packing

uses: refusals

PERIOD: constant(uint256) = 14 * 86400

FIRST_PASS: immutable(uint256)
FIRST_PASS_TIME: immutable(uint256)
ROUND_LENGTH: immutable(uint256)
WINDOW: immutable(uint256)
GRACE: immutable(uint256)
CAP_BPS: immutable(uint256)
DEPLOYED_AT: immutable(uint256)


@deploy
def __init__(
    first_pass_: uint256,
    first_pass_time_: uint256,
    round_length_: uint256,
    window_: uint256,
    grace_: uint256,
    cap_bps_: uint256,
):
    if first_pass_ == 0:
        refusals._refuse(refusals.FIRST_PASS_ZERO)
    if first_pass_time_ < block.timestamp:
        refusals._refuse(refusals.FIRST_PASS_PAST)
    if 2 * window_ >= round_length_:
        refusals._refuse(refusals.WINDOW_TOO_LONG)
    if window_ >= grace_:
        refusals._refuse(refusals.WINDOW_PAST_GRACE)
    if cap_bps_ == 0:
        refusals._refuse(refusals.CAP_ZERO)
    if 4 * cap_bps_ > packing.BPS:
        refusals._refuse(refusals.CAP_TOO_HIGH)

    FIRST_PASS = first_pass_
    FIRST_PASS_TIME = first_pass_time_
    ROUND_LENGTH = round_length_
    WINDOW = window_
    GRACE = grace_
    CAP_BPS = cap_bps_
    DEPLOYED_AT = block.timestamp


@internal
@view
def _pass_time(round_word: uint256) -> uint256:
    """
    @dev The nominal time of a round's pass, whatever the moment of earlier ones. Unchecked: asked
         for rounds up to the second after one whose pass time is past.
    """
    return unsafe_add(FIRST_PASS_TIME, unsafe_mul(unsafe_sub(round_word, 1), ROUND_LENGTH))


@internal
@view
def _lapsed_rounds() -> uint256:
    """
    @dev How many rounds are past their deadline, and burn nothing more: all up to this one.
    """
    first_deadline: uint256 = FIRST_PASS_TIME + GRACE
    if block.timestamp <= first_deadline:
        return 0
    # unchecked: past the first deadline; a round has some length
    past: uint256 = unsafe_sub(unsafe_sub(block.timestamp, first_deadline), 1)
    return unsafe_add(unsafe_div(past, ROUND_LENGTH), 1)


@internal
@view
def _period() -> uint256:
    """
    @dev The current fortnight, from 1 at the deployment. Unchecked: it is past.
    """
    return unsafe_add(unsafe_div(unsafe_sub(block.timestamp, DEPLOYED_AT), PERIOD), 1)


@internal
@view
def _to_word(round: uint256) -> uint256:
    """
    @dev A tournament round as the words count it. Unchecked: one before the first pass becomes 0 or
         far too high.
    """
    return unsafe_add(unsafe_sub(round, FIRST_PASS), 1)


@internal
@view
def _to_round(round_word: uint256) -> uint256:
    return unsafe_sub(unsafe_add(round_word, FIRST_PASS), 1)
