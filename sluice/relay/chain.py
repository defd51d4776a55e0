"""What the chain's events say became of stored messages.

A message is found again by its bytes, not by who sent it: what somebody else relayed counts as
well. Pure, apart from the transactions that it is given to look up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eth_abi.abi import decode
from eth_utils.abi import function_signature_to_4byte_selector

from sluice.errors import InvalidInput
from sluice.events import (
    FreeWithdrawals,
    Item,
    Log,
    free_withdrawals,
    instructions_relayed,
    instructions_skipped,
)
from sluice.instructions import Request, SignedRequest, each_packed, pack, pack_instruction
from sluice.ledger import ALL, Skip
from sluice.relay.plan import USED, in_words
from sluice.relay.store import Outcome, State, Stored

PAY_SELECTOR = function_signature_to_4byte_selector("pay(uint256[],address[],bytes)")


@dataclass(frozen=True, slots=True)
class Where:
    """The transaction of a log: its hash and its block."""

    transaction: str
    block: int


def relayed(logs: Sequence[Log], where: Where, stored: Iterable[Stored]) -> list[Outcome]:
    """What became of stored instructions in one transaction, from its logs: applied, or skipped for
    good, or still to be done with the reason why it was not."""
    by_bytes: dict[bytes, list[Stored]] = {}
    for each in stored:
        asked = each.signed.message
        if not isinstance(asked, Request):
            by_bytes.setdefault(pack_instruction(asked), []).append(each)
    reasons = iter(instructions_skipped(logs))
    outcomes = []
    for batch in instructions_relayed(logs):
        for place, packed in enumerate(_packed(batch.instructions)):
            applied = batch.applied >> place & 1
            skipped = None if applied else next(reasons, None)
            for each in by_bytes.get(packed, ()):
                if applied:
                    outcomes.append(_applied(each, where))
                elif skipped is not None:
                    outcomes.append(_skipped(each, skipped.reason, skipped.reason == USED, where))
    return outcomes


def paid(
    logs: Sequence[Log], where: Where, calldata: bytes, stored: Iterable[Stored]
) -> list[Outcome]:
    """What became of stored requests in one transaction, from its logs and its calldata; where a
    contract stands between (a multisig as operator), by account and amount."""
    requests: dict[str, list[Stored]] = {}
    for each in stored:
        if isinstance(each.signed, SignedRequest):
            requests.setdefault(each.account, []).append(each)
    words = _request_words(calldata)
    outcomes = []
    for batch in free_withdrawals(logs):
        for place, item in enumerate(batch.items):
            if words is not None and place >= len(words):
                continue  # what is due stands behind the requests
            word = None if words is None else words[place]
            matching = [e for e in requests.get(item.account, ()) if _is(e, item, word, batch)]
            for each in matching[:1]:
                if item.skip is Skip.PAID:
                    outcomes.append(_applied(each, where))
                else:
                    used = item.skip is Skip.TURN_USED
                    outcomes.append(_skipped(each, in_words(item.skip), used, where))
    return outcomes


def by_transaction(logs: Iterable[Log]) -> list[tuple[Where, list[Log]]]:
    """Logs of a node, those of a transaction together, in the order of the chain."""
    found: dict[Where, list[Log]] = {}
    for log in logs:
        where = Where("0x" + bytes(log["transactionHash"]).hex(), int(log["blockNumber"]))
        found.setdefault(where, []).append(log)
    return list(found.items())


def _packed(instructions: bytes) -> list[bytes]:
    found = []
    try:
        for packed in each_packed(instructions):
            found.append(packed)
    except InvalidInput:
        # the contract takes no such bytes; what stands before them is still to be read
        pass
    return found


def _request_words(calldata: bytes) -> list[int] | None:
    """The requests of a direct call of `pay`; None if something else was called."""
    if calldata[:4] != PAY_SELECTOR:
        return None
    words, _, _ = decode(["uint256[]", "address[]", "bytes"], calldata[4:])
    return list(words)


def _is(each: Stored, item: Item, word: int | None, batch: FreeWithdrawals) -> bool:
    asked = each.signed.message
    assert isinstance(asked, Request)
    if word is not None:
        return pack(asked) == word
    if asked.period > batch.period:
        return False
    return item.skip is not Skip.PAID or asked.amount_nano in (ALL, item.paid_nano)


def _applied(each: Stored, where: Where) -> Outcome:
    return Outcome(each.number, State.APPLIED, None, where.transaction, where.block)


def _skipped(each: Stored, reason: str, for_good: bool, where: Where) -> Outcome:
    if for_good:
        return Outcome(each.number, State.SKIPPED, reason, where.transaction, where.block)
    return Outcome(each.number, State.PENDING, reason)
