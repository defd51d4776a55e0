"""Where a person stands with the account command: what is shown, asked, sent, signed, said at the
end.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from ape.api import AccountAPI
from rich.table import Table

from sluice.instructions import Message, Signed, line, sign
from sluice.participant.chain import Connected, Sent, Step, cost, send, total_gas
from sluice.participant.store import keep, stored_messages
from sluice.participant.words import position_document, position_rows, price_in_words
from sluice.sending import Output, confirm


@dataclass(frozen=True, slots=True)
class Desk:
    """What every subcommand has: the connected deployment, where to speak, whether to ask, what an
    NMR costs in ETH if that is known, where signed messages are kept, for how long they are good.
    """

    on: Connected
    output: Output
    yes: bool = False
    nmr_eth: Fraction | None = None
    store: str | None = None
    good_for_days: int = 7

    def ask(self, question: str) -> None:
        """Ends the command with nothing done unless the answer is yes."""
        confirm(question, self.yes, self.output)

    def stored(self) -> list[Signed]:
        """What is signed and kept."""
        return stored_messages(self.store, self.on.domain)


def side_by_side(desk: Desk, title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Both ways of one thing for a person."""
    table = Table("", "now", "free", title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    desk.output.console.print(table)


def send_steps(desk: Desk, account: AccountAPI, steps: Sequence[Step]) -> list[Sent]:
    """Shows what the transactions cost, asks once, sends them."""
    rows = [(each.name, price_in_words(cost(desk.on, each.gas, desk.nmr_eth))) for each in steps]
    if len(steps) > 1:
        total = cost(desk.on, total_gas(steps), desk.nmr_eth)
        rows.append(("together, at most", price_in_words(total)))
    desk.output.table("Price", rows)
    noun = "this transaction" if len(steps) == 1 else f"these {len(steps)} transactions"
    desk.ask(f"Send {noun} from {account.address}?")
    return send(desk.on, steps, account)


def end_sent(
    desk: Desk, account: AccountAPI, sent: Sequence[Sent], document: Mapping[str, object]
) -> NoReturn:
    position = desk.on.lens.position(account.address)
    stakes_nano = desk.on.lens.stakes_of(account.address)
    for each in sent:
        desk.output.say(f"{each.name}: done, {each.gas_used:,} gas, {each.transaction}")
    desk.output.table(f"Account {account.address} now", position_rows(position, stakes_nano))
    desk.output.end(
        {
            "account": account.address,
            **document,
            "transactions": [
                {"name": each.name, "hash": each.transaction, "gas_used": each.gas_used}
                for each in sent
            ],
            "now": position_document(position, stakes_nano),
        }
    )


def end_signed(
    desk: Desk, account: AccountAPI, asked: Message, document: Mapping[str, object]
) -> NoReturn:
    desk.ask(f"Sign as {account.address}?")
    signed = sign(asked, desk.on.domain, account)
    keep(desk.store, signed)
    text = line(signed)
    if desk.store is None:
        desk.output.say("signed; give this line to whoever relays:")
        desk.output.say(text)
    else:
        desk.output.say(f"signed and added to {desk.store}")
    desk.output.end(
        {
            "account": account.address,
            **document,
            "signed": json.loads(text),
            "store": desk.store,
        }
    )
