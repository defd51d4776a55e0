"""What a move to another address does, as it is said before anything is signed."""

from sluice.account import Account
from sluice.parameters import Parameters
from sluice.participant.moving import rows_of, what_moves
from sluice.participant.now import AccountNow
from sluice.words import POOL

NMR = 10**9
START = 1_700_000_000
PARAMETERS = Parameters(1, START + 60, START)
OLD, NEW = "0x" + "0a" * 20, "0x" + "0b" * 20


def seen(**account: object) -> AccountNow:
    """The old account with these fields."""
    return AccountNow(OLD, Account(**account), PARAMETERS, 0, 0, START + 10)  # type: ignore[arg-type]


def test_it_is_said_what_backs_the_old_rounds_then() -> None:
    """The other address' pool is at risk with a move, and its owner signs that."""
    at_risk = what_moves(seen(pool_nano=5, risks_units={1: 3, 2: 2}), NEW, 7 * NMR)
    free = what_moves(seen(pool_nano=5), NEW, 7 * NMR)

    assert any(f"the pool of {NEW} (7.000000000 NMR) stays, and backs" in text for text in at_risk)
    assert not any("backs the old rounds" in text for text in free)
    for sentences in (at_risk, free):
        said = " ".join(sentences)
        for word in ("no burn is escaped", "no round is announced", "nonce", "period", "undo"):
            assert word in said


def test_everything_that_goes_along_is_shown() -> None:
    rows = dict(
        rows_of(
            seen(
                stakes_nano={3: NMR},
                pool_nano=2 * NMR,
                due_nano=NMR,
                splits={3: ((POOL, 10_000),)},
            )
        )
    )

    assert rows == {
        "stake of model 3": "1.000000000 NMR",
        "pool": "2.000000000 NMR",
        "due, of the pool": "1.000000000 NMR",
        "at risk in open rounds": "0.000000000 NMR",
        "splits": "of 1 models",
    }
