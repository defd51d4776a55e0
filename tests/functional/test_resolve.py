"""resolve(round, links, next_digest)"""

import pytest

from sluice.account import bound_nano, risk_units
from sluice.words import (
    MAX_AMOUNT_NANO,
    MAX_LINK_WORDS,
    NO_DIGEST,
    PAYOUT_BIAS_NANO,
    Entry,
    link_bytes,
)
from tests.escrow_world import (
    DAY,
    FIRST_PASS,
    MAX_LINKS,
    PLAYED,
    STAKE,
    START,
    World,
    nano,
    now,
    refuses,
    set_time,
)
from tests.worked_digest import (
    WORKED_DIGEST,
    WORKED_FIRST_LINK,
    WORKED_REST,
    WORKED_SECOND_LINK,
)

UNITS = risk_units(STAKE, 2_500)
BOUND = bound_nano(UNITS)


def raw_link(*words: int) -> bytes:
    """A link of words as they are, well formed or not."""
    return b"".join(word.to_bytes(32, "big") for word in words)


def page_word(page: int, *payouts: int) -> int:
    """A page word of four payouts."""
    padded = [*payouts, *[0] * (4 - len(payouts))]
    biased = (payout + PAYOUT_BIAS_NANO << 54 * index for index, payout in enumerate(padded))
    return sum(biased) | page << 216


def first_word(account: str, payout: int = 0, pages: int = 0) -> int:
    """An entry's first word."""
    return int(account, 16) | payout + PAYOUT_BIAS_NANO << 160 | pages << 214


# --- refusals, in the order of the code -------------------------------------------------------


def test_resolve_refuses_no_link(world: World, stranger: str) -> None:
    world.announce(FIRST_PASS, [b""])
    world.past_window()

    with refuses("resolve: give at least one link"):
        world.escrow.resolve(FIRST_PASS, [], NO_DIGEST, sender=stranger)


@pytest.mark.parametrize("round_number", [0, FIRST_PASS - 1, FIRST_PASS + 1, 2**256 - 1])
def test_resolve_refuses_every_round_but_the_next(
    world: World, stranger: str, round_number: int
) -> None:
    world.announce(FIRST_PASS, [b""])
    world.past_window()

    with refuses("round: not the next one, see round_state()"):
        world.escrow.resolve(round_number, [b""], NO_DIGEST, sender=stranger)


def test_resolve_refuses_a_round_that_is_done(world: World, stranger: str) -> None:
    world.run_pass(FIRST_PASS)

    with refuses("round: not the next one, see round_state()"):
        world.escrow.resolve(FIRST_PASS, [b""], NO_DIGEST, sender=stranger)


def test_resolve_refuses_while_nothing_is_announced(world: World, stranger: str) -> None:
    with refuses("resolve: nothing is announced, see round_state()"):
        world.escrow.resolve(FIRST_PASS, [b""], NO_DIGEST, sender=stranger)


def test_resolve_refuses_until_the_window_is_over(world: World, stranger: str) -> None:
    world.announce(FIRST_PASS, [b""])
    set_time(START + DAY - 1)

    with world.unchanged(), refuses("resolve: the challenge window is still open"):
        world.escrow.resolve(FIRST_PASS, [b""], NO_DIGEST, sender=stranger)

    set_time(START + DAY)
    world.escrow.resolve(FIRST_PASS, [b""], NO_DIGEST, sender=stranger)


@pytest.mark.parametrize("wrong", ["another link", "another order", "a gap", "another rest"])
def test_resolve_refuses_links_that_were_not_announced(
    opened: World, staker: str, other_staker: str, stranger: str, wrong: str
) -> None:
    """N5: the digest is the authority, whoever resolves."""
    first, second = link_bytes([Entry(staker)]), link_bytes([Entry(other_staker)])
    third = link_bytes([])
    chain = opened.announce(PLAYED, [first, second, third])
    opened.past_window()
    links, rest = {
        "another link": ([link_bytes([Entry(staker, {0: 1})])], chain[1]),
        "another order": ([second, first], chain[2]),
        "a gap": ([first, third], NO_DIGEST),
        "another rest": ([first], chain[2]),
    }[wrong]

    with opened.unchanged(), refuses("resolve: the links do not lead to the announced digest"):
        opened.escrow.resolve(PLAYED, links, rest, sender=stranger)


@pytest.mark.parametrize("size", [1, 31, 33, 65])
def test_resolve_refuses_a_link_that_is_not_made_of_whole_words(world: World, size: int) -> None:
    with refuses("link: not made of whole 32-byte words"):
        world.resolve(FIRST_PASS, [bytes(size)])


@pytest.mark.parametrize("pages", [1, 16, 17, 2**42 - 1])
def test_resolve_refuses_page_words_beyond_the_link(
    opened: World, staker: str, other_staker: str, pages: int
) -> None:
    words = [first_word(other_staker), first_word(staker, pages=pages)]

    with (
        opened.unchanged_round(),
        refuses("entry 01 of link 00: its page words go beyond the link"),
    ):
        opened.resolve(PLAYED, [raw_link(*words)])


@pytest.mark.parametrize("pages", [[0], [17], [255], [256], [2, 1], [1, 1], [16, 17]])
def test_resolve_refuses_pages_that_do_not_ascend(
    opened: World, staker: str, other_staker: str, pages: list[int]
) -> None:
    words = [first_word(staker, pages=len(pages)), *(page_word(page, 1) for page in pages)]
    links = [raw_link(first_word(other_staker)), raw_link(*words)]

    with (
        opened.unchanged_round(),
        refuses("entry 00 of link 01: its pages do not ascend from 1 to 16"),
    ):
        opened.resolve(PLAYED, links)


def test_resolve_refuses_seventeen_pages(opened: World, staker: str) -> None:
    words = [first_word(staker, pages=17), *(page_word(page, 0) for page in range(1, 18))]

    with refuses("entry 00 of link 00: its pages do not ascend from 1 to 16"):
        opened.resolve(PLAYED, [raw_link(*words)])


@pytest.mark.parametrize("same_link", [True, False])
def test_resolve_refuses_an_account_twice_in_a_round(
    opened: World, staker: str, other_staker: str, same_link: bool
) -> None:
    once, again = Entry(staker, {0: 5}), Entry(staker, {0: 6})
    if same_link:
        links = [link_bytes([Entry(other_staker), once, again])]
        message = "entry 02 of link 00: account is already in this pass"
    else:
        links = [link_bytes([once, Entry(other_staker)]), link_bytes([again])]
        message = "entry 00 of link 01: account is already in this pass"

    with opened.unchanged_round(), refuses(message):
        opened.resolve(PLAYED, links)


@pytest.mark.parametrize(
    "payouts", [{0: -BOUND - 1}, {0: -BOUND, 1: -1}, {5: -BOUND - 1}, {64: -PAYOUT_BIAS_NANO + 1}]
)
def test_resolve_refuses_losses_above_the_bound_and_names_the_entry(
    opened: World, staker: str, other_staker: str, payouts: dict[int, int]
) -> None:
    links = [
        link_bytes([]),
        link_bytes([Entry(other_staker, {0: -BOUND}), Entry(staker, payouts)]),
    ]

    with opened.unchanged_round(), refuses("entry 01 of link 01: losses are above its bound"):
        opened.resolve(PLAYED, links)


@pytest.mark.parametrize(
    "payouts", [{0: BOUND + 1}, {0: BOUND, 1: 1}, {5: BOUND + 1}, {64: PAYOUT_BIAS_NANO - 1}]
)
def test_resolve_refuses_earnings_above_the_bound_and_names_the_entry(
    opened: World, staker: str, other_staker: str, payouts: dict[int, int]
) -> None:
    links = [link_bytes([Entry(other_staker, {0: BOUND})]), link_bytes([Entry(staker, payouts)])]

    with opened.unchanged_round(), refuses("entry 00 of link 01: earnings are above its bound"):
        opened.resolve(PLAYED, links)


@pytest.mark.parametrize("loss", [True, False])
def test_resolve_refuses_what_is_above_the_bound_past_the_deadline_too(
    opened: World, staker: str, loss: bool
) -> None:
    set_time(opened.parameters.deadline(PLAYED) + 1)
    side = "losses" if loss else "earnings"

    with refuses(f"entry 00 of link 00: {side} are above its bound"):
        opened.resolve(
            PLAYED, [link_bytes([Entry(staker, {0: -BOUND - 1 if loss else BOUND + 1})])]
        )


def test_resolve_refuses_any_payout_of_an_account_that_the_opening_left_out(
    opened: World, stranger: str
) -> None:
    """An account that a pass leaves out can neither earn nor burn in the round that it opened."""
    opened.stake(stranger, {0: STAKE})

    with refuses("entry 00 of link 00: earnings are above its bound"):
        opened.resolve(PLAYED, [link_bytes([Entry(stranger, {0: 1})])])
    with refuses("entry 00 of link 00: losses are above its bound"):
        opened.resolve(PLAYED, [link_bytes([Entry(stranger, {0: -1})])])


@pytest.mark.parametrize("where", ["stake", "page", "pool"])
def test_resolve_refuses_an_earning_that_does_not_fit(
    opened: World, staker: str, where: str
) -> None:
    full = MAX_AMOUNT_NANO - 4
    word = opened.words(staker)[0] & ~(2**108 - 1)
    pages = {"stake": full << 54, "page": 0, "pool": full}
    word |= pages[where] | (1 << 249 if where == "page" else 0)
    opened.put(staker, {0: word} | ({1: full << 54} if where == "page" else {}))
    model = {"stake": 0, "page": 2, "pool": 7}[where]

    with opened.unchanged_round(), refuses("entry 00 of link 00: an amount does not fit 54 bits"):
        opened.resolve(PLAYED, [link_bytes([Entry(staker, {model: 5})])])

    opened.resolve(PLAYED, [link_bytes([Entry(staker, {model: 4})])])
    assert opened.lens.position(staker).pool + opened.lens.position(staker).staked == nano(
        MAX_AMOUNT_NANO
    )


def test_resolve_refuses_a_reserve_that_is_too_small_and_nothing_is_lost(
    opened: World, staker: str, other_staker: str, owner: str, stranger: str
) -> None:
    opened.escrow.withdraw_reserve(opened.escrow.reserve() - nano(9), sender=owner)
    # what is burned in the same pass pays no earning
    links = [link_bytes([Entry(other_staker, {0: -BOUND}), Entry(staker, {0: 10})])]
    opened.announce(PLAYED, links)
    opened.past_window()

    with opened.unchanged(), refuses("reserve: too small for the earnings, fund() it first"):
        opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=stranger)

    opened.fund(1)
    opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=stranger)
    assert (opened.escrow.reserve(), opened.escrow.burned()) == (0, nano(BOUND))


# --- order, once, and the batch ---------------------------------------------------------------


@pytest.mark.parametrize("role", ["operator", "owner", "guardian", "staker", "stranger"])
def test_resolve_works_for_anyone_after_the_window(world: World, role: str) -> None:
    """S40: nobody needs the operator once the digest stands."""
    world.announce(FIRST_PASS, [b""])
    world.past_window()

    world.escrow.resolve(FIRST_PASS, [b""], NO_DIGEST, sender=world.watched[role])

    assert world.escrow.round_state() == (FIRST_PASS, NO_DIGEST, 0)


def test_resolve_of_an_empty_round_is_one_empty_link(world: World, stranger: str) -> None:
    world.announce(FIRST_PASS, [b""])
    world.past_window()

    with world.moves():
        world.escrow.resolve(FIRST_PASS, [b""], NO_DIGEST, sender=stranger)

    assert world.events() == [
        ("RoundResolved", {"round": FIRST_PASS}),
        ("LinkApplied", {"round": FIRST_PASS, "link": b"", "time": START + DAY}),
    ]


def test_resolve_applies_links_one_by_one_in_order(
    opened: World, staker: str, other_staker: str, stranger: str
) -> None:
    links = [link_bytes([Entry(staker, {0: 5})]), link_bytes([Entry(other_staker, {0: -7})])]
    chain = opened.announce(PLAYED, links)
    opened.past_window()
    others = opened.words(other_staker)

    with opened.moves():
        opened.escrow.resolve(PLAYED, links[:1], chain[1], sender=stranger)
    assert opened.events() == [("LinkApplied", {"round": PLAYED, "link": links[0], "time": now()})]
    assert opened.stakes_nano(staker) == {0: STAKE + 5}
    assert opened.words(other_staker) == others
    assert opened.escrow.round_state()[:2] == (PLAYED - 1, chain[1])

    words = opened.words(staker)
    with opened.moves():
        opened.escrow.resolve(PLAYED, links[1:], NO_DIGEST, sender=stranger)
    assert opened.events() == [
        ("RoundResolved", {"round": PLAYED}),
        ("LinkApplied", {"round": PLAYED, "link": links[1], "time": now()}),
    ]
    assert opened.words(staker) == words
    assert opened.stakes_nano(other_staker) == {0: STAKE - 7}
    assert opened.escrow.round_state() == (PLAYED, NO_DIGEST, 0)


def test_resolve_passes_over_a_link_that_somebody_resolved_first(
    opened: World, staker: str, other_staker: str, stranger: str, operator: str
) -> None:
    """N10: nobody can spoil a batch by resolving one link of it first."""
    links = [
        link_bytes([Entry(staker, {0: 5})]),
        link_bytes([Entry(other_staker, {0: -7})]),
        link_bytes([]),
    ]
    chain = opened.announce(PLAYED, links)
    opened.past_window()
    opened.escrow.resolve(PLAYED, links[:1], chain[1], sender=stranger)

    opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=operator)

    applied = [fields["link"] for name, fields in opened.events() if name == "LinkApplied"]
    assert applied == links[1:]
    assert opened.stakes_nano(staker) == {0: STAKE + 5}
    assert opened.stakes_nano(other_staker) == {0: STAKE - 7}
    assert opened.escrow.reserve() == nano(10**15 - 5)


def test_resolve_of_links_all_applied_already_does_nothing_and_succeeds(
    opened: World, staker: str, stranger: str
) -> None:
    links = [link_bytes([Entry(staker, {0: 5})]), link_bytes([]), link_bytes([])]
    chain = opened.announce(PLAYED, links)
    opened.past_window()
    opened.escrow.resolve(PLAYED, links[:2], chain[2], sender=stranger)

    for first in (0, 1):
        with opened.unchanged():
            opened.escrow.resolve(PLAYED, links[first:2], chain[2], sender=stranger)
            assert opened.events() == []


def test_resolve_refuses_a_link_applied_already_that_leads_elsewhere(
    opened: World, staker: str, stranger: str
) -> None:
    links = [link_bytes([Entry(staker, {0: 5})]), link_bytes([]), link_bytes([])]
    chain = opened.announce(PLAYED, links)
    opened.past_window()
    opened.escrow.resolve(PLAYED, links[:2], chain[2], sender=stranger)

    with opened.unchanged(), refuses("resolve: the links do not lead to the announced digest"):
        opened.escrow.resolve(PLAYED, links[:1], chain[1], sender=stranger)


def test_resolve_takes_as_many_links_and_words_as_it_allows(world: World, stranger: str) -> None:
    entries = [Entry(f"0x{index + 1:040x}") for index in range(MAX_LINK_WORDS)]
    links = [link_bytes(entries), *[link_bytes([])] * (MAX_LINKS - 1)]

    world.resolve(FIRST_PASS, links)

    assert world.escrow.round_state()[0] == FIRST_PASS


@pytest.mark.parametrize(
    "links",
    [[bytes(32 * (MAX_LINK_WORDS + 1))], [b""] * (MAX_LINKS + 1)],
    ids=["words", "links"],
)
def test_resolve_refuses_more_links_and_words_than_it_allows(
    world: World, links: list[bytes]
) -> None:
    with world.unchanged_round(), refuses(""):
        world.resolve(FIRST_PASS, links)


def test_resolve_can_be_announced_again_for_the_rest_so_that_no_burn_is_forgiven(
    opened: World, staker: str, other_staker: str, stranger: str
) -> None:
    """A round announced wrongly (an account twice, a payout over its bound) stops nothing: what is
    left is announced again, corrected, and every burn of the round is still charged."""
    opened.stake(stranger, {0: STAKE})
    burn, wrong = Entry(other_staker, {0: -7}), Entry(staker, {0: BOUND + 1})
    links = [link_bytes([Entry(stranger)]), link_bytes([wrong, burn]), link_bytes([])]
    chain = opened.announce(PLAYED, links)
    opened.past_window()
    opened.escrow.resolve(PLAYED, links[:1], chain[1], sender=stranger)
    with opened.unchanged(), refuses("entry 00 of link 00: earnings are above its bound"):
        opened.escrow.resolve(PLAYED, links[1:], NO_DIGEST, sender=stranger)

    # first again with an account that was in the part already applied: refused as well
    rest = [link_bytes([burn, Entry(stranger)])]
    opened.announce(PLAYED, rest)
    opened.past_window()
    with opened.unchanged(), refuses("entry 01 of link 00: account is already in this pass"):
        opened.escrow.resolve(PLAYED, rest, NO_DIGEST, sender=stranger)

    rest = [link_bytes([Entry(staker, {0: BOUND})]), link_bytes([burn])]
    opened.announce(PLAYED, rest)
    with refuses("resolve: the challenge window is still open"):
        opened.escrow.resolve(PLAYED, rest, NO_DIGEST, sender=stranger)
    opened.past_window()
    opened.escrow.resolve(PLAYED, rest, NO_DIGEST, sender=stranger)

    assert opened.escrow.round_state() == (PLAYED, NO_DIGEST, 0)
    assert opened.escrow.burned() == nano(7)
    assert opened.stakes_nano(staker) == {0: STAKE + BOUND}
    assert opened.stakes_nano(other_staker) == {0: STAKE - 7}


def test_resolve_chain_is_the_published_one(world: World, operator: str, stranger: str) -> None:
    """N5: the contract applies the links that the documents work through, under their digest."""
    first, second = f"0x{0xA1:040x}", f"0x{0xB2:040x}"
    world.fund(10**10)
    for account in (first, second):
        world.stake(account, {0: STAKE})
    world.open_rounds(first, second)
    world.to_pass(PLAYED)
    world.escrow.announce(PLAYED, NO_DIGEST, WORKED_DIGEST, sender=operator)
    world.past_window()

    world.escrow.resolve(PLAYED, [WORKED_FIRST_LINK], WORKED_REST, sender=stranger)
    assert world.escrow.round_state()[1] == WORKED_REST
    world.escrow.resolve(PLAYED, [WORKED_SECOND_LINK], NO_DIGEST, sender=stranger)

    assert world.stakes_nano(first) == {0: STAKE + 1_000_000_000}
    assert world.stakes_nano(second) == {0: STAKE - 250_000_000}
    assert world.pool_nano(second) == 125_000_000
