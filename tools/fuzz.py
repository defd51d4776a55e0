"""Searches, for as long as one likes, for steps on which contract and ledger differ.

    python tools/fuzz.py --hours 8

Runs the stateful machine of `tests/property/test_escrow_machine.py` over and over, each time with
another seed of hypothesis and in a process of its own, prints what it reached, and stops at the
first difference with the shortest steps that hypothesis finds to it. Everything goes to
`build/fuzz.log` as well.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
MACHINE = "tests/property/test_escrow_machine.py"
BUILD = ROOT / "build"
REACHED = BUILD / "fuzz.json"


def main() -> int:
    """Runs until the time is up or a difference is found; 1 in the second case."""
    arguments = _arguments()
    BUILD.mkdir(exist_ok=True)
    deadline = time.monotonic() + arguments.hours * 3_600
    seed = arguments.seed
    totals: Counter[str] = Counter()
    reached: Counter[tuple[str, str]] = Counter()
    with (BUILD / "fuzz.log").open("a") as log:
        console = Tee(log)
        console.print(f"from seed {seed}, {arguments.examples} examples a turn")
        while True:
            started = time.monotonic()
            done = _turn(seed, arguments.examples, arguments.pytest)
            seconds = time.monotonic() - started
            if REACHED.exists():
                told = json.loads(REACHED.read_text())
                totals.update(told["counts"])
                reached.update({(name, reason): count for name, reason, count in told["reached"]})
            console.print(
                f"seed {seed}: {'no difference' if done.returncode == 0 else 'FAILED'} in "
                f"{seconds:,.0f} s; so far {totals['examples']:,} examples, {totals['steps']:,} "
                f"steps, {totals['steps'] / max(1, totals['cpu_s']):.0f} a second of CPU"
            )
            if done.returncode != 0:
                console.print(done.stdout)
                console.print(
                    f"again: HYPOTHESIS_PROFILE=fuzz FUZZ_EXAMPLES={arguments.examples} pytest "
                    f"-p no:ape_test -n 0 --hypothesis-seed={seed} {MACHINE}"
                )
                return 1
            if time.monotonic() >= deadline:
                console.show(_table(reached))
                return 0
            seed += 1


class Tee:
    """Prints and keeps."""

    def __init__(self, log: TextIO) -> None:
        self.consoles = [Console(soft_wrap=True), Console(file=log, soft_wrap=True)]

    def print(self, text: str) -> None:
        """A line, with the time in front of it."""
        for console in self.consoles:
            console.print(f"{time.strftime('%H:%M:%S')} {text}", markup=False, highlight=False)

    def show(self, table: Table) -> None:
        """A table."""
        for console in self.consoles:
            console.print(table)


def _turn(seed: int, examples: int, more: list[str]) -> subprocess.CompletedProcess[str]:
    """One run of the tests with this seed."""
    REACHED.unlink(missing_ok=True)
    environment = os.environ | {
        "HYPOTHESIS_PROFILE": "fuzz",
        "FUZZ_EXAMPLES": str(examples),
        "FUZZ_REACHED": str(REACHED),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:ape_test", "-n", "0"]
    return subprocess.run(
        [*command, f"--hypothesis-seed={seed}", MACHINE, *more],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _table(reached: Counter[tuple[str, str]]) -> Table:
    """How often each external went through, and what else became of it."""
    table = Table("external", "went through", "refused", "why")
    for name in sorted({name for name, _ in reached}):
        reasons = {reason: n for (at, reason), n in reached.items() if at == name and reason}
        table.add_row(
            name,
            f"{reached[name, '']:,}",
            f"{sum(reasons.values()):,}",
            f"{len(reasons)} reasons",
        )
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--hours", type=float, default=0.25, help="when no new turn starts any more"
    )
    parser.add_argument("--examples", type=int, default=40, help="in full swing, each turn")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the first")
    parser.add_argument("pytest", nargs="*", help="more for pytest, behind --")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
