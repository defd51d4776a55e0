# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Instructions: stakes and splits by signature
@notice One signature sets any number of an account's stakes and splits, without gas and through
        anybody's hands. Each instruction is applied whole or skipped with its reason.
"""

from . import refusals
from . import packing
from . import accounts

uses: refusals
uses: accounts

# all instructions of a call, and all their signatures
MAX_BYTES: constant(uint256) = 8_192
MAX_INSTRUCTIONS: constant(uint256) = 256
# the compiler folds no joined literals into a constant
INSTRUCTION_TYPE: constant(bytes32) = keccak256(
    "Instruction(address account,uint256[] models,uint256[] stakes,Split[] splits,uint256 nonce,uint256 deadline)Split(uint256 model,uint256[] destinations,uint256[] shares)"
)
NOTHING_HASH: constant(bytes32) = keccak256("")
# both counts of the usual instruction: two stakes and no split
TWO_STAKES: constant(uint256) = 2
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
def _skip(head: uint256, refusal: uint256):
    log InstructionSkipped(
        account=convert(head << packing.ABOVE_ADDRESS >> packing.ABOVE_ADDRESS, address),
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
    left: uint256 = split << packing.ABOVE_PARTS >> packing.ABOVE_PARTS
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
    length: uint256 = unsafe_mul(len(words), 32)
    return keccak256(slice(abi_encode(words, ensure_tuple=False), 32, length))


@internal
def _cancel(account: address, nonce: uint256):
    next_nonce: uint256 = accounts._nonce(convert(account, uint256))
    if nonce <= next_nonce:
        refusals._refuse(refusals.NONCE_NOT_ABOVE)
    # unchecked: a nonce has 26 bits
    if nonce > unsafe_add(next_nonce, accounts.MAX_NONCE_STEP) or nonce > packing.MAX_NONCE:
        refusals._refuse(refusals.NONCE_STEP)

    accounts._store_nonce(convert(account, uint256), nonce)

    log InstructionsCancelled(account=account, nonce=nonce)
