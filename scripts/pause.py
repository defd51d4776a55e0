"""Stop deposits, relays, passes and batches for a while."""

from pathlib import Path

import click
from ape.api import ProviderAPI

from sluice.deployment import load_and_check, record_path
from sluice.pausing import Pause, pause_now
from sluice.sending import (
    Command,
    Output,
    chain_time,
    confirm,
    json_option,
    record_option,
    signer,
    when,
    yes_option,
)


@click.command(cls=Command)
@click.option("--account", help="Who sends; the guardian's account if left out.")
@record_option
@yes_option
@json_option
def cli(
    provider: ProviderAPI, account: str | None, record: Path | None, yes: bool, as_json: bool
) -> None:
    """Stop deposits, signed instructions, moves by signature, announcements, passes and batches of
    free withdrawals, for one round length at most.

    Withdrawals, stakes and splits by an account's own transaction go on, and so do vetoes and every
    clock: windows, deadlines, periods, what locks are released. The guardian has one pause; another
    needs the owner's `ape run unpause` first, also after it has ended by itself.

    \b
    Example:
      ape run pause --network ethereum:mainnet:node

    Exit codes: 0 it is paused; 1 refused or failed; 2 wrong arguments; 3 come back later: a
    transaction of the sender waits for a block, or the node is behind.
    """
    output = Output(as_json)
    deployment, escrow = load_and_check(record or record_path(provider), provider)
    parameters = deployment.parameters
    on = pause_now(escrow)
    if on is not None:
        output.say(str(on))
        output.end({"phase": "paused", **on.document()})
    sender = signer(account, "guardian", escrow.guardian())
    now = chain_time(provider)
    would = Pause(now, now + parameters.round_length_s)
    state = escrow.round_state()
    rows = [("until, at the latest", when(would.ends))]
    following = state.resolved + 1
    if parameters.pass_time(following + 1) <= would.ends:
        rows.append(
            ("round not opened", f"{following + 4}, if round {following} is not resolved before")
        )
    if parameters.deadline(following) < would.ends:
        rows.append(
            ("burns forgiven", f"round {following}'s, after {when(parameters.deadline(following))}")
        )
    output.table("Pause", rows)
    confirm("Pause?", yes, output)
    escrow.pause(sender=sender)
    paused_at = escrow.paused_at()
    pause = Pause(paused_at, paused_at + parameters.round_length_s)
    output.say(f"{pause}; another needs `ape run unpause` by the owner first")
    output.end({"phase": "paused", **pause.document()})
