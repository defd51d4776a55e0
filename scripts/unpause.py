"""End a pause, or allow another."""

from pathlib import Path

import click
from ape.api import ProviderAPI

from sluice.deployment import load_and_check, record_path
from sluice.pausing import pause_now
from sluice.sending import (
    Command,
    Output,
    confirm,
    json_option,
    record_option,
    signer,
    when,
    yes_option,
)


@click.command(cls=Command)
@click.option("--account", help="Who sends; the owner's account if left out.")
@record_option
@yes_option
@json_option
def cli(
    provider: ProviderAPI, account: str | None, record: Path | None, yes: bool, as_json: bool
) -> None:
    """End a pause at once, or, after one that has ended by itself, let the guardian have another.

    \b
    Example:
      ape run unpause --network ethereum:mainnet:node

    Exit codes: 0 nothing is paused, and the guardian can pause again; 1 refused or failed; 2 wrong
    arguments; 3 come back later: a transaction of the sender waits for a block, or the node is
    behind.
    """
    output = Output(as_json)
    _, escrow = load_and_check(record or record_path(provider), provider)
    paused_at = escrow.paused_at()
    if paused_at == 0:
        output.say("there was no pause since the last unpause: nothing to do")
        output.end({"phase": "running", "unpaused": False})
    sender = signer(account, "owner", escrow.owner())
    on = pause_now(escrow)
    output.say(
        str(on)
        if on is not None
        else f"the pause of {when(paused_at)} has ended by itself; the "
        "guardian can pause again after this"
    )
    confirm("Unpause?", yes, output)
    escrow.unpause(sender=sender)
    output.say("nothing is paused, and the guardian can pause again")
    output.end({"phase": "running", "unpaused": True})
