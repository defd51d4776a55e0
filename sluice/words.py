"""Packed words: the account word, stake pages, split words, entries of a pass, and the digest
chain.

The contract's `contracts/modules/packing.vy` draws the same words. Fields stand from the lowest bit
up:

    account word   pool 54 | stake of model 0: 54 | four risks 30 each | round 11 | period 10
                   | pages 5 | flags 2
    stake page     four stakes 54 each (models ascending) | spare 40
    split word     8 x (destination 8, share 14) | due 54 | nonce 26
                   (due and nonce: in model 0's word only)
    entry word     account 160 | biased payout of model 0: 54 | number of page words that follow
    page word      four biased payouts 54 each (models ascending) | page number 8

Every amount is an integer in nano-NMR, every risk a number of units of 2^18 nano-NMR.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from eth_utils.crypto import keccak

from sluice.errors import InvalidInput

MODELS = 65
MODELS_A_PAGE = 4
PAGES = 16
OPEN_ROUNDS = 4
RISK_UNIT_NANO: int = 2**18

AMOUNT_BITS = 54
RISK_BITS = 30
ROUND_BITS = 11
PERIOD_BITS = 10
PAGES_BITS = 5
FLAGS_BITS = 2
DESTINATION_BITS = 8
SHARE_BITS = 14
NONCE_BITS = 26
DESTINATIONS = 8

MAX_AMOUNT_NANO: int = 2**AMOUNT_BITS - 1
MAX_RISK_UNITS: int = 2**RISK_BITS - 1
MAX_ROUND_WORD: int = 2**ROUND_BITS - 1
MAX_PERIOD: int = 2**PERIOD_BITS - 1
MAX_NONCE: int = 2**NONCE_BITS - 1
PAYOUT_BIAS_NANO: int = 2**53

ACCOUNT_BITS = 160
WORD_BYTES = 32
OFFER_PLACE = 17
SPLIT_PLACE = 32
"""Split words stand at place 32 + model; the address to which a move is offered at place 17; stake
pages at places 1..16; the account word at place 0."""

POOL = 254
WALLET = 255
"""Destinations of a split beside the models 0..64."""

MAX_LINK_WORDS = 96
MAX_LINKS_A_CALL = 16
NO_DIGEST = bytes(32)


class PagesOutOfOrder(InvalidInput):
    """An entry whose page words do not ascend from 1 to 16; `account` is the entry's."""

    def __init__(self, account: str) -> None:
        super().__init__("its pages do not ascend from 1 to 16")
        self.account = account


@dataclass(frozen=True, slots=True)
class AccountWord:
    """What the account word holds. Amounts in nano-NMR; `risks_units[i]` is the risk of the rounds
    with word round = i modulo 4; `round_word` and `period` count from 1, 0 = never; `flags`: bit 0
    model 0 has a split, bit 1 something is due."""

    pool_nano: int = 0
    stake_nano: int = 0
    risks_units: tuple[int, int, int, int] = (0, 0, 0, 0)
    round_word: int = 0
    period: int = 0
    pages: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True)
class StakePage:
    """Four models' stakes in nano-NMR, ascending; `flags`: bit i = model i of the page has a
    split."""

    stakes_nano: tuple[int, int, int, int] = (0, 0, 0, 0)
    flags: int = 0


@dataclass(frozen=True, slots=True)
class SplitWord:
    """One model's split as (destination, share in basis points); `due_nano` and `nonce` stand in
    model 0's word only."""

    parts: tuple[tuple[int, int], ...] = ()
    due_nano: int = 0
    nonce: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One account's payouts in a pass: `payouts_nano[model]`, signed (a burn is negative), zero or
    absent = none."""

    account: str
    payouts_nano: Mapping[int, int] = field(default_factory=dict)


def model_page(model: int) -> int:
    """The stake page of a model, 1..16; 0 for model 0, which stands in the account word."""
    return (model + MODELS_A_PAGE - 1) // MODELS_A_PAGE


def model_position(model: int) -> int:
    """The position 0..3 of a model 1..64 in its stake page."""
    return (model - 1) % MODELS_A_PAGE


def page_models(page: int) -> range:
    """The four models of a stake page 1..16, ascending."""
    first = (page - 1) * MODELS_A_PAGE + 1
    return range(first, first + MODELS_A_PAGE)


def place_key(account: str, place: int) -> int:
    """The key of one of an account's words in the contract's mapping: place << 160 | account."""
    return place << ACCOUNT_BITS | int(account, 16)


def word_slot(account: str, place: int, mapping_slot: int) -> int:
    """The storage slot of one of an account's words, as Vyper places the values of a HashMap at
    `mapping_slot`."""
    key = place_key(account, place)
    return int.from_bytes(keccak(_to_word(mapping_slot) + _to_word(key)), "big")


def pack_account(account: AccountWord) -> int:
    """The account word; InvalidInput if a field does not fit."""
    fields = [
        (account.pool_nano, AMOUNT_BITS),
        (account.stake_nano, AMOUNT_BITS),
        *((units, RISK_BITS) for units in account.risks_units),
        (account.round_word, ROUND_BITS),
        (account.period, PERIOD_BITS),
        (account.pages, PAGES_BITS),
        (account.flags, FLAGS_BITS),
    ]
    return _pack(fields)


def unpack_account(word: int) -> AccountWord:
    """The fields of an account word."""
    widths = [AMOUNT_BITS] * 2 + [RISK_BITS] * 4 + [ROUND_BITS, PERIOD_BITS, PAGES_BITS, FLAGS_BITS]
    pool, stake, r0, r1, r2, r3, round_word, period, pages, flags = _unpack(word, widths)
    return AccountWord(pool, stake, (r0, r1, r2, r3), round_word, period, pages, flags)


def pack_page(page: StakePage) -> int:
    """The stake page's word; InvalidInput if a stake does not fit."""
    return _pack(
        [*((stake, AMOUNT_BITS) for stake in page.stakes_nano), (page.flags, MODELS_A_PAGE)]
    )


def unpack_page(word: int) -> StakePage:
    """The fields of a stake page."""
    s0, s1, s2, s3, flags = _unpack(word, [AMOUNT_BITS] * 4 + [MODELS_A_PAGE])
    return StakePage((s0, s1, s2, s3), flags)


def pack_split(split: SplitWord) -> int:
    """The split word; InvalidInput if a field does not fit or there are more than eight parts."""
    if len(split.parts) > DESTINATIONS:
        raise InvalidInput(
            f"a split has at most {DESTINATIONS} destinations, not {len(split.parts)}: join some"
        )
    padded = [*split.parts, *[(0, 0)] * (DESTINATIONS - len(split.parts))]
    fields: list[tuple[int, int]] = []
    for destination, share_bps in padded:
        fields += [(destination, DESTINATION_BITS), (share_bps, SHARE_BITS)]
    return _pack([*fields, (split.due_nano, AMOUNT_BITS), (split.nonce, NONCE_BITS)])


def unpack_split(word: int) -> SplitWord:
    """The fields of a split word; a part with share zero ends the parts (a share is at least 1)."""
    *pairs, due, nonce = _unpack(
        word, [DESTINATION_BITS, SHARE_BITS] * DESTINATIONS + [AMOUNT_BITS, NONCE_BITS]
    )
    parts = tuple((pairs[i], pairs[i + 1]) for i in range(0, 2 * DESTINATIONS, 2) if pairs[i + 1])
    return SplitWord(parts, due, nonce)


def pack_entry(entry: Entry) -> list[int]:
    """The words of an entry: the entry word, then one page word for each stake page with a payout,
    ascending.

    Raises InvalidInput for a model above 64, a payout that does not fit, or the zero address."""
    if int(entry.account, 16) == 0:
        raise InvalidInput("the zero address is no account: leave it out of the round")
    payouts = {model: payout for model, payout in sorted(entry.payouts_nano.items()) if payout}
    for model, payout in payouts.items():
        if not 0 <= model < MODELS:
            raise InvalidInput(
                f"model {model} of {entry.account}: models are numbered 0 to {MODELS - 1}"
            )
        if abs(payout) >= PAYOUT_BIAS_NANO:
            raise InvalidInput(
                f"payout of {payout} nano-NMR on model {model} of {entry.account} does not fit"
            )
    pages = []
    for page, models in groupby((m for m in payouts if m), key=model_page):
        biased = [PAYOUT_BIAS_NANO] * MODELS_A_PAGE
        for model in models:
            biased[model_position(model)] += payouts[model]
        pages.append(_pack([*((value, AMOUNT_BITS) for value in biased), (page, 8)]))
    first = int(entry.account, 16)
    first |= (payouts.get(0, 0) + PAYOUT_BIAS_NANO) << ACCOUNT_BITS
    first |= len(pages) << (ACCOUNT_BITS + AMOUNT_BITS)
    return [first, *pages]


def unpack_link(words: Sequence[int]) -> Iterator[Entry]:
    """The entries of a link's words, one by one; InvalidInput at the first that is malformed."""
    index = 0
    while index < len(words):
        address, biased, count = _unpack(words[index], [ACCOUNT_BITS, AMOUNT_BITS, 42])
        end = index + 1 + count
        if end > len(words):
            raise InvalidInput("its page words go beyond the link")
        account = "0x" + address.to_bytes(20, "big").hex()
        payouts = {0: biased - PAYOUT_BIAS_NANO}
        page = 0
        for word in words[index + 1 : end]:
            *values, page_number = _unpack(word, [AMOUNT_BITS] * MODELS_A_PAGE + [40])
            if not page < page_number <= PAGES:
                raise PagesOutOfOrder(account)
            page = page_number
            for model, value in zip(page_models(page), values, strict=True):
                payouts[model] = value - PAYOUT_BIAS_NANO
        yield Entry(account, {model: payout for model, payout in payouts.items() if payout})
        index = end


def link_bytes(entries: Iterable[Entry]) -> bytes:
    """A link as the contract takes and hashes it: the raw 32-byte words of its entries, one after
    the other."""
    return b"".join(_to_word(word) for entry in entries for word in pack_entry(entry))


def link_words(link: bytes) -> list[int]:
    """The 32-byte words of a link; InvalidInput if its length is not a multiple of 32."""
    if len(link) % WORD_BYTES:
        raise InvalidInput(
            f"a link of {len(link)} bytes is not made of whole {WORD_BYTES}-byte words"
        )
    return [
        int.from_bytes(link[i : i + WORD_BYTES], "big") for i in range(0, len(link), WORD_BYTES)
    ]


def digest_chain(links: Sequence[bytes], tail: bytes = NO_DIGEST) -> list[bytes]:
    """The digests d_0..d_n of `links` followed by a rest whose digest is `tail` (zero: nothing
    follows).

    d_i = keccak256(keccak256(link_i) ++ d_(i+1)) and d_n = tail: d_0 is what is announced, d_i what
    is left once i links are applied (docs/accounting.md, "The round under way")."""
    digests = [tail]
    for link in reversed(links):
        digests.append(keccak(keccak(link) + digests[-1]))
    return digests[::-1]


def _to_word(value: int) -> bytes:
    return value.to_bytes(WORD_BYTES, "big")


def _pack(fields: Iterable[tuple[int, int]]) -> int:
    word = 0
    shift = 0
    for value, bits in fields:
        if not 0 <= value < 1 << bits:
            raise InvalidInput(f"{value} does not fit {bits} bits")
        word |= value << shift
        shift += bits
    return word


def _unpack(word: int, widths: Iterable[int]) -> list[int]:
    values = []
    for bits in widths:
        values.append(word & ((1 << bits) - 1))
        word >>= bits
    return values
