"""Where signed messages are kept until somebody sends them: a file of JSON lines, or a relay's
store.

Without either a signed message is only printed.
"""

from pathlib import Path

from sluice.instructions import Domain, Signed, read_messages, write_messages


def stored_messages(store: str | None, domain: Domain) -> list[Signed]:
    """What a store holds; nothing of none, or of a file that is not there yet."""
    if store is None:
        return []
    path = Path(store)
    return read_messages(path, domain) if path.exists() else []


def keep(store: str | None, signed: Signed) -> None:
    """Adds a signed message to a store, if there is one."""
    if store is not None:
        write_messages([signed], Path(store))
