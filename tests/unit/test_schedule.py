"""The release schedule at the edges that weekly passes in time do not meet."""

from sluice.account import lock_nano, risk_units
from sluice.ledger import Ledger
from sluice.parameters import Parameters
from sluice.schedule import Release
from sluice.words import NO_DIGEST, Entry, digest_chain, link_bytes

FIRST_PASS = 10
START = 1_700_000_000
WEEK = 7 * 24 * 3600
NMR_NANO = 10**9
STAKER, OTHER = "0x" + "aa" * 20, "0x" + "bb" * 20
PARAMETERS = Parameters(FIRST_PASS, START, START)
WINDOW, GRACE = PARAMETERS.window_s, PARAMETERS.grace_s

LOCK = lock_nano(risk_units(8 * NMR_NANO, 2_500))
KEPT = lock_nano(risk_units(4 * NMR_NANO, 2_500))


def after(passes: int, in_them: bool = True) -> Ledger:
    """Two accounts with 8 NMR staked, so many passes in time, then half of each taken out."""
    book = Ledger(PARAMETERS)
    for account in (STAKER, OTHER):
        book.deposit_and_stake(account, 8 * NMR_NANO, {0: 8 * NMR_NANO})
    for round_number in range(FIRST_PASS, FIRST_PASS + passes):
        links = [link_bytes([Entry(STAKER), Entry(OTHER)] if in_them else [])]
        now = PARAMETERS.pass_time(round_number)
        book.announce(round_number, NO_DIGEST, digest_chain(links)[0], now)
        book.resolve(round_number, links, NO_DIGEST, now + WINDOW)
    for account in (STAKER, OTHER):
        book.set_stakes(account, {0: 4 * NMR_NANO})
    return book


def amounts(releases: list[Release]) -> list[int]:
    """What is withdrawable at each."""
    return [release.amount_nano for release in releases]


def test_each_coming_pass_lifts_an_old_lock_and_puts_one_of_the_present_stake() -> None:
    """N1 S2: amounts and both times of each, as they were worked out by hand."""
    now = PARAMETERS.pass_time(FIRST_PASS + 3) + WINDOW
    equity = 8 * NMR_NANO
    expected = [
        Release(
            min(4 * NMR_NANO, equity - (4 - k) * LOCK - k * KEPT),
            PARAMETERS.pass_time(FIRST_PASS + 3 + k) + WINDOW,
            PARAMETERS.pass_time(FIRST_PASS + 3 + k) + GRACE,
        )
        for k in range(1, 5)
    ]

    assert after(4).schedule(STAKER, now) == expected


def test_an_account_in_the_pass_under_way_looks_at_the_four_rounds_after() -> None:
    """N1: the others still at the one under way."""
    book = after(4)
    under_way = FIRST_PASS + 4
    links = [link_bytes([Entry(STAKER)]), link_bytes([Entry(OTHER)])]
    chain = digest_chain(links)
    now = PARAMETERS.pass_time(under_way) + WINDOW
    book.announce(under_way, NO_DIGEST, chain[0], now - WINDOW)
    book.resolve(under_way, links[:1], chain[1], now)

    mine, others = book.schedule(STAKER, now), book.schedule(OTHER, now)

    assert [release.latest for release in mine] == [
        PARAMETERS.deadline(under_way + k) for k in (1, 2, 3)
    ]
    assert [release.latest for release in others] == [
        PARAMETERS.deadline(under_way + k) for k in range(4)
    ]
    assert book.withdrawable_nano(STAKER, now) == others[0].amount_nano
    assert amounts(mine) == amounts(others)[1:]


def test_nothing_comes_before_an_announcement_has_waited() -> None:
    """N1: announced three days late, the round is not resolved before that and the window."""
    book = after(4)
    coming = FIRST_PASS + 4
    now = PARAMETERS.pass_time(coming) + 3 * 24 * 3600
    book.announce(coming, NO_DIGEST, b"\x01" * 32, now)

    first, second, *_ = book.schedule(STAKER, now)

    assert first.earliest == now + WINDOW
    assert second.earliest == PARAMETERS.pass_time(coming + 1) + WINDOW


def test_a_round_that_has_lapsed_releases_nothing_more() -> None:
    """N1 S40: without an operator the entries go one by one; after the last everything is free."""
    book = after(4)
    for lapsed in range(4):
        now = PARAMETERS.deadline(FIRST_PASS + 3 + lapsed) + 1
        releases = book.schedule(STAKER, now)
        assert all(now <= release.latest for release in releases)
        free = min(4 * NMR_NANO, 8 * NMR_NANO - (4 - lapsed) * LOCK)
        assert book.withdrawable_nano(STAKER, now) == free
    last = PARAMETERS.deadline(FIRST_PASS + 7) + 1
    assert book.schedule(STAKER, last) == []
    assert book.withdrawable_nano(STAKER, last) == 4 * NMR_NANO


def test_what_a_coming_opening_locks_again_is_no_release() -> None:
    """N1: with little at risk now, passes that open more than they lift are left out; the last
    entry is the whole pool."""
    book = after(3, in_them=False)
    links = [link_bytes([Entry(STAKER)])]
    now = PARAMETERS.pass_time(FIRST_PASS + 3)
    book.set_stakes(STAKER, {0: 8 * NMR_NANO})
    book.announce(FIRST_PASS + 3, NO_DIGEST, digest_chain(links)[0], now)
    book.resolve(FIRST_PASS + 3, links, NO_DIGEST, now + WINDOW)
    book.set_stakes(STAKER, {0: NMR_NANO})

    free = book.withdrawable_nano(STAKER, now + WINDOW)
    releases = book.schedule(STAKER, now + WINDOW)

    assert free == 8 * NMR_NANO - LOCK
    assert amounts(releases) == [7 * NMR_NANO]
    assert releases[0].latest == PARAMETERS.deadline(FIRST_PASS + 7)


def test_an_account_without_a_lock_has_no_schedule() -> None:
    book = after(0)

    assert book.schedule(STAKER, START) == []
    assert book.schedule("0x" + "cc" * 20, START) == []
