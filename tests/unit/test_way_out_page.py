"""docs/way-out.md: what it tells people to send is what the contract takes."""

import json
import re
from pathlib import Path

from sluice.calls import calls
from sluice.ledger import ALL

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "way-out.md").read_text()
SURFACE = ROOT / "tests" / "surface"


def functions(file: str) -> set[str]:
    """The signatures of an interface: names and types of arguments."""
    return {
        f"{each['name']}({','.join(given['type'] for given in each['inputs'])})"
        for each in json.loads((SURFACE / file).read_text())
        if each["type"] == "function"
    }


def test_way_out_page_has_the_calldata_of_leaving() -> None:
    """N2: raw data that any wallet can send."""
    rows = dict(re.findall(r"^\| `(\w+\(\w*\))` \| `(0x[0-9a-f]+)` \|$", PAGE, re.MULTILINE))

    assert rows == {
        "leave()": "0x" + calls.leave().hex(),
        "withdraw(max)": "0x" + calls.withdraw(ALL).hex(),
    }
    assert str(2**256 - 1) in PAGE


def test_way_out_page_names_functions_that_exist() -> None:
    sent = set(re.findall(r'cast send \$ESCROW "([^"]+)"', PAGE))
    looked_at = set(re.findall(r'cast call \$LENS "(\w+\([\w,]*\))', PAGE))

    assert sent == {"leave()", "withdraw(uint256)"}
    assert sent <= functions("abi.json")
    assert looked_at == {"schedule(address)"}
    assert looked_at <= functions("abi_lens.json")
