"""What the commands that send for others share: the store they work on."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from ape.api import ProviderAPI

from sluice.deployment import Deployment, network_name
from sluice.instructions import Domain
from sluice.node import is_local
from sluice.relay.store import Store

Function = TypeVar("Function", bound=Callable[..., Any])


def store_option(function: Function) -> Function:
    """Adds --store."""
    return click.option(
        "--store",
        metavar="URL",
        envvar="SLUICE_RELAY_STORE",
        help="The relay's database; left out: SQLite in the folder relay, below build/ if local. "
        "With a password in it, give it by the variable SLUICE_RELAY_STORE instead.",
    )(function)


def open_store(url: str | None, provider: ProviderAPI, deployment: Deployment) -> Store:
    """The store at `url`, or the connected network's own."""
    domain = Domain(deployment.chain_id, deployment.address)
    return Store(url or default_url(provider, deployment), domain)


def default_url(provider: ProviderAPI, deployment: Deployment) -> str:
    """Where the connected network's store lies, below the project's folder. What is kept for a
    local chain may be deleted, and is apart for each chain: they have the same id and often the
    same addresses."""
    name = network_name(provider)
    if not is_local(provider):
        return f"sqlite:///relay/{name}.sqlite"
    return f"sqlite:///build/relay/{name}-{deployment.block_hash[2:10]}.sqlite"
