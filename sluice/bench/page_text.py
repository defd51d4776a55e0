"""Pieces of a page of Markdown."""

from collections.abc import Collection, Sequence


def table(
    heading: Sequence[str],
    rows: Sequence[Sequence[str]],
    words: int = 1,
    words_at: Collection[int] = (),
) -> str:
    """A table; the first `words` columns and those `words_at` stand to the left, figures to the
    right."""
    marks = [
        ":--" if place < words or place in words_at else "--:" for place in range(len(heading))
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, marks, *rows))


def times(gas: int, of: int) -> str:
    """How many times as much."""
    ratio = gas / of
    return (
        f"{ratio:.1f} x" if ratio >= 10 else f"{ratio:.2f} x" if ratio >= 0.1 else f"{ratio:.2g} x"
    )


def share(gas: int, of: int) -> str:
    """How much of it, in per cent."""
    return f"{gas / of:.0%}"
