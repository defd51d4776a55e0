"""The operator's scripts when node and chain make trouble: every step is done exactly once, and
what they see is said (docs/trouble.md). Real scripts on a real chain, a proxy in between."""

from collections.abc import Iterator
from typing import Any

import pytest

from sluice.anvil import running_anvil
from sluice.delivery import MOST_TIMES_MORE, RAISE_PERCENT, WEI_A_GWEI
from tests.integration import troubles
from tests.integration.trouble_world import (
    ALL,
    CHAIN_ID,
    RESERVE_NANO,
    STAGES,
    Week,
    new_week,
    say_choice,
)
from tests.integration.troubles import Trouble

pytestmark = [pytest.mark.anvil, pytest.mark.timeout(300)]

NEVER = 1_000_000

STICKS = ["fund", "announce", "pay"] if ALL else ["announce"]
"""Whose transactions stick in the tests of one script."""


@pytest.fixture(scope="module")
def one_week(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Week]:
    say_choice(request.config, f"stuck transactions: of {', '.join(STICKS)}")
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
        troubles.NonceUsed,
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


@pytest.mark.parametrize("turn", [0, 1])
def test_a_node_behind_is_not_believed(week: Week, expected: dict[str, Any], turn: int) -> None:
    """One address for two nodes, asked in turn, either of them first; the other one stands still
    where the week began."""
    head = int(week.node.rpc("eth_blockNumber"), 16)
    arguments = ["--fork-url", week.node.nodes[0], "--fork-block-number", head]
    with running_anvil([*map(str, arguments), "--chain-id", str(CHAIN_ID)]) as behind:
        week.node.nodes.append(behind)
        week.node.requests = turn
        try:
            runs = week.whole()
        finally:
            week.node.nodes.remove(behind)

    assert week.state() == expected
    assert {run.code for stage in runs.values() for run in stage} <= {0, 3}


def test_a_stuck_transaction_is_replaced_by_a_dearer_one(
    week: Week, expected: dict[str, Any]
) -> None:
    """N7: every transaction of the week stays in the pool until a dearer one with its nonce comes;
    one of each two is in the chain, and everything is done once."""
    week.node.trouble = stuck = troubles.Stuck(week.node, offers=2)

    runs = week.whole("--stuck-after", 0.05)

    assert week.state() == expected
    assert {run.code for stage in runs.values() for run in stage} <= {0, 3}
    assert stuck.fees_wei
    for first_wei, second_wei in stuck.fees_wei.values():
        assert second_wei > first_wei * (100 + RAISE_PERCENT) // 100
    for cheap, dear in stuck.hashes.values():
        assert week.node.rpc("eth_getTransactionReceipt", cheap) is None
        assert week.node.rpc("eth_getTransactionReceipt", dear)["status"] == "0x1"


@pytest.mark.parametrize("times", [None, 2], ids=["four times the first fee", "--max-fee"])
@pytest.mark.parametrize("name", STICKS)
def test_the_highest_fee_ends_with_come_back_later(
    week: Week, expected: dict[str, Any], name: str, times: int | None
) -> None:
    """N7: no more than that is ever offered, nothing is lost; with --replace a later run offers
    more for the same nonce, and it is done once."""
    week.up_to(name)
    stage = week.stage(name)
    week.node.trouble = stuck = troubles.Stuck(week.node, offers=NEVER)
    gas_price_wei = int(week.node.rpc("eth_gasPrice"), 16)
    given: list[object] = ["--stuck-after", 0.05]
    if times is not None:
        given += ["--max-fee", f"{times * gas_price_wei / WEI_A_GWEI:.9f}"]

    ended = week.run(stage, *given)

    assert ended.code == 3
    assert "waits for a block and pays" in ended.err
    assert "--replace and a higher --max-fee" in ended.err
    [(first, fees_wei)] = stuck.fees_wei.items()
    offered_wei = list(fees_wei)
    assert offered_wei == sorted(set(offered_wei))
    most_wei = MOST_TIMES_MORE * offered_wei[0] if times is None else times * gas_price_wei
    assert offered_wei[-1] <= most_wei

    again = week.run(stage)
    assert again.code == 3
    assert "run this again when it is in one, or with --replace if it is stuck" in again.err
    assert stuck.fees_wei == {first: offered_wei}

    stuck.offers = len(offered_wei) + 1
    higher = f"{2 * most_wei / WEI_A_GWEI:.9f}"
    replaced = week.run(stage, "--replace", "--stuck-after", 0.05, "--max-fee", higher)
    assert week.is_over(stage, replaced)
    *cheaper, dearest = stuck.hashes[first]
    assert len(cheaper) >= len(offered_wei)
    assert not any(week.node.rpc("eth_getTransactionReceipt", each) for each in cheaper)
    assert week.node.rpc("eth_getTransactionReceipt", dearest)["status"] == "0x1"

    week.node.trouble, week.node.mines = troubles.NoTrouble(), True
    week.rest(name)
    assert week.state() == expected


@pytest.mark.parametrize("name", STICKS)
def test_what_is_to_be_replaced_may_be_faster(
    week: Week, expected: dict[str, Any], name: str
) -> None:
    """N7: what an earlier run left waiting gets into a block just before what is to replace it:
    that is said, and a further run goes on from there."""
    week.up_to(name)
    stage = week.stage(name)
    week.node.trouble = troubles.Stuck(week.node, offers=NEVER)
    assert week.run(stage, "--stuck-after", 0.05, "--max-fee", 100).code == 3

    week.node.trouble = troubles.TooLate(week.node)
    runs = week.run_to_end(stage, "--replace")

    assert runs[0].code == 3
    assert troubles.TooLate.says in runs[0].err
    week.node.trouble = troubles.NoTrouble()
    week.rest(name)
    assert week.state() == expected


def test_a_script_whose_blocks_are_taken_back_after_its_end_is_run_again(
    week: Week, expected: dict[str, Any]
) -> None:
    """N7: each script of the week ends, its blocks are replaced by empty ones, and it is run again:
    everything is done once."""
    for stage in STAGES:
        if stage.name == "resolve":
            week.pass_window()
        before, height = week.chain_state(), week.height()
        week.run_to_end(stage)
        done = week.chain_state()
        assert done != before
        week.node.rpc("anvil_reorg", week.height() - height, [])
        assert week.chain_state() == before
        week.run_to_end(stage)
        assert week.chain_state() == done

    assert week.state() == expected


def test_a_node_that_hides_the_reserve_has_it_filled_again(week: Week) -> None:
    """What no script can see; it is the owner's, and comes out again."""
    fund = week.stage("fund")
    week.run_to_end(fund)
    filled = week.chain_state()
    week.node.trouble = troubles.HidesReserve(week.node)

    again = week.run(fund)

    assert again.document["funded_nano"] == RESERVE_NANO
    week.node.trouble = troubles.NoTrouble()
    assert week.chain_state()["reserve"] == filled["reserve"] + RESERVE_NANO
    week.world.escrow.withdraw_reserve(RESERVE_NANO, sender=week.world.owner)
    assert week.chain_state() == filled
