"""What is still to come for an account, and how it is said."""

from fractions import Fraction

import pytest
from eth_account import Account as Keys

from sluice.account import Account
from sluice.book import Position
from sluice.instructions import (
    NEVER,
    Domain,
    Signed,
    instruction,
    request,
    sign,
)
from sluice.ledger import ALL
from sluice.parameters import PERIOD_S, Parameters
from sluice.participant.now import AccountNow, counts_from, free_turn, price
from sluice.participant.pending import (
    Lasts,
    after_instructions,
    instructions_of,
    next_nonce,
    pending,
    requests_of,
)
from sluice.participant.words import (
    change_rows,
    counting_in_words,
    due_in_words,
    eth,
    exit_in_words,
    not_now,
    position_rows,
    price_in_words,
    schedule_rows,
    split_rows,
    ways_rows,
)
from sluice.schedule import Release
from sluice.words import POOL, WALLET

NMR = 10**9
START = 1_700_000_000
KEY = Keys.from_key("0x" + "07" * 32)
OTHER_KEY = Keys.from_key("0x" + "09" * 32)
DOMAIN = Domain(1, "0x" + "5C" * 20)
PARAMETERS = Parameters(1, START + 60, START)
ALL_TO_WALLET = ((WALLET, 10_000),)


def seen(now: int = START + 10, **account: object) -> AccountNow:
    """The key's account with these fields."""
    return AccountNow(KEY.address, Account(**account), PARAMETERS, 0, 0, now)  # type: ignore[arg-type]


def instructed(nonce: int, stakes: dict[int, int], deadline: int = NEVER) -> Signed:
    return sign(instruction(KEY.address, stakes, {}, nonce, deadline), DOMAIN, KEY)


def asked(amount_nano: int, period: int, deadline: int = NEVER) -> Signed:
    return sign(request(KEY.address, amount_nano, period, deadline), DOMAIN, KEY)


def test_every_pending_thing_says_one_time_or_standing() -> None:
    """N18: is it once or each week? Splits and what they send to the wallet stand; what is signed
    happens once."""
    account = seen(
        pool_nano=3 * NMR, due_nano=2 * NMR, splits={0: ALL_TO_WALLET}, stakes_nano={0: NMR}
    )
    stored = [asked(NMR, 1), instructed(0, {1: NMR}, START + 100)]

    to_come = pending(account, stored)

    assert [(each.lasts, each.what, each.when) for each in to_come] == [
        (
            Lasts.STANDING,
            "earnings of model 0: 100.00% to your wallet",
            "in every pass, until changed",
        ),
        (
            Lasts.STANDING,
            "2.000000000 NMR due to your wallet, and what splits add",
            "with the batch of period 1, by 2023-11-28 22:13:20 UTC; no request needed",
        ),
        (
            Lasts.ONE_TIME,
            "instruction 0: stake of model 1 becomes 1.000000000 NMR",
            "with the next relay; lapses after 2023-11-14 22:15:00 UTC",
        ),
        (
            Lasts.ONE_TIME,
            "free withdrawal of 1.000000000 NMR to your wallet",
            "with the batch of period 1, by 2023-11-28 22:13:20 UTC; does not lapse",
        ),
    ]


def test_what_cannot_happen_any_more_is_not_pending() -> None:
    stranger = sign(instruction(OTHER_KEY.address, {0: 1}, {}, 0), DOMAIN, OTHER_KEY)
    account = seen(pool_nano=NMR, nonce=5, period=1)
    stored = [
        instructed(4, {0: 1}),
        instructed(5, {0: 1}, account.now - 1),
        asked(ALL, 1),
        asked(ALL, 2, account.now - 1),
        stranger,
    ]

    assert pending(account, stored) == []


def test_an_instruction_that_would_be_skipped_says_why() -> None:
    account = seen(pool_nano=NMR)

    first, second, third = pending(
        account, [instructed(0, {0: 2 * NMR}), instructed(1, {0: NMR}), instructed(7, {0: 1})]
    )

    assert "would be skipped now (stakes: the pool holds too little, deposit first)" in first.when
    assert "would be skipped now (instruction: its nonce is still to come)" in second.when
    assert "nonce is still to come" in third.when


def test_what_is_signed_next_builds_on_what_is_signed_already() -> None:
    """N17: signing twice before anybody relays is one change after the other."""
    account = seen(pool_nano=10 * NMR)
    earlier = instructions_of(account, [instructed(1, {1: NMR}), instructed(0, {0: 4 * NMR})])

    after = after_instructions(account, earlier)

    assert [each.nonce for each in earlier] == [0, 1]
    assert after.account.stakes_nano == {0: 4 * NMR, 1: NMR}
    assert after.account.pool_nano == 5 * NMR
    assert account.account.pool_nano == 10 * NMR
    assert next_nonce(account, earlier) == 2
    assert next_nonce(account, earlier[1:]) == 0
    assert next_nonce(account, []) == 0


def test_a_request_that_waits_says_so() -> None:
    account = seen(pool_nano=NMR, period=1)

    (waiting,) = pending(account, [asked(2 * NMR, 2)])
    (missed,) = pending(seen(START + 5 * PERIOD_S, pool_nano=NMR), [asked(NMR, 2)])

    assert "from 2023-11-28 22:13:20 UTC on, by 2023-12-12" in waiting.when
    assert "waits while only 1.000000000 NMR are withdrawable" in waiting.when
    assert "with the batch of period 6" in missed.when
    assert requests_of(account, [asked(2 * NMR, 2)])[0].period == 2


def test_an_offered_account_says_to_whom() -> None:
    """N18: it happens once, and only if the other side wants it."""
    found = pending(seen(offered_to=OTHER_KEY.address.lower()), [])

    assert [(each.lasts, each.what) for each in found] == [
        (Lasts.ONE_TIME, f"move of everything to {OTHER_KEY.address}")
    ]
    assert "once that address accepts" in found[0].when


def test_due_after_the_last_period_is_withdrawn() -> None:
    account = seen(START + 1_023 * PERIOD_S, pool_nano=NMR, due_nano=NMR)

    assert "the periods are over: withdraw it" in pending(account, [])[0].when
    assert ways_rows(account, NMR, None, free_turn(account), 0)[4][2] == "not any more"


def test_stake_pool_due_risk_and_withdrawable_stand_apart() -> None:
    """Never one number for stake and what is pending."""
    rows = position_rows(Position(5, 7, 3, 2, 1, 0, None, 0), {3: 4, 0: 3})

    assert rows == [
        ("stake of model 0", "0.000000003 NMR"),
        ("stake of model 3", "0.000000004 NMR"),
        ("pool", "0.000000005 NMR"),
        ("due, of the pool", "0.000000001 NMR"),
        ("at risk in open rounds", "0.000000003 NMR"),
        ("withdrawable now", "0.000000002 NMR"),
    ]
    assert position_rows(Position(0, 0, 0, 0, 0, 0, None, 0), {})[0] == ("stakes", "none")


def test_a_change_is_shown_figure_by_figure() -> None:
    before = seen(pool_nano=5 * NMR)

    rows = dict(change_rows(before, before.staked({0: 2 * NMR}), [0]))

    assert rows["stake of model 0"] == "0.000000000 NMR -> 2.000000000 NMR"
    assert rows["pool"] == "5.000000000 NMR -> 3.000000000 NMR"
    assert rows["at risk in open rounds"] == "0.000000000 NMR"
    assert "from round 5 on" in counting_in_words(counts_from(before))


def test_both_ways_stand_side_by_side() -> None:
    """S22: now for gas, or free with the batch, each with its price and its arrival."""
    account = seen(pool_nano=5 * NMR)
    turn = free_turn(account)
    cost = price(50_000, 2 * 10**9, Fraction("0.004"))

    both = ways_rows(account, 5 * NMR, cost, turn, 5 * NMR)
    assert both == [
        ("you get", "5.000000000 NMR", "5.000000000 NMR"),
        ("price", "0.000100000 ETH (50,000 gas at 2.000 gwei)", "nothing"),
        ("in NMR", "0.025000000 NMR", "nothing"),
        ("arrives", "in the transaction's block", "by 2023-11-28 22:13:20 UTC"),
        ("how often", "as often as you like", "once in a period; this would be 1's"),
    ]
    impossible = ways_rows(account, 6 * NMR, None, turn, 0)[3][1]
    assert impossible.startswith("not possible: only 5.000000000 NMR are withdrawable now")
    unknown = ways_rows(account, 5 * NMR, price(50_000, 1, None), turn, 0)[2][1]
    assert unknown == "no price is known, give --nmr-eth"
    assert "as far as passes free it" in ways_rows(account, 0, None, turn, 6 * NMR)[0][2]


def test_what_cannot_leave_now_says_when_it_can() -> None:
    locked = AccountNow(
        KEY.address,
        Account(pool_nano=5 * NMR, risks_units={5: 4_000, 6: 4_000}, round_number=4),
        PARAMETERS, 4, 0, PARAMETERS.pass_time(4),
    )  # fmt: skip
    first = locked.releases[0]

    assert "only" in not_now(locked, 5 * NMR)
    assert "not before" in not_now(locked, 5 * NMR)
    assert locked.release_of(first.amount_nano) == first
    assert not_now(seen(), 0) == "nothing is withdrawable now; take stake off first"


def test_no_price_of_nmr_is_made_up() -> None:
    said = price_in_words(price(50_000, 2 * 10**9, None))

    assert said.startswith("0.000100000 ETH (50,000 gas at 2.000 gwei); ")
    assert said.endswith("in NMR: no price is known, give --nmr-eth")
    assert eth(1) == "0.000000001 ETH"
    assert eth(10**18) == "1.000000000 ETH"


@pytest.mark.parametrize(
    ("due", "amount", "free", "lines"),
    [(0, 1, True, 0), (5, ALL, True, 1), (5, 5, True, 1), (5, 4, True, 2), (5, 4, False, 1)],
)
def test_a_withdrawal_says_what_becomes_of_what_is_due(
    due: int, amount: int, free: bool, lines: int
) -> None:
    """A fixed request pays exactly its amount and uses the turn: the rest of what is due waits."""
    assert len(due_in_words(due, amount, free)) == lines


def test_the_exit_is_said_before_the_first_deposit() -> None:
    """S41: four rounds and the grace."""
    assert "after 49 days by your own transactions" in exit_in_words(PARAMETERS)


def test_rows_of_splits_and_schedule() -> None:
    (first, second) = split_rows({3: ((POOL, 10_000),)}, [0])
    assert first[0] == "earnings of model 0"
    assert first[1].startswith("100.00% back to model 0 (the default)")
    assert second == ("earnings of model 3", "100.00% to the pool")
    assert schedule_rows([Release(NMR, START, START + 9)]) == [
        (
            "1.000000000 NMR in all",
            "not before 2023-11-14 22:13:20 UTC; from 2023-11-14 22:13:30 UTC on by itself",
        )
    ]
