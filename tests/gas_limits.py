"""How a call of the escrow ends with so much gas and no more."""

from collections.abc import Callable, Iterable
from typing import Any

import boa

REVERTED = "reverted"

Call = Callable[[int], Any]
"""A call with a gas limit; what it answers is what became of it."""


def outcome(call: Call, gas: int) -> Any:
    """What the call answers, or REVERTED; the chain is as before."""
    with boa.env.anchor():
        try:
            return call(gas)
        except boa.BoaError:
            return REVERTED


def outcomes(call: Call, limits: Iterable[int]) -> set[Any]:
    """Every way in which the call ends with one of these limits."""
    return {outcome(call, gas) for gas in limits}


def least_gas(call: Call, low: int, high: int) -> int:
    """The least gas with which the call does not revert, between a limit with which it does and a
    higher one with which it does not."""
    assert outcome(call, low) == REVERTED
    assert outcome(call, high) != REVERTED
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if outcome(call, middle) == REVERTED else (low, middle)
    return high
