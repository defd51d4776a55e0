"""The fortnight's batch as a plan, without a chain."""

from dataclasses import replace

import pytest
from eth_account import Account

from sluice.instructions import NEVER, Domain, SignedRequest, request, sign
from sluice.ledger import ALL, Position, Skip
from sluice.paying import BATCH_GAS, CALL_GAS, ITEM_GAS, batches, expect

KEY = Account.from_key("0x" + "07" * 32)
OTHER_KEY = Account.from_key("0x" + "09" * 32)
DOMAIN = Domain(1, "0x" + "5C" * 20)
POSITION = Position(10, 5, 3, 7, 0, 0, None, 2)


def signed(
    amount_nano: int = 4, period: int = 3, deadline: int = NEVER, key: Account = KEY
) -> SignedRequest:
    return sign(request(key.address, amount_nano, period, deadline), DOMAIN, key)


def expected(asked: SignedRequest, **changes: int) -> tuple[Skip, int]:
    positions = {KEY.address: replace(POSITION, **changes)}
    (found,) = expect([asked], positions, 4, 1_000)
    return found.skip, found.paid_nano


@pytest.mark.parametrize(
    ("asked", "changes", "outcome"),
    [
        (signed(), {}, (Skip.PAID, 4)),
        (signed(ALL), {}, (Skip.PAID, 7)),
        (signed(7), {}, (Skip.PAID, 7)),
        (signed(8), {}, (Skip.ABOVE_WITHDRAWABLE, 0)),
        (signed(ALL), {"withdrawable_nano": 0}, (Skip.NOTHING_WITHDRAWABLE, 0)),
        (signed(4, 2), {}, (Skip.TURN_USED, 0)),
        (signed(4, 4), {"period": 4}, (Skip.TURN_USED, 0)),
        (signed(4, 4), {}, (Skip.PAID, 4)),
        (signed(4, 5), {}, (Skip.PERIOD_TO_COME, 0)),
        (signed(4, 3, 1_000), {}, (Skip.PAID, 4)),
        (signed(4, 3, 999), {}, (Skip.EXPIRED, 0)),
        (replace(signed(4, 2, 1), signature=b""), {}, (Skip.SIGNATURE, 0)),
    ],
)
def test_expect_says_what_the_contract_would(
    asked: SignedRequest, changes: dict[str, int], outcome: tuple[Skip, int]
) -> None:
    """The reasons in the contract's own order."""
    assert expected(asked, **changes) == outcome


def test_expect_pays_an_account_once_a_period() -> None:
    """S20: the second request of an account finds its turn used; one that is skipped uses none."""
    positions = {KEY.address: POSITION, OTHER_KEY.address: POSITION}
    stored = [signed(8), signed(1), signed(2), signed(3, key=OTHER_KEY)]

    found = expect(stored, positions, 4, 1_000)

    assert [each.skip for each in found] == [
        Skip.ABOVE_WITHDRAWABLE,
        Skip.PAID,
        Skip.TURN_USED,
        Skip.PAID,
    ]
    assert batches(found) == [[stored[1], stored[3]]]


def test_batches_fit_a_transaction() -> None:
    (one,) = expect([signed()], {KEY.address: POSITION}, 4, 1_000)
    size = (BATCH_GAS - CALL_GAS) // ITEM_GAS

    assert [len(batch) for batch in batches([one] * (2 * size + 1))] == [size, size, 1]
    assert batches([]) == []
