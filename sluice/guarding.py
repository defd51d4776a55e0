"""What a guardian looks at before a veto: the announcement, and whether what is published leads to
it. Reads the chain, sends nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sluice import routing
from sluice.errors import InvalidInput
from sluice.escrow import RoundState
from sluice.inputs import RoundTable
from sluice.manifest import ANNOUNCE_AGAIN, Manifest, read_manifest, recompute
from sluice.parameters import Parameters
from sluice.registry import Registry
from sluice.routing import Progress
from sluice.weekly import WeeklyRun

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Announced:
    """What is announced: the round, its digest and when (unix seconds); the manifest that leads to
    it and how much of that is applied, None if none is published here; and what does not agree."""

    round_number: int
    digest: bytes
    announced_at: int
    found: Progress | None
    complaints: tuple[str, ...]

    def ready_at(self, parameters: Parameters) -> int:
        """From when on anybody may resolve it."""
        return self.announced_at + parameters.window_s


def announced(run: WeeklyRun, state: RoundState, path: Path | None) -> Announced:
    """The announcement held against a published manifest, at `path` or in the run's folder."""
    found: Progress | None = None
    complaints = []
    if path is None:
        found = run.find(state.digest)
        if found is None:
            complaints.append(
                f"no manifest in {run.folder} leads to the announced digest: what nobody can check "
                "is a reason for a veto"
            )
    else:
        manifest = read_manifest(path)
        complaints += _other_terms(run, manifest)
        found = routing.progress({path: manifest}, state.digest)
        if found is None:
            complaints.append(
                f"{path.name} has the digest {manifest.digest}, and none of its links leads to "
                "the announced one"
            )
    overtaken = None if found is None else run.overtaken(found.manifest)
    if overtaken is not None:
        complaints.append(f"{overtaken}: {ANNOUNCE_AGAIN}")
    return Announced(run.round_number, state.digest, state.announced_at, found, tuple(complaints))


def recomputed(
    run: WeeklyRun, manifest: Manifest, table: RoundTable, registry: Registry, tell: Tell
) -> str | None:
    """What a manifest's links do not have in common with those that its published inputs, the
    stakes at its block and the moves make; None if they are the same."""
    escrow, first = run.escrow, run.deployment.block
    accounts = set(registry.addresses.values())
    for end, found in escrow.accounts(first, manifest.followed_to):
        accounts |= found
        tell(end - first, manifest.followed_to - first)
    listed = sorted(accounts)
    staked_nano = {
        h.account: h.staked_nano for h in escrow.storage.holdings(listed, manifest.block)
    }
    word = run.deployment.parameters.round_word(run.round_number)
    done = {
        h.account
        for h in escrow.storage.holdings(listed, manifest.followed_to)
        if h.word.round_word == word
    }
    moves = run.moves(first, manifest.followed_to)
    try:
        recompute(
            manifest, table, registry, staked_nano, moves, done, run.passed(manifest.followed_to)
        )
    except InvalidInput as error:
        return str(error)
    return None


def _other_terms(run: WeeklyRun, manifest: Manifest) -> list[str]:
    deployment = run.deployment
    wanted = (
        ("contract", manifest.contract, deployment.address),
        ("chain", manifest.chain_id, deployment.chain_id),
        ("round", manifest.round_number, run.round_number),
        ("parameters", manifest.parameters, deployment.parameters),
    )
    return [
        f"the manifest is for {name} {there}, not for {here}"
        for name, there, here in wanted
        if there != here
    ]
