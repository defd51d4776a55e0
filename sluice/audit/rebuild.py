"""The escrow rebuilt from its events alone, each event held against the rules.

The state is a reference ledger; what an event says is done in it by the ledger's own steps, so a
thing that the rules forbid is found where it happened. The chain's word is taken for what happened,
never for what follows from it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from eth_utils.address import to_checksum_address

from sluice.account import Account, bound_nano, pass_over
from sluice.audit.events import (
    At,
    BurnSent,
    Deposited,
    Event,
    GuardianSet,
    Left,
    OperatorSet,
    OwnershipOffered,
    OwnershipTransferred,
    ReserveFunded,
    ReserveWithdrawn,
    RoundAnnounced,
    RoundResolved,
    Withdrawn,
)
from sluice.audit.findings import NANO, Check, Finding
from sluice.audit.journal import Journal
from sluice.errors import InvalidInput, Refused
from sluice.events import (
    AccountMoved,
    FreeWithdrawals,
    InstructionsCancelled,
    InstructionSkipped,
    InstructionsRelayed,
    Item,
    LinkApplied,
    MoveOffered,
    Paused,
    RoundVetoed,
    SplitSet,
    StakesSet,
    Unpaused,
    WithdrawalCancelled,
)
from sluice.instructions import each_packed, unpack_instruction
from sluice.ledger import Ledger, Skip
from sluice.moves import Moved
from sluice.parameters import Parameters
from sluice.roles import NOBODY, Roles
from sluice.words import NO_DIGEST, Entry, link_words, unpack_link

MOST_FINDINGS = 1_000
"""Of one audit: one wrong event can make thousands that follow from it."""
UNKNOWN_TIME: int = 2**64
"""Where the node does not say a block's time: every deadline is past, and no pause is on."""


STOPPED_BY_A_PAUSE = (
    Deposited, InstructionsRelayed, RoundAnnounced, LinkApplied, FreeWithdrawals
)  # fmt: skip


class Rebuild:
    """The escrow as the events that were read tell it, and what of them breaks a rule. Accounts are
    by address in lower case. `counts`: events by name; `done`: entries, instructions and
    free_withdrawals that they carried; `moves`: accounts to other addresses, in order."""

    def __init__(self, parameters: Parameters) -> None:
        self.ledger = Ledger(parameters)
        self.journal = Journal(parameters, self.ledger.resolved)
        self.roles = Roles(NOBODY, NOBODY, NOBODY)
        self.findings: list[Finding] = []
        self.counts: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.moves: list[Moved] = []
        self._skipped = 0

    @property
    def parameters(self) -> Parameters:
        """The deployment's."""
        return self.ledger.parameters

    def read(self, event: Event, at: At) -> None:
        """Takes in the next event."""
        self.counts[type(event).__name__] += 1
        if not isinstance(event, LinkApplied):
            self.settle()
        try:
            self._read(event, at)
        except (Refused, InvalidInput) as error:
            self._add(
                Finding(
                    Check.RULES,
                    _subject(event),
                    type(event).__name__,
                    str(error),
                    "allowed",
                    where=_where(at),
                )
            )

    def unreadable(self, reason: str, at: At) -> None:
        """Takes in a log that is no event of an escrow."""
        self.settle()
        self.counts["unreadable"] += 1
        self._add(
            Finding(Check.EVENTS, "an event", "content", reason, "readable", where=_where(at))
        )

    def settle(self) -> None:
        """To be called where a block ends: no more links of the round that ended come."""
        ending = self.journal.ending
        self._extend(self.journal.settle())
        if ending is not None:
            self.ledger.resolved = self.journal.resolved
            self.ledger.digest, self.ledger.announced_at = NO_DIGEST, 0

    # --- one event --------------------------------------------------------------------------------

    def _read(self, event: Event, at: At) -> None:
        ledger = self.ledger
        now = UNKNOWN_TIME if at.time is None else at.time
        if isinstance(event, STOPPED_BY_A_PAUSE):
            ledger.check_running(now)
        match event:
            case Deposited(account, amount_nano):
                ledger.deposit(account, amount_nano)
            case StakesSet(account, stakes_nano):
                ledger.set_stakes(account, stakes_nano)
            case SplitSet(account, model, split):
                ledger.set_split(account, model, split)
            case Left(account, nonce):
                ledger.leave(account)
                self._compare(Check.RULES, account, "nonce", nonce, ledger.account(account).nonce)
            case InstructionSkipped():
                self._skipped += 1
            case InstructionsRelayed():
                self._relayed(event)
            case InstructionsCancelled(account, nonce):
                ledger.cancel_instructions(account, nonce)
            case WithdrawalCancelled(account, period):
                self._cancelled(account, period)
            case Withdrawn(account, amount_nano):
                self._withdrawn(account, amount_nano, at.time, _where(at))
            case FreeWithdrawals():
                self._paid(event, at)
            case MoveOffered(account, to):
                ledger.offer_move(account, to or NOBODY)
            case AccountMoved(account, to, nonce):
                self.moves.append(
                    Moved(at.block, to_checksum_address(account), to_checksum_address(to))
                )
                # by whichever way, it is as if it had been offered just now
                ledger.offer_move(account, to)
                ledger.accept_move(to, account, now)
                self._compare(Check.RULES, account, "nonce", nonce, ledger.account(account).nonce)
            case RoundAnnounced() | RoundResolved() | RoundVetoed() | LinkApplied():
                self._round(event, at)
            case Paused(paused_at):
                self._compare_time(paused_at, at)
                ledger.pause(paused_at)
            case Unpaused():
                ledger.unpause()
            case ReserveFunded() | ReserveWithdrawn() | BurnSent():
                self._treasury(event)
            case OperatorSet() | GuardianSet() | OwnershipOffered() | OwnershipTransferred():
                self._power(event)

    def _round(
        self, event: RoundAnnounced | RoundResolved | RoundVetoed | LinkApplied, at: At
    ) -> None:
        match event:
            case RoundAnnounced(round_number, replaces, digest, announced_at):
                self._extend(
                    self.journal.announce(round_number, replaces, digest, announced_at, at.block)
                )
                self.ledger.digest, self.ledger.announced_at = digest, announced_at
            case RoundResolved(round_number):
                self._extend(self.journal.resolve(round_number))
            case RoundVetoed(round_number, digest):
                self._extend(self.journal.veto(round_number, digest))
                self.ledger.digest, self.ledger.announced_at = NO_DIGEST, 0
            case LinkApplied():
                self._extend(self.journal.link(event.round_number, event.link, event.time))
                self._link(event, _where(at))
        time = event.announced_at if isinstance(event, RoundAnnounced) else None
        time = event.time if isinstance(event, LinkApplied) else time
        self._compare_time(time, at)

    def _treasury(self, event: ReserveFunded | ReserveWithdrawn | BurnSent) -> None:
        match event:
            case ReserveFunded(amount_nano):
                self.ledger.fund(amount_nano)
            case ReserveWithdrawn(amount_nano):
                self.ledger.withdraw_reserve(amount_nano)
            case BurnSent(amount_nano):
                burned_nano = self.ledger.burn()
                self._compare(Check.RULES, "treasury", "burn sent", amount_nano, burned_nano, NANO)

    def _power(
        self, event: OperatorSet | GuardianSet | OwnershipOffered | OwnershipTransferred
    ) -> None:
        match event:
            case OperatorSet(operator):
                self.roles.operator = operator
            case GuardianSet(guardian):
                self.roles.guardian = guardian
            case OwnershipOffered(new_owner):
                self.roles.pending_owner = new_owner
            case OwnershipTransferred(new_owner):
                self.roles.owner, self.roles.pending_owner = new_owner, NOBODY

    # --- accounts ---------------------------------------------------------------------------------

    def _relayed(self, event: InstructionsRelayed) -> None:
        packed = list(each_packed(event.instructions))
        for index, each in enumerate(packed):
            if event.applied >> index & 1:
                asked = unpack_instruction(each)
                self.done["instructions"] += 1
                self.ledger.apply_instruction(
                    asked.account.lower(),
                    asked.stakes_nano,
                    asked.splits,
                    asked.nonce,
                    asked.deadline,
                    event.time,
                )
        left_out = len(packed) - event.applied.bit_count()
        reported, self._skipped = self._skipped, 0
        self._compare(Check.EVENTS, "relay", "instructions reported as skipped", reported, left_out)

    def _cancelled(self, account: str, period: int) -> None:
        held = self._held(account)
        if held.period >= period:
            raise Refused("cancel_withdrawal: this period's turn is used already")
        held.period = period

    def _withdrawn(self, account: str, amount_nano: int, time: int | None, where: str) -> None:
        held = self._held(account)
        # without the block's time, which rounds are past their deadlines is not known
        most_nano = held.pool_nano
        if time is not None:
            most_nano = self.ledger.withdrawable_nano(account, time)
        if amount_nano > most_nano:
            self._add(
                Finding(Check.RULES, account, "withdrawn", amount_nano, most_nano, NANO, where)
            )
        held.pool_nano = max(0, held.pool_nano - amount_nano)
        held.due_nano = max(0, held.due_nano - amount_nano)

    def _paid(self, event: FreeWithdrawals, at: At) -> None:
        self._compare_time(event.time, at)
        period = self.parameters.period(event.time)
        self._compare(Check.RULES, "pay", "period", event.period, period)
        for item in event.items:
            if item.skip is Skip.PAID:
                self._pay(item, event, _where(at))

    def _pay(self, item: Item, event: FreeWithdrawals, where: str) -> None:
        held = self._held(item.account)
        self.done["free_withdrawals"] += 1
        if held.period >= event.period:
            wanted = f"below {event.period}"
            self._add(
                Finding(
                    Check.RULES, item.account, "period of its last turn", held.period, wanted, "",
                    where,
                )
            )  # fmt: skip
        self._withdrawn(item.account, item.paid_nano, event.time, where)
        held.period = event.period

    # --- a link -----------------------------------------------------------------------------------

    def _link(self, event: LinkApplied, where: str) -> None:
        ledger = self.ledger
        standing = self.journal.standing
        entries = earned_nano = burned_nano = 0
        for entry in unpack_link(link_words(event.link)):
            held = self._held(entry.account)
            before = held.risks_units.get(event.round_number, 0)
            try:
                earned, burned = pass_over(
                    held, entry, event.round_number, ledger.parameters, event.time
                )
            except Refused as error:
                self._extend(_above_bound(entry, event.round_number, bound_nano(before), where))
                raise Refused(f"entry {entries} ({entry.account}): {error}") from None
            entries += 1
            earned_nano += earned
            burned_nano += burned
        self.done["entries"] += entries
        ledger.reserve_nano -= earned_nano
        ledger.burned_nano += burned_nano
        if ledger.reserve_nano < 0:
            self._add(
                Finding(
                    Check.RULES, "treasury", "reserve after a link", ledger.reserve_nano, 0, NANO,
                    where,
                )
            )  # fmt: skip
        if standing is not None:
            standing.entries += entries
            standing.earned_nano += earned_nano
            standing.burned_nano += burned_nano

    def _held(self, account: str) -> Account:
        """The account, to be changed."""
        held = self.ledger.accounts.get(account)
        if held is None:
            held = self.ledger.accounts[account] = Account()
        return held

    # --- findings ---------------------------------------------------------------------------------

    def _compare_time(self, time: int | None, at: At) -> None:
        if time is not None and at.time is not None:
            self._compare(Check.EVENTS, _where(at), "time that an event names", time, at.time)

    def _compare(
        self, check: Check, subject: str, field: str, found: int, wanted: int, unit: str = ""
    ) -> None:
        if found != wanted:
            self._add(Finding(check, subject, field, found, wanted, unit))

    def _extend(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._add(finding)

    def _add(self, finding: Finding) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)


def _above_bound(entry: Entry, round_number: int, most_nano: int, where: str) -> Iterator[Finding]:
    payouts = entry.payouts_nano.values()
    sums = {
        "losses": -sum(payout for payout in payouts if payout < 0),
        "earnings": sum(payout for payout in payouts if payout > 0),
    }
    for name, amount_nano in sums.items():
        if amount_nano > most_nano:
            field = f"{name} in round {round_number}"
            yield Finding(
                Check.RULES, entry.account, field, amount_nano, f"at most {most_nano}", NANO, where
            )


def _subject(event: Event) -> str:
    account = getattr(event, "account", None)
    number = getattr(event, "round_number", None)
    return account or ("an event" if number is None else f"round {number}")


def _where(at: At) -> str:
    return f"block {at.block}, transaction {at.transaction}"
