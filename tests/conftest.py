"""How the tests run: hypothesis profiles, and what happens where a program is missing."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# ape's compiler link, for a run of pytest that make did not start.
os.environ.setdefault("VVM_BINARY_PATH", str(ROOT / ".build" / "vvm"))

# No deadline: the first example of a test on a contract pays for its compilation.
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.register_profile("long", settings.get_profile("ci"), derandomize=False, max_examples=2_000)
settings.register_profile(
    "fuzz",
    settings.get_profile("long"),
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "40")),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what needs anvil, with the reason, where there is none."""
    if shutil.which("anvil"):
        return
    missing = pytest.mark.skip(reason="needs anvil: install Node >= 20, then run `make setup`")
    for item in items:
        if item.get_closest_marker("anvil"):
            item.add_marker(missing)
