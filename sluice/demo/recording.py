"""A file of rounds made ready for a replay, and the files of its rounds with guests in them."""

import csv
import io
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from decimal import Decimal

from eth_account import Account as KeyedAccount
from eth_utils.crypto import keccak

from sluice import history as recorded
from sluice.demo.guests import FIRST_STAKES_NANO, Guest
from sluice.history import History
from sluice.inputs import RoundTable, Row, as_address
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


def with_guests(recording: Recording, guests: Sequence[Guest]) -> Registry:
    """The recording's registry with the guests and their models in it; InvalidInput if a recorded
    account has the name of one."""
    names = {guest.name: str(guest.signer.address) for guest in guests}
    registry = with_accounts(recording.registry, names)
    numbers = {
        names[guest.name]: {guest.model_name(model): model for model in FIRST_STAKES_NANO}
        for guest in guests
    }
    return replace(registry, numbers={**registry.numbers, **numbers})


def round_file(recorded_rows: Sequence[Row], rows: Sequence[Row]) -> bytes:
    """The file of one round as an operator would publish it: recorded rows, then the guests'. It
    reads back (`sluice.inputs.read_rounds`) as the same amounts to the nano."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("round", "account", "model", "stake", "payout", "resolved"))
    for each in (*recorded_rows, *rows):
        writer.writerow(
            (
                each.round_number,
                each.account,
                each.model,
                _decimal(each.stake_nano or 0),
                _decimal(each.payout_nano) if each.scored else "",
                str(each.resolved).lower(),
            )
        )
    return text.getvalue().encode()


def _decimal(amount_nano: int) -> str:
    return f"{Decimal(amount_nano).scaleb(-9):f}"
