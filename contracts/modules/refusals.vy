# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Refusals: why a call reverts, in words
@notice Each names what is refused and what would do. In the code they are numbers: the words are
        kept as the code of a second contract, which the constructor makes and which nobody can call
        or change, so that they cost this contract's size limit nothing.
@dev Zero is no refusal: a check that must not revert returns the number instead.
"""

# the contract whose code are the words below
WORDS: immutable(address)

# amounts
AMOUNT_ZERO: constant(uint256) = 1
AMOUNT_NOT_WHOLE: constant(uint256) = 2
AMOUNT_TOO_LARGE: constant(uint256) = 3
# the deployment
FIRST_PASS_ZERO: constant(uint256) = 4
FIRST_PASS_PAST: constant(uint256) = 5
WINDOW_TOO_LONG: constant(uint256) = 6
WINDOW_PAST_GRACE: constant(uint256) = 7
CAP_ZERO: constant(uint256) = 8
CAP_TOO_HIGH: constant(uint256) = 9
TOKEN_ZERO: constant(uint256) = 10
BURNER_ZERO: constant(uint256) = 11
OWNER_ZERO: constant(uint256) = 12
# roles
OPERATOR_ZERO: constant(uint256) = 13
GUARDIAN_ZERO: constant(uint256) = 14
ONLY_OPERATOR: constant(uint256) = 15
ONLY_OPERATOR_OR_OWNER: constant(uint256) = 16
# rounds
ROUND_NOT_NEXT: constant(uint256) = 17
ROUNDS_ENDED: constant(uint256) = 18
BEFORE_PASS_TIME: constant(uint256) = 19
DIGEST_ZERO: constant(uint256) = 20
NOT_REPLACED: constant(uint256) = 21
NO_LINKS: constant(uint256) = 22
NOT_ANNOUNCED: constant(uint256) = 23
WINDOW_OPEN: constant(uint256) = 24
LINKS_DIFFER: constant(uint256) = 25
# links and entries
LINK_NOT_WHOLE: constant(uint256) = 26
ENTRY_CUT_SHORT: constant(uint256) = 27
ENTRY_TWICE: constant(uint256) = 28
ENTRY_PAGES: constant(uint256) = 29
LOSSES_ABOVE_BOUND: constant(uint256) = 30
EARNINGS_ABOVE_BOUND: constant(uint256) = 31
ENTRY_TOO_LARGE: constant(uint256) = 32
# reserve, burner and token
RESERVE_TOO_SMALL: constant(uint256) = 33
RESERVE_LESS: constant(uint256) = 34
RESERVE_BUSY: constant(uint256) = 35
NOTHING_BURNED: constant(uint256) = 36
TOKEN_NOT_TAKEN: constant(uint256) = 37
TOKEN_NOT_SENT: constant(uint256) = 38
TOO_LITTLE_GAS: constant(uint256) = 39
# accounts, stakes and splits
ACCOUNT_REFUSED: constant(uint256) = 40
NO_MODELS: constant(uint256) = 41
MODEL_NUMBER: constant(uint256) = 42
MODELS_NOT_ASCENDING: constant(uint256) = 43
STAKES_COUNT: constant(uint256) = 44
POOL_TOO_SMALL: constant(uint256) = 45
SHARES_COUNT: constant(uint256) = 46
TOO_MANY_DESTINATIONS: constant(uint256) = 47
DESTINATION_UNKNOWN: constant(uint256) = 48
DESTINATION_TWICE: constant(uint256) = 49
SHARE_RANGE: constant(uint256) = 50
SHARES_SUM: constant(uint256) = 51
# withdrawals
NOTHING_WITHDRAWABLE: constant(uint256) = 52
ABOVE_WITHDRAWABLE: constant(uint256) = 53
PERIODS_ENDED: constant(uint256) = 54
ITEM_COUNT: constant(uint256) = 55
TURN_USED: constant(uint256) = 56
# signatures and instructions
SIGNATURES_FEW: constant(uint256) = 57
SIGNATURES_MANY: constant(uint256) = 58
SIGNER: constant(uint256) = 59
MALFORMED: constant(uint256) = 60
EXPIRED: constant(uint256) = 61
NONCE_USED: constant(uint256) = 62
NONCE_TO_COME: constant(uint256) = 63
NONCES_ENDED: constant(uint256) = 64
NO_CHANGE: constant(uint256) = 65
NONCE_NOT_ABOVE: constant(uint256) = 66
NONCE_STEP: constant(uint256) = 67
# the guardian
ONLY_GUARDIAN: constant(uint256) = 68
PAUSED: constant(uint256) = 69
PAUSE_USED: constant(uint256) = 70
NOT_PAUSED: constant(uint256) = 71
# moving to another address
NOT_OFFERED: constant(uint256) = 72
MOVE_BUSY: constant(uint256) = 73
MOVE_NOT_FRESH: constant(uint256) = 74
MOVE_EXPIRED: constant(uint256) = 75

# what has to be left beside the 64/63 of what a call may use, or the whole transaction is refused:
# whoever sends a batch could make anybody's part of it fail otherwise
SPARE_GAS: constant(uint256) = 5_000

MAX_TEXT: constant(uint256) = 64
MAX_TEXTS: constant(uint256) = 100
# a contract's first byte; it stops whoever calls it
STOP: constant(Bytes[1]) = x"00"
# creation code that returns what follows it: PUSH2 size, then copy and return all after ten bytes
PUSH_SIZE: constant(Bytes[1]) = x"61"
RETURN_REST: constant(Bytes[7]) = x"80600a3d393df3"
# where the texts start: after STOP, the offset of the array and its length. Each has one length,
# so that none has to be looked for: a word that says how long it is, and two of letters
TEXTS: constant(uint256) = 65
TEXT_BYTES: constant(uint256) = 32 + MAX_TEXT


@deploy
def __init__():
    texts: DynArray[String[MAX_TEXT], MAX_TEXTS] = [
        "",
        # amounts
        "amount: must be above zero",
        "amount: not a whole nano-NMR, use multiples of 10**9",
        "amount: does not fit 54 bits of nano-NMR",
        # the deployment
        "first_pass: rounds are numbered from 1",
        "first_pass_time: must not be in the past",
        "window: must be under half the round length",
        "window: must be shorter than the grace",
        "cap_bps: a round has to risk something",
        "cap_bps: four open rounds may risk 100% at most",
        "token: must not be the zero address",
        "burner: must not be the zero address",
        "owner: must not be the zero address",
        # roles
        "operator: must not be the zero address",
        "guardian: must not be the zero address",
        "caller: only the operator",
        "caller: only the operator or the owner",
        # rounds
        "round: not the next one, see round_state()",
        "announce: rounds are at their end, use withdraw()",
        "announce: not before the pass time of the round",
        "announce: zero digest, an empty round is one empty link",
        "announce: replaces is not the stored digest, see round_state()",
        "resolve: give at least one link",
        "resolve: nothing is announced, see round_state()",
        "resolve: the challenge window is still open",
        "resolve: the links do not lead to the announced digest",
        # links and entries
        "link: not made of whole 32-byte words",
        "its page words go beyond the link",
        "account is already in this pass",
        "its pages do not ascend from 1 to 16",
        "losses are above its bound",
        "earnings are above its bound",
        "an amount does not fit 54 bits",
        # reserve, burner and token
        "reserve: too small for the earnings, fund() it first",
        "withdraw_reserve: more than the reserve holds",
        "withdraw_reserve: wait for the end of the announced round",
        "burn: nothing waits to be burned",
        "token: transferFrom failed, nothing was taken",
        "token: transfer failed, nothing was sent",
        "gas: too little left for the next item, send more",
        # accounts, stakes and splits
        "account: zero, the escrow or the token",
        "models: name at least one",
        "models: numbered 0 to 64",
        "models: must be strictly ascending",
        "stakes: give one for each model",
        "stakes: the pool holds too little, deposit first",
        "split: give one share for each destination",
        "split: at most 8 destinations",
        "split: destinations are models 0 to 64, POOL 254 or WALLET 255",
        "split: a destination is named twice",
        "split: a share is 1 to 10_000 basis points",
        "split: shares must sum to 10_000 basis points",
        # withdrawals
        "withdraw: nothing is withdrawable yet, see Lens.schedule()",
        "withdraw: more than is withdrawable, see Lens.position()",
        "pay: periods are at their end, use withdraw()",
        "pay: give 1 to 256 items",
        "cancel_withdrawal: this period's turn is used already",
        # signatures and instructions
        "signatures: give one for each message",
        "signatures: more than messages",
        "signature: not the account's",
        "instructions: malformed, pack them as sluice.instructions does",
        "instruction: expired",
        "instruction: its nonce is used or cancelled",
        "instruction: its nonce is still to come",
        "instruction: nonces are used up, use set_stakes and set_split",
        "instruction: names no change",
        "nonce: must be above the present one",
        "nonce: a step of at most 1_000",
        # the guardian
        "caller: only the guardian",
        "paused: withdraw() and set_stakes() work, see paused_at()",
        "pause: used, the owner has to unpause() first",
        "unpause: there was no pause()",
        # moving to another address
        "move: not offered to the caller",
        "move: wait for the end of the announced round",
        "move: to another address without stakes, risks or splits",
        "signature: expired",
    ]
    words: DynArray[bytes32, 3 * MAX_TEXTS] = []
    for text: String[MAX_TEXT] in texts:
        letters: Bytes[128] = concat(convert(text, Bytes[MAX_TEXT]), empty(bytes32), empty(bytes32))
        words.append(convert(len(text), bytes32))
        words.append(extract32(letters, 0))
        words.append(extract32(letters, 32))
    code: Bytes[13_000] = concat(STOP, abi_encode(words))
    size: bytes2 = convert(convert(len(code), uint16), bytes2)
    WORDS = raw_create(concat(PUSH_SIZE, size, RETURN_REST, code))


@internal
@view
def _refuse(refusal: uint256):
    raise self._text(refusal)


@internal
@view
def _check(refusal: uint256):
    if refusal != 0:
        self._refuse(refusal)


@internal
@view
def _text(refusal: uint256) -> String[MAX_TEXT]:
    # unchecked: refusals are numbers of one byte
    start: uint256 = unsafe_add(TEXTS, unsafe_mul(TEXT_BYTES, refusal))
    return abi_decode(slice(WORDS.code, start, TEXT_BYTES), String[MAX_TEXT], unwrap_tuple=False)
