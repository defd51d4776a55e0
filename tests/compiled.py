"""The contracts as they are compiled, and what the escrow stores, straight out of its storage."""

from functools import cache
from pathlib import Path
from typing import Any

import boa

from sluice.words import MODELS, OFFER_PLACE, PAGES, SPLIT_PLACE, word_slot

CONTRACTS = Path(__file__).resolve().parent.parent / "contracts"

PLACES = (*range(PAGES + 1), OFFER_PLACE, *range(SPLIT_PLACE, SPLIT_PLACE + MODELS))
"""Where an account can have a word: its own, the stake pages, the offer, the split words."""


@cache
def deployer_of(path: str) -> Any:
    """The compiled contract; each is compiled once a process."""
    return boa.load_partial(str(CONTRACTS / path))


def slot_of(module: str, variable: str) -> int:
    """The storage slot of a module's variable in the escrow, as the compiler laid it out."""
    layout = deployer_of("Escrow.vy").compiler_data.storage_layout["storage_layout"]
    return int(layout[module][variable]["slot"])


@cache
def words_slot() -> int:
    """The slot of the mapping that holds every account."""
    return slot_of("accounts", "_words")


def stored_words(escrow: Any, account: str) -> dict[int, int]:
    """What the contract stores for an account: word by place, no zeros."""
    words = {
        place: int(boa.env.get_storage(escrow.address, slot)) for place, slot in _slots(account)
    }
    return {place: word for place, word in words.items() if word}


@cache
def _slots(account: str) -> list[tuple[int, int]]:
    return [(place, word_slot(account, place, words_slot())) for place in PLACES]
