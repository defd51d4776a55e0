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
# one more than pages that ascend can fill, so that the refusal can say so
MAX_ENTRY_WORDS: constant(uint256) = 2 + packing.PAGES


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
        entry: DynArray[uint256, MAX_ENTRY_WORDS] = [first]
        for j: uint256 in range(unsafe_add(i, 1), next_entry, bound=MAX_WORDS):
            if len(entry) == MAX_ENTRY_WORDS:
                break
            entry.append(extract32(link, unsafe_mul(j, 32), output_type=uint256))
        account_earned: uint256 = 0
        account_burned: uint256 = 0
        refusal: uint256 = 0
        account_earned, account_burned, refusal = self._pass_account(word, entry, weekly)
        if refusal != 0:
            self._refuse(link_index, entry_index, refusal)
        earned = unsafe_add(earned, account_earned)
        burned = unsafe_add(burned, account_burned)
        entry_index = unsafe_add(entry_index, 1)

    log LinkApplied(round=round, link=link, time=block.timestamp)

    return earned, burned


@internal
def _pass_account(
    word_before: uint256, entry: DynArray[uint256, MAX_ENTRY_WORDS], weekly: WeeklyPass
) -> (uint256, uint256, uint256):
    """
    @dev The whole rule for one account: all losses, models ascending, then all earnings, then the
         risk of the round that opens. `word_before` is the stored account word. Returns what was
         earned, what was burned, and why the entry is refused, 0 if it is not: the caller reverts
         then, whatever was written.
    """
    account: address = convert(entry[0] & packing.ADDRESS_MASK, address)
    word: uint256 = word_before
    round_before: uint256 = (word >> packing.ROUND_SHIFT) & packing.ROUND_MASK
    if round_before == weekly.round:
        return 0, 0, refusals.ENTRY_TWICE
    if unsafe_add(round_before, 1) != weekly.round:
        word = packing._without_missed(word, round_before, weekly.round)
    # unchecked below: sums of at most 65 amounts of 54 bits, and nothing is taken that is not there
    losses: uint256 = 0
    earnings: uint256 = 0
    # what models' own stakes do not cover, taken after all losses instead of each after its own. It
    # comes to the same: a loss that takes the stake of a model that loses later has emptied all that
    # is taken before that stake, so what the later one then lacks is taken where the first would
    # have gone on
    uncovered: uint256 = 0
    first_payout: uint256 = packing._first_payout(entry[0])
    if first_payout < packing.PAYOUT_BIAS:
        earnings = first_payout
    else:
        losses = unsafe_sub(packing.LOSS_BASE, first_payout)
        if weekly.charged:
            stake: uint256 = (word >> packing.STAKE_SHIFT) & packing.AMOUNT_MASK
            taken: uint256 = losses if losses < stake else stake
            word = unsafe_sub(word, taken << packing.STAKE_SHIFT)
            uncovered = unsafe_sub(losses, taken)
    page: uint256 = 0
    for i: uint256 in range(1, len(entry), bound=MAX_ENTRY_WORDS):
        page_before: uint256 = page
        page = entry[i] >> packing.PAGE_NUMBER_SHIFT
        if page <= page_before or page > packing.PAGES:
            return 0, 0, refusals.ENTRY_PAGES
        payouts: uint256 = packing._page_payouts(entry[i])
        offset: uint256 = 0
        place: uint256 = packing._place(account, page)
        stored_page: uint256 = accounts._words[place]
        page_word: uint256 = stored_page
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
                    taken: uint256 = min(loss, (page_word >> offset) & packing.AMOUNT_MASK)
                    page_word = unsafe_sub(page_word, taken << offset)
                    uncovered = unsafe_add(uncovered, unsafe_sub(loss, taken))
            payouts >>= packing.AMOUNT_BITS
            offset = unsafe_add(offset, packing.AMOUNT_BITS)
        if page_word != stored_page:
            accounts._words[place] = page_word
    units: uint256 = (word >> weekly.risk_shift) & packing.RISK_MASK
    bound: uint256 = units << packing.RISK_UNIT_BITS
    if losses > bound:
        return 0, 0, refusals.LOSSES_ABOVE_BOUND
    if earnings > bound:
        return 0, 0, refusals.EARNINGS_ABOVE_BOUND
    burned: uint256 = losses if weekly.charged else 0
    if uncovered != 0:
        unpaid: uint256 = 0
        word, unpaid = self._cover(account, word, uncovered)
        burned = unsafe_sub(burned, unpaid)
    # earnings equal first_payout only if no page earns: a loss stands in it above every bound
    # what goes to the wallet
    sent: uint256 = 0
    fits: bool = True
    if first_payout != 0 and first_payout < packing.PAYOUT_BIAS:
        split: uint256 = splits._split_of(account, 0, word, packing.FLAGS_SHIFT)
        word, sent, fits = splits._share_out(account, word, first_payout, split)
        if not fits:
            return 0, 0, refusals.ENTRY_TOO_LARGE
    if earnings != 0 and earnings != first_payout:
        for i: uint256 in range(1, len(entry), bound=MAX_ENTRY_WORDS):
            page = entry[i] >> packing.PAGE_NUMBER_SHIFT
            payouts: uint256 = packing._page_payouts(entry[i])
            offset: uint256 = 0
            flag_shift: uint256 = packing.PAGE_FLAGS_SHIFT
            model: uint256 = packing._first_model(page)
            place: uint256 = packing._place(account, page)
            page_word: uint256 = accounts._words[place]
            stored_page: uint256 = page_word
            for _: uint256 in range(packing.MODELS_A_PAGE):
                if payouts == 0:
                    break
                earning: uint256 = payouts & packing.AMOUNT_MASK
                if earning != 0 and earning < packing.PAYOUT_BIAS:
                    held: uint256 = (page_word >> offset) & packing.AMOUNT_MASK
                    if held != 0 and (page_word >> flag_shift) & 1 == 0:
                        fits = unsafe_add(held, earning) <= packing.AMOUNT_MASK
                        page_word = unsafe_add(page_word, earning << offset)
                    else:
                        if page_word != stored_page:
                            accounts._words[place] = page_word
                        due: uint256 = 0
                        split: uint256 = splits._split_of(account, model, page_word, flag_shift)
                        word, due, fits = splits._share_out(account, word, earning, split)
                        sent = unsafe_add(sent, due)
                        page_word = accounts._words[place]
                        stored_page = page_word
                    if not fits:
                        return 0, 0, refusals.ENTRY_TOO_LARGE
                payouts >>= packing.AMOUNT_BITS
                offset = unsafe_add(offset, packing.AMOUNT_BITS)
                flag_shift = unsafe_add(flag_shift, 1)
                model = unsafe_add(model, 1)
            if page_word != stored_page:
                accounts._words[place] = page_word
    if sent != 0 or uncovered != 0:
        word = accounts._with_due(account, word, sent)
    staked: uint256 = accounts._staked(account, word)
    opened: uint256 = packing._units(staked, weekly.cap_bps)
    # unchecked: replaces two fields exactly, since old and new values fit them
    word = unsafe_add(word, unsafe_sub(opened, units) << weekly.risk_shift)
    word = unsafe_add(word, unsafe_sub(weekly.round, round_before) << packing.ROUND_SHIFT)
    accounts._words[convert(account, uint256)] = word

    return earnings, burned, 0


@internal
def _cover(account: address, word_before: uint256, loss: uint256) -> (uint256, uint256):
    """
    @dev Takes what models' own stakes could not cover: from the pool, then from the stakes
         ascending. Returns the account word and what nobody covers, which is not burned.
    """
    word: uint256 = word_before
    uncovered: uint256 = loss
    taken: uint256 = min(uncovered, word & packing.AMOUNT_MASK)
    word = unsafe_sub(word, taken)
    uncovered = unsafe_sub(uncovered, taken)
    taken = min(uncovered, (word >> packing.STAKE_SHIFT) & packing.AMOUNT_MASK)
    word = unsafe_sub(word, taken << packing.STAKE_SHIFT)
    uncovered = unsafe_sub(uncovered, taken)
    pages: uint256 = (word >> packing.PAGES_SHIFT) & packing.PAGES_MASK
    for page: uint256 in range(1, unsafe_add(pages, 1), bound=packing.PAGES):
        if uncovered == 0:
            break
        place: uint256 = packing._place(account, page)
        page_word: uint256 = accounts._words[place]
        for at: uint256 in range(packing.MODELS_A_PAGE):
            offset: uint256 = unsafe_mul(at, packing.AMOUNT_BITS)
            taken = min(uncovered, (page_word >> offset) & packing.AMOUNT_MASK)
            page_word = unsafe_sub(page_word, taken << offset)
            uncovered = unsafe_sub(uncovered, taken)
        accounts._words[place] = page_word
    return word, uncovered


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
