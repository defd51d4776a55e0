"""__init__(token, burner, owner, operator, guardian, first_pass, ...)"""

from typing import Any

import boa
import pytest
from eth_utils.crypto import keccak

from tests.compiled import deployer_of
from tests.escrow_world import DAY, FIRST_PASS, START, WEEK, ZERO_ADDRESS, World, refuses, set_time

# in the order of the constructor
NAMES = (
    "token",
    "burner",
    "owner",
    "operator",
    "guardian",
    "first_pass",
    "first_pass_time",
    "round_length",
    "window",
    "grace",
    "cap_bps",
)


def deploy(world: World, **changes: Any) -> Any:
    """Another escrow with some arguments changed."""
    usual: dict[str, Any] = {
        "token": world.token,
        "burner": world.burner,
        "owner": world.watched["owner"],
        "operator": world.watched["operator"],
        "guardian": world.watched["guardian"],
        "first_pass": FIRST_PASS,
        "first_pass_time": START,
        "round_length": WEEK,
        "window": DAY,
        "grace": 3 * WEEK,
        "cap_bps": 2_500,
    }
    arguments = usual | changes
    return deployer_of("Escrow.vy").deploy(*(arguments[name] for name in NAMES))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("first_pass", 0, "first_pass: rounds are numbered from 1"),
        ("first_pass_time", START - 1, "first_pass_time: must not be in the past"),
        ("window", WEEK // 2, "window: must be under half the round length"),
        ("grace", DAY, "window: must be shorter than the grace"),
        ("cap_bps", 0, "cap_bps: a round has to risk something"),
        ("cap_bps", 2_501, "cap_bps: four open rounds may risk 100% at most"),
        ("owner", ZERO_ADDRESS, "owner: must not be the zero address"),
        ("operator", ZERO_ADDRESS, "operator: must not be the zero address"),
        ("guardian", ZERO_ADDRESS, "guardian: must not be the zero address"),
        ("token", ZERO_ADDRESS, "token: must not be the zero address"),
        ("burner", ZERO_ADDRESS, "burner: must not be the zero address"),
    ],
)
def test_constructor_refuses(world: World, name: str, value: Any, message: str) -> None:
    with refuses(message):
        deploy(world, **{name: value})


def test_constructor_takes_the_limits(world: World) -> None:
    escrow = deploy(
        world, first_pass=1, window=(WEEK - 1) // 2, grace=(WEEK - 1) // 2 + 1, cap_bps=2_500
    )

    assert escrow.round_state() == (0, bytes(32), 0)


def test_constructor_fixes_the_parameters(world: World) -> None:
    set_time(START - DAY)
    escrow = deploy(world)

    assert escrow.parameters() == (
        world.token.address,
        world.burner.address,
        FIRST_PASS,
        START,
        WEEK,
        DAY,
        3 * WEEK,
        2_500,
        START - DAY,
    )


def test_constructor_starts_before_the_first_pass_with_nothing_held(world: World) -> None:
    escrow = deploy(world)

    assert escrow.round_state() == (FIRST_PASS - 1, bytes(32), 0)
    assert (escrow.reserve(), escrow.burned()) == (0, 0)


def test_constructor_appoints_the_roles_and_not_the_deployer(world: World) -> None:
    escrow = deploy(world)

    roles = (escrow.owner(), escrow.operator(), escrow.guardian())
    assert tuple(role.lower() for role in roles) == (
        world.watched["owner"],
        world.watched["operator"],
        world.watched["guardian"],
    )
    assert escrow.pending_owner() == ZERO_ADDRESS


def test_constructor_logs_the_roles(world: World) -> None:
    escrow = deploy(world)

    logs = [(type(log).__name__, *log._asdict().values()) for log in escrow.get_logs(strict=False)]
    last_owner, *appointed = [
        (name, previous, appointee.lower()) for name, _, previous, appointee in logs[-3:]
    ]
    assert (last_owner[0], last_owner[2]) == ("OwnershipTransferred", world.watched["owner"])
    assert appointed == [
        ("OperatorSet", ZERO_ADDRESS, world.watched["operator"]),
        ("GuardianSet", ZERO_ADDRESS, world.watched["guardian"]),
    ]


def test_constructor_binds_the_signing_domain_to_contract_and_chain(world: World) -> None:
    escrow = deploy(world)

    type_hash = keccak(
        text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    )
    chain_id = boa.env.evm.patch.chain_id.to_bytes(32, "big")
    parts = [keccak(text="Sluice"), keccak(text="1"), chain_id]
    contract = bytes.fromhex(escrow.address[2:].rjust(64, "0"))
    separator = keccak(type_hash + b"".join(parts) + contract)
    assert escrow.domain() == separator
    assert escrow.domain() != world.escrow.domain()
