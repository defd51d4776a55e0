"""The operator's scripts when node and chain make trouble: every step is done exactly once, and
what they see is said (docs/trouble.md). Real scripts on a real chain, a proxy in between."""

from collections.abc import Iterator
from typing import Any

import pytest

from sluice.anvil import running_anvil
from tests.integration import troubles
from tests.integration.trouble_world import CHAIN_ID, Week, new_week
from tests.integration.troubles import Trouble

pytestmark = [pytest.mark.anvil, pytest.mark.timeout(40)]


@pytest.fixture(scope="module")
def one_week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    with new_week(tmp_path_factory.mktemp("week")) as week:
        week.node.rpc("anvil_mine", 100, 0)
        yield week


@pytest.fixture(scope="module")
def expected(one_week: Week) -> dict[str, Any]:
    """The state after a week without trouble."""
    with one_week.taken_back():
        one_week.whole()
        return one_week.state()


@pytest.fixture
def week(one_week: Week) -> Iterator[Week]:
    with one_week.taken_back():
        yield one_week


@pytest.mark.parametrize(
    "trouble",
    [
        troubles.LostAnswers,
        troubles.LostRequests,
        troubles.ForgetsTransactions,
        troubles.Flaky,
        troubles.Silent,
        troubles.Repeats,
        troubles.NoRoom,
        troubles.Reorganised,
        troubles.OldState,
        troubles.OldAnswers,
        troubles.OtherReceipts,
        troubles.ForgedReceipts,
        troubles.SaysReverted,
        troubles.OtherChain,
        troubles.CodeGone,
        troubles.FarBack,
        troubles.FewTransactions,
    ],
    ids=lambda trouble: trouble.__name__,
)
def test_a_week_of_trouble_ends_as_one_without(
    week: Week, expected: dict[str, Any], trouble: type[Trouble]
) -> None:
    """N7: each script run until it is done; then all state, money and the store are as they would
    have been, and what had to be said was said."""
    week.node.trouble = made = trouble(week.node)

    runs = week.whole()

    week.node.trouble = troubles.NoTrouble()
    for name in made.again:
        assert week.run(week.stage(name)).code == 0
    assert week.state() == expected
    every = [run for stage in runs.values() for run in stage]
    assert {run.code for run in every} <= made.codes
    assert made.says in "".join(run.err for run in every)


def test_a_node_behind_is_not_believed(week: Week, expected: dict[str, Any]) -> None:
    """One address for two nodes, asked in turn; the other one stands still where the week
    began."""
    head = int(week.node.rpc("eth_blockNumber"), 16)
    arguments = ["--fork-url", week.node.nodes[0], "--fork-block-number", head]
    with running_anvil([*map(str, arguments), "--chain-id", str(CHAIN_ID)]) as behind:
        week.node.nodes.append(behind)
        try:
            runs = week.whole()
        finally:
            week.node.nodes.remove(behind)

    assert week.state() == expected
    assert {run.code for stage in runs.values() for run in stage} <= {0, 3}
