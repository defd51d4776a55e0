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


# a step of the nonce is bounded, so that nobody is talked into using them up
MAX_NONCE_STEP: constant(uint256) = 1_000

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
def _staked(account: address, word: uint256) -> uint256:
    """
    @dev The sum of the account's stakes in nano. Unchecked: 65 amounts of 54 bits cannot overflow a
         word.
    """
    staked: uint256 = (word >> packing.STAKE_SHIFT) & packing.AMOUNT_MASK
    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    for i: uint256 in range(pages, bound=packing.PAGES):
        place: uint256 = unsafe_add(i, 1) << packing.PLACE_SHIFT | convert(account, uint256)
        page_word: uint256 = self._words[place]
        staked = unsafe_add(staked, packing._sum(page_word))
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
@view
def _withdrawable(account: address, word: uint256, due: uint256, first_open: uint256) -> uint256:
    """
    @dev W = min(pool, the larger of due and equity - at risk) in nano: what is due is never locked.
         At risk is the sum of the open rounds' locks, each rounded down, so that rounding never
         locks anybody's NMR; it may exceed the equity. Unchecked: four risks of 30 bits, amounts of
         54.
    """
    open_risks: uint256 = word
    last_pass: uint256 = (word >> packing.ROUND_SHIFT) & packing.ROUND_MASK
    if unsafe_add(last_pass, 1) < first_open:
        # rounds after its last pass are closed for it
        open_risks = packing._without_missed(word, last_pass, first_open)
    open_risks >>= packing.RISKS_SHIFT
    first: uint256 = open_risks & packing.RISK_MASK
    second: uint256 = (open_risks >> packing.RISK_BITS) & packing.RISK_MASK
    third: uint256 = (open_risks >> (2 * packing.RISK_BITS)) & packing.RISK_MASK
    fourth: uint256 = (open_risks >> (3 * packing.RISK_BITS)) & packing.RISK_MASK
    at_risk: uint256 = unsafe_add(unsafe_add(first, second), unsafe_add(third, fourth))
    # one unit less for each that has one
    at_risk = unsafe_sub(at_risk, convert(first != 0, uint256))
    at_risk = unsafe_sub(at_risk, convert(second != 0, uint256))
    at_risk = unsafe_sub(at_risk, convert(third != 0, uint256))
    at_risk = unsafe_sub(at_risk, convert(fourth != 0, uint256)) << packing.RISK_UNIT_BITS

    pool: uint256 = word & packing.AMOUNT_MASK
    equity: uint256 = unsafe_add(pool, self._staked(account, word))
    free: uint256 = due
    if equity > unsafe_add(at_risk, due):
        free = unsafe_sub(equity, at_risk)
    return free if free < pool else pool


@internal
def _take_out(account: address, word: uint256, due_word: uint256, nano: uint256) -> uint256:
    """
    @dev The account word after a withdrawal, not yet stored; what is due is used up first and
         stored. Unchecked: nano is at most the pool, the lowest field of the word.
    """
    left: uint256 = unsafe_sub(word, nano)
    if due_word == 0:
        return left
    due: uint256 = (due_word >> packing.DUE_SHIFT) & packing.AMOUNT_MASK
    if nano < due:
        due = nano
    else:
        left &= ~packing.DUE_FLAG
    self._words[packing.DUE_PLACE | convert(account, uint256)] = unsafe_sub(
        due_word, due << packing.DUE_SHIFT
    )
    return left


@internal
def _with_due(account: uint256, word: uint256, due_word: uint256, sent: uint256) -> uint256:
    """
    @dev The account word, not yet stored, after `sent` became due; what is due is never more than
         the pool, and is stored beside the rest of `due_word`. Unchecked: amounts of 54 bits.
    """
    before: uint256 = (due_word >> packing.DUE_SHIFT) & packing.AMOUNT_MASK
    due: uint256 = unsafe_add(before, sent)
    pool: uint256 = word & packing.AMOUNT_MASK
    if due > pool:
        due = pool
    if due != before:
        self._words[packing.DUE_PLACE | account] = unsafe_add(
            due_word, unsafe_sub(due, before) << packing.DUE_SHIFT
        )
    if due == 0:
        return word & ~packing.DUE_FLAG
    return word | packing.DUE_FLAG


@internal
@view
def _split_word(account: address) -> uint256:
    """
    @dev Model 0's, which holds the nonce and what is due.
    """
    return self._words[packing._place(account, packing.SPLIT_PLACE)]


@internal
def _store_nonce(account: address, nonce: uint256):
    word: uint256 = self._split_word(account) & (packing.NONCE_ONE - 1)
    self._words[packing._place(account, packing.SPLIT_PLACE)] = word | nonce << packing.NONCE_SHIFT


@internal
def _raise_nonce(account: address) -> uint256:
    """
    @dev As far as one step goes, so that what was signed for the nonces to come is dead too. At its
         end the nonce stays there, and instructions are refused for ever. Returns the new one.
    """
    nonce: uint256 = self._split_word(account) >> packing.NONCE_SHIFT
    nonce = min(unsafe_add(nonce, MAX_NONCE_STEP), packing.MAX_NONCE)
    self._store_nonce(account, nonce)
    return nonce
