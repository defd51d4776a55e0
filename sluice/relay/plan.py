"""Which of the stored instructions to send now, in which batches. Pure.

The reference model says what the contract would do with each, one after the other. What would be
skipped is left out, with the reason; it stays in the store for as long as it can still become good.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sluice.account import instruct
from sluice.errors import Refused
from sluice.instructions import (
    MAX_ITEMS,
    MAX_RELAY_BYTES,
    Instruction,
    Request,
    SignedInstruction,
    pack_instruction,
    signature_bytes,
)
from sluice.ledger import Ledger, Skip
from sluice.relay.store import Outcome, State, Stored
from sluice.relay.wallets import WALLET_GAS
from sluice.words import model_page

NOT_SIGNED = "signature: not the account's"
USED = "instruction: its nonce is used or cancelled"

CALL_GAS = 300_000
INSTRUCTION_GAS = 45_000
"""The most that the signature, the account word and the nonce of one take."""
PAGE_GAS = 23_000
SPLIT_GAS = 28_000
"""The most that a stake page and a split take: a slot that was empty."""
STAKE_GAS = 1_500
SIGNATURE_BYTE_GAS = 16
BATCH_GAS = 15_000_000


@dataclass(frozen=True, slots=True)
class Planned:
    """A stored instruction, and the contract's words for why it is not to be sent now (None: it
    is)."""

    stored: Stored
    instruction: Instruction
    reason: str | None


def plan(
    stored: Iterable[Stored], book: Ledger, signed: Collection[int], now: int
) -> list[Planned]:
    """What to send, in the order given, which has an account's instructions in the order of their
    nonces. `book` holds their accounts and is changed; `signed`: the numbers of those whose
    signature is good."""
    planned = []
    for each in stored:
        if isinstance(each.signed, SignedInstruction):
            asked = each.signed.message
            reason = _apply(asked, book, each.number in signed, now)
            planned.append(Planned(each, asked, reason))
    return planned


def batches(planned: Sequence[Planned]) -> list[list[Stored]]:
    """Those to be sent, in order, in transactions that fit by number, by length and, as far as one
    can know beforehand, by gas."""
    found: list[list[Stored]] = []
    gas = length = signed = 0
    for each in planned:
        if each.reason is not None:
            continue
        more = instruction_gas(each)
        packed = len(pack_instruction(each.instruction))
        signature = signature_bytes(each.stored.signed, each.stored.by_key)
        full = not found or len(found[-1]) == MAX_ITEMS or gas + more > BATCH_GAS
        if full or max(length + packed, signed + signature) > MAX_RELAY_BYTES:
            found.append([])
            gas, length, signed = CALL_GAS, 0, 0
        found[-1].append(each.stored)
        gas += more
        length += packed
        signed += signature
    return found


def instruction_gas(planned: Planned) -> int:
    """The most that an instruction takes in a batch."""
    asked = planned.instruction
    pages = {model_page(model) for model in (*asked.stakes_nano, *asked.splits)}
    gas = INSTRUCTION_GAS + PAGE_GAS * len(pages)
    gas += STAKE_GAS * len(asked.stakes_nano) + SPLIT_GAS * len(asked.splits)
    gas += SIGNATURE_BYTE_GAS * len(planned.stored.signed.signature)
    return gas if planned.stored.by_key else gas + WALLET_GAS


def dead(stored: Stored, book: Ledger, now: int) -> Outcome | None:
    """What became of an open message that no transaction can apply any more; None: one still
    can."""
    asked = stored.signed.message
    account = book.account(asked.account)
    if isinstance(asked, Request):
        if account.period >= asked.period:
            return Outcome(stored.number, State.SKIPPED, in_words(Skip.TURN_USED))
    elif account.nonce > asked.nonce:
        return Outcome(stored.number, State.SKIPPED, USED)
    if now > asked.deadline:
        return Outcome(stored.number, State.EXPIRED)
    return None


def in_words(skip: Skip) -> str:
    """A reason of `pay`."""
    return skip.name.lower().replace("_", " ")


def _apply(asked: Instruction, book: Ledger, signed: bool, now: int) -> str | None:
    account = book.account(asked.account).copy()
    arguments = (asked.stakes_nano, asked.splits, asked.nonce, asked.deadline, now)
    try:
        instruct(account, *arguments)
    except Refused as error:
        reason = str(error)
        # the contract looks at the signature after the instruction's own field, before its changes
        return reason if signed or reason.startswith("instruction:") else NOT_SIGNED
    if not signed:
        return NOT_SIGNED
    book.apply_instruction(asked.account, *arguments)
    return None
