"""Fill up the reserve that pays earnings."""

from pathlib import Path

import click
from ape.api import ProviderAPI

from sluice.delivery import Terms
from sluice.deployment import load_and_check, record_path
from sluice.errors import InvalidInput
from sluice.sending import (
    Command,
    Output,
    confirm,
    delivery,
    delivery_options,
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
@delivery_options
@record_option
@yes_option
@json_option
def cli(
    provider: ProviderAPI,
    amount: str,
    account: str | None,
    terms: Terms,
    record: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Fill the reserve up to AMOUNT NMR from the sender's wallet, after letting the escrow take
    what is lacking. Anybody may; only the owner can take the reserve out again. Run again, it adds
    nothing to a reserve that holds as much.

    \b
    Example:
      ape run fund 250.5 --network http://127.0.0.1:8545

    Run again after it was killed, it fills up what is still lacking, once.

    Exit codes: 0 the reserve holds AMOUNT or more; 1 refused or failed; 2 wrong arguments; 3 come
    back later: a transaction of the sender waits for a block, or the node is behind.
    """
    output = Output(as_json)
    wanted_nano = parse_nmr(amount)
    sends = delivery(provider, terms)
    _, escrow = load_and_check(record or record_path(provider), provider, sends)
    lacking_nano = max(0, wanted_nano - escrow.reserve_nano())
    if lacking_nano:
        sender = signer(account, "owner", escrow.owner())
        sends.begin(sender.address)
        before_nano = escrow.reserve_nano()
        lacking_nano = max(0, wanted_nano - before_nano)
    if lacking_nano:
        held_nano = escrow.token.balance_nano(sender.address)
        if held_nano < lacking_nano:
            raise InvalidInput(
                f"{sender.address} holds {nmr(held_nano)}, {nmr(lacking_nano)} are lacking: name "
                "an account that has them with --account"
            )
        output.table(
            "Reserve",
            [("now", nmr(before_nano)), ("adds", nmr(lacking_nano)), ("from", sender.address)],
        )
        confirm(f"Fund the reserve with {nmr(lacking_nano)}?", yes, output)
        escrow.approve(lacking_nano, sender=sender)
        escrow.fund(lacking_nano, sender=sender)

    reserve_nano = escrow.reserve_nano()
    output.say(f"the reserve holds {nmr(reserve_nano)}")
    output.end({"funded_nano": lacking_nano, "reserve_nano": reserve_nano})
