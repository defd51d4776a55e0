"""Signed messages as text: one JSON object a line.

    {"kind": "withdrawal", "account": "0x…", "amount_nano": 1500000000, "period": 7,
     "deadline": 1700000000, "chain_id": 1, "contract": "0x…", "signature": "0x…"}
    {"kind": "instruction", "account": "0x…", "stakes_nano": {"0": 5000000000, "3": 0},
     "splits": {"3": [[254, 7500], [255, 2500]]}, "nonce": 0, "deadline": "never",
     "chain_id": 1, "contract": "0x…", "signature": "0x…"}

`amount_nano` may be "all", `deadline` "never"; a split lists destination and share in basis points
(254 the pool, 255 the wallet), an empty one is the default.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sluice.account import Split
from sluice.errors import InvalidInput
from sluice.instructions.changes import Instruction, instruction
from sluice.instructions.domain import NEVER, Domain
from sluice.instructions.signing import Signed, SignedRequest, with_signature
from sluice.instructions.withdrawals import Request, request
from sluice.ledger import ALL

WITHDRAWAL = "withdrawal"
INSTRUCTION = "instruction"


def write_messages(signed: Iterable[Signed], path: Path) -> None:
    """Adds signed messages to the end of a file, which is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(line(each) + "\n" for each in signed)


def read_messages(path: Path, domain: Domain) -> list[Signed]:
    """Reads a file of signed messages, all of which have to be for `domain`; InvalidInput, naming
    file, line and remedy, for one that is not or that is no message. Signatures are not checked."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: {error}: name a file of signed messages") from error
    found = []
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            found.append(parse(text, domain))
        except InvalidInput as error:
            raise InvalidInput(
                f"{path.name}, line {number}: {error}; correct the line or leave it out"
            ) from error
    return found


def read_requests(path: Path, domain: Domain) -> list[SignedRequest]:
    """Reads a file of signed requests; InvalidInput, besides as `read_messages`, for one that holds
    an instruction."""
    requests = []
    for signed in read_messages(path, domain):
        if not isinstance(signed, SignedRequest):
            raise InvalidInput(
                f"{path.name}: an instruction of {signed.message.account} is among the requests; "
                "`ape run relay add` takes both"
            )
        requests.append(signed)
    return requests


def line(signed: Signed) -> str:
    """The message as a line, without its end."""
    asked = signed.message
    kind = WITHDRAWAL if isinstance(asked, Request) else INSTRUCTION
    document = {
        "kind": kind,
        "account": asked.account,
        **(_request_fields(asked) if isinstance(asked, Request) else _instruction_fields(asked)),
        "deadline": "never" if asked.deadline == NEVER else asked.deadline,
        "chain_id": signed.domain.chain_id,
        "contract": signed.domain.contract,
        "signature": "0x" + signed.signature.hex(),
    }
    return json.dumps(document)


def parse(text: str, domain: Domain) -> Signed:
    """The message of a line; InvalidInput if it is none, or not for `domain`."""
    document, until = read_terms(text, domain)
    try:
        signature = read_signature(document["signature"])
        # requests were stored without their kind before there were instructions
        kind = document.get("kind", WITHDRAWAL)
        if kind == WITHDRAWAL:
            return with_signature(_request(document, until), domain, signature)
        if kind == INSTRUCTION:
            return with_signature(_instruction(document, until), domain, signature)
    except KeyError as error:
        raise InvalidInput(f"field {error} is missing") from error
    raise InvalidInput(f"kind is {kind}: write {WITHDRAWAL} or {INSTRUCTION}")


def read_terms(text: str, domain: Domain) -> tuple[dict[str, Any], int]:
    """The JSON object of a message, and its deadline; InvalidInput if it is none, or not for
    `domain`."""
    try:
        document = json.loads(text)
        if not isinstance(document, dict):
            raise InvalidInput("no JSON object")
        for name, wanted in (("chain_id", domain.chain_id), ("contract", domain.contract)):
            if document[name] != wanted:
                raise InvalidInput(f"it is signed for {name} {document[name]}, not for {wanted}")
        deadline = document["deadline"]
    except KeyError as error:
        raise InvalidInput(f"field {error} is missing") from error
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    return document, NEVER if deadline == "never" else whole("deadline", deadline)


def read_signature(value: object) -> bytes:
    """The bytes of a signature in hexadecimal; InvalidInput if it is none."""
    try:
        return bytes.fromhex(str(value).removeprefix("0x"))
    except ValueError as error:
        raise InvalidInput(str(error)) from error


def _request_fields(asked: Request) -> dict[str, object]:
    amount = "all" if asked.amount_nano == ALL else asked.amount_nano
    return {"amount_nano": amount, "period": asked.period}


def _instruction_fields(asked: Instruction) -> dict[str, object]:
    return {
        "stakes_nano": {str(model): stake for model, stake in asked.stakes_nano.items()},
        "splits": {str(model): [list(part) for part in split] for model, split in
                   asked.splits.items()},
        "nonce": asked.nonce,
    }  # fmt: skip


def _request(document: dict[str, Any], deadline: int) -> Request:
    amount = document["amount_nano"]
    return request(
        str(document["account"]),
        ALL if amount == "all" else whole("amount_nano", amount),
        whole("period", document["period"]),
        deadline,
    )


def _instruction(document: dict[str, Any], deadline: int) -> Instruction:
    stakes, splits = document["stakes_nano"], document["splits"]
    if not isinstance(stakes, dict) or not isinstance(splits, dict):
        raise InvalidInput("stakes_nano and splits are objects with a field for each model")
    return instruction(
        str(document["account"]),
        {_model(model): whole("stake", stake) for model, stake in stakes.items()},
        {_model(model): _split(split) for model, split in splits.items()},
        whole("nonce", document["nonce"]),
        deadline,
    )


def _split(value: object) -> Split:
    if not isinstance(value, list):
        raise InvalidInput(f"split is {value}: write a list of destination and share")
    parts = []
    for part in value:
        if not isinstance(part, list) or len(part) != 2:
            raise InvalidInput(f"part {part}: write destination and share")
        parts.append((whole("destination", part[0]), whole("share", part[1])))
    return tuple(parts)


def _model(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or str(int(text)) != text:
        raise InvalidInput(f"model {text}: write its number")
    return int(text)


def whole(name: str, value: object) -> int:
    """A number of a message's text; InvalidInput if it is none."""
    # a bool is an int to Python, and -1 means ALL inside but nothing in a file
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidInput(f"{name} is {value}: write a whole number")
    return value
