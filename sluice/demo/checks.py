"""What a replay is checked for after each pass: every stored word, the token balance, and the
stakes that only compounded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sluice.history import History, ModelRound, Step, compounded
from sluice.ledger import Ledger
from sluice.stored import stakes_nano
from sluice.words import unpack_account

LARGEST_DIFFERENCE_NANO = 10_000
"""What a stake that only compounded may differ by: 0.00001 NMR."""
SHOWN_DIFFERENCES = 5

Words = Mapping[int, int]
"""An account's stored words by place, no zeros."""


@dataclass(slots=True)
class Checks:
    """What the checks found: the first differences in words, and how far the compounded stakes
    went. `set_from_data` are compounded model-rounds that a step set: none, or the check is
    worth nothing. `guests` signed `signed` messages. `audited`: how many events the audit rebuilt
    everything from, None where it was not made."""

    word_differences: list[str] = field(default_factory=list)
    balance_differences: list[str] = field(default_factory=list)
    model_rounds: int = 0
    max_difference_nano: int = 0
    worst: ModelRound | None = None
    set_from_data: list[ModelRound] = field(default_factory=list)
    gas_differences: list[str] = field(default_factory=list)
    guests: int = 0
    signed: int = 0
    audited: int | None = None
    audit_findings: list[str] = field(default_factory=list)

    @property
    def chain_equals_ledger(self) -> bool:
        """Every word of every account was the ledger's after every pass."""
        return not self.word_differences

    @property
    def conservation(self) -> bool:
        """The token balance was what the escrow owes after every pass."""
        return not self.balance_differences

    @property
    def compounding(self) -> bool:
        """Every compounded stake came out by itself, within LARGEST_DIFFERENCE_NANO."""
        return self.max_difference_nano <= LARGEST_DIFFERENCE_NANO and not self.set_from_data

    @property
    def gas_free(self) -> bool:
        """No guest sent a transaction, or has the ether to."""
        return not self.gas_differences

    @property
    def audit(self) -> bool | None:
        """Rebuilt from events alone, everything was the chain's in the end; None if nobody
        looked."""
        return None if self.audited is None else not self.audit_findings

    @property
    def passed(self) -> bool:
        """All of them; one that was not made counts as passed."""
        kept = self.chain_equals_ledger and self.conservation
        return kept and self.compounding and self.gas_free and self.audit is not False

    def look_for_set_stakes(self, history: History, opened: int, steps: Iterable[Step]) -> None:
        """Looks among the steps before the pass that opens a round for one that sets a stake that
        only compounded into it: there must be none."""
        if opened not in history.stakes_nano:
            return
        alone = set(compounded(history, opened))
        self.set_from_data += [
            at
            for step in steps
            for model in step.stakes_nano
            if (at := ModelRound(step.account, model, opened)) in alone
        ]

    def compare_compounded(self, history: History, opened: int, words: Mapping[str, Words]) -> None:
        """Holds the stakes that only compounded into a round, as stored at its opening, against
        the recorded ones."""
        if opened not in history.stakes_nano:
            return
        for at in compounded(history, opened):
            staked_nano = stakes_nano(words[at.account]).get(at.model, 0)
            difference = abs(staked_nano - history.stake(at))
            self.model_rounds += 1
            if difference > self.max_difference_nano:
                self.max_difference_nano = difference
                self.worst = at

    def failures(self) -> list[str]:
        """What to show if one failed."""
        shown = [
            *(f"chain_equals_ledger: {d}" for d in self.word_differences[:SHOWN_DIFFERENCES]),
            *(f"conservation: {d}" for d in self.balance_differences[:SHOWN_DIFFERENCES]),
        ]
        if self.max_difference_nano > LARGEST_DIFFERENCE_NANO and self.worst:
            shown.append(
                f"compounding: model {self.worst.model} of {self.worst.account} opened round "
                f"{self.worst.round_number} {self.max_difference_nano} nano-NMR away from the "
                "recorded stake"
            )
        shown += [
            f"compounding: model {at.model} of {at.account} was set for round {at.round_number}"
            for at in self.set_from_data[:SHOWN_DIFFERENCES]
        ]
        shown += [f"gas_free: {d}" for d in self.gas_differences[:SHOWN_DIFFERENCES]]
        shown += [f"audit: {d}" for d in self.audit_findings[:SHOWN_DIFFERENCES]]
        return shown


def word_differences(ledger: Ledger, words: Mapping[str, Words]) -> list[str]:
    """Where the stored words of accounts are not the ledger's; also an account that the ledger
    has and `words` has not."""
    differences = []
    for account in sorted(words.keys() | ledger.accounts.keys()):
        stored, wanted = words.get(account, {}), ledger.words(account)
        differences += [
            f"word {place} of {account} is {stored.get(place, 0):#066x} on chain and "
            f"{wanted.get(place, 0):#066x} in the ledger, after the pass over round "
            f"{ledger.resolved}"
            for place in sorted(stored.keys() | wanted.keys())
            if stored.get(place, 0) != wanted.get(place, 0)
        ]
    return differences


def balance_differences(
    balance_nano: int,
    words: Mapping[str, Words],
    reserve_nano: int,
    burned_nano: int,
    ledger: Ledger,
) -> list[str]:
    """Whether the escrow's token balance is pools + stakes + reserve + burned, once as the chain
    stores them and once as the ledger has them; all in nano-NMR."""
    equity_nano = sum(
        unpack_account(of.get(0, 0)).pool_nano + sum(stakes_nano(of).values())
        for of in words.values()
    )
    held_nano = equity_nano + reserve_nano + burned_nano
    return [
        f"the escrow holds {balance_nano} nano-NMR, {whose} pools, stakes, reserve and burned are "
        f"{sum_nano}, after the pass over round {ledger.resolved}"
        for whose, sum_nano in (("its", held_nano), ("the ledger's", ledger.held_nano))
        if sum_nano != balance_nano
    ]
