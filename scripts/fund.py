"""Fund the reserve that pays earnings."""

from pathlib import Path

import click
from ape.api import ProviderAPI

from sluice.deployment import load_and_check, record_path
from sluice.errors import InvalidInput
from sluice.sending import (
    Command,
    Output,
    confirm,
    json_option,
    nmr,
    parse_nmr,
    record_option,
    signer,
    yes_option,
)


@click.command(cls=Command)
@click.argument("amount")
@click.option("--account", help="Who pays; the owner's account if left out.")
@record_option
@yes_option
@json_option
def cli(
    provider: ProviderAPI,
    amount: str,
    account: str | None,
    record: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Add AMOUNT NMR of the sender's to the reserve, after letting the escrow take it. Anybody may;
    only the owner can take the reserve out again.

    \b
    Example:
      ape run fund 250.5 --network http://127.0.0.1:8545

    Killed after the approval, it approves nothing anew; killed after the funding was sent, look at
    the reserve it shows before running it again.

    Exit codes: 0 funded; 1 refused or failed; 2 wrong arguments.
    """
    output = Output(as_json)
    amount_nano = parse_nmr(amount)
    _, escrow = load_and_check(record or record_path(provider), provider)
    sender = signer(account, "owner", escrow.owner())
    held_nano = escrow.balance_nano(sender.address)
    if held_nano < amount_nano:
        raise InvalidInput(
            f"{sender.address} holds {nmr(held_nano)}: fund no more than that, or name the account "
            "that pays with --account"
        )
    before_nano = escrow.reserve_nano()
    output.table(
        "Reserve",
        [("now", nmr(before_nano)), ("adds", nmr(amount_nano)), ("from", sender.address)],
    )
    confirm(f"Fund the reserve with {nmr(amount_nano)}?", yes, output)
    escrow.approve(amount_nano, sender=sender)
    escrow.fund(amount_nano, sender=sender)

    reserve_nano = escrow.reserve_nano()
    output.say(f"the reserve holds {nmr(reserve_nano)}")
    output.end({"funded_nano": amount_nano, "reserve_nano": reserve_nano})
