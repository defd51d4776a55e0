# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Signatures: whether an account signed
@notice Its own key first, since an account with code may have one too (EIP-7702), then the code at
        its address (ERC-1271). Uses no assert: a bad signature is skipped, it must not stop a
        batch.
"""

from . import refusals

uses: refusals

# longer ones are nobody's signature: 31 owners of a contract wallet sign in as many bytes
MAX_BYTES: constant(uint256) = 2_048
# all signatures of a batch: 256 of 65 bytes with their lengths, and some room
MAX_BATCH_BYTES: constant(uint256) = 18_432
# of the length that stands before each of them
LENGTH_BYTES: constant(uint256) = 2
KEY_BYTES: constant(uint256) = 65
# what one contract wallet's check may use
WALLET_GAS: constant(uint256) = 200_000
# half the order of secp256k1, rounded down (EIP-2): above it a signature is a malleable copy of
# another
MAX_S: constant(bytes32) = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
# of the one answer that makes a contract wallet's signature valid (ERC-1271): the selector of
# isValidSignature(bytes32,bytes) in 32 bytes, no more and no less
VALID_HASH: constant(bytes32) = keccak256(
    0x1626ba7e00000000000000000000000000000000000000000000000000000000
)


@internal
@view
def _is_signed(account: address, hash: bytes32, signature: Bytes[MAX_BYTES]) -> bool:
    if len(signature) == KEY_BYTES:
        s: uint256 = extract32(signature, 32, output_type=uint256)
        # the last byte, as the lowest of the 32 that end with it
        v: uint256 = extract32(signature, KEY_BYTES - 32, output_type=uint256) & 255
        # unchecked: 27 or 28, since what is below 27 becomes far more than 1
        if s <= convert(MAX_S, uint256) and unsafe_sub(v, 27) <= 1:
            signer: address = ecrecover(hash, v, extract32(signature, 0, output_type=uint256), s)
            if signer == account and account != empty(address):
                return True
    if not account.is_contract:
        return False
    # whoever sends the batch could make anybody's check fail otherwise
    if msg.gas < WALLET_GAS * 64 // 63 + refusals.SPARE_GAS:
        refusals._refuse(refusals.TOO_LITTLE_GAS)
    success: bool = False
    # room for more than the 32 bytes of a valid answer, or a longer one would look like it
    response: Bytes[64] = b""
    success, response = raw_call(
        account,
        abi_encode(hash, signature, method_id=method_id("isValidSignature(bytes32,bytes)")),
        max_outsize=64,
        gas=WALLET_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    return success and keccak256(response) == VALID_HASH
