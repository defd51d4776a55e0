"""The fortnight's batch as a plan, without a chain."""

from dataclasses import replace

import pytest
from eth_account import Account as Keys
from hypothesis import given
from hypothesis import strategies as st

from sluice.account import Account
from sluice.errors import Refused
from sluice.instructions import MAX_ITEMS, NEVER, Domain, SignedRequest, request, sign
from sluice.ledger import ALL, Ledger
from sluice.parameters import PERIOD_S, Parameters
from sluice.paying import (
    BATCH_GAS,
    CALL_GAS,
    ITEM_GAS,
    Batch,
    Expected,
    Kind,
    batches,
    expect,
    item_gas,
)
from sluice.relay.store import State, Stored
from sluice.words import MAX_PERIOD

KEY = Keys.from_key("0x" + "07" * 32)
OTHER_KEY = Keys.from_key("0x" + "09" * 32)
DOMAIN = Domain(1, "0x" + "5C" * 20)
PARAMETERS = Parameters(first_pass=10, first_pass_time=10**9, deployed_at=0)
NOW = 3 * PERIOD_S + 5
"""In period 4."""


def book(**account: object) -> Ledger:
    """Two accounts with 10 nano in the pool, last paid in period 2."""
    made = Ledger(PARAMETERS)
    for key in (KEY, OTHER_KEY):
        made.accounts[key.address] = Account(pool_nano=10, period=2)
    for name, value in account.items():
        setattr(made.accounts[KEY.address], name, value)
    return made


def signed(
    amount_nano: int = 4, period: int = 3, deadline: int = NEVER, key: Keys = KEY
) -> SignedRequest:
    return sign(request(key.address, amount_nano, period, deadline), DOMAIN, key)


def kept(*asked: SignedRequest, by_key: bool = True) -> list[Stored]:
    return [
        Stored(number, each, by_key, State.PENDING, None, None, None)
        for number, each in enumerate(asked)
    ]


def expected(
    *asked: SignedRequest,
    ledger: Ledger | None = None,
    good: bool = True,
    due: tuple[str, ...] = (),
    min_due_nano: int = 0,
) -> list[tuple[str | None, int]]:
    stored = kept(*asked)
    numbers = {each.number for each in stored} if good else set()
    found = expect(stored, numbers, due, min_due_nano, ledger or book(), NOW)
    return [(each.reason, each.paid_nano) for each in found]


@pytest.mark.parametrize(
    ("asked", "changes", "outcome"),
    [
        (signed(), {}, (None, 4)),
        (signed(ALL), {}, (None, 10)),
        (signed(10), {}, (None, 10)),
        (signed(11), {}, ("above withdrawable", 0)),
        (signed(ALL), {"pool_nano": 0}, ("nothing withdrawable", 0)),
        (signed(4, 2), {}, ("turn used", 0)),
        (signed(4, 4), {"period": 4}, ("turn used", 0)),
        (signed(4, 4), {}, (None, 4)),
        (signed(4, 5), {}, ("period to come", 0)),
        (signed(4, 3, NOW), {}, (None, 4)),
        (signed(4, 3, NOW - 1), {}, ("expired", 0)),
    ],
)
def test_expect_says_what_the_contract_would(
    asked: SignedRequest, changes: dict[str, int], outcome: tuple[str | None, int]
) -> None:
    assert expected(asked, ledger=book(**changes)) == [outcome]
    # a signature is asked for once the time is right, whatever the amount
    unsigned = (
        outcome[0] if outcome[0] in ("turn used", "period to come", "expired") else "signature"
    )
    assert expected(asked, ledger=book(**changes), good=False) == [(unsigned, 0)]


def test_expect_pays_an_account_once_a_period() -> None:
    """S20: the second request of an account finds its turn used; one that is skipped uses none."""
    asked = [signed(11), signed(1), signed(2), signed(3, key=OTHER_KEY)]

    assert expected(*asked) == [
        ("above withdrawable", 0),
        (None, 1),
        ("turn used", 0),
        (None, 3),
    ]


def test_what_is_due_goes_behind_requests() -> None:
    """S26, N21: no signature; an account whose request is paid has used its turn, and the rest of
    what is due waits; a request that is left out does not cost the turn."""
    due = (KEY.address, OTHER_KEY.address)
    ledger = book(due_nano=6)
    ledger.accounts[OTHER_KEY.address].due_nano = 5

    assert expected(signed(4), due=due, ledger=ledger) == [(None, 4), ("turn used", 0), (None, 5)]
    again = expected(signed(11), due=due, ledger=book(due_nano=6))
    assert again == [("above withdrawable", 0), (None, 6), ("nothing due", 0)]


def test_due_is_never_held_back_by_what_is_at_risk() -> None:
    """S5: it leaves as it is, though nothing else could."""
    ledger = book(due_nano=6, risks_units={10: 2**20}, round_number=9)

    assert ledger.withdrawable_nano(KEY.address, NOW) == 6
    assert expected(signed(7), due=(KEY.address,), ledger=ledger) == [
        ("above withdrawable", 0),
        (None, 6),
    ]


def test_due_below_the_floor_waits() -> None:
    """N11: the floor is of what is due only, and exact."""
    assert expected(due=(KEY.address,), ledger=book(due_nano=6), min_due_nano=7) == [
        ("below the floor", 0)
    ]
    assert expected(due=(KEY.address,), ledger=book(due_nano=6), min_due_nano=6) == [(None, 6)]
    assert expected(signed(1), ledger=book(), min_due_nano=7) == [(None, 1)]


def test_after_the_last_period_nothing_is_paid() -> None:
    with pytest.raises(Refused, match="periods are at their end"):
        expect(kept(signed()), {0}, [], 0, book(), MAX_PERIOD * PERIOD_S)


def items(requests: int, due: int, by_key: bool = True) -> list[Expected]:
    stored = kept(*[signed()] * requests, by_key=by_key)
    return [Expected(KEY.address, each, 1, None) for each in stored] + [
        Expected(f"0x{number:040x}", None, 1, None) for number in range(due)
    ]


@given(st.integers(0, 500), st.integers(0, 500))
def test_batches_fit_a_transaction(requests: int, due: int) -> None:
    """Everything once, in order, requests first; never too many, never too dear."""
    planned = items(requests, due)

    made = batches(planned)

    assert [each for batch in made for each in batch.requests] == [
        each.stored for each in planned[:requests]
    ]
    assert [each for batch in made for each in batch.due_accounts] == [
        each.account for each in planned[requests:]
    ]
    for batch in made:
        gas = sum(map(item_gas, items(len(batch.requests), len(batch.due_accounts))))
        assert 0 < len(batch) <= MAX_ITEMS
        assert gas + CALL_GAS <= BATCH_GAS


def test_what_is_left_out_is_not_in_a_batch_and_wallets_cost_more() -> None:
    left_out = [replace(each, reason="signature") for each in items(3, 0)]
    dearer = item_gas(items(1, 0, by_key=False)[0]) - item_gas(items(1, 0)[0])

    assert batches(left_out) == []
    assert dearer == 200_000
    assert item_gas(items(0, 1)[0]) == ITEM_GAS
    assert {each.kind for each in items(1, 1)} == {Kind.REQUEST, Kind.DUE}


@given(st.integers(0, 9), st.integers(0, 9))
def test_a_batch_is_halved_without_loss(requests: int, due: int) -> None:
    (batch,) = batches(items(requests, due)) or [Batch((), ())]
    first, second = batch.halves()

    assert first.requests + second.requests == batch.requests
    assert first.due_accounts + second.due_accounts == batch.due_accounts
    assert abs(len(first) - len(second)) <= 1
    if first.due_accounts:
        assert not second.requests
