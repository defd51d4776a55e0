"""The committed results of the bench: four files of JSON that docs/gas.md is made from."""

from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from sluice.bench.growth import Growth
from sluice.bench.money import Week
from sluice.bench.names import LISTED
from sluice.errors import InvalidInput
from sluice.files import write_atomically
from sluice.local_chain import LocalChain

FIGURES, GROWTH, MONEY, CONDITIONS = "gas.json", "growth.json", "money.json", "conditions.json"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What was measured with."""

    client: str
    hardfork: str
    compiler: str


@dataclass(frozen=True, slots=True)
class Snapshots:
    """All results: gas by key, series by name, weeks by round, and what they were measured with."""

    figures: dict[str, int]
    growth: Growth
    weeks: list[Week]
    conditions: Conditions


_FIGURES = TypeAdapter(dict[str, int])
_GROWTH = TypeAdapter(Growth)
_WEEKS = TypeAdapter(list[Week])
_CONDITIONS = TypeAdapter(Conditions)
NOTHING = Snapshots({}, {}, [], Conditions("", "", ""))


def read(folder: Path) -> Snapshots:
    """What the folder's files hold; nothing of a file that is not there."""
    return Snapshots(
        _read(_FIGURES, folder / FIGURES, {}),
        _read(_GROWTH, folder / GROWTH, {}),
        _read(_WEEKS, folder / MONEY, []),
        _read(_CONDITIONS, folder / CONDITIONS, NOTHING.conditions),
    )


def write(snapshots: Snapshots, folder: Path) -> None:
    """Writes all four files."""
    growth = {name: dict(sorted(series.items())) for name, series in snapshots.growth.items()}
    for name, data in (
        (FIGURES, _FIGURES.dump_json(snapshots.figures, indent=2)),
        (GROWTH, _GROWTH.dump_json(growth, indent=2)),
        (MONEY, _WEEKS.dump_json(snapshots.weeks, indent=2)),
        (CONDITIONS, _CONDITIONS.dump_json(snapshots.conditions, indent=2)),
    ):
        write_atomically(folder / name, data + b"\n")


def over(measured: Snapshots, committed: Snapshots) -> Snapshots:
    """What was measured, over what was committed of all that was not."""
    left_out = {
        key: gas
        for key, gas in committed.figures.items()
        if (key.startswith("resolve_round_") or LISTED in key) and key not in measured.figures
    }
    return replace(
        measured,
        figures={**measured.figures, **left_out},
        growth=measured.growth or committed.growth,
        weeks=measured.weeks or committed.weeks,
    )


def conditions(chain: LocalChain) -> Conditions:
    """What answers for the chain, and what compiled the contracts."""
    client = str(chain.web3.client_version)
    hardfork = ""
    if client.startswith("anvil"):
        answer = chain.web3.manager.request_blocking("anvil_nodeInfo", [])  # type: ignore[arg-type]
        hardfork = str(answer["hardFork"]).lower()
    return Conditions(client, hardfork, f"vyper {version('vyper')}")


def _read(adapter: TypeAdapter[T], path: Path, missing: T) -> T:
    if not path.exists():
        return missing
    try:
        return adapter.validate_json(path.read_bytes())
    except ValidationError as error:
        raise InvalidInput(
            f"{path}: {error}: restore it, or run the bench with --update"
        ) from error
