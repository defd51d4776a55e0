"""A file of rounds made ready for a replay."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from eth_account import Account as KeyedAccount
from eth_utils.crypto import keccak

from sluice import history as recorded
from sluice.history import History
from sluice.inputs import RoundTable, as_address
from sluice.local_chain import LocalChain, anvil_chain, in_process_chain
from sluice.registry import Registry, extend, with_accounts


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of rounds, ready to be replayed. `keys`: private keys by address of the accounts that
    the file names without an address."""

    table: RoundTable
    registry: Registry
    history: History
    keys: Mapping[str, bytes]


def prepare(table: RoundTable) -> Recording:
    """Gives every account of a table an address and every model its number, and reads its history.

    An account that is named gets an address from its name, the same every time; its key follows
    from the name too, so such an address is for local chains only. InvalidInput as
    `sluice.history.read_history`."""
    names = {row.account for rows in table.rounds.values() for row in rows}
    keys: dict[str, bytes] = {}
    addresses: dict[str, str] = {}
    for name in sorted(names):
        address = as_address(name)
        if address is None:
            key = keccak(text=f"sluice local account {name}")
            address = KeyedAccount.from_key(key).address
            keys[address.lower()] = key
        addresses[name] = address
    registry = extend(with_accounts(Registry(), addresses), table)
    return Recording(table, registry, recorded.read_history(table, registry), keys)


def open_chain(recording: Recording, in_process: bool) -> AbstractContextManager[LocalChain]:
    """A new local chain for a recording."""
    return in_process_chain(recording.keys) if in_process else anvil_chain()
