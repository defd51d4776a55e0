"""Runs the tests on mutants, each in a process forked from one that has collected them all.

A plugin of pytest: instead of the tests one after the other it runs, for each mutant, those that
execute what the mutant changes, until one of them fails."""

import hashlib
import json
import os
import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from tools.branch_coverage import watch
from tools.mutation import build
from tools.mutation.mutants import CONSTANTS, Mutant
from tools.mutation.results import DROPPED, Book, Result, Status, digest_of

PROFILE = "mutation"
MAIN = "Escrow.vy"
# deployed beside it, and made of some of the same modules
BESIDE = {"Lens.vy": ("modules/packing.vy", "modules/clock.vy")}
OTHERS = ("NmrBurner.vy", "test/StandInNmr.vy", "test/HostileWallet.vy", "test/GasEaterToken.vy")
# a test that takes so many times its time on the original, and so many seconds more, has no end
PATIENCE = 8
PATIENCE_S = 30
# what is left after tests of so many seconds, likely ones first, has to wait for the others until
# all mutants had their first
QUICK_S = 5.0

Line = tuple[str, int]


def register_profile() -> None:
    """A failing example is a kill: it need not be made small."""
    settings.register_profile(
        PROFILE,
        deadline=None,
        derandomize=True,
        max_examples=40,
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    os.environ["HYPOTHESIS_PROFILE"] = PROFILE


@dataclass(slots=True)
class Map:
    """What each test executes of the contracts, and how long it takes."""

    lines: dict[str, set[Line]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def read(self, path: Path, sources: str, files: dict[str, str]) -> None:
        """What was recorded for these sources by tests that have not changed since."""
        if not path.exists():
            return
        recorded = json.loads(path.read_text())
        if recorded["sources"] != sources:
            return
        for test, (seconds, lines) in recorded["tests"].items():
            file = test.partition("::")[0]
            if file in files and recorded["files"].get(file) == files[file]:
                self.seconds[test] = seconds
                self.lines[test] = {
                    (source, line) for source, numbers in lines.items() for line in numbers
                }

    def write(self, path: Path, sources: str, files: dict[str, str]) -> None:
        """As JSON: for each test the seconds, and the lines by file."""
        written: dict[str, tuple[float, dict[str, list[int]]]] = {}
        for test, lines in self.lines.items():
            by_source: dict[str, list[int]] = {}
            for source, line in sorted(lines):
                by_source.setdefault(source, []).append(line)
            written[test] = (round(self.seconds[test], 3), by_source)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"sources": sources, "files": files, "tests": written}))


@dataclass(slots=True)
class Task:
    """A mutant that is being compiled or tested by a process of its own."""

    mutant: Mutant
    process: int
    first: bool
    """Whether it is in its first round, of the quick tests only."""
    code: str = ""


class Runner:
    """The plugin. `wanted` mutants are tested, as the plan has them; then it ends."""

    def __init__(
        self,
        root: Path,
        plan: Sequence[Mutant],
        book: Book,
        map_path: Path,
        wanted: int,
        jobs: int,
        say: Callable[[str], None],
    ) -> None:
        self.root = root
        self.plan = plan
        self.book = book
        self.map_path = map_path
        self.wanted = wanted
        self.jobs = jobs
        self.say = say
        self.map = Map()
        self.failures: list[str] = []
        self.kills: dict[str, Counter[str]] = {}
        self.items: dict[str, pytest.Item] = {}
        self.deployers = build.Deployers(root)
        self.problem = ""

    # --- what pytest calls ------------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes what failed, be it in the preparation of a test."""
        if report.failed:
            self.failures.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Everything happens here, in the place of the usual run."""
        if session.testsfailed:
            self.problem = "the tests could not be collected"
            return True
        self.items = {item.nodeid: item for item in session.items}
        self.deployers.install()
        # what was loaded for the collection is the original's
        if compiled := sys.modules.get("tests.compiled"):
            compiled.deployer_of.cache_clear()
        for name in (MAIN, *BESIDE, *OTHERS):
            if (self.root / name).exists():
                self.deployers.load(str(self.root / name))
        # made here, so that each process that is forked has them
        _ = self._analysed, self._constructed, self._runtime
        build.be_quick()
        names = {test.partition("::")[0] for test in self.items}
        files = {name: digest_of([session.config.rootpath / name]) for name in sorted(names)}
        self.map.read(self.map_path, self.book.sources, files)
        new = [item for test, item in self.items.items() if test not in self.map.lines]
        if new:
            self.say(f"recording what {len(new)} tests execute")
            self._record_all(new)
            if any(test not in self.map.lines for test in self.items):
                self.problem = "a test fails on the original, see above"
                return True
            self.map.write(self.map_path, self.book.sources, files)
        self._run()
        return True

    # --- the original -----------------------------------------------------------------------------

    def _record_all(self, items: list[pytest.Item]) -> None:
        """Tests once on the original, in as many processes as there may be."""
        size = -(-len(items) // self.jobs)
        parts = [items[i : i + size] for i in range(0, len(items), size)]
        paths = [self.map_path.with_suffix(f".{i}") for i in range(len(parts))]
        processes = [
            self._fork(lambda part=part, path=path: self._record(part, path))
            for part, path in zip(parts, paths, strict=True)
        ]
        for process in processes:
            os.waitpid(process, 0)
        for path in paths:
            self.map.read(path, "", {test.partition("::")[0]: "" for test in self.items})
            path.unlink(missing_ok=True)

    def _record(self, items: list[pytest.Item], path: Path) -> None:
        """In a process of its own: tests on the original."""
        lines_by_code: dict[bytes, list[Line | None] | None] = {}
        seen: set[Line] = set()
        known = [self._lines_of(name) for name in (MAIN, *BESIDE) if (self.root / name).exists()]

        def see(code: bytes, trace: list[int]) -> None:
            if code not in lines_by_code:
                found = (lines for runtime, lines in known if code.startswith(runtime))
                lines_by_code[code] = next(found, None)
            lines = lines_by_code[code]
            if lines is not None:
                seen.update(line for place in set(trace) if (line := lines[place]) is not None)

        watch(see)
        recorded = Map()
        for item, following in _with_next(items):
            seen.clear()
            started = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            recorded.seconds[item.nodeid] = time.process_time() - started
            recorded.lines[item.nodeid] = set(seen)
            if self.failures:
                print(f"fails on the original: {self.failures[0]}", file=sys.stderr)
                return
        names = {item.nodeid.partition("::")[0] for item in items}
        recorded.write(path, "", dict.fromkeys(names, ""))

    def _lines_of(self, name: str) -> tuple[bytes, list[Line | None]]:
        """The source line of each place of a contract's code."""
        data = self.deployers.load(str(self.root / name)).compiler_data
        lines: list[Line | None] = [None] * (len(data.bytecode_runtime) + 10_000)
        folder = self.root.resolve()
        for place, node in data.source_map["pc_raw_ast_map"].items():
            path = Path(node.module_node.resolved_path)
            if path.is_relative_to(folder):
                lines[place] = (path.relative_to(folder).as_posix(), node.lineno)
        return data.bytecode_runtime, lines

    # --- which tests, in which order --------------------------------------------------------------

    @cached_property
    def _sources(self) -> dict[str, list[str]]:
        files = [self.root / MAIN, *(self.root / "modules").glob("*.vy")]
        files += [self.root / name for name in BESIDE if (self.root / name).exists()]
        return {f.relative_to(self.root).as_posix(): f.read_text().splitlines() for f in files}

    def lines_of(self, mutant: Mutant) -> set[Line]:
        """The lines at which the mutant differs: its statement's, or where its constant is used."""
        if mutant.function != CONSTANTS:
            return {(mutant.file, n) for n in range(mutant.line, mutant.end_line + 1)}
        names = [_defined(self._sources[mutant.file][mutant.line - 1])]
        found: set[Line] = set()
        for name in names:
            word = re.compile(rf"\b{name}\b")
            for file, lines in self._sources.items():
                for number, line in enumerate(lines, 1):
                    if word.search(line):
                        found.add((file, number))
                        other = _constant_around(lines, number)
                        if other and other not in names:
                            names.append(other)
        return found

    def tests_for(self, mutant: Mutant) -> list[pytest.Item]:
        """Every test that executes what the mutant changes; all tests for what runs at deployment
        only. First what is likely to tell it from the original soon."""
        lines = self.lines_of(mutant)
        tests = [test for test in self.items if self.map.lines.get(test, set()) & lines]
        if not tests:
            tests = list(self.items)
        near = self.kills.get(mutant.function, Counter())
        file = self.kills.get(mutant.file, Counter())
        hint = self.book.hint(mutant)

        def order(test: str) -> tuple[bool, float]:
            likely = 1 + 8 * near[test] + file[test] + 8 * ("constructor" in test)
            # what goes far sees more than what is refused at once
            likely *= 1 + sum(source == mutant.file for source, _ in self.map.lines.get(test, ()))
            return test != hint, (self.map.seconds.get(test, 1.0) + 0.02) / likely

        return [self.items[test] for test in sorted(tests, key=order)]

    def _note(self, result: Result) -> None:
        if result.killer:
            for name in (result.mutant.function, result.mutant.file):
                self.kills.setdefault(name, Counter())[result.killer] += 1

    # --- the mutants ------------------------------------------------------------------------------

    def _run(self) -> None:
        for result in self.book.results.values():
            self._note(result)
        done = self.book.results
        tested = sum(each.status not in DROPPED for each in done.values())
        codes = self.book.codes()
        codes[hashlib.sha256(self._runtime).hexdigest()] = "original"
        creation, _ = build.compile_changed(self.root / MAIN, self.root / MAIN, self._text(MAIN))
        codes[hashlib.sha256(creation).hexdigest()] = "original"
        left = [mutant for mutant in self.plan if mutant.key not in done]
        lasting = [each.mutant for each in done.values() if each.status is Status.LASTING]
        running: dict[Connection, Task] = {}
        started = time.monotonic()
        counts = Counter(each.status for each in done.values())
        while True:
            first = sum(task.first for task in running.values())
            while len(running) < self.jobs and left and tested + first < self.wanted:
                self._start(left.pop(0), True, running)
                first += 1
            if not left or tested + first >= self.wanted:
                while len(running) < self.jobs and lasting:
                    self._start(lasting.pop(0), False, running)
            if not running:
                break
            for each in wait(list(running)):
                assert isinstance(each, Connection)
                task = running[each]
                message = _received(each)
                if isinstance(message, str):
                    task.code = message
                    owner = codes.setdefault(message, task.mutant.key)
                    each.send(
                        Status.EQUAL
                        if owner == "original"
                        else Status.DUPLICATE
                        if owner != task.mutant.key
                        else None
                    )
                    continue
                os.waitpid(task.process, 0)
                del running[each]
                each.close()
                status, killer, tests, seconds = message or (Status.CRASHED, "", 0, 0.0)
                result = Result(task.mutant, status, killer, tests, round(seconds, 2), task.code)
                self.book.add(result)
                self._note(result)
                if status is Status.LASTING:
                    lasting.append(task.mutant)
                if task.first:
                    tested += status not in DROPPED
                else:
                    counts[Status.LASTING] -= 1
                counts[status] += 1
                if status is Status.SURVIVED or sum(counts.values()) % 25 == 0:
                    self._progress(result, tested, counts, time.monotonic() - started)

    def _progress(self, result: Result, tested: int, counts: Counter[Status], s: float) -> None:
        dropped = sum(counts[status] for status in DROPPED)
        line = (
            f"{s:6.0f} s  {tested} tested, {counts[Status.LASTING]} wait for more tests, "
            f"{counts[Status.SURVIVED]} survived, {dropped} dropped"
        )
        if result.status is Status.SURVIVED:
            mutant = result.mutant
            line += f"  {mutant.file}:{mutant.line} {mutant.before!r} -> {mutant.after!r}"
        self.say(line)

    def _code(self, mutant: Mutant) -> str:
        """Compiles a mutant and puts it in the original's place; returns the hash of its code."""
        path = self.root / mutant.file
        text = mutant.apply(path.read_text())
        name = (str(path.resolve()), mutant.function)
        creation = None
        # before the analysed trees are used up
        beside = self._beside(mutant, path, text)
        if mutant.function == CONSTANTS or name in self._constructed:
            creation, runtime = build.compile_changed(self.root / MAIN, path, text)
            if runtime == self._runtime:
                # what is left is the constructor
                hashed = hashlib.sha256(creation)
            else:
                hashed = hashlib.sha256(runtime)
        else:
            self._analysed.use(path)
            runtime = build.compile_runtime(self.root / MAIN, path, text)
            hashed = hashlib.sha256(runtime)
        self.deployers.replace(MAIN, creation, runtime)
        for code in beside:
            hashed.update(code)
        return hashed.hexdigest()

    def _beside(self, mutant: Mutant, path: Path, text: str) -> list[bytes]:
        """The code of the contracts beside that a mutant changes too, put in their place."""
        codes = []
        for name, modules in BESIDE.items():
            if mutant.file in modules and (self.root / name).exists():
                creation, runtime = build.compile_changed(self.root / name, path, text)
                if runtime != self._of(name).bytecode_runtime:
                    self.deployers.replace(name, creation, runtime)
                    codes.append(runtime)
        return codes

    def _text(self, name: str) -> str:
        return (self.root / name).read_text()

    def _of(self, name: str) -> Any:
        return self.deployers.load(str(self.root / name)).compiler_data

    @cached_property
    def _constructed(self) -> set[tuple[str, str]]:
        return build.constructed(self._of(MAIN))

    @cached_property
    def _analysed(self) -> build.Analysed:
        return build.Analysed(self.root / MAIN)

    @cached_property
    def _runtime(self) -> bytes:
        return bytes(self._of(MAIN).bytecode_runtime)

    def _start(self, mutant: Mutant, first: bool, running: dict[Connection, Task]) -> None:
        ours, theirs = Pipe()
        tests = self.tests_for(mutant)

        def work() -> None:
            ours.close()
            theirs.send(self._judge(mutant, tests, first, theirs))

        process = self._fork(work, says=False)
        theirs.close()
        running[ours] = Task(mutant, process, first)

    def _fork(self, work: Callable[[], None], says: bool = True) -> int:
        """Does something in a process of its own, which has nothing to say but what is wrong."""
        process = os.fork()
        if process == 0:
            code = 1
            try:
                # the scheduler shares time out among sessions
                os.setsid()
                quiet = os.open(os.devnull, os.O_WRONLY)
                os.dup2(quiet, 1)
                if not says:
                    os.dup2(quiet, 2)
                work()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        return process

    def _judge(
        self, mutant: Mutant, tests: list[pytest.Item], first: bool, parent: Connection
    ) -> tuple[Status, str, int, float]:
        """In a process of its own: compiles, asks whether the code is new, and tests it."""
        started = time.process_time()
        try:
            code = self._code(mutant)
        except Exception:  # whatever the compiler stumbles over
            return Status.INVALID, "", 0, time.process_time() - started
        parent.send(code)
        if (verdict := parent.recv()) is not None:
            return verdict, "", 0, time.process_time() - started
        at = ""
        ran = 0

        def too_long(*_: object) -> None:
            parent.send((Status.TIMEOUT, at, ran, time.process_time() - started))
            os._exit(0)

        signal.signal(signal.SIGPROF, too_long)
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        most_s = QUICK_S if first else float("inf")
        for item, following in _with_next(tests):
            at, ran = item.nodeid, ran + 1
            most_s -= self.map.seconds.get(at, 1.0)
            if most_s < 0 and ran > 1:
                return Status.LASTING, "", ran - 1, time.process_time() - started
            most = PATIENCE_S + PATIENCE * self.map.seconds.get(at, 1.0)
            signal.setitimer(signal.ITIMER_PROF, most)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failures:
                return Status.KILLED, at, ran, time.process_time() - started
        return Status.SURVIVED, "", ran, time.process_time() - started


def _received(connection: Connection) -> Any:
    try:
        return connection.recv()
    except EOFError:
        return None


def _with_next(items: list[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    return zip(items, chain(items[1:], [None]), strict=True)


def _defined(line: str) -> str:
    return line.partition(":")[0].strip()


def _constant_around(lines: list[str], number: int) -> str:
    """The constant in whose definition a line stands, empty if it stands in none."""
    for line in reversed(lines[:number]):
        if re.match(r"[A-Z_0-9]+: constant\(", line):
            return _defined(line)
        if re.match(r"[a-z@]", line):
            return ""
    return ""
