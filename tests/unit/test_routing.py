"""The weekly pass as a plan, without a chain."""

from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address

from sluice import routing
from sluice.errors import InvalidInput
from sluice.escrow import RoundState
from sluice.inputs import RoundTable, Row
from sluice.manifest import InputFile, Manifest, digest_of, recompute, write_manifest
from sluice.moves import Moved, Moves, Passed
from sluice.parameters import Parameters
from sluice.registry import Registry
from sluice.rounds import Link
from sluice.routing import Batch, Progress, Snapshot
from sluice.storage import Holding
from sluice.words import NO_DIGEST, RISK_UNIT_NANO, AccountWord, Entry, digest_chain

PARAMETERS = Parameters(first_pass=10, first_pass_time=1_000, deployed_at=0)
ROUND = 14
WORD = 5
FIRST = "0x" + "00" * 19 + "A1"
SECOND = "0x" + "00" * 19 + "A2"
THIRD = "0x" + "00" * 19 + "A3"
REGISTRY = Registry(
    {"first": FIRST, "second": SECOND, "third": THIRD},
    {FIRST: {"m": 0}, SECOND: {"m": 0}, THIRD: {"m": 0}},
)
UNIT = RISK_UNIT_NANO


def holding(account: str, word: int = WORD - 1, units: int = 10, stake: int = 50 * UNIT) -> Holding:
    """An account whose risk of ROUND (word round 5, place 1) is `units`."""
    fields = AccountWord(stake_nano=stake, risks_units=(0, units, 0, 0), round_word=word)
    return Holding(account, fields, {0: stake} if stake else {})


def snapshot(*holdings: Holding, reserve: int = 100 * UNIT, digest: bytes = NO_DIGEST) -> Snapshot:
    """The chain before ROUND is done."""
    state = RoundState(ROUND - 1, digest, 0 if digest == NO_DIGEST else 1)
    return Snapshot(77, 2_000, state, reserve, holdings)


def table(**payouts: int) -> RoundTable:
    """A file of payouts by account name."""
    rows = tuple(
        Row(number, ROUND, account, "m", payout)
        for number, (account, payout) in enumerate(payouts.items(), start=2)
    )
    return RoundTable("round.csv", "00", {ROUND: rows})


def manifest(*links: Link, applied: int = 0) -> Manifest:
    """A manifest of these links."""
    made = tuple(tuple(link) for link in links)
    file = InputFile("round.csv", "00")
    return Manifest(
        FIRST, 1, ROUND, 5, PARAMETERS, file, file, 0, made, applied, digest_of(made), "test"
    )


def first(chain: Snapshot, rows: RoundTable, number: int = ROUND) -> list[Link]:
    return routing.first_links(chain, PARAMETERS, rows, REGISTRY, number, 0)


def test_first_links_hold_every_staked_account_and_fit_bounds_and_reserve() -> None:
    chain = snapshot(holding(FIRST), holding(SECOND), holding(THIRD, stake=0, units=0))

    assert first(chain, table(first=10 * UNIT)) == [[Entry(FIRST, {0: 10 * UNIT}), Entry(SECOND)]]
    with pytest.raises(InvalidInput, match="earns 2621441 nano-NMR of at most 2621440"):
        first(chain, table(first=10 * UNIT + 1))
    with pytest.raises(InvalidInput, match="loses 1 nano-NMR of at most 0"):
        first(chain, table(third=-1))
    with pytest.raises(InvalidInput, match="fund at least 5 nano-NMR first"):
        first(replace(chain, reserve_nano=10 * UNIT - 5), table(first=10 * UNIT))
    assert first(replace(chain, reserve_nano=0), table(first=-10 * UNIT))


def test_first_links_refuse_another_round_and_a_round_under_way() -> None:
    with pytest.raises(InvalidInput, match="rounds go in order, next is 14"):
        first(snapshot(), table(), ROUND + 1)
    with pytest.raises(InvalidInput, match="round 13 is done"):
        first(snapshot(), table(), ROUND - 1)
    with pytest.raises(InvalidInput, match="--announce-again"):
        first(snapshot(holding(FIRST, word=WORD)), table(first=1))


@pytest.mark.parametrize(
    ("word", "bound"),
    [(WORD - 1, 10), (WORD - 4, 10), (WORD - 5, 0), (WORD, 0), (0, 0)],
)
def test_bounds_are_of_the_round_and_of_no_older_one(word: int, bound: int) -> None:
    """Four passes missed, or this one done: the place in the ring is another round's."""
    bounds = routing.bounds_nano([holding(FIRST, word=word)], PARAMETERS, ROUND)

    assert bounds == {FIRST: bound * UNIT}


def test_links_left_are_those_of_the_announcement_without_the_applied() -> None:
    """Nobody is added: neither a stake made meanwhile nor a payout that was not announced."""
    before = Progress(manifest([Entry(FIRST, {0: 1})], [Entry(SECOND, {0: 99})]), Path("m"), 1)
    chain = snapshot(holding(FIRST, word=WORD), holding(SECOND), holding(THIRD))

    def left(rows: RoundTable, announced: Progress | None = before) -> tuple[list[Link], int]:
        return routing.links_left(chain, announced, PARAMETERS, rows, REGISTRY, ROUND, 0)

    assert left(table(first=1, second=2)) == ([[Entry(SECOND, {0: 2})]], 1)
    assert left(table(first=1)) == ([[Entry(SECOND)]], 1)
    with pytest.raises(InvalidInput, match=f"{THIRD} was not in the announcement"):
        left(table(second=2, third=3))
    assert left(table(first=1, second=2), None) == (
        [[Entry(SECOND, {0: 2}), Entry(THIRD)]],
        0,
    )


def test_links_left_are_those_that_anybody_recomputes() -> None:
    """N5: after a correction the rest has the digest that the whole round, made anew from the
    published inputs, has from there on."""
    accounts = [to_checksum_address(f"0x{number:040x}") for number in range(1, 301)]
    names = [f"account{number}" for number in range(1, 301)]
    registry = Registry(
        dict(zip(names, accounts, strict=True)), {account: {"m": 0} for account in accounts}
    )
    chain = snapshot(*map(holding, accounts))
    wrong, right = (table(**{**dict.fromkeys(names, 5), "account200": payout}) for payout in (6, 7))
    made = routing.first_links(chain, PARAMETERS, wrong, registry, ROUND, 0)
    assert len(made) > 2
    applied = {entry.account for entry in made[0]}
    later = replace(
        chain, holdings=tuple(holding(a, WORD if a in applied else WORD - 1) for a in accounts)
    )

    before = Progress(manifest(*made), Path("m"), 1)
    left, count = routing.links_left(later, before, PARAMETERS, right, registry, ROUND, 0)

    again = manifest(*left, applied=count)
    staked = {each.account: each.staked_nano for each in chain.holdings}
    assert count == 1
    assert recompute(again, right, registry, staked) == again.digest != digest_of(made[1:])


NEW = "0x" + "00" * 19 + "B1"


def again(
    chain: Snapshot, before: Progress, rows: RoundTable, *made: tuple[str, str]
) -> tuple[list[Link], int]:
    """What is left of a round after moves behind its announcement."""
    moves = Moves(tuple(Moved(chain.block, account, to) for account, to in made))
    moved = replace(chain, moves=moves)
    return routing.links_left(moved, before, PARAMETERS, rows, REGISTRY, ROUND, 0)


def test_first_links_name_a_moved_account_where_it_is_now() -> None:
    """The inputs go on naming it by its old address; whoever stakes there again is another
    account, without payouts."""
    moves = Moves((Moved(3, FIRST, THIRD), Moved(4, THIRD, NEW)))
    chain = replace(snapshot(holding(NEW), holding(SECOND)), moves=moves)

    assert first(chain, table(first=3)) == [[Entry(SECOND), Entry(NEW, {0: 3})]]
    reused = replace(chain, holdings=(*chain.holdings, holding(FIRST)))
    assert first(reused, table(first=3)) == [[Entry(FIRST), Entry(SECOND), Entry(NEW, {0: 3})]]
    with pytest.raises(InvalidInput, match=f"are one now, at {NEW}, and both have a payout"):
        first(chain, table(first=3, third=4))


def test_links_left_name_a_moved_account_where_it_is_now() -> None:
    """Nobody is added by a move: the account at the new address is the one that was announced."""
    before = Progress(manifest([Entry(FIRST)], [Entry(SECOND, {0: 99})]), Path("m"), 1)
    rows = table(first=1, second=2)

    chain = snapshot(holding(FIRST, word=WORD), holding(NEW))
    assert again(chain, before, rows, (SECOND, NEW)) == ([[Entry(NEW, {0: 2})]], 1)
    # who was applied stays so, wherever the account is now
    chain = snapshot(holding(NEW, word=WORD), holding(SECOND))
    assert again(chain, before, rows, (FIRST, NEW)) == ([[Entry(SECOND, {0: 2})]], 1)
    # the old address staked again: a new account, and none is added
    chain = snapshot(holding(FIRST, word=WORD), holding(NEW), holding(SECOND, word=0, units=0))
    assert again(chain, before, rows, (SECOND, NEW)) == ([[Entry(NEW, {0: 2})]], 1)


def test_links_left_follow_a_move_to_an_address_of_the_same_round() -> None:
    """The new address was itself announced, in the link before or in the one behind."""
    rows = table(second=2)
    before = Progress(manifest([Entry(FIRST)], [Entry(SECOND, {0: 2})]), Path("m"), 1)

    # the new one's entry is applied, the old one's is left: it has to be there once more
    chain = snapshot(holding(FIRST), holding(SECOND, stake=0, units=0, word=0))
    assert again(chain, before, rows, (SECOND, FIRST)) == ([[Entry(FIRST, {0: 2})]], 1)
    # the old one's entry is applied, the new one's is left: nothing of it is left
    chain = snapshot(holding(SECOND, word=WORD), holding(THIRD))
    before = Progress(manifest([Entry(FIRST)], [Entry(SECOND), Entry(THIRD)]), Path("m"), 1)
    assert again(chain, before, table(first=1, third=2), (FIRST, SECOND)) == (
        [[Entry(THIRD, {0: 2})]],
        1,
    )


TWO_MODELS = Registry({"first": FIRST, "second": SECOND}, {FIRST: {"m": 1}, SECOND: {"m": 0}})


@pytest.mark.parametrize("lost", [False, True], ids=["with its manifest", "its manifest is lost"])
@pytest.mark.parametrize("registry", [REGISTRY, TWO_MODELS], ids=["one model", "two models"])
def test_links_left_pay_no_applied_row_again_where_another_account_moved_in(
    registry: Registry, lost: bool
) -> None:
    """N5: FIRST earned and was done with all its rounds; after a veto SECOND, which has still to
    lose, moved onto it. Only the loss is left, and whoever makes the rest anew finds the same."""
    earned, lost_nano = 3 * UNIT, 2 * UNIT
    rows = table(first=earned, second=-lost_nano)
    whole = manifest(
        [Entry(FIRST, {registry.numbers[FIRST]["m"]: earned})], [Entry(SECOND, {0: -lost_nano})]
    )
    chain = replace(
        snapshot(holding(FIRST), holding(SECOND, word=0, units=0, stake=0)),
        moves=Moves((Moved(50, SECOND, FIRST),)),
        passed=(Passed(49, FIRST),),
    )
    before = None if lost else Progress(whole, Path("m"), 1)

    left, count = routing.links_left(chain, before, PARAMETERS, rows, registry, ROUND, 0)

    assert left == [[Entry(FIRST, {0: -lost_nano})]]
    rest = replace(manifest(*left, applied=count), moves_block=chain.block)
    staked = {SECOND: 50 * UNIT}
    made = recompute(rest, rows, registry, staked, chain.moves, (), chain.passed)
    assert made == rest.digest
    with pytest.raises(InvalidInput, match="applied in part and nothing is announced"):
        routing.first_links(chain, PARAMETERS, rows, registry, ROUND, 0)


def test_links_left_are_not_in_the_way_of_two_applied_accounts_that_became_one() -> None:
    before = Progress(
        manifest([Entry(FIRST, {0: 1}), Entry(SECOND, {0: 2})], [Entry(THIRD, {0: 3})]),
        Path("m"),
        1,
    )
    chain = replace(
        snapshot(holding(FIRST, word=WORD), holding(THIRD)),
        passed=(Passed(49, FIRST), Passed(49, SECOND)),
    )

    left = again(chain, before, table(first=1, second=2, third=3), (SECOND, FIRST))

    assert left == ([[Entry(THIRD, {0: 3})]], 1)


def test_links_left_add_no_account_that_moved_onto_an_applied_one() -> None:
    """It was not announced itself: too small a stake, or a first one of a later block."""
    before = Progress(manifest([Entry(FIRST, {0: 1})], [Entry(SECOND)]), Path("m"), 1)
    chain = replace(snapshot(holding(FIRST, word=0), holding(SECOND)), passed=(Passed(49, FIRST),))

    assert again(chain, before, table(first=1), (THIRD, FIRST)) == ([[Entry(SECOND)]], 1)


def test_links_left_follow_a_move_back_and_forth() -> None:
    before = Progress(manifest([Entry(FIRST)], [Entry(SECOND, {0: 2})]), Path("m"), 1)
    chain = snapshot(holding(FIRST, word=WORD), holding(SECOND))

    left = again(chain, before, table(second=2), (SECOND, NEW), (NEW, SECOND))

    assert left == ([[Entry(SECOND, {0: 2})]], 1)


def test_progress_is_what_the_stored_digest_says() -> None:
    made = manifest([Entry(FIRST)], [Entry(SECOND)], [Entry(THIRD)])
    digests = made.digests()
    manifests = {Path("a"): manifest([Entry(FIRST)]), Path("b"): made}

    for applied in range(3):
        found = routing.progress(manifests, digests[applied])
        assert found == Progress(made, Path("b"), applied)
        assert found.left == 3 - applied
    assert routing.progress(manifests, NO_DIGEST) is None
    assert routing.progress(manifests, b"\x01" * 32) is None


def test_batches_lead_from_digest_to_digest() -> None:
    made = manifest([Entry(FIRST)], [Entry(SECOND)], [Entry(THIRD)])
    links, digests = made.link_bytes(), digest_chain(made.link_bytes())

    assert routing.batches(Progress(made, Path("m"), 0)) == [Batch(0, tuple(links), NO_DIGEST)]
    assert routing.batches(Progress(made, Path("m"), 1), 1) == [
        Batch(1, (links[1],), digests[2]),
        Batch(2, (links[2],), NO_DIGEST),
    ]


def test_refused_entry_is_found_in_the_manifest() -> None:
    made = manifest([Entry(FIRST)], [Entry(SECOND), Entry(THIRD)])
    batch = Batch(1, (b"",), NO_DIGEST)
    reason = "entry 1 of link 0: losses are above its bound"

    found = routing.refused_entry(made, batch, reason)

    assert found == routing.RefusedEntry(1, 1, Entry(THIRD), "losses are above its bound")
    assert routing.refused_entry(made, batch, "reserve: too small for the earnings") is None


def test_each_announcement_has_a_file_of_its_own(tmp_path: Path) -> None:
    paths = []
    for number in range(1, 12):
        paths.append(routing.next_path(tmp_path, ROUND))
        assert paths[-1].name == f"round-14-{number}.json"
        write_manifest(manifest([Entry(FIRST, {0: number})]), paths[-1])
    write_manifest(manifest([Entry(SECOND)]), tmp_path / "round-140-1.json")

    assert list(routing.manifests_of(tmp_path, ROUND)) == paths


def test_warnings_say_what_a_late_pass_costs() -> None:
    next_pass, deadline = PARAMETERS.pass_time(ROUND + 1), PARAMETERS.deadline(ROUND)
    window = PARAMETERS.window_s

    def count(resolved_at: int) -> int:
        return len(routing.warnings(resolved_at - window, PARAMETERS, ROUND))

    assert [count(next_pass - 1), count(next_pass)] == [0, 1]
    assert [count(deadline), count(deadline + 1)] == [1, 2]
