"""The audit: everything rebuilt from events alone, compared with the chain."""

import sys
from pathlib import Path

import click
from ape.api import ProviderAPI

from sluice.audit import Auditor, Checkpoints, Node, document, page
from sluice.contract import is_local
from sluice.deployment import load_and_check, manifests_folder, record_path
from sluice.sending import DONE, FAILED, Command, Output, json_option, record_option


@click.command(cls=Command)
@click.option("--block", type=click.IntRange(0), help="As of this block; the newest if left out.")
@click.option(
    "--manifests",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the published manifests; left out: manifests/<network>, below build/ if local, "
    "if there is one.",
)
@click.option(
    "--checkpoints",
    default="sqlite:///build/audit.sqlite",
    show_default=True,
    help="Database of the states at which audits ended.",
)
@click.option("--fresh", is_flag=True, help="Read everything again, whatever the checkpoints say.")
@click.option(
    "--behind",
    type=click.IntRange(0),
    help="Take blocks so far behind the newest for final; left out: what the node calls final, on "
    "a local chain all.",
)
@record_option
@json_option
def cli(
    provider: ProviderAPI,
    block: int | None,
    manifests: Path | None,
    checkpoints: str,
    fresh: bool,
    behind: int | None,
    record: Path | None,
    as_json: bool,
) -> None:
    """Audit a deployment, trusting nobody but the connected node: rebuild every account, the
    reserve and all rounds from the contract's events alone, and compare each with what the chain
    stores, word for word; see that what was resolved is what was announced, and that the token
    balance covers everything. Needs no key and sends nothing.

    \b
    Example:
      ape run audit --network ethereum:mainnet:node --manifests manifests/mainnet

    A state is kept at the last final block, so that the next audit goes on from there. Run it again
    at any time, also after it was killed. docs/audit.md says what it proves, and what it cannot.

    Exit codes: 0 everything that was checked holds; 1 something does not, or it could not be
    checked; 2 wrong arguments.
    """
    output = Output(as_json)
    deployment, _ = load_and_check(record or record_path(provider), provider)
    usual = manifests_folder(provider)
    folder = manifests or (usual if usual.is_dir() else None)
    if behind is None and is_local(provider):
        behind = 0
    store = Checkpoints(checkpoints, deployment)
    with output.progress() as bar:
        task = bar.add_task("looking at the checkpoints", total=None)

        def tell(doing: str, done: int, total: int) -> None:
            bar.update(task, description=doing, completed=done, total=total)

        report = Auditor(deployment, Node(provider), store, folder, tell).run(block, behind, fresh)
    store.close()
    if as_json:
        output.end(document(report), DONE if report.holds else FAILED)
    output.console.print(page(report))
    sys.exit(DONE if report.holds else FAILED)
