"""What every message is checked for when it is made."""

from sluice.errors import InvalidInput
from sluice.inputs import as_address
from sluice.instructions.domain import NEVER, PACKED_NEVER


def checked_account(account: str) -> str:
    """The account's address as checksum text; InvalidInput if it is none."""
    checksum = as_address(account)
    if checksum is None or int(checksum, 16) == 0:
        raise InvalidInput(f"account {account} is no address: write 0x and 40 digits, not all zero")
    return checksum


def check_deadline(deadline: int) -> None:
    """InvalidInput for a deadline that does not fit: 32 bits of unix seconds, or `NEVER`."""
    if deadline != NEVER and not 0 <= deadline < PACKED_NEVER:
        raise InvalidInput(f"deadline {deadline}: give unix seconds below {PACKED_NEVER}, or never")
