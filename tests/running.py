"""A ledger by itself, led through weekly passes. Amounts in nano-NMR."""

from collections.abc import Mapping
from dataclasses import dataclass

from sluice.account import bound_nano
from sluice.ledger import Ledger
from sluice.parameters import Parameters
from sluice.words import NO_DIGEST, Entry, digest_chain, link_bytes

FIRST_PASS = 10
START = 1_700_000_000
STAKER = "0x" + "aa" * 20
OTHER = "0x" + "bb" * 20
RESERVE = 10**15


@dataclass(slots=True)
class Running:
    """A ledger with its own clock, for weekly passes."""

    ledger: Ledger
    now: int

    def pass_over(self, *entries: Entry) -> None:
        """The next round, in time: announced, waited for, resolved in one link."""
        round_number = self.ledger.resolved + 1
        self.now = max(self.now, self.ledger.parameters.pass_time(round_number))
        links = [link_bytes(entries)]
        self.ledger.announce(round_number, self.ledger.digest, digest_chain(links)[0], self.now)
        self.now += self.ledger.parameters.window_s
        self.ledger.resolve(round_number, links, NO_DIGEST, self.now)

    def stake(self, account: str, stakes_nano: Mapping[int, int]) -> None:
        """Deposits exactly what is staked."""
        ordered = dict(sorted(stakes_nano.items()))
        self.ledger.deposit_and_stake(account, sum(ordered.values()), ordered)

    def free(self, account: str = STAKER) -> int:
        """What can be withdrawn now."""
        return self.ledger.withdrawable_nano(account, self.now)

    def within_bound(self, account: str, shares: Mapping[int, int]) -> Entry:
        """Payouts in thousandths of the bound, together within it on either side."""
        risks = self.ledger.account(account).risks_units
        bound = bound_nano(risks.get(self.ledger.resolved + 1, 0))
        split = max(1, len(shares))
        drawn = {model: bound * share // 1_000 // split for model, share in shares.items()}
        # a loss is rounded away from zero: without a bound there is none
        return Entry(account, {m: max(p, -(bound // split)) for m, p in drawn.items()})


def running(open_rounds: int = 0, **accounts: Mapping[int, int]) -> Running:
    """A funded ledger with these stakes, in so many passes."""
    run = Running(Ledger(Parameters(FIRST_PASS, START, START)), START)
    run.ledger.fund(RESERVE)
    addresses = {"staker": STAKER, "other": OTHER}
    for name, stakes_nano in accounts.items():
        run.stake(addresses[name], stakes_nano)
    for _ in range(open_rounds):
        run.pass_over(*(Entry(addresses[name]) for name in accounts))
    return run
