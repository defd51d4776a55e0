"""What the tests of the token contracts and of the plain baselines share."""

from collections.abc import Iterator

import boa
import pytest
from eth_utils.crypto import keccak


@pytest.fixture
def fresh_chain() -> Iterator[None]:
    """Undoes whatever the test does on boa's chain."""
    with boa.env.anchor():
        yield
    # boa remembers writes by address beyond the anchor; the next contract there has other slots.
    boa.env.sstore_trace.clear()


@pytest.fixture
def spender() -> str:
    """Somebody whom a holder lets spend."""
    return str(boa.env.generate_address("spender"))


@pytest.fixture
def stranger() -> str:
    """Somebody without any role."""
    return str(boa.env.generate_address("stranger"))


def calldata(signature: str, *words: int | str) -> bytes:
    """Selector and 32-byte words; an address is given as hex."""
    numbers = [int(word, 16) if isinstance(word, str) else word for word in words]
    return keccak(text=signature)[:4] + b"".join(n.to_bytes(32, "big") for n in numbers)
