"""What stands beside what is changed: bounds to the nano, and fields of words that others share."""

import random
from typing import Any

import boa
import pytest

from sluice.ledger import Skip
from sluice.words import (
    MAX_AMOUNT_NANO,
    PAYOUT_BIAS_NANO,
    SPLIT_PLACE,
    WALLET,
    AccountWord,
    Entry,
    link_bytes,
    pack_account,
    unpack_account,
    unpack_split,
)
from tests.escrow_world import FIRST_PASS, NANO, PLAYED, STAKE, SUPPLY, World, nano, refuses
from tests.messages import Instruction, Withdrawal

MAX_UNITS = 2**30 - 1
UNIT = 2**18


def risky(seed: int) -> AccountWord:
    """An account in four open rounds whose risks lie in every part of their fields."""
    draw = random.Random(seed)
    risks = [draw.choice([0, 1, 2, draw.randrange(2**20), draw.randrange(2**30)]) for _ in range(4)]
    at_risk = sum(risks) * UNIT
    staked = draw.choice([0, at_risk // 4, at_risk // 2])
    pool = at_risk - staked + draw.choice([0, 1, 10**9, draw.randrange(10**12)])
    return AccountWord(pool, staked, (risks[0], risks[1], risks[2], risks[3]), round_word=4)


@pytest.mark.parametrize("seed", range(12))
def test_pay_keeps_what_is_at_risk_to_the_nano(world: World, staker: str, seed: int) -> None:
    """S20 N6: the short way to the bound never lets out what the exact one keeps."""
    word = risky(seed)
    world.put_round(FIRST_PASS + 3)
    world.put(staker, {0: pack_account(word)})
    world.give(world.escrow.address, nano(word.pool_nano + word.stake_nano))
    most = world.withdrawable_nano(staker)
    locked = sum(max(0, units - 1) * UNIT for units in word.risks_units)
    assert most == min(word.pool_nano, max(0, word.pool_nano + word.stake_nano - locked))

    for amount in {most + 1, most + UNIT, word.pool_nano + 1}:
        if amount > most:
            with boa.env.anchor():
                request = world.signed(Withdrawal(staker, amount, 1), "staker")
                assert world.pay(request) == [(0, Skip.ABOVE_WITHDRAWABLE)]
    for amount in {1, most // 2, most} - {0}:
        if amount <= most:
            with boa.env.anchor():
                paid = world.pay(world.signed(Withdrawal(staker, amount, 1), "staker"))
                assert paid == [(amount, Skip.PAID)]
                after = unpack_account(world.words(staker)[0])
                assert after.pool_nano == word.pool_nano - amount
                assert (after.stake_nano, after.risks_units) == (word.stake_nano, word.risks_units)


@pytest.mark.parametrize("earned_nano", [1_000, 1_001, 1_002, 1_003])
@pytest.mark.parametrize("model", [0, 1, 64])
def test_the_first_earning_of_the_wallet_leaves_the_nonce(
    world: World, staker: str, model: int, earned_nano: int
) -> None:
    """S43: what is due stands beside the nonce, which only goes up."""
    world.fund(10**12)
    world.stake(staker, {model: STAKE})
    world.escrow.cancel_instructions(77, sender=staker)
    world.escrow.set_split(model, [WALLET], [10_000], sender=staker)
    world.open_rounds(staker)

    world.run_pass(PLAYED, [Entry(staker, {model: earned_nano})])

    assert world.due_nano(staker) == earned_nano
    assert unpack_split(world.words(staker)[SPLIT_PLACE]).nonce == 77


@pytest.mark.parametrize("model", [1, 4, 5, 32, 61, 64])
def test_a_split_of_a_new_page_leaves_the_account_as_it_is(
    world: World, staker: str, model: int
) -> None:
    """The pages in use rise, and nothing else of the account."""
    world.stake(staker, {0: STAKE}, pool_nano=7)
    world.run_pass(FIRST_PASS, [Entry(staker)])
    before = unpack_account(world.words(staker)[0])

    world.escrow.set_split(model, [0], [10_000], sender=staker)

    after = unpack_account(world.words(staker)[0])
    assert after.pages == (model + 3) // 4
    assert (after.pool_nano, after.stake_nano, after.risks_units, after.round_word) == (
        before.pool_nano,
        before.stake_nano,
        before.risks_units,
        before.round_word,
    )


@pytest.mark.parametrize("shares", [(3_333, 6_667), (1, 9_999), (9_999, 1), (8_191, 1_809)])
@pytest.mark.parametrize("destinations", [(1, 64), (WALLET, 0), (63, 254)])
def test_a_signed_split_is_hashed_to_the_last_bit(
    world: World, staker: str, shares: tuple[int, int], destinations: tuple[int, int]
) -> None:
    """S53: what was signed is what is set, be its numbers odd."""
    split = tuple(zip(destinations, shares, strict=True))
    instruction = Instruction(staker, 0, {}, {7: split})

    assert world.relay(world.signed(instruction, "staker")) == (1, {})
    assert unpack_split(world.words(staker)[SPLIT_PLACE + 7]).parts == split


def test_amounts_of_all_54_bits_are_moved_whole(world: World, staker: str) -> None:
    """Nothing of an amount is cut where two of them stand side by side."""
    words = {0: pack_account(AccountWord(pool_nano=0, stake_nano=MAX_AMOUNT_NANO))}
    world.put(staker, words)

    world.escrow.set_stakes([0, 1], [0, nano(MAX_AMOUNT_NANO)], sender=staker)
    assert world.stakes_nano(staker) == {1: MAX_AMOUNT_NANO}
    world.escrow.set_stakes([1, 3], [nano(1), nano(MAX_AMOUNT_NANO - 1)], sender=staker)
    assert world.stakes_nano(staker) == {1: 1, 3: MAX_AMOUNT_NANO - 1}
    world.escrow.leave(sender=staker)
    assert world.pool_nano(staker) == MAX_AMOUNT_NANO
    assert SUPPLY // NANO < MAX_AMOUNT_NANO


@pytest.mark.parametrize("page", [1, 2, 16])
def test_a_page_word_of_nothing_is_read_for_an_account_without_pages(
    world: World, staker: str, page: int
) -> None:
    """S6: an entry may name a page that is not in use and pays nothing; nothing comes of it."""
    world.stake(staker, {0: STAKE})
    world.open_rounds(staker)
    before = world.words(staker)
    zeros = sum(PAYOUT_BIAS_NANO << 54 * lane for lane in range(4))
    entry = int(staker, 16) | PAYOUT_BIAS_NANO << 160 | 1 << 214
    link = b"".join(word.to_bytes(32, "big") for word in (entry, zeros | page << 216))

    world.resolve(PLAYED, [link])

    assert world.stakes_nano(staker) == {0: STAKE}
    after = unpack_account(world.words(staker)[0])
    assert after.risks_units == unpack_account(before[0]).risks_units
    assert after.round_word == unpack_account(before[0]).round_word + 1
    assert set(world.words(staker)) == {0}


@pytest.mark.parametrize("second", [((0, 10_000),), ((65, 10_000),), ((0, 9_999),)])
def test_of_several_refused_splits_the_first_one_is_named(
    world: World, staker: str, second: tuple[tuple[int, int], ...]
) -> None:
    """S53: whatever follows it, and none of them is set."""
    splits = {3: ((0, 5_000), (0, 5_000)), 4: second, 2: ((0, 10_000),)}
    instruction = Instruction(staker, 0, {}, splits)

    with world.unchanged():
        applied, skipped = world.relay(world.signed(instruction, "staker"))

    assert (applied, skipped) == (0, {staker: "split: a destination is named twice"})


@pytest.mark.parametrize("lacking", [1, 2, 3])
def test_the_last_nano_of_a_loss_is_taken_from_the_other_stakes(
    world: World, staker: str, lacking: int
) -> None:
    """S6: whatever a model and the pool do not cover, be it one nano."""
    world.stake(staker, {0: STAKE, 4: STAKE, 5: STAKE})
    world.open_rounds(staker)
    world.escrow.set_stakes([0, 4], [nano(9), nano(2 * STAKE - 9)], sender=staker)

    world.run_pass(PLAYED, [Entry(staker, {0: -9 - lacking})])

    assert world.stakes_nano(staker) == {4: 2 * STAKE - 9 - lacking, 5: STAKE}
    assert world.escrow.burned() == nano(9 + lacking)


@pytest.mark.parametrize("earned_nano", [1, 2, 3])
@pytest.mark.parametrize("model", [0, 1, 2, 4, 5, 64])
def test_an_earning_of_one_nano_is_shared_out_too(
    world: World, staker: str, model: int, earned_nano: int
) -> None:
    """S6: also where it is the only one of its page."""
    world.fund(10)
    world.stake(staker, {model: STAKE})
    world.open_rounds(staker)
    world.escrow.set_split(model, [254], [10_000], sender=staker)

    world.run_pass(PLAYED, [Entry(staker, {model: earned_nano})])

    assert world.stakes_nano(staker) == {model: STAKE}
    assert world.pool_nano(staker) == earned_nano


@pytest.mark.parametrize("model", [0, 1, 64])
@pytest.mark.parametrize("earned_nano", [1, 2, 1_001])
def test_without_stake_and_split_an_earning_goes_to_the_pool(
    world: World, staker: str, model: int, earned_nano: int
) -> None:
    """S6: the model may have lost all of its stake since its round opened."""
    world.fund(10_000)
    world.stake(staker, {model: STAKE})
    world.open_rounds(staker)
    world.escrow.set_stakes([model], [0], sender=staker)

    world.run_pass(PLAYED, [Entry(staker, {model: earned_nano})])

    assert world.stakes_nano(staker) == {}
    assert world.pool_nano(staker) == STAKE + earned_nano


@pytest.mark.parametrize("first_nano", [100, 101])
@pytest.mark.parametrize("second_nano", [200, 201])
def test_two_signed_stakes_are_read_to_the_last_nano(
    world: World, staker: str, first_nano: int, second_nano: int
) -> None:
    """S53: they are read together, and hashed apart."""
    world.stake(staker, {}, pool_nano=1_000)
    instruction = Instruction(staker, 0, {3: first_nano, 64: second_nano})

    assert world.relay(world.signed(instruction, "staker")) == (1, {})
    assert world.stakes_nano(staker) == {3: first_nano, 64: second_nano}


@pytest.mark.parametrize("models", [(1, 5), (4, 5), (1, 64), (4, 8, 12)])
def test_stakes_of_several_pages_leave_the_flags_of_splits(
    world: World, staker: str, models: tuple[int, ...]
) -> None:
    """S53: the four of a page, while the next page is at hand."""
    world.stake(staker, {}, pool_nano=1_000)
    for model in range(1, 13):
        world.escrow.set_split(model, [0], [10_000], sender=staker)
    flags = {page: world.words(staker)[page] >> 216 for page in (1, 2, 3)}
    assert set(flags.values()) == {15}

    world.escrow.set_stakes(list(models), [nano(7)] * len(models), sender=staker)

    assert {page: world.words(staker)[page] >> 216 for page in (1, 2, 3)} == flags
    assert world.stakes_nano(staker) == dict.fromkeys(models, 7)


@pytest.mark.parametrize(
    "risks",
    [
        *(tuple(MAX_UNITS if at == ring else 0 for at in range(4)) for ring in range(4)),
        (MAX_UNITS,) * 4,
        # the third one and the round beside the risks are all ones together
        (0, MAX_UNITS, MAX_UNITS - 4, MAX_UNITS),
    ],
)
def test_pay_keeps_saturated_risks(
    world: World, staker: str, risks: tuple[int, int, int, int]
) -> None:
    """S20 N6: as the short way adds them up, none of them hides another."""
    locked = sum(max(0, units - 1) * UNIT for units in risks)
    word = AccountWord(locked + 10**9, 0, risks, round_word=4)
    world.put_round(FIRST_PASS + 3)
    world.put(staker, {0: pack_account(word)})
    world.give(world.escrow.address, nano(word.pool_nano))

    with boa.env.anchor():
        request = world.signed(Withdrawal(staker, 10**9 + 1, 1), "staker")
        assert world.pay(request) == [(0, Skip.ABOVE_WITHDRAWABLE)]
    request = world.signed(Withdrawal(staker, 10**9, 1), "staker")
    assert world.pay(request) == [(10**9, Skip.PAID)]


@pytest.mark.parametrize("account", ["0x" + "1e" * 20, "0x" + "1f" * 20])
def test_what_is_due_is_stored_beside_even_and_odd_addresses(world: World, account: str) -> None:
    """N6: the roles of the tests all have odd ones."""
    world.fund(10**12)
    world.stake(account, {0: STAKE})
    world.escrow.set_split(0, [WALLET], [10_000], sender=account)
    world.open_rounds(account)

    world.run_pass(PLAYED, [Entry(account, {0: 1_000})])

    assert world.due_nano(account) == 1_000
    assert world.pay(due=[account]) == [(1_000, Skip.PAID)]
    assert world.due_nano(account) == 0


@pytest.mark.parametrize("model", [0, 64])
@pytest.mark.parametrize("bit", [0, 53])
def test_a_stake_of_any_bit_leaves_whole(world: World, staker: str, model: int, bit: int) -> None:
    """S40: model 0's stands beside the pool."""
    world.put(staker, {0: pack_account(AccountWord(1 << bit, 0))})
    world.escrow.set_stakes([model], [nano(1 << bit)], sender=staker)
    assert world.stakes_nano(staker) == {model: 1 << bit}

    world.escrow.leave(sender=staker)

    assert (world.stakes_nano(staker), world.pool_nano(staker)) == ({}, 1 << bit)


@pytest.mark.parametrize("stake_nano", [2**53, 2**53 + 2**52 + 1])
def test_a_stake_of_any_size_is_settled_whole(world: World, staker: str, stake_nano: int) -> None:
    """S6 S43: while what was earned is shared out by the model's split."""
    world.fund(10**6)
    word = AccountWord(9, stake_nano, (MAX_UNITS,) * 4, round_word=4)
    world.open_rounds()
    world.put(staker, {0: pack_account(word)})
    world.escrow.set_split(0, [254], [10_000], sender=staker)

    world.run_pass(PLAYED, [Entry(staker, {0: 1_001})])

    assert world.stakes_nano(staker) == {0: stake_nano}
    assert world.pool_nano(staker) == 9 + 1_001


@pytest.mark.parametrize("units", [2, 2_501, 10_001, 2**30 - 2, 2**30 - 1])
@pytest.mark.parametrize("model", [0, 1, 64])
def test_risk_is_rounded_up_from_the_first_nano_on(
    world: World, staker: str, model: int, units: int
) -> None:
    """S5: a unit is 2^20 nano of stake at a cap of a quarter; one nano above so many is the next
    unit."""
    stake = (units - 1) * 2**20 + 1
    world.stake(staker, {model: stake - 1})

    for passed, (staked, risk) in enumerate([(stake - 1, units - 1), (stake, units)]):
        if staked == stake:
            world.stake(staker, {model: 1})
        round_number = FIRST_PASS + passed
        world.run_pass(round_number, [Entry(staker)])
        ring = world.parameters.round_word(round_number) % 4
        assert unpack_account(world.words(staker)[0]).risks_units[ring] == risk


class Doubled(dict[int, tuple[tuple[int, int], ...]]):
    """Each of its items twice, as an instruction may be signed that no client makes."""

    def __len__(self) -> int:
        return 2 * super().__len__()

    def items(self) -> Any:
        return [item for item in super().items() for _ in range(2)]


@pytest.mark.parametrize("model", [0, 1, 64])
def test_a_model_twice_among_signed_splits_is_refused(
    world: World, staker: str, model: int
) -> None:
    """S53: as among stakes; the second one would take the first one's place."""
    instruction = Instruction(staker, 0, {}, Doubled({model: ((0, 10_000),)}))

    with world.unchanged():
        applied, skipped = world.relay(world.signed(instruction, "staker"))

    assert (applied, skipped) == (0, {staker: "models: must be strictly ascending"})


@pytest.mark.parametrize("at", [0, 8, 9, 10, 19, 90, 95])
def test_a_refusal_counts_entries_and_links_in_two_digits(
    world: World, staker: str, at: int
) -> None:
    """S30: of the 96 words of a link, and of the 16 links of a call."""
    entries = [Entry(f"0x{index + 1:040x}") for index in range(at)]
    link = link_bytes([*entries, Entry(staker, {0: 1})])
    before = min(at, 15)

    refused = f"entry {at:02} of link {before:02}: earnings are above its bound"
    with world.unchanged_round(), refuses(refused):
        world.resolve(FIRST_PASS, [link_bytes([])] * before + [link])
