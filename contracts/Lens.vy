# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
# pragma nonreentrancy on
"""
@title Sluice lens
@license AGPL-3.0-only
@author The Sluice developers
@notice What follows from the escrow's stored words, as a page shows it: position, stakes, splits,
        open rounds, and when locked NMR becomes free.
@dev The escrow needs none of this to work, so it stands here and not in the escrow's bytecode.
     Amounts are token base units; rounds carry the tournament's own numbers; times are unix
     seconds.
@custom:security Has no storage, no role and no NMR: it reads the escrow's words and counts. Anyone
                 can deploy another, or count the same from the words.
"""

from .interfaces import IEscrow
from .modules import packing
from .modules import clock

ESCROW: immutable(IEscrow)
FIRST_PASS: immutable(uint256)
FIRST_PASS_TIME: immutable(uint256)
ROUND_LENGTH: immutable(uint256)
WINDOW: immutable(uint256)
GRACE: immutable(uint256)
CAP_BPS: immutable(uint256)
DEPLOYED_AT: immutable(uint256)


# what `position` says of an account
struct Position:
    pool: uint256
    staked: uint256
    at_risk: uint256
    withdrawable: uint256
    due: uint256
    nonce: uint256
    round: uint256
    period: uint256


# one open round of an account
struct Risk:
    round: uint256
    bound: uint256
    lock: uint256
    deadline: uint256


# how one model's earnings are shared out
struct Split:
    model: uint256
    destinations: DynArray[uint256, packing.DESTINATIONS]
    shares: DynArray[uint256, packing.DESTINATIONS]


# what a coming pass leaves withdrawable
struct Release:
    amount: uint256
    earliest: uint256
    latest: uint256


# an account word, and in nano what withdrawable follows from, beside what is at risk
struct Held:
    word: uint256
    pool: uint256
    staked: uint256
    due: uint256


@deploy
def __init__(escrow: address):
    """
    @notice Binds the lens to one escrow for ever, and reads what its deployment fixed.
    @param escrow The escrow to look at.
    """
    if not escrow.is_contract:
        raise "escrow: no contract there"

    ESCROW = IEscrow(escrow)
    parameters: IEscrow.Parameters = staticcall ESCROW.parameters()
    FIRST_PASS = parameters.first_pass
    FIRST_PASS_TIME = parameters.first_pass_time
    ROUND_LENGTH = parameters.round_length
    WINDOW = parameters.window
    GRACE = parameters.grace
    CAP_BPS = parameters.cap_bps
    DEPLOYED_AT = parameters.deployed_at


@external
@view
def position(account: address) -> Position:
    """
    @notice Everything held for an account and what of it can leave now.
    @param account Any address.
    @return pool, staked, at risk (it may exceed the equity), withdrawable, due (part of the pool),
            all in base units; the nonce of instructions; the last pass it was in and the last
            period it was paid in (0 = never).
    """
    held: Held = self._held(account)
    fields: packing.Account = packing._account(held.word)
    at_risk: uint256 = self._at_risk(held.word, self._first_open(self._resolved()))
    return Position(
        pool=held.pool * packing.NANO,
        staked=held.staked * packing.NANO,
        at_risk=at_risk * packing.NANO,
        withdrawable=self._withdrawable(held, at_risk) * packing.NANO,
        due=held.due * packing.NANO,
        nonce=self._word(account, packing.SPLIT_PLACE) >> packing.NONCE_SHIFT,
        round=0 if fields.round == 0 else self._to_round(fields.round),
        period=fields.period,
    )


@external
@view
def stakes_of(account: address) -> uint256[packing.MODELS]:
    """
    @notice The stake on each model of an account.
    @param account Any address.
    @return Base units by model number, 0 to 64.
    """
    words: uint256[1 + packing.PAGES] = self._stake_words(account)
    stakes: uint256[packing.MODELS] = empty(uint256[packing.MODELS])
    for model: uint256 in range(packing.MODELS):
        page_word: uint256 = words[packing._stake_page(model)]
        nano: uint256 = (page_word >> packing._stake_shift(model)) & packing.AMOUNT_MASK
        stakes[model] = nano * packing.NANO
    return stakes


@external
@view
def split_of(
    account: address, model: uint256
) -> (DynArray[uint256, packing.DESTINATIONS], DynArray[uint256, packing.DESTINATIONS]):
    """
    @notice How the earnings of one model are shared out.
    @param account Any address.
    @param model 0 to 64.
    @return The destinations: model numbers, 254 the pool, 255 the wallet. Their shares in basis
            points. Both empty: back to the model, or to the pool if it has no stake any more.
    """
    if model > packing.MAX_MODEL:
        raise "models: numbered 0 to 64"
    page_word: uint256 = self._word(account, packing._stake_page(model))
    split: Split = self._split(account, model, page_word)
    return split.destinations, split.shares


@external
@view
def splits_of(account: address) -> DynArray[Split, packing.MODELS]:
    """
    @notice The splits of all models that have one of their own.
    @param account Any address.
    @return For each, ascending: the model, destinations and shares as `split_of` has them.
    """
    words: uint256[1 + packing.PAGES] = self._stake_words(account)
    splits: DynArray[Split, packing.MODELS] = []
    for model: uint256 in range(packing.MODELS):
        split: Split = self._split(account, model, words[packing._stake_page(model)])
        if len(split.shares) != 0:
            splits.append(split)
    return splits


@external
@view
def risks_of(account: address) -> DynArray[Risk, packing.OPEN_ROUNDS]:
    """
    @notice The open rounds that can still burn some of an account.
    @param account Any address.
    @return For each, ascending: its number, the most it can burn or earn (bound), what it keeps
            from being withdrawn (lock), both in base units, and the second after which it burns
            nothing more.
    """
    word: uint256 = self._word(account, 0)
    last_pass: uint256 = packing._account(word).round
    first_open: uint256 = self._first_open(self._resolved())
    risks: DynArray[Risk, packing.OPEN_ROUNDS] = []
    for i: uint256 in range(1, 1 + packing.OPEN_ROUNDS):
        units: uint256 = self._open_units(word, last_pass + i, first_open)
        if units != 0:
            risks.append(
                Risk(
                    round=self._to_round(last_pass + i),
                    bound=packing._unit_nano(units) * packing.NANO,
                    lock=packing._unit_nano(units - 1) * packing.NANO,
                    deadline=self._deadline(last_pass + i),
                )
            )
    return risks


@external
@view
def schedule(account: address) -> DynArray[Release, packing.OPEN_ROUNDS]:
    """
    @notice When the locked part of the pool becomes free: what the coming four passes leave
            withdrawable if the stakes stay as they are, no payout comes, and every pass opens a
            round for the account. Passes that free nothing more are left out.
    @param account Any address.
    @return For each pass, ascending: all that is withdrawable then, what is now included, in base
            units; the earliest second at which the pass can be; the second after which it is so
            without any pass.
    """
    held: Held = self._held(account)
    resolved: uint256 = 0
    announced_at: uint256 = 0
    resolved, announced_at = self._round_state()
    first_open: uint256 = self._first_open(resolved)
    freed: uint256 = self._withdrawable(held, self._at_risk(held.word, first_open))
    opened: uint256 = packing._units(held.staked, CAP_BPS)
    # an account that is in the pass under way already looks at the rounds after
    first_coming: uint256 = max(resolved, packing._account(held.word).round) + 1

    releases: DynArray[Release, packing.OPEN_ROUNDS] = []
    for i: uint256 in range(packing.OPEN_ROUNDS):
        round_word: uint256 = first_coming + i
        # what is open once that pass is done: what was recorded for later rounds, and what the
        # passes up to it open
        at_risk: uint256 = 0
        for later: uint256 in range(1, 1 + packing.OPEN_ROUNDS):
            units: uint256 = opened
            if i + later < packing.OPEN_ROUNDS:
                units = self._open_units(held.word, round_word + later, first_open)
            at_risk += self._lock(units)
        amount: uint256 = self._withdrawable(held, at_risk)
        if amount > freed:
            freed = amount
            earliest: uint256 = max(self._pass_time(round_word), announced_at) + WINDOW
            releases.append(
                Release(
                    amount=amount * packing.NANO,
                    earliest=max(block.timestamp, earliest),
                    latest=self._deadline(round_word),
                )
            )
    return releases


@external
@view
def current_period() -> uint256:
    """
    @notice The fortnight it is, counted from 1 at the escrow's deployment.
    @return The period that `pay` would pay in now.
    """
    return 1 + (block.timestamp - DEPLOYED_AT) // clock.PERIOD


@external
@view
def escrow() -> address:
    """
    @notice The escrow that this lens looks at.
    @return Its address.
    """
    return ESCROW.address


####################################
############# INTERNAL #############
####################################


@internal
@view
def _word(account: address, place: uint256) -> uint256:
    return staticcall ESCROW.word(packing._place(account, place))


@internal
@view
def _stake_words(account: address) -> uint256[1 + packing.PAGES]:
    """
    @dev The account word (index 0) and the stake pages in use (1..16).
    """
    words: uint256[1 + packing.PAGES] = empty(uint256[1 + packing.PAGES])
    words[0] = self._word(account, 0)
    pages: uint256 = packing._account(words[0]).pages
    for page: uint256 in range(1, 1 + pages, bound=packing.PAGES):
        words[page] = self._word(account, page)
    return words


@internal
@view
def _held(account: address) -> Held:
    words: uint256[1 + packing.PAGES] = self._stake_words(account)
    fields: packing.Account = packing._account(words[0])
    held: Held = Held(word=words[0], pool=fields.pool, staked=fields.stake, due=0)
    for page: uint256 in range(1, 1 + packing.PAGES):
        held.staked += packing._sum(words[page])
    # what is due counts only while the account word says that something is
    if words[0] >= packing.DUE_FLAG:
        split_word: uint256 = self._word(account, packing.SPLIT_PLACE)
        held.due = (split_word >> packing.DUE_SHIFT) & packing.AMOUNT_MASK
    return held


@internal
@view
def _round_state() -> (uint256, uint256):
    """
    @dev The last round that is done, as account words count; when the next one was announced, 0 if
         it is not.
    """
    resolved: uint256 = 0
    digest: bytes32 = empty(bytes32)
    announced_at: uint256 = 0
    resolved, digest, announced_at = staticcall ESCROW.round_state()
    return resolved + 1 - FIRST_PASS, announced_at


@internal
@view
def _resolved() -> uint256:
    resolved: uint256 = 0
    announced_at: uint256 = 0
    resolved, announced_at = self._round_state()
    return resolved


@internal
@view
def _first_open(resolved: uint256) -> uint256:
    """
    @dev The first round that is neither done nor past its deadline.
    """
    lapsed: uint256 = 0
    first_deadline: uint256 = FIRST_PASS_TIME + GRACE
    if block.timestamp > first_deadline:
        lapsed = (block.timestamp - first_deadline - 1) // ROUND_LENGTH + 1
    return max(resolved, lapsed) + 1


@internal
@pure
def _open_units(word: uint256, round_word: uint256, first_open: uint256) -> uint256:
    """
    @dev The risk that an account word records for a round after its last pass, 0 if it records none
         or the round is not open.
    """
    last_pass: uint256 = packing._account(word).round
    if round_word < first_open or round_word > last_pass + packing.OPEN_ROUNDS:
        return 0
    return packing._risk_units(word, round_word)


@internal
@pure
def _lock(units: uint256) -> uint256:
    """
    @dev What a round keeps from leaving, in nano: rounded down, so that rounding never locks
         anybody's NMR.
    """
    return 0 if units == 0 else packing._unit_nano(units - 1)


@internal
@pure
def _at_risk(word: uint256, first_open: uint256) -> uint256:
    """
    @dev L in nano: the sum of the open rounds' locks; it may exceed the equity.
    """
    last_pass: uint256 = packing._account(word).round
    at_risk: uint256 = 0
    for i: uint256 in range(1, 1 + packing.OPEN_ROUNDS):
        at_risk += self._lock(self._open_units(word, last_pass + i, first_open))
    return at_risk


@internal
@pure
def _withdrawable(held: Held, at_risk: uint256) -> uint256:
    """
    @dev W = min(pool, max(due, equity - at risk)) in nano, 0 if negative.
    """
    equity: uint256 = held.pool + held.staked
    return min(held.pool, max(held.due, equity - min(equity, at_risk)))


@internal
@view
def _split(account: address, model: uint256, page_word: uint256) -> Split:
    """
    @dev A model's split, empty if the word of its stake says that it has none of its own.
    """
    split: Split = Split(model=model, destinations=[], shares=[])
    if page_word & packing._split_flag(model) == 0:
        return split

    parts: uint256 = self._word(account, packing.SPLIT_PLACE + model)
    for _: uint256 in range(packing.DESTINATIONS):
        share: uint256 = (parts >> packing.SHARE_SHIFT) & packing.SHARE_MASK
        if share == 0:
            break
        split.destinations.append(parts & packing.DESTINATION_MASK)
        split.shares.append(share)
        parts >>= packing.PART_BITS
    return split


@internal
@view
def _pass_time(round_word: uint256) -> uint256:
    return FIRST_PASS_TIME + (round_word - 1) * ROUND_LENGTH


@internal
@view
def _deadline(round_word: uint256) -> uint256:
    """
    @dev The last second at which a round can burn.
    """
    return self._pass_time(round_word) + GRACE


@internal
@view
def _to_round(round_word: uint256) -> uint256:
    """
    @dev A round as the tournament numbers it.
    """
    return round_word + FIRST_PASS - 1
