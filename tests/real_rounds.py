"""The real tournament rounds, which stand beside the project and never in it."""

import hashlib
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ROOT.parent / "shared" / "data" / "tournament_rounds_225_260.parquet"
ROUNDS_225_260_SHA256 = "6d18350f15d10a4bdc5cab7d2f102f073e882bb0271158f8760427a96831e0e1"
REASON = "left out: no file of real rounds; name one in SLUICE_ROUNDS (csv or parquet)"


def real_rounds_file() -> Path | None:
    """The file that SLUICE_ROUNDS names, else the one beside the repository, else None.

    A name given that leads nowhere is a mistake, not a reason to leave tests out."""
    named = os.environ.get("SLUICE_ROUNDS")
    if named:
        path = Path(named)
        if not path.is_file():
            raise FileNotFoundError(f"SLUICE_ROUNDS names {named}, which is no file")
        return path
    return BESIDE if BESIDE.is_file() else None


needs_real_rounds = pytest.mark.skipif(real_rounds_file() is None, reason=REASON)
"""Leaves a test out, with the reason printed, where there is no file of real rounds."""


def _holds_rounds_225_260() -> bool:
    path = real_rounds_file()
    return path is not None and (
        hashlib.sha256(path.read_bytes()).hexdigest() == ROUNDS_225_260_SHA256
    )


needs_rounds_225_260 = pytest.mark.skipif(
    not _holds_rounds_225_260(),
    reason="left out: checks figures known of the file of rounds 225-260, which is not at hand",
)
"""For tests of figures that hold for one file only, whatever else SLUICE_ROUNDS may name."""
