"""The demonstration's own accounts: whom they follow, what they earn, what they wish for."""

import pytest

from sluice.account import Account
from sluice.demo import guests
from sluice.demo.guests import FIRST_STAKES_NANO, invite
from sluice.history import History
from sluice.ledger import ALL
from sluice.presets import Preset
from sluice.words import WALLET

NMR = 10**9
STEADY = f"0x{0x11:040x}"
LATE = f"0x{0x22:040x}"
HISTORY = History(
    first_round=11,
    last_round=12,
    last_pass=12,
    stakes_nano={11: {STEADY: {0: 8 * NMR}}, 12: {STEADY: {0: 8 * NMR}, LATE: {3: 4 * NMR}}},
    payouts_nano={11: {STEADY: {0: 2 * NMR}}, 12: {STEADY: {0: -NMR}, LATE: {3: 1}}},
)


def test_guests_are_the_same_every_time_and_take_every_preset() -> None:
    first, again = invite(HISTORY), invite(HISTORY)
    assert [guest.account for guest in first] == [guest.account for guest in again]
    assert len({guest.account for guest in first}) == len(first)
    assert {guest.preset for guest in first} == set(Preset)


def test_guests_follow_the_steadiest_models_first() -> None:
    assert invite(HISTORY)[0].followed == {0: (STEADY, 0), 1: (LATE, 3), 5: (STEADY, 0)}


def test_without_a_model_to_follow_nothing_is_earned() -> None:
    empty = History(11, 11, 11, {11: {}}, {})
    guest = invite(empty)[0]
    assert guests.row(guest, 0, empty, 11, 60 * NMR).payout_nano == 0


@pytest.mark.parametrize(
    ("round_number", "stake_nano", "payout_nano"),
    [
        (11, 60 * NMR, 15 * NMR),
        (11, 7, 1),
        (12, 60 * NMR, -60 * NMR // 8),
        (12, 15, -1),
        (13, 9, 0),
    ],
)
def test_a_payout_is_the_followed_part_of_the_stake_toward_zero(
    round_number: int, stake_nano: int, payout_nano: int
) -> None:
    row = guests.row(invite(HISTORY)[0], 0, HISTORY, round_number, stake_nano)
    assert row.payout_nano == payout_nano
    assert row.stake_nano == stake_nano


def test_a_payout_is_never_beyond_a_quarter_of_the_stake() -> None:
    """A recorded stake of a few nano may have a payout rounded up past it."""
    dust = History(11, 11, 11, {11: {STEADY: {0: 2}}}, {11: {STEADY: {0: 1}}})
    assert guests.row(invite(dust)[0], 0, dust, 11, 100).payout_nano == 25


def test_the_first_wish_sets_stakes_and_splits_together() -> None:
    guest = next(g for g in invite(HISTORY) if g.preset is Preset.PASSIVE_INCOME)
    wish = guests.first_wish(guest)
    assert wish.account == guest.signer.address
    assert wish.stakes_nano == FIRST_STAKES_NANO
    assert wish.splits == dict.fromkeys(FIRST_STAKES_NANO, ((WALLET, 10000),))
    assert wish.nonce == 0


def test_rebalancing_moves_a_fifth_of_the_largest_to_the_smallest() -> None:
    guest = invite(HISTORY)[0]
    held = Account(stakes_nano={0: 60, 5: 10}, nonce=3)
    wish = guests.rebalance(guest, held)
    assert wish is not None
    assert wish.stakes_nano == {0: 48, 1: 12}
    assert wish.nonce == 3
    assert guests.rebalance(guest, Account()) is None


def test_who_takes_profit_asks_for_all_of_it() -> None:
    asked = guests.withdrawal(invite(HISTORY)[0], 7)
    assert (asked.amount_nano, asked.period) == (ALL, 7)
