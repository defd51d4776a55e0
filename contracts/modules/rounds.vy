# pragma version 0.4.3
# pragma evm-version prague
# pragma optimize codesize
"""
@title The round under way: announced, waited for, resolved once
@notice Keeps true: one round at a time, in order; its links are applied in order and each once.
        What is stored is the digest of what is left to apply: digest_i =
        keccak256(keccak256(link_i) ++ digest_(i+1)), the last one zero.
"""

from . import refusals
from . import packing
from . import clock

uses: refusals
uses: clock

MAX_LINK_BYTES: constant(uint256) = 96 * 32
MAX_LINKS: constant(uint256) = 16

# the last round that is done, as account words count; only ever one more
_resolved: uint256
# invariant: zero if and only if _announced_at is
_digest: bytes32
_announced_at: uint256


event RoundAnnounced:
    round: indexed(uint256)
    replaces: bytes32
    digest: bytes32
    announced_at: uint256


event RoundResolved:
    round: indexed(uint256)


# the digest of what was left to apply
event RoundVetoed:
    round: indexed(uint256)
    digest: bytes32


@internal
def _announce(round: uint256, replaces: bytes32, digest: bytes32):
    round_word: uint256 = self._check_next(round)
    if round_word > packing.ROUND_MASK:
        refusals._refuse(refusals.ROUNDS_ENDED)
    if block.timestamp < clock._pass_time(round_word):
        refusals._refuse(refusals.BEFORE_PASS_TIME)
    if digest == empty(bytes32):
        refusals._refuse(refusals.DIGEST_ZERO)
    if replaces != self._digest:
        refusals._refuse(refusals.NOT_REPLACED)

    self._digest = digest
    self._announced_at = block.timestamp

    log RoundAnnounced(round=round, replaces=replaces, digest=digest, announced_at=block.timestamp)


@internal
def _veto(round: uint256):
    self._check_announced(round)

    log RoundVetoed(round=round, digest=self._digest)

    self._digest = empty(bytes32)
    self._announced_at = 0


@internal
@view
def _check_resolvable(round: uint256) -> uint256:
    """
    @dev Returns the round as the account words count it.
    """
    round_word: uint256 = self._check_announced(round)
    # unchecked: the window is under half of what fits
    if block.timestamp < unsafe_add(self._announced_at, clock.WINDOW):
        refusals._refuse(refusals.WINDOW_OPEN)
    return round_word


@internal
def _advance(
    round: uint256, link_hashes: DynArray[bytes32, MAX_LINKS], next_digest: bytes32
) -> uint256:
    """
    @dev Moves the stored digest on to what is left after these links. Links before those
         that lead to the stored digest are applied already, and are passed over unread, so that
         nobody can spoil a batch by resolving one link of it first. Returns how many those are.
    """
    announced: bytes32 = self._digest
    passed_over: uint256 = len(link_hashes)
    digest: bytes32 = next_digest
    if digest == announced:
        return passed_over

    for _: uint256 in range(len(link_hashes), bound=MAX_LINKS):
        passed_over = unsafe_sub(passed_over, 1)
        digest = keccak256(concat(link_hashes[passed_over], digest))
        if digest == announced:
            break
    if digest != announced:
        refusals._refuse(refusals.LINKS_DIFFER)

    self._digest = next_digest
    if next_digest == empty(bytes32):
        self._announced_at = 0
        # unchecked: one a week
        self._resolved = unsafe_add(self._resolved, 1)
        log RoundResolved(round=round)

    return passed_over


@internal
@view
def _check_next(round: uint256) -> uint256:
    round_word: uint256 = clock._to_word(round)
    # unchecked: one a week
    if round_word != unsafe_add(self._resolved, 1):
        refusals._refuse(refusals.ROUND_NOT_NEXT)
    return round_word


@internal
@view
def _check_announced(round: uint256) -> uint256:
    round_word: uint256 = self._check_next(round)
    if self._announced_at == 0:
        refusals._refuse(refusals.NOT_ANNOUNCED)
    return round_word
