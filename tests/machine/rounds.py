"""The weekly pass in every order: announce, announce again, veto, resolve in parts, by strangers
and before the operator, malformed links, late passes."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from sluice.words import NO_DIGEST, Entry, digest_chain, link_bytes, link_words, unpack_link
from tests.escrow_world import WEEK, role_address
from tests.machine.base import HOLDERS, anybody, holders, models, permille
from tests.machine.powers import PowerRules, usually_right

# an account that is in no pass
OUTSIDER = 0xF

# of the bound: mostly within, seldom over
payouts = st.one_of(st.integers(-1_000, 1_000), st.sampled_from([0, -1_000, 1_000, -1_001, 1_001]))
passes = st.dictionaries(holders, st.dictionaries(models, payouts, max_size=3))


class RoundRules(PowerRules):
    """`announce`, `veto` and `resolve`; the machine knows what the operator published."""

    def some_rounds_are_open(self) -> None:
        """Everybody is in the passes before the first step, without a payout."""
        for _ in range(self.passes_at_the_start):
            self.whole_pass({name: {} for name in HOLDERS}, 0)

    @rule(
        drawn=passes,
        sizes=st.lists(st.integers(0, 3), min_size=1, max_size=3),
        rest=permille,
        sender=usually_right,
    )
    def announce(
        self,
        drawn: dict[str, dict[int, int]],
        sizes: list[int],
        rest: int,
        sender: str | None = None,
    ) -> None:
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
        by = self.book.roles.operator if sender is None else self.address_of(sender)
        self.both(lambda d: d.announce(self.round_number, replaces, digest, by))
        if not self.refused:
            self.links, self.applied, self.tail = links, [], tail

    @rule(sender=usually_right, offset=st.sampled_from([0, 0, 0, 0, -1, 1]))
    def veto(self, sender: str | None = None, offset: int = 0) -> None:
        """Whatever is announced and left; in a pause as well. What was applied stays."""
        by = self.book.roles.guardian if sender is None else self.address_of(sender)
        announced = self.ledger.announced_at != 0
        self.both(lambda d: d.veto(self.round_number + offset, by))
        if sender is None and offset == 0:
            assert self.refused != announced

    @rule()
    def wait_for_the_window(self) -> None:
        self.now = max(self.now, self.ledger.announced_at + self.world.parameters.window_s)

    @precondition(lambda self: self.links or self.applied)
    @rule(
        again=st.integers(0, 2),
        count=st.integers(0, 3),
        wrong=st.sampled_from([0, 0, 0, 0, 0, 0, 1_000]),
        sender=anybody,
    )
    def resolve(self, again: int, count: int, wrong: int = 0, sender: str = "stranger") -> None:
        """Some of the links that are left, behind some that are applied already: by whoever comes
        first."""
        old = self.applied[max(0, len(self.applied) - again) :] if again else []
        new = self.links[:count]
        next_digest = digest_chain(self.links[count:], self.tail)[0]
        if wrong == 1_000:
            next_digest = b"\x03" * 32
        links = [*old, *new]
        round_number = self.round_number
        by = self.address_of(sender)
        self.both(lambda d: d.resolve(round_number, links, next_digest, by), self.named(links))
        if not self.refused:
            self.links = self.links[len(new) :]
            self.applied += new
            self.count_once(round_number, new)

    @rule(drawn=passes, late=st.sampled_from([0, 0, 0, 0, WEEK, 3 * WEEK + 1]))
    def whole_pass(self, drawn: dict[str, dict[int, int]], late: int) -> None:
        """A pass from its announcement to its end, if nothing in it is refused."""
        self.to_the_pass(late)
        self.announce(drawn, [3], 1)
        self.wait_for_the_window()
        self.resolve(0, len(self.links))

    @rule(losses=st.dictionaries(holders, st.integers(-1_000, 0), min_size=1))
    def losing_pass(self, losses: dict[str, int]) -> None:
        """Everybody in it loses, and what was burned is sent on."""
        self.whole_pass({name: {0: share} for name, share in losses.items()}, 0)
        self.both(lambda d: d.burn())

    @rule(
        drawn=passes,
        again=passes,
        done=st.integers(0, 2),
        mends=st.booleans(),
        between=st.sampled_from([None, None, "veto", "pause", "lapse"]),
    )
    def interrupted_pass(
        self,
        drawn: dict[str, dict[int, int]],
        again: dict[str, dict[int, int]],
        done: int,
        mends: bool,
        between: str | None,
    ) -> None:
        """Some links are resolved, the rest is announced again, with accounts already in it or
        without, and resolved behind the first; a veto, a pause or the deadline may come between."""
        self.to_the_pass(0)
        self.announce(drawn, [1, 1, 1], 1)
        self.wait_for_the_window()
        self.resolve(0, done)
        if between == "veto":
            self.veto()
        elif between == "pause":
            self.pause(None)
            self.now += self.world.parameters.round_length_s
        elif between == "lapse":
            self.now = max(self.now, self.world.parameters.deadline(self.round_number) + 1)
        done_already = {account for number, account in self.in_pass if number == self.round_number}
        rest = {
            n: p for n, p in again.items() if not mends or self.addresses[n] not in done_already
        }
        self.announce(rest, [1, 2], 1)
        self.wait_for_the_window()
        self.resolve(0, 1)
        self.resolve(1, len(self.links))

    @precondition(lambda self: len(self.links) > 1)
    @rule(sender=anybody)
    def front_run(self, sender: str) -> None:
        """Somebody resolves one link of a batch before the operator sends all of it: the batch goes
        through all the same, or is refused for what is in it."""
        self.wait_for_the_window()
        self.resolve(0, 1, 0, sender)
        if not self.refused:
            self.resolve(1, len(self.links), 0, "operator")
            assert (self.refusal or "entry").startswith(("entry", "reserve"))

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
                link_bytes([Entry(role_address("staker")), Entry(role_address("staker"))]),
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
        operator = self.book.roles.operator
        self.both(lambda d: d.announce(self.round_number, replaces, digest, operator))
        if self.refused:
            return
        self.wait_for_the_window()
        round_number, rest = self.round_number, digest_chain(links[1:], self.tail)[0]
        self.both(lambda d: d.resolve(round_number, links[:1], rest), self.named(links[:1]))
        if self.refused:
            mended = digest_chain(whole, self.tail)[0]
            self.both(lambda d: d.announce(round_number, digest, mended, operator))
            self.applied = []
            return
        self.links, self.applied = links[1:], links[:1]
        self.count_once(round_number, links[:1])

    def named(self, links: list[bytes]) -> set[str]:
        """The accounts with an entry in the links, as far as they can be read."""
        found = set()
        for link in links:
            words = link_words(link[: len(link) // 32 * 32])
            found |= {f"0x{word & 2**160 - 1:040x}" for word in words}
        return found

    def count_once(self, round_number: int, links: list[bytes]) -> None:
        """I5: a round is applied exactly once, in order: no account is twice in a pass. It has
        ended if and only if every link of it is applied and nothing is behind the last."""
        for link in links:
            for entry in unpack_link(link_words(link)):
                key = (round_number, entry.account)
                assert key not in self.in_pass
                self.in_pass.add(key)
                self.earned_nano += sum(p for p in entry.payouts_nano.values() if p > 0)
                staked = self.ledger.account(entry.account).staked_nano
                self.openings[entry.account, round_number + 4] = staked
        ended = bool(links) and not self.links and self.tail == NO_DIGEST
        assert self.ledger.resolved == round_number - (not ended)
        if ended:
            self.rounds_ended += 1
            self.links, self.applied = [], []
