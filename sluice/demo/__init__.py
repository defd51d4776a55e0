"""Recorded rounds through the contract on a local chain, pass by pass, beside the reference ledger.

Each pass is what an operator's week is: participants' changes, the round built from its file,
announced, waited for, resolved in batches; each fortnight free withdrawals are paid. Beside the
recorded accounts stand a few of the demonstration's own, the guests, which have splits and sign
everything. After each pass three things are checked: every word the chain holds of every account is
the ledger's (`chain_equals_ledger`); the token balance is the sum of what the escrow owes
(`conservation`); and every stake that only compounded in the file came out on chain by itself as it
was recorded (`compounding`). In the end no guest has sent a transaction (`gas_free`).
"""

from sluice.demo.checks import LARGEST_DIFFERENCE_NANO, Checks
from sluice.demo.recording import Recording, open_chain, prepare
from sluice.demo.replay import Opening, Replay, RoundResult, run

__all__ = [
    "LARGEST_DIFFERENCE_NANO",
    "Checks",
    "Opening",
    "Recording",
    "Replay",
    "RoundResult",
    "open_chain",
    "prepare",
    "run",
]
