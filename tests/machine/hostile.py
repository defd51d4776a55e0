"""Tokens that are not what they should be, under the same rules."""

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from sluice.calls import calls
from sluice.ledger import ALL
from tests.escrow_world import NANO, role_address
from tests.machine.base import Base, holders, permille

FALSE = "test/FalseToken.vy"
FEE = "test/FeeToken.vy"
REENTRANT = "test/ReentrantToken.vy"
GAS_EATER = "test/GasEaterToken.vy"
STAND_IN = "test/StandInNmr.vy"
HOSTILE_TOKENS = (FALSE, FEE, REENTRANT, GAS_EATER, STAND_IN)

A = role_address("staker")
# what the token calls in the midst of a transfer; all but the offer touch money or need a role
CALLBACKS = {
    "deposit": calls.deposit(1),
    "deposit_for": calls.deposit_for(A, 1),
    "deposit_and_stake": calls.deposit_and_stake(1, {0: 1}),
    "set_stakes": calls.set_stakes({0: 0}),
    "set_split": calls.set_split(0, ()),
    "leave": calls.leave(),
    "withdraw": calls.withdraw(ALL),
    "relay": calls.relay(b"", b""),
    "cancel_instructions": calls.cancel_instructions(1),
    "cancel_withdrawal": calls.cancel_withdrawal(),
    "accept_move": calls.accept_move(A),
    "relay_move": calls.relay_move(A, A, 2**256 - 1, b"", b""),
    "announce": calls.announce(10, bytes(32), b"\x01" * 32),
    "veto": calls.veto(10),
    "pause": calls.pause(),
    "unpause": calls.unpause(),
    "resolve": calls.resolve(10, [b""], bytes(32)),
    "pay": calls.pay([], [A], b""),
    "fund": calls.fund(1),
    "withdraw_reserve": calls.withdraw_reserve(1),
    "burn": calls.burn(),
    "set_operator": calls.set_operator(A),
    "set_guardian": calls.set_guardian(A),
    "transfer_ownership": calls.transfer_ownership(A),
    "accept_ownership": calls.accept_ownership(),
}


class TokenRules(Base):
    """The token turns hostile and back; `self.nmr` foretells what comes of it. Whatever fails
    changes nothing, and whatever succeeds is booked in full."""

    token: ClassVar[str] = STAND_IN

    @property
    def hostile(self) -> bool:
        """Whether it is at the moment."""
        return bool(self.nmr.refuses or self.nmr.trapped or self.nmr.fee_bps)

    @precondition(lambda self: self.token in (FALSE, STAND_IN))
    @rule()
    def the_token_refuses_or_works_again(self) -> None:
        """It answers false, as NMR does while it is stopped."""
        self.set_refusing(not self.nmr.refuses)

    @precondition(lambda self: self.token == GAS_EATER)
    @rule(name=st.one_of(st.none(), holders), eats_gas=st.booleans())
    def the_token_traps_a_payee(self, name: str | None, eats_gas: bool) -> None:
        """Transfers to one account revert, or eat all gas they are given."""
        self.set_trap(self.addresses[name] if name else "", eats_gas)

    @precondition(lambda self: self.token == FEE)
    @rule(fee_bps=st.sampled_from([0, 1, 100, 10_000]))
    def the_token_keeps_a_fee(self, fee_bps: int) -> None:
        """Less arrives than was sent; the escrow counts what was sent, and at the end somebody goes
        short by what the token kept: it takes no share of anybody's account."""
        self.set_fee(fee_bps)

    @precondition(lambda self: self.token == REENTRANT)
    @rule(call=st.sampled_from(sorted(CALLBACKS)))
    def the_token_calls_back(self, call: str) -> None:
        """Into any external, in the midst of every transfer: none of them is let through."""
        self.world.token.arm(self.world.escrow.address, CALLBACKS[call])

    @precondition(lambda self: self.token == REENTRANT)
    @rule(name=holders, share=permille)
    def withdraw_into_a_call_back(self, name: str, share: int) -> None:
        """With one deposited before, so that there is a transfer."""
        account = self.addresses[name]
        self.both(lambda d: d.deposit(account, 10**9), [account])
        free = self.ledger.withdrawable_nano(account, self.now)
        self.both(lambda d: d.withdraw(account, free * share // 1_000), [account])

    @invariant()
    def no_call_back_is_let_through(self) -> None:
        """I15: the lock, or the caller's lack of a role, refuses each."""
        if self.token == REENTRANT:
            assert self.world.token.successes() == 0

    def make_the_token_honest(self) -> None:
        """And makes up for the fees that it kept."""
        if self.token in (FALSE, STAND_IN):
            self.set_refusing(False)
        if self.token == GAS_EATER:
            self.set_trap("", False)
        if self.token == FEE:
            self.set_fee(0)
            missing = self.ledger.held_nano - self.nmr.balances_nano[self.nmr.escrow]
            assert missing >= 0
            deployer = role_address("deployer")
            self.world.token.transfer(self.world.escrow, missing * NANO, sender=deployer)
            self.nmr.balances_nano[self.nmr.escrow] += missing
        if self.token == REENTRANT:
            self.world.token.arm("0x" + "00" * 20, b"")

    # --- both, the token and what foretells it ----------------------------------------------------

    def set_refusing(self, refuses: bool) -> None:
        if self.token == STAND_IN:
            self.world.token.set_stopped(refuses, sender=role_address("deployer"))
        else:
            self.world.token.set_refusing(refuses)
        self.nmr.refuses = refuses

    def set_trap(self, payee: str, eats_gas: bool) -> None:
        self.world.token.set_trap(payee or "0x" + "00" * 20, eats_gas)
        self.nmr.trapped = payee

    def set_fee(self, fee_bps: int) -> None:
        self.world.token.set_fee(fee_bps)
        self.nmr.fee_bps = fee_bps
        self.fees_were_kept = self.fees_were_kept or fee_bps > 0
