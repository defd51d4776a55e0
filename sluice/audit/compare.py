"""Stored words held against rebuilt accounts: every place of every account, and what differs by
field."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sluice.account import bound_nano
from sluice.audit.findings import NANO, Check, Finding
from sluice.ledger import Ledger
from sluice.parameters import Parameters
from sluice.stored import Place, stakes_nano
from sluice.words import (
    MODELS,
    OFFER_PLACE,
    OPEN_ROUNDS,
    PAGES,
    SPLIT_PLACE,
    WORD_BYTES,
    page_models,
    unpack_account,
    unpack_page,
    unpack_split,
)

PLACES = (*range(PAGES + 1), OFFER_PLACE, *range(SPLIT_PLACE, SPLIT_PLACE + MODELS))
"""Every place that an account can have, in use or not."""

ACCOUNTS_AT_A_TIME = 200

Read = Callable[[Sequence[Place]], bytes]
"""Gives the stored words at the places asked for, one after the other."""
Fields = dict[str, tuple[int | str, str]]
"""By name the value of a field and its unit."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How many accounts and words were compared, what differs, and by how much the chain's pools
    and stakes together are more than the rebuilt ones, in nano-NMR."""

    accounts: int
    words: int
    findings: tuple[Finding, ...]
    more_nano: int


def compare(ledger: Ledger, read: Read, tell: Callable[[int], None]) -> Compared:
    """Holds all that is stored of all accounts against the ledger; `tell` is called with how many
    accounts are done."""
    accounts = sorted(ledger.accounts)
    findings: list[Finding] = []
    more_nano = 0
    for start in range(0, len(accounts), ACCOUNTS_AT_A_TIME):
        some = accounts[start : start + ACCOUNTS_AT_A_TIME]
        found = read([(account, place) for account in some for place in PLACES])
        length = WORD_BYTES * len(PLACES)
        for index, account in enumerate(some):
            stored = found[length * index : length * (index + 1)]
            wanted = ledger.words(account)
            if stored != _joined(wanted):
                held = _words(stored)
                findings += differences(account, held, wanted, ledger.parameters)
                more_nano += _equity_nano(held) - _equity_nano(wanted)
        tell(start + len(some))
    return Compared(len(accounts), len(accounts) * len(PLACES), tuple(findings), more_nano)


def differences(
    account: str, found: Mapping[int, int], wanted: Mapping[int, int], parameters: Parameters
) -> Iterator[Finding]:
    """Field by field where an account's words by place are others than the rebuilt ones."""
    last_pass = unpack_account(wanted.get(0, 0)).round_word
    for place in sorted(found.keys() | wanted.keys()):
        there, here = found.get(place, 0), wanted.get(place, 0)
        if there == here:
            continue
        there_fields = _fields(place, there, last_pass, parameters)
        here_fields = _fields(place, here, last_pass, parameters)
        different = [name for name in here_fields if there_fields[name] != here_fields[name]]
        for name in different:
            value, unit = there_fields[name]
            yield Finding(Check.ACCOUNTS, account, name, value, here_fields[name][0], unit)
        if not different:
            yield Finding(
                Check.ACCOUNTS, account, f"spare bits of word {place}", hex(there), hex(here)
            )


def _fields(place: int, word: int, last_pass: int, parameters: Parameters) -> Fields:
    if place == 0:
        return _account_fields(word, last_pass, parameters)
    if place <= PAGES:
        return _page_fields(place, word)
    if place == OFFER_PLACE:
        return {"move offered to": (f"0x{word:040x}", "")}
    return _split_fields(place - SPLIT_PLACE, word)


def _account_fields(word: int, last_pass: int, parameters: Parameters) -> Fields:
    held = unpack_account(word)
    fields: Fields = {
        "pool": (held.pool_nano, NANO),
        "stake of model 0": (held.stake_nano, NANO),
    }
    for round_word in range(last_pass + 1, last_pass + 1 + OPEN_ROUNDS):
        units = held.risks_units[round_word % OPEN_ROUNDS]
        name = f"risk of round {parameters.round_number(round_word)}"
        fields[name] = (bound_nano(units), NANO)
    fields["last pass"] = (parameters.round_number(held.round_word) if held.round_word else 0, "")
    fields["period of its last turn"] = (held.period, "")
    fields["stake pages in use"] = (held.pages, "")
    fields["flags"] = (held.flags, "")
    return fields


def _page_fields(place: int, word: int) -> Fields:
    page = unpack_page(word)
    fields: Fields = {
        f"stake of model {model}": (stake, NANO)
        for model, stake in zip(page_models(place), page.stakes_nano, strict=True)
    }
    fields[f"flags of stake page {place}"] = (page.flags, "")
    return fields


def _split_fields(model: int, word: int) -> Fields:
    split = unpack_split(word)
    parts = ", ".join(f"{share} to {destination}" for destination, share in split.parts)
    fields: Fields = {f"split of model {model}": (parts or "none", "")}
    if model == 0:
        fields |= {"due": (split.due_nano, NANO), "nonce": (split.nonce, "")}
    return fields


def _joined(words: Mapping[int, int]) -> bytes:
    joined = bytearray(WORD_BYTES * len(PLACES))
    for place, word in words.items():
        at = WORD_BYTES * _INDEX[place]
        joined[at : at + WORD_BYTES] = word.to_bytes(WORD_BYTES, "big")
    return bytes(joined)


def _words(joined: bytes) -> dict[int, int]:
    words = {
        place: int.from_bytes(joined[WORD_BYTES * index : WORD_BYTES * (index + 1)], "big")
        for place, index in _INDEX.items()
    }
    return {place: word for place, word in words.items() if word}


def _equity_nano(words: Mapping[int, int]) -> int:
    return unpack_account(words.get(0, 0)).pool_nano + sum(stakes_nano(words).values())


_INDEX = {place: index for index, place in enumerate(PLACES)}
