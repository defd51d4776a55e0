"""What a deployment fixes for ever, and the clock that follows from it (docs/accounting.md,
"Derived")."""

from dataclasses import dataclass

from sluice.words import MAX_PERIOD, MAX_ROUND_WORD

PERIOD_S = 14 * 24 * 3600
BPS = 10_000


@dataclass(frozen=True, slots=True)
class Parameters:
    """Rounds carry the tournament's own numbers; times are unix seconds, lengths seconds, the cap
    basis points."""

    first_pass: int
    first_pass_time: int
    deployed_at: int
    round_length_s: int = 7 * 24 * 3600
    window_s: int = 24 * 3600
    grace_s: int = 21 * 24 * 3600
    cap_bps: int = 2_500

    def pass_time(self, round_number: int) -> int:
        """The nominal time t_r of the pass over a round, whatever the moment of earlier passes."""
        return self.first_pass_time + (round_number - self.first_pass) * self.round_length_s

    def deadline(self, round_number: int) -> int:
        """The last second at which the round can still burn."""
        return self.pass_time(round_number) + self.grace_s

    def round_word(self, round_number: int) -> int:
        """A round as the account word counts it: from 1 at the first pass."""
        return round_number - self.first_pass + 1

    def round_number(self, round_word: int) -> int:
        """The tournament's number of a round of the account word."""
        return round_word + self.first_pass - 1

    def period(self, now: int) -> int:
        """The fortnight of a time, from 1 at the deployment."""
        return 1 + (now - self.deployed_at) // PERIOD_S

    @property
    def last_round(self) -> int:
        """The last round that can be announced: after 39 years the counters end."""
        return self.round_number(MAX_ROUND_WORD)

    @property
    def last_period(self) -> int:
        """The last period in which `pay` works."""
        return MAX_PERIOD
