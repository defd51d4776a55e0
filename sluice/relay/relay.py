"""A relay at work: takes signed messages in, sends instructions in batches, sees what became of
them.

Every step looks at the chain first. A message is marked as handed over before it is sent, and the
contract applies it at most once, whoever sends it how often; so a relay that was killed at any
moment is carried on by running it again.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from ape.api import AccountAPI, ReceiptAPI

from sluice.calls import calls
from sluice.deployment import Deployment
from sluice.errors import InvalidInput, Refused
from sluice.escrow import Escrow
from sluice.events import (
    FREE_WITHDRAWALS,
    INSTRUCTIONS_RELAYED,
    FreeWithdrawals,
    Log,
    free_withdrawals,
    instructions_relayed,
)
from sluice.instructions import Signed, SignedInstruction, SignedRequest, pay_call, relay_call
from sluice.ledger import Ledger
from sluice.node import REORGANISED_BLOCKS, NodeContradicts
from sluice.paying import Batch
from sluice.relay import chain
from sluice.relay.plan import Planned, dead, plan
from sluice.relay.store import Added, Outcome, State, Store, Stored
from sluice.relay.wallets import Signing, signing

Event = TypeVar("Event")


@dataclass(frozen=True, slots=True)
class Sent:
    """One transaction: how many messages it carried, its gas, and what was paid for it in wei."""

    messages: int
    gas: int
    fee_wei: int
    transaction: str


@dataclass(frozen=True, slots=True)
class Paid:
    """One transaction of free withdrawals: its cost, how many of its items were requests (the first
    ones), and what became of each."""

    sent: Sent
    requests: int
    withdrawals: FreeWithdrawals


class Relay:
    """The relay of one deployment."""

    def __init__(self, deployment: Deployment, escrow: Escrow, store: Store) -> None:
        self.deployment = deployment
        self.escrow = escrow
        self.store = store

    def add(self, messages: Sequence[Signed]) -> Iterator[Added | InvalidInput]:
        """Keeps messages, each by itself, in order; yields what was done with each: InvalidInput
        for one that nobody could ever send, being signed by somebody else, used, or expired."""
        book = self.escrow.ledger(signed.message.account for signed in messages)
        now = self.escrow.time()
        for signed in messages:
            try:
                yield self._add(signed, book, now)
            except InvalidInput as error:
                yield error

    def settle(self) -> None:
        """Writes down what the chain says became of the open messages, and again of those that it
        said so lately that it may have changed."""
        head = self.escrow.last_block().number
        seen = self.store.seen_block()
        # a chain that is shorter than it was is another one, or begun again
        after = self.deployment.block - 1 if seen is None or seen > head else seen
        recent = self.store.since(after)
        outcomes = self._outcomes(recent, after + 1, head)
        accounts = {each.account for each in recent}
        book = self.escrow.ledger(accounts, head)
        now = self.escrow.time(head)
        for each in recent:
            outcome = None if each.number in outcomes else dead(each, book, now)
            if outcome is not None:
                outcomes[each.number] = Outcome(
                    each.number, outcome.state, outcome.reason, None, head
                )
        self.store.settle(after, outcomes.values(), max(after, head - REORGANISED_BLOCKS))

    def begin(self, sender: str) -> None:
        """To be called before anything is planned that the sender is to send, see `Delivery.begin`;
        whatever was handed over and did not happen is pending again. TransactionWaits."""
        self.escrow.delivery.begin(sender)
        self.store.release()

    def plan(self, now: int) -> list[Planned]:
        """What would become of each open instruction if it were sent now."""
        stored = [
            each for each in self.store.open_messages()
            if isinstance(each.signed, SignedInstruction)
        ]  # fmt: skip
        signed = {each.number for each in stored if self.is_signed(each)}
        book = self.escrow.ledger(each.account for each in stored)
        return plan(stored, book, signed, now)

    def is_signed(self, stored: Stored) -> bool:
        """Whether the signature is good now; a contract wallet is asked."""
        return stored.by_key or signing(stored.signed, self.escrow) is Signing.WALLET

    def note(self, planned: Iterable[Planned]) -> None:
        """Writes down why messages wait."""
        self.store.record(
            Outcome(each.stored.number, State.PENDING, each.reason)
            for each in planned
            if each.reason is not None and each.stored.state is State.PENDING
        )

    def send(self, batch: Sequence[Stored], sender: AccountAPI) -> list[Sent]:
        """Sends a batch, in several transactions if it is dearer than expected, and writes down
        what became of it."""
        signed = [each.signed for each in batch if isinstance(each.signed, SignedInstruction)]
        call = relay_call(signed)
        data = calls.relay(call.instructions, call.signatures)
        if len(batch) > 1 and not self.escrow.fits(data, sender.address):
            half = len(batch) // 2
            return self.send(batch[:half], sender) + self.send(batch[half:], sender)
        with self._handed_over(batch):
            receipt = self.escrow.relay(call.instructions, call.signatures, sender=sender)
        _only(instructions_relayed(receipt.logs), receipt)
        self.record(batch, receipt)
        return [sent(len(batch), receipt)]

    def pay(self, batch: Batch, sender: AccountAPI, max_fee_wei: int | None = None) -> list[Paid]:
        """Pays a batch of free withdrawals, in several transactions if it is dearer than expected,
        and writes down what became of the requests."""
        signed = [e.signed for e in batch.requests if isinstance(e.signed, SignedRequest)]
        call = pay_call(signed, batch.due_accounts)
        data = calls.pay(call.requests, call.due_accounts, call.signatures)
        if len(batch) > 1 and not self.escrow.fits(data, sender.address):
            first, second = batch.halves()
            paid = self.pay(first, sender, max_fee_wei)
            return paid + self.pay(second, sender, max_fee_wei)
        with self._handed_over(batch.requests):
            receipt = self.escrow.pay(
                call.requests,
                call.due_accounts,
                call.signatures,
                sender=sender,
                max_fee_wei=max_fee_wei,
            )
        withdrawals = _only(free_withdrawals(receipt.logs), receipt)
        self.record(batch.requests, receipt)
        return [Paid(sent(len(batch), receipt), len(batch.requests), withdrawals)]

    def record(self, batch: Sequence[Stored], receipt: ReceiptAPI) -> None:
        """Writes down what a transaction did with the messages that it carried."""
        where = chain.Where(str(receipt.txn_hash), int(receipt.block_number))
        calldata = bytes(receipt.data)
        found = chain.relayed(receipt.logs, where, batch)
        found += chain.paid(receipt.logs, where, calldata, batch)
        self.store.record(_merged(found).values())

    def _add(self, signed: Signed, book: Ledger, now: int) -> Added:
        proof = signing(signed, self.escrow)
        if proof is Signing.NOBODY:
            raise InvalidInput(
                f"{signed.message.account} did not sign it: sign it with that account's key for "
                f"{signed.domain.contract} on chain {signed.domain.chain_id}"
            )
        by_key = proof is Signing.KEY
        outcome = dead(Stored(0, signed, by_key, State.PENDING, None, None, None), book, now)
        if outcome is not None:
            raise InvalidInput(f"{outcome.reason or 'its deadline has passed'}: sign a new one")
        return self.store.add(signed, by_key)

    @contextmanager
    def _handed_over(self, batch: Sequence[Stored]) -> Iterator[None]:
        """Marks messages as handed over before they are; what is refused is pending again."""
        self.store.claim([each.number for each in batch])
        try:
            yield
        except Refused:
            self.store.record(Outcome(each.number, State.PENDING) for each in batch)
            raise

    def _outcomes(self, recent: Sequence[Stored], first: int, last: int) -> dict[int, Outcome]:
        if not recent:
            return {}
        found: list[Outcome] = []
        for where, logs in self._transactions(INSTRUCTIONS_RELAYED, first, last):
            found += chain.relayed(logs, where, recent)
        if any(not isinstance(each.signed, SignedInstruction) for each in recent):
            for where, logs in self._transactions(FREE_WITHDRAWALS, first, last):
                calldata = self.escrow.calldata_of(where.transaction)
                found += chain.paid(logs, where, calldata, recent)
        return _merged(found)

    def _transactions(
        self, event: str, first: int, last: int
    ) -> Iterable[tuple[chain.Where, list[Log]]]:
        for _, logs in self.escrow.logs(event, first, last):
            yield from chain.by_transaction(logs)


def sent(messages: int, receipt: ReceiptAPI) -> Sent:
    """What a transaction cost."""
    return Sent(
        messages, int(receipt.gas_used), int(receipt.total_fees_paid), str(receipt.txn_hash)
    )


def _only(events: Sequence[Event], receipt: ReceiptAPI) -> Event:
    """The one event that the transaction must have had."""
    if len(events) != 1:
        raise NodeContradicts(
            f"the receipt of {receipt.txn_hash} says that it went through, and has {len(events)} "
            "events of a batch instead of one: ask another node (--network), then run this again"
        )
    return events[0]


def _merged(outcomes: Iterable[Outcome]) -> dict[int, Outcome]:
    """One for each message: that it was applied counts for more than that a copy was skipped."""
    merged: dict[int, Outcome] = {}
    for outcome in outcomes:
        before = merged.get(outcome.number)
        if before is None or before.state is not State.APPLIED:
            merged[outcome.number] = outcome
    return merged
