"""What the escrow holds at one time, and what can be seen of it; the reference model's state.

`sluice.ledger` adds the steps that change it. All amounts are integers in nano-NMR, times unix
seconds.
"""

from dataclasses import dataclass

from sluice.account import Account, lock_nano, open_risks, withdrawable_nano
from sluice.parameters import Parameters
from sluice.schedule import Release, releases
from sluice.stored import stored_words
from sluice.words import NO_DIGEST


@dataclass(frozen=True, slots=True)
class Position:
    """What the contract's view `position` says of an account, in nano-NMR."""

    pool_nano: int
    staked_nano: int
    at_risk_nano: int
    withdrawable_nano: int
    due_nano: int
    nonce: int
    round_number: int | None
    period: int


class Book:
    """Accounts, reserve, burn counter, the round under way, the last pause."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.accounts: dict[str, Account] = {}
        self.reserve_nano = 0
        self.burned_nano = 0
        self.resolved = parameters.first_pass - 1
        self.digest = NO_DIGEST
        self.announced_at = 0
        self.paused_at = 0

    def account(self, address: str) -> Account:
        """The account of an address, an empty one if nothing was ever written. Do not change what
        comes back."""
        return self.accounts.get(address) or Account()

    def paused(self, now: int) -> bool:
        """Whether a pause is on; it ends by itself after one round length."""
        return self.paused_at != 0 and now < self.paused_at + self.parameters.round_length_s

    def open_risks(self, address: str, now: int) -> dict[int, int]:
        """The risk units of the account's open rounds: recorded, not resolved for it, not past the
        deadline."""
        return open_risks(self.account(address), self.parameters, self.resolved, now)

    def at_risk_nano(self, address: str, now: int) -> int:
        """L, the sum of the locks of the open rounds; it may exceed the equity."""
        return sum(lock_nano(units) for units in self.open_risks(address, now).values())

    def withdrawable_nano(self, address: str, now: int) -> int:
        """W = min(P, max(D, C - L))."""
        return withdrawable_nano(self.account(address), self.at_risk_nano(address, now))

    def schedule(self, address: str, now: int) -> list[Release]:
        """When the account's locked pool becomes withdrawable (see `sluice.schedule`)."""
        return releases(
            self.account(address), self.parameters, self.resolved, self.announced_at, now
        )

    def position(self, address: str, now: int) -> Position:
        """The account as the contract's view `position` shows it."""
        account = self.account(address)
        return Position(
            pool_nano=account.pool_nano,
            staked_nano=account.staked_nano,
            at_risk_nano=self.at_risk_nano(address, now),
            withdrawable_nano=self.withdrawable_nano(address, now),
            due_nano=account.due_nano,
            nonce=account.nonce,
            round_number=account.round_number,
            period=account.period,
        )

    @property
    def held_nano(self) -> int:
        """Pools + stakes + reserve + burned: what the escrow's token balance has to be."""
        equity_nano = sum(account.equity_nano for account in self.accounts.values())
        return equity_nano + self.reserve_nano + self.burned_nano

    def words(self, address: str) -> dict[int, int]:
        """The account as the contract stores it: word by place, no zeros (see `sluice.words`)."""
        return stored_words(self.account(address), self.parameters)
