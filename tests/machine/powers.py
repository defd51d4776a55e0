"""What the keys with a role do: pause, appoint, hold the reserve; and time passing by."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from sluice.roles import NOBODY
from tests.escrow_world import DAY, FORTNIGHT, WEEK, role_address
from tests.machine.base import Base, amounts, anybody, permille

usually_right = st.one_of(st.none(), st.none(), st.none(), anybody)


class PowerRules(Base):
    """Pauses, roles, reserve and burns, and the clock. A sender of None is who holds the role."""

    # --- pauses -----------------------------------------------------------------------------------

    @rule(sender=usually_right)
    def pause(self, sender: str | None) -> None:
        by = self.book.roles.guardian if sender is None else self.address_of(sender)
        self.both(lambda d: d.pause(by))

    @rule(sender=usually_right, paused=st.booleans())
    def unpause(self, sender: str | None, paused: bool = False) -> None:
        """Often right after a pause."""
        if paused:
            self.pause(None)
        by = self.book.roles.owner if sender is None else self.address_of(sender)
        self.both(lambda d: d.unpause(by))

    # --- roles ------------------------------------------------------------------------------------

    @rule(sender=usually_right, to=st.one_of(anybody, st.just(NOBODY)), guardian=st.booleans())
    def appoint(self, sender: str | None, to: str, guardian: bool) -> None:
        """An operator or a guardian; the zero address is refused."""
        by = self.book.roles.owner if sender is None else self.address_of(sender)
        new = to if to == NOBODY else self.address_of(to)
        if guardian:
            self.both(lambda d: d.set_guardian(new, by))
        else:
            self.both(lambda d: d.set_operator(new, by))
        assert not (self.refused and sender is None and to != NOBODY)

    @rule(sender=usually_right, to=st.one_of(anybody, st.just(NOBODY)), taken=st.booleans())
    def transfer_ownership(self, sender: str | None, to: str, taken: bool) -> None:
        """Offered, and often taken at once."""
        by = self.book.roles.owner if sender is None else self.address_of(sender)
        new = to if to == NOBODY else self.address_of(to)
        self.both(lambda d: d.transfer_ownership(new, by))
        if taken and to != NOBODY:
            self.both(lambda d: d.accept_ownership(new))

    @rule(sender=anybody)
    def accept_ownership(self, sender: str) -> None:
        self.both(lambda d: d.accept_ownership(self.address_of(sender)))

    # --- reserve and burns ------------------------------------------------------------------------

    @rule(amount=amounts, sender=st.sampled_from(["owner", "operator", "staker"]))
    def fund(self, amount: int, sender: str) -> None:
        self.both(lambda d: d.fund(amount, self.address_of(sender)))
        if not self.refused:
            self.reserve_moves_nano += amount

    @rule(over=st.booleans())
    def fund_too_much(self, over: bool) -> None:
        """A nano more than there is outside, or nothing."""
        owner = role_address("owner")
        amount = self.nmr.balances_nano[owner] + 1 if over else 0
        self.both(lambda d: d.fund(amount, owner))
        assert self.refused

    @rule(share=permille, extra=st.sampled_from([0, 0, 1]), sender=usually_right)
    def withdraw_reserve(self, share: int, extra: int, sender: str | None) -> None:
        amount = self.ledger.reserve_nano * share // 1_000 + extra
        by = self.book.roles.owner if sender is None else self.address_of(sender)
        self.both(lambda d: d.withdraw_reserve(amount, by))
        if not self.refused:
            self.reserve_moves_nano -= amount

    @rule()
    def burn(self) -> None:
        self.both(lambda d: d.burn())

    # --- time -------------------------------------------------------------------------------------

    @rule(seconds=st.one_of(st.integers(1, DAY), st.sampled_from([WEEK, FORTNIGHT, 4 * WEEK])))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(
        round_offset=st.integers(-1, 4),
        edge=st.sampled_from(["pass", "deadline", "window", "pause", "pause"]),
        seconds=st.integers(-1, 1),
    )
    def wait_for_an_edge(self, round_offset: int, edge: str, seconds: int) -> None:
        """To a second around a moment at which something begins or ends."""
        round_number = self.round_number + round_offset
        parameters = self.world.parameters
        time = {
            "pass": parameters.pass_time(round_number),
            "deadline": parameters.deadline(round_number),
            "window": self.ledger.announced_at + parameters.window_s,
            "pause": self.ledger.paused_at + parameters.round_length_s,
        }[edge]
        self.now = max(self.now, time + seconds)
