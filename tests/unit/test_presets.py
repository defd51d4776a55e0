"""Splits as they are typed, said and made by presets; what each preset does to an account."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sluice.account import Split
from sluice.errors import InvalidInput
from sluice.ledger import Ledger
from sluice.parameters import BPS, Parameters
from sluice.presets import (
    MEANING,
    Preset,
    check_split,
    most_under_weight,
    parse_percent,
    parse_splits,
    parse_weights,
    percent,
    preset_splits,
    shares_bps,
    split_in_words,
)
from sluice.words import (
    DESTINATIONS,
    MODELS,
    NO_DIGEST,
    POOL,
    WALLET,
    Entry,
    digest_chain,
    link_bytes,
)

STAKER = "0x" + "aa" * 20
NMR = 10**9
START = 1_700_000_000

model_numbers = st.integers(0, MODELS - 1)
some_weights = st.lists(st.integers(1, 10**12), min_size=1, max_size=DESTINATIONS)
weights_by_model = st.dictionaries(model_numbers, st.integers(1, 10**6), min_size=1)
stakes_by_model = st.dictionaries(model_numbers, st.integers(1, 10**12), min_size=1)


def after_earning(splits: dict[int, Split], stakes: dict[int, int], nano: int) -> Ledger:
    """An account with these stakes and splits after every staked model earned `nano`."""
    parameters = Parameters(1, START + 60, START)
    ledger = Ledger(parameters)
    ledger.fund(10**15)
    ledger.deposit_and_stake(STAKER, sum(stakes.values()), dict(sorted(stakes.items())))
    for model, split in splits.items():
        ledger.set_split(STAKER, model, split)
    for round_number in range(1, 6):
        payouts = dict.fromkeys(stakes, nano) if round_number == 5 else {}
        links = [link_bytes([Entry(STAKER, payouts)])]
        now = parameters.pass_time(round_number)
        ledger.announce(round_number, NO_DIGEST, digest_chain(links)[0], now)
        ledger.resolve(round_number, links, NO_DIGEST, now + parameters.window_s)
    return ledger


@given(some_weights)
@example([1] * 7)
@example([10**12, *[1] * 7])
@example([1, 1, 10**6])
def test_shares_are_exact_fair_and_never_nothing(weights: list[int]) -> None:
    """S12, S50b: exactly 10,000 basis points, at least one each, heavier never less, and less than
    one off the exact proportion unless tiny ones had to be lifted."""
    shares = shares_bps(weights)

    assert sum(shares) == BPS
    assert min(shares) >= 1
    for weight, share in zip(weights, shares, strict=True):
        for other, others in zip(weights, shares, strict=True):
            assert share >= others or weight <= other
            assert abs(share - others) <= 1 or weight != other
        if all(each * BPS >= sum(weights) for each in weights):
            assert abs(share * sum(weights) - weight * BPS) < sum(weights)


@given(
    st.sampled_from(Preset),
    st.sets(model_numbers, min_size=1, max_size=15),
    stakes_by_model,
)
def test_every_preset_makes_splits_that_the_rules_take(
    preset: Preset, models: set[int], stakes: dict[int, int]
) -> None:
    """S25: whatever is staked, the splits shown before signing are ones that can be set."""
    made = preset_splits(preset, models, stakes_nano=stakes)

    ledger = Ledger(Parameters(1, START + 60, START))
    for model, split in made.splits.items():
        check_split(model, split)
        ledger.set_split(STAKER, model, split)
    assert sorted(made.splits) == sorted(models)
    assert MEANING[preset].lower().startswith(preset.replace("-", " "))


@given(weights_by_model, stakes_by_model)
def test_balance_takes_the_eight_most_under_weight_and_says_so(
    weights: dict[int, int], stakes: dict[int, int]
) -> None:
    """S50b, S50f: with more than eight models, nobody left out is further under weight."""
    made = preset_splits(Preset.BALANCE, stakes, weights, stakes)

    (split,) = set(made.splits.values())
    chosen = [model for model, _ in split]
    staked, weight = sum(stakes.values()), sum(weights.values())
    gaps = {m: weights[m] * staked - stakes.get(m, 0) * weight for m in weights}
    assert len(chosen) == min(DESTINATIONS, len(weights))
    assert min(gaps[m] for m in chosen) >= max(
        [gaps[m] for m in weights if m not in chosen], default=min(gaps.values())
    )
    assert bool(made.notes) == (len(weights) > DESTINATIONS)
    assert all(str(model) in note for note in made.notes for model in chosen)


def test_compound_is_the_default_and_clears_what_was_set() -> None:
    """S16: what an account that set nothing has."""
    made = preset_splits(Preset.COMPOUND, [3, 0])
    ledger = after_earning(dict(made.splits), {0: 10 * NMR, 3: 10 * NMR}, NMR)

    assert made.splits == {0: (), 3: ()}
    assert ledger.account(STAKER).stakes_nano == {0: 11 * NMR, 3: 11 * NMR}


def test_take_profit_keeps_the_principal_where_it_is() -> None:
    """S7, S50c, S50g: a win makes no stake grow; all of it is free in the pool at once."""
    stakes = {0: 10 * NMR, 3: 10 * NMR}
    made = preset_splits(Preset.TAKE_PROFIT, stakes)
    ledger = after_earning(dict(made.splits), stakes, NMR)

    now = ledger.parameters.pass_time(6)
    assert ledger.account(STAKER).stakes_nano == stakes
    assert ledger.account(STAKER).pool_nano == 2 * NMR
    assert ledger.account(STAKER).due_nano == 0
    assert ledger.withdrawable_nano(STAKER, now) == 2 * NMR


def test_passive_income_leaves_with_the_batch_and_asks_for_nothing() -> None:
    """S25, S26, S54: due at once, and paid without a request."""
    stakes = {0: 10 * NMR, 3: 10 * NMR}
    made = preset_splits(Preset.PASSIVE_INCOME, stakes)
    ledger = after_earning(dict(made.splits), stakes, NMR)

    _, paid_nano = ledger.pay_due(STAKER, ledger.parameters.pass_time(6))
    assert ledger.account(STAKER).stakes_nano == stakes
    assert paid_nano == 2 * NMR


def test_balance_shares_each_models_earnings_out_by_the_weights() -> None:
    """S50b, S50e: 50 to 30 to 20, whichever model earned it."""
    stakes = {0: 10 * NMR, 3: 10 * NMR, 5: 10 * NMR}
    made = preset_splits(Preset.BALANCE, stakes, {0: 50, 3: 30, 5: 20}, stakes)
    ledger = after_earning(dict(made.splits), stakes, NMR)

    assert set(made.splits.values()) == {((0, 5_000), (3, 3_000), (5, 2_000))}
    grown = {m: ledger.account(STAKER).stakes_nano[m] - s for m, s in stakes.items()}
    assert grown == {0: 15 * NMR // 10, 3: 9 * NMR // 10, 5: 6 * NMR // 10}


def test_most_under_weight_prefers_the_heavier_of_equals() -> None:
    assert most_under_weight({0: 1, 1: 1, 2: 5}, {}, 2) == [0, 2]
    assert most_under_weight({0: 1, 1: 1, 2: 1}, {0: 5, 1: 1, 2: 3}, 1) == [1]


@pytest.mark.parametrize(
    ("preset", "models", "weights", "message"),
    [
        (Preset.COMPOUND, [], None, "no model has a stake or a split"),
        (Preset.TAKE_PROFIT, [0], {0: 1}, "leave --weights out"),
        (Preset.BALANCE, [0], None, "stake first, or give weights"),
        (Preset.BALANCE, [0], {65: 1}, "numbered 0 to 64"),
        (Preset.BALANCE, [99], {0: 1}, "numbered 0 to 64"),
    ],
)
def test_preset_refuses_and_says_what_to_do(
    preset: Preset, models: list[int], weights: dict[int, int] | None, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        preset_splits(preset, models, weights)


@given(st.integers(1, BPS))
def test_percent_is_read_back_exactly(share: int) -> None:
    assert parse_percent(percent(share)) == share
    assert parse_percent(percent(share).removesuffix("%")) == share


@pytest.mark.parametrize(
    ("typed", "splits"),
    [
        ("3 pool=100", {3: ((POOL, BPS),)}),
        ("3 3=50 pool=30.25 wallet=19.75", {3: ((3, 5_000), (POOL, 3_025), (WALLET, 1_975))}),
        ("4 WALLET=100% 0 default", {0: (), 4: ((WALLET, BPS),)}),
        ("1 0=33.34 1=33.33 2=33.33", {1: ((0, 3_334), (1, 3_333), (2, 3_333))}),
    ],
)
def test_splits_are_read_as_typed(typed: str, splits: dict[int, Split]) -> None:
    """S6, S12, S17: models, pool and wallet, in percent with two decimals."""
    assert parse_splits(typed.split()) == splits


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "name a model and where"),
        ("3", "model 3: say where its earnings go"),
        ("pool=100", "name the model first"),
        ("3 pool=99.99", r"sum to 99.99%, 0.01% are missing: make them exactly 100%"),
        ("3 pool=50 wallet=50.01", "sum to 100.01%, 0.01% are too much"),
        ("3 pool=50 pool=50", "the pool is named twice"),
        ("3 pool=33.333", "at most two decimals"),
        ("3 pool=0", "above 0% and at most 100%"),
        ("3 pool=100.01", "above 0% and at most 100%"),
        ("3 pool=nan", "no percentage"),
        ("3 pool=", "no percentage"),
        ("65 pool=100", "numbered 0 to 64"),
        ("3 65=100", "numbered 0 to 64"),
        ("3 254=100", "numbered 0 to 64"),
        ("3 purse=100", "purse is no model"),
        ("3 default pool=100", "either default or a split"),
        ("3 pool=100 default", "either default or a split"),
        ("3 default 3 default", "model 3 is there twice"),
        ("3 " + " ".join(f"{m}=12" for m in range(9)), "9 destinations, a split has at most 8"),
    ],
)
def test_splits_that_are_none_are_refused_with_a_remedy(typed: str, message: str) -> None:
    """Each refusal its own message, before anything is signed."""
    with pytest.raises(InvalidInput, match=message):
        parse_splits(typed.split())


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "write model=weight"),
        ("0=50,", "write model=weight"),
        ("0=x", "write model=weight"),
        ("0=0", "weight 0 of model 0: write one above zero"),
        ("0=-1", "write one above zero"),
        ("0=1,0=2", "model 0 has two weights"),
        ("65=1", "numbered 0 to 64"),
    ],
)
def test_weights_that_are_none_are_refused_with_a_remedy(typed: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_weights(typed)


def test_weights_keep_their_proportion() -> None:
    assert parse_weights("3=12.5, 0=50") == {0: 50 * NMR, 3: 12_500_000_000}


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ((), "100.00% back to model 3 (the default), to the pool once it has no stake"),
        (((3, BPS),), "100.00% to itself"),
        (
            ((3, 5_000), (4, 1), (POOL, 2_999), (WALLET, 2_000)),
            "50.00% to itself, 0.01% to model 4, 29.99% to the pool and 20.00% to your wallet",
        ),
    ],
)
def test_a_split_is_said_in_words(split: Split, words: str) -> None:
    assert split_in_words(3, split) == words
