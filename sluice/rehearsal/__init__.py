"""Rehearsing the way out: on a chain of one's own, made up or a copy of a real one, the keys are
gone or hostile from a moment on, and accounts leave with their own transactions.

Amounts are integers in nano-NMR, times unix seconds, addresses checksum text.
"""

from sluice.rehearsal.exits import Exit, Look, Rehearsal, Transacted, rehearse
from sluice.rehearsal.keys import Keys, KeysBurn, KeysDelay, KeysGone, Power
from sluice.rehearsal.stage import Stage, copied, made_up

__all__ = [
    "Exit",
    "Keys",
    "KeysBurn",
    "KeysDelay",
    "KeysGone",
    "Look",
    "Power",
    "Rehearsal",
    "Stage",
    "Transacted",
    "copied",
    "made_up",
    "rehearse",
]
