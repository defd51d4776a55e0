"""The guardian's pause as the commands meet it: whether it is on, until when, and how they end.

A pause stops deposits, relays, passes and batches for one round length at most. It never stops
`withdraw`, `set_stakes`, `set_split`, `leave`, and no clock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sluice.errors import Refused
from sluice.escrow import Escrow
from sluice.sending import COME_BACK_LATER, Output, when

PAUSED = "paused: withdraw() and set_stakes() work, see paused_at()"
"""The contract's words."""
WORKS_WHILE_PAUSED = "withdrawals, stakes and splits by an account's own transaction work"


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that is on: when it began, and the first second at which it is over by itself (unix
    seconds)."""

    began: int
    ends: int

    def __str__(self) -> str:
        return (
            f"the escrow is paused since {when(self.began)}, until {when(self.ends)} at the latest"
        )

    def document(self) -> dict[str, int]:
        """The same for --json."""
        return {"paused_at": self.began, "ends_at": self.ends}


def pause_at(paused_at: int, round_length_s: int, now: int) -> Pause | None:
    """The pause that is on at a time; `paused_at` as the contract has it, 0 = none."""
    pause = Pause(paused_at, paused_at + round_length_s)
    return pause if paused_at and now < pause.ends else None


def pause_now(escrow: Escrow) -> Pause | None:
    """The pause that a transaction sent now would meet."""
    return pause_at(escrow.paused_at(), escrow.parameters().round_length_s, escrow.time())


@contextmanager
def unless_paused(escrow: Escrow, output: Output) -> Iterator[None]:
    """Around what a pause stops: while one is on, also if it begins in the middle, the command says
    until when and ends, to be run again then. What was not sent stays as it is."""
    end_if_paused(escrow, output)
    try:
        yield
    except Refused as error:
        if PAUSED in str(error):
            end_if_paused(escrow, output)
        raise


def end_if_paused(escrow: Escrow, output: Output) -> None:
    """Ends the command while a pause is on."""
    pause = pause_now(escrow)
    if pause is not None:
        output.say(
            f"{pause}: nothing is sent and nothing is lost, run this again then; "
            f"{WORKS_WHILE_PAUSED}"
        )
        document = {"phase": "paused", **pause.document(), "come_back_at": pause.ends}
        output.end(document, COME_BACK_LATER)
