# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Moving house: an account as a whole to another address of its owner
@notice Both addresses have to want it: one offers and the other accepts, or both sign. Only while
        nothing is announced, so that the account is where the round's links say it is; risks and
        the last pass go along, so that no burn is escaped and none is charged twice.
"""

from . import refusals
from . import packing
from . import amounts
from . import rounds
from . import accounts

uses: refusals
uses: amounts
uses: rounds
uses: accounts

MOVE_TYPE: constant(bytes32) = keccak256(
    "Move(address account,address to,uint256 nonce,uint256 deadline)"
)


event MoveOffered:
    account: indexed(address)
    to: indexed(address)


event AccountMoved:
    account: indexed(address)
    to: indexed(address)
    nonce: uint256


@internal
def _offer(account: address, to: address):
    self._store_offer(convert(account, uint256), convert(to, uint256))

    log MoveOffered(account=account, to=to)


@internal
def _accept(account: address, to: address):
    offered: uint256 = accounts._words[packing.OFFER_PLACE | convert(account, uint256)]
    if offered != convert(to, uint256):
        refusals._refuse(refusals.NOT_OFFERED)

    self._move(account, to)


@internal
def _move(account: address, to: address):
    """
    @dev Everything goes along but the period and the nonce: they stay, so that what was signed for
         them is dead. Unchecked: sums of two amounts of 54 bits.
    """
    if rounds._announced_at != 0:
        refusals._refuse(refusals.MOVE_BUSY)
    old: uint256 = convert(account, uint256)
    new: uint256 = convert(to, uint256)
    word: uint256 = accounts._words[old]
    new_word: uint256 = accounts._words[new]
    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    new_pages: uint256 = (new_word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    if new_pages > pages:
        pages = new_pages
    # whatever of the new address is in the way: a stake or a risk, a split, itself
    taken: uint256 = accounts._open_risks(new_word, accounts._first_open())
    taken = taken << packing.ABOVE_RISKS >> (packing.ABOVE_RISKS + packing.AMOUNT_BITS)
    taken |= (new_word >> packing.FLAGS_SHIFT) & 1 | convert(old == new, uint256)
    # the stake pages, then the split words of their models
    for i: uint256 in range(unsafe_mul(pages, 5), bound=80):
        place: uint256 = unsafe_add(i, 1)
        if place > pages:
            place = unsafe_add(unsafe_sub(place, pages), packing.SPLIT_PLACE)
        place <<= packing.PLACE_SHIFT
        moved: uint256 = accounts._words[place | old]
        taken |= accounts._words[place | new]
        if moved != 0:
            accounts._words[place | new] = moved
            accounts._words[place | old] = 0
    if taken != 0:
        refusals._refuse(refusals.MOVE_NOT_FRESH)
    pool: uint256 = new_word & packing.AMOUNT_MASK
    amounts._check_fits(unsafe_add(word & packing.AMOUNT_MASK, pool))

    due: uint256 = accounts._due_word(old) << packing.NONCE_BITS >> packing.NONCE_BITS
    accounts._store_due_word(new, unsafe_add(accounts._due_word(new), due))
    nonce: uint256 = accounts._raise_nonce(old)
    accounts._store_due_word(old, nonce << packing.NONCE_SHIFT)
    period: uint256 = (word >> packing.PERIOD_SHIFT) & packing.PERIOD_MASK
    new_period: uint256 = (new_word >> packing.PERIOD_SHIFT) & packing.PERIOD_MASK
    if new_period > period:
        word = packing._with_period(word, new_period)
    accounts._words[old] = period << packing.PERIOD_SHIFT
    due_flag: uint256 = new_word >> packing.DUE_FLAG_SHIFT << packing.DUE_FLAG_SHIFT
    accounts._words[new] = unsafe_add(word, pool) | due_flag
    self._store_offer(old, 0)
    self._store_offer(new, 0)

    log AccountMoved(account=account, to=to, nonce=nonce)


@internal
def _store_offer(account: uint256, to: uint256):
    accounts._words[packing.OFFER_PLACE | account] = to
