"""Strike an announced round."""

from pathlib import Path

import click
from ape.api import ProviderAPI

from sluice import guarding, routing
from sluice.deployment import load_and_check, manifests_folder, record_path
from sluice.errors import InvalidInput
from sluice.escrow import RoundState
from sluice.events import rounds_vetoed
from sluice.guarding import Announced
from sluice.inputs import read_rounds
from sluice.registry import load_registry
from sluice.sending import (
    Command,
    Output,
    chain_time,
    confirm,
    json_option,
    nmr,
    record_option,
    signer,
    when,
    yes_option,
)
from sluice.weekly import WeeklyRun


@click.command(cls=Command)
@click.argument("manifest", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--inputs",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The published table of the round, to make it anew.",
)
@click.option(
    "--registry",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("registry.csv"),
    show_default=True,
    help="The published registry, with --inputs.",
)
@click.option(
    "--manifests",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the manifests; left out: manifests/<network>, below build/ if local.",
)
@click.option("--dry-run", is_flag=True, help="Show and check what is announced; send nothing.")
@click.option("--account", help="Who sends; the guardian's account if left out.")
@record_option
@yes_option
@json_option
def cli(
    provider: ProviderAPI,
    manifest: Path | None,
    inputs: Path | None,
    registry: Path,
    manifests: Path | None,
    dry_run: bool,
    account: str | None,
    record: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Show what is announced, hold it against the published MANIFEST (or those in the folder), and
    strike it. With --inputs the whole round is made anew, from the published files and the chain's
    stakes at the manifest's block.

    A veto takes back what is left of the round, nothing that is applied. It works during a pause,
    and until the round is done: the window only says from when on it can be too late.

    \b
    Examples:
      ape run veto --dry-run --network ethereum:mainnet:node
      ape run veto round-900-1.json --inputs payouts.csv --network ethereum:mainnet:node

    Exit codes: 0 vetoed, or nothing is announced, or, with --dry-run, it is what was published;
    1 refused, failed, or, with --dry-run, it is not; 2 wrong arguments; 3 come back later: a
    transaction of the sender waits for a block, or the node is behind.
    """
    output = Output(as_json)
    deployment, escrow = load_and_check(record or record_path(provider), provider)
    state = escrow.round_state()
    round_number = state.resolved + 1
    if not routing.is_announced(state):
        output.say(f"nothing of round {round_number} is announced: nothing to veto")
        output.end({"round": round_number, "phase": "nothing announced"})
    run = WeeklyRun(deployment, escrow, manifests or manifests_folder(provider), round_number)
    seen, complaints = _seen(run, state, manifest, inputs, registry, output)
    _show(run, seen, chain_time(provider), output)
    for complaint in complaints:
        output.say(f"does not agree: {complaint}")
    if not complaints:
        output.say("what is published leads to the announced digest")
    if inputs is None:
        output.say("its payouts are not checked: give --inputs and --registry for that")
    document: dict[str, object] = {
        "round": round_number,
        "digest": f"0x{seen.digest.hex()}",
        "announced_at": seen.announced_at,
        "ready_at": seen.ready_at(deployment.parameters),
        "manifest": None if seen.found is None else str(seen.found.path),
        "links_left": None if seen.found is None else seen.found.left,
        "complaints": list(complaints),
    }
    if dry_run:
        output.end({**document, "phase": "announced"}, 1 if complaints else 0)

    sender = signer(account, "guardian", escrow.guardian())
    confirm(f"Veto round {round_number}?", yes, output)
    (vetoed,) = rounds_vetoed(escrow.veto(round_number, sender=sender).logs)
    if vetoed.digest != seen.digest:
        output.say(
            f"somebody resolved or announced meanwhile: what was struck is 0x{vetoed.digest.hex()}"
        )
    _say_what_next(run, output)
    output.end({**document, "phase": "vetoed", "vetoed_digest": f"0x{vetoed.digest.hex()}"})


def _seen(
    run: WeeklyRun,
    state: RoundState,
    manifest: Path | None,
    inputs: Path | None,
    registry: Path,
    output: Output,
) -> tuple[Announced, list[str]]:
    """The announcement, and all that does not agree. What cannot be read is no reason not to veto:
    it is one more thing that does not agree."""
    complaints: list[str] = []
    try:
        seen = guarding.announced(run, state, manifest)
    except InvalidInput as error:
        complaints.append(str(error))
        seen = Announced(run.round_number, state.digest, state.announced_at, None, ())
    complaints += seen.complaints
    if inputs is not None and seen.found is not None:
        try:
            table, book = read_rounds(inputs), load_registry(registry)
            with output.progress() as bar:
                task = bar.add_task("reading the chain")
                difference = guarding.recomputed(
                    run,
                    seen.found.manifest,
                    table,
                    book,
                    lambda done, of: bar.update(task, completed=done, total=of),
                )
        except InvalidInput as error:
            difference = str(error)
        complaints += [] if difference is None else [difference]
    return seen, complaints


def _show(run: WeeklyRun, seen: Announced, now: int, output: Output) -> None:
    ready_at = seen.ready_at(run.deployment.parameters)
    can = "anybody can resolve it now" if now >= ready_at else "nobody can resolve it before"
    rows = [
        ("digest of what is left", f"0x{seen.digest.hex()}"),
        ("announced", when(seen.announced_at)),
        ("window until", f"{when(ready_at)}: {can}"),
    ]
    if seen.found is not None:
        totals = routing.totals(seen.found.manifest.links[seen.found.applied :])
        rows += [
            ("manifest", str(seen.found.path)),
            ("links", f"{seen.found.applied} applied, {totals.links} left"),
            ("accounts left", str(totals.accounts)),
            ("earnings left", nmr(totals.earnings_nano)),
            ("burns left, at most", nmr(totals.burns_nano)),
        ]
    output.table(f"Round {seen.round_number}, announced", rows)


def _say_what_next(run: WeeklyRun, output: Output) -> None:
    deadline = run.deployment.parameters.deadline(run.round_number)
    output.say(
        f"round {run.round_number} is vetoed; what was applied of it stays. The operator or the "
        "owner announces what is left again, and the window starts again: `ape run route "
        "--announce-again` with corrected inputs"
    )
    output.say(
        f"until then accounts can move to other addresses, the owner can take the reserve out, and "
        f"after {when(deadline)} the round burns nothing any more"
    )
