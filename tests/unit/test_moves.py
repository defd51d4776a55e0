"""Following accounts that moved to another address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import InvalidInput
from sluice.moves import NO_MOVES, Moved, Moves, Passed

A, B, C = "0xA", "0xB", "0xC"
THERE_AND_BACK = Moves((Moved(1, A, B), Moved(5, B, A), Moved(5, A, C)))


def test_an_account_is_followed_in_the_order_of_its_moves() -> None:
    assert [THERE_AND_BACK.of(each) for each in (A, B, C)] == [C, C, C]
    assert THERE_AND_BACK.until(1).of(A) == B
    assert THERE_AND_BACK.after(1).of(B) == C
    assert THERE_AND_BACK.after(5) == NO_MOVES
    assert Moves((Moved(1, B, C), Moved(2, A, B))).of(A) == B


def test_moves_touch_whom_they_take_elsewhere_in_the_end() -> None:
    assert Moves((Moved(1, A, B),)).touch([C, A])
    assert not Moves((Moved(1, A, B),)).touch([C])
    assert not THERE_AND_BACK.until(1).touch([])
    assert not Moves((Moved(1, A, B), Moved(2, B, A))).touch([A])


def test_a_move_onto_an_address_touches_it() -> None:
    """The account that came may be in the pass already, so that the entry would be refused."""
    assert Moves((Moved(1, A, B),)).touch([B])
    assert THERE_AND_BACK.touch([C])
    # there and back, but another account has come in between
    assert Moves((Moved(1, A, B), Moved(2, C, A))).touch([A])
    assert Moves((Moved(1, A, B), Moved(2, A, C), Moved(3, B, A), Moved(4, C, A))).touch([A])


@given(
    st.dictionaries(st.tuples(st.sampled_from([A, B, C]), st.integers(0, 2)), st.integers(-3, 3))
)
def test_payouts_stay_as_they_are_where_nobody_moves(payouts: dict[tuple[str, int], int]) -> None:
    assert NO_MOVES.payouts(payouts) == {key: paid for key, paid in payouts.items() if paid}


def test_payouts_of_two_rows_never_become_one() -> None:
    moves = Moves((Moved(1, A, B),))

    assert moves.payouts({(A, 0): 1, (B, 0): 0, (B, 1): 2}) == {(B, 0): 1, (B, 1): 2}
    with pytest.raises(InvalidInput, match="both have a payout of model 0: keep one"):
        moves.payouts({(A, 0): 1, (B, 0): 2})


def test_a_row_that_is_applied_is_not_paid_again_to_the_account_that_moved_in() -> None:
    """B was in the pass, then A, which was not, moved onto it: of the two rows A's is left."""
    moves, passed = Moves((Moved(5, A, B),)), [Passed(5, B)]

    assert moves.payouts({(A, 0): -10, (B, 0): 5, (B, 1): 5}, (), passed) == {(B, 0): -10}
    assert moves.payouts({(A, 0): -10, (C, 0): 5}, (), [Passed(4, C)]) == {(B, 0): -10}
    assert moves.staked({A: 2, B: 3}, (), passed) == {B: 2}
    # A was in the pass too: nothing is left of either, and neither row is in the other's way
    both = [Passed(4, A), Passed(5, B)]
    assert (B, 0) in moves.payouts({(A, 0): -10, (B, 0): 5}, [B], both)
    # A had moved when the link was applied: its row is
    assert moves.payouts({(A, 0): -10}, (), [Passed(6, B)]) == {}
    assert moves.payouts({(A, 0): -10}, (), [Passed(5, A)]) == {}


def test_stakes_of_two_that_are_one_now_are_not_added_up() -> None:
    """Each was asked for the minimum by itself when the round was announced."""
    assert Moves((Moved(1, A, B),)).staked({A: 3, B: 2, C: 1}) == {B: 3, C: 1}
