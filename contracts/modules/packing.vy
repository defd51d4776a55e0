# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Packed words: each drawing, its struct, its masks
@notice No mask and no shift is written as a number outside this file; `sluice/words.py` draws the
        same words.
@dev All amounts are in nano-NMR. Fields stand from the lowest bit up:

     account word
     | flags 2 | pages 5 | period 10 | round 11 | risks 3, 2, 1, 0: 30 | stake 0: 54 | pool 54 |
     254       249       239         228        108                    54            0

     stake page p: models 4p-3 .. 4p          split word (model 0's holds due and nonce)
     | spare 40 | four stakes, 54 each |      | nonce 26 | due 54 | 8 x (share 14, destination 8) |
     216        0                             230        176      0

     entry word                                               page word
     | page words 42 | payout of model 0: 54 | account 160 |  | page 40 | four payouts, 54 each |
     214             160                     0                216       0

     head of an instruction, then 8 bytes a stake, 23 a split
     | spare 22 | deadline 32 | nonce 26 | splits 8 | stakes 8 | account 160 |
     234        202           176        168        160        0
     | model 10 | nano 54 |     | model 8 | 8 x (share 14, destination 8) |
     54         0               176       0

     request of `pay`                                     item of `pay`
     | deadline 32 | period 10 | nano 54 | account 160 |  | skip 40 | spare 2 | nano 54 | account |
     224           214         160       0                216       214       160       0

     A payout is biased: 2^53 stands for zero. Risk i is that of the rounds whose word round is i
     modulo 4. Flags: bit 0 model 0 has a split of its own, bit 1 something is due.
"""

NANO: constant(uint256) = 10**9
# shares and caps are in basis points
BPS: constant(uint256) = 10_000
MAX_MODEL: constant(uint256) = 64
MODELS: constant(uint256) = 65
MODELS_A_PAGE: constant(uint256) = 4
PAGES: constant(uint256) = 16
OPEN_ROUNDS: constant(uint256) = 4

AMOUNT_BITS: constant(uint256) = 54
AMOUNT_MASK: constant(uint256) = 2**54 - 1
RISK_BITS: constant(uint256) = 30
RISK_MASK: constant(uint256) = 2**30 - 1
RISK_UNIT_BITS: constant(uint256) = 18
# the four risks are added in twos, with room for the sums, which taken modulo RISK_HALVES come
# together
EVEN_RISKS: constant(uint256) = RISK_MASK | RISK_MASK << 60
RISK_HALVES: constant(uint256) = 2**60 - 1
# risk units = stakes * cap in basis points / this
RISK_DIVISOR: constant(uint256) = BPS << RISK_UNIT_BITS
ADDRESS_MASK: constant(uint256) = 2**160 - 1
# the bits above an address: shifted out and back, the address is left, for fewer bytes than by the
# mask, which takes less gas
ABOVE_ADDRESS: constant(uint256) = 96

STAKE_SHIFT: constant(uint256) = 54
RISKS_SHIFT: constant(uint256) = 108
ROUND_SHIFT: constant(uint256) = 228
ROUND_MASK: constant(uint256) = 2**11 - 1
PERIOD_SHIFT: constant(uint256) = 239
PERIOD_MASK: constant(uint256) = 2**10 - 1
PAGES_SHIFT: constant(uint256) = 249
PAGES_MASK: constant(uint256) = 2**5 - 1
FLAGS_SHIFT: constant(uint256) = 254
# the bit that is set below zero, in two's complement
SIGN_SHIFT: constant(uint256) = 255
ROUND_ONE: constant(uint256) = 1 << ROUND_SHIFT
# of the two flags: model 0 has a split of its own, something is due
DUE_FLAG: constant(uint256) = 1 << 255
DUE_FLAG_SHIFT: constant(uint256) = 255
# it is the highest bit: shifted out and back, a word is without it
DUE_FLAG_BITS: constant(uint256) = 1
# round, pages and flags of the account word: what tells the typical account of a pass from the
# others
SHAPE_MASK: constant(uint256) = (
    ROUND_MASK << ROUND_SHIFT | PAGES_MASK << PAGES_SHIFT | 3 << FLAGS_SHIFT
)
# the bits above the risks
ABOVE_RISKS: constant(uint256) = 28

DESTINATIONS: constant(uint256) = 8
PART_BITS: constant(uint256) = 22
SHARE_SHIFT: constant(uint256) = 8
DESTINATION_MASK: constant(uint256) = 2**8 - 1
SHARE_MASK: constant(uint256) = 2**14 - 1
# the bits above the parts, to be shifted out and back
ABOVE_PARTS: constant(uint256) = 80
# destinations beside the models 0..64
POOL: constant(uint256) = 254
WALLET: constant(uint256) = 255
# without a split: model 0's earning back to it, anybody's to the pool if the model has no stake
ALL_TO_FIRST: constant(uint256) = BPS << SHARE_SHIFT
ALL_TO_POOL: constant(uint256) = POOL | BPS << SHARE_SHIFT
DUE_SHIFT: constant(uint256) = 176

NONCE_SHIFT: constant(uint256) = 230
# above the four stakes of a page
PAGE_FLAGS_SHIFT: constant(uint256) = 216
# the stakes and the flags
PAGE_BITS: constant(uint256) = 220
MAX_NONCE: constant(uint256) = 2**26 - 1
NONCE_ONE: constant(uint256) = 1 << NONCE_SHIFT
NONCE_BITS: constant(uint256) = 26

ENTRY_PAYOUT_SHIFT: constant(uint256) = 160
ENTRY_PAGES_SHIFT: constant(uint256) = 214
PAYOUT_BIAS: constant(uint256) = 2**53
PAYOUT_BIASES: constant(uint256) = (
    PAYOUT_BIAS | PAYOUT_BIAS << 54 | PAYOUT_BIAS << 108 | PAYOUT_BIAS << 162
)
PAYOUTS_MASK: constant(uint256) = 2**216 - 1
# the lanes: four amounts of a page are worked on together, each in its own 54 bits. TOPS are their
# highest bits, each at TOP of its lane, LOWS the others; EVEN are two of them with room for sums,
# which taken modulo HALVES come together
LANE_TOPS: constant(uint256) = PAYOUT_BIASES
LANE_LOWS: constant(uint256) = PAYOUTS_MASK - LANE_TOPS
EVEN_LANES: constant(uint256) = AMOUNT_MASK | AMOUNT_MASK << 108
HALVES: constant(uint256) = 2**108 - 1
LANE_TOP: constant(uint256) = 53
# model 0 as a page of its own, page 0: in the last lane, as model m is in lane (m + 3) modulo 4
FIRST_PAGE_LANE: constant(uint256) = 3
FIRST_PAGE_SHIFT: constant(uint256) = 162
PAGE_NUMBER_SHIFT: constant(uint256) = 216

# what a link comes to: | what was burned, below zero: 128 | entries 64 | what was earned: 64 |
TALLY_BURNED: constant(uint256) = 128
TALLY_BURNED_MASK: constant(uint256) = 2**128 - 1
TALLY_ENTRIES: constant(uint256) = 64
TALLY_ENTRY: constant(uint256) = 1 << TALLY_ENTRIES
TALLY_MASK: constant(uint256) = 2**64 - 1

# places of an account's words in the mapping: 0 the account word, 1..16 the stake pages, 17 the
# address that it is offered to, 32 + model the split words
PLACE_SHIFT: constant(uint256) = 160
OFFER_PLACE: constant(uint256) = 17 << PLACE_SHIFT
SPLIT_PLACE: constant(uint256) = 32
# the place of what is due, model 0's split word, to be joined with an account
DUE_PLACE: constant(uint256) = SPLIT_PLACE << PLACE_SHIFT

# an instruction: its head, then the stakes, then the splits
STAKE_BYTES: constant(uint256) = 8
STAKE_BITS: constant(uint256) = 64
STAKE_MASK: constant(uint256) = 2**64 - 1
SPLIT_BYTES: constant(uint256) = 23
SPLIT_MASK: constant(uint256) = 2**184 - 1
PARTS_BITS: constant(uint256) = 176
STAKE_COUNT_SHIFT: constant(uint256) = 160
SPLIT_COUNT_SHIFT: constant(uint256) = 168
COUNT_BITS: constant(uint256) = 8
COUNT_MASK: constant(uint256) = 2**8 - 1
COUNTS_MASK: constant(uint256) = 2**16 - 1
INSTRUCTION_NONCE_SHIFT: constant(uint256) = 176
INSTRUCTION_DEADLINE_SHIFT: constant(uint256) = 202
INSTRUCTION_BITS: constant(uint256) = 234

# the second word of a key's signature: | v - 27: 1 | s 255 | (EIP-2098)
V_BITS: constant(uint256) = 1
V_SHIFT: constant(uint256) = 255

REQUEST_AMOUNT_SHIFT: constant(uint256) = 160
REQUEST_PERIOD_SHIFT: constant(uint256) = 214
REQUEST_DEADLINE_SHIFT: constant(uint256) = 224
# all ones stand for the maximum value: one more is zero of 32 bits, and one less than zero is the
# maximum value
DEADLINE_MASK: constant(uint256) = 2**32 - 1
# what became of an item of `pay` stands above its account: nano-NMR 54 | spare 2 | why it was
# skipped
ITEM_OUTCOME_SHIFT: constant(uint256) = 160
OUTCOME_SKIP_SHIFT: constant(uint256) = 56


struct Account:
    pool: uint256
    stake: uint256
    round: uint256
    period: uint256
    pages: uint256


@internal
@pure
def _account(word: uint256) -> Account:
    return Account(
        pool=word & AMOUNT_MASK,
        stake=(word >> STAKE_SHIFT) & AMOUNT_MASK,
        round=(word >> ROUND_SHIFT) & ROUND_MASK,
        period=(word >> PERIOD_SHIFT) & PERIOD_MASK,
        pages=(word >> PAGES_SHIFT) & PAGES_MASK,
    )


@internal
@pure
def _with_period(word: uint256, period: uint256) -> uint256:
    """
    @dev The account word with another period: the bits in which it differs are flipped.
    """
    last_period: uint256 = (word >> PERIOD_SHIFT) & PERIOD_MASK
    return word ^ (last_period ^ period) << PERIOD_SHIFT


@internal
@pure
def _with_pages(word: uint256, pages: uint256) -> uint256:
    last_pages: uint256 = (word >> PAGES_SHIFT) & PAGES_MASK
    return word ^ (last_pages ^ pages) << PAGES_SHIFT


@internal
@pure
def _place(account: address, place: uint256) -> uint256:
    """
    @dev The key of one of an account's words.
    """
    return place << PLACE_SHIFT | convert(account, uint256)


@internal
@pure
def _stake_page(model: uint256) -> uint256:
    """
    @dev 0 for model 0, whose stake stands in the account word. Unchecked: at most model 64.
    """
    return unsafe_div(unsafe_add(model, 3), MODELS_A_PAGE)


@internal
@pure
def _stake_shift(model: uint256) -> uint256:
    """
    @dev Where a model's stake stands in its page, or model 0's in the account word. Unchecked: at
         most model 64.
    """
    if model == 0:
        return STAKE_SHIFT
    return unsafe_mul(unsafe_add(model, 3) % MODELS_A_PAGE, AMOUNT_BITS)


@internal
@pure
def _split_flag(model: uint256) -> uint256:
    """
    @dev The flag that a model has a split of its own: in its stake page, or in the account word.
    """
    place: uint256 = FLAGS_SHIFT
    if model != 0:
        place = unsafe_add(PAGE_FLAGS_SHIFT, unsafe_sub(model, 1) % MODELS_A_PAGE)
    return 1 << place


@internal
@pure
def _part(destination: uint256, share: uint256) -> uint256:
    """
    @dev One part of a split: destination 8 | share 14. What does not fit, and a share of zero,
         which could not be told from no part, becomes one that every check refuses.
    """
    to: uint256 = destination if destination <= DESTINATION_MASK else MODELS
    bps: uint256 = share if share <= SHARE_MASK and share != 0 else SHARE_MASK
    return to | bps << SHARE_SHIFT


@internal
@pure
def _risk_shift(round_word: uint256) -> uint256:
    """
    @dev Where the risk of a round stands in the account word.
    """
    return unsafe_add(RISKS_SHIFT, unsafe_mul(round_word % OPEN_ROUNDS, RISK_BITS))


@internal
@pure
def _risk_units(word: uint256, round_word: uint256) -> uint256:
    """
    @dev The risk that an account word records at the place of a round.
    """
    return (word >> self._risk_shift(round_word)) & RISK_MASK


@internal
@pure
def _instruction_nonce(head: uint256) -> uint256:
    return (head >> INSTRUCTION_NONCE_SHIFT) & MAX_NONCE


@internal
@pure
def _units(staked: uint256, cap_bps: uint256) -> uint256:
    """
    @dev Risk in units of 2^18 nano, rounded up: the bound covers whatever the cap allows;
         saturated, and what is above does not count in the round. Unchecked: the stakes are under
         2^61, the cap under 2^14.
    """
    units: uint256 = unsafe_div(
        unsafe_add(unsafe_mul(staked, cap_bps), RISK_DIVISOR - 1), RISK_DIVISOR
    )
    return units if units < RISK_MASK else RISK_MASK


@internal
@pure
def _without_missed(word: uint256, round_before: uint256, round_word: uint256) -> uint256:
    """
    @dev The account word with the risks of all passes that left the account out cleared, all four
         if more than four did: they are done, and nothing was recorded for the rounds that they
         opened. Unchecked: the account's round is always before the one at hand.
    """
    cleared: uint256 = word
    missed: uint256 = unsafe_sub(unsafe_sub(round_word, 1), round_before)
    for i: uint256 in range(min(missed, OPEN_ROUNDS), bound=OPEN_ROUNDS):
        round_missed: uint256 = unsafe_sub(unsafe_sub(round_word, 1), i)
        cleared &= ~(RISK_MASK << self._risk_shift(round_missed))
    return cleared


@internal
@pure
def _first_page(word: uint256) -> uint256:
    """
    @dev Model 0's stake and flag out of the account word, as page 0.
    """
    return (
        (word << (FIRST_PAGE_SHIFT - STAKE_SHIFT)) & (AMOUNT_MASK << FIRST_PAGE_SHIFT)
        | (word >> (FLAGS_SHIFT - PAGE_FLAGS_SHIFT - FIRST_PAGE_LANE))
        & (1 << (PAGE_FLAGS_SHIFT + FIRST_PAGE_LANE))
    )


@internal
@pure
def _halves(page: uint256) -> uint256:
    """
    @dev The sums of lanes 0 and 1, and of lanes 2 and 3, each with 54 bits of room.
    """
    return unsafe_add(page & EVEN_LANES, (page >> AMOUNT_BITS) & EVEN_LANES)


@internal
@pure
def _sum(page: uint256) -> uint256:
    """
    @dev The sum of the four lanes of a page.
    """
    return self._halves(page) % HALVES


@internal
@pure
def _smaller(lost: uint256, stakes: uint256) -> uint256:
    """
    @dev The smaller one in each lane; `lost` is at most 2^53. With its top bit set no lane of
         `stakes` falls below zero by it, and the bit is still there, or was before, where the stake
         is not smaller.
    """
    covered: uint256 = (unsafe_sub(stakes | LANE_TOPS, lost) | stakes) & LANE_TOPS
    whole: uint256 = unsafe_sub(covered << 1, covered >> LANE_TOP)
    return lost & whole | stakes & (PAYOUTS_MASK & ~whole)


@internal
@pure
def _unit_nano(units: uint256) -> uint256:
    """
    @dev Risk units as nano-NMR.
    """
    return units << RISK_UNIT_BITS
