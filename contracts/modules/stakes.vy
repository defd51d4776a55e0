# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title Stakes: what an account puts on its models
@notice Keeps equity as it is: what leaves a stake goes to the pool and the other way round. Needs
        no clock and no round.
"""

from . import refusals
from . import packing
from . import accounts

uses: accounts


event StakesSet:
    account: indexed(address)
    models: DynArray[uint256, packing.MODELS]
    stakes: DynArray[uint256, packing.MODELS]


event Left:
    account: indexed(address)
    nonce: uint256


@internal
def _set(
    account: address,
    word_before: uint256,
    models: DynArray[uint256, packing.MODELS],
    stakes: DynArray[uint256, packing.MODELS],
):
    """
    @dev `word_before` is the account word to start from: the stored one, or with a deposit added to
         its pool.
    """
    if len(models) == 0:
        refusals._refuse("models: name at least one")
    if len(stakes) != len(models):
        refusals._refuse("stakes: give one for each model")

    word: uint256 = word_before
    # the page at hand; page 0 is the account word itself
    page: uint256 = 0
    page_word: uint256 = word
    stored_page: uint256 = word
    pool: uint256 = word & packing.AMOUNT_MASK
    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    staked: uint256 = 0
    above: uint256 = 0
    for i: uint256 in range(len(models), bound=packing.MODELS):
        model: uint256 = models[i]
        if model > packing.MAX_MODEL:
            refusals._refuse("models: numbered 0 to 64")
        if model < above:
            refusals._refuse("models: not strictly ascending")
        above = model + 1
        stake: uint256 = packing._to_nano(stakes[i])

        model_page: uint256 = packing._stake_page(model)
        if model_page != page:
            if page == 0:
                word = page_word
            elif page_word != stored_page:
                accounts._words[packing._place(account, page)] = page_word
            page = model_page
            stored_page = accounts._words[packing._place(account, page)]
            page_word = stored_page

        offset: uint256 = packing._stake_shift(model)
        pool += (page_word >> offset) & packing.AMOUNT_MASK
        staked += stake
        page_word = page_word & ~(packing.AMOUNT_MASK << offset) | stake << offset
        # a stake of zero is none: only what is staked raises the number of pages in use
        if stake != 0:
            pages = max(pages, model_page)
    if page == 0:
        word = page_word
    elif page_word != stored_page:
        accounts._words[packing._place(account, page)] = page_word
    if pool < staked:
        refusals._refuse("stakes: pool too small, deposit")
    packing._check_fits(pool - staked)
    accounts._store(account, packing._with_pages(packing._with_pool(word, pool - staked), pages))

    log StakesSet(account=account, models=models, stakes=stakes)


@internal
def _leave(account: address):
    """
    @dev Every stake to the pool; the nonce is raised, so that nothing signed earlier stakes it
         again.
    """
    word: uint256 = accounts._word(account)
    pool: uint256 = (word & packing.AMOUNT_MASK) + accounts._staked(account, word)
    packing._check_fits(pool)

    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    for i: uint256 in range(pages, bound=packing.PAGES):
        place: uint256 = packing._place(account, i + 1)
        page_word: uint256 = accounts._words[place]
        accounts._words[place] = page_word >> packing.PAGE_FLAGS_SHIFT << packing.PAGE_FLAGS_SHIFT
    word = word & ~(packing.AMOUNT_MASK << packing.STAKE_SHIFT)
    accounts._store(account, packing._with_pool(word, pool))
    nonce: uint256 = accounts._raise_nonce(account)

    log Left(account=account, nonce=nonce)


@internal
@view
def _stakes_of(account: address) -> uint256[packing.MODELS]:
    """
    @dev Base units by model number.
    """
    stakes: uint256[packing.MODELS] = empty(uint256[packing.MODELS])
    word: uint256 = accounts._word(account)
    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    words: uint256[1 + packing.PAGES] = accounts._load(account, word, pages)
    for model: uint256 in range(packing.MODELS):
        stake: uint256 = (
            words[packing._stake_page(model)] >> packing._stake_shift(model)
        ) & packing.AMOUNT_MASK
        stakes[model] = stake * packing.NANO
    return stakes
