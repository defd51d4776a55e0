# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
# pragma nonreentrancy on
"""
@title Sluice escrow
@license AGPL-3.0-only
@author The Sluice developers
@notice Holds every participant's stakes for each model and a pool for each account, applies each
        week's payouts, and lets everybody out without the operator. An account as a whole backs its
        open rounds: moving stake between its models is instant, and what open rounds can no longer
        burn is free to leave.
@dev The externals, in the order of the story; the rules live in `modules/`, the words of them in
     `docs/accounting.md`. Amounts are token base units and must be whole nano-NMR; rounds carry the
     tournament's own numbers; times are unix seconds. The token is trusted to be NMR: see
     `docs/accounting.md` for what it does differently.
@custom:security Every external that touches an account or NMR holds the re-entrancy lock, views of
                 them too; the others call nobody. State is written before the token is called.
@custom:kill There is no kill switch: `withdraw`, `set_stakes` and `leave` work for ever and need
             nobody else.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.utils import eip712_domain_separator as eip712

from .modules import refusals
from .modules import packing
from .modules import amounts
from .modules import clock
from .modules import roles
from .modules import rounds
from .modules import accounts
from .modules import treasury
from .modules import stakes as staking
from .modules import splits
from .modules import signing
from .modules import payouts
from .modules import withdrawals
from .modules import instructions as instructing
from .modules import pausing
from .modules import moving

initializes: refusals
initializes: amounts[refusals := refusals]
initializes: signing[refusals := refusals]
initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: eip712
initializes: clock[refusals := refusals]
initializes: roles[refusals := refusals, ownable := ownable]
initializes: rounds[refusals := refusals, clock := clock]
initializes: accounts[clock := clock, rounds := rounds]
initializes: treasury[refusals := refusals]
initializes: staking[refusals := refusals, amounts := amounts, accounts := accounts]
initializes: splits[refusals := refusals, accounts := accounts]
initializes: payouts[refusals := refusals, clock := clock, accounts := accounts]
# the formatter would end these lists with a comma, which neither it nor the compiler can read
# fmt: off
initializes: withdrawals[
    refusals := refusals,
    amounts := amounts,
    clock := clock,
    accounts := accounts,
    treasury := treasury
]
initializes: instructing[refusals := refusals, accounts := accounts]
initializes: pausing[refusals := refusals, clock := clock]
initializes: moving[
    refusals := refusals,
    amounts := amounts,
    rounds := rounds,
    accounts := accounts
]
# fmt: on

# the owner changes hands in two steps; giving it up for good is not offered
exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)


# what a deployment fixed for ever
struct Parameters:
    token: address
    burner: address
    first_pass: uint256
    first_pass_time: uint256
    round_length: uint256
    window: uint256
    grace: uint256
    cap_bps: uint256
    deployed_at: uint256


event Deposited:
    account: indexed(address)
    sender: indexed(address)
    amount: uint256


@deploy
def __init__(
    token: address,
    burner: address,
    owner: address,
    operator: address,
    guardian: address,
    first_pass: uint256,
    first_pass_time: uint256,
    round_length: uint256,
    window: uint256,
    grace: uint256,
    cap_bps: uint256,
):
    """
    @notice Fixes the parameters for ever and appoints the three roles.
    @param token The NMR token.
    @param burner The adapter that destroys burned NMR.
    @param owner The multisig that appoints operator and guardian and may take the reserve out.
    @param operator The key that announces rounds and pays free withdrawals.
    @param guardian The key that may stop a round.
    @param first_pass The number of the first round that a pass resolves.
    @param first_pass_time When that round may be announced; not in the past.
    @param round_length Seconds from one pass time to the next.
    @param window Seconds between an announcement and the first resolve; under half a round, shorter
           than the grace.
    @param grace Seconds after its pass time at which a round's risk lapses by itself.
    @param cap_bps The most a round may burn of the stakes at its opening, in basis points; at most
           2,500.
    """
    refusals.__init__()
    ownable.__init__()
    ownable_2step.__init__()
    eip712.__init__("Sluice", "1")
    clock.__init__(first_pass, first_pass_time, round_length, window, grace, cap_bps)
    roles.__init__(owner, operator, guardian)
    treasury.__init__(token, burner)


####################################
############# ACCOUNTS #############
####################################


@external
def deposit(amount: uint256):
    """
    @notice Adds NMR to the caller's pool; the escrow must be approved for it.
    @param amount Base units, whole nano-NMR.
    """
    nano: uint256 = self._deposit(msg.sender, amount)

    treasury._pull(msg.sender, nano)


@external
def deposit_for(account: address, amount: uint256):
    """
    @notice Adds the caller's NMR to somebody else's pool; only that account can ever use it.
    @param account Whose pool; not the zero address, the escrow or the token.
    @param amount Base units, whole nano-NMR.
    """
    if account == empty(address) or account == self or account == treasury.TOKEN.address:
        refusals._refuse(refusals.ACCOUNT_REFUSED)
    nano: uint256 = self._deposit(account, amount)

    treasury._pull(msg.sender, nano)


@external
def deposit_and_stake(
    amount: uint256,
    models: DynArray[uint256, packing.MODELS],
    stakes: DynArray[uint256, packing.MODELS],
):
    """
    @notice `deposit` and `set_stakes` in one transaction: both or neither.
    @param amount Base units, whole nano-NMR.
    @param models Strictly ascending, 0 to 64.
    @param stakes What each of them is to hold then, in base units.
    """
    nano: uint256 = self._deposit(msg.sender, amount)
    staking._set_given(msg.sender, models, stakes)

    treasury._pull(msg.sender, nano)


@external
def set_stakes(
    models: DynArray[uint256, packing.MODELS], stakes: DynArray[uint256, packing.MODELS]
):
    """
    @notice Each listed model's stake becomes the given one, at once; the pool takes up the
            difference.
    @param models Strictly ascending, 0 to 64.
    @param stakes What each of them is to hold then, in base units.
    """
    staking._set_given(msg.sender, models, stakes)


@external
def set_split(
    model: uint256,
    destinations: DynArray[uint256, splits.MAX_GIVEN],
    shares: DynArray[uint256, splits.MAX_GIVEN],
):
    """
    @notice Says how a model's earnings are shared out from the next pass on.
    @param model 0 to 64.
    @param destinations Up to 8, each once: own models 0 to 64, 254 = the pool, 255 = the wallet.
                        None: everything back to the model.
    @param shares Basis points, one for each destination, at least 1, together exactly 10,000; what
                  rounding leaves over goes to the first.
    """
    splits._set_given(msg.sender, model, destinations, shares)


@external
def leave():
    """
    @notice The first step of the way out: every stake to the pool; any instruction or move signed
            is dead. Then `withdraw` as it frees.
    """
    staking._leave(msg.sender)


@external
def cancel_instructions(nonce: uint256):
    """
    @notice Moves the caller's nonce on, so that instructions signed with a lower one are dead.
    @param nonce What the next instruction has to carry; at most 1,000 above the present one.
    """
    instructing._cancel(msg.sender, nonce)


@external
def cancel_withdrawal():
    """
    @notice Gives up this period's free withdrawal, so that a request signed for it is dead.
    """
    withdrawals._cancel(msg.sender)


@external
def offer_move(to: address):
    """
    @notice Offers the caller's account, with all that is in it, to another address of the same
            owner. Changes nothing until that address accepts; a later offer replaces it.
    @param to Who may accept; the zero address takes the offer back.
    """
    moving._offer(msg.sender, to)


@external
def accept_move(account: address):
    """
    @notice Takes over an account that was offered to the caller, whose own pool stays beside it;
            only while nothing is announced. What the caller has backs the account's open rounds
            from then on.
    @param account Who offered. Keeps its period, and its nonce, raised: instructions that it signed
           are dead.
    """
    moving._accept(account, msg.sender)


@external
def relay_move(
    account: address,
    to: address,
    deadline: uint256,
    signature: Bytes[signing.MAX_BYTES],
    to_signature: Bytes[signing.MAX_BYTES],
):
    """
    @notice `offer_move` and `accept_move` in one, without gas for either: both have signed the
            same `Move` message. Anyone.
    @param account Who moves; its present nonce is in the message.
    @param to Where to.
    @param deadline Unix seconds, as in the message.
    @param signature The account's: 64 bytes of a key (EIP-2098), or what its wallet checks.
    @param to_signature The other address's, likewise.
    """
    pausing._check_running()
    if block.timestamp > deadline:
        refusals._refuse(refusals.MOVE_EXPIRED)
    nonce: uint256 = accounts._nonce(convert(account, uint256))
    if nonce == packing.MAX_NONCE:
        refusals._refuse(refusals.NONCES_ENDED)
    struct_hash: bytes32 = keccak256(abi_encode(moving.MOVE_TYPE, account, to, nonce, deadline))
    hash: bytes32 = signing._hash(eip712._domain_separator_v4(), struct_hash)
    signing._check(convert(account, uint256), hash, signature)
    signing._check(convert(to, uint256), hash, to_signature)

    moving._move(account, to)


@external
def withdraw(amount: uint256) -> uint256:
    """
    @notice Pays out of the caller's pool at once, any number of times; the free withdrawal of the
            period stays.
    @param amount Base units, whole nano-NMR; the maximum value means all that is withdrawable.
    @return What was paid, in base units.
    """
    return withdrawals._withdraw(msg.sender, amount)


####################################
############## ROUNDS ##############
####################################


@external
@reentrant
def announce(round: uint256, replaces: bytes32, digest: bytes32):
    """
    @notice Announces the next round by the digest of its links, or announces again what is left of
            it; the challenge window starts (again). Operator or owner.
    @param round The round after the last one that is done; not before its pass time.
    @param replaces The digest that is stored now, zero if none: nobody replaces what he has not
           seen.
    @param digest The head of the chain of links, never zero.
    """
    roles._check_operator_or_owner()
    pausing._check_running()

    rounds._announce(round, replaces, digest)


@external
@reentrant
def veto(round: uint256):
    """
    @notice Strikes what is left of an announced round; it can be announced again. Works while
            paused. Guardian.
    @param round The announced round.
    """
    roles._check_guardian()

    rounds._veto(round)


@external
@reentrant
def pause():
    """
    @notice Stops deposits, relays, passes and batches for one round length; `withdraw`,
            `set_stakes` and every clock go on. Another needs the owner's `unpause` first. Guardian.
    """
    roles._check_guardian()

    pausing._pause()


@external
@reentrant
def unpause():
    """
    @notice Ends a pause, and lets the guardian have another. Owner.
    """
    ownable._check_owner()

    pausing._unpause()


@external
def resolve(
    round: uint256,
    links: DynArray[Bytes[rounds.MAX_LINK_BYTES], rounds.MAX_LINKS],
    next_digest: bytes32,
):
    """
    @notice Applies links of the announced round, in order. Anyone, after the window: the digest is
            the authority. Links at the head that are applied already are passed over unread; if all
            are, nothing happens.
    @param round The announced round.
    @param links Consecutive links, each the raw words of its entries.
    @param next_digest The digest of what follows these links; zero ends the round.
    """
    pausing._check_running()
    if len(links) == 0:
        refusals._refuse(refusals.NO_LINKS)
    round_word: uint256 = rounds._check_resolvable(round)
    # the caller has no say in what is applied: the hashes have to lead to the announced digest
    link_hashes: DynArray[bytes32, rounds.MAX_LINKS] = []
    for i: uint256 in range(len(links), bound=rounds.MAX_LINKS):
        link_hashes.append(keccak256(links[i]))
    passed_over: uint256 = rounds._advance(round, link_hashes, next_digest)

    weekly: payouts.WeeklyPass = payouts._weekly_pass(round_word)
    earned: uint256 = 0
    burned: uint256 = 0
    for i: uint256 in range(passed_over, len(links), bound=rounds.MAX_LINKS):
        link_earned: uint256 = 0
        link_burned: uint256 = 0
        link_earned, link_burned = payouts._apply(links[i], i, round, weekly)
        # unchecked: at most 16 links of 96 words with four amounts of 54 bits
        earned = unsafe_add(earned, link_earned)
        burned = unsafe_add(burned, link_burned)
    treasury._settle_pass(earned, burned)


@external
def relay(instructions: Bytes[instructing.MAX_BYTES], signatures: Bytes[instructing.MAX_BYTES]):
    """
    @notice Applies signed instructions, each whole; one that is refused is skipped and reported
            with its reason. Anyone.
    @param instructions One after the other (`sluice.instructions` packs them).
    @param signatures For each two words, and what follows them (see `signing`).
    """
    pausing._check_running()
    domain: bytes32 = eip712._domain_separator_v4()
    applied: uint256 = 0
    at: uint256 = 0
    signed_at: uint256 = 0
    # all is read in place: an internal call would copy whatever of it is handed on. Unchecked in
    # this loop: places in what is given, counts of one byte
    for i: uint256 in range(instructing.MAX_INSTRUCTIONS):
        stakes_at: uint256 = unsafe_add(at, 32)
        if stakes_at > len(instructions):
            refusals._refuse(refusals.MALFORMED)
        head: uint256 = extract32(instructions, at, output_type=uint256)
        # what is spare is zero: a message has one encoding
        if head >> packing.INSTRUCTION_BITS != 0:
            refusals._refuse(refusals.MALFORMED)
        stakes: DynArray[uint256, packing.MODELS] = []
        given_splits: DynArray[uint256, packing.MODELS] = []
        models_hash: bytes32 = empty(bytes32)
        units_hash: bytes32 = empty(bytes32)
        splits_hash: bytes32 = instructing.NOTHING_HASH
        change_refusal: uint256 = 0
        counts: uint256 = (head >> packing.STAKE_COUNT_SHIFT) & packing.COUNTS_MASK
        if counts == instructing.TWO_STAKES:
            # what is usual: the last 32 bytes hold both stakes, and no array has to be built to be
            # hashed
            at = unsafe_add(stakes_at, 2 * packing.STAKE_BYTES)
            if at > len(instructions):
                refusals._refuse(refusals.MALFORMED)
            both: uint256 = extract32(instructions, unsafe_sub(at, 32), output_type=uint256)
            first: uint256 = (both >> packing.STAKE_BITS) & packing.STAKE_MASK
            second: uint256 = both & packing.STAKE_MASK
            stakes = [first, second]
            models_hash = keccak256(
                abi_encode(first >> packing.AMOUNT_BITS, second >> packing.AMOUNT_BITS)
            )
            units_hash = keccak256(
                abi_encode(
                    unsafe_mul(first & packing.AMOUNT_MASK, packing.NANO),
                    unsafe_mul(second & packing.AMOUNT_MASK, packing.NANO),
                )
            )
        else:
            stake_count: uint256 = counts & packing.COUNT_MASK
            split_count: uint256 = counts >> packing.COUNT_BITS
            at = unsafe_add(
                stakes_at,
                unsafe_add(
                    unsafe_mul(stake_count, packing.STAKE_BYTES),
                    unsafe_mul(split_count, packing.SPLIT_BYTES),
                ),
            )
            if (
                stake_count > packing.MODELS
                or split_count > packing.MODELS
                or at > len(instructions)
            ):
                refusals._refuse(refusals.MALFORMED)
            if counts == 0:
                change_refusal = refusals.NO_CHANGE
            models: DynArray[uint256, packing.MODELS] = []
            units: DynArray[uint256, packing.MODELS] = []
            hashes: DynArray[uint256, packing.MODELS] = []
            above: uint256 = 0
            # each stake and split ends where the next begins, and is read as the lowest of the 32
            # bytes before that
            field_at: uint256 = unsafe_sub(stakes_at, 32)
            for j: uint256 in range(unsafe_add(stake_count, split_count), bound=2 * packing.MODELS):
                field_at = unsafe_add(
                    field_at, packing.STAKE_BYTES if j < stake_count else packing.SPLIT_BYTES
                )
                field: uint256 = extract32(instructions, field_at, output_type=uint256)
                if j < stake_count:
                    stake: uint256 = field & packing.STAKE_MASK
                    stakes.append(stake)
                    models.append(stake >> packing.AMOUNT_BITS)
                    units.append(unsafe_mul(stake & packing.AMOUNT_MASK, packing.NANO))
                    continue
                split: uint256 = field & packing.SPLIT_MASK
                given_splits.append(split)
                hashes.append(instructing._hash_split(split))
                model: uint256 = split >> packing.PARTS_BITS
                if change_refusal == 0:
                    change_refusal = splits._check(
                        model, split << packing.ABOVE_PARTS >> packing.ABOVE_PARTS
                    )
                if change_refusal == 0 and model < above:
                    change_refusal = refusals.MODELS_NOT_ASCENDING
                above = unsafe_add(model, 1)
            models_hash = instructing._hash_words(models)
            units_hash = instructing._hash_words(units)
            splits_hash = instructing._hash_words(hashes)

        signature_at: uint256 = unsafe_add(signed_at, signing.TWO_WORDS)
        if signature_at > len(signatures):
            refusals._refuse(refusals.SIGNATURES_FEW)
        r: uint256 = extract32(signatures, signed_at, output_type=uint256)
        vs: uint256 = extract32(signatures, unsafe_sub(signature_at, 32), output_type=uint256)
        signed_at = signature_at
        if r == 0:
            # not added before it is known to be in: a length may be any number
            if vs > unsafe_sub(len(signatures), signature_at):
                refusals._refuse(refusals.SIGNATURES_FEW)
            signed_at = unsafe_add(signature_at, vs)

        account: uint256 = head << packing.ABOVE_ADDRESS >> packing.ABOVE_ADDRESS
        deadline: uint256 = head >> packing.INSTRUCTION_DEADLINE_SHIFT
        # unchecked: all ones stand for the maximum value (see packing)
        deadline = unsafe_sub(unsafe_add(deadline, 1) & packing.DEADLINE_MASK, 1)
        nonce: uint256 = (head >> packing.INSTRUCTION_NONCE_SHIFT) & packing.MAX_NONCE
        place: uint256 = packing.SPLIT_PLACE << packing.PLACE_SHIFT | account
        split_word: uint256 = accounts._words[place]
        refusal: uint256 = 0
        if block.timestamp > deadline:
            refusal = refusals.EXPIRED
        elif nonce != split_word >> packing.NONCE_SHIFT:
            refusal = refusals.NONCE_TO_COME
            if nonce < split_word >> packing.NONCE_SHIFT:
                refusal = refusals.NONCE_USED
        elif nonce == packing.MAX_NONCE:
            refusal = refusals.NONCES_ENDED
        else:
            struct_hash: bytes32 = keccak256(
                abi_encode(
                    instructing.INSTRUCTION_TYPE,
                    account,
                    models_hash,
                    units_hash,
                    splits_hash,
                    nonce,
                    deadline,
                )
            )
            hash: bytes32 = signing._hash(domain, struct_hash)
            is_signed: bool = False
            if r != 0:
                is_signed = signing._is_key(account, hash, r, vs)
            elif vs <= signing.MAX_BYTES:
                is_signed = signing._is_wallet(
                    account,
                    hash,
                    convert(slice(signatures, signature_at, vs), Bytes[signing.MAX_BYTES]),
                )
            if not is_signed:
                refusal = refusals.SIGNER
            elif change_refusal != 0:
                refusal = change_refusal
            else:
                # the nonce first, since what follows may change what is due beside it
                accounts._words[place] = unsafe_add(split_word, packing.NONCE_ONE)
                if len(stakes) != 0:
                    refusal = staking._set(account, stakes)
                if refusal != 0:
                    accounts._words[place] = split_word
                elif len(given_splits) != 0:
                    for split: uint256 in given_splits:
                        splits._set(
                            account,
                            split >> packing.PARTS_BITS,
                            split << packing.ABOVE_PARTS >> packing.ABOVE_PARTS,
                        )
        if refusal == 0:
            applied |= 1 << i
        else:
            instructing._skip(head, refusal)
        # at the latest after as many as there may be, since none is shorter than its head
        if at == len(instructions):
            break
    if signed_at != len(signatures):
        refusals._refuse(refusals.SIGNATURES_MANY)

    log instructing.InstructionsRelayed(
        instructions=instructions, applied=applied, time=block.timestamp
    )


@external
def pay(
    requests: DynArray[uint256, withdrawals.MAX_ITEMS],
    due_accounts: DynArray[address, withdrawals.MAX_ITEMS],
    signatures: Bytes[signing.MAX_BATCH_BYTES],
):
    """
    @notice Pays a batch of free withdrawals, each to its account's own address. What cannot be paid
            is skipped and reported, and keeps its NMR and its turn. Operator.
    @param requests Signed `Withdrawal` messages, one word each (`sluice.instructions` packs them).
    @param due_accounts Accounts whose due amount is to be paid.
    @param signatures For each request two words, and what follows them (see `signing`).
    """
    roles._check_operator()
    pausing._check_running()

    period: uint256 = withdrawals._check_period()
    count: uint256 = unsafe_add(len(requests), len(due_accounts))
    # unchecked: below one it becomes far more than there may be
    if unsafe_sub(count, 1) >= withdrawals.MAX_ITEMS:
        refusals._refuse(refusals.ITEM_COUNT)

    domain: bytes32 = eip712._domain_separator_v4()
    items: DynArray[uint256, withdrawals.MAX_ITEMS] = []
    at: uint256 = 0
    # all in one loop, requests first: a call for each would take longer than what it does.
    # Unchecked in it: places in what is given, amounts of 54 bits
    account: uint256 = 0
    word: uint256 = 0
    last_period: uint256 = 0
    due_place: uint256 = 0
    nano: uint256 = 0
    left: uint256 = 0
    for i: uint256 in range(count, bound=withdrawals.MAX_ITEMS):
        due_word: uint256 = 0
        outcome: uint256 = 0
        if i < len(requests):
            start: uint256 = unsafe_add(at, signing.TWO_WORDS)
            if start > len(signatures):
                refusals._refuse(refusals.SIGNATURES_FEW)
            r: uint256 = extract32(signatures, at, output_type=uint256)
            vs: uint256 = extract32(signatures, unsafe_sub(start, 32), output_type=uint256)
            at = start
            if r == 0:
                # not added before it is known to be in: a length may be any number
                if vs > unsafe_sub(len(signatures), start):
                    refusals._refuse(refusals.SIGNATURES_FEW)
                at = unsafe_add(start, vs)

            request: uint256 = requests[i]
            account = request << packing.ABOVE_ADDRESS >> packing.ABOVE_ADDRESS
            word = accounts._words[account]
            last_period = (word >> packing.PERIOD_SHIFT) & packing.PERIOD_MASK
            request_period: uint256 = (
                (request >> packing.REQUEST_PERIOD_SHIFT) & packing.PERIOD_MASK
            )
            # unchecked: all ones stand for the maximum value (see packing)
            deadline: uint256 = request >> packing.REQUEST_DEADLINE_SHIFT
            deadline = unsafe_sub(unsafe_add(deadline, 1) & packing.DEADLINE_MASK, 1)
            if last_period >= request_period:
                outcome = withdrawals.TURN_USED
            elif request_period > period:
                outcome = withdrawals.PERIOD_TO_COME
            elif block.timestamp > deadline:
                outcome = withdrawals.EXPIRED
            else:
                # only now, when the time is right: a wallet may use all the gas that its check is
                # given
                nano = (request >> packing.REQUEST_AMOUNT_SHIFT) & packing.AMOUNT_MASK
                # all ones of 54 stand for the maximum value
                amount: uint256 = unsafe_mul(nano, packing.NANO) | unsafe_sub(
                    0, unsafe_add(nano, 1) >> packing.AMOUNT_BITS
                )
                struct_hash: bytes32 = keccak256(
                    abi_encode(
                        withdrawals.WITHDRAWAL_TYPE, account, amount, request_period, deadline
                    )
                )
                hash: bytes32 = signing._hash(domain, struct_hash)
                is_signed: bool = False
                if r != 0:
                    is_signed = signing._is_key(account, hash, r, vs)
                elif vs <= signing.MAX_BYTES:
                    is_signed = signing._is_wallet(
                        account,
                        hash,
                        convert(slice(signatures, start, vs), Bytes[signing.MAX_BYTES]),
                    )
                if not is_signed:
                    outcome = withdrawals.SIGNATURE
                else:
                    if word >> packing.DUE_FLAG_SHIFT != 0:
                        due_place = packing.DUE_PLACE | account
                        due_word = accounts._words[due_place]
                    # the exact bound takes far more gas, and is not needed for what is covered by
                    # the account word alone: all four risks, open or not and in full, are never
                    # less than what is at risk, and the pool with model 0's stake never more than
                    # the equity. "All" is above any pool, or is all of it
                    pool: uint256 = word & packing.AMOUNT_MASK
                    stake: uint256 = (word >> packing.STAKE_SHIFT) & packing.AMOUNT_MASK
                    risks: uint256 = word >> packing.RISKS_SHIFT
                    risks = (
                        unsafe_add(
                            risks & packing.EVEN_RISKS,
                            (risks >> packing.RISK_BITS) & packing.EVEN_RISKS,
                        )
                        % packing.RISK_HALVES
                    )
                    if nano > pool or unsafe_add(
                        nano, risks << packing.RISK_UNIT_BITS
                    ) > unsafe_add(pool, stake):
                        due: uint256 = (due_word >> packing.DUE_SHIFT) & packing.AMOUNT_MASK
                        withdrawable: uint256 = accounts._withdrawable(
                            account, word, due, accounts._first_open()
                        )
                        if nano == packing.AMOUNT_MASK:
                            nano = withdrawable
                        if nano > withdrawable:
                            outcome = withdrawals.ABOVE_WITHDRAWABLE
                    if nano == 0:
                        outcome = withdrawals.NOTHING_WITHDRAWABLE
                    if outcome == 0:
                        # unchecked: at most the pool, the lowest field
                        left = unsafe_sub(word, nano)
                        if due_word != 0:
                            left = accounts._take_out(account, word, due_word, nano)
        else:
            account = convert(due_accounts[unsafe_sub(i, len(requests))], uint256)
            word = accounts._words[account]
            last_period = (word >> packing.PERIOD_SHIFT) & packing.PERIOD_MASK
            if last_period >= period:
                outcome = withdrawals.TURN_USED
            else:
                due_place = packing.DUE_PLACE | account
                due_word = accounts._words[due_place]
                nano = (due_word >> packing.DUE_SHIFT) & packing.AMOUNT_MASK
                if nano == 0:
                    outcome = withdrawals.NOTHING_DUE
                else:
                    # unchecked: what is due has its flag, and is part of the pool, the lowest field
                    accounts._words[due_place] = unsafe_sub(due_word, nano << packing.DUE_SHIFT)
                    left = unsafe_sub(word << packing.DUE_FLAG_BITS >> packing.DUE_FLAG_BITS, nano)
        if outcome == 0:
            accounts._words[account] = left ^ (last_period ^ period) << packing.PERIOD_SHIFT
            # what has left the stored words is sent; if the token refuses, they are again as they
            # were. With too little gas a caller could make anybody's transfer fail
            if msg.gas < treasury.TRANSFER_GAS * 64 // 63 + refusals.SPARE_GAS:
                refusals._refuse(refusals.TOO_LITTLE_GAS)
            success: bool = False
            answer: Bytes[32] = b""
            success, answer = raw_call(
                treasury.TOKEN.address,
                abi_encode(
                    account,
                    unsafe_mul(nano, packing.NANO),
                    method_id=method_id("transfer(address,uint256)"),
                ),
                max_outsize=32,
                gas=treasury.TRANSFER_GAS,
                revert_on_failure=False,
            )
            outcome = nano
            # a shorter answer is filled up with zeros at its end, so that it cannot be taken for
            # true
            if not success or convert(answer, bytes32) != treasury.SAID_TRUE:
                outcome = withdrawals.TRANSFER_FAILED
                accounts._words[account] = word
                if due_word != 0:
                    accounts._words[due_place] = due_word
        items.append(account | outcome << packing.ITEM_OUTCOME_SHIFT)
    if at != len(signatures):
        refusals._refuse(refusals.SIGNATURES_MANY)

    log withdrawals.FreeWithdrawals(period=period, items=items, time=block.timestamp)


####################################
############# TREASURY #############
####################################


@external
def fund(amount: uint256):
    """
    @notice Adds the caller's NMR to the reserve that pays earnings.
    @param amount Base units, whole nano-NMR.
    """
    treasury._fund(msg.sender, amounts._positive_nano(amount))


@external
def withdraw_reserve(amount: uint256):
    """
    @notice Takes NMR out of the reserve, to the owner; never from an announcement to the end of its
            round. Owner.
    @param amount Base units, whole nano-NMR.
    """
    ownable._check_owner()
    nano: uint256 = amounts._positive_nano(amount)
    if rounds._announced_at != 0:
        refusals._refuse(refusals.RESERVE_BUSY)

    treasury._withdraw_reserve(msg.sender, nano)


@external
def burn():
    """
    @notice Sends what passes have burned to the burner, which destroys it. Anyone.
    """
    treasury._burn()


####################################
############## OWNER ###############
####################################


@external
@reentrant
def set_operator(operator: address):
    """
    @notice Appoints the key that announces rounds and pays free withdrawals. Owner.
    @param operator The new operator; not the zero address.
    """
    ownable._check_owner()

    roles._set_operator(operator)


@external
@reentrant
def set_guardian(guardian: address):
    """
    @notice Appoints the key that may stop a round. Owner.
    @param guardian The new guardian; not the zero address.
    """
    ownable._check_owner()

    roles._set_guardian(guardian)


####################################
############## VIEWS ###############
####################################


@external
@view
def word(key: uint256) -> uint256:
    """
    @notice A stored word as it is, for whoever reads them apart: the lens, an audit.
    @param key place << 160 | account; `contracts/modules/packing.vy` draws the words and places.
    @return The word, zero if nothing was ever written there.
    """
    return accounts._words[key]


@external
@view
@reentrant
def round_state() -> (uint256, bytes32, uint256):
    """
    @notice Where the weekly pass stands.
    @return The last round that is done; the digest of what is announced and left to apply, zero if
            nothing is; when it was announced, 0 if nothing is.
    """
    return clock._to_round(rounds._resolved), rounds._digest, rounds._announced_at


@external
@view
def reserve() -> uint256:
    """
    @notice What is set aside to pay earnings.
    @return Base units.
    """
    return unsafe_mul(treasury._reserve, packing.NANO)


@external
@view
def burned() -> uint256:
    """
    @notice What passes have burned and `burn` has not yet sent to the burner.
    @return Base units.
    """
    return unsafe_mul(treasury._burned, packing.NANO)


@external
@view
@reentrant
def domain() -> bytes32:
    """
    @notice The EIP-712 domain separator; it follows the chain id.
    @return The separator that instructions and requests are signed for.
    """
    return eip712._domain_separator_v4()


@external
@view
@reentrant
def parameters() -> Parameters:
    """
    @notice What the deployment fixed for ever.
    @return The constructor's parameters, and when it ran (periods count from there).
    """
    return Parameters(
        token=treasury.TOKEN.address,
        burner=treasury.BURNER.address,
        first_pass=clock.FIRST_PASS,
        first_pass_time=clock.FIRST_PASS_TIME,
        round_length=clock.ROUND_LENGTH,
        window=clock.WINDOW,
        grace=clock.GRACE,
        cap_bps=clock.CAP_BPS,
        deployed_at=clock.DEPLOYED_AT,
    )


@external
@view
@reentrant
def operator() -> address:
    """
    @notice Who runs passes and batches.
    @return The operator.
    """
    return roles._operator


@external
@view
@reentrant
def paused_at() -> uint256:
    """
    @notice When the guardian paused; it lasts one round length.
    @return Unix seconds, 0 if not since the last `unpause`.
    """
    return pausing._paused_at


@external
@view
@reentrant
def guardian() -> address:
    """
    @notice Who may stop a round.
    @return The guardian.
    """
    return roles._guardian


####################################
############# INTERNAL #############
####################################


@internal
def _deposit(account: address, amount: uint256) -> uint256:
    """
    @dev Returns the amount in nano-NMR, which is still to be pulled.
    """
    pausing._check_running()
    nano: uint256 = amounts._positive_nano(amount)
    key: uint256 = convert(account, uint256)
    word: uint256 = accounts._words[key]
    amounts._check_fits(unsafe_add(word & packing.AMOUNT_MASK, nano))
    accounts._words[key] = unsafe_add(word, nano)

    log Deposited(account=account, sender=msg.sender, amount=amount)
    return nano
