"""The escrow that the laws and the story play on."""

import pytest

from tests.tournament import deploy


@pytest.fixture(scope="module")
def deployed() -> None:
    """One for all tests of a module: what they change is taken back after each."""
    deploy()
