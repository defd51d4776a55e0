"""Which store a command works on."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from ape.api import ProviderAPI

from sluice.contract import is_local
from sluice.deployment import network_name
from sluice.instructions import Domain
from sluice.relay.store import Store

Function = TypeVar("Function", bound=Callable[..., Any])


def store_option(function: Function) -> Function:
    """Adds --store."""
    return click.option(
        "--store",
        metavar="URL",
        envvar="SLUICE_RELAY_STORE",
        help="The relay's database; left out: SQLite in relay/<network>.sqlite, below build/ if "
        "local. With a password in it, give it by the variable SLUICE_RELAY_STORE instead.",
    )(function)


def open_store(url: str | None, provider: ProviderAPI, domain: Domain) -> Store:
    """The store at `url`, or the connected network's own."""
    return Store(url or default_url(provider), domain)


def default_url(provider: ProviderAPI) -> str:
    """Where the connected network's store lies, below the project's folder: what is kept for a
    local chain may be deleted."""
    folder = "build/relay" if is_local(provider) else "relay"
    return f"sqlite:///{folder}/{network_name(provider)}.sqlite"
