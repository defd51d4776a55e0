"""The weekly pass: announce, wait, resolve."""

from pathlib import Path

import click
from ape.api import AccountAPI, ProviderAPI

from sluice import routing
from sluice.delivery import Terms
from sluice.deployment import load_and_check, manifests_folder, record_path
from sluice.errors import InvalidInput
from sluice.inputs import read_rounds
from sluice.pausing import end_if_paused, pause_now, unless_paused
from sluice.registry import extend, load_registry, save_registry
from sluice.routing import Progress
from sluice.sending import (
    COME_BACK_LATER,
    Command,
    Output,
    chain_time,
    confirm,
    delivery,
    delivery_options,
    json_option,
    nmr,
    parse_nmr,
    record_option,
    signer,
    wait_until,
    when,
    yes_option,
)
from sluice.weekly import Announcement, Applied, Inputs, WeeklyRun


@click.command(cls=Command)
@click.argument("inputs", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--registry",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("registry.csv"),
    show_default=True,
    help="Which address an account is, and the number of each model.",
)
@click.option("--extend-registry", is_flag=True, help="Number models that it does not know yet.")
@click.option("--round", "number", type=int, help="The round; the next one if left out.")
@click.option("--minimum-stake", default="0", show_default=True, help="NMR from which on to list.")
@click.option(
    "--manifests",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the manifests; left out: manifests/<network>, below build/ if local.",
)
@click.option("--wait", is_flag=True, help="Stay until done; a local chain's time is moved.")
@click.option("--announce-again", is_flag=True, help="Replace what is announced, for what is left.")
@click.option("--batch-links", type=click.IntRange(1), help="At most this many links at a time.")
@click.option("--account", help="Who sends; the operator's account if left out.")
@delivery_options
@record_option
@yes_option
@json_option
def cli(
    provider: ProviderAPI,
    inputs: Path,
    registry: Path,
    extend_registry: bool,
    number: int | None,
    minimum_stake: str,
    manifests: Path | None,
    wait: bool,
    announce_again: bool,
    batch_links: int | None,
    account: str | None,
    terms: Terms,
    record: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Route a round's payouts: make its entries from the file INPUTS and the chain's stakes, check
    everything, write the manifest, announce its digest; when the challenge window has passed,
    resolve. Run it again at any time, also after it was killed: it carries on from what the chain
    says, and each entry is applied exactly once.

    \b
    Example, on a live chain once a week, and again after the window:
      ape run route payouts.csv --network ethereum:mainnet:node --minimum-stake 3
    On a local chain, all at once:
      ape run route payouts.csv --network http://127.0.0.1:8545 --wait --yes

    Who is in the pass is fixed by the block that the manifest names: a first stake made later
    counts from the next round on; changes of stake count until the entry is resolved. An account
    that moved to another address is in it there; the files keep naming it by the old one.

    If the contract refuses an entry, correct INPUTS and use --announce-again: what is left of the
    round is announced anew, naming the digest that it replaces. No manifest is ever overwritten.

    Exit codes: 0 the round is done; 1 refused or failed; 2 wrong arguments; 3 come back later, it
    says when or why: the pass time or the window is to come, the escrow is paused, or a transaction
    of the sender waits for a block.
    """
    output = Output(as_json)
    sends = delivery(provider, terms)
    deployment, escrow = load_and_check(record or record_path(provider), provider, sends)
    state = escrow.round_state()
    round_number = state.resolved + 1 if number is None else number
    if round_number <= state.resolved:
        output.say(f"round {round_number} is done")
        output.end(_document(round_number, "done"))
    sender = signer(account, "operator", escrow.operator())
    sends.begin(sender.address)
    state = escrow.round_state()
    routing.check_next(state, round_number)
    folder = manifests or manifests_folder(provider)
    run = WeeklyRun(deployment, escrow, folder, round_number)

    def given() -> Inputs:
        return _inputs(inputs, registry, extend_registry, round_number, minimum_stake)

    if announce_again or not routing.is_announced(state):
        checked = given()
        pass_time = deployment.parameters.pass_time(round_number)
        _come_at(provider, pass_time, f"round {round_number} may be announced", wait, output, run)
        _announce(run, checked, announce_again, sender, yes, output)

    announced = _announced(run)
    while run.overtaken(announced.manifest) is not None:
        output.say(
            "an account moved to another address just before the announcement: announcing again, "
            "with no moment in which nothing is announced"
        )
        _announce(run, given(), True, sender, yes, output)
        announced = _announced(run)
    output.say(f"{announced.path}: {announced.applied} of {len(announced.manifest.links)} applied")
    what = f"round {round_number} may be resolved"
    _come_at(provider, run.ready_at(), what, wait, output, run)

    applied: list[Applied] = []
    with unless_paused(escrow, output), output.progress() as bar:
        batches = routing.batches(announced, batch_links)
        for batch in bar.track(batches, description=f"resolving round {round_number}"):
            applied += run.resolve(announced, batch, sender)
    gas = sum(each.gas for each in applied)
    output.say(f"round {round_number} is done; transactions: {len(applied)}, gas: {gas:,}")
    output.end(
        {
            **_document(round_number, "done"),
            "manifest": str(announced.path),
            "transactions": len(applied),
            "links": sum(each.links for each in applied),
            "gas": gas,
        }
    )


def _inputs(
    path: Path, registry_path: Path, extended: bool, round_number: int, minimum_stake: str
) -> Inputs:
    table = read_rounds(path)
    registry = load_registry(registry_path)
    if extended:
        registry = extend(registry, table, round_number)
        save_registry(registry, registry_path)
    table.resolved_rows(round_number)
    return Inputs(table, registry, parse_nmr(minimum_stake))


def _announced(run: WeeklyRun) -> Progress:
    announced = run.progress()
    if announced is None:
        raise InvalidInput(f"round {run.round_number} is no longer announced: run this again")
    return announced


def _announce(
    run: WeeklyRun, given: Inputs, again: bool, sender: AccountAPI, yes: bool, output: Output
) -> None:
    end_if_paused(run.escrow, output)
    with output.progress() as bar:
        task = bar.add_task("reading the chain")
        snapshot = run.snapshot(
            given.registry, lambda done, of: bar.update(task, completed=done, total=of)
        )
    announcement = run.plan_again(given, snapshot) if again else run.plan(given, snapshot)
    _show(run, announcement, output)
    parameters = run.deployment.parameters
    for warning in routing.warnings(snapshot.time, parameters, run.round_number):
        output.say(f"note: {warning}")
    confirm("Announce?", yes, output)
    with unless_paused(run.escrow, output):
        run.announce(announcement, sender)
    output.say(f"announced; publish {announcement.path}, so that anybody can check it")


def _show(run: WeeklyRun, announcement: Announcement, output: Output) -> None:
    totals = routing.totals(announcement.manifest.links)
    replaced = announcement.replaces.hex()
    output.table(
        f"Round {run.round_number}, to be announced",
        [
            ("accounts", str(totals.accounts)),
            ("links", str(totals.links)),
            ("links applied before", str(announcement.manifest.links_applied)),
            ("earnings", nmr(totals.earnings_nano)),
            ("burns at most", nmr(totals.burns_nano)),
            ("stakes as of block", str(announcement.manifest.block)),
            ("digest", announcement.manifest.digest),
            ("replaces", f"0x{replaced}" if any(announcement.replaces) else "nothing"),
            ("manifest", str(announcement.path)),
        ],
    )


def _come_at(
    provider: ProviderAPI, time: int, what: str, wait: bool, output: Output, run: WeeklyRun
) -> None:
    if chain_time(provider) < time:
        if not wait:
            output.say(f"{what} from {when(time)} on: run this again then")
            document = {**_document(run.round_number, "waiting"), "come_back_at": time}
            output.end(document, COME_BACK_LATER)
        wait_until(provider, time, output)
    pause = pause_now(run.escrow)
    if pause is not None and wait:
        output.say(str(pause))
        wait_until(provider, pause.ends, output)


def _document(round_number: int, phase: str) -> dict[str, object]:
    return {"round": round_number, "phase": phase}
