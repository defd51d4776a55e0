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
from . import splits

uses: refusals
uses: clock
uses: accounts
uses: splits

MAX_WORDS: constant(uint256) = rounds.MAX_LINK_BYTES // 32


event LinkApplied:
    round: indexed(uint256)
    link: Bytes[rounds.MAX_LINK_BYTES]
    time: uint256


# what is the same for every account of a transaction
struct WeeklyPass:
    round: uint256
    # where the risk of this round, and then of the one that opens, stands in the account word
    risk_shift: uint256
    # losses are charged: the deadline of the round is not past
    charged: bool
    # 0 if the pass comes too late to open the next round: that would sell hindsight
    cap_bps: uint256


@internal
@view
def _weekly_pass(round_word: uint256) -> WeeklyPass:
    late: bool = block.timestamp >= clock._pass_time(round_word + 1)
    return WeeklyPass(
        round=round_word,
        risk_shift=packing._risk_shift(round_word),
        charged=round_word > clock._lapsed_rounds(),
        cap_bps=0 if late else clock.CAP_BPS,
    )


@internal
def _apply(
    link: Bytes[rounds.MAX_LINK_BYTES], link_index: uint256, round: uint256, weekly: WeeklyPass
) -> (uint256, uint256):
    """
    @dev Applies every entry of a link; returns what was earned and what was burned.
    """
    if len(link) % 32 != 0:
        refusals._refuse(refusals.LINK_NOT_WHOLE)

    earned: uint256 = 0
    burned: uint256 = 0
    words: uint256 = len(link) // 32
    next_entry: uint256 = 0
    entry_index: uint256 = 0
    # one model, no split, nothing due, in the last pass: all that one word can tell
    typical: uint256 = (weekly.round - 1) << packing.ROUND_SHIFT
    risk_shift: uint256 = weekly.risk_shift
    for i: uint256 in range(words, bound=MAX_WORDS):
        if i < next_entry:
            continue

        first: uint256 = extract32(link, unsafe_mul(i, 32), output_type=uint256)
        word: uint256 = accounts._words[first & packing.ADDRESS_MASK]
        payout: uint256 = first >> packing.ENTRY_PAYOUT_SHIFT

        # the typical account, in place; whatever is unusual in it, a refusal too, is left to
        # _pass_account
        if (
            (word & packing.SHAPE_MASK) == typical
            and payout <= packing.AMOUNT_MASK
            and weekly.charged
        ):
            units: uint256 = (word >> risk_shift) & packing.RISK_MASK
            bound: uint256 = units << packing.RISK_UNIT_BITS
            stake: uint256 = (word >> packing.STAKE_SHIFT) & packing.AMOUNT_MASK
            usual: bool = False
            # unchecked: payout is biased by 2^53, so neither branch goes below zero, and stake and
            # bound are so small that their sums stay far from 2^256
            if payout >= packing.PAYOUT_BIAS:
                amount: uint256 = unsafe_sub(payout, packing.PAYOUT_BIAS)
                grown: uint256 = unsafe_add(stake, amount)
                if amount <= bound and stake != 0 and grown <= packing.AMOUNT_MASK:
                    stake = grown
                    word = unsafe_add(word, amount << packing.STAKE_SHIFT)
                    earned = unsafe_add(earned, amount)
                    usual = True
            else:
                amount: uint256 = unsafe_sub(packing.PAYOUT_BIAS, payout)
                if amount <= bound and amount <= stake:
                    stake = unsafe_sub(stake, amount)
                    word = unsafe_sub(word, amount << packing.STAKE_SHIFT)
                    burned = unsafe_add(burned, amount)
                    usual = True
            if usual:
                opened: uint256 = packing._units(stake, weekly.cap_bps)
                # unchecked: replaces the field exactly, since opened and units both fit it; the
                # round was one less
                word = unsafe_add(word, unsafe_sub(opened, units) << risk_shift)
                accounts._words[first & packing.ADDRESS_MASK] = unsafe_add(
                    word, 1 << packing.ROUND_SHIFT
                )
                entry_index = unsafe_add(entry_index, 1)
                continue
        next_entry = unsafe_add(unsafe_add(i, 1), first >> packing.ENTRY_PAGES_SHIFT)
        if next_entry > words:
            self._refuse(link_index, entry_index, refusals.ENTRY_CUT_SHORT)
        account_earned: uint256 = 0
        account_burned: uint256 = 0
        account_earned, account_burned = self._pass_account(
            link, i, next_entry, link_index, entry_index, weekly
        )
        earned += account_earned
        burned += account_burned
        entry_index = unsafe_add(entry_index, 1)

    log LinkApplied(round=round, link=link, time=block.timestamp)

    return earned, burned


@internal
def _pass_account(
    link: Bytes[rounds.MAX_LINK_BYTES],
    start: uint256,
    end: uint256,
    link_index: uint256,
    entry_index: uint256,
    weekly: WeeklyPass,
) -> (uint256, uint256):
    """
    @dev The whole rule for one account, whose entry are the words from `start` up to `end` of the
         link: all losses, models ascending, then all earnings, then the risk of the round that
         opens. Returns what was earned and what was burned.
    """
    first: uint256 = extract32(link, start * 32, output_type=uint256)
    address_: address = convert(first & packing.ADDRESS_MASK, address)
    word: uint256 = accounts._word(address_)
    round_before: uint256 = (word >> packing.ROUND_SHIFT) & packing.ROUND_MASK
    if round_before == weekly.round:
        self._refuse(link_index, entry_index, refusals.ENTRY_TWICE)
    word = packing._without_missed(word, round_before, weekly.round)
    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    # index 0 is the account word, 1..16 are the stake pages
    stored: uint256[1 + packing.PAGES] = accounts._load(address_, word, pages)
    words: uint256[1 + packing.PAGES] = stored

    # unchecked below: sums of at most 65 amounts of 54 bits, and nothing is taken that is not there
    losses: uint256 = 0
    earnings: uint256 = 0
    burned: uint256 = 0
    page: uint256 = 0
    for i: uint256 in range(start, end, bound=MAX_WORDS):
        entry_word: uint256 = extract32(link, unsafe_mul(i, 32), output_type=uint256)
        payouts: uint256 = packing._first_payout(entry_word)
        offset: uint256 = packing.STAKE_SHIFT
        if i != start:
            page_before: uint256 = page
            page = entry_word >> packing.PAGE_NUMBER_SHIFT
            if page <= page_before or page > packing.PAGES:
                self._refuse(link_index, entry_index, refusals.ENTRY_PAGES)
            payouts = packing._page_payouts(entry_word)
            offset = 0
        for _: uint256 in range(packing.MODELS_A_PAGE):
            if payouts == 0:
                break
            payout: uint256 = payouts & packing.AMOUNT_MASK
            if payout < packing.PAYOUT_BIAS:
                earnings = unsafe_add(earnings, payout)
            else:
                loss: uint256 = unsafe_sub(packing.LOSS_BASE, payout)
                losses = unsafe_add(losses, loss)
                if weekly.charged:
                    word = words[page]
                    taken: uint256 = min(loss, (word >> offset) & packing.AMOUNT_MASK)
                    words[page] = unsafe_sub(word, taken << offset)
                    burned = unsafe_add(burned, loss)
                    if taken < loss:
                        uncovered: uint256 = 0
                        words, uncovered = self._cover(words, pages, unsafe_sub(loss, taken))
                        burned = unsafe_sub(burned, uncovered)
            payouts >>= packing.AMOUNT_BITS
            offset = unsafe_add(offset, packing.AMOUNT_BITS)
    units: uint256 = (words[0] >> weekly.risk_shift) & packing.RISK_MASK
    bound: uint256 = units << packing.RISK_UNIT_BITS
    if losses > bound:
        self._refuse(link_index, entry_index, refusals.LOSSES_ABOVE_BOUND)
    if earnings > bound:
        self._refuse(link_index, entry_index, refusals.EARNINGS_ABOVE_BOUND)

    due_before: uint256 = accounts._due(address_, words[0])
    due: uint256 = due_before
    if earnings != 0:
        for i: uint256 in range(start, end, bound=MAX_WORDS):
            entry_word: uint256 = extract32(link, unsafe_mul(i, 32), output_type=uint256)
            payouts: uint256 = packing._first_payout(entry_word)
            offset: uint256 = packing.STAKE_SHIFT
            model: uint256 = 0
            page = 0
            if i != start:
                page = entry_word >> packing.PAGE_NUMBER_SHIFT
                payouts = packing._page_payouts(entry_word)
                offset = 0
                model = packing._first_model(page)
            for _: uint256 in range(packing.MODELS_A_PAGE):
                if payouts == 0:
                    break
                earning: uint256 = payouts & packing.AMOUNT_MASK
                if earning != 0 and earning < packing.PAYOUT_BIAS:
                    fits: bool = True
                    if words[page] & packing._split_flag(model) != 0:
                        sent: uint256 = 0
                        highest: uint256 = 0
                        words, sent, highest, fits = splits._share_out(
                            address_, model, earning, words
                        )
                        due = unsafe_add(due, sent)
                        pages = max(pages, highest)
                    else:
                        # back to the model, or to the pool if the model has no stake any more
                        to_page: uint256 = page
                        to_offset: uint256 = offset
                        held: uint256 = (words[page] >> offset) & packing.AMOUNT_MASK
                        if held == 0:
                            to_page = 0
                            to_offset = 0
                            held = words[0] & packing.AMOUNT_MASK
                        fits = unsafe_add(held, earning) <= packing.AMOUNT_MASK
                        words[to_page] = unsafe_add(words[to_page], earning << to_offset)
                    if not fits:
                        self._refuse(link_index, entry_index, refusals.ENTRY_TOO_LARGE)
                payouts >>= packing.AMOUNT_BITS
                offset = unsafe_add(offset, packing.AMOUNT_BITS)
                model = unsafe_add(model, 1)
    words[0] = packing._with_pages(words[0], pages)
    due = min(due, words[0] & packing.AMOUNT_MASK)
    words[0] = accounts._with_due(address_, words[0], due_before, due)
    staked: uint256 = (words[0] >> packing.STAKE_SHIFT) & packing.AMOUNT_MASK
    for i: uint256 in range(pages, bound=packing.PAGES):
        page = unsafe_add(i, 1)
        word = words[page]
        staked = unsafe_add(staked, packing._stakes_sum(word))
        if word != stored[page]:
            accounts._words[packing._place(address_, page)] = word
    opened: uint256 = packing._units(staked, weekly.cap_bps)
    # unchecked: replaces two fields exactly, since old and new values fit them
    word = unsafe_add(words[0], unsafe_sub(opened, units) << weekly.risk_shift)
    word = unsafe_add(word, unsafe_sub(weekly.round, round_before) << packing.ROUND_SHIFT)
    accounts._store(address_, word)

    return earnings, burned


@internal
@pure
def _cover(
    words_before: uint256[1 + packing.PAGES],
    pages: uint256,
    loss: uint256,
) -> (uint256[1 + packing.PAGES], uint256):
    """
    @dev Takes what a model's own stake could not cover: from the pool, then from the stakes
         ascending (the model's own is empty by now). Returns the words and what nobody covers,
         which is not burned.
    """
    words: uint256[1 + packing.PAGES] = words_before
    uncovered: uint256 = loss
    taken: uint256 = min(uncovered, words[0] & packing.AMOUNT_MASK)
    words[0] -= taken
    uncovered -= taken
    for model: uint256 in range(packing.MODELS):
        page: uint256 = packing._stake_page(model)
        if uncovered == 0 or page > pages:
            break
        offset: uint256 = packing._stake_shift(model)
        taken = min(uncovered, (words[page] >> offset) & packing.AMOUNT_MASK)
        words[page] -= taken << offset
        uncovered -= taken
    return words, uncovered


@internal
@view
def _refuse(link_index: uint256, entry_index: uint256, refusal: uint256):
    """
    @dev Says which entry, counted from 0 in its link, and which link, counted from 0 in the call:
         the operator leaves it out or corrects it and announces the rest again.
    """
    entry: String[78] = self._decimal(entry_index)
    link: String[78] = self._decimal(link_index)
    reason: String[refusals.MAX_TEXT] = refusals._text(refusal)
    raise concat("entry ", entry, " of link ", link, ": ", reason)


@internal
@pure
def _decimal(number: uint256) -> String[78]:
    return uint2str(number)
