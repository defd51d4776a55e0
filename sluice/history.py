"""The replay of recorded rounds: what participants have to do before and after each pass so that
the stakes on chain become the recorded ones (docs/accounting.md, "Replays").

Pure. Rounds a..b are replayed by the passes a-4..b; pass p resolves round p and opens round p+4, so
the stakes recorded for round p+4 are what the accounts' stakes are to be once pass p is done. A
stake that only compounded is never touched: it has to come out right by itself, which is what the
replay shows. Steps are planned against a `sluice.ledger.Ledger`, which then applies them; the chain
is sent the same ones. All amounts are integers in nano-NMR, accounts lower-case addresses.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from sluice.errors import InvalidInput
from sluice.inputs import RoundTable
from sluice.ledger import Ledger
from sluice.parameters import BPS
from sluice.registry import Registry
from sluice.words import OPEN_ROUNDS, Entry

COMPOUNDING_TOLERANCE_NANO = 1_000
"""A stake that differs by no more from the one before and the payout that arrived was not changed:
the files are of doubles."""

Models = Mapping[int, int]
"""Amounts by model number."""


class Kind(StrEnum):
    """The external that a step calls."""

    DEPOSIT = "deposit"
    DEPOSIT_AND_STAKE = "deposit_and_stake"
    SET_STAKES = "set_stakes"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction of a participant: `amount_nano` is what comes in or goes out, `stakes_nano`
    what the listed models, ascending, are to hold."""

    account: str
    kind: Kind
    amount_nano: int = 0
    stakes_nano: Models = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What the data says an account changed for one opening: stakes to set before the pass that
    opens the round, and the few that can only be set right after it."""

    before_nano: Models
    after_nano: Models


@dataclass(frozen=True, slots=True)
class ModelRound:
    """One model of one account in one round."""

    account: str
    model: int
    round_number: int


@dataclass(frozen=True, slots=True)
class History:
    """Recorded rounds `first_round`..`last_round`, consecutive, by round, account and model:
    `stakes_nano` has no zeros, `payouts_nano` neither and only rounds that are resolved. The
    replay ends with `last_pass`, the last one before an unresolved round."""

    first_round: int
    last_round: int
    last_pass: int
    stakes_nano: Mapping[int, Mapping[str, Models]]
    payouts_nano: Mapping[int, Mapping[str, Models]]

    @property
    def first_pass(self) -> int:
        """The pass that opens the first round."""
        return self.first_round - OPEN_ROUNDS

    @property
    def passes(self) -> range:
        """The passes of the replay, ascending."""
        return range(self.first_pass, self.last_pass + 1)

    @property
    def accounts(self) -> list[str]:
        """Every account with a stake in some round, ascending."""
        return sorted(set(chain.from_iterable(self.stakes_nano.values())))

    def stake(self, at: ModelRound) -> int:
        """The recorded stake at the opening of the round; zero if there was none."""
        return self.stakes_nano.get(at.round_number, {}).get(at.account, {}).get(at.model, 0)

    def payout(self, at: ModelRound) -> int:
        """The recorded payout of the round; zero if there was none."""
        return self.payouts_nano.get(at.round_number, {}).get(at.account, {}).get(at.model, 0)


def read_history(table: RoundTable, registry: Registry) -> History:
    """The recorded rounds of a table.

    Raises InvalidInput, naming the file and a remedy, if it has no stakes, leaves a round out,
    starts before round 5 or has no resolved round, and as the registry does."""
    first, last = _span(table)
    unresolved = table.unresolved()
    last_pass = min(unresolved, default=last + 1) - 1
    if last_pass < first:
        raise InvalidInput(
            f"{table.source}: round {first} is not resolved, so no pass of these rounds can be "
            "replayed: name a file whose first rounds are resolved"
        )
    stakes: dict[int, dict[str, dict[int, int]]] = {}
    payouts: dict[int, dict[str, dict[int, int]]] = {}
    for round_number, rows in table.rounds.items():
        round_stakes = stakes.setdefault(round_number, {})
        round_payouts = payouts.setdefault(round_number, {})
        for row in rows:
            account = registry.address(row, table).lower()
            model = registry.number(row, table)
            if row.stake_nano is None:
                raise InvalidInput(
                    f"{table.source}, row 1: no column stake; add it: the replay needs to know "
                    "what was staked"
                )
            if row.stake_nano:
                round_stakes.setdefault(account, {})[model] = row.stake_nano
            if row.payout_nano and round_number <= last_pass:
                round_payouts.setdefault(account, {})[model] = row.payout_nano
    return History(first, last, last_pass, stakes, payouts)


def _span(table: RoundTable) -> tuple[int, int]:
    if not table.rounds:
        raise InvalidInput(f"{table.source}: no rows; name a file with rounds in it")
    first, last = min(table.rounds), max(table.rounds)
    for round_number in range(first, last + 1):
        if round_number not in table.rounds:
            raise InvalidInput(
                f"{table.source}: round {round_number} is missing between {first} and {last}: "
                "name a file of consecutive rounds"
            )
    if first <= OPEN_ROUNDS:
        raise InvalidInput(
            f"{table.source}: it starts at round {first}, which a pass over round "
            f"{first - OPEN_ROUNDS} would open: leave out the rounds before {OPEN_ROUNDS + 1}"
        )
    return first, last


# --- what the data says ---------------------------------------------------------------------------


def compounded(history: History, round_number: int) -> Iterator[ModelRound]:
    """The models that only compounded into a round: staked in it and in the one before, the
    difference being the payout that arrived in between, to within COMPOUNDING_TOLERANCE_NANO.
    Nothing before the fifth round, whose payouts are the first ones known."""
    for at in staked_twice(history, round_number):
        if _only_compounded(history, at):
            yield at


def staked_twice(history: History, round_number: int) -> Iterator[ModelRound]:
    """The models staked in a round and in the one before, from the fifth recorded round on."""
    if round_number < history.first_round + OPEN_ROUNDS:
        return
    before = history.stakes_nano[round_number - 1]
    for account, models in history.stakes_nano[round_number].items():
        for model in models:
            if model in before.get(account, {}):
                yield ModelRound(account, model, round_number)


def _only_compounded(history: History, at: ModelRound) -> bool:
    """Of a model that is staked in the round."""
    if at.round_number < history.first_round + OPEN_ROUNDS:
        return False
    before = history.stake(ModelRound(at.account, at.model, at.round_number - 1))
    arrived = history.payout(ModelRound(at.account, at.model, at.round_number - OPEN_ROUNDS))
    difference = history.stake(at) - before - arrived
    return before > 0 and abs(difference) <= COMPOUNDING_TOLERANCE_NANO


def changes(history: History, round_number: int) -> dict[str, Change]:
    """What accounts changed for the opening of a round, by account: of each model that did not just
    compound the recorded stake less the payout that the same pass brings, or zero if it is gone.

    Where that leaves nothing, one nano stays on the model so that the earning returns to it; and
    where the recorded stake is smaller than the payout, it is set right after the pass."""
    now = history.stakes_nano.get(round_number, {})
    before = history.stakes_nano.get(round_number - 1, {})
    result = {}
    for account in sorted(now.keys() | before.keys()):
        staked = now.get(account, {})
        set_before, set_after = {}, {}
        for model in sorted(staked.keys() | before.get(account, {}).keys()):
            at = ModelRound(account, model, round_number)
            if model not in staked:
                set_before[model] = 0
                continue
            if _only_compounded(history, at):
                continue
            arriving = history.payout(ModelRound(account, model, round_number - OPEN_ROUNDS))
            set_before[model] = max(1, staked[model] - arriving)
            if staked[model] < arriving:
                set_after[model] = staked[model]
        if set_before:
            result[account] = Change(set_before, set_after)
    return result


# --- what the accounts do about it ----------------------------------------------------------------


def steps_before(history: History, ledger: Ledger, pass_number: int) -> list[Step]:
    """The deposits and changes of stake before a pass: at most one step for each account.

    An increase uses the account's pool first, then a deposit for the exact rest. A burn of a model
    that is gone falls on the pool; what the pool lacks for it is deposited too, since the data
    shows that the account's other models did not pay it."""
    opened = pass_number + OPEN_ROUNDS
    if opened > history.last_round:
        return []
    wanted = changes(history, opened)
    steps = []
    for account in sorted(wanted.keys() | history.payouts_nano.get(pass_number, {}).keys()):
        held = ledger.account(account)
        change = wanted.get(account, Change({}, {})).before_nano
        stakes = {m: s for m, s in change.items() if s != held.stakes_nano.get(m, 0)}
        after = {**held.stakes_nano, **stakes}
        pool_nano = held.pool_nano + held.staked_nano - sum(after.values())
        uncovered_nano = 0
        if any(after.values()):
            payouts = history.payouts_nano.get(pass_number, {}).get(account, {})
            uncovered_nano = sum(max(0, -amount - after.get(m, 0)) for m, amount in payouts.items())
        lacking_nano = max(0, uncovered_nano - pool_nano)
        if stakes:
            kind = Kind.DEPOSIT_AND_STAKE if lacking_nano else Kind.SET_STAKES
            steps.append(Step(account, kind, lacking_nano, stakes))
        elif lacking_nano:
            steps.append(Step(account, Kind.DEPOSIT, lacking_nano))
    return steps


def withdrawals(history: History, ledger: Ledger, pass_number: int, now: int) -> list[Step]:
    """The withdrawals before a pass, its changes being made: every recorded account that has
    something withdrawable takes all of it out, except what models that are gone can still lose in
    open rounds (taking that out would mean to bring it back)."""
    steps = []
    for account in history.accounts:
        pool_nano = ledger.account(account).pool_nano
        if not pool_nano:
            continue
        kept_nano = _gone_at_risk_nano(history, ledger, account, pass_number)
        amount_nano = min(ledger.withdrawable_nano(account, now), pool_nano - kept_nano)
        if amount_nano > 0:
            steps.append(Step(account, Kind.WITHDRAW, amount_nano))
    return steps


def _gone_at_risk_nano(history: History, ledger: Ledger, account: str, pass_number: int) -> int:
    staked = ledger.account(account).stakes_nano
    cap_bps = ledger.parameters.cap_bps
    return sum(
        -(-stake * cap_bps // BPS)
        for round_number in range(pass_number, pass_number + OPEN_ROUNDS)
        for model, stake in history.stakes_nano.get(round_number, {}).get(account, {}).items()
        if model not in staked
    )


def steps_after(history: History, pass_number: int) -> list[Step]:
    """The changes right after a pass: the stakes that were smaller than the payout it brought."""
    opened = pass_number + OPEN_ROUNDS
    if opened > history.last_round:
        return []
    return [
        Step(account, Kind.SET_STAKES, 0, change.after_nano)
        for account, change in changes(history, opened).items()
        if change.after_nano
    ]


def apply_steps(ledger: Ledger, steps: Iterable[Step], now: int) -> None:
    """Takes the steps in the ledger; Refused, which would be a mistake of the plan, if one is
    against its rules."""
    for step in steps:
        match step.kind:
            case Kind.DEPOSIT:
                ledger.deposit(step.account, step.amount_nano)
            case Kind.DEPOSIT_AND_STAKE:
                ledger.deposit_and_stake(step.account, step.amount_nano, step.stakes_nano)
            case Kind.SET_STAKES:
                ledger.set_stakes(step.account, step.stakes_nano)
            case Kind.WITHDRAW:
                ledger.withdraw(step.account, step.amount_nano, now)


def earnings_nano(entries: Iterable[Entry]) -> int:
    """What the entries of a pass earn together: what the reserve must hold for it."""
    return sum(max(0, amount) for entry in entries for amount in entry.payouts_nano.values())
