"""Calls that are no calls: with value, cut short, with dirt above an address, with arrays that lie
outside of what was sent; and calls out of the middle of another one."""

import re
from collections.abc import Iterator
from typing import Any

import boa
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from vyper.compiler.output import build_abi_output

from tests.compiled import CONTRACTS, deployer_of
from tests.escrow_world import NMR, World, deploy_world, refuses, role_address

DEPLOYED = ("Escrow.vy", "Lens.vy", "NmrBurner.vy")
MAX_WORD = 2**256 - 1
DIRT = 1 << 160

# the most elements of each array, or bytes
BOUNDS = {
    ("deposit_and_stake", "models"): 65,
    ("deposit_and_stake", "stakes"): 65,
    ("set_stakes", "models"): 65,
    ("set_stakes", "stakes"): 65,
    ("set_split", "destinations"): 9,
    ("set_split", "shares"): 9,
    ("resolve", "links"): 16,
    ("relay", "instructions"): 8_192,
    ("relay", "signatures"): 8_192,
    ("relay_move", "signature"): 2_048,
    ("relay_move", "to_signature"): 2_048,
    ("pay", "requests"): 256,
    ("pay", "due_accounts"): 256,
    ("pay", "signatures"): 18_432,
}


def functions(path: str) -> list[dict[str, Any]]:
    """The ABI of every external."""
    abi = build_abi_output(deployer_of(path).compiler_data)
    return [each for each in abi if each["type"] == "function"]


EXTERNALS = [(path, each) for path in DEPLOYED for each in functions(path)]
ESCROW = [each for path, each in EXTERNALS if path == "Escrow.vy"]
"""What the tests are made of: each external of what is deployed."""


def named(value: Any) -> str | None:
    """How a case is called."""
    return str(value["name"]) if isinstance(value, dict) else None


def selector(function: dict[str, Any]) -> bytes:
    """The first four bytes of a call."""
    types = ",".join(each["type"] for each in function["inputs"])
    return keccak(text=f"{function['name']}({types})")[:4]


def example(kind: str) -> Any:
    """A value of a type, of which nothing is wrong but what it means."""
    if kind.endswith("[]"):
        return [example(kind.removesuffix("[]"))]
    if kind == "address":
        return role_address("staker")
    return {"uint256": 1, "bytes32": bytes(32), "bytes": b"\x01" * 32}[kind]


def calldata(function: dict[str, Any], **changed: Any) -> bytes:
    """A call of an external, with examples for what is not said otherwise."""
    types = [each["type"] for each in function["inputs"]]
    values = [changed.get(each["name"], example(each["type"])) for each in function["inputs"]]
    return selector(function) + encode(types, values)


def with_word(data: bytes, at: int, word: int) -> bytes:
    """Another word at a place behind the selector."""
    at += 4
    return data[:at] + word.to_bytes(32, "big") + data[at + 32 :]


def word_at(data: bytes, at: int) -> int:
    """The word at a place behind the selector."""
    return int.from_bytes(data[at + 4 : at + 36], "big")


def inputs(*kinds: str) -> list[tuple[str, dict[str, Any], int]]:
    """Every argument of these types: where it is, and its index."""
    return [
        (path, function, index)
        for path, function in EXTERNALS
        for index, given in enumerate(function["inputs"])
        if given["type"] in kinds
    ]


@pytest.fixture
def addresses(world: World) -> dict[str, str]:
    """Where everything is deployed."""
    return {
        "Escrow.vy": world.escrow.address,
        "Lens.vy": world.lens.address,
        "NmrBurner.vy": world.burner.address,
    }


def fails(address: str, data: bytes) -> bool:
    """Whether a stranger's call reverts."""
    sender = role_address("stranger")
    computation = boa.env.execute_code(address, sender=sender, data=data, gas=10_000_000)
    return bool(computation.is_error)


def reverts_blindly(address: str, data: bytes, value: int = 0) -> None:
    """The call reverts without a word, before anything of it is looked at."""
    sender = role_address("stranger")
    boa.env.set_balance(sender, 10**18)
    computation = boa.env.execute_code(
        to_address=address, sender=sender, data=data, value=value, gas=10_000_000
    )
    assert computation.is_error
    assert computation.output == b""
    assert not computation.children


@pytest.mark.parametrize(("path", "function"), EXTERNALS, ids=named)
def test_no_external_takes_value(
    world: World, addresses: dict[str, str], path: str, function: dict[str, Any]
) -> None:
    """S40: nothing but NMR can get in, so that nothing else can be trapped."""
    with world.unchanged():
        reverts_blindly(addresses[path], calldata(function), value=1)

    assert boa.env.get_balance(addresses[path]) == 0


@pytest.mark.parametrize(("path", "function"), EXTERNALS, ids=named)
def test_every_external_refuses_calldata_cut_short(
    addresses: dict[str, str], path: str, function: dict[str, Any]
) -> None:
    """What is missing is not read as zeros: not one byte of the least that a call needs."""
    least = 4 + 32 * len(function["inputs"])
    for length in {4, least - 32, least - 1} - {least, 3}:
        reverts_blindly(addresses[path], calldata(function)[:length])


@pytest.mark.parametrize("path", DEPLOYED)
@pytest.mark.parametrize("data", [b"", b"\x01", b"\x00\x00\x00", b"\xde\xad\xbe\xef", bytes(36)])
def test_what_is_no_call_is_refused(addresses: dict[str, str], path: str, data: bytes) -> None:
    """There is no fallback: an empty call, a cut selector and an unknown one revert."""
    reverts_blindly(addresses[path], data)
    reverts_blindly(addresses[path], data, value=1)


@pytest.mark.parametrize(("path", "function", "index"), inputs("address"), ids=named)
def test_dirt_above_an_address_is_refused(
    addresses: dict[str, str], path: str, function: dict[str, Any], index: int
) -> None:
    """No two calldatas say the same address."""
    data = calldata(function)
    for dirt in (DIRT, 1 << 255):
        dirty = with_word(data, 32 * index, word_at(data, 32 * index) | dirt)
        reverts_blindly(addresses[path], dirty)


@pytest.mark.parametrize(("path", "function", "index"), inputs("address[]"), ids=named)
def test_dirt_above_an_address_in_an_array_is_refused(
    addresses: dict[str, str], path: str, function: dict[str, Any], index: int
) -> None:
    """As for an address by itself."""
    data = calldata(function)
    first = word_at(data, 32 * index) + 32
    reverts_blindly(addresses[path], with_word(data, first, word_at(data, first) | DIRT))


ARRAYS = inputs("uint256[]", "address[]", "bytes[]", "bytes")


@pytest.mark.parametrize(("path", "function", "index"), ARRAYS, ids=named)
def test_an_array_longer_than_its_bound_is_refused(
    addresses: dict[str, str], path: str, function: dict[str, Any], index: int
) -> None:
    """By one element, and by so many that the length would wrap."""
    given = function["inputs"][index]
    bound = BOUNDS[function["name"], given["name"]]
    one = example(given["type"])
    too_many = one[:1] * (bound + 1)
    reverts_blindly(addresses[path], calldata(function, **{given["name"]: too_many}))
    data = calldata(function)
    for length in (2**64, 2**251, 2**255, MAX_WORD):
        reverts_blindly(addresses[path], with_word(data, word_at(data, 32 * index), length))


@pytest.mark.parametrize(("path", "function", "index"), ARRAYS, ids=named)
def test_an_array_that_lies_outside_of_the_call_is_refused(
    world: World, addresses: dict[str, str], path: str, function: dict[str, Any], index: int
) -> None:
    """Its place is past the end, or wraps around: what is read there is none that is taken."""
    data = calldata(function)
    with world.unchanged():
        for place in (MAX_WORD, MAX_WORD - 3, MAX_WORD - 31, 2**255, len(data) + 2**64):
            assert fails(addresses[path], with_word(data, 32 * index, place))


def resolve_abi() -> dict[str, Any]:
    """The one external with an array of arrays."""
    return next(each for each in ESCROW if each["name"] == "resolve")


@pytest.mark.parametrize("place", [MAX_WORD, MAX_WORD - 31, 2**255, 2**64])
def test_a_link_that_lies_outside_of_the_call_is_refused(world: World, place: int) -> None:
    """Of an array in an array, the place is within the outer one."""
    data = calldata(resolve_abi(), links=[bytes(32), bytes(32)])
    inside = word_at(data, 32) + 32
    with world.unchanged():
        assert fails(world.escrow.address, with_word(data, inside, place))


@pytest.mark.parametrize("length", [3_073, 2**64, 2**255, MAX_WORD])
def test_a_link_longer_than_its_bound_is_refused(world: World, length: int) -> None:
    """96 words, and not a byte more, whatever its length says."""
    data = calldata(resolve_abi(), links=[bytes(32), bytes(32)])
    inside = word_at(data, 32) + 32
    reverts_blindly(world.escrow.address, with_word(data, inside + word_at(data, inside), length))
    if length < 2**20:
        reverts_blindly(world.escrow.address, calldata(resolve_abi(), links=[bytes(length)]))


def test_arrays_as_long_as_their_bounds_are_read(world: World) -> None:
    """The bounds themselves are no refusal: what follows has its own."""
    many = list(range(65))
    with refuses("stakes: the pool holds too little, deposit first"):
        world.escrow.set_stakes(many, [NMR] * 65)
    with refuses("split: at most 8 destinations"):
        world.escrow.set_split(0, many[:9], [1] * 9)
    with refuses("round: not the next one, see round_state()"):
        world.escrow.resolve(1, [bytes(3_072)] * 16, bytes(32))
    with refuses("signatures: give one for each message"):
        world.escrow.relay(bytes(8_192), b"")


# --- out of the middle of another call ------------------------------------------------------------


def locked() -> Iterator[dict[str, Any]]:
    """The externals that hold the re-entrancy lock: those of the escrow's own source that do not
    say otherwise."""
    source = (CONTRACTS / "Escrow.vy").read_text()
    assert "# pragma nonreentrancy on" in source
    heads = re.findall(r"((?:^@\w+\n)+)def (\w+)\(", source, flags=re.MULTILINE)
    own = {name for decorators, name in heads if "@external" in decorators}
    free = {name for decorators, name in heads if "@reentrant" in decorators}
    assert {"deposit", "set_stakes", "withdraw", "resolve", "relay", "pay", "leave"} <= own - free
    yield from (each for each in ESCROW if each["name"] in own - free)


@pytest.fixture(scope="module")
def armed() -> World:
    """An escrow on a token that calls back in the midst of a transfer."""
    world = deploy_world("test/ReentrantToken.vy")
    world.give(role_address("staker"), 2 * NMR)
    return world


@pytest.mark.parametrize("function", list(locked()), ids=named)
def test_the_token_gets_no_call_in(armed: World, function: dict[str, Any]) -> None:
    """N10: whoever moves accounts or NMR holds a lock, and so does whoever reads them."""
    with boa.env.anchor():
        armed.token.arm(armed.escrow, calldata(function))
        armed.escrow.deposit(NMR, sender=role_address("staker"))

        assert (armed.token.attempts(), armed.token.successes()) == (1, 0)
        assert armed.token.last_answer() == b""
        assert armed.pool_nano(role_address("staker")) == 10**9
