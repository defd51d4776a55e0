"""The real tournament rounds, which stand beside the project and never in it."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ROOT.parent / "shared" / "data" / "tournament_rounds_225_260.parquet"
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
