"""What holds after every step, and what is possible from every state; numbered as in
docs/accounting.md."""

from copy import deepcopy

import boa
from hypothesis.stateful import invariant

from sluice.account import lock_nano
from sluice.ledger import ALL
from sluice.parameters import BPS
from sluice.stored import stakes_nano
from sluice.words import (
    NO_DIGEST,
    OPEN_ROUNDS,
    PAGES,
    SPLIT_PLACE,
    digest_chain,
    page_models,
    unpack_account,
    unpack_page,
    unpack_split,
)
from tests.machine.base import Base


class Invariants(Base):
    """What holds after each step: I2 first, which takes the state that the others look at."""

    @invariant()
    def everything_holds(self) -> None:
        """In this order."""
        self.contract_equals_ledger()
        self.nmr_is_where_the_books_say()
        self.withdrawable_is_the_formula_of_the_words()
        self.rounds_end_with_their_last_link()
        self.reserve_pays_each_earning_once()
        self.counters_never_fall()
        self.events_rebuild_everything()
        self.due_is_part_of_the_pool_and_flags_say_what_is_there()
        self.nobody_else_touches_an_account()

    def contract_equals_ledger(self) -> None:
        """I2: every stored word, the treasury, the round, the pause and the roles of the contract
        are the ledger's; so is, every second step, the position that the lens shows of an account,
        of one after the other."""
        self.contract.now = self.book.now = self.now
        accounts = list(self.addresses.values())
        self.looks += 1
        shown = [accounts[self.looks % len(accounts)]] if self.looks % 2 else []
        seen, expected = self.contract.seen(accounts, shown), self.book.seen(accounts, shown)
        assert seen == expected
        self.before, self.seen = self.seen, seen

    def nmr_is_where_the_books_say(self) -> None:
        """I1: the token balance is pools + stakes + reserve + burned. I11: what left went to the
        account's own address, to the owner out of the reserve, or to the burner and is destroyed;
        nobody else's balance changed."""
        if not self.fees_were_kept:
            held = sum(
                unpack_account(words.get(0, 0)).pool_nano + sum(stakes_nano(words).values())
                for words in self.seen.words.values()
            )
            assert self.seen.held_nano == held + self.seen.reserve_nano + self.seen.burned_nano
        holders = [*self.outsiders, self.nmr.burner]
        assert self.contract.outside(holders) == self.book.outside(holders)

    def withdrawable_is_the_formula_of_the_words(self) -> None:
        """I3: W = min(P, max(D, C - L)), reckoned from the stored words alone, is what the ledger
        says and the lens shows; L is at most the cap's share of the stakes that opened: rounding
        locks nothing."""
        parameters = self.world.parameters
        for address, words in self.seen.words.items():
            head = unpack_account(words.get(0, 0))
            split = unpack_split(words.get(SPLIT_PLACE, 0))
            staked = sum(stakes_nano(words).values())
            locked = opened = 0
            for word_round in range(head.round_word + 1, head.round_word + 1 + OPEN_ROUNDS):
                number = parameters.round_number(word_round)
                units = head.risks_units[word_round % OPEN_ROUNDS]
                lapsed = self.now > parameters.deadline(number)
                if units and number > self.seen.round_state[0] and not lapsed:
                    locked += lock_nano(units)
                    opened += self.openings[address, number]
            position = self.position(address)
            due = split.due_nano if head.flags >> 1 else 0
            free = min(head.pool_nano, max(due, head.pool_nano + staked - locked))
            assert position.withdrawable_nano == max(0, free)
            assert position.at_risk_nano == locked
            assert locked * BPS <= opened * parameters.cap_bps

    def reserve_pays_each_earning_once(self) -> None:
        """I6: the reserve is what was put in, less what was taken out and each earning once."""
        assert self.ledger.reserve_nano == self.reserve_moves_nano - self.earned_nano

    def counters_never_fall(self) -> None:
        """I7: rounds done, periods and nonces never fall, and the last pass and the pages in use of
        an account only by a move."""
        assert self.before is not None
        for account, words in self.seen.words.items():
            new = unpack_account(words.get(0, 0))
            old = unpack_account(self.before.words[account].get(0, 0))
            assert new.period >= old.period
            nonces = [
                unpack_split(w.get(SPLIT_PLACE, 0)).nonce
                for w in (self.before.words[account], words)
            ]
            assert nonces[1] >= nonces[0]
            if not self.moved:
                assert new.round_word >= old.round_word
                assert new.pages >= old.pages
        self.moved = False
        assert self.seen.round_state[0] >= self.before.round_state[0]

    def rounds_end_with_their_last_link(self) -> None:
        """I5: as many rounds are done as had all their links applied, one after the other; a digest
        is stored exactly while a round is announced."""
        first = self.world.parameters.first_pass
        resolved, digest, announced_at = self.seen.round_state
        assert resolved == first - 1 + self.rounds_ended
        assert (digest == NO_DIGEST) == (announced_at == 0)

    def events_rebuild_everything(self) -> None:
        """I8: a book kept from the events alone holds the same words, treasury, round and roles."""
        told = self.event_book.ledger
        for account in self.addresses.values():
            assert told.words(account) == self.seen.words[account]
        assert told.reserve_nano == self.seen.reserve_nano
        assert told.burned_nano == self.seen.burned_nano
        assert told.resolved == self.seen.round_state[0]
        assert told.announced_at == self.seen.round_state[2]
        if not self.event_book.partly_applied:
            assert told.digest == self.seen.round_state[1]
        assert told.paused_at == self.seen.paused_at
        assert self.event_book.roles == self.seen.roles

    def due_is_part_of_the_pool_and_flags_say_what_is_there(self) -> None:
        """I10: due is at most the pool; a flag stands exactly where there is a split or something
        due; each split shares out 10,000 basis points and names a destination once."""
        for words in self.seen.words.values():
            word = unpack_account(words.get(0, 0))
            due = unpack_split(words.get(SPLIT_PLACE, 0)).due_nano
            assert due <= word.pool_nano
            assert word.flags >> 1 == (due > 0)
            flagged = {0} if word.flags & 1 else set()
            for page in range(1, PAGES + 1):
                flags = unpack_page(words.get(page, 0)).flags
                flagged |= {m for at, m in enumerate(page_models(page)) if flags >> at & 1}
            found = {
                place - SPLIT_PLACE: unpack_split(w).parts
                for place, w in words.items()
                if place >= SPLIT_PLACE
            }
            stored = {model: parts for model, parts in found.items() if parts}
            assert set(stored) == flagged
            for parts in stored.values():
                assert sum(share for _, share in parts) == BPS
                assert len({destination for destination, _ in parts}) == len(parts)

    def nobody_else_touches_an_account(self) -> None:
        """I12: a word of an account changes by its own call, its signature, a deposit for it, what
        is due to it, an entry of a pass, or a move that it wanted; by nothing else, and by nothing
        that was refused."""
        assert self.before is not None
        for account, words in self.seen.words.items():
            if account not in self.touched:
                assert words == self.before.words[account]
        self.touched.clear()

    # --- possible from every state ----------------------------------------------------------------

    def at_the_end(self) -> None:
        self.make_the_token_honest()
        self.contract.now = self.book.now = self.now
        accounts = list(self.addresses.values())
        assert self.contract.seen(accounts) == self.book.seen(accounts)
        with boa.env.anchor():
            kept = deepcopy((self.book, self.nmr))
            self.everybody_gets_out_without_the_operator()
            self.book, self.nmr = kept
            self.nmr = self.book.token or self.nmr
        self.no_round_is_stuck()

    def everybody_gets_out_without_the_operator(self) -> None:
        """I9: from any state, with all keys gone, everything is out after the last deadline, and
        what stays is the reserve and the burns."""
        now = self.now
        last = self.ledger.resolved + 5
        self.now = max(self.now, self.world.parameters.deadline(last) + 1)
        for account in self.addresses.values():
            equity = self.ledger.account(account).equity_nano
            self.contract.now = self.book.now = self.now
            outside = self.nmr.balances_nano[account]
            for driver in (self.book, self.contract):
                driver.leave(account)
                out = driver.withdraw(account, ALL) if equity else 0
                assert out == equity
            assert self.contract.outside([account])[account] == outside + equity
        held = self.contract.outside([self.nmr.escrow])[self.nmr.escrow]
        assert held == self.ledger.reserve_nano + self.ledger.burned_nano
        self.now = now

    def no_round_is_stuck(self) -> None:
        """I13: from any state operator or owner can finish the next round, whatever was announced,
        half applied, vetoed or paused before."""
        parameters, number = self.world.parameters, self.round_number
        self.now = max(
            self.now,
            parameters.pass_time(number),
            self.ledger.paused_at + parameters.round_length_s,
        )
        operator = self.book.roles.operator
        empty = digest_chain([b""])[0]
        for driver in (self.book, self.contract):
            driver.now = self.now
            driver.announce(number, driver.seen([]).round_state[1], empty, operator)
            driver.now += parameters.window_s
            driver.resolve(number, [b""], NO_DIGEST)
            assert driver.seen([]).round_state == (number, NO_DIGEST, 0)

    def make_the_token_honest(self) -> None:
        """So that the escrow, not the token, is looked at."""
