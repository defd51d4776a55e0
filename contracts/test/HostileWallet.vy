# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title Contract wallet that answers as a test tells it, for tests only
@license AGPL-3.0-only
@author Sluice contributors
@notice An ERC-1271 wallet: honest, or with one of the ways in which a wallet can be hostile.
@custom:security For tests. Hostile on purpose.
"""

VALID: constant(bytes32) = 0x1626ba7e00000000000000000000000000000000000000000000000000000000
_MAX_SIGNATURE: constant(uint256) = 4_096
_MAX_CALLDATA: constant(uint256) = 2_048
_MAX_ANSWER: constant(uint256) = 96

# what it does when it is asked
HONEST: constant(uint256) = 0
ANSWER: constant(uint256) = 1
REVERT: constant(uint256) = 2
BURN_GAS: constant(uint256) = 3
WRITE: constant(uint256) = 4
CREATE: constant(uint256) = 5
CALL: constant(uint256) = 6
NEED_GAS: constant(uint256) = 7

mode: public(uint256)
# whose signature an honest wallet takes
key: public(address)
answer: public(Bytes[_MAX_ANSWER])
target: public(address)
payload: public(Bytes[_MAX_CALLDATA])
needed_gas: public(uint256)


@external
def be_honest(key: address):
    """
    @notice Says yes to the signature of a key, and to nothing else.
    @param key Whose signature; the zero address takes every signature, also none.
    """
    self.mode = HONEST
    self.key = key


@external
def answer_with(answer: Bytes[_MAX_ANSWER]):
    """
    @notice Says these bytes as they are, without any encoding.
    @param answer The bytes.
    """
    self.mode = ANSWER
    self.answer = answer


@external
def behave(mode: uint256):
    """
    @notice Misbehaves in a way that needs nothing more to be said.
    @param mode REVERT, BURN_GAS: as named. WRITE, CREATE: yes, after a write or a deployment, which
           a static call does not allow.
    """
    self.mode = mode


@external
def call_back(target: address, payload: Bytes[_MAX_CALLDATA]):
    """
    @notice Calls a target first and says yes only if that worked.
    @param target The contract to call.
    @param payload The calldata.
    """
    self.mode = CALL
    self.target = target
    self.payload = payload


@external
def need_gas(needed: uint256):
    """
    @notice Says yes only if it is given so much gas.
    @param needed How much has to be left where it looks, at its start.
    """
    self.mode = NEED_GAS
    self.needed_gas = needed


@external
@raw_return
def isValidSignature(hash: bytes32, signature: Bytes[_MAX_SIGNATURE]) -> Bytes[_MAX_ANSWER]:
    """
    @notice What ERC-1271 asks of a wallet.
    @param hash What was signed.
    @param signature By whom.
    @return Raw bytes, chosen by the mode.
    """
    given: uint256 = msg.gas
    if self.mode == ANSWER:
        return self.answer
    if self.mode == REVERT:
        raise "no"
    if self.mode == BURN_GAS:
        assert given == 0, UNREACHABLE
    if self.mode == CALL:
        raw_call(self.target, self.payload)
    if self.mode == WRITE:
        self.needed_gas = given
    if self.mode == CREATE:
        created: address = raw_create(b"\x00")
    if self.mode == NEED_GAS and given < self.needed_gas:
        return b""
    if self.mode == HONEST and self.key != empty(address):
        r: uint256 = extract32(signature, 0, output_type=uint256)
        s: uint256 = extract32(signature, 32, output_type=uint256)
        v: uint256 = convert(slice(signature, 64, 1), uint256)
        if ecrecover(hash, v, r, s) != self.key:
            return b""
    return abi_encode(VALID)
