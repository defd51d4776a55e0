"""The contract's packed words against their Python twin, over the full domain of every field."""

from dataclasses import replace
from typing import Any

import boa
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sluice import instructions
from sluice.account import bound_nano, risk_units
from sluice.words import (
    MAX_AMOUNT_NANO,
    MAX_NONCE,
    MAX_PERIOD,
    MAX_RISK_UNITS,
    MAX_ROUND_WORD,
    MODELS,
    OPEN_ROUNDS,
    PAGES,
    PAYOUT_BIAS_NANO,
    POOL,
    AccountWord,
    SplitWord,
    StakePage,
    model_page,
    model_position,
    pack_account,
    pack_page,
    pack_split,
    place_key,
)
from tests.compiled import deployer_of

NANO = 10**9
MAX = 2**256 - 1

amounts = st.one_of(st.sampled_from([0, 1, MAX_AMOUNT_NANO]), st.integers(0, MAX_AMOUNT_NANO))
risks = st.one_of(st.sampled_from([0, 1, MAX_RISK_UNITS]), st.integers(0, MAX_RISK_UNITS))
addresses = st.integers(1, 2**160 - 1).map(lambda number: f"0x{number:040x}")
accounts = st.builds(
    AccountWord,
    pool_nano=amounts,
    stake_nano=amounts,
    risks_units=st.tuples(risks, risks, risks, risks),
    round_word=st.integers(0, MAX_ROUND_WORD),
    period=st.integers(0, MAX_PERIOD),
    pages=st.integers(0, PAGES),
    flags=st.integers(0, 3),
)
stake_pages = st.builds(
    StakePage, st.tuples(amounts, amounts, amounts, amounts), flags=st.integers(0, 15)
)
FULL = AccountWord(
    MAX_AMOUNT_NANO, MAX_AMOUNT_NANO, (MAX_RISK_UNITS,) * 4, MAX_ROUND_WORD, MAX_PERIOD, 31, 3
)
_harness: dict[str, Any] = {}


@pytest.fixture(scope="module", autouse=True)
def _deployed() -> None:
    """Deployed before the examples: boa takes back what is deployed inside one."""
    boa.env.enable_fast_mode()
    _harness["packing"] = deployer_of("test/PackingHarness.vy").deploy()


def packing() -> Any:
    return _harness["packing"]


@given(accounts)
@example(FULL)
@example(AccountWord())
def test_account_word_reads_as_python_packed_it(account: AccountWord) -> None:
    fields = packing().account(pack_account(account))

    assert (fields.pool, fields.stake) == (account.pool_nano, account.stake_nano)
    assert (fields.round, fields.period) == (account.round_word, account.period)
    assert fields.pages == account.pages


@given(accounts, st.integers(0, MAX_PERIOD), st.integers(0, 31))
@example(FULL, 0, 0)
@example(AccountWord(), MAX_PERIOD, 31)
def test_a_changed_field_leaves_its_neighbours_alone(
    account: AccountWord, period: int, pages: int
) -> None:
    word = pack_account(account)

    assert packing().with_period(word, period) == pack_account(replace(account, period=period))
    assert packing().with_pages(word, pages) == pack_account(replace(account, pages=pages))


@given(accounts, st.integers(0, MAX_ROUND_WORD))
def test_each_round_has_its_place_in_the_ring(account: AccountWord, round_word: int) -> None:
    found = packing().risk_units(pack_account(account), round_word)

    assert found == account.risks_units[round_word % OPEN_ROUNDS]


@given(accounts, st.integers(1, MAX_ROUND_WORD), st.integers(0, 6))
def test_missed_passes_clear_their_places_and_no_other(
    account: AccountWord, round_word: int, missed: int
) -> None:
    before = max(0, round_word - 1 - missed)
    cleared = {m % OPEN_ROUNDS for m in range(before + 1, round_word)}
    r0, r1, r2, r3 = (
        0 if place in cleared else units for place, units in enumerate(account.risks_units)
    )

    found = packing().without_missed(pack_account(account), before, round_word)

    assert found == pack_account(replace(account, risks_units=(r0, r1, r2, r3)))


@given(stake_pages)
@example(StakePage((MAX_AMOUNT_NANO,) * 4, 15))
def test_stakes_of_a_page_sum_without_its_flags(page: StakePage) -> None:
    assert packing().sums(pack_page(page)) == (sum(page.stakes_nano),) * 2


def test_every_model_stands_where_python_says() -> None:
    assert packing().stake_at(0) == (0, 54)
    for model in range(1, MODELS):
        assert packing().stake_at(model) == (model_page(model), 54 * model_position(model))


@given(addresses, st.integers(0, 96))
def test_place_is_the_key_that_python_reads(account: str, place: int) -> None:
    assert packing().place(account, place) == place_key(account, place)


@given(st.integers(0, MODELS * MAX_AMOUNT_NANO), st.integers(0, 2_500))
@example(MODELS * MAX_AMOUNT_NANO, 2_500)
@example(1, 1)
def test_risk_is_the_ledgers(staked_nano: int, cap_bps: int) -> None:
    assert packing().units(staked_nano, cap_bps) == risk_units(staked_nano, cap_bps)


@given(
    st.lists(st.integers(0, PAYOUT_BIAS_NANO) | amounts, min_size=4, max_size=4),
    st.lists(amounts, min_size=4, max_size=4),
    st.integers(0, 15),
)
@example([PAYOUT_BIAS_NANO] * 4, [PAYOUT_BIAS_NANO - 1] * 4, 15)
@example([PAYOUT_BIAS_NANO] * 4, [MAX_AMOUNT_NANO] * 4, 15)
@example([0, 1, 0, 1], [0, 0, 1, 1], 15)
def test_the_smaller_of_loss_and_stake_in_each_lane(
    losses: list[int], stakes: list[int], flags: int
) -> None:
    """No lane touches another, whatever stands above them; a loss is at most 2^53."""
    losses = [min(loss, PAYOUT_BIAS_NANO) for loss in losses]
    taken = packing().smaller(
        pack_page(StakePage(tuple(losses))), pack_page(StakePage(tuple(stakes), flags))
    )

    assert taken == pack_page(StakePage(tuple(map(min, losses, stakes))))


@given(accounts)
def test_model_0_stands_in_the_last_lane_of_page_0(account: AccountWord) -> None:
    page = packing().first_page(pack_account(account))

    flags = (account.flags & 1) << 3
    assert page == pack_page(StakePage((0, 0, 0, account.stake_nano), flags))


def test_every_model_has_its_own_flag() -> None:
    """Model 0's above the pages of the account word, the others' above the stakes of their page."""
    assert packing().flags() == (1 << 254, 1 << 255)
    assert packing().split_flag(0) == pack_account(AccountWord(flags=1))
    for model in range(1, MODELS):
        flagged = StakePage(flags=1 << model_position(model))
        assert packing().split_flag(model) == pack_page(flagged)


@given(
    st.one_of(st.integers(0, 300), st.integers(0, MAX)),
    st.one_of(st.sampled_from([0, 1, 10_000, 2**14 - 1, 2**14]), st.integers(0, MAX)),
)
@example(POOL, 10_000)
@example(2**256 - 2, 2**256 - 1)
def test_part_reads_as_given_or_is_one_that_nobody_takes(destination: int, share: int) -> None:
    """What does not fit its bits must not turn into a part that is allowed."""
    part = packing().part(destination, share)

    to, bps = part & 0xFF, part >> 8
    assert bps < 2**14
    assert to == destination if destination < 256 else to == MODELS
    assert bps == share if 0 < share < 2**14 else bps > 10_000


@given(
    st.lists(
        st.tuples(st.integers(0, 255), st.integers(1, 10_000)),
        max_size=8,
        unique_by=lambda part: part[0],
    )
)
def test_parts_stand_as_python_packs_them(parts: list[tuple[int, int]]) -> None:
    packed = sum(
        packing().part(destination, share) << 22 * index
        for index, (destination, share) in enumerate(parts)
    )

    assert packed == pack_split(SplitWord(tuple(parts)))


@given(
    addresses,
    st.dictionaries(st.integers(0, MODELS - 1), amounts),
    st.sets(st.integers(0, MODELS - 1)),
    st.integers(0, MAX_NONCE - 1),
    st.one_of(st.just(instructions.NEVER), st.integers(0, 2**32 - 2)),
)
@example("0x" + "ff" * 20, dict.fromkeys(range(MODELS), 1), set(range(MODELS)), 0, 2**32 - 2)
def test_head_reads_as_it_was_signed(
    account: str, stakes_nano: dict[int, int], models: set[int], nonce: int, deadline: int
) -> None:
    splits = dict.fromkeys(models, ((POOL, 10000),))
    assume(stakes_nano or splits)
    asked = instructions.instruction(account, stakes_nano, splits, nonce, deadline)
    packed = instructions.pack_instruction(asked)

    stakes, given_splits, read_nonce, read_deadline = packing().head(
        int.from_bytes(packed[:32], "big")
    )

    assert (stakes, given_splits) == (len(stakes_nano), len(splits))
    assert (read_nonce, read_deadline) == (nonce, min(deadline, 2**32 - 1))
    assert len(packed) == 32 + 8 * stakes + 23 * given_splits


@given(st.integers(0, MAX_RISK_UNITS), st.integers(0, MAX_ROUND_WORD))
def test_units_and_places(units: int, round_word: int) -> None:
    assert packing().unit_nano(units) == bound_nano(units)
    assert packing().risk_shift(round_word) == 108 + 30 * (round_word % OPEN_ROUNDS)
