# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize gas
"""
@title The packed words, to be called from tests
@license AGPL-3.0-only
@notice For tests only: every function of `modules/packing.vy` as it is.
"""

from ..modules import packing


@external
@pure
def account(word: uint256) -> packing.Account:
    """@notice The fields of an account word."""
    return packing._account(word)


@external
@pure
def with_period(word: uint256, period: uint256) -> uint256:
    """@notice The account word with another period."""
    return packing._with_period(word, period)


@external
@pure
def with_pages(word: uint256, pages: uint256) -> uint256:
    """@notice The account word with another number of pages."""
    return packing._with_pages(word, pages)


@external
@pure
def place(account_: address, place_: uint256) -> uint256:
    """@notice The key of a word."""
    return packing._place(account_, place_)


@external
@pure
def stake_at(model: uint256) -> (uint256, uint256):
    """@notice Page and bit of a model's stake."""
    return packing._stake_page(model), packing._stake_shift(model)


@external
@pure
def sums(page_word: uint256) -> (uint256, uint256):
    """@notice The sum of the four lanes of a page, and its halves together."""
    return packing._sum(page_word), packing._halves(page_word) % packing.HALVES


@external
@pure
def smaller(lost: uint256, stakes: uint256) -> uint256:
    """@notice The smaller one in each lane."""
    return packing._smaller(lost, stakes)


@external
@pure
def first_page(word: uint256) -> uint256:
    """@notice Model 0's stake and flag as page 0."""
    return packing._first_page(word)


@external
@pure
def risk_units(word: uint256, round_word: uint256) -> uint256:
    """@notice The risk at the place of a round."""
    return packing._risk_units(word, round_word)


@external
@pure
def without_missed(word: uint256, round_before: uint256, round_word: uint256) -> uint256:
    """@notice The account word with the risks of missed passes cleared."""
    return packing._without_missed(word, round_before, round_word)


@external
@pure
def units(staked: uint256, cap_bps: uint256) -> uint256:
    """@notice The risk of stakes."""
    return packing._units(staked, cap_bps)


@external
@pure
def split_flag(model: uint256) -> uint256:
    """@notice The flag that a model has a split of its own."""
    return packing._split_flag(model)


@external
@pure
def flags() -> (uint256, uint256):
    """@notice The two flags of the account word."""
    return packing._split_flag(0), packing.DUE_FLAG


@external
@pure
def part(destination: uint256, share: uint256) -> uint256:
    """@notice One part of a split."""
    return packing._part(destination, share)


@external
@pure
def head(word: uint256) -> (uint256, uint256, uint256, uint256):
    """@notice Stakes, splits, nonce and deadline as the head of an instruction has them."""
    return (
        (word >> packing.STAKE_COUNT_SHIFT) & packing.COUNT_MASK,
        (word >> packing.SPLIT_COUNT_SHIFT) & packing.COUNT_MASK,
        packing._instruction_nonce(word),
        word >> packing.INSTRUCTION_DEADLINE_SHIFT,
    )


@external
@pure
def unit_nano(units: uint256) -> uint256:
    """@notice Risk units as nano-NMR."""
    return packing._unit_nano(units)


@external
@pure
def risk_shift(round_word: uint256) -> uint256:
    """@notice Where the risk of a round stands."""
    return packing._risk_shift(round_word)
