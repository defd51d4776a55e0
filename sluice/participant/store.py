"""Where signed messages are kept until somebody sends them: a file of JSON lines, or a relay's
store, told by its URL.

Without either a signed message is only printed.
"""

from pathlib import Path

from sluice.instructions import Domain, Signed, is_signed, read_messages, write_messages
from sluice.relay.store import Store


def stored_messages(store: str | None, domain: Domain) -> list[Signed]:
    """What a store holds that may still happen; nothing of none, or of a file that is not there
    yet."""
    if store is None:
        return []
    if "://" in store:
        return [each.signed for each in Store(store, domain).open_messages()]
    path = Path(store)
    return read_messages(path, domain) if path.exists() else []


def keep(store: str | None, signed: Signed) -> None:
    """Adds a signed message to a store, if there is one."""
    if store is None:
        return
    if "://" in store:
        Store(store, signed.domain).add(signed, is_signed(signed))
    else:
        write_messages([signed], Path(store))
