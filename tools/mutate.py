"""Mutation testing: small wrong changes of the escrow, each of which a test has to notice.

python -m tools.mutate run        makes, compiles and tests mutants; goes on where it stopped
python -m tools.mutate report     writes docs/mutants.md from the results
"""

from pathlib import Path

import click
import pytest

from tools.mutation import report as reporting
from tools.mutation import runner as running
from tools.mutation.mutants import Mutant, function_lines, mutants_of, spread
from tools.mutation.results import Book, Status, digest_of

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
BUILD = ROOT / "build" / "mutation"
TESTS = (
    "tests/functional",
    "tests/property/test_pass_from_any_account.py",
)
ARGUMENTS = ROOT / "tools" / "mutation" / "arguments.toml"
PAGE = ROOT / "docs" / "mutants.md"
LEAST_SCORE = 95.0
SEED = 20_260
WANTED = 1_050


def sources() -> list[Path]:
    """What is changed: the escrow and its modules."""
    return [CONTRACTS / running.MAIN, *sorted((CONTRACTS / "modules").glob("*.vy"))]


def state() -> str:
    """Names the state of the sources: results of another one do not count."""
    return digest_of([*sources(), *(CONTRACTS / name for name in running.BESIDE)])


def planned(seed: int) -> list[Mutant]:
    """Every mutant of the sources, in the order in which they are taken."""
    lines = {}
    mutants = []
    for path in sources():
        lines |= function_lines(path, CONTRACTS)
        mutants += mutants_of(path, CONTRACTS)
    return spread(mutants, lines, seed)


@click.group()
def main() -> None:
    """Small wrong changes of the escrow, each of which a test has to notice."""


@main.command()
@click.option("--wanted", default=WANTED, help="how many distinct mutants to test")
@click.option("--seed", default=SEED, help="draws which of a function's mutants are taken")
@click.option("--jobs", default=2, help="processes at once")
@click.option("--again", is_flag=True, help="test those once more that survived")
@click.option("--only", default="", help="modules to take mutants of, by a part of their name")
def run(wanted: int, seed: int, jobs: int, again: bool, only: str) -> None:
    """Makes, compiles and tests mutants; goes on where it stopped."""
    book = Book(BUILD / "results.jsonl", state())
    if again:
        for key, result in list(book.results.items()):
            if result.status in (Status.SURVIVED, Status.CRASHED):
                del book.results[key]
    plan = [mutant for mutant in planned(seed) if only in mutant.file]
    running.register_profile()
    plugin = running.Runner(CONTRACTS, plan, book, BUILD / "map.json", wanted, jobs, click.echo)
    options = ("-q", "-s", "--tb=no", "-p", "no:ape_test", "-p", "no:cacheprovider")
    pytest.main([*options, "-o", "timeout=0", *TESTS], plugins=[plugin])
    if plugin.problem:
        raise click.ClickException(plugin.problem)


@main.command()
@click.option("--seed", default=SEED, help="what the run was made with")
def report(seed: int) -> None:
    """Writes docs/mutants.md; fails if a survivor is not argued about or too many survived."""
    book = Book(BUILD / "results.jsonl", state())
    arguments = reporting.read_arguments(ARGUMENTS)
    keys = {mutant.key for mutant in planned(seed)}
    results = [result for key, result in book.results.items() if key in keys]
    page = reporting.page(results, arguments, CONTRACTS, seed, len(keys))
    PAGE.write_text(page.text)
    for each in page.unargued:
        before, after = each.mutant.diff((CONTRACTS / each.mutant.file).read_text())
        click.echo(f"not argued: {each.mutant.file} {each.mutant.function}: {before} -> {after}")
    click.echo(f"{page.score:.1f}% of the mutants that differ were killed, see {PAGE.name}")
    if page.unargued or page.score < LEAST_SCORE:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
