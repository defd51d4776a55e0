"""The guests on a chain: their messages signed, relayed and paid, and taken in the ledger too."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sluice.calls import calls
from sluice.demo.bill import Bill, Payer
from sluice.demo.guests import (
    DEPOSIT_NANO,
    REBALANCE_EVERY,
    Guest,
    first_wish,
    rebalance,
    withdrawal,
)
from sluice.instructions import Domain, Instruction, pay_call, relay_call, sign
from sluice.ledger import Ledger, Skip
from sluice.paying import Kind
from sluice.presets import Preset

Send = Callable[[Sequence[tuple[str, bytes, str]], int], list[int]]
"""Sends (sender, calldata, name) to the escrow in a block of that time; returns the gas of each."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What one item of a batch brought to a guest's wallet."""

    guest: Guest
    kind: Kind
    amount_nano: int


@dataclass(frozen=True, slots=True)
class Fortnight:
    """One period's batch: after the pass over which round, its gas, and its items as they stand in
    it, requests before what is due."""

    period: int
    round_number: int
    gas: int
    items: tuple[Paid, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a guest holds, in nano-NMR, and what free withdrawals brought to its wallet; what is due
    is part of the pool."""

    guest: Guest
    staked_nano: int
    pool_nano: int
    due_nano: int
    paid_nano: int


@dataclass(frozen=True, slots=True)
class Senders:
    """Who sends for the guests."""

    owner: str
    operator: str
    relayer: str


class Gasless:
    """What the guests do, step by step; `fortnights` are the batches so far."""

    def __init__(
        self,
        guests: Sequence[Guest],
        domain: Domain,
        ledger: Ledger,
        senders: Senders,
        send: Send,
        bill: Bill,
    ) -> None:
        self.guests = guests
        self.fortnights: list[Fortnight] = []
        self.signed = 0
        self._domain = domain
        self._ledger = ledger
        self._senders = senders
        self._send = send
        self._bill = bill
        self._welcomed = False
        self._period = 0

    def act(self, round_number: int, now: int) -> None:
        """Before the pass over a round: the first NMR and the first wishes, later some changes."""
        if not self._welcomed:
            self._welcome(now)
        elif self.guests:
            self._rebalance(round_number, now)

    def pay(self, round_number: int, now: int) -> None:
        """After a pass: the fortnight's batch, if there was none in this period. Who takes profit
        asks for all that is withdrawable; what is due is paid without being asked for."""
        period = self._ledger.parameters.period(now)
        if period <= self._period:
            return
        self._period = period
        requests, items = [], []
        for guest in self.guests:
            if guest.preset is Preset.TAKE_PROFIT:
                asked = withdrawal(guest, period)
                skip, amount_nano = self._ledger.pay(
                    guest.account, asked.amount_nano, asked.period, asked.deadline, now
                )
                if skip is Skip.PAID:
                    requests.append(sign(asked, self._domain, guest.signer))
                    items.append(Paid(guest, Kind.REQUEST, amount_nano))
        self.signed += len(requests)
        due = []
        for guest in self.guests:
            skip, amount_nano = self._ledger.pay_due(guest.account, now)
            if skip is Skip.PAID:
                due.append(guest.signer.address)
                items.append(Paid(guest, Kind.DUE, amount_nano))
        if not items:
            return
        call = pay_call(requests, due)
        data = calls.pay(call.requests, call.due_accounts, call.signatures)
        gas = self._send([(self._senders.operator, data, f"pay of period {period}")], now)
        self._bill.add(Payer.OPERATOR, "pay", gas, len(items))
        self.fortnights.append(Fortnight(period, round_number, sum(gas), tuple(items)))

    def standings(self) -> list[Standing]:
        """What each guest holds now."""
        paid_nano: Counter[str] = Counter()
        for fortnight in self.fortnights:
            for item in fortnight.items:
                paid_nano[item.guest.name] += item.amount_nano
        return [
            Standing(guest, held.staked_nano, held.pool_nano, held.due_nano, paid_nano[guest.name])
            for guest in self.guests
            for held in (self._ledger.account(guest.account),)
        ]

    def _welcome(self, now: int) -> None:
        self._welcomed = True
        owner = self._senders.owner
        gas = self._send(
            [
                (owner, calls.deposit_for(guest.account, DEPOSIT_NANO), "deposit_for")
                for guest in self.guests
            ],
            now,
        )
        self._bill.add(Payer.OWNER, "deposit_for", gas, len(gas))
        for guest in self.guests:
            self._ledger.deposit(guest.account, DEPOSIT_NANO)
        self._relay([(guest, first_wish(guest)) for guest in self.guests], now + 1)

    def _rebalance(self, round_number: int, now: int) -> None:
        turn = round_number % REBALANCE_EVERY
        wishes = [
            (guest, wish)
            for guest in self.guests
            if guest.turn == turn
            and (wish := rebalance(guest, self._ledger.account(guest.account)))
        ]
        if wishes:
            self._relay(wishes, now)

    def _relay(self, wishes: Sequence[tuple[Guest, Instruction]], now: int) -> None:
        signed = [sign(wish, self._domain, guest.signer) for guest, wish in wishes]
        call = relay_call(signed)
        data = calls.relay(call.instructions, call.signatures)
        gas = self._send([(self._senders.relayer, data, "relay")], now)
        self._bill.add(Payer.RELAYER, "relay", gas, len(signed))
        self.signed += len(signed)
        for guest, wish in wishes:
            self._ledger.apply_instruction(
                guest.account, wish.stakes_nano, wish.splits, wish.nonce, wish.deadline, now
            )
