"""The operator's scripts killed at any moment: run again, they end as if they had not been
(docs/trouble.md). A process is killed at one question to the node or another, before the node gets
it or after it has answered; every one of them with SLUICE_KILLS=all."""

import multiprocessing
import os
import runpy
import signal
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.integration import run_script
from tests.integration.faulty_node import Dropped, Forward, Question, Trouble
from tests.integration.trouble_world import ALL, STAGES, Week, new_week, say_choice
from tests.integration.troubles import SEND

pytestmark = [pytest.mark.anvil, pytest.mark.timeout(3_600 if ALL else 300)]

FORKED = multiprocessing.get_context("forkserver")
"""Children of a process that has everything imported, and nothing running."""

Moment = tuple[int, bool]
"""Which question, from 0, and whether the node gets it."""


class Killer(Trouble):
    """Kills the process `victim` at one moment; counts from when it is made."""

    def __init__(self, moment: Moment) -> None:
        self.at, self.arrives = moment
        self.count = 0
        self.victim = 0
        self.known = threading.Event()

    def answer(self, question: Question, forward: Forward) -> Any:
        self.count += 1
        if self.count - 1 != self.at:
            return forward()
        if self.arrives:
            forward()
        self.known.wait()
        os.kill(self.victim, signal.SIGKILL)
        raise Dropped


class Listener(Trouble):
    """Remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def answer(self, question: Question, forward: Forward) -> Any:
        self.asked.append(question.method)
        return forward()


@pytest.fixture(scope="module")
def one_week(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Week]:
    say_choice(request.config, f"kills: {'all' if ALL else 'one or two'} of each script's moments")
    FORKED.set_forkserver_preload(run_script.IMPORTS)
    with new_week(tmp_path_factory.mktemp("week")) as week:
        yield week


@pytest.fixture
def week(one_week: Week) -> Iterator[Week]:
    with one_week.taken_back():
        yield one_week


def moments(asked: list[str]) -> list[Moment]:
    """When the transaction half-way has arrived; where there are several, before the first does."""
    if ALL:
        return [(place, arrives) for place in range(len(asked)) for arrives in (False, True)]
    sending = [place for place, method in enumerate(asked) if method == SEND]
    first = [(sending[0], False)] if len(sending) > 1 else []
    return [*first, (sending[len(sending) // 2], True)]


def killed(week: Week, moment: Moment, script: str, arguments: Sequence[object]) -> bool:
    """Whether a script as a process of its own was killed at the moment."""
    week.node.trouble = killer = Killer(moment)
    given = [*arguments, "--network", week.world.url, "--record", week.world.record]
    named = {"given": [script, *map(str, given)]}
    process = FORKED.Process(
        target=runpy.run_path, args=(run_script.__file__, named, "__killable__")
    )
    process.start()
    assert process.pid is not None
    killer.victim = process.pid
    killer.known.set()
    process.join()
    week.node.trouble = Trouble()
    return process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("name", [stage.name for stage in STAGES])
def test_a_script_killed_at_any_moment_ends_as_if_it_had_not_been(week: Week, name: str) -> None:
    """N7: everything once, whatever the process was doing."""
    week.up_to(name)
    stage = week.stage(name)
    with week.taken_back():
        week.node.trouble = listener = Listener()
        week.run_to_end(stage)
        week.node.trouble = Trouble()
        expected = week.state()

    for moment in moments(listener.asked):
        with week.taken_back():
            assert killed(week, moment, stage.script, [*stage.arguments(week), "--json"]), moment
            runs = week.run_to_end(stage)
            assert week.state() == expected, moment
        assert {run.code for run in runs} <= {0, 3}, moment


def test_a_deployment_killed_at_any_moment_is_carried_on(week: Week) -> None:
    """Whatever was deployed is found again: the addresses are those of a deployment that nobody
    killed, and the file that said where it began is gone."""
    world = week.world
    world.record = world.folder / "second.json"
    terms = world.deployment
    arguments = [
        "--account", 0, "--first-pass", 9, "--first-pass-time", world.escrow.time() + 100_000,
        "--token", terms.token, "--yes", "--json", "--owner", terms.roles.owner,
        "--operator", terms.roles.operator, "--guardian", terms.roles.guardian,
    ]  # fmt: skip
    with week.taken_back():
        week.node.trouble = listener = Listener()
        expected = world.run("deploy", *arguments)
        assert expected.code == 0, expected.err
        world.record.unlink()

    for moment in moments(listener.asked):
        with week.taken_back():
            assert killed(week, moment, "deploy", arguments), moment
            again = world.run("deploy", *arguments)
            assert again.code == 0, again.err
            found, planned = again.document, expected.document
            assert {**found, "block": 0} == {**planned, "block": 0}, moment
            assert [each.name for each in world.folder.glob("second.*")] == ["second.json"]
            world.record.unlink()
