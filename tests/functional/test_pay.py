"""pay(requests, due_accounts, signatures)"""

from collections.abc import Iterator
from typing import Any

import boa
import pytest

from sluice.ledger import Skip
from sluice.words import SPLIT_PLACE, WALLET, Entry, unpack_account, unpack_split
from tests.escrow_world import (
    FIRST_PASS,
    FORTNIGHT,
    MAX,
    START,
    ZERO_ADDRESS,
    World,
    deploy_world,
    item,
    nano,
    refuses,
    role_address,
    set_time,
)
from tests.hostile import (
    BAD_SIGNATURES,
    HOSTILE_WALLETS,
    REVERTS,
    WALLET_GAS,
    bad_signature,
    calls_to,
    make_hostile,
)
from tests.messages import Withdrawal, packed_signatures

# what pay leaves for each transfer, and how much has to be left before it
TRANSFER_GAS = 100_000


@pytest.fixture
def trap() -> Iterator[World]:
    """An escrow on a token that fails for a chosen payee."""
    with boa.env.anchor():
        yield deploy_world("test/GasEaterToken.vy")


def period_of(world: World, account: str) -> int:
    """The last period in which the account was paid."""
    return unpack_account(world.words(account).get(0, 0)).period


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

    assert world.pay((request, world.sign(request, "staker"))) == [(4, Skip.PAID)]
    assert period_of(world, staker) == 1_023


def test_pay_refuses_an_empty_batch(world: World, operator: str) -> None:
    with refuses("pay: give 1 to 256 items"):
        world.escrow.pay([], [], b"", sender=operator)


def test_pay_refuses_more_items_than_a_batch_holds(
    world: World, staker: str, operator: str
) -> None:
    request = Withdrawal(staker, 4, 1)

    with refuses("pay: give 1 to 256 items"):
        world.escrow.pay([request.word()] * 56, [staker] * 201, bytes(112), sender=operator)


@pytest.mark.parametrize("cut", [1, 64, 65, 66, 67])
def test_pay_refuses_fewer_signatures_than_requests(
    world: World, staker: str, operator: str, cut: int
) -> None:
    request = Withdrawal(staker, 4, 1)
    signatures = packed_signatures([world.sign(request, "staker")])

    with refuses("signatures: give one for each message"):
        world.escrow.pay([request.word()], [], signatures[:-cut], sender=operator)


def test_pay_refuses_more_signatures_than_requests(
    world: World, staker: str, operator: str
) -> None:
    request = Withdrawal(staker, 4, 1)
    signatures = packed_signatures([world.sign(request, "staker"), b""])

    with refuses("signatures: more than messages"):
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
    assert period_of(world, staker) == 1
    assert world.lens.position(staker).nonce == 0
    assert world.words(other_staker) == others


def test_pay_takes_the_maximum_value_as_all_that_is_withdrawable(world: World, staker: str) -> None:
    world.stake(staker, {0: 10**9})
    world.run_pass(FIRST_PASS, [Entry(staker)])
    world.escrow.leave(sender=staker)
    free = world.withdrawable_nano(staker)
    request = Withdrawal(staker, None, 1, deadline=START + FORTNIGHT)

    with world.moves(staker=nano(free), escrow=-nano(free)):
        assert world.pay((request, world.sign(request, "staker"))) == [(free, Skip.PAID)]

    assert world.withdrawable_nano(staker) == 0


def test_pay_of_a_second_request_waits_for_the_next_period(world: World, staker: str) -> None:
    """S20: a second one waits."""
    world.stake(staker, {}, pool_nano=13)
    first, second = Withdrawal(staker, 4, 1), Withdrawal(staker, 5, 1)
    next_one = Withdrawal(staker, 5, 2)

    paid = world.pay((first, world.sign(first, "staker")), (second, world.sign(second, "staker")))
    assert paid == [(4, Skip.PAID), (0, Skip.TURN_USED)]

    set_time(START + FORTNIGHT)
    assert world.pay((first, world.sign(first, "staker"))) == [(0, Skip.TURN_USED)]
    assert world.pay((next_one, world.sign(next_one, "staker"))) == [(5, Skip.PAID)]
    assert world.pool_nano(staker) == 4


def test_pay_skips_a_period_to_come_and_takes_an_older_one(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=13)
    early = Withdrawal(staker, 4, 3)
    signed = (early, world.sign(early, "staker"))

    set_time(START + FORTNIGHT)
    with world.unchanged():
        assert world.pay(signed) == [(0, Skip.PERIOD_TO_COME)]
    set_time(START + 4 * FORTNIGHT)

    assert world.pay(signed) == [(4, Skip.PAID)]
    # the turn of the period that it is, not of the one that was named
    assert period_of(world, staker) == 5
    again = Withdrawal(staker, 4, 5)
    assert world.pay((again, world.sign(again, "staker"))) == [(0, Skip.TURN_USED)]


def test_pay_skips_an_expired_request(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=13)
    request = Withdrawal(staker, 4, 1, deadline=START + 100)
    signed = (request, world.sign(request, "staker"))

    set_time(START + 101)
    with world.unchanged():
        assert world.pay(signed) == [(0, Skip.EXPIRED)]
    set_time(START + 100)
    assert world.pay(signed) == [(4, Skip.PAID)]


@pytest.mark.parametrize("amount", [0, None])
def test_pay_skips_nothing(world: World, staker: str, amount: int | None) -> None:
    world.stake(staker, {0: 13})
    request = Withdrawal(staker, amount, 1)

    with world.unchanged():
        paid = world.pay((request, world.sign(request, "staker")))
    assert paid == [(0, Skip.NOTHING_WITHDRAWABLE)]


def test_pay_skips_a_fixed_amount_above_what_is_withdrawable_and_pays_no_part(
    world: World, staker: str
) -> None:
    world.stake(staker, {0: 5}, pool_nano=13)
    request = Withdrawal(staker, 14, 1)

    with world.unchanged():
        paid = world.pay((request, world.sign(request, "staker")))
    assert paid == [(0, Skip.ABOVE_WITHDRAWABLE)]

    # it kept its turn
    smaller = Withdrawal(staker, 13, 1)
    assert world.pay((smaller, world.sign(smaller, "staker"))) == [(13, Skip.PAID)]


def test_pay_never_pays_what_open_rounds_lock(world: World, staker: str) -> None:
    """N2: a free withdrawal obeys the same bound as any other."""
    world.stake(staker, {0: 10**9})
    world.run_pass(FIRST_PASS, [Entry(staker)])
    world.escrow.leave(sender=staker)
    free = world.withdrawable_nano(staker)
    request = Withdrawal(staker, free + 1, 1)

    with world.unchanged():
        paid = world.pay((request, world.sign(request, "staker")))
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
        paid = world.pay(
            (bad, bad_signature(world, bad, kind)), (good, world.sign(good, "other_staker"))
        )

    assert paid == [(0, Skip.SIGNATURE), (5, Skip.PAID)]
    assert world.words(staker) == words


def test_pay_skips_the_zero_address_whatever_recovers_to_it(world: World, staker: str) -> None:
    nobody = Withdrawal(ZERO_ADDRESS, 4, 1)

    with world.unchanged():
        paid = world.pay((nobody, bytes(64) + b"\x1b"), (nobody, world.sign(nobody, "staker")))
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
    signed = [
        (request, trap.sign(request, role))
        for request, role in zip(requests, accounts, strict=True)
    ]

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
            paid = world.pay((request, world.sign(request, "staker")))
        assert paid == [(0, Skip.TRANSFER_FAILED)]


def test_pay_reverts_rather_than_skip_for_want_of_gas(trap: World, staker: str) -> None:
    """Whatever gas the operator sends, an item is paid or the transaction reverts: nobody can make
    a transfer fail by giving it too little."""
    trap.stake(staker, {}, pool_nano=13)
    request = Withdrawal(staker, 4, 1)
    signed = (request, trap.sign(request, "staker"))
    outcomes = set()
    for gas in range(40_000, 400_000, 6_000):
        with boa.env.anchor():
            try:
                outcomes.add(trap.pay(signed, gas=gas)[0])
            except boa.BoaError:
                outcomes.add("reverted")

    assert outcomes == {"reverted", (4, Skip.PAID)}


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
            assert world.pay((request, world.sign(request, "staker"))) == [(4, Skip.PAID)]

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
    assert period_of(world, other_staker) == 0


# --- contract wallets -----------------------------------------------------------------------------


def test_pay_takes_the_request_of_a_contract_wallet(world: World, wallet: Any) -> None:
    """S20 N19: an account may be a contract; its own rule says who signs for it."""
    account = wallet.address.lower()
    world.stake(account, {}, pool_nano=13)
    request = Withdrawal(account, 4, 1)

    with world.unchanged():
        assert world.pay((request, world.sign(request, "stranger"))) == [(0, Skip.SIGNATURE)]
    with world.moves(wallet=nano(4), escrow=-nano(4)):
        assert world.pay((request, world.sign(request, "staker"))) == [(4, Skip.PAID)]

    (call,) = calls_to(world, account)
    assert (call.msg.is_static, call.msg.gas, call.msg.value) == (True, WALLET_GAS, 0)
    assert period_of(world, account) == 1


# one of them destroys itself, of which py-evm warns
@pytest.mark.filterwarnings("ignore:SELFDESTRUCT:DeprecationWarning")
@pytest.mark.parametrize("kind", HOSTILE_WALLETS)
def test_pay_skips_a_hostile_wallet_and_pays_the_others(
    world: World, wallet: Any, staker: str, other_staker: str, kind: str
) -> None:
    """N10: a wallet that reverts, burns gas, writes or answers garbage harms only itself."""
    account = wallet.address.lower()
    for each in (account, staker, other_staker):
        world.stake(each, {}, pool_nano=13)
    first, bad, last = (Withdrawal(each, 4, 1) for each in (staker, account, other_staker))
    make_hostile(wallet, kind)
    before = world.words(account)

    with world.moves(staker=nano(4), other_staker=nano(4), escrow=-nano(8)):
        paid = world.pay(
            (first, world.sign(first, "staker")),
            (bad, world.sign(bad, "staker")),
            (last, world.sign(last, "other_staker")),
        )

    assert paid == [(4, Skip.PAID), (0, Skip.SIGNATURE), (4, Skip.PAID)]
    assert world.words(account) == before


def test_pay_gives_each_wallet_no_more_gas_than_its_cap(world: World, wallet: Any) -> None:
    """N10: what a hostile wallet can burn is bounded, and the batch goes on."""
    account = wallet.address.lower()
    request = Withdrawal(account, 4, 1)
    world.pay((request, bytes(65)))
    quiet = world.escrow._computation.get_gas_used()
    make_hostile(wallet, "burns all gas")

    assert world.pay(*[(request, bytes(65))] * 5) == [(0, Skip.SIGNATURE)] * 5

    assert [call.get_gas_used() for call in calls_to(world, account)] == [WALLET_GAS] * 5
    assert world.escrow._computation.get_gas_used() < 5 * (WALLET_GAS + quiet)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("withdraw", (MAX,)),
        ("leave", ()),
        ("deposit", (nano(1),)),
        ("cancel_withdrawal", ()),
        ("cancel_instructions", (5,)),
        ("set_stakes", ([0], [0])),
        ("word", (1,)),
        ("reserve", ()),
    ],
)
def test_pay_lets_a_wallet_call_nothing_of_the_escrow(
    world: World, wallet: Any, name: str, arguments: tuple[Any, ...]
) -> None:
    account = wallet.address.lower()
    world.stake(account, {}, pool_nano=13)
    world.give(account, nano(5))
    wallet.call_back(world.escrow.address, getattr(world.escrow, name).prepare_calldata(*arguments))
    request = Withdrawal(account, 4, 1)

    with world.unchanged():
        assert world.pay((request, b"")) == [(0, Skip.SIGNATURE)]


@pytest.mark.parametrize("length", [0, 65, 2_048])
def test_pay_hands_a_wallet_signatures_of_any_length(
    world: World, wallet: Any, length: int
) -> None:
    account = wallet.address.lower()
    world.stake(account, {}, pool_nano=13)
    wallet.be_honest(ZERO_ADDRESS)
    request = Withdrawal(account, 4, 1)

    assert world.pay((request, b"\xab" * length)) == [(4, Skip.PAID)]
    (call,) = calls_to(world, account)
    assert call.msg.data[100 : 100 + length] == b"\xab" * length


def test_pay_asks_no_wallet_about_a_signature_beyond_the_limit(
    world: World, wallet: Any, staker: str
) -> None:
    account = wallet.address.lower()
    for each in (account, staker):
        world.stake(each, {}, pool_nano=13)
    wallet.be_honest(ZERO_ADDRESS)
    bad, good = Withdrawal(account, 4, 1), Withdrawal(staker, 4, 1)

    paid = world.pay((bad, bytes(2_049)), (good, world.sign(good, "staker")))

    assert paid == [(0, Skip.SIGNATURE), (4, Skip.PAID)]
    assert calls_to(world, account) == []


def test_pay_tries_the_key_of_an_account_with_code_first(world: World, staker: str) -> None:
    """An account may have a key and code (EIP-7702): its key signs whatever its code would say."""
    world.stake(staker, {}, pool_nano=13)
    boa.env.set_code(staker, REVERTS)
    request = Withdrawal(staker, 4, 1)

    assert world.pay((request, world.sign(request, "stranger"))) == [(0, Skip.SIGNATURE)]
    assert len(calls_to(world, staker)) == 1
    assert world.pay((request, world.sign(request, "staker"))) == [(4, Skip.PAID)]
    assert calls_to(world, staker) == []


def test_pay_reverts_rather_than_give_a_wallet_too_little_gas(world: World, wallet: Any) -> None:
    """Nobody can have a good request skipped by sending too little gas: at the very border the
    wallet still has all of its cap, and below it the whole call reverts and says so."""
    account = wallet.address.lower()
    world.stake(account, {}, pool_nano=13)
    request = Withdrawal(account, 4, 1)
    wallet.need_gas(WALLET_GAS - 2_000)

    def outcome(gas: int) -> str:
        with boa.env.anchor():
            try:
                ((_, skip),) = world.pay((request, bytes(2_048)), gas=gas)
            except boa.BoaError:
                return "reverted"
            (call,) = calls_to(world, account)
            assert call.msg.gas == WALLET_GAS
            return skip.name

    low, high = 100_000, 400_000
    assert (outcome(low), outcome(high)) == ("reverted", "PAID")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if outcome(middle) == "reverted" else (low, middle)
    assert {outcome(high + above) for above in range(0, 500, 17)} == {"PAID"}
    with refuses("gas: too little left for the next item, send more"):
        world.pay((request, bytes(2_048)), gas=low)


# --- what is due ----------------------------------------------------------------------------------


def test_pay_pays_what_is_due_without_a_signature_and_uses_the_turn(
    world: World, staker: str, other_staker: str
) -> None:
    """S5 S11: a standing order, paid as it is and to the own address."""
    world.stake(other_staker, {0: 5}, pool_nano=7)
    world.put_due(other_staker, 7)
    others = world.words(other_staker)
    world.stake(staker, {0: 11}, pool_nano=13)
    world.put_due(staker, 6)

    with world.moves(staker=nano(6), escrow=-nano(6)):
        assert world.pay(due=[staker]) == [(6, Skip.PAID)]

    assert world.events() == [
        (
            "FreeWithdrawals",
            {"period": 1, "items": [item(staker, 6, Skip.PAID)], "time": START},
        )
    ]
    assert (world.pool_nano(staker), world.stakes_nano(staker)) == (7, {0: 11})
    assert (world.due_nano(staker), period_of(world, staker)) == (0, 1)
    assert world.words(other_staker) == others


def test_pay_pays_what_is_due_whatever_is_at_risk(world: World, staker: str) -> None:
    """S11: due is never locked."""
    world.stake(staker, {0: 10**9})
    world.run_passes(FIRST_PASS, FIRST_PASS + 3, staker)
    world.escrow.leave(sender=staker)
    world.escrow.withdraw(MAX, sender=staker)
    locked = world.pool_nano(staker)
    assert world.withdrawable_nano(staker) == 0
    world.put_due(staker, locked)

    with world.moves(staker=nano(locked), escrow=-nano(locked)):
        assert world.pay(due=[staker]) == [(locked, Skip.PAID)]


def test_pay_pays_what_is_due_once_a_period(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=13)
    world.put_due(staker, 6)

    assert world.pay(due=[staker, staker]) == [(6, Skip.PAID), (0, Skip.TURN_USED)]
    world.put_due(staker, 5)
    with world.unchanged():
        assert world.pay(due=[staker]) == [(0, Skip.TURN_USED)]
    set_time(START + FORTNIGHT)
    assert world.pay(due=[staker]) == [(5, Skip.PAID)]


def test_pay_skips_an_account_to_which_nothing_is_due(
    world: World, staker: str, stranger: str
) -> None:
    world.stake(staker, {}, pool_nano=13)

    with world.unchanged():
        paid = world.pay(due=[staker, stranger, ZERO_ADDRESS])
    assert paid == [(0, Skip.NOTHING_DUE)] * 3


@pytest.mark.parametrize("eats_gas", [True, False])
@pytest.mark.parametrize(("pool", "stakes"), [(13, {0: 5, 9: 6}), (6, {}), (6, {0: 5})])
def test_pay_puts_everything_back_if_what_is_due_cannot_be_sent(
    trap: World,
    staker: str,
    other_staker: str,
    eats_gas: bool,
    pool: int,
    stakes: dict[int, int],
) -> None:
    """N10: due, its flag, the pool and the turn are as they were, and the batch goes on."""
    for account in (staker, other_staker):
        trap.stake(account, stakes, pool_nano=pool)
        trap.escrow.set_split(0, [WALLET], [10_000], sender=account)
        trap.escrow.cancel_instructions(3, sender=account)
        trap.put_due(account, 6)
    trap.token.set_trap(staker, eats_gas)
    before = trap.words(staker)

    with trap.moves(other_staker=nano(6), escrow=-nano(6)):
        paid = trap.pay(due=[staker, other_staker])

    assert paid == [(0, Skip.TRANSFER_FAILED), (6, Skip.PAID)]
    assert trap.words(staker) == before
    trap.token.set_trap(ZERO_ADDRESS, False)
    assert trap.pay(due=[staker]) == [(6, Skip.PAID)]


@pytest.mark.parametrize("amount", [4, 6, 7, None])
def test_pay_puts_due_back_if_a_request_cannot_be_sent(
    trap: World, staker: str, amount: int | None
) -> None:
    trap.stake(staker, {0: 5}, pool_nano=13)
    trap.put_due(staker, 6)
    trap.token.set_trap(staker, False)
    request = Withdrawal(staker, amount, 1)

    with trap.unchanged():
        paid = trap.pay((request, trap.sign(request, "staker")))
    assert paid == [(0, Skip.TRANSFER_FAILED)]


def test_pay_settles_a_request_before_what_is_due_to_the_same_account(
    world: World, staker: str, other_staker: str
) -> None:
    """The request uses the turn; the rest of what is due waits for the next period."""
    for account in (staker, other_staker):
        world.stake(account, {0: 5}, pool_nano=13)
        world.put_due(account, 6)
    request = Withdrawal(staker, 4, 1)

    with world.moves(staker=nano(4), other_staker=nano(6), escrow=-nano(10)):
        paid = world.pay((request, world.sign(request, "staker")), due=[staker, other_staker])

    assert paid == [(4, Skip.PAID), (0, Skip.TURN_USED), (6, Skip.PAID)]
    assert (world.pool_nano(staker), world.due_nano(staker)) == (9, 2)
    set_time(START + FORTNIGHT)
    assert world.pay(due=[staker]) == [(2, Skip.PAID)]


def test_pay_pays_what_is_due_where_the_request_was_skipped(world: World, staker: str) -> None:
    """A request that fails costs nobody the standing order."""
    world.stake(staker, {0: 5}, pool_nano=13)
    world.put_due(staker, 6)
    request = Withdrawal(staker, 14, 1)

    paid = world.pay((request, world.sign(request, "staker")), due=[staker])

    assert paid == [(0, Skip.ABOVE_WITHDRAWABLE), (6, Skip.PAID)]


@pytest.mark.parametrize(
    ("amount", "paid", "due_left"),
    [(1, 1, 5), (5, 5, 1), (6, 6, 0), (7, 7, 0), (13, 13, 0), (None, 13, 0)],
)
def test_pay_of_a_request_uses_up_what_is_due_first(
    world: World, staker: str, amount: int | None, paid: int, due_left: int
) -> None:
    world.stake(staker, {0: 5}, pool_nano=13)
    world.put_due(staker, 6)
    request = Withdrawal(staker, amount, 1)

    assert world.pay((request, world.sign(request, "staker"))) == [(paid, Skip.PAID)]
    assert (world.pool_nano(staker), world.due_nano(staker)) == (13 - paid, due_left)


def test_pay_of_a_request_may_take_what_is_due_from_what_is_locked(
    world: World, staker: str
) -> None:
    """W = min(P, max(D, C - L)): all that is due may be asked for, not a nano more."""
    world.stake(staker, {0: 10**9})
    world.run_passes(FIRST_PASS, FIRST_PASS + 3, staker)
    world.escrow.leave(sender=staker)
    world.escrow.withdraw(MAX, sender=staker)
    world.put_due(staker, 1_000)
    above, everything = Withdrawal(staker, 1_001, 1), Withdrawal(staker, None, 1)

    paid = world.pay(
        (above, world.sign(above, "staker")), (everything, world.sign(everything, "staker"))
    )

    assert paid == [(0, Skip.ABOVE_WITHDRAWABLE), (1_000, Skip.PAID)]
    assert world.due_nano(staker) == 0


def test_pay_leaves_the_splits_and_the_nonce_beside_what_was_due(world: World, staker: str) -> None:
    """Due shares its word with model 0's split and the nonce."""
    parts = ((WALLET, 9_999), (0, 1))
    world.escrow.set_split(0, [WALLET, 0], [9_999, 1], sender=staker)
    world.escrow.cancel_instructions(1_000, sender=staker)
    world.stake(staker, {0: 5}, pool_nano=13)
    before = unpack_split(world.words(staker)[SPLIT_PLACE])
    world.put_due(staker, 6)

    world.pay(due=[staker])

    assert unpack_split(world.words(staker)[SPLIT_PLACE]) == before
    assert (before.parts, before.nonce) == (parts, 1_000)
    assert unpack_account(world.words(staker)[0]).flags == 1


def test_pay_takes_256_due_accounts_in_a_batch(world: World, staker: str) -> None:
    world.stake(staker, {}, pool_nano=13)
    world.put_due(staker, 6)

    paid = world.pay(due=[staker] * 256)

    assert paid == [(6, Skip.PAID)] + [(0, Skip.TURN_USED)] * 255


def test_pay_of_what_is_due_reverts_rather_than_skip_for_want_of_gas(
    trap: World, staker: str
) -> None:
    trap.stake(staker, {}, pool_nano=13)
    trap.put_due(staker, 6)
    outcomes = set()
    for gas in range(20_000, 400_000, 6_000):
        with boa.env.anchor():
            try:
                outcomes.add(trap.pay(due=[staker], gas=gas)[0])
            except boa.BoaError:
                outcomes.add("reverted")

    assert outcomes == {"reverted", (6, Skip.PAID)}


def test_pay_lets_no_call_in_while_it_sends_what_is_due(staker: str) -> None:
    with boa.env.anchor():
        world = deploy_world("test/ReentrantToken.vy")
        world.stake(staker, {}, pool_nano=13)
        world.put_due(staker, 6)
        world.token.arm(world.escrow, world.escrow.leave.prepare_calldata())

        with world.moves(staker=nano(6), escrow=-nano(6)):
            assert world.pay(due=[staker]) == [(6, Skip.PAID)]

        assert (world.token.attempts(), world.token.successes()) == (1, 0)
