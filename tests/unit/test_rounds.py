"""From payouts to entries, links and batches."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import InvalidInput
from sluice.inputs import RoundTable, Row, as_address, read_rounds
from sluice.registry import Registry, extend, with_accounts
from sluice.rounds import (
    DEFAULT_GAS,
    EntryGas,
    batches,
    check_bounds,
    entries,
    links,
    links_of_round,
    payouts,
)
from sluice.words import (
    MAX_LINK_WORDS,
    MAX_LINKS_A_CALL,
    MODELS,
    Entry,
    link_bytes,
)
from tests.real_rounds import needs_real_rounds, needs_rounds_225_260, real_rounds_file

TRANSACTION_GAS = 16_777_216
NMR = 10**9


def address(number: int) -> str:
    return f"0x{number:040x}"


def entry_of(number: int, models: int, payout_nano: int = 1) -> Entry:
    return Entry(address(number), dict.fromkeys(range(models), payout_nano))


def one_round(*rows: tuple[str, str, int]) -> RoundTable:
    held = tuple(
        Row(number, 7, account, model, payout)
        for number, (account, model, payout) in enumerate(rows, start=2)
    )
    return RoundTable("rounds.csv", "", {7: held})


STAKER, OTHER_STAKER = address(0x11), address(0x22)
REGISTRY = with_accounts(Registry(), {"dew": STAKER, "fog": OTHER_STAKER})

entry_lists = st.lists(
    st.builds(
        entry_of, st.integers(1, 2**160 - 1), st.integers(0, MODELS), st.sampled_from([-1, 1])
    ),
    max_size=80,
)


def test_payouts_by_address_and_number() -> None:
    table = one_round(("dew", "b", -5), ("fog", "x", 0), ("dew", "a", 7))
    registry = extend(REGISTRY, table)

    assert payouts(table, registry, 7) == {
        (STAKER, 0): 7,
        (STAKER, 1): -5,
        (OTHER_STAKER, 0): 0,
    }


def test_payouts_refuse_a_model_under_name_and_address() -> None:
    table = one_round(("dew", "a", 1), (STAKER, "a", 1))

    with pytest.raises(InvalidInput, match=r"^rounds.csv, row 3: model a of 0x.* already; keep"):
        payouts(table, extend(REGISTRY, table), 7)


def test_payouts_refuse_unknown_account_unknown_and_unresolved_round() -> None:
    table = one_round(("mist", "a", 1))
    unresolved = RoundTable("r.csv", "", {7: (replace(table.rows(7)[0], resolved=False),)})

    with pytest.raises(InvalidInput, match=r"row 2: account mist is unknown; add it"):
        payouts(table, REGISTRY, 7)
    with pytest.raises(InvalidInput, match="no rows of round 8"):
        payouts(table, REGISTRY, 8)
    with pytest.raises(InvalidInput, match=r"row 2: round 7 is not resolved; wait"):
        payouts(unresolved, REGISTRY, 7)


def test_entries_hold_who_has_the_minimum_stake_or_a_payout() -> None:
    """S49: the minimum is the operator's policy, stated in the manifest."""
    paid, at_least, below, none, lost = (address(n) for n in (5, 4, 3, 2, 1))
    made = entries(
        {(paid, 3): 9, (paid, 0): 0, (none, 0): 0, (lost, 64): -1},
        {at_least: 100, below: 99, paid: 1},
        100,
    )

    assert [(int(e.account, 16), dict(e.payouts_nano)) for e in made] == [
        (1, {64: -1}),
        (4, {}),
        (5, {3: 9}),
    ]


def test_entries_without_minimum_still_need_a_stake() -> None:
    made = entries({}, {address(1): 0, address(2): 1}, 0)

    assert [int(e.account, 16) for e in made] == [2]


def test_entries_join_the_forms_of_an_address() -> None:
    lower = "0x" + "ab" * 20
    made = entries({(lower, 0): 1}, {lower.replace("ab", "AB"): 5}, 1)

    assert made == [Entry("0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB", {0: 1})]


def test_entries_refuse_a_name() -> None:
    with pytest.raises(InvalidInput, match="account dew is no address: look it up"):
        entries({("dew", 0): 1}, {}, 0)


def test_bounds_hold_losses_and_earnings_apart() -> None:
    """Losses together and earnings together are each at most the bound, whatever their sum."""
    account = address(0xAB)
    entry = Entry(account, {0: 10, 1: -10, 2: -1, 3: 1})

    check_bounds([entry], {account: 11})
    with pytest.raises(InvalidInput, match=r"loses 11 nano-NMR of at most 10; .* earns 11 nano-"):
        check_bounds([entry], {account.upper().replace("X", "x"): 10})


def test_bounds_name_every_entry_over_them() -> None:
    made = [Entry(STAKER, {0: 1}), Entry(OTHER_STAKER, {0: -3}), Entry(address(3), {})]

    with pytest.raises(InvalidInput) as refusal:
        check_bounds(made, {OTHER_STAKER: 2})
    assert str(refusal.value) == (
        f"payouts over the bound of the round: {STAKER} earns 1 nano-NMR of at most 0; "
        f"{OTHER_STAKER} loses 3 nano-NMR of at most 2: correct these payouts, or leave these "
        "accounts' rows out, and make the round again"
    )


@pytest.mark.parametrize(
    ("earnings", "losses", "gas"),
    [
        (0, 0, 44_000),
        (1, 0, 44_000 + 4_500 + 8 * 20_000),
        (2, 0, 44_000 + 9_000 + 16 * 20_000),
        (0, 1, 44_000 + 4_500 + 16 * 3_500),
        (1, 1, 44_000 + 9_000 + 8 * 20_000 + 8 * 3_500),
        (65, 0, 656_500),
        (30, 35, 656_500),
        (0, 65, 392_500),
    ],
)
def test_worst_gas_of_an_entry(earnings: int, losses: int, gas: int) -> None:
    """A page is filled from nothing, or lowered, but not both."""
    payouts = dict.fromkeys(range(earnings), 1)
    payouts |= dict.fromkeys(range(earnings, earnings + losses), -1)
    assert DEFAULT_GAS.worst(Entry(address(1), payouts)) == gas


@given(entry_lists)
def test_links_keep_the_order_and_fit_a_transaction(made: list[Entry]) -> None:
    cut = links(made)

    assert [entry for link in cut for entry in link] == made
    assert len(cut) == 1 or all(cut)
    for link in cut:
        words = len(link_bytes(link)) // 32
        assert words <= MAX_LINK_WORDS
        # 64 bytes of offsets and lengths beside the words, at 16 gas a byte.
        calldata = 16 * (32 * words + 64 * 4)
        worst = sum(map(DEFAULT_GAS.worst, link))
        assert worst <= DEFAULT_GAS.link_budget
        assert 21_000 + calldata + worst <= TRANSACTION_GAS


@given(entry_lists)
def test_links_are_the_fewest(made: list[Entry]) -> None:
    for link, following in zip(links(made), links(made)[1:], strict=False):
        longer = [*link, following[0]]
        words = len(link_bytes(longer)) // 32
        worst = sum(map(DEFAULT_GAS.worst, longer))
        assert words > MAX_LINK_WORDS or worst > DEFAULT_GAS.link_budget


def test_no_entries_make_one_empty_link() -> None:
    assert links([]) == [[]]
    assert batches([[]]) == [[[]]]


def test_links_of_accounts_of_65_models() -> None:
    """S50: accounts with every model, five to a link."""
    cut = links([entry_of(n, MODELS) for n in range(1, 14)])

    assert [len(link) for link in cut] == [5, 5, 3]


def test_links_of_accounts_of_one_model() -> None:
    """Winners by what they can cost, losers and accounts without a payout by their words."""
    assert [len(link) for link in links([entry_of(n, 1) for n in range(1, 101)])] == [71, 29]
    assert [len(link) for link in links([entry_of(n, 1, -1) for n in range(1, 121)])] == [96, 24]
    assert [len(link) for link in links([entry_of(n, 0) for n in range(1, 201)])] == [96, 96, 8]


@given(entry_lists, st.integers(100_000, 2_000_000))
def test_batches_keep_the_order_and_their_target(made: list[Entry], target: int) -> None:
    gas = EntryGas(batch_target=target, link_budget=1_000_000)
    cut = links(made, gas)
    grouped = batches(cut, gas)

    assert [link for batch in grouped for link in batch] == cut
    for batch in grouped:
        assert 1 <= len(batch) <= MAX_LINKS_A_CALL
        usual = gas.usual_call + sum(map(gas.usual, batch))
        assert usual <= target or len(batch) == 1


def test_batches_have_at_most_sixteen_links() -> None:
    assert [len(batch) for batch in batches([[entry_of(1, 1)]] * 50)] == [16, 16, 16, 2]


def test_same_inputs_same_links_in_any_order_of_rows() -> None:
    """N5: a round recomputed by anyone comes out the same."""
    rows = [("dew", "a", 5), ("fog", "x", -2), ("dew", "b", 3)]
    there, here = one_round(*rows), one_round(*reversed(rows))
    staked = {address(0x33): 50, STAKER: 70}

    made = [
        links_of_round(t, extend(REGISTRY, t), 7, dict(s), 10)
        for t, s in ((there, staked), (here, reversed(staked.items())))
    ]
    assert made[0] == made[1]
    assert [e.account for e in made[0][0]] == [STAKER, OTHER_STAKER, address(0x33)]


def real_registry(table: RoundTable) -> Registry:
    names = sorted({row.account for rows in table.rounds.values() for row in rows})
    unknown = {name: address(n) for n, name in enumerate(names, start=1) if not as_address(name)}
    return extend(with_accounts(Registry(), unknown), table)


@needs_real_rounds
def test_every_real_round_goes_in_few_transactions() -> None:
    """Of any file: entries stay within a quarter of the stakes, links within a call."""
    path = real_rounds_file()
    assert path is not None
    table = read_rounds(path)
    registry = real_registry(table)
    unresolved = table.unresolved()
    for round_number in table.rounds:
        if round_number in unresolved:
            continue
        staked: dict[str, int] = {}
        bounds: dict[str, int] = {}
        for row in table.rows(round_number):
            account = registry.address(row, table)
            stake = row.stake_nano if row.stake_nano is not None else 4 * abs(row.payout_nano)
            staked[account] = staked.get(account, 0) + stake
            bounds[account] = bounds.get(account, 0) + stake // 4 + 1
        cut = links_of_round(table, registry, round_number, staked, 0)
        made = [entry for link in cut for entry in link]

        check_bounds(made, bounds)
        assert {e.account for e in made} == {a for a, stake in staked.items() if stake}
        assert sum(sum(e.payouts_nano.values()) for e in made) == sum(
            row.payout_nano for row in table.rows(round_number)
        )
        for batch in batches(cut):
            assert len(batch) <= MAX_LINKS_A_CALL
            assert all(len(link_bytes(link)) <= 32 * MAX_LINK_WORDS for link in batch)


@needs_rounds_225_260
def test_round_260_goes_in_two_transactions() -> None:
    path = real_rounds_file()
    assert path is not None
    table = read_rounds(path)
    registry = real_registry(table)
    staked: dict[str, int] = {}
    for row in table.rows(260):
        account = registry.address(row, table)
        staked[account] = staked.get(account, 0) + (row.stake_nano or 0)
    cut = links_of_round(table, registry, 260, staked, 0)

    assert sum(map(len, cut)) == 2_246
    assert max(len(entry.payouts_nano) for link in cut for entry in link) == 48
    assert len(batches(cut)) == 2
