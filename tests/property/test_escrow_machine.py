"""Contract and ledger led by the same random steps, with all state compared after each.

The invariants are numbered as in docs/accounting.md. HYPOTHESIS_PROFILE=long searches deeper."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import boa
import pytest
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from sluice.account import Split, bound_nano
from sluice.book import Position
from sluice.errors import Refused
from sluice.ledger import ALL, Skip
from sluice.parameters import BPS
from sluice.words import (
    NO_DIGEST,
    PAGES,
    PAYOUT_BIAS_NANO,
    POOL,
    SPLIT_PLACE,
    WALLET,
    Entry,
    digest_chain,
    link_bytes,
    link_words,
    page_models,
    unpack_account,
    unpack_link,
    unpack_page,
    unpack_split,
)
from tests.drivers import Driver, EscrowDriver, LedgerDriver, Request, Seen, Signed
from tests.escrow_world import (
    DAY,
    FIRST_PASS,
    FORTNIGHT,
    NANO,
    NMR,
    START,
    SUPPLY,
    WEEK,
    World,
    deploy_world,
    role_address,
)
from tests.event_book import EventBook
from tests.messages import Instruction

ROLES = ("staker", "other_staker", "stranger")
ACCOUNTS = {role: role_address(role) for role in ROLES}
# an account that is in no pass
OUTSIDER = 0xF
# the account word, both ends of the first page, the second, and the last model there is
MODELS = (0, 1, 4, 5, 64)
HELD = 10**6
"""What each account has outside at first, in whole NMR."""

roles = st.sampled_from(ROLES)
models = st.sampled_from(MODELS)
permille = st.integers(0, 1_000)
amounts = st.one_of(st.sampled_from([1, 2**18 * 4, 2**18 * 4 + 1, 10**9]), st.integers(1, 10**14))
# of the bound: mostly within, seldom over
payouts = st.one_of(st.integers(-1_000, 1_000), st.sampled_from([0, -1_000, 1_000, -1_001, 1_001]))

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


@dataclass(frozen=True)
class Drawn:
    """What an instruction is made of: whose it is and whose signature it bears, how far its nonce
    and its deadline are off, and the changes."""

    role: str
    signer: str | None
    nonce: int
    seconds: int | None
    shares: dict[int, int]
    splits: dict[int, Split]
    flaw: str | None


drawn_instructions = st.builds(
    Drawn,
    role=roles,
    signer=st.one_of(st.none(), st.none(), st.none(), roles),
    nonce=st.sampled_from([0, 0, 0, 0, 0, -1, 1]),
    seconds=st.sampled_from([None, None, 0, 1, -1]),
    shares=st.dictionaries(models, permille, max_size=3),
    splits=st.dictionaries(models, splits(), max_size=2),
    flaw=st.sampled_from([None] * 9 + ["descending", "model", "much"]),
)

_worlds: dict[str, World] = {}


@pytest.fixture(scope="module", autouse=True)
def _world() -> None:
    """One deployment for all: what a test deploys itself, boa takes back after each example."""
    boa.env.enable_fast_mode()
    _worlds["world"] = world = deploy_world()
    for account in (*ACCOUNTS.values(), role_address("owner")):
        world.give(account, HELD * NMR)


class EscrowMachine(RuleBasedStateMachine):
    """Two books, the same steps; a third book of the events."""

    passes_at_the_start: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        world = _worlds["world"]
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.world = world
        self.contract = EscrowDriver(world)
        self.book = LedgerDriver(world.parameters)
        self.event_book = EventBook(world.parameters)
        self.ledger = self.book.ledger
        self.now = START
        self.links: list[bytes] = []
        self.applied: list[bytes] = []
        self.tail = NO_DIGEST
        # what the test itself counts: payouts applied, openings recorded, who was in which pass
        self.earned_nano = 0
        self.reserve_moves_nano = 0
        self.in_pass: set[tuple[int, str]] = set()
        self.openings: dict[tuple[str, int], int] = {}
        self.seen = Seen({}, {}, 0, 0, (0, NO_DIGEST, 0), 0)
        self.before: Seen | None = None

    def teardown(self) -> None:
        try:
            self.everybody_gets_out_without_the_operator()
        finally:
            self.anchor.__exit__(None, None, None)
            boa.env.sstore_trace.clear()
            super().teardown()

    # --- leading both ----------------------------------------------------------------------------

    def both(self, step: Callable[[Driver], Any]) -> Any:
        """The step on both books: the same answer or the same refusal. None if refused."""
        self.contract.now = self.book.now = self.now
        answers = []
        for driver in (self.book, self.contract):
            try:
                answers.append((step(driver), ""))
            except Refused as refusal:
                answers.append((None, str(refusal)))
        assert answers[0] == answers[1], answers
        answer, refusal = answers[0]
        self.refusal = refusal
        if refusal:
            note(f"refused: {refusal}")
            return None
        self.event_book.read(self.world.events())
        return answer

    @property
    def round_number(self) -> int:
        """The round whose pass comes next."""
        return self.ledger.resolved + 1

    def entries(self, drawn: dict[str, dict[int, int]]) -> list[Entry]:
        """Payouts in thousandths of each account's bound, spread over its models, as entries."""
        entries = []
        for role, shares in drawn.items():
            account = ACCOUNTS[role]
            risks = self.ledger.account(account).risks_units
            bound = bound_nano(risks.get(self.round_number, 0))
            per_model = {
                # 1,001 thousandths: one nano over the bound
                model: (bound + 1) * (1 if share > 0 else -1)
                if abs(share) > 1_000
                else bound * share // 1_000 // len(shares)
                for model, share in shares.items()
            }
            entries.append(
                Entry(account, {m: p for m, p in per_model.items() if abs(p) < PAYOUT_BIAS_NANO})
            )
        return entries

    # --- accounts --------------------------------------------------------------------------------

    @initialize()
    def start(self) -> None:
        """Every account has stakes, the reserve is full, some rounds are open."""
        self.fund(10**14)
        for index, account in enumerate(ACCOUNTS.values()):
            stake = 10 ** (9 + index)
            stakes = {0: stake, MODELS[index + 1]: 3 * stake}
            self.both(lambda d, a=account, s=stakes: d.deposit_and_stake(a, 5 * s[0], s))
        for _ in range(self.passes_at_the_start):
            self.whole_pass({role: {} for role in ROLES}, 0)

    @rule(role=roles, amount=amounts)
    def deposit(self, role: str, amount: int) -> None:
        self.both(lambda d: d.deposit(ACCOUNTS[role], amount))

    @rule(sender=roles, role=roles, amount=amounts)
    def deposit_for(self, sender: str, role: str, amount: int) -> None:
        self.both(lambda d: d.deposit_for(ACCOUNTS[sender], ACCOUNTS[role], amount))

    @rule(role=roles, amount=amounts, model=models, share=permille)
    def deposit_and_stake(self, role: str, amount: int, model: int, share: int) -> None:
        held = self.ledger.account(ACCOUNTS[role]).stakes_nano.get(model, 0)
        stakes = {model: held + amount * share // 1_000}
        self.both(lambda d: d.deposit_and_stake(ACCOUNTS[role], amount, stakes))

    @rule(role=roles, shares=st.dictionaries(models, permille, min_size=1), order=st.booleans())
    def set_stakes(self, role: str, shares: dict[int, int], order: bool) -> None:
        """Shares of the equity that is not on other models; seldom out of order."""
        account = self.ledger.account(ACCOUNTS[role])
        others = sum(s for model, s in account.stakes_nano.items() if model not in shares)
        free = account.equity_nano - others
        total = max(1_000, sum(shares.values()))
        listed = sorted(shares) if order or sum(shares.values()) % 7 else list(shares)
        stakes = {model: free * shares[model] // total for model in listed}
        self.both(lambda d: d.set_stakes(ACCOUNTS[role], stakes))

    @rule(role=roles, model=st.sampled_from([*MODELS, 65]), over=st.sampled_from([1, 2**54]))
    def set_too_much(self, role: str, model: int, over: int) -> None:
        account = self.ledger.account(ACCOUNTS[role])
        free = account.pool_nano + account.stakes_nano.get(model, 0)
        self.both(lambda d: d.set_stakes(ACCOUNTS[role], {model: free + over}))
        assert self.refusal

    @rule(role=roles)
    def leave(self, role: str) -> None:
        self.both(lambda d: d.leave(ACCOUNTS[role]))

    @rule(
        role=roles,
        model=st.sampled_from([*MODELS, 65]),
        split=splits(wrong=(*WRONG_SPLITS, ((256, BPS),), ((0, 2**14),))),
    )
    def set_split(self, role: str, model: int, split: Split) -> None:
        self.both(lambda d: d.set_split(ACCOUNTS[role], model, split))

    # --- instructions ----------------------------------------------------------------------------

    @rule(batch=st.lists(drawn_instructions, min_size=1, max_size=3))
    def relay(self, batch: list[Drawn]) -> None:
        """A batch of instructions, some of them wrong: those that are not are applied."""
        signed = []
        for index, drawn in enumerate(batch):
            earlier = [other.role for other in batch[:index]].count(drawn.role)
            signed.append(Signed(self.instruction(drawn, earlier), drawn.signer or drawn.role))
        reasons = self.both(lambda d: d.relay(signed))
        for each, reason in zip(signed, reasons, strict=True):
            forged = each.instruction.account != ACCOUNTS[each.signer]
            assert not (forged and reason == "")

    def instruction(self, drawn: Drawn, earlier: int) -> Instruction:
        """Shares of the equity as stakes; the nonce counts on from those before it in the batch."""
        address = ACCOUNTS[drawn.role]
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

    @rule(role=roles, step=st.sampled_from([-1, 0, 1, 2, 1_000, 1_001]))
    def cancel_instructions(self, role: str, step: int) -> None:
        nonce = max(0, self.ledger.account(ACCOUNTS[role]).nonce + step)
        self.both(lambda d: d.cancel_instructions(ACCOUNTS[role], nonce))
        assert bool(self.refusal) == (step not in (1, 2, 1_000))

    @rule(role=roles)
    def cancel_withdrawal(self, role: str) -> None:
        self.both(lambda d: d.cancel_withdrawal(ACCOUNTS[role]))

    # --- withdrawals -----------------------------------------------------------------------------

    @rule(role=roles, share=permille, extra=st.sampled_from([0, 0, 0, 1]))
    def withdraw(self, role: str, share: int, extra: int) -> None:
        free = self.ledger.withdrawable_nano(ACCOUNTS[role], self.now)
        amount = free * share // 1_000 + extra
        before = self.positions()
        self.both(lambda d: d.withdraw(ACCOUNTS[role], amount))
        self.covered_after_a_withdrawal(before)

    @rule(role=roles)
    def withdraw_all(self, role: str) -> None:
        before = self.positions()
        self.both(lambda d: d.withdraw(ACCOUNTS[role], ALL))
        self.covered_after_a_withdrawal(before)

    @rule(
        drawn=st.lists(
            st.tuples(
                roles, st.one_of(st.just(ALL), permille), st.integers(-1, 1), st.integers(-1, 99)
            ),
            max_size=3,
        ),
        due=st.lists(roles, max_size=3),
    )
    def pay(self, drawn: list[tuple[str, int, int, int]], due: list[str]) -> None:
        """A batch: requests for all or a share of what is withdrawable, for about now, seldom too
        late; then what is due."""
        due_accounts = [ACCOUNTS[role] for role in due]
        if not drawn and not due:
            return
        period = self.world.parameters.period(self.now)
        requests = []
        for role, share, later, seconds in drawn:
            free = self.ledger.withdrawable_nano(ACCOUNTS[role], self.now)
            amount = ALL if share == ALL else free * share // 999
            requests.append(Request(role, amount, max(0, period + later), self.now + seconds))
        before = self.positions()
        paid = self.both(lambda d: d.pay(requests, due_accounts))
        for skip, amount in paid:
            assert (skip == Skip.PAID) == (amount > 0)
        for address, (skip, amount) in zip(due_accounts, paid[len(requests) :], strict=True):
            assert amount in (0, before[address].due_nano)
            assert skip in (Skip.PAID, Skip.TURN_USED, Skip.NOTHING_DUE)
        self.covered_after_a_withdrawal(before)

    def positions(self) -> dict[str, Position]:
        """Every account now."""
        return {address: self.ledger.position(address, self.now) for address in ACCOUNTS.values()}

    def covered_after_a_withdrawal(self, before: dict[str, Position]) -> None:
        """I4: a withdrawal takes equity below what is at risk, or further below, by no more than it
        uses up of what was due."""
        for address, old in before.items():
            new = self.ledger.position(address, self.now)
            uncovered = [max(0, p.at_risk_nano - p.pool_nano - p.staked_nano) for p in (old, new)]
            assert uncovered[1] - uncovered[0] <= old.due_nano - new.due_nano

    # --- treasury --------------------------------------------------------------------------------

    @rule(amount=amounts)
    def fund(self, amount: int) -> None:
        self.both(lambda d: d.fund(amount))
        self.reserve_moves_nano += amount

    @rule(share=permille, extra=st.sampled_from([0, 0, 1]))
    def withdraw_reserve(self, share: int, extra: int) -> None:
        amount = self.ledger.reserve_nano * share // 1_000 + extra
        self.both(lambda d: d.withdraw_reserve(amount))
        if not self.refusal:
            self.reserve_moves_nano -= amount

    @precondition(lambda self: self.ledger.burned_nano or not self.openings)
    @rule()
    def burn(self) -> None:
        self.both(lambda d: d.burn())

    # --- time ------------------------------------------------------------------------------------

    @rule(seconds=st.one_of(st.integers(1, DAY), st.sampled_from([WEEK, FORTNIGHT, 4 * WEEK])))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(
        round_offset=st.integers(-1, 4),
        edge=st.sampled_from(["pass", "deadline", "window"]),
        seconds=st.integers(-1, 1),
    )
    def wait_for_an_edge(self, round_offset: int, edge: str, seconds: int) -> None:
        round_number = self.round_number + round_offset
        time = {
            "pass": self.world.parameters.pass_time(round_number),
            "deadline": self.world.parameters.deadline(round_number),
            "window": self.ledger.announced_at + self.world.parameters.window_s,
        }[edge]
        self.now = max(self.now, time + seconds)

    # --- rounds ----------------------------------------------------------------------------------

    passes = st.dictionaries(roles, st.dictionaries(models, payouts, max_size=3))

    @rule(drawn=passes, sizes=st.lists(st.integers(0, 3), min_size=1, max_size=3), rest=permille)
    def announce(self, drawn: dict[str, dict[int, int]], sizes: list[int], rest: int) -> None:
        """Announces the next round, or what is left of it, in links of some sizes; seldom with a
        rest that nobody knows."""
        listed = self.entries(drawn)
        links = []
        for size in sizes:
            links.append(link_bytes(listed[:size]))
            listed = listed[size:]
        links[-1] += link_bytes(listed)
        tail = b"\x02" * 32 if rest == 1_000 else NO_DIGEST
        replaces = self.ledger.digest if rest else NO_DIGEST
        digest = digest_chain(links, tail)[0]
        self.both(lambda d: d.announce(self.round_number, replaces, digest))
        if not self.refusal:
            self.links, self.applied, self.tail = links, [], tail

    @rule()
    def wait_for_the_window(self) -> None:
        self.now = max(self.now, self.ledger.announced_at + self.world.parameters.window_s)

    @precondition(lambda self: self.links or self.applied)
    @rule(
        again=st.integers(0, 2),
        count=st.integers(0, 3),
        wrong=st.sampled_from([0, 0, 0, 0, 0, 0, 1_000]),
    )
    def resolve(self, again: int, count: int, wrong: int) -> None:
        """Some of the links that are left, behind some that are applied already."""
        old = self.applied[max(0, len(self.applied) - again) :] if again else []
        new = self.links[:count]
        next_digest = digest_chain(self.links[count:], self.tail)[0]
        if wrong == 1_000:
            next_digest = b"\x03" * 32
        links = [*old, *new]
        round_number = self.round_number
        self.both(lambda d: d.resolve(round_number, links, next_digest))
        if not self.refusal:
            self.links = self.links[len(new) :]
            self.applied += new
            self.count_once(round_number, new)
            if next_digest == NO_DIGEST:
                self.links, self.applied = [], []

    @rule(drawn=passes, late=st.sampled_from([0, 0, 0, 0, WEEK, 3 * WEEK + 1]))
    def whole_pass(self, drawn: dict[str, dict[int, int]], late: int) -> None:
        """A pass from its announcement to its end, if nothing in it is refused."""
        self.to_the_pass(late)
        self.announce(drawn, [3], 1)
        self.wait_for_the_window()
        self.resolve(0, len(self.links), 0)

    @rule(drawn=passes, again=passes, done=st.integers(0, 2), mends=st.booleans())
    def interrupted_pass(
        self,
        drawn: dict[str, dict[int, int]],
        again: dict[str, dict[int, int]],
        done: int,
        mends: bool,
    ) -> None:
        """Some links are resolved, the rest is announced again, with accounts already in it or
        without, and resolved behind the first."""
        self.to_the_pass(0)
        self.announce(drawn, [1, 1, 1], 1)
        self.wait_for_the_window()
        self.resolve(0, done, 0)
        done_already = {account for number, account in self.in_pass if number == self.round_number}
        rest = {r: p for r, p in again.items() if not mends or ACCOUNTS[r] not in done_already}
        self.announce(rest, [1, 2], 1)
        self.wait_for_the_window()
        self.resolve(0, 1, 0)
        self.resolve(1, len(self.links), 0)

    def to_the_pass(self, late: int) -> None:
        """Moves the time to the next pass, or a while past it."""
        self.now = max(self.now, self.world.parameters.pass_time(self.round_number) + late)

    @precondition(lambda self: self.links)
    @rule(
        cut=st.sampled_from([None, -32, -1]),
        extra=st.sampled_from(
            [
                b"",
                b"\x00",
                link_bytes([Entry(ACCOUNTS["staker"]), Entry(ACCOUNTS["staker"])]),
                (OUTSIDER | 1 << 214).to_bytes(32, "big"),
                (OUTSIDER | 2**53 << 160 | 1 << 214).to_bytes(32, "big")
                + (17 << 216 | sum(2**53 << 54 * i for i in range(4))).to_bytes(32, "big"),
            ]
        ),
    )
    def malformed_rest(self, cut: int | None, extra: bytes) -> None:
        """A link cut short or with an entry too many: refused, naming it, until it is mended."""
        whole = self.links
        links = [whole[0][:cut] + extra, *whole[1:]]
        digest, replaces = digest_chain(links, self.tail)[0], self.ledger.digest
        self.both(lambda d: d.announce(self.round_number, replaces, digest))
        self.wait_for_the_window()
        round_number, rest = self.round_number, digest_chain(links[1:], self.tail)[0]
        self.both(lambda d: d.resolve(round_number, links[:1], rest))
        if self.refusal:
            mended = digest_chain(whole, self.tail)[0]
            self.both(lambda d: d.announce(round_number, digest, mended))
            self.applied = []
            return
        self.links, self.applied = links[1:], links[:1]
        self.count_once(round_number, links[:1])
        if rest == NO_DIGEST:
            self.links, self.applied = [], []

    def count_once(self, round_number: int, links: list[bytes]) -> None:
        """I5: a round is applied exactly once, in order: no account is twice in a pass."""
        assert round_number in (self.ledger.resolved, self.ledger.resolved + 1)
        for link in links:
            for entry in unpack_link(link_words(link)):
                key = (round_number, entry.account)
                assert key not in self.in_pass
                self.in_pass.add(key)
                self.earned_nano += sum(p for p in entry.payouts_nano.values() if p > 0)
        for account in {entry.account for link in links for entry in unpack_link(link_words(link))}:
            staked = self.ledger.account(account).staked_nano
            self.openings[account, round_number + 4] = staked

    # --- what always holds -----------------------------------------------------------------------

    @invariant()
    def contract_equals_ledger(self) -> None:
        """I1: the token balance is pools + stakes + reserve + burned. I2: every stored word, every
        position, the treasury and the round of the contract are the ledger's."""
        self.contract.now = self.book.now = self.now
        accounts = list(ACCOUNTS.values())
        seen, expected = self.contract.seen(accounts), self.book.seen(accounts)
        assert seen == expected
        self.seen = seen

    @invariant()
    def nothing_is_locked_that_cannot_burn(self) -> None:
        """I3: withdrawable is at most the pool, and what is at risk at most the cap's share of the
        stakes that opened: rounding locks nothing."""
        for account in ACCOUNTS.values():
            position = self.ledger.position(account, self.now)
            assert 0 <= position.withdrawable_nano <= position.pool_nano
            opened = sum(
                self.openings[account, round_number]
                for round_number in self.ledger.open_risks(account, self.now)
            )
            assert position.at_risk_nano * BPS <= opened * self.world.parameters.cap_bps
            if position.at_risk_nano == 0:
                assert position.withdrawable_nano == position.pool_nano

    @invariant()
    def reserve_pays_each_earning_once(self) -> None:
        """I6: the reserve is what was put in, less what was taken out and each earning once."""
        assert self.ledger.reserve_nano == self.reserve_moves_nano - self.earned_nano

    @invariant()
    def counters_never_fall(self) -> None:
        """I7: rounds, periods, nonces and pages in use never fall; a digest is stored exactly while
        a round is announced."""
        seen = self.seen
        for account, words in seen.words.items():
            word = unpack_account(words.get(0, 0))
            split = unpack_split(words.get(SPLIT_PLACE, 0))
            if self.before is None or account not in self.before.words:
                continue
            old = unpack_account(self.before.words[account].get(0, 0))
            old_nonce = self.before.positions[account].nonce
            assert word.round_word >= old.round_word
            assert word.period >= old.period
            assert word.pages >= old.pages
            assert split.nonce >= old_nonce
        if self.before is not None:
            assert seen.round_state[0] >= self.before.round_state[0]
        assert (seen.round_state[1] == NO_DIGEST) == (seen.round_state[2] == 0)
        self.before = seen

    @invariant()
    def due_is_part_of_the_pool_and_flags_say_what_is_there(self) -> None:
        """I10: due is at most the pool; a flag stands exactly where there is a split or something
        due; each split shares out 10,000 basis points and names a destination once."""
        for account, words in self.seen.words.items():
            word = unpack_account(words.get(0, 0))
            position = self.seen.positions[account]
            assert position.due_nano <= position.pool_nano
            assert word.flags >> 1 == (unpack_split(words.get(SPLIT_PLACE, 0)).due_nano > 0)
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

    @invariant()
    def events_rebuild_everything(self) -> None:
        """I8: a book kept from the events alone holds the same words, reserve and burns."""
        for account in ACCOUNTS.values():
            assert self.event_book.ledger.words(account) == self.ledger.words(account)
        assert self.event_book.ledger.reserve_nano == self.ledger.reserve_nano
        assert self.event_book.ledger.burned_nano == self.ledger.burned_nano

    def everybody_gets_out_without_the_operator(self) -> None:
        """I9: from any state, with the operator gone, everything is out after the last deadline,
        and what stays is the reserve and the burns."""
        last = self.ledger.resolved + 5
        self.now = max(self.now, self.world.parameters.deadline(last) + 1)
        for account in ACCOUNTS.values():
            equity = self.ledger.account(account).equity_nano
            self.both(lambda d, a=account: d.leave(a))
            out = self.both(lambda d, a=account: d.withdraw(a, ALL))
            assert (out or 0) == equity
        held = self.world.token.balanceOf(self.world.escrow)
        assert held == (self.ledger.reserve_nano + self.ledger.burned_nano) * NANO


class FullSwing(EscrowMachine):
    """From the first round that can earn and burn on."""

    passes_at_the_start = 4


if os.environ.get("HYPOTHESIS_PROFILE", "ci") == "ci":
    profile = settings(max_examples=30, stateful_step_count=30)
else:
    profile = settings(stateful_step_count=60)

TestFromTheFirstPass = EscrowMachine.TestCase
TestFromTheFirstPass.settings = profile
TestInFullSwing = FullSwing.TestCase
TestInFullSwing.settings = profile
TestFromTheFirstPass.pytestmark = TestInFullSwing.pytestmark = [pytest.mark.timeout(900)]

assert FIRST_PASS > 1
assert SUPPLY > 4 * HELD * NMR
