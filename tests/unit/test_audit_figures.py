"""How long audits take, as measured."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
COLUMNS = ("events", "entries", "words", "first_s", "again_s", "a_week_later_s", "all_again_s")


def test_the_document_has_the_measured_figures() -> None:
    measured = json.loads((ROOT / "bench" / "audit.json").read_text())
    rows = re.findall(
        r"^\| (\d+) weeks, ([\d,]+) accounts \|(.*)\|$",
        (ROOT / "docs" / "audit.md").read_text(),
        re.MULTILINE,
    )

    assert len(rows) == len(measured)
    for weeks, accounts, cells in rows:
        figures = measured[f"{weeks} weeks, {accounts.replace(',', '')} accounts"]
        shown = [float(re.sub(r"[ ,s]", "", cell)) for cell in cells.split("|")]
        assert shown == [figures[column] for column in COLUMNS]
