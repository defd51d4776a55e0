"""An account comes back out of the words that hold it."""

from hypothesis import given
from hypothesis import strategies as st

from sluice.account import Account
from sluice.parameters import Parameters
from sluice.stored import account_of, gather, stored_words
from sluice.words import (
    MAX_AMOUNT_NANO,
    MAX_NONCE,
    MAX_PERIOD,
    MAX_RISK_UNITS,
    PAGES,
    POOL,
    SPLIT_PLACE,
    WALLET,
    SplitWord,
    model_page,
    pack_account,
    pack_split,
    unpack_account,
)

PARAMETERS = Parameters(first_pass=257, first_pass_time=1_700_000_000, deployed_at=1_699_000_000)

amounts = st.integers(1, MAX_AMOUNT_NANO)
models = st.integers(0, 64)
splits = st.one_of(
    st.just(((POOL, 5_000), (WALLET, 5_000))),
    st.integers(1, 9_999).map(lambda share: ((3, share), (254, 10_000 - share))),
)


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    pool_nano = draw(st.integers(0, MAX_AMOUNT_NANO))
    stakes_nano = draw(st.dictionaries(models, amounts, max_size=6))
    own_splits = draw(st.dictionaries(models, splits, max_size=4))
    last_pass = draw(st.one_of(st.none(), st.integers(257, 2_000)))
    opened = range(1, 5) if last_pass is None else range(last_pass + 1, last_pass + 5)
    units = st.integers(1, MAX_RISK_UNITS)
    risks = {} if last_pass is None else draw(st.dictionaries(st.sampled_from(opened), units))
    used = [0, *map(model_page, stakes_nano), *map(model_page, own_splits)]
    return Account(
        pool_nano=pool_nano,
        stakes_nano=stakes_nano,
        risks_units=risks,
        round_number=last_pass,
        period=draw(st.integers(0, MAX_PERIOD)),
        nonce=draw(st.integers(0, MAX_NONCE)),
        pages=draw(st.integers(max(used), PAGES)),
        due_nano=draw(st.integers(0, pool_nano)),
        splits=own_splits,
        offered_to=draw(st.one_of(st.none(), st.integers(1, 2**160 - 1).map("0x{:040x}".format))),
    )


@given(accounts())
def test_account_of_undoes_what_the_ledger_stores(account: Account) -> None:
    assert account_of(stored_words(account, PARAMETERS), PARAMETERS) == account


@given(st.lists(accounts(), max_size=3))
def test_gather_reads_all_that_an_account_needs(held: list[Account]) -> None:
    words = {f"0x{at:040x}": stored_words(each, PARAMETERS) for at, each in enumerate(held)}

    found = gather(words, lambda places: [words[account].get(at, 0) for account, at in places])

    assert [account_of(found[account], PARAMETERS) for account in words] == held


def test_what_the_flags_do_not_vouch_for_does_not_count() -> None:
    """The contract clears a flag and leaves the value behind it."""
    left_behind = pack_split(SplitWord(((POOL, 10_000),), due_nano=7, nonce=3))
    words = {0: pack_account(unpack_account(9)), SPLIT_PLACE: left_behind}

    account = account_of(words, PARAMETERS)

    assert (account.pool_nano, account.due_nano, account.splits, account.nonce) == (9, 0, {}, 3)
