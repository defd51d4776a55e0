"""A lasting local chain: anvil with its state in a folder, the escrow on it, accounts to play with.

The accounts are ape's test accounts, whose keys everybody knows: number 0 is the owner, 1 the
operator, 2 the guardian; the others are stakers with NMR in their wallets, the escrow approved.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ape
from ape.api import AccountAPI, ProviderAPI
from web3 import HTTPProvider, Web3

from sluice.anvil import has_anvil, running_anvil, url_of
from sluice.deploying import Plan, deploy
from sluice.deployment import Deployment, Roles, is_alive, load_and_check, write_record
from sluice.errors import InvalidInput
from sluice.escrow import Escrow
from sluice.sending import in_an_hour

STAKERS = 7
STAKER_NANO = 1_000 * 10**9
RESERVE_NANO = 10_000 * 10**9
STATE_EVERY_S = 30


@dataclass(frozen=True, slots=True)
class Devnet:
    """What runs: the deployment, its accounts, and whether it was there before."""

    deployment: Deployment
    owner: str
    operator: str
    guardian: str
    stakers: tuple[str, ...]
    found_again: bool


@contextmanager
def anvil(port: int, folder: Path) -> Iterator[str]:
    """Runs anvil on the port with its state kept in the folder, also across restarts; yields its
    address. It is asked to stop at the end and writes its state then. InvalidInput if there is no
    anvil, or if something listens on the port already."""
    if not has_anvil():
        raise InvalidInput(
            "anvil is missing: install Node >= 20 and run `make setup`, or put an anvil on PATH"
        )
    url = url_of(port)
    if Web3(HTTPProvider(url)).is_connected():
        raise InvalidInput(f"something answers at {url} already: stop it, or choose another --port")
    folder.mkdir(parents=True, exist_ok=True)
    arguments = [
        "--state", str(folder / "state.json"), "--state-interval", str(STATE_EVERY_S),
        "--preserve-historical-states",
    ]  # fmt: skip
    with running_anvil(arguments, port, shows_errors=True):
        yield url


def set_up(folder: Path, record: Path, first_pass: int, provider: ProviderAPI) -> Devnet:
    """The escrow on the connected devnet: found again, or deployed now, the reserve funded and the
    stakers given NMR. The chain's folder keeps a record of its own, so that whatever other local
    chains write to `record`, the contract is found; `record` is written anew."""
    kept = folder / "deployment.json"
    accounts: Sequence[AccountAPI] = list(ape.accounts.test_accounts[: 3 + STAKERS])
    owner, operator, guardian, *stakers = accounts
    found_again = is_alive(kept, provider)
    if not found_again:
        roles = Roles(owner.address, operator.address, guardian.address)
        deployment = deploy(Plan(roles, first_pass, in_an_hour(provider)), owner)
        _fund(Escrow(deployment.address, provider), owner, stakers)
        write_record(deployment, kept)
    deployment, _ = load_and_check(kept, provider)
    write_record(deployment, record)
    return Devnet(
        deployment,
        deployment.roles.owner,
        deployment.roles.operator,
        deployment.roles.guardian,
        tuple(staker.address for staker in stakers),
        found_again,
    )


def _fund(escrow: Escrow, owner: AccountAPI, stakers: Sequence[AccountAPI]) -> None:
    escrow.approve(RESERVE_NANO, sender=owner)
    escrow.fund(RESERVE_NANO, sender=owner)
    for staker in stakers:
        escrow.token.transfer(staker.address, STAKER_NANO, sender=owner)
        escrow.approve(STAKER_NANO, sender=staker)
