"""A rebuilt escrow as text and back, so that an audit goes on where one ended.

Accounts stand as the contract's own words; everything else by name. The text is canonical: equal
states have equal texts.
"""

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from sluice.audit.findings import Check, Finding
from sluice.audit.journal import Announcement, End
from sluice.audit.rebuild import Rebuild
from sluice.moves import Moved
from sluice.parameters import Parameters
from sluice.roles import Roles
from sluice.stored import account_of

FORM = 2
"""Of the text; another one is not read."""


def to_text(rebuilt: Rebuild) -> str:
    """The state between two blocks."""
    ledger, journal = rebuilt.ledger, rebuilt.journal
    document = {
        "form": FORM,
        "parameters": asdict(rebuilt.parameters),
        "accounts": {
            account: {str(place): f"{word:x}" for place, word in ledger.words(account).items()}
            for account in sorted(ledger.accounts)
        },
        "reserve_nano": ledger.reserve_nano,
        "burned_nano": ledger.burned_nano,
        "resolved": ledger.resolved,
        "digest": ledger.digest.hex(),
        "announced_at": ledger.announced_at,
        "announcements": [
            {**asdict(each), "digest": each.digest.hex()} for each in journal.announcements
        ],
        "hashes": [each.hex() for each in journal.hashes],
        "paused_at": ledger.paused_at,
        "roles": asdict(rebuilt.roles),
        "counts": dict(sorted(rebuilt.counts.items())),
        "done": dict(sorted(rebuilt.done.items())),
        "moves": [asdict(each) for each in rebuilt.moves],
        "findings": [asdict(each) for each in rebuilt.findings],
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True)


def from_text(text: str, parameters: Parameters) -> Rebuild:
    """The state of a text; ValueError if it is none, KeyError or TypeError if something of it is
    missing, or of another kind."""
    document: dict[str, Any] = json.loads(text)
    if document["form"] != FORM or document["parameters"] != asdict(parameters):
        raise ValueError("it is of another form, or of another deployment")
    rebuilt = Rebuild(parameters)
    ledger, journal = rebuilt.ledger, rebuilt.journal
    for account, words in document["accounts"].items():
        by_place = {int(place): int(word, 16) for place, word in words.items()}
        ledger.accounts[account] = account_of(by_place, parameters)
    ledger.reserve_nano = int(document["reserve_nano"])
    ledger.burned_nano = int(document["burned_nano"])
    ledger.resolved = journal.resolved = int(document["resolved"])
    ledger.digest = bytes.fromhex(document["digest"])
    ledger.announced_at = int(document["announced_at"])
    journal.announcements = [
        Announcement(**{**each, "digest": bytes.fromhex(each["digest"]), "end": End(each["end"])})
        for each in document["announcements"]
    ]
    journal.hashes = [bytes.fromhex(each) for each in document["hashes"]]
    ledger.paused_at = int(document["paused_at"])
    rebuilt.roles = Roles(**document["roles"])
    rebuilt.counts = Counter(document["counts"])
    rebuilt.done = Counter(document["done"])
    rebuilt.moves = [Moved(**each) for each in document["moves"]]
    rebuilt.findings = [
        Finding(**{**each, "check": Check(each["check"])}) for each in document["findings"]
    ]
    return rebuilt
