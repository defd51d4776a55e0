"""Send participants' signed messages for them: add, list, send."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from ape.api import AccountAPI, ProviderAPI

from sluice.delivery import Delivery, Terms
from sluice.deployment import load_and_check, record_path
from sluice.errors import InvalidInput
from sluice.escrow import Escrow
from sluice.inputs import as_address
from sluice.instructions import Instruction, SignedRequest, read_messages
from sluice.ledger import ALL
from sluice.participant.pending import Lasts, instruction_in_words
from sluice.participant.words import eth
from sluice.pausing import end_if_paused, unless_paused
from sluice.presets import split_in_words
from sluice.relay.commands import open_store, store_option
from sluice.relay.plan import Planned, batches
from sluice.relay.relay import Relay, Sent
from sluice.relay.store import OPEN, Added, State, Stored
from sluice.remedies import remedy
from sluice.sending import (
    DONE,
    FAILED,
    Command,
    Output,
    confirm,
    delivery,
    delivery_options,
    json_option,
    nmr,
    record_option,
    signer,
    yes_option,
)


@click.group()
def cli() -> None:
    """Keep what participants sign, and send it: they pay no gas.

    \b
    Signed messages are lines as `ape run account ... --gasless` prints them. Instructions go by
    `send`; requests for a free withdrawal go with the fortnight's batch: `ape run pay`.
    """


@cli.command(cls=Command)
@click.argument("messages", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@store_option
@record_option
@json_option
def add(
    provider: ProviderAPI, messages: Path, store: str | None, record: Path | None, as_json: bool
) -> None:
    """Check the signed messages in the file MESSAGES, one JSON object a line, and keep them.

    A message signed by somebody else, used or expired is refused, the others are kept. One that is
    there already is not kept twice. A contract wallet's signature is kept whatever the wallet says
    of it now, and asked about again when it is to be sent.

    \b
    Example:
      ape run relay add signed.jsonl --network http://127.0.0.1:8545

    Exit codes: 0 all are kept; 1 some are refused, or it failed; 2 wrong arguments.
    """
    output = Output(as_json)
    relay = _relay(provider, record, store)
    counts: Counter[Added] = Counter()
    refused: list[dict[str, object]] = []
    given = read_messages(messages, relay.store.domain)
    with output.progress() as bar:
        added = list(bar.track(relay.add(given), total=len(given), description="checking"))
    for number, (signed, result) in enumerate(zip(given, added, strict=True), start=1):
        if isinstance(result, Added):
            counts[result] += 1
            continue
        account = signed.message.account
        refused.append({"message": number, "account": account, "reason": str(result)})
        output.say(f"message {number} of {account} refused: {result}")
    output.table("Kept", [(each.value, str(count)) for each, count in counts.items()])
    output.end(
        {**{each.name.lower(): counts[each] for each in Added}, "refused": refused},
        FAILED if refused else DONE,
    )


@cli.command("list", cls=Command)
@click.option("--account", help="Of this address only.")
@click.option("--all", "everything", is_flag=True, help="What is done, skipped or expired as well.")
@store_option
@record_option
@json_option
def list_(
    provider: ProviderAPI,
    account: str | None,
    everything: bool,
    store: str | None,
    record: Path | None,
    as_json: bool,
) -> None:
    """Show what is to come for the accounts: one-time (signed instructions and requests that are
    kept here) and standing (splits, and what is due to a wallet, from the chain).

    \b
    Example:
      ape run relay list --network http://127.0.0.1:8545

    Exit codes: 0 shown; 1 failed; 2 wrong arguments.
    """
    output = Output(as_json)
    relay = _relay(provider, record, store)
    relay.settle()
    only = None if account is None else as_address(account)
    if account is not None and only is None:
        raise InvalidInput(f"{account} is no address: write 0x and 40 digits")
    kept = relay.store.messages(tuple(State) if everything else OPEN, only)
    rows = [_kept(each) for each in kept]
    rows += _standing(relay, [only] if only else None, output)
    for row in rows:
        waits = f"; {row.reason}" if row.reason else ""
        output.say(f"{row.account}  {row.lasts}  {row.what}: {row.state}{waits}")
    count = Counter(row.lasts for row in rows)
    output.say(f"{count[Lasts.ONE_TIME]} one-time, {count[Lasts.STANDING]} standing")
    output.end({"to_come": [row.document() for row in rows]})


@cli.command(cls=Command)
@click.option("--account", default=None, help="Who sends and pays the gas; the operator's account.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent; send nothing.")
@delivery_options
@store_option
@record_option
@yes_option
@json_option
def send(
    provider: ProviderAPI,
    account: str | None,
    dry_run: bool,
    terms: Terms,
    store: str | None,
    record: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Send the instructions that can be applied now; anybody may. Those that cannot are left out,
    with the reason, and stay for as long as they can become good.

    Run it again at any time, also after it was killed: what the chain says has happened is written
    down first, and no instruction is ever applied twice.

    \b
    Example:
      ape run relay send --network http://127.0.0.1:8545

    Exit codes: 0 everything that could be sent is applied; 1 refused or failed; 2 wrong arguments;
    3 come back later: the escrow is paused, or a transaction of the sender waits for a block.
    """
    output = Output(as_json)
    relay = _relay(provider, record, store, delivery(provider, terms))
    sender = signer(account, "sender", relay.escrow.operator())
    relay.settle()
    relay.begin(sender.address)
    planned = relay.plan(relay.escrow.time())
    _show(planned, output)
    to_send = [each.stored for each in planned if each.reason is None]
    transactions: list[Sent] = []
    if to_send and not dry_run:
        end_if_paused(relay.escrow, output)
        relay.note(planned)
        confirm(f"Send {len(to_send)} instructions?", yes, output)
        with unless_paused(relay.escrow, output):
            transactions = _send(relay, batches(planned), sender, output)
    _end(relay, planned, to_send, transactions, sender, output)


@dataclass(frozen=True, slots=True)
class _Row:
    account: str
    lasts: Lasts
    what: str
    state: str
    reason: str | None = None

    def document(self) -> dict[str, object]:
        return {
            "account": self.account,
            "lasts": self.lasts.value,
            "what": self.what,
            "state": self.state,
            "reason": self.reason,
        }


def _relay(
    provider: ProviderAPI, record: Path | None, store: str | None, sends: Delivery | None = None
) -> Relay:
    deployment, escrow = load_and_check(record or record_path(provider), provider, sends)
    return Relay(deployment, escrow, open_store(store, provider, deployment))


def _kept(each: Stored) -> _Row:
    asked = each.signed.message
    if isinstance(asked, Instruction):
        what = f"instruction {asked.nonce}: {instruction_in_words(asked)}"
    else:
        amount = "all that is withdrawable" if asked.amount_nano == ALL else nmr(asked.amount_nano)
        what = f"free withdrawal of {amount}, from period {asked.period} on"
    return _Row(each.account, Lasts.ONE_TIME, what, each.state.value, each.reason)


def _standing(relay: Relay, accounts: Sequence[str] | None, output: Output) -> list[_Row]:
    asked = _known_accounts(relay.escrow, relay.deployment.block) if accounts is None else accounts
    book = relay.escrow.ledger(asked)
    rows = []
    for account in asked:
        held = book.account(account)
        for model, split in sorted(held.splits.items()):
            what = f"earnings of model {model}: {split_in_words(model, split)}"
            rows.append(_Row(account, Lasts.STANDING, what, "in every pass"))
        if held.due_nano:
            what = f"{nmr(held.due_nano)} due to the wallet"
            rows.append(_Row(account, Lasts.STANDING, what, "with the next batch"))
    return rows


def _known_accounts(escrow: Escrow, first_block: int) -> list[str]:
    found: set[str] = set()
    for _, accounts in escrow.accounts(first_block, escrow.last_block().number):
        found |= accounts
    return sorted(found)


def _send(
    relay: Relay, to_send: Sequence[Sequence[Stored]], sender: AccountAPI, output: Output
) -> list[Sent]:
    transactions: list[Sent] = []
    with output.progress() as bar:
        for batch in bar.track(to_send, description="relaying"):
            transactions += relay.send(batch, sender)
    return transactions


def _show(planned: Iterable[Planned], output: Output) -> None:
    counts: Counter[str] = Counter()
    for each in planned:
        counts[each.reason or "to be sent"] += 1
        if each.reason is not None:
            output.say(f"{each.stored.account}, nonce {each.instruction.nonce}: {each.reason}")
    output.table("Instructions", [(reason, str(count)) for reason, count in counts.items()])
    for reason in counts:
        if what_to_do := remedy(reason):
            output.say(f"{reason}: {what_to_do}")


def _end(
    relay: Relay,
    planned: Sequence[Planned],
    to_send: Sequence[Stored],
    transactions: Sequence[Sent],
    sender: AccountAPI,
    output: Output,
) -> None:
    after = {each.number: each for each in relay.store.messages()}
    carried = [after[each.number] for each in to_send] if transactions else []
    applied = [each for each in carried if each.state is State.APPLIED]
    late = [each for each in carried if each.state is not State.APPLIED]
    for each in late:
        output.say(f"{each.account}: skipped by the contract, {each.reason}")
    gas = sum(each.gas for each in transactions)
    fee_wei = sum(each.fee_wei for each in transactions)
    requests = sum(
        isinstance(each.signed, SignedRequest) and each.state in OPEN for each in after.values()
    )
    output.table(
        "Who paid what gas",
        [
            (f"users, {len({each.account for each in applied})} accounts", "0"),
            (f"relay {sender.address}", f"{gas:,} gas, {eth(fee_wei)}"),
            ("for each instruction", f"{gas // len(applied):,} gas" if applied else "nothing sent"),
        ],
    )
    if requests:
        output.say(f"{requests} requests for a free withdrawal go with `ape run pay`")
    output.end(
        {
            "applied": [_named(each) for each in applied],
            "left_out": [
                {**_named(each.stored), "reason": each.reason}
                for each in planned
                if each.reason is not None
            ],
            "skipped": [{**_named(each), "reason": each.reason} for each in late],
            "transactions": len(transactions),
            "gas": gas,
            "fee_wei": fee_wei,
            "users_gas": 0,
        },
        DONE,
    )


def _named(each: Stored) -> dict[str, object]:
    asked = each.signed.message
    assert isinstance(asked, Instruction)
    return {"account": each.account, "nonce": asked.nonce, "transaction": each.transaction}
