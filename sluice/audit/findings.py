"""What an audit checks, and what it says where something does not hold."""

from dataclasses import dataclass
from enum import StrEnum


class Check(StrEnum):
    """The lines of the report."""

    EVENTS = "events"
    RULES = "rules"
    ROUNDS = "rounds"
    MANIFESTS = "manifests"
    ACCOUNTS = "accounts"
    TREASURY = "treasury"
    CONSERVATION = "conservation"
    ROUND_STATE = "round_state"
    ROLES = "roles"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold. `subject`: an account, a round, or what else it is about;
    `found` is what the chain (or a file) has, `wanted` what follows from the events, both integers
    in nano-NMR where `unit` says so; `where`: the block, if the events themselves show it."""

    check: Check
    subject: str
    field: str
    found: int | str
    wanted: int | str
    unit: str = ""
    where: str = ""

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        where = f", {self.where}" if self.where else ""
        return f"{self.subject}: {self.field} is {self.found}{unit}, not {self.wanted}{unit}{where}"


NANO = "nano-NMR"
