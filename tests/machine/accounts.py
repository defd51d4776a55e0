"""What an account does by itself: deposits, stakes, splits, leaving, withdrawing, moving."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from sluice.account import Split
from sluice.book import Position
from sluice.ledger import ALL
from sluice.parameters import BPS
from sluice.roles import NOBODY
from sluice.words import POOL, WALLET
from tests.driver import SignedMove
from tests.machine.base import KEYS, MODELS, amounts, holders, models, permille, signers
from tests.machine.rounds import RoundRules
from tests.messages import Move

# each wrong in one way; what a batch can carry of them is at most 255 and 16,383
WRONG_SPLITS: tuple[Split, ...] = (
    ((65, BPS),),
    ((253, BPS),),
    ((1, 5_000), (1, 5_000)),
    ((WALLET, BPS), (4, 0)),
    ((POOL, BPS + 1),),
    ((0, BPS - 1),),
    ((0, 5_000), (WALLET, 5_001)),
)


@st.composite
def splits(draw: st.DrawFn, wrong: tuple[Split, ...] = WRONG_SPLITS) -> Split:
    """Up to eight destinations that share 10,000 basis points; seldom something else."""
    if draw(st.integers(0, 9)) == 9:
        return draw(st.sampled_from(wrong))
    destinations = draw(
        st.lists(st.sampled_from([*MODELS, 2, 63, POOL, WALLET]), max_size=8, unique=True)
    )
    if not destinations:
        return ()
    shares = [draw(st.integers(1, BPS // 8)) for _ in destinations[1:]]
    return tuple(zip(destinations, [BPS - sum(shares), *shares], strict=True))


class AccountRules(RoundRules):
    """Calls that an account's own address sends."""

    def stakes_and_reserve(self) -> None:
        """All accounts but the newcomer have stakes, and the reserve is full."""
        self.both(lambda d: d.fund(10**14))
        self.reserve_moves_nano += 10**14
        for index, name in enumerate(("staker", "other_staker", "stranger", "wallet")):
            address = self.addresses[name]
            stake = 10 ** (9 + index)
            stakes = {0: stake, MODELS[1 + index % 4]: 3 * stake}
            self.both(lambda d, a=address, s=stakes: d.deposit_and_stake(a, 5 * s[0], s), [address])

    # --- deposits ---------------------------------------------------------------------------------

    @rule(name=holders, amount=amounts)
    def deposit(self, name: str, amount: int) -> None:
        account = self.addresses[name]
        self.both(lambda d: d.deposit(account, amount), [account])

    @rule(sender=holders, name=holders, amount=amounts)
    def deposit_for(self, sender: str, name: str, amount: int) -> None:
        account = self.addresses[name]
        self.both(lambda d: d.deposit_for(self.addresses[sender], account, amount), [account])

    @rule(name=holders, amount=amounts, model=models, share=permille)
    def deposit_and_stake(self, name: str, amount: int, model: int, share: int) -> None:
        account = self.addresses[name]
        held = self.ledger.account(account).stakes_nano.get(model, 0)
        stakes = {model: held + amount * share // 1_000}
        self.both(lambda d: d.deposit_and_stake(account, amount, stakes), [account])

    @rule(name=holders, over=st.sampled_from([0, 1]), how=st.integers(0, 3))
    def deposit_what_there_is(self, name: str, over: int, how: int) -> None:
        """All that is outside, or a nano more, which the token refuses; zero is refused too."""
        account = self.addresses[name]
        amount = self.nmr.balances_nano[account] + over if how else 0
        match how:
            case 1:
                self.both(lambda d: d.deposit_for(account, account, amount), [account])
            case 2:
                self.both(lambda d: d.deposit_and_stake(account, amount, {64: 1}), [account])
            case _:
                self.both(lambda d: d.deposit(account, amount), [account])
        assert self.refused or not over

    # --- stakes and splits ------------------------------------------------------------------------

    @rule(name=holders, shares=st.dictionaries(models, permille, min_size=1), order=st.booleans())
    def set_stakes(self, name: str, shares: dict[int, int], order: bool) -> None:
        """Shares of the equity that is not on other models; seldom out of order."""
        address = self.addresses[name]
        account = self.ledger.account(address)
        others = sum(s for model, s in account.stakes_nano.items() if model not in shares)
        free = account.equity_nano - others
        total = max(1_000, sum(shares.values()))
        listed = sorted(shares) if order or sum(shares.values()) % 7 else list(shares)
        stakes = {model: free * shares[model] // total for model in listed}
        self.both(lambda d: d.set_stakes(address, stakes), [address])

    @rule(name=holders, model=st.sampled_from([*MODELS, 65]), over=st.sampled_from([1, 2**54]))
    def set_too_much(self, name: str, model: int, over: int) -> None:
        address = self.addresses[name]
        account = self.ledger.account(address)
        free = account.pool_nano + account.stakes_nano.get(model, 0)
        self.both(lambda d: d.set_stakes(address, {model: free + over}))
        assert self.refused

    @rule(
        name=holders,
        model=st.sampled_from([*MODELS, 65]),
        split=splits(wrong=(*WRONG_SPLITS, ((256, BPS),), ((0, 2**14),))),
    )
    def set_split(self, name: str, model: int, split: Split) -> None:
        address = self.addresses[name]
        self.both(lambda d: d.set_split(address, model, split), [address])

    @rule(name=holders)
    def leave(self, name: str) -> None:
        address = self.addresses[name]
        self.both(lambda d: d.leave(address), [address])
        assert not self.refused

    @rule(name=holders, step=st.sampled_from([-1, 0, 1, 2, 1_000, 1_001]))
    def cancel_instructions(self, name: str, step: int) -> None:
        address = self.addresses[name]
        nonce = max(0, self.ledger.account(address).nonce + step)
        self.both(lambda d: d.cancel_instructions(address, nonce), [address])
        assert self.refused == (step not in (1, 2, 1_000))

    @rule(name=holders, again=st.booleans())
    def cancel_withdrawal(self, name: str, again: bool) -> None:
        address = self.addresses[name]
        self.both(lambda d: d.cancel_withdrawal(address), [address])
        if again:
            self.both(lambda d: d.cancel_withdrawal(address), [address])
            assert self.refused

    # --- withdrawals ------------------------------------------------------------------------------

    @rule(name=holders, share=permille, extra=st.sampled_from([0, 0, 0, 1]))
    def withdraw(self, name: str, share: int, extra: int) -> None:
        address = self.addresses[name]
        free = self.ledger.withdrawable_nano(address, self.now)
        amount = free * share // 1_000 + extra
        before = self.positions()
        self.both(lambda d: d.withdraw(address, amount), [address])
        self.covered_after_a_withdrawal(before)

    @rule(name=holders)
    def withdraw_all(self, name: str) -> None:
        address = self.addresses[name]
        before = self.positions()
        self.both(lambda d: d.withdraw(address, ALL), [address])
        self.covered_after_a_withdrawal(before)

    def covered_after_a_withdrawal(self, before: dict[str, Position]) -> None:
        """I4: a withdrawal takes equity below what is at risk, or further below, by no more than it
        uses up of what was due."""
        for address, old in before.items():
            new = self.position(address)
            uncovered = [max(0, p.at_risk_nano - p.pool_nano - p.staked_nano) for p in (old, new)]
            assert uncovered[1] - uncovered[0] <= old.due_nano - new.due_nano

    # --- moving to another address ----------------------------------------------------------------

    @rule(name=holders, to=st.one_of(holders, st.just(None)))
    def offer_move(self, name: str, to: str | None) -> None:
        """To any account, its own too, or to nobody any more."""
        address = self.addresses[name]
        target = NOBODY if to is None else self.addresses[to]
        self.both(lambda d: d.offer_move(address, target), [address])
        assert not self.refused

    @rule(
        name=holders,
        to=st.one_of(st.none(), st.none(), holders),
        offers=st.sampled_from([1, 1, 2, 0]),
        vetoed=st.booleans(),
    )
    def accept_move(self, name: str, to: str | None, offers: int, vetoed: bool) -> None:
        """To a fresh address, offered before, perhaps by both to each other, perhaps right after a
        veto; else as it comes."""
        to = to or self.fresh_beside(name)
        address, target = self.addresses[name], self.addresses[to]
        for one, other in ((name, to), (to, name))[:offers]:
            self.offer_move(one, other)
        if vetoed:
            self.veto(None, 0)
        self.both(lambda d: d.accept_move(target, address), [address, target])
        self.count_moved(address, target)

    @rule(
        name=holders,
        to=st.one_of(st.none(), st.none(), holders),
        flaw=st.sampled_from([None] * 5 + ["signer", "to_signer", "nonce", "swapped"]),
        seconds=st.sampled_from([None, None, 0, 1, -1]),
        other=signers,
        vetoed=st.booleans(),
    )
    def relay_move(
        self,
        name: str,
        to: str | None,
        flaw: str | None,
        seconds: int | None,
        other: str,
        vetoed: bool,
    ) -> None:
        """To a fresh address or as it comes; both have signed, unless there is a flaw."""
        to = to or self.fresh_beside(name)
        if vetoed:
            self.veto(None, 0)
        address, target = self.addresses[name], self.addresses[to]
        nonce = self.ledger.account(address).nonce + (flaw == "nonce")
        deadline = None if seconds is None else self.now + seconds
        signer, to_signer = self.signer_of(name), self.signer_of(to)
        if flaw == "swapped":
            signer, to_signer = to_signer, signer
        signed = SignedMove(
            Move(address, target, nonce, deadline),
            other if flaw == "signer" else signer,
            other if flaw == "to_signer" else to_signer,
        )
        good = self.book.signs(signed.signer, address) and self.book.signs(signed.to_signer, target)
        self.both(lambda d: d.relay_move(signed), [address, target])
        assert self.refused or (good and flaw != "nonce")
        self.count_moved(address, target)

    def fresh_beside(self, name: str) -> str:
        """Another account that can be moved to, or emptied for it as far as its owner can."""
        others = [other for other in reversed(KEYS) if other != name]
        for other in others:
            account = self.ledger.account(self.addresses[other])
            if not (account.stakes_nano or account.splits or account.risks_units):
                return other
        address = self.addresses[others[0]]
        account = self.ledger.account(address)
        stakes = dict.fromkeys(sorted(account.stakes_nano), 0)
        if stakes:
            self.both(lambda d: d.set_stakes(address, stakes), [address])
        for model in list(account.splits):
            self.both(lambda d, m=model: d.set_split(address, m, ()), [address])
        return others[0]

    def count_moved(self, old: str, new: str) -> None:
        """What the machine counts of an account goes along with it."""
        if self.refused:
            return
        self.moved = True
        for round_number, account in list(self.in_pass):
            if account == old:
                self.in_pass.discard((round_number, old))
                self.in_pass.add((round_number, new))
            elif account == new:
                self.in_pass.discard((round_number, new))
        for (account, round_number), staked in list(self.openings.items()):
            if account == old:
                del self.openings[old, round_number]
                self.openings[new, round_number] = staked

    @rule(name=st.sampled_from(KEYS), whole=st.integers(0, 10**6))
    def approve_again(self, name: str, whole: int) -> None:
        """NMR's way: from zero or to zero only. What is deposited above it is refused."""
        address = self.addresses[name]
        for amount_nano in (0, whole * 10**9):
            self.world.token.approve(self.world.escrow, amount_nano * 10**9, sender=address)
        self.nmr.allowances_nano[address] = whole * 10**9
