"""What became of each mutant, kept line by line so that a stopped run goes on."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tools.mutation.mutants import Mutant


class Status(StrEnum):
    """What can become of a mutant."""

    INVALID = "does not compile"
    EQUAL = "compiles to the same bytecode"
    DUPLICATE = "compiles to another mutant's bytecode"
    KILLED = "killed"
    TIMEOUT = "killed by a test that no longer ended"
    CRASHED = "ended the test process"
    LASTING = "survived what is quick"
    SURVIVED = "survived"


DROPPED = (Status.INVALID, Status.EQUAL, Status.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the file."""

    mutant: Mutant
    status: Status
    killer: str = ""
    """The test that told it from the original."""
    tests: int = 0
    """How many were run."""
    seconds: float = 0.0
    """Of processor time, compilation included."""
    code: str = ""
    """Hash of its bytecode."""
    earlier: bool = False
    """Whether it was tested before the last change of the sources, which makes no difference to
    it (`tools/mutation/report.py` says why)."""


def digest_of(paths: Iterable[Path]) -> str:
    """Of files' contents, in their order by name."""
    hashed = hashlib.sha256()
    for path in sorted(paths):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:16]


class Book:
    """The file of results of one state of the sources; another state's becomes its forerunner,
    which knows what to try first."""

    def __init__(self, path: Path, sources: str) -> None:
        self.path = path
        self.sources = sources
        self.results: dict[str, Result] = {}
        self.hints: dict[tuple[str, ...], str] = {}
        before = path.with_suffix(".before.jsonl")
        if path.exists():
            header, results = _read(path)
            if header == sources:
                self.results = {each.mutant.key: each for each in results}
            else:
                path.replace(before)
        if before.exists():
            self.hints = {_name(each.mutant): each.killer for each in _read(before)[1]}
        if not self.results:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"sources": sources}) + "\n")

    def add(self, result: Result) -> None:
        """Keeps a result; it replaces an earlier one of the same mutant."""
        self.results[result.mutant.key] = result
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")

    def hint(self, mutant: Mutant) -> str:
        """What killed the same change of another state of the sources, empty if nothing did."""
        return self.hints.get(_name(mutant), "")

    def codes(self) -> dict[str, str]:
        """The bytecodes that were seen, and whose they were."""
        return {each.code: each.mutant.key for each in self.results.values() if each.code}


def _name(mutant: Mutant) -> tuple[str, ...]:
    return (mutant.file, mutant.function, mutant.kind, mutant.before, mutant.after)


def _read(path: Path) -> tuple[str, list[Result]]:
    lines = path.read_text().splitlines()
    return str(json.loads(lines[0])["sources"]), [_result(json.loads(line)) for line in lines[1:]]


def _result(fields: dict[str, Any]) -> Result:
    return Result(
        **fields | {"mutant": Mutant(**fields["mutant"]), "status": Status(fields["status"])}
    )
