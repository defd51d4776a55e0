"""pay(requests, due_accounts, signatures)"""

from dataclasses import replace
from typing import Any

import boa
import pytest

from sluice.ledger import Skip
from sluice.words import Entry
from tests.escrow_world import (
    FIRST_PASS,
    FORTNIGHT,
    START,
    WEEK,
    ZERO_ADDRESS,
    World,
    deploy_world,
    item,
    nano,
    refuses,
    role_address,
    set_time,
)
from tests.gas_limits import REVERTED, least_gas, outcomes
from tests.hostile import (
    BAD_SIGNATURES,
    CUT_SHORT,
    bad_signature,
    calls_to,
)
from tests.messages import Withdrawal, packed_by_code, packed_signatures

# what pay leaves for each transfer, and how much has to be left before it
TRANSFER_GAS = 100_000


@pytest.mark.parametrize("role", ["owner", "guardian", "staker", "stranger"])
def test_pay_refuses_everybody_but_the_operator(world: World, role: str) -> None:
    with refuses("caller: only the operator"):
        world.escrow.pay([], [], b"", sender=world.watched[role])


def test_pay_refuses_periods_beyond_the_counter(world: World, operator: str) -> None:
    set_time(START + 1_023 * FORTNIGHT)

    with refuses("pay: periods are at their end, use withdraw()"):
        world.escrow.pay([], [], b"", sender=operator)


def test_pay_works_in_the_last_period_of_the_counter(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=10)
    set_time(START + 1_023 * FORTNIGHT - 1)
    request = Withdrawal(staker, 4, 1_023)

    assert world.pay(world.signed(request, "staker")) == [(4, Skip.PAID)]
    assert world.period(staker) == 1_023


def test_pay_refuses_an_empty_batch(world: World, operator: str) -> None:
    with refuses("pay: give 1 to 256 items"):
        world.escrow.pay([], [], b"", sender=operator)


def test_pay_refuses_more_items_than_a_batch_holds(
    world: World, staker: str, operator: str
) -> None:
    request = Withdrawal(staker, 4, 1)

    with refuses("pay: give 1 to 256 items"):
        world.escrow.pay([request.word()] * 56, [staker] * 201, bytes(112), sender=operator)


@pytest.mark.parametrize("cut", [1, 31, 32, 33, 64])
def test_pay_refuses_fewer_signatures_than_requests(
    world: World, staker: str, operator: str, cut: int
) -> None:
    request = Withdrawal(staker, 4, 1)
    signatures = packed_signatures([world.sign(request, "staker")])

    with refuses("signatures: give one for each message"):
        world.escrow.pay([request.word()], [], signatures[:-cut], sender=operator)


@pytest.mark.parametrize("signatures", CUT_SHORT, ids=lambda cut: f"{len(cut)} bytes")
def test_pay_refuses_a_signature_that_is_cut_short(
    world: World, staker: str, operator: str, signatures: bytes
) -> None:
    """Also behind a whole one, and of a request that would be skipped."""
    request = Withdrawal(staker, 4, 2)
    whole = packed_signatures([world.sign(request, "staker")])

    for count, given in ((1, signatures), (2, whole + signatures)):
        with refuses("signatures: give one for each message"):
            world.escrow.pay([request.word()] * count, [], given, sender=operator)


@pytest.mark.parametrize("extra", [b"\x00", b"\x01" * 32, packed_by_code(b"")])
def test_pay_refuses_more_signatures_than_requests(
    world: World, staker: str, operator: str, extra: bytes
) -> None:
    request = Withdrawal(staker, 4, 1)
    signatures = packed_signatures([world.sign(request, "staker")]) + extra

    with refuses("signatures: more than messages"):
        world.escrow.pay([request.word()], [], signatures, sender=operator)


@pytest.mark.parametrize(
    ("size", "refusal"), [(18_432, "signatures: more than messages"), (18_433, "")]
)
def test_pay_reads_as_many_bytes_of_signatures_as_it_says(
    world: World, staker: str, operator: str, size: int, refusal: str
) -> None:
    """72 for each of 256 requests; more of them is no call."""
    request = Withdrawal(staker, 4, 1)
    signatures = packed_signatures([world.sign(request, "staker")]).ljust(size, b"\1")

    with refuses(refusal):
        world.escrow.pay([request.word()], [], signatures, sender=operator)


def test_pay_pays_to_the_accounts_own_address_and_uses_the_turn(
    world: World, staker: str, other_staker: str
) -> None:
    """S20: one free withdrawal in each period, no gas for the user, always to the own address."""
    world.stake(other_staker, {0: 5}, pool_nano=7)
    others = world.words(other_staker)
    world.stake(staker, {0: 11}, pool_nano=13)
    request = Withdrawal(staker, 4, 1)
    signature = world.sign(request, "staker")

    with world.moves(staker=nano(4), escrow=-nano(4)):
        world.escrow.pay(
            [request.word()], [], packed_signatures([signature]), sender=role_address("operator")
        )

    assert world.events() == [
        (
            "FreeWithdrawals",
            {"period": 1, "items": [item(staker, 4, Skip.PAID)], "time": START},
        )
    ]
    assert (world.pool_nano(staker), world.stakes_nano(staker)) == (9, {0: 11})
    assert world.period(staker) == 1
    assert world.lens.position(staker).nonce == 0
    assert world.words(other_staker) == others


def test_pay_takes_the_maximum_value_as_all_that_is_withdrawable(world: World, staker: str) -> None:
    world.stake(staker, {0: 10**9})
    world.run_pass(FIRST_PASS, [Entry(staker)])
    world.escrow.leave(sender=staker)
    free = world.withdrawable_nano(staker)
    request = Withdrawal(staker, None, 1, deadline=START + FORTNIGHT)

    with world.moves(staker=nano(free), escrow=-nano(free)):
        assert world.pay(world.signed(request, "staker")) == [(free, Skip.PAID)]

    assert world.withdrawable_nano(staker) == 0


def test_pay_of_a_second_request_waits_for_the_next_period(world: World, staker: str) -> None:
    """S20: a second one waits."""
    world.stake(staker, {}, pool_nano=13)
    first, second = Withdrawal(staker, 4, 1), Withdrawal(staker, 5, 1)
    next_one = Withdrawal(staker, 5, 2)

    paid = world.pay(world.signed(first, "staker"), world.signed(second, "staker"))
    assert paid == [(4, Skip.PAID), (0, Skip.TURN_USED)]

    set_time(START + FORTNIGHT)
    assert world.pay(world.signed(first, "staker")) == [(0, Skip.TURN_USED)]
    assert world.pay(world.signed(next_one, "staker")) == [(5, Skip.PAID)]
    assert world.pool_nano(staker) == 4


@pytest.mark.parametrize(("first", "second"), [(1, 2), (3, 4), (5, 8), (7, 1_016)])
def test_pay_remembers_the_period_and_nothing_of_the_one_before(
    world: World, staker: str, first: int, second: int
) -> None:
    """S20: whatever bits the two have in common, the next turn comes with the next period."""
    world.stake(staker, {}, pool_nano=13)
    for period in (first, second, second + 1):
        set_time(START + (period - 1) * FORTNIGHT)
        request = Withdrawal(staker, 4, period)

        assert world.pay(world.signed(request, "staker")) == [(4, Skip.PAID)]
        assert world.period(staker) == period


def test_pay_skips_a_period_to_come_and_takes_an_older_one(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=13)
    early = Withdrawal(staker, 4, 3)
    signed = world.signed(early, "staker")

    set_time(START + FORTNIGHT)
    with world.unchanged():
        assert world.pay(signed) == [(0, Skip.PERIOD_TO_COME)]
    set_time(START + 4 * FORTNIGHT)

    assert world.pay(signed) == [(4, Skip.PAID)]
    # the turn of the period that it is, not of the one that was named
    assert world.period(staker) == 5
    again = Withdrawal(staker, 4, 5)
    assert world.pay(world.signed(again, "staker")) == [(0, Skip.TURN_USED)]


def test_pay_skips_an_expired_request(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=13)
    request = Withdrawal(staker, 4, 1, deadline=START + 100)
    signed = world.signed(request, "staker")

    set_time(START + 101)
    with world.unchanged():
        assert world.pay(signed) == [(0, Skip.EXPIRED)]
    set_time(START + 100)
    assert world.pay(signed) == [(4, Skip.PAID)]


@pytest.mark.parametrize("amount", [0, None])
def test_pay_skips_a_request_of_nothing(world: World, staker: str, amount: int | None) -> None:
    world.stake(staker, {0: 13})
    request = Withdrawal(staker, amount, 1)

    with world.unchanged():
        paid = world.pay(world.signed(request, "staker"))
    assert paid == [(0, Skip.NOTHING_WITHDRAWABLE)]


def test_pay_skips_a_fixed_amount_above_what_is_withdrawable_and_pays_no_part(
    world: World, staker: str
) -> None:
    world.stake(staker, {0: 5}, pool_nano=13)
    request = Withdrawal(staker, 14, 1)

    with world.unchanged():
        paid = world.pay(world.signed(request, "staker"))
    assert paid == [(0, Skip.ABOVE_WITHDRAWABLE)]

    # it kept its turn
    smaller = Withdrawal(staker, 13, 1)
    assert world.pay(world.signed(smaller, "staker")) == [(13, Skip.PAID)]


def test_pay_never_pays_what_open_rounds_lock(world: World, staker: str) -> None:
    """N2: a free withdrawal obeys the same bound as any other."""
    world.stake(staker, {0: 10**9})
    world.run_pass(FIRST_PASS, [Entry(staker)])
    world.escrow.leave(sender=staker)
    free = world.withdrawable_nano(staker)
    request = Withdrawal(staker, free + 1, 1)

    with world.unchanged():
        paid = world.pay(world.signed(request, "staker"))
    assert paid == [(0, Skip.ABOVE_WITHDRAWABLE)]


@pytest.mark.parametrize("kind", BAD_SIGNATURES)
def test_pay_skips_a_bad_signature_and_pays_the_others(
    world: World, staker: str, other_staker: str, kind: str
) -> None:
    """N10 N19: nobody creates a request in another's name, and a bad one never blocks a batch."""
    world.stake(staker, {}, pool_nano=13)
    world.stake(other_staker, {}, pool_nano=17)
    bad, good = Withdrawal(staker, 4, 1), Withdrawal(other_staker, 5, 1)
    words = world.words(staker)

    with world.moves(other_staker=nano(5), escrow=-nano(5)):
        paid = world.pay((bad, bad_signature(world, bad, kind)), world.signed(good, "other_staker"))

    assert paid == [(0, Skip.SIGNATURE), (5, Skip.PAID)]
    assert world.words(staker) == words


def test_pay_skips_the_zero_address_whatever_recovers_to_it(world: World, staker: str) -> None:
    nobody = Withdrawal(ZERO_ADDRESS, 4, 1)

    with world.unchanged():
        paid = world.pay((nobody, bytes(64) + b"\x1b"), world.signed(nobody, "staker"))
    assert paid == [(0, Skip.SIGNATURE)] * 2


@pytest.mark.parametrize("changed", ["amount", "period", "deadline", "account"])
def test_pay_skips_a_request_that_was_changed_after_it_was_signed(
    world: World, staker: str, other_staker: str, changed: str
) -> None:
    """N12: the signature covers account, amount, period and deadline."""
    for account in (staker, other_staker):
        world.stake(account, {}, pool_nano=13)
    set_time(START + FORTNIGHT)
    signed = Withdrawal(staker, 4, 1, START + 2 * FORTNIGHT)
    sent = {
        "amount": Withdrawal(staker, 5, 1, START + 2 * FORTNIGHT),
        "period": Withdrawal(staker, 4, 2, START + 2 * FORTNIGHT),
        "deadline": Withdrawal(staker, 4, 1, START + 3 * FORTNIGHT),
        "account": Withdrawal(other_staker, 4, 1, START + 2 * FORTNIGHT),
    }[changed]

    with world.unchanged():
        assert world.pay((sent, world.sign(signed, "staker"))) == [(0, Skip.SIGNATURE)]


@pytest.mark.parametrize("eats_gas", [True, False])
def test_pay_skips_a_payee_whose_transfer_fails_and_pays_the_others(
    trap: World, staker: str, other_staker: str, stranger: str, eats_gas: bool
) -> None:
    """N10: a payee that cannot be paid never blocks a batch, and keeps its NMR and its turn."""
    accounts = {"staker": staker, "other_staker": other_staker, "stranger": stranger}
    for account in accounts.values():
        trap.stake(account, {}, pool_nano=13)
    trap.token.set_trap(other_staker, eats_gas)
    words = trap.words(other_staker)
    requests = [Withdrawal(account, 4, 1) for account in accounts.values()]
    signed = [trap.signed(request, role) for request, role in zip(requests, accounts, strict=True)]

    with trap.moves(staker=nano(4), stranger=nano(4), escrow=-nano(8)):
        paid = trap.pay(*signed)

    assert paid == [(4, Skip.PAID), (0, Skip.TRANSFER_FAILED), (4, Skip.PAID)]
    assert trap.words(other_staker) == words

    # once it can be paid, the same request goes through
    trap.token.set_trap(ZERO_ADDRESS, False)
    assert trap.pay(signed[1]) == [(4, Skip.PAID)]


def test_pay_skips_a_transfer_that_answers_false(staker: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/FalseToken.vy")
        world.stake(staker, {}, pool_nano=13)
        world.token.set_refusing(True)
        request = Withdrawal(staker, 4, 1)

        with world.unchanged():
            paid = world.pay(world.signed(request, "staker"))
        assert paid == [(0, Skip.TRANSFER_FAILED)]


def test_pay_reverts_rather_than_skip_for_want_of_gas(trap: World, staker: str) -> None:
    """Whatever gas the operator sends, an item is paid or the transaction reverts: nobody can make
    a transfer fail by giving it too little."""
    trap.stake(staker, {}, pool_nano=13)
    request = Withdrawal(staker, 4, 1)
    signed = trap.signed(request, "staker")

    def pay(gas: int) -> tuple[int, Skip]:
        return trap.pay(signed, gas=gas)[0]

    assert outcomes(pay, range(40_000, 400_000, 6_000)) == {REVERTED, (4, Skip.PAID)}


def test_pay_gives_the_token_all_of_its_gas_or_reverts(world: World, staker: str) -> None:
    """At the very border the transfer still has all of its cap."""
    world.stake(staker, {}, pool_nano=13)
    signed = world.signed(Withdrawal(staker, 4, 1), "staker")

    def pay(gas: int) -> tuple[int, Skip]:
        (paid,) = world.pay(signed, gas=gas)
        (call,) = calls_to(world, str(world.token.address))
        assert call.msg.gas == TRANSFER_GAS
        return paid

    border = least_gas(pay, 40_000, 400_000)
    assert outcomes(pay, range(border, border + 500, 17)) == {(4, Skip.PAID)}
    assert outcomes(pay, range(border - 1, border - 500, -17)) == {REVERTED}


def test_pay_says_when_too_little_gas_is_left(trap: World, staker: str, operator: str) -> None:
    trap.stake(staker, {}, pool_nano=13)
    request = Withdrawal(staker, 4, 1)
    signatures = packed_signatures([trap.sign(request, "staker")])

    with refuses("gas: too little left for the next item, send more"):
        trap.escrow.pay([request.word()], [], signatures, sender=operator, gas=TRANSFER_GAS + 6_000)


def test_pay_lets_no_call_in_while_the_token_is_called(staker: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/ReentrantToken.vy")
        world.stake(staker, {}, pool_nano=13)
        world.token.arm(world.escrow, world.escrow.leave.prepare_calldata())
        request = Withdrawal(staker, 4, 1)

        with world.moves(staker=nano(4), escrow=-nano(4)):
            assert world.pay(world.signed(request, "staker")) == [(4, Skip.PAID)]

        assert (world.token.attempts(), world.token.successes()) == (1, 0)


def test_pay_takes_256_requests_in_a_batch(world: World, staker: str, operator: str) -> None:
    world.stake(staker, {}, pool_nano=13)
    request = Withdrawal(staker, 4, 1)
    signatures = packed_signatures([world.sign(request, "staker")] * 256)

    world.escrow.pay([request.word()] * 256, [], signatures, sender=operator)

    ((_, fields),) = world.events()
    skips = [Skip(word >> 216) for word in fields["items"]]
    assert skips == [Skip.PAID] + [Skip.TURN_USED] * 255


def test_pay_skips_due_accounts_after_the_requests_while_nothing_is_due(
    world: World, staker: str, other_staker: str, operator: str
) -> None:
    for account in (staker, other_staker):
        world.stake(account, {}, pool_nano=13)
    request = Withdrawal(staker, 4, 1)
    signatures = packed_signatures([world.sign(request, "staker")])

    with world.moves(staker=nano(4), escrow=-nano(4)):
        world.escrow.pay([request.word()], [other_staker], signatures, sender=operator)

    ((_, fields),) = world.events()
    assert fields["items"] == [
        item(staker, 4, Skip.PAID),
        item(other_staker, 0, Skip.NOTHING_DUE),
    ]
    assert world.period(other_staker) == 0


def test_pay_names_the_first_thing_that_is_wrong(world: World, staker: str) -> None:
    """One request with everything wrong, put right step by step."""
    world.stake(staker, {}, pool_nano=13)
    world.escrow.cancel_withdrawal(sender=staker)
    wrong = Withdrawal(staker, 14, 1, deadline=START - 1)
    steps: list[tuple[dict[str, Any], Skip]] = [
        ({}, Skip.TURN_USED),
        ({"period": 2}, Skip.PERIOD_TO_COME),
        ({}, Skip.EXPIRED),
        ({"deadline": None}, Skip.SIGNATURE),
        ({}, Skip.ABOVE_WITHDRAWABLE),
        ({"amount_nano": 0}, Skip.NOTHING_WITHDRAWABLE),
    ]
    for step, (change, skip) in enumerate(steps):
        wrong = replace(wrong, **change)
        if skip is Skip.EXPIRED:
            set_time(START + FORTNIGHT)
        with world.unchanged():
            signer = "staker" if step > 3 else "stranger"
            assert world.pay(world.signed(wrong, signer)) == [(0, skip)]


@pytest.mark.parametrize("stakes", [{0: 10**9}, {0: 10**9, 5: 10**9}, {64: 10**9}])
def test_pay_pays_whatever_is_withdrawable_and_no_more(
    world: World, staker: str, stakes: dict[int, int]
) -> None:
    """N2: also where the account word alone does not tell that it is covered; with rounds open,
    done and past their deadline."""
    world.stake(staker, stakes, pool_nano=10**8)
    for number in range(FIRST_PASS, FIRST_PASS + 6):
        world.run_pass(number, [Entry(staker)])
    world.escrow.set_stakes(list(stakes), [nano(10**7)] * len(stakes), sender=staker)
    for weeks in range(6):
        set_time(START + (9 + weeks) * WEEK)
        period = world.lens.current_period()
        free = world.withdrawable_nano(staker)
        for amount, expected in (
            (free, (free, Skip.PAID)),
            (free - 1, (free - 1, Skip.PAID)),
            (None, (free, Skip.PAID)),
            (free + 1, (0, Skip.ABOVE_WITHDRAWABLE)),
        ):
            request = Withdrawal(staker, amount, period)
            with boa.env.anchor():
                assert world.pay(world.signed(request, "staker")) == [expected]
