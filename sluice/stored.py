"""An account as the words that the contract stores, and back.

A node gives the words (`sluice.storage`); the reference model then says what the contract would do
with a step, for any number of accounts, without a call for each.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from sluice.account import Account, Split
from sluice.parameters import Parameters
from sluice.words import (
    OFFER_PLACE,
    OPEN_ROUNDS,
    PAGES,
    SPLIT_PLACE,
    AccountWord,
    SplitWord,
    StakePage,
    pack_account,
    pack_page,
    pack_split,
    page_models,
    unpack_account,
    unpack_page,
    unpack_split,
)

HAS_SPLIT = 1
"""Flag of the account word: model 0 has a split of its own."""
HAS_DUE = 2
"""Flag of the account word: something is due."""


Place = tuple[str, int]
"""An account's address and a place of it: 0 the account word, 1 to 16 the stake pages, 17 the offer
of a move, 32 + model the split words."""
Read = Callable[[Sequence[Place]], Iterable[int]]
"""Gives the words at the places asked for, in their order."""


def gather(accounts: Iterable[str], read: Read) -> dict[str, dict[int, int]]:
    """Everything that is stored of accounts, by place, whatever of it is zero: what a word says is
    in use is read after it, so in three goes, each of all accounts."""
    return _gather(accounts, read, (_first_places, _page_places, _split_places))


def gather_stakes(accounts: Iterable[str], read: Read) -> dict[str, dict[int, int]]:
    """The account words and the stake pages in use, as `gather` has them."""
    return _gather(accounts, read, (lambda _: (0,), _page_places))


def _gather(
    accounts: Iterable[str],
    read: Read,
    goes: Sequence[Callable[[Mapping[int, int]], Iterable[int]]],
) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {account: {} for account in accounts}
    for places_in in goes:
        places = [(account, at) for account, words in found.items() for at in places_in(words)]
        for (account, at), word in zip(places, read(places), strict=True):
            found[account][at] = word
    return found


def _first_places(words: Mapping[int, int]) -> Iterable[int]:
    """The account word, the offer, and the split word of model 0, which holds the nonce."""
    return (0, OFFER_PLACE, SPLIT_PLACE)


def _page_places(words: Mapping[int, int]) -> Iterable[int]:
    """The stake pages in use, given the account word."""
    return range(1, 1 + min(PAGES, unpack_account(words.get(0, 0)).pages))


def _split_places(words: Mapping[int, int]) -> Iterable[int]:
    """The split words of models 1 to 64 in use, given account word and pages."""
    return [
        SPLIT_PLACE + model
        for page in _page_places(words)
        for at, model in enumerate(page_models(page))
        if unpack_page(words[page]).flags >> at & 1
    ]


def stored_words(account: Account, parameters: Parameters) -> dict[int, int]:
    """The account as the contract stores it: word by place, no zeros (see `sluice.words`)."""
    risks = [0] * OPEN_ROUNDS
    for round_number, units in account.risks_units.items():
        risks[parameters.round_word(round_number) % OPEN_ROUNDS] = units
    last_pass = account.round_number
    words = {
        0: pack_account(
            AccountWord(
                pool_nano=account.pool_nano,
                stake_nano=account.stakes_nano.get(0, 0),
                risks_units=(risks[0], risks[1], risks[2], risks[3]),
                round_word=0 if last_pass is None else parameters.round_word(last_pass),
                period=account.period,
                pages=account.pages,
                flags=(0 in account.splits) | bool(account.due_nano) << 1,
            )
        ),
    }
    for page in range(1, PAGES + 1):
        models = page_models(page)
        s0, s1, s2, s3 = (account.stakes_nano.get(model, 0) for model in models)
        flags = sum((model in account.splits) << at for at, model in enumerate(models))
        words[page] = pack_page(StakePage((s0, s1, s2, s3), flags))
    words |= {SPLIT_PLACE + m: pack_split(SplitWord(p)) for m, p in account.splits.items()}
    words[SPLIT_PLACE] = pack_split(
        SplitWord(account.splits.get(0, ()), account.due_nano, account.nonce)
    )
    words[OFFER_PLACE] = int(account.offered_to or "0", 16)
    return {place: word for place, word in words.items() if word}


def stakes_nano(words: Mapping[int, int]) -> dict[int, int]:
    """The stakes that the account word and the stake pages in use hold, in nano-NMR by model, no
    zeros; places that are missing count as zero."""
    stakes = {0: unpack_account(words.get(0, 0)).stake_nano}
    for page in _page_places(words):
        held = unpack_page(words.get(page, 0)).stakes_nano
        stakes |= dict(zip(page_models(page), held, strict=True))
    return {model: stake for model, stake in stakes.items() if stake}


def account_of(words: Mapping[int, int], parameters: Parameters) -> Account:
    """The account of a mapping from place to word; places that are missing count as zero. What the
    flags do not vouch for does not count: the contract leaves old values behind them."""
    head = unpack_account(words.get(0, 0))
    first_split = unpack_split(words.get(SPLIT_PLACE, 0))
    splits: dict[int, Split] = {0: first_split.parts} if head.flags & HAS_SPLIT else {}
    for page in _page_places(words):
        flags = unpack_page(words.get(page, 0)).flags
        for at, model in enumerate(page_models(page)):
            if flags >> at & 1:
                splits[model] = unpack_split(words.get(SPLIT_PLACE + model, 0)).parts
    rounds = range(head.round_word + 1, head.round_word + 1 + OPEN_ROUNDS)
    risks = {parameters.round_number(r): head.risks_units[r % OPEN_ROUNDS] for r in rounds}
    offer = words.get(OFFER_PLACE, 0)
    return Account(
        pool_nano=head.pool_nano,
        stakes_nano=stakes_nano(words),
        risks_units={r: units for r, units in risks.items() if units},
        round_number=parameters.round_number(head.round_word) if head.round_word else None,
        period=head.period,
        nonce=first_split.nonce,
        pages=head.pages,
        due_nano=first_split.due_nano if head.flags & HAS_DUE else 0,
        splits=splits,
        offered_to=f"0x{offer:040x}" if offer else None,
    )
