"""Writes the page of mutation testing: what was made and killed, and why the rest is right."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tools.mutation.results import DROPPED, Result, Status

KILLED = (Status.KILLED, Status.TIMEOUT)

HEAD = """\
# Mutation testing

Written by `make mutate`; do not edit. Small wrong changes of `contracts/Escrow.vy` and of each of
its modules are compiled, and the fast tests run on each until one fails. Taken are a seeded sample,
of each function in proportion to its lines; dropped are those that do not compile and those whose
bytecode is the original's or another mutant's.
""".splitlines()


# what the last change of the sources is, and why results from before hold
EARLIER = """\
It writes `given & packing.ADDRESS_MASK` for `given << packing.ABOVE_ADDRESS >>
packing.ABOVE_ADDRESS` in `payouts._apply`, the same number of every word for less gas: a test that
told a mutant from the original before tells it now. None of them is of that line, or of the
constants of `packing`."""


class Verdict(StrEnum):
    """What a survivor is argued to be."""

    EQUIVALENT = "equivalent"
    """No call can tell it from the original."""
    GAS = "gas only"
    """It does the same by a longer or a shorter way."""
    HARMLESS = "harmless"
    """It differs only where nothing depends on it."""
    OPEN = "open"
    """A test that tells it is still to be written."""


@dataclass(frozen=True, slots=True)
class Argument:
    """Why some survivors are right. It holds for a change by its text, wherever the line stands."""

    verdict: Verdict
    reason: str
    file: str
    function: str
    changes: tuple[tuple[str, str], ...]
    """The changed lines, before and after; two dots after a text stand for any ending."""

    def covers(self, result: Result, diff: tuple[str, str]) -> bool:
        """Whether it speaks of this mutant."""
        mutant = result.mutant
        return (mutant.file, mutant.function) == (self.file, self.function) and any(
            _like(before, diff[0]) and _like(after, diff[1]) for before, after in self.changes
        )


def _like(pattern: str, text: str) -> bool:
    if pattern.endswith(".."):
        return text.startswith(pattern.removesuffix(".."))
    return pattern == text


def read_arguments(path: Path) -> list[Argument]:
    """The committed arguments."""
    return [
        Argument(
            Verdict(fields["verdict"]),
            " ".join(fields["reason"].split()),
            fields["file"],
            fields["function"],
            tuple((before, after) for before, after in fields["changes"]),
        )
        for fields in tomllib.loads(path.read_text()).get("argument", [])
    ]


@dataclass(frozen=True, slots=True)
class Page:
    """The page, and the survivors that nobody has argued about."""

    text: str
    unargued: list[Result]
    score: float
    """Killed, in percent of all that are not equivalent."""


def page(
    results: Iterable[Result], arguments: Sequence[Argument], root: Path, seed: int, made: int
) -> Page:
    """As Markdown, of as many results as there are of the changes that were made."""
    every = list(results)
    tested = [each for each in every if each.status not in DROPPED]
    survivors = sorted(
        (each for each in tested if each.status not in KILLED),
        key=lambda each: (each.mutant.file, each.mutant.line, each.mutant.start),
    )
    earlier = sum(each.earlier for each in tested)
    lasting = sum(each.status is Status.LASTING for each in tested)
    sources = {each.mutant.file: (root / each.mutant.file).read_text() for each in every}
    judged: list[tuple[Result, tuple[str, str], Argument | None]] = []
    for each in survivors:
        diff = each.mutant.diff(sources[each.mutant.file])
        judged.append((each, diff, next((a for a in arguments if a.covers(each, diff)), None)))
    same = (Verdict.EQUIVALENT, Verdict.GAS)
    equivalent = sum(a is not None and a.verdict in same for *_, a in judged)
    killed = len(tested) - len(survivors)
    score = 100 * killed / max(1, len(tested) - equivalent)
    lines = [
        *HEAD,
        "",
        f"* {made:,} changes can be made. Tested are {len(every):,} of them, as seed {seed} draws",
        f"  them; {len(tested):,} are distinct mutants. Until there are N,",
        "  `python -m tools.mutate run --wanted N` goes on.",
        f"* {killed:,} were killed, {len(survivors):,} survived; {equivalent:,} of those cannot",
        "  differ, or only in gas.",
        f"* Score: {score:.1f}% of those whose behaviour differs were killed.",
        "",
        "| module | mutants | killed | survived | of which equivalent or gas only |",
        "|---|---:|---:|---:|---:|",
    ]
    for file in sorted(sources):
        of_file = [each for each in tested if each.mutant.file == file]
        left = [a for each, _, a in judged if each.mutant.file == file]
        even = sum(a is not None and a.verdict in same for a in left)
        row = (len(of_file), len(of_file) - len(left), len(left), even)
        lines.append(f"| `{file}` | " + " | ".join(f"{figure:,}" for figure in row) + " |")
    if lasting:
        lines += [
            "",
            f"{lasting:,} of the survivors were given only the likeliest tests so far, of five",
            "seconds in all: the run ended before the others had their turn.",
        ]
    if earlier:
        lines += ["", f"{earlier:,} of the mutants were killed before the last change.", EARLIER]
    dropped = Counter(each.status for each in every if each.status in DROPPED)
    lines += ["", "Dropped: " + ", ".join(f"{n:,} {s}" for s, n in sorted(dropped.items())) + "."]
    timeouts = [each for each in tested if each.status is Status.TIMEOUT]
    if timeouts:
        lines += [
            "",
            "Killed by a test that no longer ended, in several times its time: the change makes",
            "the contract loop on, or use all gas, which is a failure too:",
            "",
            *(_described(each, each.mutant.diff(sources[each.mutant.file])) for each in timeouts),
        ]
    lines += ["", "## Survivors", ""]
    groups: dict[Argument | None, list[str]] = {}
    for each, diff, argument in judged:
        groups.setdefault(argument, []).append(_described(each, diff))
    for argument, described in groups.items():
        if argument is None:
            lines += ["**Open.** A test that tells it is still to be run or written.", ""]
            lines += [*described, ""]
        else:
            lines += [f"**{argument.verdict.capitalize()}.** {argument.reason}", "", *described, ""]
    unargued = [each for each, _, a in judged if a is None or a.verdict is Verdict.OPEN]
    return Page("\n".join(lines).rstrip() + "\n", unargued, score)


def _described(result: Result, diff: tuple[str, str]) -> str:
    mutant = result.mutant
    before, after = (text.replace("`", "'") for text in diff)
    return f"* `{mutant.file}` {mutant.function}: `{before}`<br>→ `{after}`"
