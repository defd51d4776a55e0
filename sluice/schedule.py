"""When the locked part of an account's pool becomes withdrawable, known beforehand.

The contract's view `schedule` (`contracts/Lens.vy`) shows the same. Amounts are integers in
nano-NMR, times unix seconds.
"""

from dataclasses import dataclass

from sluice.account import Account, lock_nano, open_risks, risk_units, withdrawable_nano
from sluice.parameters import Parameters
from sluice.words import OPEN_ROUNDS


@dataclass(frozen=True, slots=True)
class Release:
    """At least `amount_nano` is withdrawable once a coming round is done: not before `earliest`,
    and from the second after `latest` on even if nobody does anything any more."""

    amount_nano: int
    earliest: int
    latest: int


def releases(
    account: Account, parameters: Parameters, resolved: int, announced_at: int, now: int
) -> list[Release]:
    """The exact release schedule, assuming the present stakes, no payout, and that each of the four
    coming passes takes the account's snapshot; `resolved` is the last round that is done,
    `announced_at` when the next one was announced, 0 = not yet.

    The coming passes are those over the rounds after `resolved`, without the one under way if the
    account has been in it. After the pass over m, withdrawable is W with the locks of m+1..m+4: the
    recorded ones of the rounds that are open now, and for the rounds that the coming passes open
    the lock of the present stakes. There is an entry for m where that is more than what is
    withdrawable now and after every pass before m. `amount_nano` is all of W then, not what is
    added to it: a withdrawal in between takes as much off every later amount. The last entry is the
    whole pool: after four passes nothing is at risk but a part of the present stakes.

    earliest = max(now, t_m + window, announced_at + window); latest = deadline(m). A round whose
    deadline is past locks nothing already and so has no entry."""
    recorded = open_risks(account, parameters, resolved, now)
    under_way = account.round_number == resolved + 1
    first = resolved + 2 if under_way else resolved + 1
    opening_units = risk_units(account.staked_nano, parameters.cap_bps)
    risks = recorded | {
        round_number: opening_units
        for round_number in range(first + OPEN_ROUNDS, first + 2 * OPEN_ROUNDS)
        if now <= parameters.deadline(round_number)
    }

    def free_with(rounds: range) -> int:
        locked_nano = sum(lock_nano(risks.get(round_number, 0)) for round_number in rounds)
        return withdrawable_nano(account, locked_nano)

    entries = []
    most_nano = free_with(range(first, first + OPEN_ROUNDS))
    for coming in range(first, first + OPEN_ROUNDS):
        amount_nano = free_with(range(coming + 1, coming + 1 + OPEN_ROUNDS))
        if amount_nano > most_nano:
            earliest = max(
                now, max(parameters.pass_time(coming), announced_at) + parameters.window_s
            )
            entries.append(Release(amount_nano, earliest, parameters.deadline(coming)))
            most_nano = amount_nano
    return entries
