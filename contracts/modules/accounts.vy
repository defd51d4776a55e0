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
def _staked(account: uint256, word: uint256) -> uint256:
    """
    @dev The sum of the account's stakes in nano. Unchecked: 65 amounts of 54 bits cannot overflow a
         word.
    """
    staked: uint256 = (word >> packing.STAKE_SHIFT) & packing.AMOUNT_MASK
    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    for i: uint256 in range(pages, bound=packing.PAGES):
        place: uint256 = unsafe_add(i, 1) << packing.PLACE_SHIFT | account
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
    lapsed: uint256 = clock._lapsed_rounds()
    resolved: uint256 = rounds._resolved
    # unchecked: counts of weeks
    return unsafe_add(resolved if resolved > lapsed else lapsed, 1)


@internal
@view
def _open_risks(word: uint256, first_open: uint256) -> uint256:
    """
    @dev The account word without the risks of rounds that are closed for it.
    """
    last_pass: uint256 = (word >> packing.ROUND_SHIFT) & packing.ROUND_MASK
    # unchecked: 11 bits
    if unsafe_add(last_pass, 1) >= first_open:
        return word
    # rounds after its last pass are closed for it
    return packing._without_missed(word, last_pass, first_open)


@internal
@view
def _withdrawable(account: uint256, word: uint256, due: uint256, first_open: uint256) -> uint256:
    """
    @dev W = min(pool, the larger of due and equity - at risk) in nano: what is due is never locked.
         At risk is the sum of the open rounds' locks, each rounded down, so that rounding never
         locks anybody's NMR; it may exceed the equity. Unchecked: four risks of 30 bits, amounts of
         54.
    """
    open_risks: uint256 = self._open_risks(word, first_open) >> packing.RISKS_SHIFT
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
def _take_out(account: uint256, word: uint256, due_word: uint256, nano: uint256) -> uint256:
    """
    @dev The account word after a withdrawal, not yet stored; what is due is used up first and
         stored. Unchecked: nano is at most the pool, the lowest field of the word.
    """
    left: uint256 = unsafe_sub(word, nano)
    if due_word == 0:
        return left
    used: uint256 = (due_word >> packing.DUE_SHIFT) & packing.AMOUNT_MASK
    if nano < used:
        used = nano
    return self._with_due(account, left, due_word, unsafe_sub(0, used))


@internal
def _with_due(account: uint256, word: uint256, due_word: uint256, sent: uint256) -> uint256:
    """
    @dev The account word, not yet stored, after `sent` became due, or what is not less than what is
         due was taken from it; what is due is never more than the pool, and is stored beside the
         rest of `due_word`. Unchecked: amounts of 54 bits.
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
    return (
        word << packing.DUE_FLAG_BITS >> packing.DUE_FLAG_BITS
        | convert(due != 0, uint256) << packing.DUE_FLAG_SHIFT
    )


@internal
@view
def _due_word(account: uint256) -> uint256:
    """
    @dev Model 0's split word, which holds what is due and the nonce.
    """
    return self._words[packing.DUE_PLACE | account]


@internal
def _store_due_word(account: uint256, due_word: uint256):
    self._words[packing.DUE_PLACE | account] = due_word


@internal
@view
def _nonce(account: uint256) -> uint256:
    return self._due_word(account) >> packing.NONCE_SHIFT


@internal
def _store_nonce(account: uint256, nonce: uint256):
    due_word: uint256 = self._due_word(account) << packing.NONCE_BITS >> packing.NONCE_BITS
    self._store_due_word(account, due_word | nonce << packing.NONCE_SHIFT)


@internal
def _raise_nonce(account: uint256) -> uint256:
    """
    @dev As far as one step goes, so that what was signed for the nonces to come is dead too. At its
         end the nonce stays there, and instructions are refused for ever. Returns the new one.
    """
    nonce: uint256 = unsafe_add(self._nonce(account), MAX_NONCE_STEP)
    if nonce > packing.MAX_NONCE:
        nonce = packing.MAX_NONCE
    self._store_nonce(account, nonce)
    return nonce
