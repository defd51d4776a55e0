# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Accounts: the words of every account, and what follows from them
@notice The only storage of accounts. Equity, at risk and withdrawable are derived, never stored.
"""

from . import packing
from . import clock
from . import rounds

uses: clock
uses: rounds


# key = place << 160 | account: account word, stake pages, split words (see packing)
_words: HashMap[uint256, uint256]


@internal
@view
def _word(account: address) -> uint256:
    return self._words[convert(account, uint256)]


@internal
def _store(account: address, word: uint256):
    self._words[convert(account, uint256)] = word


@internal
@view
def _load(account: address, word: uint256, pages: uint256) -> uint256[1 + packing.PAGES]:
    """
    @dev The account word (index 0) and the stake pages in use (1..16).
    """
    words: uint256[1 + packing.PAGES] = empty(uint256[1 + packing.PAGES])
    words[0] = word
    for i: uint256 in range(1, unsafe_add(pages, 1), bound=packing.PAGES):
        words[i] = self._words[packing._place(account, i)]
    return words


@internal
@view
def _staked(account: address, word: uint256) -> uint256:
    """
    @dev The sum of the account's stakes in nano. Unchecked: 65 amounts of 54 bits cannot overflow a
         word.
    """
    staked: uint256 = (word >> packing.STAKE_SHIFT) & packing.AMOUNT_MASK
    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    for i: uint256 in range(pages, bound=packing.PAGES):
        page_word: uint256 = self._words[packing._place(account, unsafe_add(i, 1))]
        staked = unsafe_add(staked, packing._stakes_sum(page_word))
    return staked


@internal
@view
def _first_open() -> uint256:
    """
    @dev The first round that is neither done nor past its deadline: what stands before it in any
         ring is closed.
    """
    return max(rounds._resolved, clock._lapsed_rounds()) + 1


@internal
@pure
def _at_risk(word: uint256, first_open: uint256) -> uint256:
    """
    @dev L in nano: the sum of the open rounds' locks, each rounded down, so that rounding never
         locks anybody's NMR. It may exceed the equity. Unchecked: four risks of 30 bits.
    """
    locked: uint256 = 0
    last_pass: uint256 = (word >> packing.ROUND_SHIFT) & packing.ROUND_MASK
    for i: uint256 in range(1, 1 + packing.OPEN_ROUNDS):
        round_word: uint256 = unsafe_add(last_pass, i)
        if round_word < first_open:
            continue
        units: uint256 = packing._risk_units(word, round_word)
        if units != 0:
            locked = unsafe_add(locked, unsafe_sub(units, 1))
    return locked << packing.RISK_UNIT_BITS


@internal
@view
def _withdrawable(account: address, word: uint256, due: uint256, first_open: uint256) -> uint256:
    """
    @dev W = min(pool, the larger of due and equity - at risk) in nano: what is due is never locked.
    """
    pool: uint256 = word & packing.AMOUNT_MASK
    at_risk: uint256 = self._at_risk(word, first_open)
    if at_risk == 0:
        return pool

    equity: uint256 = unsafe_add(pool, self._staked(account, word))
    if equity <= at_risk:
        return due
    return min(pool, max(due, unsafe_sub(equity, at_risk)))


@internal
@view
def _due(account: address, word: uint256) -> uint256:
    """
    @dev What splits have sent to the wallet and is still in the pool, in nano.
    """
    if word < packing.DUE_FLAG:
        return 0
    split_word: uint256 = self._words[packing._place(account, packing.SPLIT_PLACE)]
    return (split_word >> packing.DUE_SHIFT) & packing.AMOUNT_MASK


@internal
def _with_due(account: address, word: uint256, before: uint256, due: uint256) -> uint256:
    """
    @dev Stores another due amount, and returns the account word with its flag, not yet stored. The
         caller keeps due at most the pool. Unchecked: replaces the field exactly.
    """
    if due == before:
        return word
    place: uint256 = packing._place(account, packing.SPLIT_PLACE)
    split_word: uint256 = self._words[place]
    self._words[place] = unsafe_add(split_word, unsafe_sub(due, before) << packing.DUE_SHIFT)
    if due == 0:
        return word & ~packing.DUE_FLAG
    return word | packing.DUE_FLAG


@internal
def _take_out(account: address, word: uint256, nano: uint256, due: uint256) -> uint256:
    """
    @dev The account word after a withdrawal, not yet stored; what is due is used up first.
         Unchecked: nano is at most the pool, the lowest field of the word.
    """
    return self._with_due(account, unsafe_sub(word, nano), due, due - min(due, nano))


@internal
@view
def _nonce(account: address) -> uint256:
    return self._words[packing._place(account, packing.SPLIT_PLACE)] >> packing.NONCE_SHIFT


@internal
def _store_nonce(account: address, nonce: uint256):
    place: uint256 = packing._place(account, packing.SPLIT_PLACE)
    word: uint256 = self._words[place] & (packing.NONCE_ONE - 1)
    self._words[place] = word | nonce << packing.NONCE_SHIFT


@internal
def _raise_nonce(account: address) -> uint256:
    """
    @dev At its end the nonce stays there, and instructions are refused for ever. Returns the new
         one.
    """
    nonce: uint256 = min(self._nonce(account) + 1, packing.MAX_NONCE)
    self._store_nonce(account, nonce)
    return nonce
