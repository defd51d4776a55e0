"""Pay the fortnight's free withdrawals."""

from collections import Counter
from pathlib import Path

import click
from ape.api import ProviderAPI

from sluice.deployment import load_and_check, record_path
from sluice.events import FreeWithdrawals, free_withdrawals
from sluice.instructions import Domain, pay_call, read_requests
from sluice.ledger import Skip
from sluice.lens import Lens
from sluice.paying import Expected, batches, expect
from sluice.sending import (
    DONE,
    Command,
    Output,
    chain_time,
    confirm,
    json_option,
    nmr,
    record_option,
    signer,
    yes_option,
)


@click.command(cls=Command)
@click.argument("requests", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--account", help="Who sends; the operator's account if left out.")
@click.option("--dry-run", is_flag=True, help="Show what would be paid; send nothing.")
@record_option
@yes_option
@json_option
def cli(
    provider: ProviderAPI,
    requests: Path,
    account: str | None,
    dry_run: bool,
    record: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Pay the free withdrawals that the file REQUESTS asks for: one signed request, a JSON object,
    a line. Every signature and every request is checked against the chain first; what would be
    skipped is shown with its reason and not sent. Run again, it pays nobody twice: a paid account's
    turn is used.

    \b
    Example:
      ape run pay requests.jsonl --network http://127.0.0.1:8545

    Exit codes: 0 everything that could be paid is paid, whatever had to be skipped; 1 refused or
    failed; 2 wrong arguments.
    """
    output = Output(as_json)
    deployment, escrow = load_and_check(record or record_path(provider), provider)
    lens = Lens(deployment.lens, provider)
    stored = read_requests(requests, Domain(deployment.chain_id, deployment.address))
    asking = sorted({signed.request.account for signed in stored})
    with output.progress() as bar:
        read = bar.track(asking, description="reading accounts")
        positions = {each: lens.position(each) for each in read}
    expected = expect(stored, positions, lens.current_period(), chain_time(provider))
    payable = [each for each in expected if each.skip is Skip.PAID]
    _show(expected, output)
    paid: list[FreeWithdrawals] = []
    if payable and not dry_run:
        operator = signer(account, "operator", escrow.operator())
        total_nano = sum(each.paid_nano for each in payable)
        confirm(f"Pay {len(payable)} withdrawals, {nmr(total_nano)}?", yes, output)
        with output.progress() as bar:
            for batch in bar.track(batches(expected), description="paying"):
                call = pay_call(batch)
                receipt = escrow.pay(call.requests, (), call.signatures, sender=operator)
                paid += free_withdrawals(receipt.logs)

    items = [item for batch in paid for item in batch.items]
    late = [item for item in items if item.skip is not Skip.PAID]
    for item in late:
        output.say(f"{item.account}: skipped by the contract, {item.skip.name.lower()}")
    paid_items = [item for item in items if item.skip is Skip.PAID]
    output.say(
        f"paid {len(paid_items)} of {len(stored)} requests, "
        f"{nmr(sum(item.paid_nano for item in paid_items))}"
    )
    output.end(
        {
            "period": paid[0].period if paid else lens.current_period(),
            "paid": [{"account": i.account, "amount_nano": i.paid_nano} for i in paid_items],
            "skipped": [
                {"account": each.signed.request.account, "reason": each.skip.name.lower()}
                for each in expected
                if each.skip is not Skip.PAID
            ]
            + [{"account": item.account, "reason": item.skip.name.lower()} for item in late],
            "transactions": len(paid),
        },
        DONE,
    )


def _show(expected: list[Expected], output: Output) -> None:
    for each in expected:
        if each.skip is not Skip.PAID:
            reason = each.skip.name.lower().replace("_", " ")
            output.say(f"{each.signed.request.account}: would be skipped, {reason}")
    reasons = Counter(each.skip.name.lower().replace("_", " ") for each in expected)
    output.table("Requests", [(reason, str(count)) for reason, count in reasons.items()])
