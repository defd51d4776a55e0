"""The registry: which address an account's name stands for, and the number of each of its models,
kept for ever.

A csv file with the columns account, address, model, number. An account without models yet has
one row with the last two empty. Models are numbered from 0 in the order in which they first
appear: by round, then by model name, whatever the order of rows in the file; so one long file
and its rounds one by one give the same numbers. A number is never given twice and never changed,
since an account's stake on chain stands under it.
"""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path

from sluice.errors import InvalidInput
from sluice.files import write_atomically
from sluice.inputs import RoundTable, Row, as_address, bad_row, read_frame
from sluice.words import MODELS

COLUMNS = ("account", "address", "model", "number")


@dataclass(frozen=True, slots=True)
class Registry:
    """`addresses[account name]` is a checksum address, one for each name and one name for each;
    `numbers[address][model name]` is 0..64. `source` is the file's name, for messages."""

    addresses: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    source: str = "registry.csv"

    @property
    def sha256(self) -> str:
        """Of the canonical text, whatever the layout of the file it was read from."""
        return hashlib.sha256(registry_text(self).encode()).hexdigest()

    def address(self, row: Row, table: RoundTable) -> str:
        """The address of a row's account; InvalidInput, naming file, row and remedy, if it is
        unknown."""
        known = as_address(row.account) or self.addresses.get(row.account)
        if known is None:
            raise bad_row(
                table.source,
                row.number,
                f"account {row.account} is unknown",
                f"add it with its address to {self.source}, or write its address in the row",
            )
        return known

    def number(self, row: Row, table: RoundTable) -> int:
        """The number of a row's model; InvalidInput, naming file, row and remedy, if it has none
        yet."""
        number = self.numbers.get(self.address(row, table), {}).get(row.model)
        if number is None:
            raise bad_row(
                table.source,
                row.number,
                f"model {row.model} of account {row.account} has no number",
                f"extend {self.source} with this file first",
            )
        return number

    def models(self, address: str) -> Mapping[int, str]:
        """The names of an account's models by number."""
        return {number: model for model, number in self.numbers.get(address, {}).items()}


def with_accounts(registry: Registry, addresses: Mapping[str, str]) -> Registry:
    """The registry with more accounts, name to address; InvalidInput if a name or an address
    stands for another already."""
    book = _Accounts(registry)
    for account, address in addresses.items():
        book.add(account, address)
    return replace(registry, addresses=book.addresses)


def extend(registry: Registry, table: RoundTable, last_round: int | None = None) -> Registry:
    """The registry with a number for every model of the table's rounds up to `last_round` (None:
    all of them).

    Raises InvalidInput, naming file, row and remedy, for an unknown account and for the 66th
    model of one."""
    addresses = dict(registry.addresses)
    known = set(addresses.values())
    numbers = {address: dict(models) for address, models in registry.numbers.items()}
    for round_number, rows in table.rounds.items():
        if last_round is not None and round_number > last_round:
            break
        for row in sorted(rows, key=attrgetter("model")):
            address = registry.address(row, table)
            if address not in known:
                known.add(address)
                addresses[address] = address
            models = numbers.setdefault(address, {})
            if row.model in models:
                continue
            number = max(models.values(), default=-1) + 1
            if number >= MODELS:
                raise bad_row(
                    table.source,
                    row.number,
                    f"model {row.model} would be number {number} of account {row.account}, "
                    f"which has {MODELS} at most",
                    "stake it in another account, or leave the row out",
                )
            models[row.model] = number
    return replace(registry, addresses=addresses, numbers=numbers)


def load_registry(path: Path) -> Registry:
    """Reads a registry file; InvalidInput, naming file, row and remedy, if a row contradicts
    another or itself."""
    _, frame, first_row = read_frame(path)
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise InvalidInput(
            f"{path.name}, row 1: no column {', '.join(missing)}; add it to every row"
        )
    book = _Accounts(Registry(source=path.name))
    numbers: dict[str, dict[str, int]] = {}
    for row_number, cells in enumerate(frame.select(COLUMNS).iter_rows(), start=first_row):
        account, address, model, number = (
            "" if cell is None else str(cell).strip() for cell in cells
        )
        try:
            checksum = book.add(account, address)
            if model or number:
                _number_model(numbers.setdefault(checksum, {}), model, number)
        except InvalidInput as error:
            raise InvalidInput(f"{path.name}, row {row_number}: {error}") from None
    return Registry(book.addresses, numbers, path.name)


def save_registry(registry: Registry, path: Path) -> None:
    """Writes the registry's file, whole or not at all."""
    write_atomically(path, registry_text(registry).encode())


def registry_text(registry: Registry) -> str:
    """The registry as csv, by account name, then number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for account, address in sorted(registry.addresses.items()):
        models = sorted(registry.numbers.get(address, {}).items(), key=lambda pair: pair[1])
        writer.writerows(
            [(account, address, model, number) for model, number in models]
            or [(account, address, "", "")]
        )
    return text.getvalue()


class _Accounts:
    """A registry's accounts while more are added, searchable both ways."""

    def __init__(self, registry: Registry) -> None:
        self.addresses = dict(registry.addresses)
        self._names = {address: name for name, address in registry.addresses.items()}

    def add(self, account: str, address: str) -> str:
        """Adds an account, or finds it the same; returns its checksum address."""
        checksum = as_address(address.strip())
        if checksum is None or int(checksum, 16) == 0:
            raise InvalidInput(
                f"{address or 'an empty field'} is no address: write 0x and 40 hexadecimal "
                "digits, not all zero"
            )
        name = as_address(account.strip()) or account.strip()
        if not name:
            raise InvalidInput("account is empty: write its name, or its address again")
        if name != checksum and as_address(name):
            raise InvalidInput(
                f"account {name} has another address, {checksum}: write the same one twice"
            )
        held = self.addresses.setdefault(name, checksum)
        if held != checksum:
            raise InvalidInput(
                f"account {name} has the address {held} already: keep one of the two"
            )
        holder = self._names.setdefault(checksum, name)
        if holder != name:
            raise InvalidInput(
                f"address {checksum} is account {holder} already: keep one name for it"
            )
        return checksum


def _number_model(models: dict[str, int], model: str, number: str) -> None:
    if not model:
        raise InvalidInput(f"number {number} has no model: write its name, or leave both empty")
    if not (number.isascii() and number.isdigit() and int(number) < MODELS):
        raise InvalidInput(
            f"number of model {model} is {number or 'empty'}: write 0 to {MODELS - 1}"
        )
    if model in models:
        raise InvalidInput(
            f"model {model} has number {models[model]} already: keep one of the two rows"
        )
    if int(number) in models.values():
        raise InvalidInput(
            f"number {number} belongs to another model of the account: a number is never "
            "given twice"
        )
    models[model] = int(number)
