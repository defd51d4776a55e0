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
@custom:security Every external written here holds the re-entrancy lock, views too; those exported
                 from snekmate call nobody. State is written before the token is called.
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
initializes: payouts[refusals := refusals, clock := clock, accounts := accounts, splits := splits]
# the formatter would end these lists with a comma, which neither it nor the compiler can read
# fmt: off
initializes: withdrawals[
    refusals := refusals,
    amounts := amounts,
    signing := signing,
    clock := clock,
    accounts := accounts,
    treasury := treasury
]
initializes: instructing[
    refusals := refusals,
    signing := signing,
    accounts := accounts,
    staking := staking,
    splits := splits
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
    self._deposit(msg.sender, amount)

    treasury._pull(msg.sender, amount // packing.NANO)


@external
def deposit_for(account: address, amount: uint256):
    """
    @notice Adds the caller's NMR to somebody else's pool; only that account can ever use it.
    @param account Whose pool; not the zero address, the escrow or the token.
    @param amount Base units, whole nano-NMR.
    """
    if account == empty(address) or account == self or account == treasury.TOKEN.address:
        refusals._refuse(refusals.ACCOUNT_REFUSED)
    self._deposit(account, amount)

    treasury._pull(msg.sender, amount // packing.NANO)


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
    self._deposit(msg.sender, amount)
    staking._set_given(msg.sender, models, stakes)

    treasury._pull(msg.sender, amount // packing.NANO)


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
    @notice The first step of the way out: every stake to the pool, and whatever was signed before
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

    rounds._announce(round, replaces, digest)


@external
def resolve(
    round: uint256,
    links: DynArray[Bytes[rounds.MAX_LINK_BYTES], rounds.MAX_LINKS],
    next_digest: bytes32,
):
    """
    @notice Applies links of the announced round, in order. Anyone, after the window: the digest is
            the authority. Links at the head that are applied already are passed over; if all are,
            nothing happens.
    @param round The announced round.
    @param links Consecutive links, each the raw words of its entries.
    @param next_digest The digest of what follows these links; zero ends the round.
    """
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
        # unchecked: at most 20 links of 128 words with four amounts of 54 bits
        earned = unsafe_add(earned, link_earned)
        burned = unsafe_add(burned, link_burned)
    treasury._settle_pass(earned, burned)


@external
def relay(instructions: Bytes[instructing.MAX_BYTES], signatures: Bytes[instructing.MAX_BYTES]):
    """
    @notice Applies signed instructions, each whole; one that is refused is skipped and reported
            with its reason. Anyone.
    @param instructions One after the other (`sluice.instructions` packs them).
    @param signatures For each two bytes of length, then the signature.
    """
    domain: bytes32 = eip712._domain_separator_v4()
    applied: uint256 = 0
    at: uint256 = 0
    signed_at: uint256 = 0
    for i: uint256 in range(instructing.MAX_INSTRUCTIONS):
        if at >= len(instructions):
            break
        # unchecked in this loop: places in what is given, and lengths of two bytes
        if unsafe_add(at, 32) > len(instructions):
            refusals._refuse(refusals.MALFORMED)
        head: uint256 = extract32(instructions, at, output_type=uint256)
        end: uint256 = instructing._end(at, head, len(instructions))
        signed_end: uint256 = unsafe_add(signed_at, signing.LENGTH_BYTES)
        if signed_end <= len(signatures):
            length: uint256 = convert(slice(signatures, signed_at, signing.LENGTH_BYTES), uint256)
            signed_end = unsafe_add(signed_end, length)
        signed_at = unsafe_add(signed_at, signing.LENGTH_BYTES)
        if signed_end > len(signatures):
            refusals._refuse(refusals.SIGNATURES_FEW)
        refusal: uint256 = refusals.SIGNER
        signature_length: uint256 = unsafe_sub(signed_end, signed_at)
        if signature_length <= signing.MAX_BYTES:
            refusal = instructing._apply(
                slice(instructions, at, unsafe_sub(end, at)),
                convert(slice(signatures, signed_at, signature_length), Bytes[signing.MAX_BYTES]),
                domain,
            )
        if refusal == 0:
            applied |= 1 << i
        else:
            instructing._skip(head, refusal)
        at = end
        signed_at = signed_end
    if at == 0 or at != len(instructions):
        refusals._refuse(refusals.MALFORMED)
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
    @param signatures For each request two bytes of length, then the signature.
    """
    roles._check_operator()

    period: uint256 = withdrawals._check_period()
    count: uint256 = unsafe_add(len(requests), len(due_accounts))
    if count == 0 or count > withdrawals.MAX_ITEMS:
        refusals._refuse(refusals.ITEM_COUNT)

    domain: bytes32 = eip712._domain_separator_v4()
    items: DynArray[uint256, withdrawals.MAX_ITEMS] = []
    first_open: uint256 = accounts._first_open()
    at: uint256 = 0
    for request: uint256 in requests:
        # unchecked in this loop: lengths of two bytes beside the length of what is given
        start: uint256 = unsafe_add(at, signing.LENGTH_BYTES)
        length: uint256 = 0
        if start <= len(signatures):
            length = convert(slice(signatures, at, signing.LENGTH_BYTES), uint256)
        at = unsafe_add(start, length)
        if at > len(signatures):
            refusals._refuse(refusals.SIGNATURES_FEW)
        outcome: uint256 = withdrawals.SIGNATURE
        if length <= signing.MAX_BYTES:
            outcome = withdrawals._pay_request(
                request,
                convert(slice(signatures, start, length), Bytes[signing.MAX_BYTES]),
                domain,
                period,
                first_open,
            )
        items.append(request & packing.ADDRESS_MASK | outcome << packing.ITEM_OUTCOME_SHIFT)
    if at != len(signatures):
        refusals._refuse(refusals.SIGNATURES_MANY)
    for account: address in due_accounts:
        outcome: uint256 = withdrawals._pay_due(account, period)
        items.append(convert(account, uint256) | outcome << packing.ITEM_OUTCOME_SHIFT)

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
def set_operator(operator: address):
    """
    @notice Appoints the key that announces rounds and pays free withdrawals. Owner.
    @param operator The new operator; not the zero address.
    """
    ownable._check_owner()

    roles._set_operator(operator)


@external
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
    return treasury._reserve * packing.NANO


@external
@view
def burned() -> uint256:
    """
    @notice What passes have burned and `burn` has not yet sent to the burner.
    @return Base units.
    """
    return treasury._burned * packing.NANO


@external
@view
def domain() -> bytes32:
    """
    @notice The EIP-712 domain separator; it follows the chain id.
    @return The separator that instructions and requests are signed for.
    """
    return eip712._domain_separator_v4()


@external
@view
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
def operator() -> address:
    """
    @notice Who runs passes and batches.
    @return The operator.
    """
    return roles._operator


@external
@view
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
def _deposit(account: address, amount: uint256):
    nano: uint256 = amounts._positive_nano(amount)
    word: uint256 = accounts._word(account)
    amounts._check_fits(unsafe_add(word & packing.AMOUNT_MASK, nano))
    accounts._store(account, unsafe_add(word, nano))

    log Deposited(account=account, sender=msg.sender, amount=amount)
