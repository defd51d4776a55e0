# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Payouts: the weekly pass over one link of a round
@notice The one place of the pass: losses, earnings, the next risk. An entry is applied whole or the
        transaction reverts naming it. Rounds are counted as account words count them.
"""

from . import refusals
from . import packing
from . import clock
from . import rounds
from . import accounts

uses: refusals
uses: clock
uses: accounts

MAX_WORDS: constant(uint256) = rounds.MAX_LINK_BYTES // 32
# model 0, which is page 0 by itself, and the stake pages
PLACES: constant(uint256) = 1 + packing.PAGES
# "entry 00 of link 00: ", and where the digits stand in it
ENTRY_OF_LINK: constant(bytes32) = (
    0x656e747279203030206f66206c696e6b2030303a200000000000000000000000
)
ENTRY_DIGITS: constant(uint256) = 192
LINK_DIGITS: constant(uint256) = 104


event LinkApplied:
    round: indexed(uint256)
    link: Bytes[rounds.MAX_LINK_BYTES]
    time: uint256


# what is the same for every account of a transaction
struct WeeklyPass:
    round: uint256
    round_before: uint256
    # where the risk of this round, and then of the one that opens, stands in the account word, as
    # units and as nano-NMR
    risk_shift: uint256
    bound_shift: uint256
    # all ones if losses are charged, since the deadline of the round is not past; else zero
    charged: uint256
    # 0 if the pass comes too late to open the next round: that would sell hindsight
    cap_bps: uint256
    # the account word's round, pages and flags if one word tells all: no stake page in use, no
    # split, nothing due, in the last pass. No word has them if losses are not charged
    typical: uint256
    # the largest stake whose risk is not saturated
    most_staked: uint256


@internal
@view
def _weekly_pass(round_word: uint256) -> WeeklyPass:
    # unchecked: the first is 1
    round_before: uint256 = unsafe_sub(round_word, 1)
    charged: uint256 = 0
    typical: uint256 = ~charged
    if round_word > clock._lapsed_rounds():
        charged = typical
        typical = round_before << packing.ROUND_SHIFT
    cap_bps: uint256 = 0
    if block.timestamp < clock._pass_time(unsafe_add(round_word, 1)):
        cap_bps = clock.CAP_BPS
    risk_shift: uint256 = packing._risk_shift(round_word)
    most: uint256 = unsafe_div(packing.RISK_MASK * packing.RISK_DIVISOR, clock.CAP_BPS)
    if most > packing.AMOUNT_MASK:
        most = packing.AMOUNT_MASK
    return WeeklyPass(
        round=round_word,
        round_before=round_before,
        risk_shift=risk_shift,
        bound_shift=unsafe_sub(risk_shift, packing.RISK_UNIT_BITS),
        charged=charged,
        cap_bps=cap_bps,
        typical=typical,
        most_staked=most,
    )


@internal
def _apply(
    link: Bytes[rounds.MAX_LINK_BYTES], link_index: uint256, round: uint256, weekly: WeeklyPass
) -> (uint256, uint256):
    """
    @dev The whole rule, for every entry of a link: all losses, models ascending, then all earnings,
         then the risk of the round that opens. Returns what was earned and what was burned.
    """
    if len(link) % 32 != 0:
        refusals._refuse(refusals.LINK_NOT_WHOLE)
    # as an array, since its elements are read for less gas than what stands in bytes
    words: DynArray[uint256, MAX_WORDS] = abi_decode(
        concat(convert(len(link) // 32, bytes32), link),
        DynArray[uint256, MAX_WORDS],
        unwrap_tuple=False,
    )

    # what the link comes to so far (see packing)
    tally: uint256 = 0
    # how many words of the entry at hand are to come
    awaited: uint256 = 0

    # of the account at hand
    account: uint256 = 0
    word: uint256 = 0
    bound: uint256 = 0
    pages: uint256 = 0
    # unchecked below: sums of at most 65 amounts of 54 bits, those of pages in two halves with room
    # for them
    losses: uint256 = 0
    earnings: uint256 = 0
    staked: uint256 = 0
    uncovered: uint256 = 0
    # bit p stands for page p: whether the entry names it, and whether its gains have still to be
    # shared out
    named: uint256 = 0
    unpaid: uint256 = 0
    gains: uint256[PLACES] = empty(uint256[PLACES])
    # read from here these take fewer bytes than from the code each time
    even: uint256 = packing.EVEN_LANES
    tops: uint256 = packing.LANE_TOPS
    lows: uint256 = packing.LANE_LOWS
    for given: uint256 in words:
        if awaited == 0:
            word = accounts._words[given & packing.ADDRESS_MASK]
            bound = (word >> weekly.risk_shift & packing.RISK_MASK) << packing.RISK_UNIT_BITS
            stake: uint256 = (word >> packing.STAKE_SHIFT) & packing.AMOUNT_MASK
            # unchecked: a loss is 2^256 less it, so that sums and shifts come out right for both;
            # with page words to follow it is an earning above every bound
            payout: uint256 = unsafe_sub(given >> packing.ENTRY_PAYOUT_SHIFT, packing.PAYOUT_BIAS)
            left: uint256 = unsafe_add(stake, payout)

            # The typical account, of one word, is passed in place. Whatever is unusual, a refusal
            # too, goes the long way: each of these has a bit from the round's place up, the first
            # if the word says pages in use, a split, something due or another last pass, the
            # others because they are negative if a loss or an earning is above the bound, a loss
            # above the stake, the risk to come saturated, or there is no stake
            if (
                word & packing.SHAPE_MASK ^ weekly.typical
                | unsafe_add(bound, payout)
                | unsafe_sub(bound, payout)
                | left
                | unsafe_sub(weekly.most_staked, left)
                | unsafe_sub(stake, 1)
            ) >> packing.ROUND_SHIFT == 0:
                opened: uint256 = unsafe_div(
                    unsafe_add(unsafe_mul(left, weekly.cap_bps), packing.RISK_DIVISOR - 1),
                    packing.RISK_DIVISOR,
                )
                # unchecked: each field becomes what fits it; the round was one less
                accounts._words[
                    given << packing.ABOVE_ADDRESS >> packing.ABOVE_ADDRESS
                ] = unsafe_add(
                    unsafe_add(word, payout << packing.STAKE_SHIFT),
                    unsafe_add(
                        unsafe_sub(opened << packing.RISK_UNIT_BITS, bound) << weekly.bound_shift,
                        packing.ROUND_ONE,
                    ),
                )
                # unchecked: a loss is shifted to where losses stand, an earning stays
                tally = unsafe_add(
                    unsafe_add(tally, packing.TALLY_ENTRY),
                    payout << unsafe_mul(payout >> packing.SIGN_SHIFT, packing.TALLY_BURNED),
                )
                continue

            tally = unsafe_add(tally, packing.TALLY_ENTRY)
            awaited = given >> packing.ENTRY_PAGES_SHIFT
            round_before: uint256 = (word >> packing.ROUND_SHIFT) & packing.ROUND_MASK
            if round_before != weekly.round_before:
                if round_before == weekly.round:
                    self._refuse(link_index, tally, refusals.ENTRY_TWICE)
                word = packing._without_missed(word, round_before, weekly.round)
                bound = (word >> weekly.risk_shift & packing.RISK_MASK) << packing.RISK_UNIT_BITS
            account = given << packing.ABOVE_ADDRESS >> packing.ABOVE_ADDRESS
            pages = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
            losses = 0
            earnings = 0
            uncovered = 0
            unpaid = 0
            named = 1

            # model 0: its loss as far as its stake covers it, its earning back to it unless it has
            # a split of its own, or no stake any more
            staked = stake
            payout = unsafe_sub(
                given >> packing.ENTRY_PAYOUT_SHIFT & packing.AMOUNT_MASK, packing.PAYOUT_BIAS
            )
            if payout >> packing.SIGN_SHIFT == 0:
                earnings = payout
                gains[0] = payout << packing.FIRST_PAGE_SHIFT
                left = unsafe_add(stake, payout)
                if (
                    (word >> packing.FLAGS_SHIFT) & 1 == 0
                    and stake != 0
                    and left <= packing.AMOUNT_MASK
                ):
                    staked = left
                elif payout != 0:
                    unpaid = 1
            else:
                losses = unsafe_sub(0, payout)
                gains[0] = 0
                lost: uint256 = losses & weekly.charged
                if lost > stake:
                    uncovered = unsafe_sub(lost, stake)
                    lost = stake
                staked = unsafe_sub(stake, lost)
            word = unsafe_add(
                word,
                unsafe_add(
                    unsafe_sub(staked, stake) << packing.STAKE_SHIFT,
                    unsafe_sub(weekly.round, round_before) << packing.ROUND_SHIFT,
                ),
            )
        else:
            awaited = unsafe_sub(awaited, 1)
            page: uint256 = given >> packing.PAGE_NUMBER_SHIFT
            if named >> page != 0 or page > packing.PAGES:
                self._refuse(link_index, tally, refusals.ENTRY_PAGES)
            named |= 1 << page
            stakes: uint256 = accounts._words[page << packing.PLACE_SHIFT | account]

            # Four stakes or payouts stand in a word, one in each lane, and are worked on together
            # (see packing). A lane of payouts without its top bit is 2^53 less a loss, one with it
            # 2^53 and an earning.
            negative: uint256 = ~given & tops
            lower: uint256 = unsafe_sub(negative, negative >> packing.LANE_TOP)
            lost: uint256 = unsafe_sub(negative, given & lower)
            gained: uint256 = given & (lows ^ lower)
            losses = unsafe_add(
                losses,
                unsafe_add(lost & even, (lost >> packing.AMOUNT_BITS) & even),
            )
            earnings = unsafe_add(
                earnings,
                unsafe_add(
                    gained & even,
                    (gained >> packing.AMOUNT_BITS) & even,
                ),
            )
            lost &= weekly.charged
            # Usual is a page without a split where no stake has its top bit, each covers its loss,
            # and each that earns is not zero. With its top bit set no lane falls below zero by its
            # loss, and the bit is still there if the stake covers it; adding all the lower bits
            # carries into the top one unless they are zero.
            unusual: uint256 = (
                ~unsafe_sub(stakes | tops, lost)
                | stakes
                | unsafe_add(gained, lows) & ~unsafe_add(stakes, lows)
            ) & tops
            if unusual | stakes >> packing.PAGE_FLAGS_SHIFT == 0:
                stakes = unsafe_add(unsafe_sub(stakes, lost), gained)
            else:
                taken: uint256 = packing._smaller(lost, stakes)
                stakes = unsafe_sub(stakes, taken)
                uncovered = unsafe_add(uncovered, packing._sum(unsafe_sub(lost, taken)))
                if gained != 0:
                    unpaid |= 1 << page
            gains[page] = gained
            accounts._words[page << packing.PLACE_SHIFT | account] = stakes
            staked = unsafe_add(
                staked,
                unsafe_add(
                    stakes & even,
                    (stakes >> packing.AMOUNT_BITS) & even,
                ),
            )
        if awaited != 0:
            continue
        # the entry is read
        if named != 1:
            losses %= packing.HALVES
            earnings %= packing.HALVES
        # negative if more than the bound, both at once
        if (unsafe_sub(bound, losses) | unsafe_sub(bound, earnings)) >> packing.SIGN_SHIFT != 0:
            if losses > bound:
                self._refuse(link_index, tally, refusals.LOSSES_ABOVE_BOUND)
            self._refuse(link_index, tally, refusals.EARNINGS_ABOVE_BOUND)
        if uncovered | unpaid != 0:
            unburned: uint256 = 0
            fits: bool = False
            word, staked, unburned, fits = self._settle(
                account, word, gains, named, unpaid, uncovered
            )
            if not fits:
                self._refuse(link_index, tally, refusals.ENTRY_TOO_LARGE)
            losses = unsafe_sub(losses, unburned)
        elif unsafe_add(named, 1) != 1 << unsafe_add(pages, 1):
            for i: uint256 in range(pages, bound=packing.PAGES):
                page: uint256 = unsafe_add(i, 1)
                if (named >> page) & 1 == 0:
                    stakes: uint256 = accounts._words[page << packing.PLACE_SHIFT | account]
                    staked = unsafe_add(staked, packing._halves(stakes))
        tally = unsafe_add(
            unsafe_sub(tally, (losses & weekly.charged) << packing.TALLY_BURNED), earnings
        )
        # unchecked: replaces the field exactly, since old and new value fit it
        staked %= packing.HALVES
        opened: uint256 = unsafe_div(
            unsafe_add(unsafe_mul(staked, weekly.cap_bps), packing.RISK_DIVISOR - 1),
            packing.RISK_DIVISOR,
        )
        if opened > packing.RISK_MASK:
            opened = packing.RISK_MASK
        accounts._words[account] = unsafe_add(
            word,
            unsafe_sub(opened << packing.RISK_UNIT_BITS, bound) << weekly.bound_shift,
        )
    if awaited != 0:
        self._refuse(link_index, tally, refusals.ENTRY_CUT_SHORT)

    log LinkApplied(round=round, link=link, time=block.timestamp)

    below_zero: uint256 = tally >> packing.TALLY_BURNED
    return tally & packing.TALLY_MASK, unsafe_sub(0, below_zero) & packing.TALLY_BURNED_MASK


@internal
def _settle(
    account: uint256,
    word_before: uint256,
    gains: uint256[PLACES],
    named: uint256,
    unpaid_pages: uint256,
    loss: uint256,
) -> (uint256, uint256, uint256, bool):
    """
    @dev What models cannot settle by themselves: `loss`, which their own stakes do not cover, out
         of the rest of the account; then the gains of the unpaid pages, shared out by splits.
         Stores the stake pages that it changes, and what is due. Returns the account word; the sum
         of the stakes, in two halves; what nobody covers, which is not burned; whether every amount
         fits.

         Losses that a model's own stake does not cover are taken after all losses, instead of each
         after its own. It comes to the same: a loss that takes the stake of a model that loses
         later has emptied all that is taken before that stake, so what the later one then lacks is
         taken where the first would have gone on.
    """
    word: uint256 = word_before
    unpaid: uint256 = unpaid_pages
    uncovered: uint256 = loss
    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    changed: uint256 = 0
    held: uint256[PLACES] = empty(uint256[PLACES])
    held[0] = packing._first_page(word)
    # model 0's split and what is due stand in one word
    due_word: uint256 = 0
    if word >> packing.FLAGS_SHIFT != 0:
        due_word = accounts._words[packing.DUE_PLACE | account]
    for i: uint256 in range(pages, bound=packing.PAGES):
        page: uint256 = unsafe_add(i, 1)
        held[page] = accounts._words[page << packing.PLACE_SHIFT | account]

    if uncovered != 0:
        # from the pool, then from the stakes ascending; no earning of the round covers it
        taken: uint256 = min(uncovered, word & packing.AMOUNT_MASK)
        word = unsafe_sub(word, taken)
        uncovered = unsafe_sub(uncovered, taken)
        for page: uint256 in range(PLACES):
            if (named & ~unpaid) >> page & 1 != 0:
                held[page] = unsafe_sub(held[page], gains[page])
            if uncovered == 0:
                continue
            for lane: uint256 in range(packing.MODELS_A_PAGE):
                offset: uint256 = unsafe_mul(lane, packing.AMOUNT_BITS)
                taken = min(uncovered, (held[page] >> offset) & packing.AMOUNT_MASK)
                held[page] = unsafe_sub(held[page], taken << offset)
                uncovered = unsafe_sub(uncovered, taken)
        unpaid = named
        changed = ~changed
    # what goes to the pool, and of that to the wallet
    pooled: uint256 = 0
    sent: uint256 = 0
    for page: uint256 in range(PLACES):
        if unpaid == 0:
            break
        gained: uint256 = 0
        if unpaid & 1 != 0:
            gained = gains[page]
        unpaid >>= 1
        first_lane: uint256 = 0
        if page == 0:
            gained >>= packing.FIRST_PAGE_SHIFT
            first_lane = packing.FIRST_PAGE_LANE
        for i: uint256 in range(packing.MODELS_A_PAGE):
            if gained == 0:
                break
            lane: uint256 = unsafe_add(first_lane, i)
            earning: uint256 = gained & packing.AMOUNT_MASK
            if earning != 0:
                model: uint256 = unsafe_sub(
                    unsafe_add(unsafe_mul(page, packing.MODELS_A_PAGE), lane),
                    packing.FIRST_PAGE_LANE,
                )
                split: uint256 = packing.ALL_TO_POOL
                if (held[page] >> unsafe_add(packing.PAGE_FLAGS_SHIFT, lane)) & 1 != 0:
                    split = due_word
                    if page != 0:
                        place: uint256 = unsafe_add(packing.SPLIT_PLACE, model)
                        split = accounts._words[place << packing.PLACE_SHIFT | account]
                    split = split << packing.ABOVE_PARTS >> packing.ABOVE_PARTS
                elif (
                    (held[page] >> unsafe_mul(lane, packing.AMOUNT_BITS)) & packing.AMOUNT_MASK
                ) != 0:
                    split = packing.ALL_TO_FIRST | model
                # each destination gets its share rounded down; the first comes last, and takes
                # what the others left
                rest: uint256 = earning
                following: uint256 = split >> packing.PART_BITS
                for _: uint256 in range(packing.DESTINATIONS):
                    parts: uint256 = split
                    part: uint256 = rest
                    if following != 0:
                        parts = following
                        # unchecked: 54 and 14 bits
                        share: uint256 = (parts >> packing.SHARE_SHIFT) & packing.SHARE_MASK
                        part = unsafe_div(unsafe_mul(earning, share), packing.BPS)
                        rest = unsafe_sub(rest, part)
                    destination: uint256 = parts & packing.DESTINATION_MASK
                    if destination <= packing.MAX_MODEL:
                        to_place: uint256 = unsafe_add(destination, packing.FIRST_PAGE_LANE)
                        to_page: uint256 = unsafe_div(to_place, packing.MODELS_A_PAGE)
                        before: uint256 = held[to_page]
                        offset: uint256 = unsafe_mul(
                            to_place % packing.MODELS_A_PAGE, packing.AMOUNT_BITS
                        )
                        grown: uint256 = unsafe_add(before, part << offset)
                        held[to_page] = grown
                        changed |= 1 << to_page
                        # a lane that grew out of its 54 bits has lost its top one
                        if before & ~grown & packing.LANE_TOPS != 0:
                            return 0, 0, 0, False
                        if to_page > pages:
                            # a share of zero writes nothing
                            if part != 0:
                                pages = to_page
                                word = packing._with_pages(word, pages)
                    else:
                        pooled = unsafe_add(pooled, part)
                        if destination == packing.WALLET:
                            sent = unsafe_add(sent, part)
                    if following == 0:
                        break
                    following >>= packing.PART_BITS
            gained >>= packing.AMOUNT_BITS
    if unsafe_add(word & packing.AMOUNT_MASK, pooled) > packing.AMOUNT_MASK:
        return 0, 0, 0, False
    word = unsafe_add(word, pooled)
    if sent | loss != 0:
        if word >> packing.FLAGS_SHIFT == 0 and sent != 0:
            due_word = accounts._words[packing.DUE_PLACE | account]
        word = accounts._with_due(account, word, due_word, sent)
    staked: uint256 = (held[0] >> packing.FIRST_PAGE_SHIFT) & packing.AMOUNT_MASK
    word = word & ~(packing.AMOUNT_MASK << packing.STAKE_SHIFT) | staked << packing.STAKE_SHIFT
    for i: uint256 in range(pages, bound=packing.PAGES):
        page: uint256 = unsafe_add(i, 1)
        stakes: uint256 = held[page]
        staked = unsafe_add(staked, packing._halves(stakes))
        if (changed >> page) & 1 != 0:
            accounts._words[page << packing.PLACE_SHIFT | account] = stakes
    return word, staked, uncovered, True


@internal
@view
def _refuse(link_index: uint256, tally: uint256, refusal: uint256):
    """
    @dev Says which entry, counted from 0 in its link, and which link, counted from 0 in the call:
         the operator leaves it out or corrects it and announces the rest again. Both have two
         digits: a link has at most 96 words, a call 16 links.
    """
    entry_index: uint256 = unsafe_sub(tally >> packing.TALLY_ENTRIES & packing.TALLY_MASK, 1)
    where: uint256 = unsafe_add(
        convert(ENTRY_OF_LINK, uint256),
        unsafe_add(
            self._digits(entry_index) << ENTRY_DIGITS,
            self._digits(link_index) << LINK_DIGITS,
        ),
    )
    raise convert(
        concat(
            convert(convert(where, bytes32), bytes21),
            convert(refusals._text(refusal), Bytes[refusals.MAX_TEXT]),
        ),
        String[21 + refusals.MAX_TEXT],
    )


@internal
@pure
def _digits(number: uint256) -> uint256:
    """
    @dev A number below 100, in two digits.
    """
    return (number // 10) << 8 | number % 10
