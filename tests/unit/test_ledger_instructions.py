"""What an account signs instead of sending: instructions, their end, and the due of a period."""

from copy import deepcopy

import pytest

from sluice.account import Split
from sluice.errors import Refused
from sluice.ledger import ALL, Ledger, Skip
from sluice.parameters import PERIOD_S, Parameters
from sluice.words import MAX_AMOUNT_NANO, MAX_NONCE, POOL, WALLET, Entry, digest_chain, link_bytes

FIRST_PASS = 10
START = 1_700_000_000
WEEK = 7 * 24 * 3600
NMR_NANO = 10**9
STAKER = "0x" + "aa" * 20
NEVER = 2**256 - 1

HALF_OUT: Split = ((0, 5_000), (WALLET, 5_000))


@pytest.fixture
def ledger() -> Ledger:
    """One account: 10 NMR on model 0, 5 in the pool, nothing at risk."""
    book = Ledger(Parameters(FIRST_PASS, START, START))
    book.fund(10**15)
    book.deposit_and_stake(STAKER, 15 * NMR_NANO, {0: 10 * NMR_NANO})
    return book


def earn(book: Ledger, payout_nano: int) -> int:
    """Five passes with the staker in them; the last one pays. Returns the time after it."""
    now = START
    for round_number in range(FIRST_PASS, FIRST_PASS + 5):
        last = round_number == FIRST_PASS + 4
        links = [link_bytes([Entry(STAKER, {0: payout_nano} if last else {})])]
        now = book.parameters.pass_time(round_number)
        book.announce(round_number, bytes(32), digest_chain(links)[0], now)
        now += book.parameters.window_s
        book.resolve(round_number, links, bytes(32), now)
    return now


# --- instructions -----------------------------------------------------------------------------


def test_one_instruction_sets_stakes_and_splits_together(ledger: Ledger) -> None:
    """N17 S53 S1 S6: one signature, any number of changes."""
    splits: dict[int, Split] = {0: HALF_OUT, 64: ((POOL, 10_000),)}

    ledger.apply_instruction(STAKER, {0: 4 * NMR_NANO, 7: NMR_NANO}, splits, 0, START, START)

    account = ledger.account(STAKER)
    assert account.stakes_nano == {0: 4 * NMR_NANO, 7: NMR_NANO}
    assert account.pool_nano == 10 * NMR_NANO
    assert account.splits == splits
    assert (account.nonce, account.pages) == (1, 16)


def test_an_instruction_may_set_stakes_only_or_splits_only(ledger: Ledger) -> None:
    ledger.apply_instruction(STAKER, {0: 1}, {}, 0, NEVER, START)
    ledger.apply_instruction(STAKER, {}, {0: HALF_OUT}, 1, NEVER, START)
    ledger.apply_instruction(STAKER, {}, {0: ()}, 2, NEVER, START)

    account = ledger.account(STAKER)
    assert (account.stakes_nano, account.splits, account.nonce) == ({0: 1}, {}, 3)


def shares(*parts: int) -> Split:
    """Parts to models 0, 1, 2 and so on."""
    return tuple(enumerate(parts))


SPLIT_REFUSALS: list[tuple[dict[int, Split], str]] = [
    ({65: HALF_OUT}, "models: numbered 0 to 64"),
    ({65: ()}, "models: numbered 0 to 64"),
    ({1: HALF_OUT, 0: HALF_OUT}, "models: must be strictly ascending"),
    ({0: shares(*[1_250] * 7, 625, 625)}, "split: at most 8 destinations"),
    ({0: ((65, 10_000),)}, "split: destinations are models 0 to 64, POOL 254 or WALLET 255"),
    ({0: ((253, 10_000),)}, "split: destinations are models 0 to 64, POOL 254 or WALLET 255"),
    ({0: ((256, 10_000),)}, "split: destinations are models 0 to 64, POOL 254 or WALLET 255"),
    ({0: ((3, 5_000), (WALLET, 2_000), (3, 3_000))}, "split: a destination is named twice"),
    ({0: ((WALLET, 5_000), (WALLET, 5_000))}, "split: a destination is named twice"),
    ({0: ((0, 10_000), (1, 0))}, "split: a share is 1 to 10_000 basis points"),
    ({0: ((0, 10_001),)}, "split: a share is 1 to 10_000 basis points"),
    ({0: ((0, 9_999),)}, "split: shares must sum to 10_000 basis points"),
    ({0: ((0, 9_999), (1, 2))}, "split: shares must sum to 10_000 basis points"),
]

STAKES = {0: NMR_NANO}

REFUSALS: list[tuple[dict[int, int], dict[int, Split], int, int, str]] = [
    (STAKES, {}, 3, START - 1, "instruction: expired"),
    (STAKES, {}, 2, NEVER, "instruction: its nonce is used or cancelled"),
    (STAKES, {}, 4, NEVER, "instruction: its nonce is still to come"),
    ({}, {}, 3, NEVER, "instruction: names no change"),
    ({65: 1}, {}, 3, NEVER, "models: numbered 0 to 64"),
    ({1: 0, 0: 0}, {}, 3, NEVER, "models: must be strictly ascending"),
    ({0: MAX_AMOUNT_NANO + 1}, {}, 3, NEVER, "amount: does not fit 54 bits of nano-NMR"),
    ({0: 15 * NMR_NANO, 1: 1}, {}, 3, NEVER, "stakes: the pool holds too little, deposit first"),
    *((STAKES, splits, 3, NEVER, message) for splits, message in SPLIT_REFUSALS),
    # wrong in more than one way: the first in the contract's order is named
    ({}, {}, 2, START - 1, "instruction: expired"),
    ({}, {}, 2, NEVER, "instruction: its nonce is used or cancelled"),
    ({65: 1}, {65: ()}, 4, NEVER, "instruction: its nonce is still to come"),
    ({0: 16 * NMR_NANO}, {65: ()}, 3, NEVER, "models: numbered 0 to 64"),
]


@pytest.mark.parametrize(("stakes", "splits", "nonce", "deadline", "message"), REFUSALS)
def test_a_refused_instruction_changes_nothing(
    ledger: Ledger,
    stakes: dict[int, int],
    splits: dict[int, Split],
    nonce: int,
    deadline: int,
    message: str,
) -> None:
    """N12 S6: all or nothing, each refusal in words of its own; the nonce stays good."""
    ledger.cancel_instructions(STAKER, 3)
    accounts = deepcopy(ledger.accounts)

    with pytest.raises(Refused) as refusal:
        ledger.apply_instruction(STAKER, stakes, splits, nonce, deadline, START)

    assert str(refusal.value) == message
    assert ledger.accounts == accounts


@pytest.mark.parametrize(
    ("splits", "message"), [refusal for refusal in SPLIT_REFUSALS if len(refusal[0]) == 1]
)
def test_a_refused_split_changes_nothing(
    ledger: Ledger, splits: dict[int, Split], message: str
) -> None:
    """S6 N17: a split set directly is refused for the same reasons."""
    ((model, split),) = splits.items()
    accounts = deepcopy(ledger.accounts)

    with pytest.raises(Refused) as refusal:
        ledger.set_split(STAKER, model, split)

    assert str(refusal.value) == message
    assert ledger.accounts == accounts


def test_an_instruction_is_applied_once(ledger: Ledger) -> None:
    """N12: whoever relays it again finds it used."""
    ledger.apply_instruction(STAKER, STAKES, {}, 0, NEVER, START)

    with pytest.raises(Refused, match="instruction: its nonce is used or cancelled"):
        ledger.apply_instruction(STAKER, STAKES, {}, 0, NEVER, START)


def test_an_instruction_is_good_in_the_second_of_its_deadline(ledger: Ledger) -> None:
    ledger.apply_instruction(STAKER, STAKES, {}, 0, START, START)

    assert ledger.account(STAKER).nonce == 1


def test_an_instruction_signed_before_leaving_is_dead(ledger: Ledger) -> None:
    """S40: nothing signed earlier stakes again what left."""
    ledger.leave(STAKER)

    with pytest.raises(Refused, match="instruction: its nonce is used or cancelled"):
        ledger.apply_instruction(STAKER, STAKES, {}, 0, NEVER, START)


def test_the_last_nonce_is_never_used(ledger: Ledger) -> None:
    ledger.accounts[STAKER].nonce = MAX_NONCE

    with pytest.raises(
        Refused, match="instruction: nonces are used up, use set_stakes and set_split"
    ):
        ledger.apply_instruction(STAKER, STAKES, {}, MAX_NONCE, NEVER, START)


# --- their end --------------------------------------------------------------------------------


def test_cancelling_kills_what_was_signed_and_leaves_the_next(ledger: Ledger) -> None:
    """N12: what was signed with a nonce below dies; the named one is the next."""
    ledger.cancel_instructions(STAKER, 1_000)

    with pytest.raises(Refused, match="instruction: its nonce is used or cancelled"):
        ledger.apply_instruction(STAKER, STAKES, {}, 999, NEVER, START)
    ledger.apply_instruction(STAKER, STAKES, {}, 1_000, NEVER, START)
    assert ledger.account(STAKER).nonce == 1_001


@pytest.mark.parametrize(
    ("present", "nonce", "message"),
    [
        (5, 5, "nonce: must be above the present one"),
        (5, 0, "nonce: must be above the present one"),
        (5, 1_006, "nonce: a step of at most 1_000"),
        (MAX_NONCE - 1, MAX_NONCE + 1, "nonce: a step of at most 1_000"),
        (MAX_NONCE, MAX_NONCE, "nonce: must be above the present one"),
    ],
)
def test_a_nonce_moves_on_by_a_bounded_step(
    ledger: Ledger, present: int, nonce: int, message: str
) -> None:
    """N12: one wrong call cannot use up all nonces."""
    ledger.accounts[STAKER].nonce = present

    with pytest.raises(Refused) as refusal:
        ledger.cancel_instructions(STAKER, nonce)

    assert str(refusal.value) == message
    assert ledger.account(STAKER).nonce == present


def test_cancelling_a_withdrawal_uses_the_turn_and_nothing_else(ledger: Ledger) -> None:
    """N12 S20: the request that was signed for this period is dead, the next period's is not."""
    pool = ledger.account(STAKER).pool_nano

    ledger.cancel_withdrawal(STAKER, START)

    assert ledger.account(STAKER).pool_nano == pool
    assert ledger.pay(STAKER, ALL, 1, NEVER, START) == (Skip.TURN_USED, 0)
    assert ledger.pay(STAKER, 1, 2, NEVER, START + PERIOD_S) == (Skip.PAID, 1)


def test_cancelling_a_withdrawal_is_refused_once_the_turn_is_used(ledger: Ledger) -> None:
    ledger.pay(STAKER, 1, 1, NEVER, START)

    with pytest.raises(Refused, match="cancel_withdrawal: this period's turn is used already"):
        ledger.cancel_withdrawal(STAKER, START)


def test_cancelling_a_withdrawal_is_refused_after_the_last_period(ledger: Ledger) -> None:
    after = START + ledger.parameters.last_period * PERIOD_S
    ledger.cancel_withdrawal(STAKER, after - 1)

    with pytest.raises(Refused, match="pay: periods are at their end"):
        ledger.cancel_withdrawal(STAKER, after)


# --- due --------------------------------------------------------------------------------------


def test_what_is_due_is_paid_once_a_period_without_a_signature(ledger: Ledger) -> None:
    """S5 S26 N21: a standing order; at zero it is skipped and the turn stays."""
    assert ledger.pay_due(STAKER, START) == (Skip.NOTHING_DUE, 0)
    ledger.set_split(STAKER, 0, HALF_OUT)
    now = earn(ledger, 1_001)

    assert ledger.account(STAKER).due_nano == 500
    assert ledger.pay_due(STAKER, now) == (Skip.PAID, 500)
    assert ledger.pay_due(STAKER, now) == (Skip.TURN_USED, 0)
    assert ledger.pay_due(STAKER, now + PERIOD_S) == (Skip.NOTHING_DUE, 0)


def test_what_is_due_is_used_up_first_by_any_withdrawal(ledger: Ledger) -> None:
    """S26: of a fixed request of less the rest stays due for the next period."""
    ledger.set_split(STAKER, 0, HALF_OUT)
    now = earn(ledger, 1_000)
    period = ledger.parameters.period(now)

    assert ledger.withdraw(STAKER, 100, now) == 100
    assert ledger.account(STAKER).due_nano == 400
    assert ledger.pay(STAKER, 150, period, NEVER, now) == (Skip.PAID, 150)
    assert ledger.pay_due(STAKER, now + PERIOD_S) == (Skip.PAID, 250)


def test_staking_what_is_due_makes_it_stake(ledger: Ledger) -> None:
    """S11: it stays usable: what is staked is no longer due, what stays in the pool is."""
    ledger.set_split(STAKER, 0, HALF_OUT)
    now = earn(ledger, 1_000)
    staked = 10 * NMR_NANO + 500
    assert ledger.account(STAKER).stakes_nano == {0: staked}

    ledger.set_stakes(STAKER, {0: staked + 5 * NMR_NANO + 400})

    account = ledger.account(STAKER)
    assert (account.pool_nano, account.due_nano) == (100, 100)
    assert ledger.withdrawable_nano(STAKER, now) == 100
