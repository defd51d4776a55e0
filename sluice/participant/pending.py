"""What is still to come for an account, each thing one-time or standing. Pure.

Standing: splits, the stakes (they count in every round until changed), and what splits send to the
wallet, which leaves with every fortnight's batch. One-time: each signed instruction and each signed
withdrawal, which does what it says once and is then used up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from eth_utils.address import to_checksum_address

from sluice.account import Account, instruct
from sluice.errors import Refused
from sluice.instructions import NEVER, Instruction, Request, Signed
from sluice.ledger import ALL
from sluice.participant.now import AccountNow, Turn, free_turn, turn_of
from sluice.presets import split_in_words
from sluice.sending import nmr, when


class Lasts(StrEnum):
    """How often a pending thing happens."""

    ONE_TIME = "one-time"
    STANDING = "standing"


@dataclass(frozen=True, slots=True)
class Pending:
    """One thing to come: how often, what, and when or until when."""

    lasts: Lasts
    what: str
    when: str


def pending(seen: AccountNow, stored: Sequence[Signed]) -> list[Pending]:
    """Everything to come for the account; `stored`: its signed messages, of which those that can
    happen no more are left out."""
    account = seen.account
    found = [
        Pending(
            Lasts.STANDING,
            f"earnings of model {model}: {split_in_words(model, split)}",
            "in every pass, until changed",
        )
        for model, split in sorted(account.splits.items())
    ]
    if account.due_nano:
        what = f"{nmr(account.due_nano)} due to your wallet, and what splits add"
        arrives = turn_in_words(free_turn(seen), seen.now)
        found.append(Pending(Lasts.STANDING, what, f"{arrives}; no request needed"))
    if account.offered_to is not None:
        what = f"move of everything to {to_checksum_address(account.offered_to)}"
        state = "once that address accepts, while no round is announced"
        found.append(Pending(Lasts.ONE_TIME, what, state))
    found += _instructions(seen, instructions_of(seen, stored))
    found += [_request(seen, asked) for asked in requests_of(seen, stored)]
    return found


def instructions_of(seen: AccountNow, stored: Iterable[Signed]) -> list[Instruction]:
    """The account's signed instructions that can still happen, in the order of their nonces."""
    mine = (
        signed.message
        for signed in stored
        if isinstance(signed.message, Instruction) and signed.message.account == seen.address
    )
    alive = [i for i in mine if i.nonce >= seen.account.nonce and seen.now <= i.deadline]
    return sorted(alive, key=lambda asked: asked.nonce)


def requests_of(seen: AccountNow, stored: Iterable[Signed]) -> list[Request]:
    """The account's signed withdrawals that can still happen, in the order of their periods."""
    mine = (
        signed.message
        for signed in stored
        if isinstance(signed.message, Request) and signed.message.account == seen.address
    )
    alive = [r for r in mine if r.period > seen.account.period and seen.now <= r.deadline]
    return sorted(alive, key=lambda asked: asked.period)


def after_instructions(seen: AccountNow, instructions: Sequence[Instruction]) -> AccountNow:
    """The account once those that go through have; what is signed next builds on it."""
    for asked in instructions:
        after = seen.account.copy()
        try:
            _instruct(after, asked, seen.now)
        except Refused:
            continue
        seen = replace(seen, account=after)
    return seen


def next_nonce(seen: AccountNow, instructions: Sequence[Instruction]) -> int:
    """The first nonce that no instruction to come uses."""
    used = {asked.nonce for asked in instructions}
    free = range(seen.account.nonce, seen.account.nonce + len(used) + 1)
    return next(nonce for nonce in free if nonce not in used)


def turn_in_words(turn: Turn | None, now: int) -> str:
    """When the free withdrawal arrives."""
    if turn is None:
        return "never, the periods are over: withdraw it"
    starts = "" if turn.opens_at <= now else f", from {when(turn.opens_at)} on"
    return f"with the batch of period {turn.period}{starts}, by {when(turn.ends_at)}"


def instruction_in_words(asked: Instruction) -> str:
    """What an instruction does."""
    stakes = [f"stake of model {m} becomes {nmr(nano)}" for m, nano in asked.stakes_nano.items()]
    splits = [f"earnings of model {m}: {split_in_words(m, s)}" for m, s in asked.splits.items()]
    return "; ".join([*stakes, *splits])


def _instructions(seen: AccountNow, instructions: Sequence[Instruction]) -> list[Pending]:
    found = []
    for asked in instructions:
        what = f"instruction {asked.nonce}: {instruction_in_words(asked)}"
        after = seen.account.copy()
        try:
            _instruct(after, asked, seen.now)
        except Refused as error:
            state = f"would be skipped now ({error})"
        else:
            state = "with the next relay"
            seen = replace(seen, account=after)
        found.append(Pending(Lasts.ONE_TIME, what, f"{state}; {_until(asked.deadline)}"))
    return found


def _instruct(account: Account, asked: Instruction, now: int) -> None:
    instruct(account, asked.stakes_nano, asked.splits, asked.nonce, asked.deadline, now)


def _request(seen: AccountNow, asked: Request) -> Pending:
    amount = "all that is withdrawable" if asked.amount_nano == ALL else nmr(asked.amount_nano)
    turn = turn_of(seen, asked.period)
    state = f"{turn_in_words(turn, seen.now)}; {_until(asked.deadline)}"
    if asked.amount_nano > seen.withdrawable_nano:
        state += f"; waits while only {nmr(seen.withdrawable_nano)} are withdrawable"
    return Pending(Lasts.ONE_TIME, f"free withdrawal of {amount} to your wallet", state)


def _until(deadline: int) -> str:
    return "does not lapse" if deadline == NEVER else f"lapses after {when(deadline)}"
