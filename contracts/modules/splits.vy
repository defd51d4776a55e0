# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Splits: how a model's earnings are shared out
@notice Keeps true: a stored split names each destination once and its shares sum to 10,000, so that
        its parts sum to the earning to the last nano.
"""

from . import refusals
from . import packing
from . import accounts

uses: refusals
uses: accounts

# one more than is allowed, so that the refusal can say so
MAX_GIVEN: constant(uint256) = packing.DESTINATIONS + 1


# the parts as the split word holds them, 0 = none: everything back to the model (see packing)
event SplitSet:
    account: indexed(address)
    model: indexed(uint256)
    parts: uint256


@internal
def _set_given(
    account: address,
    model: uint256,
    destinations: DynArray[uint256, MAX_GIVEN],
    shares: DynArray[uint256, MAX_GIVEN],
):
    """
    @dev What an account sets by its own transaction.
    """
    if len(shares) != len(destinations):
        refusals._refuse(refusals.SHARES_COUNT)
    if len(destinations) > packing.DESTINATIONS:
        refusals._refuse(refusals.TOO_MANY_DESTINATIONS)

    parts: uint256 = 0
    for i: uint256 in range(len(shares), bound=MAX_GIVEN):
        # unchecked: at most 8 parts of 22 bits
        parts |= packing._part(destinations[i], shares[i]) << unsafe_mul(i, packing.PART_BITS)
    refusals._check(self._check(model, parts))
    self._set(convert(account, uint256), model, parts)

    log SplitSet(account=account, model=model, parts=parts)


@internal
@pure
def _check(model: uint256, parts: uint256) -> uint256:
    """
    @dev `parts` as the split word holds them. Returns why they are refused, 0 if they are not.
    """
    if model > packing.MAX_MODEL:
        return refusals.MODEL_NUMBER
    left: uint256 = parts
    sum: uint256 = 0
    named: uint256 = 0
    # unchecked: at most 8 shares of 14 bits
    for _: uint256 in range(packing.DESTINATIONS):
        if left == 0:
            break
        destination: uint256 = left & packing.DESTINATION_MASK
        share: uint256 = (left >> packing.SHARE_SHIFT) & packing.SHARE_MASK
        if destination > packing.MAX_MODEL and destination < packing.POOL:
            return refusals.DESTINATION_UNKNOWN
        if (named >> destination) & 1 != 0:
            return refusals.DESTINATION_TWICE
        if share == 0 or share > packing.BPS:
            return refusals.SHARE_RANGE
        named |= 1 << destination
        sum = unsafe_add(sum, share)
        left >>= packing.PART_BITS
    if parts != 0 and sum != packing.BPS:
        return refusals.SHARES_SUM
    return 0


@internal
def _set(account: uint256, model: uint256, parts: uint256):
    """
    @dev `parts` as the split word holds them, checked. Logs nothing.
    """
    place: uint256 = unsafe_add(packing.SPLIT_PLACE, model) << packing.PLACE_SHIFT | account
    # the parts are the lowest field
    split_word: uint256 = accounts._words[place]
    accounts._words[place] = (split_word >> packing.PARTS_BITS << packing.PARTS_BITS | parts)
    # a pass reads a split word only where its flag is set
    page: uint256 = packing._stake_page(model)
    place = page << packing.PLACE_SHIFT | account
    split_flag: uint256 = packing._split_flag(model)
    word: uint256 = accounts._words[place] & ~split_flag
    if parts != 0:
        word |= split_flag
    accounts._words[place] = word
    if parts != 0 and page != 0:
        word = accounts._words[account]
        if page > (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK:
            accounts._words[account] = packing._with_pages(word, page)
