"""Everything gas-free: signed messages are kept, instructions relayed in batches, outcomes seen.

A participant signs; the relay sends and pays. It can do nothing that was not signed: anybody can
run one, and who trusts none sends his instruction himself.
"""

from sluice.relay.relay import Relay, Sent, TransactionWaits, sent
from sluice.relay.store import Added, Outcome, State, Store, Stored, StoreError

__all__ = [
    "Added",
    "Outcome",
    "Relay",
    "Sent",
    "State",
    "Store",
    "StoreError",
    "Stored",
    "TransactionWaits",
    "sent",
]
