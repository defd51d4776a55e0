"""set_split(model, destinations, shares)"""

import pytest

from sluice.words import (
    MAX_AMOUNT_NANO,
    POOL,
    SPLIT_PLACE,
    WALLET,
    unpack_account,
    unpack_page,
    unpack_split,
)
from tests.escrow_world import World, refuses
from tests.messages import packed_parts

ALL_TO_THE_POOL = ((POOL, 10_000),)
EIGHT = ((WALLET, 1_250), *((model, 1_250) for model in (0, 1, 5, 63, 64, 7)), (POOL, 1_250))


def set_split(world: World, account: str, model: int, split: tuple[tuple[int, int], ...]) -> None:
    world.escrow.set_split(
        model,
        [destination for destination, _ in split],
        [share for _, share in split],
        sender=account,
    )


def stored_split(world: World, account: str, model: int) -> tuple[tuple[int, int], ...]:
    return unpack_split(world.words(account).get(SPLIT_PLACE + model, 0)).parts


# --- refusals, in the order of the code -----------------------------------------------------------


@pytest.mark.parametrize(
    ("destinations", "shares"), [([0], []), ([], [10_000]), ([0, 1], [10_000])]
)
def test_set_split_refuses_shares_that_do_not_match(
    world: World, staker: str, destinations: list[int], shares: list[int]
) -> None:
    with refuses("split: give one share for each destination"):
        world.escrow.set_split(0, destinations, shares, sender=staker)


def test_set_split_refuses_nine_destinations(world: World, staker: str) -> None:
    with refuses("split: at most 8 destinations"):
        world.escrow.set_split(0, list(range(9)), [1_000] * 8 + [2_000], sender=staker)


@pytest.mark.parametrize("model", [65, 255, 2**256 - 1])
def test_set_split_refuses_a_model_beyond_64(world: World, staker: str, model: int) -> None:
    with refuses("models: numbered 0 to 64"):
        world.escrow.set_split(model, [POOL], [10_000], sender=staker)


@pytest.mark.parametrize("destination", [65, 253, 256, 256 + POOL, 2**256 - 1])
def test_set_split_refuses_a_destination_that_is_none(
    world: World, staker: str, destination: int
) -> None:
    with refuses("split: destinations are models 0 to 64, POOL 254 or WALLET 255"):
        world.escrow.set_split(0, [POOL, destination], [5_000, 5_000], sender=staker)


@pytest.mark.parametrize("destination", [0, 64, POOL, WALLET])
def test_set_split_refuses_a_destination_named_twice(
    world: World, staker: str, destination: int
) -> None:
    with refuses("split: a destination is named twice"):
        world.escrow.set_split(
            0, [destination, 3, destination], [5_000, 1_000, 4_000], sender=staker
        )


@pytest.mark.parametrize("share", [0, 10_001, 2**14, 2**14 + 5_000, 2**256 - 1])
@pytest.mark.parametrize("place", [0, 1])
def test_set_split_refuses_a_share_out_of_range(
    world: World, staker: str, share: int, place: int
) -> None:
    shares = [10_000, 10_000]
    shares[place] = share

    with refuses("split: a share is 1 to 10_000 basis points"):
        world.escrow.set_split(1, [5, 0], shares if place == 0 else [share, 1][::-1], sender=staker)


@pytest.mark.parametrize("shares", [[9_999], [5_000, 4_999], [5_000, 5_001], [10_000, 1]])
def test_set_split_refuses_shares_that_do_not_sum(
    world: World, staker: str, shares: list[int]
) -> None:
    """S6 S12: exactly 10,000 basis points."""
    with world.unchanged(), refuses("split: shares must sum to 10_000 basis points"):
        world.escrow.set_split(0, list(range(len(shares))), shares, sender=staker)


# --- what it does ---------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [0, 1, 4, 5, 64])
@pytest.mark.parametrize("split", [ALL_TO_THE_POOL, EIGHT, ((3, 1), (WALLET, 9_999))])
def test_set_split_stores_the_parts_and_the_flag(
    world: World, staker: str, model: int, split: tuple[tuple[int, int], ...]
) -> None:
    """S6 S12 S17: over several models, pool and wallet."""
    world.stake(staker, {0: 5, 4: 7}, pool_nano=9)
    before = world.words(staker)

    with world.moves():
        set_split(world, staker, model, split)

    assert stored_split(world, staker, model) == split
    assert world.events() == [
        ("SplitSet", {"account": staker, "model": model, "parts": packed_parts(split)})
    ]
    page, position = (model + 3) // 4, (model - 1) % 4
    words = world.words(staker)
    assert unpack_account(words[0]).flags == (model == 0)
    assert unpack_account(words[0]).pages == max(page, 1)
    if page:
        assert unpack_page(words[page]).flags == 1 << position
        assert unpack_page(words[page]).stakes_nano == unpack_page(before.get(page, 0)).stakes_nano


@pytest.mark.parametrize("model", [0, 3, 64])
def test_set_split_with_nothing_named_is_the_default_again(
    world: World, staker: str, model: int
) -> None:
    """S16: everything back to the model, as for an account that set nothing."""
    world.stake(staker, {0: 5, 3: 6, 64: 7})
    before = world.words(staker)

    set_split(world, staker, model, EIGHT)
    set_split(world, staker, model, ())

    assert world.words(staker) == before


def test_set_split_of_one_model_leaves_the_others(
    world: World, staker: str, other_staker: str
) -> None:
    set_split(world, staker, 1, ALL_TO_THE_POOL)
    set_split(world, staker, 2, EIGHT)
    set_split(world, other_staker, 0, ALL_TO_THE_POOL)
    set_split(world, staker, 1, ())

    assert stored_split(world, staker, 1) == ()
    assert stored_split(world, staker, 2) == EIGHT
    assert unpack_page(world.words(staker)[1]).flags == 0b10
    assert stored_split(world, other_staker, 0) == ALL_TO_THE_POOL


def test_set_split_keeps_what_is_due_and_the_nonce(world: World, staker: str) -> None:
    world.escrow.cancel_instructions(7, sender=staker)

    set_split(world, staker, 0, EIGHT)
    set_split(world, staker, 0, ALL_TO_THE_POOL)

    assert unpack_split(world.words(staker)[SPLIT_PLACE]).nonce == 7
    assert stored_split(world, staker, 0) == ALL_TO_THE_POOL


@pytest.mark.parametrize("model", [0, 1, 64])
def test_set_split_to_the_default_where_none_was_set_writes_nothing(
    world: World, staker: str, model: int
) -> None:
    """No page comes into use, so that nobody pays for one later."""
    with world.unchanged():
        set_split(world, staker, model, ())
        events = world.events()
    assert events == [("SplitSet", {"account": staker, "model": model, "parts": 0})]


@pytest.mark.parametrize("model", [0, 61, 64])
def test_set_split_leaves_full_neighbours_alone(world: World, staker: str, model: int) -> None:
    """The flag stands next to amounts and counters of all ones."""
    account_word = (1 << 249) - 1 | 16 << 249 | 1 << 255
    page_word = MAX_AMOUNT_NANO * (1 + (1 << 54) + (1 << 108) + (1 << 162)) | 0b0110 << 216
    split_word = (2**80 - 1) << 176
    world.put(staker, {0: account_word, 16: page_word, SPLIT_PLACE: split_word})
    before = world.words(staker)

    set_split(world, staker, model, EIGHT)

    changed = {0: 1 << 254, 61: 1 << 216, 64: 1 << 219}[model]
    place = 0 if model == 0 else 16
    after = world.words(staker)
    assert after.pop(SPLIT_PLACE + model) & (2**176 - 1) == packed_parts(EIGHT)
    assert after.pop(place) == before.pop(place) | changed
    before.pop(SPLIT_PLACE + model, None)
    assert after == before
    set_split(world, staker, model, ())
    assert world.words(staker)[place] & changed == 0


def test_set_split_works_while_a_round_is_announced_and_after_the_last(
    world: World, staker: str
) -> None:
    """S40: nothing that an account does for itself waits for anybody."""
    world.announce(10, [b""])

    set_split(world, staker, 3, EIGHT)
    world.put_round(10 + 2**11 - 2)
    set_split(world, staker, 4, EIGHT)

    assert stored_split(world, staker, 3) == stored_split(world, staker, 4) == EIGHT


def test_set_split_is_nobody_elses(world: World, staker: str) -> None:
    """N19: roles have no say in where an account's earnings go."""
    set_split(world, staker, 0, EIGHT)
    before = world.words(staker)

    for role in ("owner", "operator", "guardian", "stranger"):
        set_split(world, world.watched[role], 0, ALL_TO_THE_POOL)

    assert world.words(staker) == before
