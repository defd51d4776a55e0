"""The record of a deployment, for tests that need one and no chain."""

from sluice.deployment import Deployment, Roles
from sluice.parameters import Parameters

ADDRESS = "0x" + "00" * 20
DEPLOYMENT = Deployment(
    network="local",
    chain_id=31_337,
    address=ADDRESS,
    lens=ADDRESS,
    token=ADDRESS,
    burner=ADDRESS,
    roles=Roles(ADDRESS, ADDRESS, ADDRESS),
    parameters=Parameters(10, 1_700_604_800, 1_700_000_000),
    block=1,
    block_hash="0x01",
    code_hash="0x02",
    lens_code_hash="0x03",
    compiler="vyper",
    commit="0",
)
