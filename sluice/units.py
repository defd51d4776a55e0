"""Token base units and nano-NMR: the conversion at the edge of the contract.

One nano-NMR is 10**9 base units; the contract refuses an amount that is not a whole nano-NMR.
"""

from sluice.errors import InvalidInput
from sluice.ledger import ALL

BASE_UNITS_A_NANO = 10**9
MAX_UINT = 2**256 - 1
"""As an amount: all of it; as a deadline: never."""


def to_units(amount_nano: int) -> int:
    """Base units of an amount in nano-NMR; InvalidInput for one that no word holds."""
    if not 0 <= amount_nano <= MAX_UINT // BASE_UNITS_A_NANO:
        raise InvalidInput(f"{amount_nano} nano-NMR is no amount: give a whole number above zero")
    return amount_nano * BASE_UNITS_A_NANO


def to_units_or_all(amount_nano: int) -> int:
    """Base units of an amount in nano-NMR, the maximum for `ALL`."""
    return MAX_UINT if amount_nano == ALL else to_units(amount_nano)


def from_units(units: int) -> int:
    """Nano-NMR of base units; InvalidInput if they are no whole nano-NMR."""
    nano, rest = divmod(units, BASE_UNITS_A_NANO)
    if rest:
        raise InvalidInput(f"{units} base units are no whole nano-NMR: this is not a Sluice escrow")
    return nano
