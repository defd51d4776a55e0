"""What the audit makes of events, and what of them it does not believe."""

from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from sluice.account import bound_nano
from sluice.audit.events import (
    At,
    BurnSent,
    Deposited,
    Event,
    Left,
    OwnershipOffered,
    OwnershipTransferred,
    ReserveFunded,
    RoundAnnounced,
    RoundResolved,
    Withdrawn,
)
from sluice.audit.findings import Check, Finding
from sluice.audit.journal import End
from sluice.audit.rebuild import MOST_FINDINGS, Rebuild
from sluice.audit.snapshots import from_text, to_text
from sluice.events import (
    AccountMoved,
    FreeWithdrawals,
    InstructionSkipped,
    InstructionsRelayed,
    Item,
    LinkApplied,
    MoveOffered,
    Paused,
    RoundVetoed,
    SplitSet,
    StakesSet,
    Unpaused,
)
from sluice.instructions import instruction, pack_instruction
from sluice.ledger import Skip
from sluice.moves import Moved
from sluice.parameters import Parameters
from sluice.words import NO_DIGEST, WALLET, Entry, digest_chain, link_bytes

NMR = 10**9
PARAMETERS = Parameters(first_pass=10, first_pass_time=1_700_604_800, deployed_at=1_700_000_000)
STAKER, OTHER_STAKER, NEW = (f"0x{number:040x}" for number in (0xA1, 0xB2, 0xC3))
PLAYED = 14


class Told(Rebuild):
    """A rebuilt escrow to which events are told one after the other."""

    def __init__(self) -> None:
        super().__init__(PARAMETERS)
        self.now: int = PARAMETERS.deployed_at
        self.index = 0

    def tell(self, *events: Event) -> None:
        for event in events:
            self.index += 1
            self.read(event, At(1, self.index, "0xfeed", self.now))

    def resolve(self, number: int, links: list[list[Entry]]) -> None:
        """A pass as it has to be."""
        raw = [link_bytes(link) for link in links]
        self.now = max(self.now, PARAMETERS.pass_time(number))
        self.tell(RoundAnnounced(number, NO_DIGEST, digest_chain(raw)[0], self.now))
        self.now += PARAMETERS.window_s
        self.tell(RoundResolved(number), *(LinkApplied(number, link, self.now) for link in raw))
        self.settle()

    def staked(self) -> "Told":
        """Two accounts of 100 NMR that are in the pass that opens PLAYED; three passes more."""
        self.tell(ReserveFunded(50 * NMR))
        for account in (STAKER, OTHER_STAKER):
            self.tell(Deposited(account, 100 * NMR), StakesSet(account, {0: 90 * NMR}))
        self.resolve(10, [[Entry(STAKER), Entry(OTHER_STAKER)]])
        for number in range(11, PLAYED):
            self.resolve(number, [[]])
        assert self.findings == []
        return self


@pytest.fixture
def told() -> Told:
    return Told()


def the_one(told: Rebuild) -> Finding:
    (finding,) = told.findings
    return finding


def test_a_round_is_applied_and_proved(told: Told) -> None:
    """N5: the links that a round ends with come after the event of its end."""
    told.staked().resolve(PLAYED, [[Entry(STAKER, {0: 3 * NMR})], [Entry(OTHER_STAKER, {0: -NMR})]])
    assert told.findings == []
    assert told.ledger.account(STAKER).stakes_nano == {0: 93 * NMR}
    assert (told.ledger.reserve_nano, told.ledger.burned_nano) == (47 * NMR, NMR)
    last = told.journal.announcements[-1]
    assert (last.end, last.links, last.entries) == (End.RESOLVED, 2, 2)
    assert (last.earned_nano, last.burned_nano) == (3 * NMR, NMR)
    assert (told.ledger.resolved, told.ledger.announced_at) == (PLAYED, 0)


def test_links_that_are_not_the_announced_ones_are_found(told: Told) -> None:
    """N5: a link left out, or another one."""
    told.staked()
    links = [link_bytes([Entry(STAKER, {0: NMR})]), link_bytes([Entry(OTHER_STAKER, {0: NMR})])]
    told.now = PARAMETERS.pass_time(PLAYED)
    digest = digest_chain(links)[0]
    told.tell(RoundAnnounced(PLAYED, NO_DIGEST, digest, told.now))
    told.now += PARAMETERS.window_s
    told.tell(RoundResolved(PLAYED), LinkApplied(PLAYED, links[0], told.now))
    told.settle()
    finding = the_one(told)
    assert (finding.check, finding.subject) == (Check.ROUNDS, f"round {PLAYED}")
    assert finding.wanted == "0x" + digest.hex()
    assert finding.found == "0x" + digest_chain(links[:1])[0].hex()


def test_what_is_left_is_proved_by_what_replaces_it_vetoes_it_or_is_stored(told: Told) -> None:
    told.staked()
    links = [link_bytes([Entry(STAKER)]), link_bytes([Entry(OTHER_STAKER)])]
    chain = digest_chain(links)
    told.now = PARAMETERS.pass_time(PLAYED)
    told.tell(RoundAnnounced(PLAYED, NO_DIGEST, chain[0], told.now))
    told.now += PARAMETERS.window_s
    told.tell(LinkApplied(PLAYED, links[0], told.now))
    assert list(told.journal.left(chain[1])) == []
    assert len(list(told.journal.left(keccak(b"other")))) == 1

    told.tell(RoundAnnounced(PLAYED, chain[1], chain[1], told.now))
    told.tell(RoundVetoed(PLAYED, chain[1]))
    assert (told.ledger.digest, told.ledger.announced_at) == (NO_DIGEST, 0)
    told.tell(RoundAnnounced(PLAYED, NO_DIGEST, chain[1], told.now))
    told.now += PARAMETERS.window_s
    told.tell(RoundResolved(PLAYED), LinkApplied(PLAYED, links[1], told.now))
    told.settle()

    assert told.findings == []
    ends = [each.end for each in told.journal.announcements[-3:]]
    assert ends == [End.REPLACED, End.VETOED, End.RESOLVED]
    assert [each.links_before for each in told.journal.announcements[-3:]] == [0, 1, 1]

    told.tell(RoundVetoed(PLAYED + 1, chain[0]))
    assert the_one(told).field == "vetoed"


@pytest.mark.parametrize(("early_s", "is_found"), [(0, False), (1, True)])
def test_a_link_within_the_window_is_found(told: Told, early_s: int, is_found: bool) -> None:
    told.staked()
    link = link_bytes([Entry(STAKER)])
    told.now = PARAMETERS.pass_time(PLAYED)
    told.tell(RoundAnnounced(PLAYED, NO_DIGEST, digest_chain([link])[0], told.now))
    told.now += PARAMETERS.window_s - early_s
    told.tell(RoundResolved(PLAYED), LinkApplied(PLAYED, link, told.now))
    told.settle()
    assert bool(told.findings) is is_found


def test_rounds_out_of_order_and_announced_early_are_found(told: Told) -> None:
    told.tell(RoundAnnounced(11, NO_DIGEST, b"\x01" * 32, told.now))
    assert [finding.field for finding in told.findings] == [
        "announced round",
        "time of the announcement",
    ]


@pytest.mark.parametrize(("name", "sign"), [("losses", -1), ("earnings", 1)])
def test_a_payout_above_the_bound_is_found(told: Told, name: str, sign: int) -> None:
    """One nano more than the round can burn or earn."""
    most_nano = bound_nano(told.staked().ledger.account(STAKER).risks_units[PLAYED])
    told.resolve(PLAYED, [[Entry(STAKER, {0: sign * (most_nano + 1)})]])
    finding = told.findings[0]
    assert (finding.check, finding.subject) == (Check.RULES, STAKER)
    assert finding.field == f"{name} in round {PLAYED}"
    assert (finding.found, finding.wanted) == (most_nano + 1, f"at most {most_nano}")
    assert f"entry 0 ({STAKER}): {name} are above its bound" in str(told.findings[1])


def test_a_reserve_that_goes_below_zero_is_found(told: Told) -> None:
    told.staked()
    told.ledger.reserve_nano = NMR - 1
    told.resolve(PLAYED, [[Entry(STAKER, {0: NMR})]])
    assert (the_one(told).field, the_one(told).found) == ("reserve after a link", -1)


def test_a_withdrawal_above_what_is_withdrawable_is_found(told: Told) -> None:
    """S27: with its block's time to the nano; without it what is in the pool still bounds it."""
    told.staked()
    most_nano = told.ledger.withdrawable_nano(STAKER, told.now)
    assert 0 < most_nano <= 10 * NMR
    told.tell(StakesSet(STAKER, {0: 10 * NMR}))
    most_nano = told.ledger.withdrawable_nano(STAKER, told.now)
    told.tell(Withdrawn(STAKER, most_nano))
    assert told.findings == []
    told.tell(Withdrawn(STAKER, 1))
    assert (the_one(told).field, the_one(told).found, the_one(told).wanted) == ("withdrawn", 1, 0)
    told.read(Withdrawn(STAKER, 90 * NMR), At(2, 0, "0x", None))
    assert told.findings[1].found == 90 * NMR


def test_a_second_turn_in_a_period_is_found(told: Told) -> None:
    told.tell(Deposited(STAKER, NMR))
    paid = FreeWithdrawals(1, (Item(STAKER, 1, Skip.PAID),), told.now)
    told.tell(paid)
    assert told.findings == []
    told.tell(paid)
    assert the_one(told).field == "period of its last turn"
    told.tell(replace(paid, items=(Item(STAKER, 0, Skip.TURN_USED),), period=2))
    assert (told.findings[1].subject, told.findings[1].field) == ("pay", "period")


def test_instructions_are_applied_and_counted(told: Told) -> None:
    told.tell(Deposited(STAKER, NMR))
    asked = [
        instruction(STAKER, {0: 5}, {0: ((WALLET, 10_000),)}, 0),
        instruction(NEW, {0: 1}, {}, 0),
    ]
    batch = b"".join(pack_instruction(each) for each in asked)
    told.tell(InstructionSkipped(NEW, 0, "stakes"), InstructionsRelayed(batch, 0b01, told.now))
    assert told.findings == []
    held = told.ledger.account(STAKER)
    assert (held.stakes_nano, held.nonce, held.splits) == ({0: 5}, 1, {0: ((WALLET, 10_000),)})
    told.tell(InstructionsRelayed(batch, 0b10, told.now))
    assert [finding.check for finding in told.findings] == [Check.RULES]
    assert "the pool holds too little" in str(told.findings[0])


def test_what_a_pause_stops_does_not_happen(told: Told) -> None:
    """A pause ends by itself; what it does not stop goes on."""
    told.tell(Deposited(STAKER, NMR), Paused(told.now), StakesSet(STAKER, {0: 5}))
    told.tell(Withdrawn(STAKER, 1))
    assert told.findings == []
    told.tell(Deposited(STAKER, NMR))
    assert "paused" in str(the_one(told))
    assert told.ledger.account(STAKER).equity_nano == NMR - 1
    told.now += PARAMETERS.round_length_s
    told.tell(Deposited(STAKER, NMR), Unpaused())
    assert len(told.findings) == 1
    told.tell(Unpaused())
    assert "there was no pause" in str(told.findings[1])


def test_a_move_takes_everything_along(told: Told) -> None:
    told.staked().tell(MoveOffered(STAKER, OTHER_STAKER))
    assert told.ledger.account(STAKER).offered_to == OTHER_STAKER
    told.tell(MoveOffered(STAKER, None), AccountMoved(STAKER, NEW, 1_000))
    assert told.findings == []
    assert told.ledger.account(STAKER).equity_nano == 0
    assert told.ledger.account(NEW).stakes_nano == {0: 90 * NMR}
    told.tell(AccountMoved(NEW, OTHER_STAKER, 1_000))
    assert "without stakes, risks or splits" in str(the_one(told))


def test_a_nonce_and_a_burn_that_differ_are_found(told: Told) -> None:
    told.staked().resolve(PLAYED, [[Entry(STAKER, {0: -NMR})]])
    told.tell(Left(STAKER, 999), BurnSent(NMR - 1))
    assert [(each.found, each.wanted) for each in told.findings] == [(999, 1_000), (NMR - 1, NMR)]


def test_a_time_that_is_not_the_blocks_is_found(told: Told) -> None:
    told.now = PARAMETERS.pass_time(10)
    told.tell(RoundAnnounced(10, NO_DIGEST, b"\x01" * 32, told.now + 1))
    assert the_one(told).field == "time that an event names"


def test_findings_end_somewhere(told: Told) -> None:
    told.tell(*[Withdrawn(STAKER, 1)] * (MOST_FINDINGS + 5))
    assert len(told.findings) == MOST_FINDINGS


def test_a_state_is_the_same_after_it_was_kept(told: Told) -> None:
    """Everything that an audit goes on from, in the middle of a round too."""
    told.staked().tell(SplitSet(STAKER, 9, ((WALLET, 10_000),)), MoveOffered(STAKER, NEW))
    told.tell(OwnershipOffered(STAKER), OwnershipTransferred(STAKER), OwnershipOffered(NEW))
    told.tell(AccountMoved(f"0x{7:040x}", f"0x{8:040x}", 1_000))
    told.tell(Paused(told.now), Unpaused(), Paused(told.now))
    told.now += PARAMETERS.round_length_s
    links = [link_bytes([Entry(STAKER, {0: NMR})]), link_bytes([Entry(OTHER_STAKER)])]
    told.now = max(told.now, PARAMETERS.pass_time(PLAYED))
    told.tell(RoundAnnounced(PLAYED, NO_DIGEST, digest_chain(links)[0], told.now))
    told.now += PARAMETERS.window_s
    told.tell(LinkApplied(PLAYED, links[0], told.now), Withdrawn(STAKER, 9 * 10**15))

    again = from_text(to_text(told), PARAMETERS)

    assert to_text(again) == to_text(told)
    assert again.ledger.accounts == told.ledger.accounts
    assert again.findings == told.findings
    assert again.roles == told.roles
    assert again.moves == told.moves == [Moved(1, f"0x{7:040x}", f"0x{8:040x}")]
    for rebuilt in (told, again):
        rebuilt.read(RoundResolved(PLAYED), At(9, 0, "0x", told.now))
        rebuilt.read(LinkApplied(PLAYED, links[1], told.now), At(9, 1, "0x", told.now))
        rebuilt.settle()
    assert len(again.findings) == len(told.findings) == 1
    assert to_text(again) == to_text(told)
    with pytest.raises(ValueError, match="of another deployment"):
        from_text(to_text(told), replace(PARAMETERS, cap_bps=1))
