"""The guardian's pause as the commands meet it."""

import json
from typing import Any

import pytest

from sluice.errors import Refused
from sluice.parameters import Parameters
from sluice.pausing import PAUSED, Pause, pause_at, unless_paused
from sluice.remedies import remedy
from sluice.sending import COME_BACK_LATER, Output

WEEK = 7 * 24 * 3600
BEGAN = 1_700_000_000


class Chain:
    """What `unless_paused` asks of an escrow."""

    def __init__(self, paused_at: int = 0, becomes: int = 0) -> None:
        self.at, self.becomes, self.now = paused_at, becomes, BEGAN

    def paused_at(self) -> int:
        return self.at

    def parameters(self) -> Parameters:
        return Parameters(1, BEGAN, BEGAN, WEEK)

    def time(self) -> int:
        return self.now


@pytest.mark.parametrize(
    ("paused_at", "now", "is_on"),
    [
        (0, BEGAN, False),
        (0, WEEK - 1, False),
        (BEGAN, BEGAN, True),
        (BEGAN, BEGAN + WEEK - 1, True),
        (BEGAN, BEGAN + WEEK, False),
    ],
)
def test_a_pause_is_on_for_one_round_length(paused_at: int, now: int, is_on: bool) -> None:
    """N7: it ends by itself, to the second."""
    pause = pause_at(paused_at, WEEK, now)

    assert pause == (Pause(BEGAN, BEGAN + WEEK) if is_on else None)


def test_a_pause_says_until_when() -> None:
    text = str(Pause(BEGAN, BEGAN + WEEK))

    assert text == (
        "the escrow is paused since 2023-11-14 22:13:20 UTC, until 2023-11-21 22:13:20 UTC at the "
        "latest"
    )


def runs(chain: Any, refused: Refused | None = None) -> None:
    """A command that a pause stops; `refused`: by the contract, in the middle of it."""
    with unless_paused(chain, Output(as_json=True)):
        if refused is not None:
            chain.at = chain.becomes
            raise refused


def ended(capsys: pytest.CaptureFixture[str], chain: Any, refused: Refused | None = None) -> Any:
    """The document with which a command ends in a pause."""
    with pytest.raises(SystemExit) as end:
        runs(chain, refused)
    assert end.value.code == COME_BACK_LATER
    return json.loads(capsys.readouterr().out)


def test_a_command_ends_while_paused(capsys: pytest.CaptureFixture[str]) -> None:
    document = ended(capsys, Chain(BEGAN))

    assert document == {
        "phase": "paused",
        "paused_at": BEGAN,
        "ends_at": BEGAN + WEEK,
        "come_back_at": BEGAN + WEEK,
    }
    refused = Refused(f"round 7: the contract refuses the batch from link 0 on: {PAUSED}")
    assert ended(capsys, Chain(becomes=BEGAN), refused) == document


@pytest.mark.parametrize("words", ["resolve: nothing is announced, see round_state()", PAUSED])
def test_a_refusal_without_a_pause_is_one(words: str) -> None:
    """Also the contract's words for one that was over again before it was looked at."""
    with pytest.raises(Refused) as refusal:
        runs(Chain(), Refused(words))
    assert str(refusal.value) == words


def test_the_contracts_words_have_their_remedy() -> None:
    assert remedy(PAUSED)
