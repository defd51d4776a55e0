"""Pay the fortnight's free withdrawals."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from ape.api import ProviderAPI

from sluice.delivery import Terms
from sluice.deployment import Deployment, load_and_check, record_path
from sluice.instructions import Domain, SignedRequest, is_signed, read_requests
from sluice.ledger import Skip
from sluice.participant.words import eth, gwei
from sluice.pausing import end_if_paused, unless_paused
from sluice.paying import Expected, Kind, batches, expect
from sluice.relay.commands import open_store, store_option
from sluice.relay.plan import in_words
from sluice.relay.relay import Paid, Relay
from sluice.relay.store import Store
from sluice.sending import (
    COME_BACK_LATER,
    DONE,
    Command,
    Output,
    confirm,
    delivery,
    delivery_options,
    json_option,
    nmr,
    parse_gwei,
    parse_nmr,
    record_option,
    signer,
    yes_option,
)


@click.command(cls=Command)
@click.argument(
    "requests", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True)
)
@store_option
@click.option("--min-due", default="0", show_default=True, help="NMR; less that is due waits.")
@click.option("--max-gas-price", help="gwei; above it nothing is sent, and all of it waits.")
@click.option("--account", help="Who sends; the operator's account if left out.")
@click.option("--dry-run", is_flag=True, help="Show what would be paid; send nothing.")
@delivery_options
@record_option
@yes_option
@json_option
def cli(
    provider: ProviderAPI,
    requests: Path | None,
    store: str | None,
    min_due: str,
    max_gas_price: str | None,
    account: str | None,
    dry_run: bool,
    terms: Terms,
    record: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Pay the free withdrawals: signed requests, from the file REQUESTS (a JSON object a line) or
    else from the relay's store, and behind them whatever is due to wallets, which the chain says
    and nobody has to ask for.

    Everything is checked against the chain first; what would be skipped is shown with its reason,
    is not sent, and rolls over to the next batch. Run again, also after it was killed, it pays
    nobody twice: a paid account's turn is used.

    \b
    Examples:
      ape run pay --network http://127.0.0.1:8545
      ape run pay requests.jsonl --min-due 0.1 --max-gas-price 20 --network ethereum:mainnet:node

    Exit codes: 0 everything that could be paid is paid, whatever had to be skipped; 1 refused or
    failed; 2 wrong arguments; 3 come back later: gas is above the ceiling, the escrow is paused, or
    a transaction of the sender waits for a block.
    """
    output = Output(as_json)
    floor_nano, ceiling_wei = parse_nmr(min_due), _ceiling(max_gas_price, terms)
    sends = delivery(provider, replace(terms, max_fee_wei=ceiling_wei))
    deployment, escrow = load_and_check(record or record_path(provider), provider, sends)
    relay = Relay(deployment, escrow, _opened(requests, store, provider, deployment))
    operator = signer(account, "operator", escrow.operator())
    _show_terms(floor_nano, ceiling_wei, escrow.gas_price(), output)
    if requests is None:
        relay.settle()
    relay.begin(operator.address)
    end_if_paused(escrow, output)

    expected = _expected(relay, floor_nano, output)
    _show(expected, output)
    payable = [each for each in expected if each.reason is None]
    paid: list[Paid] = []
    waits = _above(ceiling_wei, escrow.gas_price())
    if payable and not dry_run and not waits:
        total_nano = sum(each.paid_nano for each in payable)
        confirm(f"Pay {len(payable)} withdrawals, {nmr(total_nano)}?", yes, output)
        with unless_paused(escrow, output), output.progress() as bar:
            for batch in bar.track(batches(expected), description="paying"):
                waits = _above(ceiling_wei, escrow.gas_price())
                if waits:
                    break
                paid += relay.pay(batch, operator, ceiling_wei)
    if waits:
        output.say(f"{waits}: what is not paid yet rolls over, run this again when gas is cheaper")
    period = deployment.parameters.period(escrow.time())
    _end(period, expected, paid, operator.address, floor_nano, bool(waits), output)


def _opened(
    requests: Path | None, url: str | None, provider: ProviderAPI, deployment: Deployment
) -> Store:
    """The relay's store; a file's requests in one that is gone at the end."""
    if requests is None:
        return open_store(url, provider, deployment)
    domain = Domain(deployment.chain_id, deployment.address)
    opened = Store("sqlite://", domain)
    for signed in read_requests(requests, domain):
        opened.add(signed, is_signed(signed))
    return opened


def _expected(relay: Relay, floor_nano: int, output: Output) -> list[Expected]:
    escrow = relay.escrow
    stored = [e for e in relay.store.open_messages() if isinstance(e.signed, SignedRequest)]
    known: set[str] = set()
    head = escrow.last_block().number
    with output.progress() as bar:
        task = bar.add_task("looking for what is due", total=max(1, head - relay.deployment.block))
        for end, found in escrow.accounts(relay.deployment.block, head):
            known |= found
            bar.update(task, completed=end - relay.deployment.block)
        checked = bar.track(stored, description="checking signatures")
        signed = {each.number for each in checked if relay.is_signed(each)}
    due = escrow.storage.standing_orders(sorted(known), head)
    book = escrow.ledger([*(each.account for each in stored), *due], head)
    return expect(stored, signed, due, floor_nano, book, escrow.time())


def _show_terms(floor_nano: int, ceiling_wei: int | None, price_wei: int, output: Output) -> None:
    ceiling = "none" if ceiling_wei is None else gwei(ceiling_wei)
    output.table(
        "Terms",
        [
            ("floor of what is due", nmr(floor_nano)),
            ("ceiling of the gas price", ceiling),
            ("gas price now", gwei(price_wei)),
        ],
    )


def _show(expected: Sequence[Expected], output: Output) -> None:
    for each in expected:
        if each.reason is not None:
            output.say(f"{each.account}: {each.kind} left out, {each.reason}; it rolls over")
    counts = Counter((each.kind, each.reason or "to be paid") for each in expected)
    rows = [(f"{kind}, {reason}", str(count)) for (kind, reason), count in counts.items()]
    output.table("Free withdrawals", rows)


def _end(
    period: int,
    expected: Sequence[Expected],
    paid: Sequence[Paid],
    operator: str,
    floor_nano: int,
    waits: bool,
    output: Output,
) -> None:
    items = [
        (item, Kind.REQUEST if place < each.requests else Kind.DUE)
        for each in paid
        for place, item in enumerate(each.withdrawals.items)
    ]
    done = [(item, kind) for item, kind in items if item.skip is Skip.PAID]
    late = [(item, kind) for item, kind in items if item.skip is not Skip.PAID]
    for item, kind in late:
        output.say(f"{item.account}: {kind} skipped by the contract, {in_words(item.skip)}")
    gas = sum(each.sent.gas for each in paid)
    fee_wei = sum(each.sent.fee_wei for each in paid)
    output.say(f"paid {len(done)} of {len(expected)}, {nmr(sum(i.paid_nano for i, _ in done))}")
    output.table(
        "Who paid what gas",
        [
            (f"users, {len(done)} accounts", "0"),
            (f"operator {operator}", f"{gas:,} gas, {eth(fee_wei)}"),
        ],
    )
    output.end(
        {
            "period": period,
            "floor_nano": floor_nano,
            "paid": [
                {"account": item.account, "amount_nano": item.paid_nano, "kind": kind.value}
                for item, kind in done
            ],
            "skipped": [
                {"account": each.account, "reason": each.reason, "kind": each.kind.value}
                for each in expected
                if each.reason is not None
            ]
            + [
                {"account": item.account, "reason": in_words(item.skip), "kind": kind.value}
                for item, kind in late
            ],
            "transactions": len(paid),
            "gas": gas,
            "fee_wei": fee_wei,
            "users_gas": 0,
        },
        COME_BACK_LATER if waits else DONE,
    )


def _above(ceiling_wei: int | None, price_wei: int) -> str | None:
    if ceiling_wei is None or price_wei <= ceiling_wei:
        return None
    return f"the gas price of {gwei(price_wei)} is above the ceiling of {gwei(ceiling_wei)}"


def _ceiling(max_gas_price: str | None, terms: Terms) -> int | None:
    """The lower of the two, in wei: above --max-gas-price nothing is begun, above --max-fee nothing
    is paid."""
    given = [] if terms.max_fee_wei is None else [terms.max_fee_wei]
    if max_gas_price is not None:
        given.append(parse_gwei(max_gas_price, "--max-gas-price"))
    return min(given, default=None)
