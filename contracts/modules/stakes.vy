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
    stakes: DynArray[uint256, packing.MODELS],
    units: DynArray[uint256, packing.MODELS],
):
    """
    @dev What an account sets by its own transaction: `stakes` come as bare models, and get their
         amounts here; `units` are base units.
    """
    if len(units) != len(stakes):
        refusals._refuse(refusals.STAKES_COUNT)

    if len(stakes) == 0:
        refusals._refuse(refusals.NO_MODELS)
    for i: uint256 in range(len(stakes), bound=packing.MODELS):
        nano: uint256 = amounts._to_nano(units[i])
        model: uint256 = stakes[i]
        # a model far too high stays too high
        if model > packing.MODELS:
            model = packing.MODELS
        stakes[i] = model << packing.AMOUNT_BITS | nano
    refusals._check(self._set(convert(account, uint256), stakes))

    log StakesSet(account=account, stakes=stakes)


@internal
def _set(account: uint256, stakes: DynArray[uint256, packing.MODELS]) -> uint256:
    """
    @dev Each listed model's stake, at least one, becomes the given one; the pool takes up the
         difference, and what is due falls with it if it has to. Logs nothing. Returns why it is
         refused, 0 if it is not; nothing is written before that is known.
    """
    word: uint256 = accounts._words[account]
    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    # the stake page at hand, 0 = none, and those before it, each with its number above its flags
    page: uint256 = 0
    page_word: uint256 = 0
    before: DynArray[uint256, packing.PAGES] = []
    # unchecked: differences are in two's complement, and a field plus its difference is an amount
    # again, so that its neighbours stay; models are at most 64, sums of at most 66 amounts
    taken: uint256 = 0
    above: uint256 = 0
    for given: uint256 in stakes:
        model: uint256 = given >> packing.AMOUNT_BITS
        # one comparison for both: from `above` to 64 there are `MODELS - above` numbers, and what is
        # below `above` wraps to far more
        if unsafe_sub(model, above) >= unsafe_sub(packing.MODELS, above):
            return (
                refusals.MODEL_NUMBER
                if model > packing.MAX_MODEL
                else refusals.MODELS_NOT_ASCENDING
            )
        above = unsafe_add(model, 1)

        if model == 0:
            # its stake stands in the account word
            taken = unsafe_sub(given, (word >> packing.STAKE_SHIFT) & packing.AMOUNT_MASK)
            word = unsafe_add(word, taken << packing.STAKE_SHIFT)
            continue
        stake: uint256 = given & packing.AMOUNT_MASK
        # as `packing._stake_page` and `packing._stake_shift`
        place: uint256 = unsafe_add(model, 3)
        model_page: uint256 = unsafe_div(place, packing.MODELS_A_PAGE)
        if model_page != page:
            if page != 0:
                before.append(page << packing.PAGE_BITS | page_word)
            page = model_page
            page_word = accounts._words[page << packing.PLACE_SHIFT | account]
        offset: uint256 = unsafe_mul(place % packing.MODELS_A_PAGE, packing.AMOUNT_BITS)
        more: uint256 = unsafe_sub(stake, (page_word >> offset) & packing.AMOUNT_MASK)
        page_word = unsafe_add(page_word, more << offset)
        taken = unsafe_add(taken, more)
        # a stake of zero is none: only what is staked raises the number of pages in use
        if page > pages:
            if stake != 0:
                word = packing._with_pages(word, page)
                pages = page
    pool: uint256 = unsafe_sub(word & packing.AMOUNT_MASK, taken)
    if pool > packing.AMOUNT_MASK:
        return (
            refusals.AMOUNT_TOO_LARGE
            if pool >> packing.SIGN_SHIFT == 0
            else refusals.POOL_TOO_SMALL
        )
    # the pool is the lowest field
    word = unsafe_sub(word, taken)

    if page != 0:
        for other: uint256 in before:
            accounts._words[other >> packing.PAGE_BITS << packing.PLACE_SHIFT | account] = (
                other << (256 - packing.PAGE_BITS) >> (256 - packing.PAGE_BITS)
            )
        accounts._words[page << packing.PLACE_SHIFT | account] = page_word
    if word >> packing.DUE_FLAG_SHIFT != 0:
        due_word: uint256 = accounts._due_word(account)
        word = accounts._with_due(account, word, due_word, 0)
    accounts._words[account] = word
    return 0


@internal
def _leave(account: address):
    """
    @dev Every stake to the pool; the nonce is raised, so that nothing signed earlier stakes it
         again.
    """
    key: uint256 = convert(account, uint256)
    word: uint256 = accounts._words[key]
    # unchecked: 66 amounts of 54 bits
    staked: uint256 = accounts._staked(key, word)
    amounts._check_fits(unsafe_add(word & packing.AMOUNT_MASK, staked))

    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    for i: uint256 in range(pages, bound=packing.PAGES):
        place: uint256 = unsafe_add(i, 1) << packing.PLACE_SHIFT | key
        page_word: uint256 = accounts._words[place]
        accounts._words[place] = page_word >> packing.PAGE_FLAGS_SHIFT << packing.PAGE_FLAGS_SHIFT
    stake: uint256 = word & (packing.AMOUNT_MASK << packing.STAKE_SHIFT)
    accounts._words[key] = unsafe_add(unsafe_sub(word, stake), staked)
    nonce: uint256 = accounts._raise_nonce(key)

    log Left(account=account, nonce=nonce)
