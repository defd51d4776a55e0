"""What comes in batches: signed instructions and free withdrawals, of keys and of a wallet."""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import rule

from sluice.account import Split
from sluice.ledger import ALL, Skip
from sluice.words import NO_DIGEST
from tests.driver import Driver, Request, Signed, SignedMove
from tests.hostile import HOSTILE_WALLETS
from tests.machine.accounts import AccountRules, splits
from tests.machine.base import anybody, holders, models, permille, signers
from tests.messages import Instruction, Move

PAUSED = "paused: withdraw() and set_stakes() work, see paused_at()"


@dataclass(frozen=True)
class Drawn:
    """What an instruction is made of: whose it is and whose signature it bears, how far its nonce
    and its deadline are off, and the changes."""

    name: str
    signer: str | None
    nonce: int
    seconds: int | None
    shares: dict[int, int]
    splits: dict[int, Split]
    flaw: str | None


drawn_instructions = st.builds(
    Drawn,
    name=holders,
    signer=st.one_of(st.none(), st.none(), st.none(), signers),
    nonce=st.sampled_from([0, 0, 0, 0, 0, -1, 1]),
    seconds=st.sampled_from([None, None, 0, 1, -1]),
    shares=st.dictionaries(models, permille, max_size=3),
    splits=st.dictionaries(models, splits(), max_size=2),
    flaw=st.sampled_from([None] * 9 + ["descending", "model", "much"]),
)


class BatchRules(AccountRules):
    """`relay` and `pay`, and a wallet that is honest or hostile."""

    @rule(hostile=st.one_of(st.none(), st.sampled_from(HOSTILE_WALLETS)))
    def the_wallet_turns(self, hostile: str | None) -> None:
        """Honest, or hostile in one of the ways there are; it harms only itself."""
        self.set_wallet(hostile)

    @rule(batch=st.lists(drawn_instructions, min_size=1, max_size=3))
    def relay(self, batch: list[Drawn]) -> None:
        """A batch of instructions, some of them wrong: those that are not are applied."""
        signed = []
        for index, drawn in enumerate(batch):
            earlier = [other.name for other in batch[:index]].count(drawn.name)
            signer = drawn.signer or self.signer_of(drawn.name)
            signed.append(Signed(self.instruction(drawn, earlier), signer))
        reasons = self.both(lambda d: d.relay(signed), [s.instruction.account for s in signed])
        for each, reason in zip(signed, reasons or (), strict=bool(reasons)):
            assert reason or self.book.signs(each.signer, each.instruction.account)

    def instruction(self, drawn: Drawn, earlier: int) -> Instruction:
        """Shares of the equity as stakes; the nonce counts on from those before it in the batch."""
        address = self.addresses[drawn.name]
        account = self.ledger.account(address)
        whole = max(1_000, sum(drawn.shares.values()))
        others = sum(s for m, s in account.stakes_nano.items() if m not in drawn.shares)
        free = account.equity_nano - others
        stakes = {m: free * share // whole for m, share in sorted(drawn.shares.items())}
        if drawn.flaw == "descending":
            stakes = dict(reversed(stakes.items()))
        elif drawn.flaw == "model":
            stakes[65] = 0
        elif drawn.flaw == "much":
            stakes[64] = free + 1
        parts = drawn.splits if drawn.flaw else dict(sorted(drawn.splits.items()))
        nonce = max(0, account.nonce + earlier + drawn.nonce)
        deadline = None if drawn.seconds is None else self.now + drawn.seconds
        return Instruction(address, nonce, stakes, parts, deadline)

    @rule(
        drawn=st.lists(
            st.tuples(
                holders,
                st.one_of(st.none(), st.none(), st.none(), signers),
                st.one_of(st.just(ALL), permille),
                st.integers(-1, 1),
                st.integers(-1, 99),
            ),
            max_size=3,
        ),
        due=st.lists(holders, max_size=3),
        sender=st.one_of(st.none(), st.none(), st.none(), anybody),
    )
    def pay(
        self,
        drawn: list[tuple[str, str | None, int, int, int]],
        due: list[str],
        sender: str | None,
    ) -> None:
        """A batch: requests for all or a share of what is withdrawable, for about now, seldom too
        late or forged; then what is due."""
        due_accounts = [self.addresses[name] for name in due]
        if not drawn and not due:
            return
        period = self.world.parameters.period(self.now)
        requests = []
        for name, signer, share, later, seconds in drawn:
            account = self.addresses[name]
            free = self.ledger.withdrawable_nano(account, self.now)
            amount = ALL if share == ALL else free * share // 999
            requests.append(
                Request(
                    signer or self.signer_of(name),
                    amount,
                    max(0, period + later),
                    self.now + seconds,
                    account,
                )
            )
        before = self.positions()
        by = self.book.roles.operator if sender is None else self.address_of(sender)
        paid = self.both(
            lambda d: d.pay(requests, due_accounts, by),
            [request.address for request in requests] + due_accounts,
        )
        if self.refused:
            return
        for request, (skip, amount) in zip(requests, paid, strict=False):
            assert (skip == Skip.PAID) == (amount > 0)
            assert skip != Skip.PAID or self.book.signs(request.role, request.address)
        for address, (skip, amount) in zip(due_accounts, paid[len(requests) :], strict=True):
            assert amount in (0, before[address].due_nano)
            assert skip in (
                Skip.PAID,
                Skip.TURN_USED,
                Skip.NOTHING_DUE,
                Skip.TRANSFER_FAILED,
            )
        self.covered_after_a_withdrawal(before)

    @rule(name=holders, over=st.booleans())
    def while_paused(self, name: str, over: bool) -> None:
        """I14: a pause stops exactly the deposits, `relay`, `relay_move`, `announce`, `resolve` and
        `pay`, whatever else is wrong with them; what gets NMR out works, and in the second in which
        the pause ends everything does."""
        if self.ledger.paused_at:
            self.unpause(None)
        self.pause(None)
        self.now += self.world.parameters.round_length_s - (not over)
        account, number, operator = (
            self.addresses[name],
            self.round_number,
            self.book.roles.operator,
        )
        other = self.addresses["newcomer" if name != "newcomer" else "staker"]
        move = SignedMove(Move(account, other, 2**26 - 1, self.now - 1), "stranger", "stranger")
        stopped: list[Callable[[Driver], object]] = [
            lambda d: d.deposit(account, 0),
            lambda d: d.deposit_for(other, account, 0),
            lambda d: d.deposit_and_stake(account, 0, {}),
            lambda d: d.relay([Signed(Instruction(account, 2**26 - 1), "stranger")]),
            lambda d: d.relay_move(move),
            lambda d: d.announce(number, NO_DIGEST, NO_DIGEST, operator),
            lambda d: d.resolve(number, [], NO_DIGEST),
            lambda d: d.pay([Request("stranger", 1, 1, 0, account)], [], operator),
        ]
        for step in stopped:
            self.both(step)
            assert over or self.refusal == PAUSED
            assert self.refusal != PAUSED or not over
        if self.ledger.account(account).equity_nano:
            self.leave(name)
            self.withdraw_all(name)
