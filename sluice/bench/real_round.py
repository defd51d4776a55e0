"""A pass over a round that was played, whole."""

from collections.abc import Mapping
from pathlib import Path

from sluice import rounds
from sluice.bench.world import (
    FIRST_ROUND,
    PASSES_BEFORE,
    Figures,
    World,
    build_world,
    run_batches,
    with_lists,
)
from sluice.calls import calls
from sluice.demo import Recording, prepare
from sluice.inputs import read_rounds
from sluice.local_chain import LocalChain
from sluice.words import MAX_AMOUNT_NANO, model_page

REAL_ROUND = 260


def measure_real_round(chain: LocalChain, path: Path) -> Figures:
    """The pass over round 260 of a file of recorded rounds, whole: every account with its recorded
    stakes on the models that the registry numbers, four passes that open it, then its recorded
    payouts, in the batches that `route` would send. InvalidInput if the file has no round 260."""
    recording = prepare(read_rounds(path))
    recording.table.resolved_rows(REAL_ROUND)
    world = build_world(chain)
    accounts = _stake_recorded(world, recording)
    staked_nano = {account: sum(stakes.values()) for account, stakes in accounts.items()}
    for number in range(FIRST_ROUND, FIRST_ROUND + PASSES_BEFORE):
        opening = rounds.links(rounds.entries({}, staked_nano, 0))
        run_batches(world, number, rounds.batches(opening))

    links = rounds.links_of_round(recording.table, recording.registry, REAL_ROUND, staked_nano, 0)

    def each(of: World) -> list[int]:
        _, *gas = run_batches(of, number + 1, rounds.batches(links))
        return gas

    listed = with_lists(world, lambda of: {"resolve_round_260_listed_total": sum(each(of))})
    gas = each(world)
    return {
        "resolve_round_260_total": sum(gas),
        **listed,
        "resolve_round_260_largest_transaction": max(gas),
    }


def _stake_recorded(world: World, recording: Recording) -> Mapping[str, Mapping[int, int]]:
    """Deposits and stakes what the round records. A model that the account had in an earlier round
    is staked on and left again, so that the pages in use are those of the real history."""
    history = recording.history
    at_opening = history.stakes_nano[REAL_ROUND]
    highest: dict[str, int] = {}
    for stakes in history.stakes_nano.values():
        for account, models in stakes.items():
            highest[account] = max([highest.get(account, 0), *models])
    approval = calls.token_approve(world.deployment.address, MAX_AMOUNT_NANO)
    token, owner = world.deployment.token, world.owner
    deposits, visits, stakings, transfers = [], [], [], []
    for account, models in sorted(at_opening.items()):
        total_nano = sum(models.values())
        transfers.append((owner, calls.token_transfer(account, total_nano), "transfer"))
        deposits.append((account, calls.deposit(total_nano), "deposit"))
        if model_page(highest[account]) > model_page(max(models)):
            visits.append((account, calls.set_stakes({highest[account]: 1}), "set_stakes"))
            visits.append((account, calls.set_stakes({highest[account]: 0}), "set_stakes"))
        stakings.append((account, calls.set_stakes(dict(sorted(models.items()))), "set_stakes"))
    world.send_all(transfers, token)
    world.send_all([(account, approval, "approve") for account in sorted(at_opening)], token)
    world.send_all(deposits)
    world.send_all(visits)
    world.send_all(stakings)
    return at_opening
