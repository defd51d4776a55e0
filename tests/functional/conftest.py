"""Roles, and a deployed escrow that every test gets fresh."""

from collections.abc import Iterator
from typing import Any

import boa
import pytest

from tests.compiled import deployer_of
from tests.escrow_world import STAKE, World, deploy_world, role_address


@pytest.fixture(scope="session")
def _deployed() -> World:
    boa.env.enable_fast_mode()
    return deploy_world()


@pytest.fixture
def world(_deployed: World) -> Iterator[World]:
    """A freshly deployed escrow on the stand-in token, at the time of its first pass."""
    with boa.env.anchor():
        boa.env.evm.patch.timestamp = _deployed.parameters.first_pass_time
        yield _deployed
    # boa remembers writes by address beyond the anchor and would search through all of them.
    boa.env.sstore_trace.clear()


@pytest.fixture
def owner() -> str:
    """The multisig that appoints the others and may take the reserve out."""
    return role_address("owner")


@pytest.fixture
def operator() -> str:
    """The key that announces rounds and pays free withdrawals."""
    return role_address("operator")


@pytest.fixture
def guardian() -> str:
    """The key that may stop a round."""
    return role_address("guardian")


@pytest.fixture
def staker() -> str:
    """Somebody who puts NMR on models."""
    return role_address("staker")


@pytest.fixture
def other_staker() -> str:
    """Another one, whose NMR must not move."""
    return role_address("other_staker")


@pytest.fixture
def stranger() -> str:
    """Somebody without any role."""
    return role_address("stranger")


@pytest.fixture
def wallet(world: World) -> Iterator[Any]:
    """A contract wallet, honest on the staker's key until a test tells it otherwise."""
    contract = deployer_of("test/HostileWallet.vy").deploy()
    contract.be_honest(role_address("staker"))
    world.watched["wallet"] = contract.address.lower()
    yield contract
    del world.watched["wallet"]


@pytest.fixture
def trap() -> Iterator[World]:
    """An escrow on a token that fails for a chosen payee."""
    with boa.env.anchor():
        yield deploy_world("test/GasEaterToken.vy")


@pytest.fixture
def opened(world: World, staker: str, other_staker: str) -> World:
    """Two accounts with one model each, in four open rounds, and a full reserve."""
    world.fund(10**15)
    for account in (staker, other_staker):
        world.stake(account, {0: STAKE})
    world.open_rounds(staker, other_staker)
    return world
