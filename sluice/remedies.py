"""What to do about each refusal of the contracts, at length.

A contract says what it refuses in at most 64 characters; whoever meets it on the command line gets
these sentences as well.
"""

import re
from collections.abc import Mapping

_ENTRY = re.compile(r"^entry \d+ of link \d+: ")

REMEDIES: Mapping[str, str] = {
    # who calls
    "caller: only the operator": (
        "Free withdrawals are paid by the operator; send it with the operator's account, or see "
        "operator() for who that is. Your own withdrawal needs nobody: `ape run account withdraw`."
    ),
    "caller: only the operator or the owner": (
        "Rounds are announced by the operator or the owner; send it with the account of one of "
        "them, see operator() and owner()."
    ),
    "caller: only the guardian": (
        "Rounds are vetoed and pauses begun by the guardian; send it with that account, see "
        "guardian()."
    ),
    "ownable: caller is not the owner": (
        "This is for the owner, see owner(); send it with that account."
    ),
    "ownable_2step: caller is not the new owner": (
        "Ownership is taken by whom it was offered to, see pending_owner(); send it with that "
        "account, or have the owner offer it again."
    ),
    # amounts
    "amount: must be above zero": "Give an amount above zero, in whole nano-NMR (nine decimals).",
    "amount: not a whole nano-NMR, use multiples of 10**9": (
        "The smallest amount is one nano-NMR, 10**9 base units: round it to nine decimals of NMR."
    ),
    "amount: does not fit 54 bits of nano-NMR": (
        "It is more NMR than there is: check that the amount is in base units once, not twice."
    ),
    "an amount does not fit 54 bits": (
        "Something would hold more NMR than there is: the payouts of this entry are wrong; correct "
        "them and announce what is left of the round again."
    ),
    "account: zero, the escrow or the token": (
        "NMR deposited for this address could never leave again: give the participant's own "
        "address."
    ),
    "token: transferFrom failed, nothing was taken": (
        "The NMR did not come: approve the escrow for at least this amount and have it in the "
        "wallet, then send it again. NMR's approve goes from zero or to zero only."
    ),
    "token: transfer failed, nothing was sent": (
        "The token refused to pay this address; nothing has changed. Try again; if it stays so, "
        "the address itself cannot receive NMR."
    ),
    "gas: too little left for the next item, send more": (
        "A transfer or a wallet might have failed for want of gas only, so nothing was done: send "
        "it with a higher gas limit, or fewer at a time."
    ),
    # stakes and splits
    "models: name at least one": "Name at least one model and what its stake is to be.",
    "models: numbered 0 to 64": "An account has the models 0 to 64: use one of those numbers.",
    "models: must be strictly ascending": ("Name each model once, in ascending order."),
    "stakes: give one for each model": "Give as many stakes as models, in the same order.",
    "stakes: the pool holds too little, deposit first": (
        "The stakes take more than pool and the named models hold: deposit the difference, or "
        "lower another stake in the same call."
    ),
    "split: give one share for each destination": "Give as many shares as destinations.",
    "split: at most 8 destinations": (
        "Join the smallest shares: a split has up to eight destinations."
    ),
    "split: destinations are models 0 to 64, POOL 254 or WALLET 255": (
        "Send earnings to a model 0 to 64 of the account, to 254 (its pool) or to 255 (its wallet)."
    ),
    "split: a destination is named twice": "Name each destination once and add its shares up.",
    "split: a share is 1 to 10_000 basis points": (
        "Give each destination 0.01% to 100%, and leave out those that are to get nothing."
    ),
    "split: shares must sum to 10_000 basis points": (
        "Change the shares until they are exactly 100% together (10,000 basis points)."
    ),
    # signed messages
    "signature: expired": "The deadline has passed: both addresses sign again with a later one.",
    "instruction: expired": "Its deadline has passed: sign it again with a later one.",
    "instruction: its nonce is used or cancelled": (
        "Its nonce is used: it was applied, another one was in its place, or it was cancelled. "
        "Sign what is still wanted again, with the account's present nonce."
    ),
    "instruction: its nonce is still to come": (
        "Instructions of an account go in order: relay the ones before it first, or sign it again "
        "with the account's present nonce."
    ),
    "instruction: nonces are used up, use set_stakes and set_split": (
        "This account has used all 67 million nonces: send changes directly from its own address."
    ),
    "instruction: names no change": "Put at least one stake or split into the instruction.",
    "signature: not the account's": (
        "Sign with the key of the account itself, for this contract on this chain; a contract "
        "wallet has to answer isValidSignature within 200,000 gas."
    ),
    "instructions: malformed, pack them as sluice.instructions does": (
        "The bytes end in the middle of an instruction: pack the batch with `ape run relay`."
    ),
    "signatures: give one for each message": (
        "Give one whole signature for each message: two words for a key's, two words and its bytes "
        "for a contract wallet's. `sluice.instructions` packs them."
    ),
    "signatures: more than messages": (
        "Bytes are left over behind the last signature: give one for each message, no more."
    ),
    "nonce: must be above the present one": (
        "Cancelling moves the nonce forward: give one above the account's present nonce."
    ),
    "nonce: a step of at most 1_000": (
        "Cancel in steps: at most 1,000 above the present nonce, and at most 67,108,863."
    ),
    # withdrawals
    "withdraw: nothing is withdrawable yet, see Lens.schedule()": (
        "Open rounds still lock the pool, or it is empty: see `ape run account schedule` for when "
        "it comes free, and move stake to the pool to start with."
    ),
    "withdraw: more than is withdrawable, see Lens.position()": (
        "Ask for less, or for all that is withdrawable: `ape run account show` says how much that "
        "is, `ape run account schedule` when more comes free."
    ),
    "cancel_withdrawal: this period's turn is used already": (
        "This period's free withdrawal is paid or given up already, so nothing signed for it can "
        "be paid any more: there is nothing to cancel until the next period."
    ),
    "pay: give 1 to 256 items": "Put 1 to 256 items into a batch, and send the others after it.",
    "pay: periods are at their end, use withdraw()": (
        "Free withdrawals have ended for this contract; everybody withdraws with an own "
        "transaction: `ape run account withdraw`."
    ),
    # rounds
    "announce: rounds are at their end, use withdraw()": (
        "This contract has run all its rounds: leave and withdraw, and use a new deployment."
    ),
    "announce: not before the pass time of the round": (
        "A round is announced from its weekly pass time on, never before: run it again then."
    ),
    "announce: zero digest, an empty round is one empty link": (
        "Zero means that nothing is announced: announce an empty round as one empty link."
    ),
    "announce: replaces is not the stored digest, see round_state()": (
        "Somebody announced or resolved meanwhile: read round_state() and name the digest that is "
        "stored now."
    ),
    "resolve: give at least one link": "Give the links to apply: an empty round has one.",
    "resolve: nothing is announced, see round_state()": (
        "Announce the round first and wait for the window to pass."
    ),
    "resolve: the challenge window is still open": (
        "Everybody has the challenge window to check an announcement: run it again when it has "
        "passed, `ape run route` says when."
    ),
    "resolve: the links do not lead to the announced digest": (
        "These links, in this order, do not lead to the announced digest: use the manifest that "
        "was announced, from the first link that is not applied."
    ),
    "round: not the next one, see round_state()": (
        "Rounds go in order: take the one after the last that is done, see round_state()."
    ),
    "link: not made of whole 32-byte words": (
        "A link is made of whole words: use the bytes of the manifest unchanged."
    ),
    "its page words go beyond the link": (
        "The entry says that more words follow than there are: make the links from the manifest."
    ),
    "account is already in this pass": (
        "An account is applied once in a round: take it out of what is left and announce that "
        "again."
    ),
    "its pages do not ascend from 1 to 16": (
        "The entry's stake pages are out of order: make the links from the manifest."
    ),
    "losses are above its bound": (
        "The entry burns more than the round may: correct the input and announce what is left "
        "again."
    ),
    "earnings are above its bound": (
        "The entry earns more than the round may: correct the input and announce what is left "
        "again."
    ),
    # pauses
    "paused: withdraw() and set_stakes() work, see paused_at()": (
        "The guardian has paused deposits, relays, passes and batches: run it again when the pause "
        "has ended, at the latest one round length after paused_at(). Your own withdrawal works."
    ),
    "pause: used, the owner has to unpause() first": (
        "One pause is all the guardian has: another needs the owner's unpause() in between, also "
        "after a pause that ended by itself."
    ),
    "unpause: there was no pause()": "Nothing is paused: there is nothing to end.",
    # moves to another address
    "move: not offered to the caller": (
        "The old address names who may take its account over: send offer_move() from it first, and "
        "accept_move() from exactly the address that it names."
    ),
    "move: wait for the end of the announced round": (
        "A round is announced, and no account may slip out of it: move when the round is done, "
        "round_state() then shows nothing announced."
    ),
    "move: to another address without stakes, risks or splits": (
        "Choose a fresh address, or set the new one's stakes and splits to nothing and wait until "
        "no open round risks anything of it."
    ),
    # treasury
    "reserve: too small for the earnings, fund() it first": (
        "Earnings come out of the reserve: fill it with `ape run fund`, then run it again; nothing "
        "is lost."
    ),
    "withdraw_reserve: more than the reserve holds": (
        "Ask for what the reserve holds at most, see reserve()."
    ),
    "withdraw_reserve: wait for the end of the announced round": (
        "A round is announced, and its earnings are to come out of the reserve: take NMR out when "
        "the round is done."
    ),
    "burn: nothing waits to be burned": (
        "Everything that was burned is destroyed already: there is nothing to do."
    ),
    # deployment
    "token: must not be the zero address": "Name the NMR token.",
    "burner: must not be the zero address": "Name the burner, or let the deployment make one.",
    "owner: must not be the zero address": "Name the owner, a multisig on a live network.",
    "operator: must not be the zero address": "Name the operator, who announces rounds and pays.",
    "guardian: must not be the zero address": "Name the guardian.",
    "escrow: no contract there": "Deploy the escrow first and give the lens its address.",
    "first_pass: rounds are numbered from 1": (
        "Give the round number of the first pass, 1 or above."
    ),
    "first_pass_time: must not be in the past": "Name the time of the next weekly pass.",
    "window: must be under half the round length": (
        "Choose a challenge window under half of the round length."
    ),
    "window: must be shorter than the grace": "Choose a challenge window shorter than the grace.",
    "cap_bps: a round has to risk something": "Choose a cap of 1 to 2,500 basis points.",
    "cap_bps: four open rounds may risk 100% at most": (
        "Four open rounds may risk 100% at most: choose a cap of up to 2,500 basis points."
    ),
}


def remedy(reason: str) -> str | None:
    """What to do about a refusal, given in the contract's words, also behind the entry that it is
    about; None for other words."""
    return REMEDIES.get(_ENTRY.sub("", reason.strip()))
