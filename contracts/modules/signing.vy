# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Signatures: whether an account signed
@notice By its own key, or by the code at its address (ERC-1271); each signature says which it is.
        Uses no assert: a bad signature is skipped, it must not stop a batch.
@dev Two words for a key: r, and s below v - 27 in the highest bit (EIP-2098). No r is zero, so a
     word of zeros stands for code; the word after it is the length of the bytes that follow.
"""

from . import refusals
from . import packing

uses: refusals

# EIP-712: what the hash of typed data starts with, before domain and struct
TYPED_DATA: constant(bytes2) = 0x1901
# longer ones are nobody's signature: 31 owners of a contract wallet sign in as many bytes
MAX_BYTES: constant(uint256) = 2_048
# all signatures of a batch: 255 keys' and a longest one
MAX_BATCH_BYTES: constant(uint256) = 18_432
# of a key's signature, and of what stands before a wallet's
TWO_WORDS: constant(uint256) = 64
# what one contract wallet's check may use
WALLET_GAS: constant(uint256) = 200_000
# half the order of secp256k1, rounded down (EIP-2): above it a signature is a malleable copy of
# another
MAX_S: constant(uint256) = (
    57896044618658097711785492504343953926418782139537452191302581570759080747168
)
# of the one answer that makes a contract wallet's signature valid (ERC-1271): the selector of
# isValidSignature(bytes32,bytes) in 32 bytes, no more and no less
VALID_HASH: constant(bytes32) = keccak256(
    0x1626ba7e00000000000000000000000000000000000000000000000000000000
)


@internal
@pure
def _hash(domain: bytes32, struct_hash: bytes32) -> bytes32:
    """
    @dev What is signed (EIP-712).
    """
    return keccak256(concat(TYPED_DATA, domain, struct_hash))


@internal
@pure
def _is_key(account: uint256, hash: bytes32, r: uint256, vs: uint256) -> bool:
    # the highest bit is shifted out, which takes fewer bytes than its mask
    s: uint256 = vs << packing.V_BITS >> packing.V_BITS
    if s > MAX_S:
        return False
    # unchecked: 27 and one bit
    v: uint256 = unsafe_add(27, vs >> packing.V_SHIFT)
    # nobody signs for the zero address: it stands for what cannot be recovered
    return account != 0 and convert(ecrecover(hash, v, r, s), uint256) == account


@internal
@view
def _check(account: uint256, hash: bytes32, signature: Bytes[MAX_BYTES]):
    """
    @dev A signature that stands by itself: 64 bytes are a key's first.
    """
    if len(signature) == TWO_WORDS:
        words: uint256[2] = abi_decode(signature, uint256[2])
        if self._is_key(account, hash, words[0], words[1]):
            return
    if not self._is_wallet(account, hash, signature):
        refusals._refuse(refusals.SIGNER)


@internal
@view
def _is_wallet(account: uint256, hash: bytes32, signature: Bytes[MAX_BYTES]) -> bool:
    wallet: address = convert(account, address)
    if not wallet.is_contract:
        return False
    # whoever sends the batch could make anybody's check fail otherwise
    if msg.gas < WALLET_GAS * 64 // 63 + refusals.SPARE_GAS:
        refusals._refuse(refusals.TOO_LITTLE_GAS)
    success: bool = False
    # room for more than the 32 bytes of a valid answer, or a longer one would look like it
    response: Bytes[64] = b""
    success, response = raw_call(
        wallet,
        abi_encode(hash, signature, method_id=method_id("isValidSignature(bytes32,bytes)")),
        max_outsize=64,
        gas=WALLET_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    return success and keccak256(response) == VALID_HASH
