"""What the contract takes for a key's signature, by the hash alone.

No message can be found whose signature has an s just above half the order, since the account is
part of what is hashed."""

from typing import Any

import pytest
from eth_keys import keys
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from sluice.instructions.signing import MAX_S
from tests.compiled import deployer_of
from tests.hostile import CURVE_ORDER

HASH = keccak(text="what was signed")
R = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798
"""That of the generator, which is one of a point."""


@pytest.fixture(scope="module")
def harness() -> Any:
    return deployer_of("test/SigningHarness.vy").deploy()


def recovered(s: int, parity: int) -> str:
    signature = keys.Signature(vrs=(parity, R, s))
    return signature.recover_public_key_from_msg_hash(HASH).to_checksum_address()


def is_key(harness: Any, account: str, r: int, vs: int) -> bool:
    return bool(harness.is_key(account, HASH, r, vs))


@given(st.integers(1, MAX_S), st.sampled_from([0, 1]))
def test_takes_two_words_of_a_key(harness: Any, s: int, parity: int) -> None:
    account = recovered(s, parity)

    assert is_key(harness, account, R, s | parity << 255)
    assert not is_key(harness, account, R, s | (1 - parity) << 255)
    assert not is_key(harness, account, R + 1, s | parity << 255)
    assert not is_key(harness, "0x" + "11" * 20, R, s | parity << 255)


@pytest.mark.parametrize("parity", [0, 1])
def test_takes_no_s_above_half_the_order(harness: Any, parity: int) -> None:
    """N19: such a signature would be a copy of another (EIP-2)."""
    for s in (MAX_S, MAX_S - 1):
        assert is_key(harness, recovered(s, parity), R, s | parity << 255)
    for s in (MAX_S + 1, MAX_S + 2, 2**255 - 1):
        account = recovered(s, parity)
        assert not is_key(harness, account, R, s | parity << 255)
        assert is_key(harness, account, R, CURVE_ORDER - s | (1 - parity) << 255)


@pytest.mark.parametrize("r", [0, 5, CURVE_ORDER, 2**256 - 1])
@pytest.mark.parametrize("vs", [0, 1, 2**255, 2**256 - 1])
def test_takes_nothing_for_the_zero_address(harness: Any, r: int, vs: int) -> None:
    """It is what the precompile leaves where nothing can be recovered."""
    assert not is_key(harness, "0x" + "00" * 20, r, vs)
