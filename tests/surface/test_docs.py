"""What the documents name exists, and the figures they show are the measured ones."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DEFINED = set(
    re.findall(
        r"^\s*def (\w+)\(",
        "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("*.py"))),
        re.MULTILINE,
    )
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_tests_that_exist(document: Path) -> None:
    text = document.read_text()
    named = set(re.findall(r"`(test_\w+)`", text))
    for row in re.findall(r"^\| I\d+ \|.*\|(.*)\|$", text, re.MULTILINE):
        named |= set(re.findall(r"`(\w+)`", row))

    assert sorted(named - DEFINED) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_files_that_exist(document: Path) -> None:
    named = re.findall(
        r"`((?:contracts|sluice|scripts|tests|docs|bench)/[\w./-]*)`", document.read_text()
    )

    assert [path for path in named if not (ROOT / path).exists()] == []


def test_readme_shows_the_gas_of_the_snapshot() -> None:
    snapshot = json.loads((ROOT / "bench" / "gas.json").read_text())
    rows = re.findall(
        r"^\| .* \(`(\w+)`\) \| ([\d,]+) \| ([\d,]*) ?\| (\d*%?) ?\|$",
        (ROOT / "README.md").read_text(),
        re.MULTILINE,
    )

    assert len(rows) >= 8
    for key, gas, plain, share in rows:
        assert gas == f"{snapshot[key]:,}"
        if plain:
            assert plain == f"{snapshot['plain_' + key]:,}"
            assert share == f"{snapshot[key] / snapshot['plain_' + key]:.0%}"
