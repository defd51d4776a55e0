"""A script in the process that this file is run in, as `given` says: for processes that are to be
killed. It imports nothing of the tests: what starts such processes does not know them."""

import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ape
import pytest
from ape.api import AccountAPI
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]

IMPORTS = ["ape", "sluice.paying", "sluice.participant.words", "sluice.relay.commands",
           "sluice.weekly"]  # fmt: skip
"""What every script takes long to import."""

FEW_LINKS = 2
"""Words in a link, so that each account is one, and each goes in a transaction of its own."""


def own_signer(name: str | None, role: str, wanted: str) -> AccountAPI:
    """The test account of the role, also on a chain that is not local."""
    if name is not None and name.isdigit():
        return ape.accounts.test_accounts[int(name)]
    return next(each for each in ape.accounts.test_accounts if each.address == wanted)


@contextmanager
def hasty() -> Iterator[None]:
    """Everybody is less patient than on a real chain, and the scripts take test accounts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sluice.sending.signer", own_signer)
        patch.setattr("sluice.delivery.POLL_S", 0.05)
        patch.setattr("sluice.node.BEHIND_S", 3.0)
        patch.setattr("sluice.node.ANSWER_S", 1.5)
        patch.setattr("sluice.rounds.MAX_LINK_WORDS", FEW_LINKS)
        yield


def run_script(script: str, *arguments: str) -> None:
    """A script with these arguments."""
    with hasty():
        found = runpy.run_path(str(ROOT / "scripts" / f"{script}.py"))
        CliRunner().invoke(found["cli"], arguments)


if __name__ == "__killable__":
    run_script(*given)  # type: ignore[name-defined]  # noqa: F821
