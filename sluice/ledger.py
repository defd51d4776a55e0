"""The reference model: accounts, passes and withdrawals in integer Python; no chain, no I/O.

One of the two statements of the rules in docs/accounting.md; `contracts/` is the other. They are
written apart, word a refusal alike, and the property tests compare every word of their state. All
amounts are integers in nano-NMR.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from sluice.account import (
    ALREADY_IN,
    MAX_NONCE_STEP,
    Account,
    Split,
    check_amount,
    check_fits,
    instruct,
    leave,
    moved,
    pass_over,
    set_split,
    set_stakes,
)
from sluice.book import Book
from sluice.errors import InvalidInput, Refused
from sluice.words import (
    MAX_NONCE,
    NO_DIGEST,
    WORD_BYTES,
    PagesOutOfOrder,
    digest_chain,
    link_words,
    unpack_link,
)

ALL = -1
"""As the amount of a withdrawal: everything withdrawable."""


class Skip(IntEnum):
    """Why `pay` passed over an item; the contract reports the same numbers, PAID where it did
    not."""

    PAID = 0
    SIGNATURE = 1
    TURN_USED = 2
    PERIOD_TO_COME = 3
    EXPIRED = 4
    NOTHING_WITHDRAWABLE = 5
    ABOVE_WITHDRAWABLE = 6
    TRANSFER_FAILED = 7
    NOTHING_DUE = 8


@dataclass(frozen=True, slots=True)
class Passed:
    """What one call of `resolve` did, in nano-NMR."""

    earned_nano: int = 0
    burned_nano: int = 0
    accounts: int = 0


class Ledger(Book):
    """The whole escrow: its book, and the steps that change it. A refused step changes nothing. Who
    may take a step is not asked here, see `sluice.roles`."""

    # --- accounts ---------------------------------------------------------------------------------

    def deposit(self, address: str, amount_nano: int) -> None:
        """Adds to the pool of `address`."""
        check_amount(amount_nano)
        account = self.account(address)
        check_fits(account.pool_nano + amount_nano)

        account.pool_nano += amount_nano
        self.accounts[address] = account

    def deposit_and_stake(
        self, address: str, amount_nano: int, stakes_nano: Mapping[int, int]
    ) -> None:
        """Deposits and sets stakes in one step: both or neither."""
        check_amount(amount_nano)
        account = self.account(address)
        check_fits(account.pool_nano + amount_nano)
        set_stakes(account, stakes_nano, amount_nano)
        self.accounts[address] = account

    def set_stakes(self, address: str, stakes_nano: Mapping[int, int]) -> None:
        """Each listed model's stake becomes the given one; the pool takes up the difference."""
        account = self.account(address)
        set_stakes(account, stakes_nano)
        self.accounts[address] = account

    def set_split(self, address: str, model: int, split: Split) -> None:
        """How the model's earnings are shared out from now on; empty: back to the model."""
        account = self.account(address)
        set_split(account, model, split)
        self.accounts[address] = account

    def leave(self, address: str) -> None:
        """Every stake to the pool; the nonce raised as far as one step goes, so that nothing signed
        earlier stakes it again."""
        account = self.account(address)
        leave(account)
        self.accounts[address] = account

    # --- instructions -----------------------------------------------------------------------------

    def apply_instruction(
        self,
        address: str,
        stakes_nano: Mapping[int, int],
        splits: Mapping[int, Split],
        nonce: int,
        deadline: int,
        now: int,
    ) -> None:
        """One signed instruction (the signature being good): the stakes, then the splits, and the
        nonce raised; all of it, or refused with the reason that the contract's event gives."""
        account = self.account(address).copy()
        instruct(account, stakes_nano, splits, nonce, deadline, now)
        self.accounts[address] = account

    def cancel_instructions(self, address: str, nonce: int) -> None:
        """Moves the account's nonce on to `nonce`: what was signed with one below it is dead."""
        account = self.account(address)
        if nonce <= account.nonce:
            raise Refused("nonce: must be above the present one")
        if nonce > min(account.nonce + MAX_NONCE_STEP, MAX_NONCE):
            raise Refused("nonce: a step of at most 1_000")

        account.nonce = nonce
        self.accounts[address] = account

    def cancel_withdrawal(self, address: str, now: int) -> None:
        """Gives up this period's free withdrawal, so that a request signed for it is dead."""
        self._check_periods(now)
        account = self.account(address)
        if account.period >= self.parameters.period(now):
            raise Refused("cancel_withdrawal: this period's turn is used already")

        account.period = self.parameters.period(now)
        self.accounts[address] = account

    # --- moves to another address -----------------------------------------------------------------

    def offer_move(self, address: str, to: str) -> None:
        """Lets `to` take the account over, and nobody else any more; the zero address: nobody."""
        account = self.account(address)
        account.offered_to = to.lower() if int(to, 16) else None
        self.accounts[address] = account

    def accept_move(self, sender: str, address: str, now: int) -> None:
        """Takes over the account of `address`, which has offered that."""
        if self.account(address).offered_to != sender.lower():
            raise Refused("move: not offered to the caller")
        self._move(address, sender, now)

    def relay_move(
        self, address: str, to: str, deadline: int, now: int, signed: bool = True
    ) -> None:
        """Both steps of a move in one, by anyone. `signed`: whether both addresses' signatures are
        good, for the account's present nonce, which is asked only once time and nonce are right."""
        self.check_running(now)
        if now > deadline:
            raise Refused("signature: expired")
        if self.account(address).nonce == MAX_NONCE:
            raise Refused("instruction: nonces are used up, use set_stakes and set_split")
        if not signed:
            raise Refused("signature: not the account's")
        self._move(address, to, now)

    def _move(self, address: str, to: str, now: int) -> None:
        if self.announced_at != 0:
            raise Refused("move: wait for the end of the announced round")
        new = self.account(to)
        if (
            address.lower() == to.lower()
            or new.stakes_nano
            or new.splits
            or self.open_risks(to, now)
        ):
            raise Refused("move: to another address without stakes, risks or splits")

        self.accounts[address], self.accounts[to] = moved(self.account(address), new)

    # --- withdrawals ------------------------------------------------------------------------------

    def withdraw(self, address: str, amount_nano: int, now: int) -> int:
        """Takes `amount_nano` (or ALL) out of the pool; returns what left."""
        if amount_nano != ALL:
            check_amount(amount_nano)
            check_fits(amount_nano)
        withdrawable_nano = self.withdrawable_nano(address, now)
        if amount_nano == ALL:
            amount_nano = withdrawable_nano
        if amount_nano == 0:
            raise Refused("withdraw: nothing is withdrawable yet, see Lens.schedule()")
        if amount_nano > withdrawable_nano:
            raise Refused("withdraw: more than is withdrawable, see Lens.position()")

        self._take_out(address, amount_nano)
        return amount_nano

    def check_pay(self, now: int) -> None:
        """What a batch of `pay` asks first: no pause is on, the periods are not at their end."""
        self.check_running(now)
        self._check_periods(now)

    def _check_periods(self, now: int) -> None:
        if self.parameters.period(now) > self.parameters.last_period:
            raise Refused("pay: periods are at their end, use withdraw()")

    def pay(
        self,
        address: str,
        amount_nano: int,
        period: int,
        deadline: int,
        now: int,
        signed: bool = True,
    ) -> tuple[Skip, int]:
        """One request: what became of it and what left. A skipped one keeps its NMR and its turn.

        `signed`: whether its signature is good, which is asked only once its time is right."""
        self.check_pay(now)
        current = self.parameters.period(now)
        account = self.account(address)
        if account.period >= period:
            return Skip.TURN_USED, 0
        if period > current:
            return Skip.PERIOD_TO_COME, 0
        if now > deadline:
            return Skip.EXPIRED, 0
        if not signed:
            return Skip.SIGNATURE, 0
        withdrawable_nano = self.withdrawable_nano(address, now)
        if amount_nano == ALL:
            amount_nano = withdrawable_nano
        if amount_nano == 0:
            return Skip.NOTHING_WITHDRAWABLE, 0
        if amount_nano > withdrawable_nano:
            return Skip.ABOVE_WITHDRAWABLE, 0

        self._take_out(address, amount_nano)
        account.period = current
        return Skip.PAID, amount_nano

    def pay_due(self, address: str, now: int) -> tuple[Skip, int]:
        """What is due to an account, whatever is at risk: what became of it and what left."""
        self.check_pay(now)
        current = self.parameters.period(now)
        account = self.account(address)
        if account.period >= current:
            return Skip.TURN_USED, 0
        amount_nano = account.due_nano
        if amount_nano == 0:
            return Skip.NOTHING_DUE, 0

        self._take_out(address, amount_nano)
        account.period = current
        return Skip.PAID, amount_nano

    def _take_out(self, address: str, amount_nano: int) -> None:
        """A withdrawal of any kind uses what is due up first."""
        account = self.accounts[address]
        account.pool_nano -= amount_nano
        account.due_nano -= min(account.due_nano, amount_nano)

    # --- rounds -----------------------------------------------------------------------------------

    def announce(self, round_number: int, replaces: bytes, digest: bytes, now: int) -> None:
        """Stores the digest of the round's links, or of what is left of them; the window starts
        (again)."""
        self.check_running(now)
        self._check_next(round_number)
        if round_number > self.parameters.last_round:
            raise Refused("announce: rounds are at their end, use withdraw()")
        if now < self.parameters.pass_time(round_number):
            raise Refused("announce: not before the pass time of the round")
        if digest == NO_DIGEST:
            raise Refused("announce: zero digest, an empty round is one empty link")
        if replaces != self.digest:
            raise Refused("announce: replaces is not the stored digest, see round_state()")

        self.digest = digest
        self.announced_at = now

    def resolve(
        self, round_number: int, links: Sequence[bytes], next_digest: bytes, now: int
    ) -> Passed:
        """Applies links of the announced round in order; those applied already are passed over."""
        self.check_running(now)
        if not links:
            raise Refused("resolve: give at least one link")
        self._check_announced(round_number)
        if now < self.announced_at + self.parameters.window_s:
            raise Refused("resolve: the challenge window is still open")
        chain = digest_chain(links, next_digest)
        if self.digest not in chain:
            raise Refused("resolve: the links do not lead to the announced digest")
        passed_over = chain.index(self.digest)

        result = self._applied(round_number, passed_over, links, now)
        if passed_over < len(links):
            self.digest = next_digest
            if next_digest == NO_DIGEST:
                self.resolved = round_number
                self.announced_at = 0
        return result

    def _applied(
        self, round_number: int, passed_over: int, links: Sequence[bytes], now: int
    ) -> Passed:
        changed: dict[str, Account] = {}
        earned_nano = burned_nano = 0
        for link_index in range(passed_over, len(links)):
            if len(links[link_index]) % WORD_BYTES:
                raise Refused("link: not made of whole 32-byte words")
            entry_index = 0
            try:
                for entry in unpack_link(link_words(links[link_index])):
                    account = changed.get(entry.account) or self.account(entry.account).copy()
                    earned, burned = pass_over(account, entry, round_number, self.parameters, now)
                    changed[entry.account] = account
                    earned_nano += earned
                    burned_nano += burned
                    entry_index += 1
            except (Refused, InvalidInput) as error:
                reason = str(error)
                if isinstance(error, PagesOutOfOrder):
                    held = changed.get(error.account) or self.account(error.account)
                    reason = ALREADY_IN if held.round_number == round_number else reason
                raise Refused(f"entry {entry_index:02} of link {link_index:02}: {reason}") from None
        if earned_nano > self.reserve_nano:
            raise Refused("reserve: too small for the earnings, fund() it first")

        self.accounts |= changed
        self.reserve_nano -= earned_nano
        self.burned_nano += burned_nano
        return Passed(earned_nano, burned_nano, len(changed))

    def veto(self, round_number: int) -> bytes:
        """Clears what is announced and left to apply, also during a pause; returns its digest."""
        self._check_announced(round_number)

        vetoed, self.digest, self.announced_at = self.digest, NO_DIGEST, 0
        return vetoed

    def _check_next(self, round_number: int) -> None:
        if round_number != self.resolved + 1:
            raise Refused("round: not the next one, see round_state()")

    def _check_announced(self, round_number: int) -> None:
        self._check_next(round_number)
        if self.announced_at == 0:
            raise Refused("resolve: nothing is announced, see round_state()")

    # --- pauses -----------------------------------------------------------------------------------

    def pause(self, now: int) -> None:
        """Stops what asks `check_running`, for one round length; once until `unpause`."""
        if self.paused_at != 0:
            raise Refused("pause: used, the owner has to unpause() first")
        self.paused_at = now

    def unpause(self) -> None:
        """Ends a pause, or allows another after one that ended by itself."""
        if self.paused_at == 0:
            raise Refused("unpause: there was no pause()")
        self.paused_at = 0

    def check_running(self, now: int) -> None:
        """Refused during a pause. What a pause stops asks this first: the deposits and a batch of
        `relay`, whose steps here know no time, by whoever takes them; `relay_move`, `announce`,
        `resolve`, `pay` by themselves. Nothing else does: clocks and ways out run on."""
        if self.paused(now):
            raise Refused("paused: withdraw() and set_stakes() work, see paused_at()")

    # --- reserve ----------------------------------------------------------------------------------

    def fund(self, amount_nano: int) -> None:
        """Adds to the reserve that pays earnings."""
        check_amount(amount_nano)
        check_fits(amount_nano)
        self.reserve_nano += amount_nano

    def withdraw_reserve(self, amount_nano: int) -> None:
        """Takes out of the reserve; never from an announcement to the end of its round."""
        check_amount(amount_nano)
        check_fits(amount_nano)
        if self.announced_at != 0:
            raise Refused("withdraw_reserve: wait for the end of the announced round")
        if amount_nano > self.reserve_nano:
            raise Refused("withdraw_reserve: more than the reserve holds")
        self.reserve_nano -= amount_nano

    def burn(self) -> int:
        """Takes what has been burned out of the escrow; returns it."""
        if self.burned_nano == 0:
            raise Refused("burn: nothing waits to be burned")
        burned_nano, self.burned_nano = self.burned_nano, 0
        return burned_nano
