# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Instructions: stakes and splits by signature
@notice One signature sets any number of an account's stakes and splits, without gas and through
        anybody's hands. Each instruction is applied whole or skipped with its reason.
"""

from snekmate.utils import message_hash_utils

from . import refusals
from . import packing
from . import accounts
from . import stakes as staking
from . import splits
from . import signing

uses: refusals
uses: signing
uses: accounts
uses: staking
uses: splits

# all instructions of a call, and all their signatures
MAX_BYTES: constant(uint256) = 8_192
MAX_INSTRUCTIONS: constant(uint256) = 256
# the compiler folds no joined literals into a constant
INSTRUCTION_TYPE: constant(bytes32) = keccak256(
    "Instruction(address account,uint256[] models,uint256[] stakes,Split[] splits,uint256 nonce,uint256 deadline)Split(uint256 model,uint256[] destinations,uint256[] shares)"
)
NOTHING_HASH: constant(bytes32) = keccak256("")
SPLIT_TYPE: constant(bytes32) = keccak256(
    "Split(uint256 model,uint256[] destinations,uint256[] shares)"
)


# the instructions as they were relayed; bit i of applied: the one at index i was applied
event InstructionsRelayed:
    instructions: Bytes[MAX_BYTES]
    applied: uint256
    time: uint256


event InstructionSkipped:
    account: indexed(address)
    nonce: uint256
    reason: String[refusals.MAX_TEXT]


event InstructionsCancelled:
    account: indexed(address)
    nonce: uint256


@internal
@view
def _end(at: uint256, head: uint256, given: uint256) -> uint256:
    """
    @dev Where the instruction that starts at `at` with this head ends; not beyond what is given.
    """
    stakes: uint256 = (head >> packing.STAKE_COUNT_SHIFT) & packing.COUNT_MASK
    given_splits: uint256 = (head >> packing.SPLIT_COUNT_SHIFT) & packing.COUNT_MASK
    # unchecked: counts of eight bits, and `at` is not beyond what is given
    changes: uint256 = unsafe_add(
        unsafe_mul(stakes, packing.STAKE_BYTES), unsafe_mul(given_splits, packing.SPLIT_BYTES)
    )
    end: uint256 = unsafe_add(unsafe_add(at, 32), changes)
    # what is spare is zero: a message has one encoding
    if (
        stakes > packing.MODELS
        or given_splits > packing.MODELS
        or end > given
        or head >> packing.INSTRUCTION_BITS != 0
    ):
        refusals._refuse(refusals.MALFORMED)
    return end


@internal
def _apply(
    instruction: Bytes[MAX_BYTES], signature: Bytes[signing.MAX_BYTES], domain: bytes32
) -> uint256:
    """
    @dev One whole instruction. Returns why it is refused, 0 if it is not; a refusal leaves
         everything as it was.
    """
    head: uint256 = extract32(instruction, 0, output_type=uint256)
    account: address = convert(head & packing.ADDRESS_MASK, address)
    nonce: uint256 = packing._instruction_nonce(head)
    deadline: uint256 = packing._deadline(head >> packing.INSTRUCTION_DEADLINE_SHIFT)
    if block.timestamp > deadline:
        return refusals.EXPIRED
    place: uint256 = packing._place(account, packing.SPLIT_PLACE)
    split_word: uint256 = accounts._words[place]
    next_nonce: uint256 = split_word >> packing.NONCE_SHIFT
    if nonce < next_nonce:
        return refusals.NONCE_USED
    if nonce > next_nonce:
        return refusals.NONCE_TO_COME
    if nonce == packing.MAX_NONCE:
        return refusals.NONCES_ENDED
    # each field ends where the next begins, and is read as the lowest of the 32 bytes before that
    at: uint256 = 0
    models: DynArray[uint256, packing.MODELS] = []
    units: DynArray[uint256, packing.MODELS] = []
    stakes: DynArray[uint256, packing.MODELS] = []
    for _: uint256 in range(
        (head >> packing.STAKE_COUNT_SHIFT) & packing.COUNT_MASK, bound=packing.MODELS
    ):
        at = unsafe_add(at, packing.STAKE_BYTES)
        stake: uint256 = extract32(instruction, at, output_type=uint256) & packing.STAKE_MASK
        stakes.append(stake)
        models.append(stake >> packing.AMOUNT_BITS)
        units.append(unsafe_mul(stake & packing.AMOUNT_MASK, packing.NANO))
    given: DynArray[uint256, packing.MODELS] = []
    hashes: DynArray[uint256, packing.MODELS] = []
    refusal: uint256 = 0
    above: uint256 = 0
    for _: uint256 in range(
        (head >> packing.SPLIT_COUNT_SHIFT) & packing.COUNT_MASK, bound=packing.MODELS
    ):
        at = unsafe_add(at, packing.SPLIT_BYTES)
        split: uint256 = extract32(instruction, at, output_type=uint256) & packing.SPLIT_MASK
        given.append(split)
        hashes.append(self._hash_split(split))
        model: uint256 = split >> packing.PARTS_BITS
        if refusal == 0:
            refusal = splits._check(model, split & packing.PARTS_MASK)
        if refusal == 0 and model < above:
            refusal = refusals.MODELS_NOT_ASCENDING
        above = unsafe_add(model, 1)

    models_hash: bytes32 = self._hash_words(models)
    units_hash: bytes32 = self._hash_words(units)
    splits_hash: bytes32 = self._hash_words(hashes)
    struct_hash: bytes32 = keccak256(
        abi_encode(INSTRUCTION_TYPE, account, models_hash, units_hash, splits_hash, nonce, deadline)
    )
    hash: bytes32 = message_hash_utils._to_typed_data_hash(domain, struct_hash)
    if not signing._is_signed(account, hash, signature):
        return refusals.SIGNER
    if at == 0:
        return refusals.NO_CHANGE
    if refusal != 0:
        return refusal
    # the nonce first, since what follows may change what is due beside it
    accounts._words[place] = unsafe_add(split_word, packing.NONCE_ONE)
    if len(stakes) != 0:
        refusal = staking._set(account, stakes)
        if refusal != 0:
            accounts._words[place] = split_word
            return refusal
    for split: uint256 in given:
        splits._set(account, split >> packing.PARTS_BITS, split & packing.PARTS_MASK)
    return 0


@internal
def _skip(head: uint256, refusal: uint256):
    log InstructionSkipped(
        account=convert(head & packing.ADDRESS_MASK, address),
        nonce=packing._instruction_nonce(head),
        reason=refusals._text(refusal),
    )


@internal
@pure
def _hash_split(split: uint256) -> uint256:
    """
    @dev EIP-712's hash of one split.
    """
    destinations: DynArray[uint256, packing.MODELS] = []
    shares: DynArray[uint256, packing.MODELS] = []
    left: uint256 = split & packing.PARTS_MASK
    for _: uint256 in range(packing.DESTINATIONS):
        if left == 0:
            break
        destinations.append(left & packing.DESTINATION_MASK)
        shares.append((left >> packing.SHARE_SHIFT) & packing.SHARE_MASK)
        left >>= packing.PART_BITS
    destinations_hash: bytes32 = self._hash_words(destinations)
    shares_hash: bytes32 = self._hash_words(shares)
    return convert(
        keccak256(
            abi_encode(SPLIT_TYPE, split >> packing.PARTS_BITS, destinations_hash, shares_hash)
        ),
        uint256,
    )


@internal
@pure
def _hash_words(words: DynArray[uint256, packing.MODELS]) -> bytes32:
    """
    @dev EIP-712's hash of an array: of its words, one after the other.
    """
    if len(words) == 0:
        return NOTHING_HASH
    length: uint256 = unsafe_mul(len(words), 32)
    return keccak256(slice(abi_encode(words, ensure_tuple=False), 32, length))


@internal
def _cancel(account: address, nonce: uint256):
    next_nonce: uint256 = accounts._split_word(account) >> packing.NONCE_SHIFT
    if nonce <= next_nonce:
        refusals._refuse(refusals.NONCE_NOT_ABOVE)
    # unchecked: a nonce has 26 bits
    if nonce > unsafe_add(next_nonce, accounts.MAX_NONCE_STEP) or nonce > packing.MAX_NONCE:
        refusals._refuse(refusals.NONCE_STEP)

    accounts._store_nonce(account, nonce)

    log InstructionsCancelled(account=account, nonce=nonce)
