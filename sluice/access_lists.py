"""Access lists (EIP-2930): what a transaction names beforehand is cheaper when it is first reached.

Pure: which part of the list that a node made is worth its gas and its bytes
(docs/decisions/0010-access-lists.md).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

COLD_KEY_GAS, WARM_KEY_GAS, LISTED_KEY_GAS = 2_100, 100, 1_900
COLD_ADDRESS_GAS, WARM_ADDRESS_GAS, LISTED_ADDRESS_GAS = 2_600, 100, 2_400
"""What the first and every other reach for a storage slot or an account takes, and what it takes to
list one (EIP-2929, EIP-2930)."""

KEY_SAVES = COLD_KEY_GAS - WARM_KEY_GAS - LISTED_KEY_GAS
ADDRESS_SAVES = COLD_ADDRESS_GAS - WARM_ADDRESS_GAS - LISTED_ADDRESS_GAS
PAYS_FROM_KEYS = LISTED_ADDRESS_GAS // KEY_SAVES + 1
"""From how many keys on a list of the receiver's own storage is worth its gas: its address must be
listed as well, which saves nothing, since a transaction reaches its receiver anyway."""

MOST_BYTES = 120_000
"""Of calldata and list together. Public nodes pass on no transaction of more than 128 KiB; the rest
is for signature and envelope."""
KEY_BYTES = 33
ENTRY_BYTES = 29
"""RLP: a word with its prefix; an address with its, and two prefixes of lists around the keys."""

PRECOMPILES = 0x200
"""Addresses below are precompiles or nobody's: always reached for the price of a second time."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An account that a transaction names, checksum address, and the storage slots of it."""

    address: str
    keys: tuple[int, ...]

    def first(self, count: int) -> "Listed":
        """The same account with no more than so many slots."""
        return Listed(self.address, self.keys[:count])

    def document(self) -> dict[str, object]:
        """As JSON-RPC has it."""
        keys = [f"0x{key:064x}" for key in self.keys]
        return {"address": self.address, "storageKeys": keys}


AccessList = tuple[Listed, ...]


def read(answer: Iterable[Mapping[str, Any]]) -> AccessList:
    """The list of a node's answer."""
    return tuple(
        Listed(to_checksum_address(each["address"]), tuple(map(_number, each["storageKeys"])))
        for each in answer
    )


def gas_saved(listed: Listed, reached: Collection[str]) -> int:
    """What naming an account saves at least, below zero if it costs; `reached`: the checksum
    addresses that a transaction has reached before it begins, its sender and its receiver."""
    keys = KEY_SAVES * len(listed.keys)
    if listed.address in reached or int(listed.address, 16) < PRECOMPILES:
        return keys - LISTED_ADDRESS_GAS
    return keys + ADDRESS_SAVES


def total_saved(access_list: Iterable[Listed], reached: Collection[str]) -> int:
    """What a list saves at least, below zero if it costs."""
    return sum(gas_saved(listed, reached) for listed in access_list)


def worthwhile(
    access_list: Iterable[Listed], reached: Collection[str], data_bytes: int
) -> AccessList:
    """The part of a list that saves gas, and for which there is room beside so much calldata."""
    room = MOST_BYTES - data_bytes
    found = []
    for listed in access_list:
        fitting = listed.first(max(0, (room - ENTRY_BYTES) // KEY_BYTES))
        length = ENTRY_BYTES + KEY_BYTES * len(fitting.keys)
        if length <= room and gas_saved(fitting, reached) > 0:
            found.append(fitting)
            room -= length
    return tuple(found)


def documents(access_list: AccessList) -> list[dict[str, object]]:
    """The list as JSON-RPC has it."""
    return [listed.document() for listed in access_list]


def _number(key: str | bytes) -> int:
    return int(key, 16) if isinstance(key, str) else int.from_bytes(key)
