"""Packed words: round trips over the full domain, neighbours left alone, one worked digest."""

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import InvalidInput
from sluice.words import (
    DESTINATIONS,
    MAX_AMOUNT_NANO,
    MAX_NONCE,
    MAX_PERIOD,
    MAX_RISK_UNITS,
    MAX_ROUND_WORD,
    MODELS,
    MODELS_A_PAGE,
    NO_DIGEST,
    PAGES,
    PAYOUT_BIAS_NANO,
    AccountWord,
    Entry,
    SplitWord,
    StakePage,
    digest_chain,
    link_bytes,
    link_words,
    model_page,
    model_position,
    pack_account,
    pack_entry,
    pack_page,
    pack_split,
    page_models,
    place_key,
    unpack_account,
    unpack_link,
    unpack_page,
    unpack_split,
    word_slot,
)
from tests.worked_digest import (
    WORKED_DIGEST,
    WORKED_FIRST_LINK,
    WORKED_REST,
    WORKED_SECOND_LINK,
)

amounts = st.integers(0, MAX_AMOUNT_NANO)
risks = st.integers(0, MAX_RISK_UNITS)
addresses = st.integers(1, 2**160 - 1).map(lambda number: f"0x{number:040x}")
signed = st.integers(-(PAYOUT_BIAS_NANO - 1), PAYOUT_BIAS_NANO - 1).filter(bool)
entries = st.builds(
    Entry, addresses, st.dictionaries(st.integers(0, MODELS - 1), signed, max_size=MODELS)
)
accounts = st.builds(
    AccountWord,
    amounts,
    amounts,
    st.tuples(risks, risks, risks, risks),
    st.integers(0, MAX_ROUND_WORD),
    st.integers(0, MAX_PERIOD),
    st.integers(0, 31),
    st.integers(0, 3),
)
pages = st.builds(
    StakePage, st.tuples(amounts, amounts, amounts, amounts), st.integers(0, 2**MODELS_A_PAGE - 1)
)
parts = st.lists(
    st.tuples(st.integers(0, 255), st.integers(1, 2**14 - 1)), max_size=DESTINATIONS
).map(tuple)
splits = st.builds(SplitWord, parts, amounts, st.integers(0, MAX_NONCE))

STAKER = "0x00000000000000000000000000000000000000a1"
OTHER_STAKER = "0x00000000000000000000000000000000000000b2"


@given(accounts)
def test_account_word_round_trip(account: AccountWord) -> None:
    word = pack_account(account)

    assert 0 <= word < 2**256
    assert unpack_account(word) == account


@given(st.integers(0, 2**256 - 1))
def test_every_word_is_an_account_word(word: int) -> None:
    assert pack_account(unpack_account(word)) == word


@given(pages)
def test_stake_page_round_trip(page: StakePage) -> None:
    assert unpack_page(pack_page(page)) == page


@given(splits)
def test_split_word_round_trip(split: SplitWord) -> None:
    assert unpack_split(pack_split(split)) == split


@given(st.lists(entries, max_size=5))
def test_link_round_trip(link: list[Entry]) -> None:
    data = link_bytes(link)

    assert list(unpack_link(link_words(data))) == link
    assert len(data) == 32 * sum(len(pack_entry(entry)) for entry in link)


ACCOUNT_FIELDS = [
    (AccountWord(pool_nano=MAX_AMOUNT_NANO), 0, 54),
    (AccountWord(stake_nano=MAX_AMOUNT_NANO), 54, 54),
    (AccountWord(risks_units=(MAX_RISK_UNITS, 0, 0, 0)), 108, 30),
    (AccountWord(risks_units=(0, MAX_RISK_UNITS, 0, 0)), 138, 30),
    (AccountWord(risks_units=(0, 0, MAX_RISK_UNITS, 0)), 168, 30),
    (AccountWord(risks_units=(0, 0, 0, MAX_RISK_UNITS)), 198, 30),
    (AccountWord(round_word=MAX_ROUND_WORD), 228, 11),
    (AccountWord(period=MAX_PERIOD), 239, 10),
    (AccountWord(pages=31), 249, 5),
    (AccountWord(flags=3), 254, 2),
]
PAGE_FIELDS = [
    *(
        (StakePage(tuple(MAX_AMOUNT_NANO * (i == j) for j in range(4))), 54 * i, 54)
        for i in range(4)
    ),
    (StakePage(flags=15), 216, 4),
]
SPLIT_FIELDS = [
    *((SplitWord((*[(0, 1)] * i, (255, 2**14 - 1))), 22 * i, 22) for i in range(DESTINATIONS)),
    (SplitWord(due_nano=MAX_AMOUNT_NANO), 176, 54),
    (SplitWord(nonce=MAX_NONCE), 230, 26),
]


@pytest.mark.parametrize(("account", "shift", "bits"), ACCOUNT_FIELDS)
def test_account_field_at_its_most_leaves_its_neighbours(
    account: AccountWord, shift: int, bits: int
) -> None:
    assert pack_account(account) == (2**bits - 1) << shift


@pytest.mark.parametrize(("page", "shift", "bits"), PAGE_FIELDS)
def test_page_field_at_its_most_leaves_its_neighbours(
    page: StakePage, shift: int, bits: int
) -> None:
    assert pack_page(page) == (2**bits - 1) << shift


@pytest.mark.parametrize(("split", "shift", "bits"), SPLIT_FIELDS)
def test_split_field_at_its_most_leaves_its_neighbours(
    split: SplitWord, shift: int, bits: int
) -> None:
    before = sum(1 << (22 * i + 8) for i in range(max(len(split.parts) - 1, 0)))
    assert pack_split(split) == before | (2**bits - 1) << shift


def test_account_fields_fill_the_word() -> None:
    assert sum(bits for _, _, bits in ACCOUNT_FIELDS) == 256


@pytest.mark.parametrize(
    "account",
    [
        AccountWord(pool_nano=MAX_AMOUNT_NANO + 1),
        AccountWord(stake_nano=-1),
        AccountWord(risks_units=(0, 0, 0, MAX_RISK_UNITS + 1)),
        AccountWord(round_word=MAX_ROUND_WORD + 1),
        AccountWord(period=MAX_PERIOD + 1),
        AccountWord(pages=32),
        AccountWord(flags=4),
    ],
)
def test_account_word_refuses_what_does_not_fit(account: AccountWord) -> None:
    with pytest.raises(InvalidInput, match="does not fit"):
        pack_account(account)


def test_split_word_refuses_a_ninth_destination() -> None:
    with pytest.raises(InvalidInput, match="at most 8 destinations"):
        pack_split(SplitWord(tuple((i, 1) for i in range(9))))


def test_entry_of_one_model_is_one_word() -> None:
    gain = pack_entry(Entry(STAKER, {0: 5}))
    most = pack_entry(Entry("0x" + "ff" * 20, {0: PAYOUT_BIAS_NANO - 1}))
    least = pack_entry(Entry("0x" + "ff" * 20, {0: -(PAYOUT_BIAS_NANO - 1)}))

    assert gain == [0xA1 | (2**53 + 5) << 160]
    assert most == [2**214 - 1]
    assert least == [2**160 - 1 | 1 << 160]


def test_entry_of_all_models_has_sixteen_page_words() -> None:
    """S50: 65 models in one account."""
    words = pack_entry(Entry(STAKER, dict.fromkeys(range(MODELS), PAYOUT_BIAS_NANO - 1)))

    assert words[0] >> 214 == PAGES
    assert [word >> 216 for word in words[1:]] == list(range(1, PAGES + 1))
    assert all(word & (2**216 - 1) == 2**216 - 1 for word in words[1:])


def test_page_words_only_for_pages_with_a_payout() -> None:
    words = pack_entry(Entry(STAKER, {64: -1, 6: 2, 1: 0}))

    zero = PAYOUT_BIAS_NANO
    assert words == [
        0xA1 | zero << 160 | 2 << 214,
        zero | zero + 2 << 54 | zero << 108 | zero << 162 | 2 << 216,
        zero | zero << 54 | zero << 108 | zero - 1 << 162 | 16 << 216,
    ]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Entry("0x" + "00" * 20, {0: 1}), "zero address"),
        (Entry(STAKER, {65: 1}), "numbered 0 to 64"),
        (Entry(STAKER, {-1: 1}), "numbered 0 to 64"),
        (Entry(STAKER, {0: PAYOUT_BIAS_NANO}), "does not fit"),
        (Entry(STAKER, {3: -PAYOUT_BIAS_NANO}), "does not fit"),
    ],
)
def test_entry_refuses(entry: Entry, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        pack_entry(entry)


def test_link_refuses_words_that_are_cut_off() -> None:
    data = link_bytes([Entry(STAKER, {0: 1, 1: 1})])

    with pytest.raises(InvalidInput, match="its page words go beyond the link"):
        list(unpack_link(link_words(data[:32])))
    with pytest.raises(InvalidInput, match="whole 32-byte words"):
        link_words(data[:-1])


@pytest.mark.parametrize("pages", [[0], [17], [2, 1], [3, 3]])
def test_link_refuses_pages_that_do_not_ascend(pages: list[int]) -> None:
    (first,) = pack_entry(Entry(STAKER))
    page_words = [page << 216 for page in pages]

    with pytest.raises(InvalidInput, match="its pages do not ascend from 1 to 16"):
        list(unpack_link([first | len(pages) << 214, *page_words]))


def test_every_model_has_one_place() -> None:
    places = [(model_page(model), model_position(model)) for model in range(1, MODELS)]

    assert model_page(0) == 0
    assert places == [(page, position) for page in range(1, 17) for position in range(4)]
    assert [m for page in range(1, 17) for m in page_models(page)] == list(range(1, 65))


def test_word_slot_is_the_hash_of_mapping_and_key() -> None:
    assert place_key(STAKER, 2) == 2 * 2**160 + 0xA1
    expected = keccak((7).to_bytes(32, "big") + (2 * 2**160 + 0xA1).to_bytes(32, "big"))
    assert word_slot(STAKER, 2, 7) == int.from_bytes(expected, "big")


def test_digest_worked_by_hand() -> None:
    """N5: the digest that the documents work through, written out."""
    first = link_bytes([Entry(STAKER, {0: 1_000_000_000})])
    second = link_bytes([Entry(OTHER_STAKER, {0: -250_000_000, 5: 125_000_000})])

    assert (first, second) == (WORKED_FIRST_LINK, WORKED_SECOND_LINK)
    assert keccak(keccak(second) + bytes(32)) == WORKED_REST
    assert keccak(keccak(first) + WORKED_REST) == WORKED_DIGEST
    assert digest_chain([first, second]) == [WORKED_DIGEST, WORKED_REST, NO_DIGEST]


def test_digest_of_the_empty_round() -> None:
    """An empty round is one empty link, and its digest is not zero."""
    digest = keccak(keccak(b"") + bytes(32))

    assert digest_chain([link_bytes([])]) == [digest, NO_DIGEST]
    assert digest != NO_DIGEST


@given(st.lists(st.binary(max_size=64), min_size=1, max_size=6), st.data())
def test_rest_of_a_round_has_the_digest_that_stands_on_chain(
    round_links: list[bytes], data: st.DataObject
) -> None:
    applied = data.draw(st.integers(0, len(round_links)))
    digests = digest_chain(round_links)

    assert digest_chain(round_links[applied:])[0] == digests[applied]
    assert digest_chain(round_links[:applied], digests[applied]) == digests[: applied + 1]
