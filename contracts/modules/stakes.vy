# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Stakes: what an account puts on its models
@notice Keeps equity as it is: what leaves a stake goes to the pool and the other way round. Needs
        no clock and no round.
"""

from . import refusals
from . import packing
from . import amounts
from . import accounts

uses: refusals
uses: amounts
uses: accounts


# a stake: nano-NMR 54 | model (see packing)
event StakesSet:
    account: indexed(address)
    stakes: DynArray[uint256, packing.MODELS]


event Left:
    account: indexed(address)
    nonce: uint256


@internal
def _set_given(
    account: address,
    models: DynArray[uint256, packing.MODELS],
    units: DynArray[uint256, packing.MODELS],
):
    """
    @dev What an account sets by its own transaction; `units` are base units.
    """
    if len(units) != len(models):
        refusals._refuse(refusals.STAKES_COUNT)

    stakes: DynArray[uint256, packing.MODELS] = []
    for i: uint256 in range(len(models), bound=packing.MODELS):
        nano: uint256 = amounts._to_nano(units[i])
        # a model far too high stays too high
        stakes.append(min(models[i], packing.MODELS) << packing.AMOUNT_BITS | nano)
    refusals._check(self._set(account, stakes))

    log StakesSet(account=account, stakes=stakes)


@internal
def _set(account: address, stakes: DynArray[uint256, packing.MODELS]) -> uint256:
    """
    @dev Each listed model's stake becomes the given one; the pool takes up the difference, and what
         is due falls with it if it has to. Logs nothing. Returns why it is refused, 0 if it is not;
         nothing is written before that is known.
    """
    if len(stakes) == 0:
        return refusals.NO_MODELS

    word: uint256 = accounts._words[convert(account, uint256)]
    # the page at hand; page 0 is the account word itself
    page: uint256 = 0
    page_word: uint256 = word
    written: DynArray[uint256, packing.PAGES] = []
    written_words: DynArray[uint256, packing.PAGES] = []
    pool: uint256 = word & packing.AMOUNT_MASK
    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    staked: uint256 = 0
    above: uint256 = 0
    # unchecked below: sums of at most 65 amounts of 54 bits
    for given: uint256 in stakes:
        model: uint256 = given >> packing.AMOUNT_BITS
        if model > packing.MAX_MODEL:
            return refusals.MODEL_NUMBER
        if model < above:
            return refusals.MODELS_NOT_ASCENDING
        above = unsafe_add(model, 1)
        stake: uint256 = given & packing.AMOUNT_MASK

        model_page: uint256 = packing._stake_page(model)
        if model_page != page:
            if page == 0:
                word = page_word
            else:
                written.append(page)
                written_words.append(page_word)
            page = model_page
            page_word = accounts._words[packing._place(account, page)]

        offset: uint256 = packing._stake_shift(model)
        pool = unsafe_add(pool, (page_word >> offset) & packing.AMOUNT_MASK)
        staked = unsafe_add(staked, stake)
        page_word = page_word & ~(packing.AMOUNT_MASK << offset) | stake << offset
        # a stake of zero is none: only what is staked raises the number of pages in use
        if stake != 0 and model_page > pages:
            pages = model_page
    if pool < staked:
        return refusals.POOL_TOO_SMALL
    pool = unsafe_sub(pool, staked)
    if pool > packing.AMOUNT_MASK:
        return refusals.AMOUNT_TOO_LARGE

    for i: uint256 in range(len(written), bound=packing.PAGES):
        accounts._words[packing._place(account, written[i])] = written_words[i]
    if page == 0:
        word = page_word
    else:
        accounts._words[packing._place(account, page)] = page_word
    word = packing._with_pages(packing._with_pool(word, pool), pages)
    word = accounts._with_due(account, word, 0)
    accounts._words[convert(account, uint256)] = word
    return 0


@internal
def _leave(account: address):
    """
    @dev Every stake to the pool; the nonce is raised, so that nothing signed earlier stakes it
         again.
    """
    word: uint256 = accounts._word(account)
    # unchecked: 66 amounts of 54 bits
    pool: uint256 = unsafe_add(word & packing.AMOUNT_MASK, accounts._staked(account, word))
    amounts._check_fits(pool)

    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    for i: uint256 in range(pages, bound=packing.PAGES):
        place: uint256 = packing._place(account, unsafe_add(i, 1))
        page_word: uint256 = accounts._words[place]
        accounts._words[place] = page_word >> packing.PAGE_FLAGS_SHIFT << packing.PAGE_FLAGS_SHIFT
    word = word & ~(packing.AMOUNT_MASK << packing.STAKE_SHIFT)
    accounts._store(account, packing._with_pool(word, pool))
    nonce: uint256 = accounts._raise_nonce(account)

    log Left(account=account, nonce=nonce)
