"""The burner on a token that answers wrongly, before what it burns and after."""

from typing import Any

import boa
import pytest
from eth_utils.crypto import keccak

from tests.escrow_world import NMR

pytestmark = pytest.mark.usefixtures("fresh_chain")

# answers every call with what a test says, the calls after `mint` apart from those before it
TOKEN = """
# pragma version 0.4.3
# pragma evm-version prague
wrong: bytes4
late: bool
answer: Bytes[64]
reverting: bool
minted: bool
calls_back: bool
let_in: public(bool)

@external
def be_wrong(selector: bytes4, late: bool, answer: Bytes[64], reverting: bool):
    self.wrong = selector
    self.late = late
    self.answer = answer
    self.reverting = reverting

@external
def call_back():
    self.calls_back = True
    self.let_in = True

@external
@raw_return
def __default__() -> Bytes[64]:
    selector: bytes4 = convert(slice(msg.data, 0, 4), bytes4)
    if self.wrong == selector and self.late == self.minted:
        if self.reverting:
            raw_revert(self.answer)
        return self.answer
    if selector == method_id("mint(uint256)", output_type=bytes4):
        self.minted = True
        if self.calls_back:
            self.let_in = raw_call(
                msg.sender, method_id("token()"), is_static_call=True, revert_on_failure=False
            )
        return abi_encode(True)
    held: uint256 = 5 * 10**18
    if self.minted:
        held = 0
    return abi_encode(held)
"""

READS = [("balanceOf(address)", False), ("totalSupply()", False)]
READS += [(name, True) for name, _ in READS]


@pytest.fixture
def token() -> Any:
    return boa.loads(TOKEN)


@pytest.fixture
def burner(token: Any) -> Any:
    return boa.load("contracts/NmrBurner.vy", token.address)


def refusal(burner: Any) -> bytes:
    """What `burn` reverts with."""
    with pytest.raises(boa.BoaError) as error:
        burner.burn(5 * NMR)
    return bytes(error.value.call_trace.computation.output)


def test_rightly_answered_it_burns(burner: Any) -> None:
    burner.burn(5 * NMR)
    (burned,) = burner.get_logs()
    assert burned.amount == 5 * NMR


@pytest.mark.parametrize(("name", "late"), [*READS, ("mint(uint256)", False)])
def test_a_revert_is_handed_on(burner: Any, token: Any, name: str, late: bool) -> None:
    token.be_wrong(keccak(text=name)[:4], late, b"why" * 7, True)
    assert refusal(burner) == b"why" * 7


@pytest.mark.parametrize("answer", [b"", b"\x00" * 31])
@pytest.mark.parametrize(("name", "late"), READS)
def test_a_short_answer_is_none(
    burner: Any, token: Any, name: str, late: bool, answer: bytes
) -> None:
    token.be_wrong(keccak(text=name)[:4], late, answer, False)
    assert refusal(burner) == b""


@pytest.mark.parametrize("answer", [b"\x00" * 31, (2).to_bytes(32, "big"), b"\xff" * 32])
def test_what_is_neither_true_nor_false_is_no_burn(burner: Any, token: Any, answer: bytes) -> None:
    token.be_wrong(keccak(text="mint(uint256)")[:4], False, answer, False)
    assert refusal(burner) == b""


def test_nobody_gets_in_while_it_burns(burner: Any, token: Any) -> None:
    token.call_back()
    assert token.let_in()
    burner.burn(5 * NMR)
    assert not token.let_in()
