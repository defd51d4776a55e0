"""resolve(round, links, next_digest)"""

from collections.abc import Sequence

import boa
import pytest

from sluice.account import bound_nano, lock_nano, risk_units
from sluice.words import (
    MAX_AMOUNT_NANO,
    MAX_LINK_WORDS,
    MAX_RISK_UNITS,
    NO_DIGEST,
    PAYOUT_BIAS_NANO,
    Entry,
    digest_chain,
    link_bytes,
    pack_entry,
    unpack_account,
    word_slot,
)
from tests.escrow_world import (
    DAY,
    FIRST_PASS,
    MAX_LINKS,
    START,
    World,
    nano,
    now,
    refuses,
    set_time,
    words_slot,
)

STAKE = 10 * 10**9
UNITS = risk_units(STAKE, 2_500)
BOUND = bound_nano(UNITS)
# the first round that can burn or earn anything: it was opened by the first pass
PLAYED = FIRST_PASS + 4


@pytest.fixture
def opened(world: World, staker: str, other_staker: str) -> World:
    """Two accounts with one model each, in four open rounds, and a full reserve."""
    world.fund(10**15)
    for account in (staker, other_staker):
        world.stake(account, {0: STAKE})
    world.run_passes(FIRST_PASS, PLAYED - 1, staker, other_staker)
    return world


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


def resolve(world: World, round_number: int, links: Sequence[bytes]) -> None:
    """Announces the links, waits and resolves them in one call."""
    world.announce(round_number, links)
    world.past_window()
    sender = world.watched["stranger"]
    world.escrow.resolve(round_number, list(links), NO_DIGEST, sender=sender)


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
        resolve(world, FIRST_PASS, [bytes(size)])


@pytest.mark.parametrize("pages", [1, 16, 17, 2**42 - 1])
def test_resolve_refuses_page_words_beyond_the_link(
    opened: World, staker: str, other_staker: str, pages: int
) -> None:
    words = [first_word(other_staker), first_word(staker, pages=pages)]

    with opened.unchanged_round(), refuses("entry 1 of link 0: its page words go beyond the link"):
        resolve(opened, PLAYED, [raw_link(*words)])


@pytest.mark.parametrize("pages", [[0], [17], [255], [256], [2, 1], [1, 1], [16, 17]])
def test_resolve_refuses_pages_that_do_not_ascend(
    opened: World, staker: str, other_staker: str, pages: list[int]
) -> None:
    words = [first_word(staker, pages=len(pages)), *(page_word(page, 1) for page in pages)]
    links = [raw_link(first_word(other_staker)), raw_link(*words)]

    with (
        opened.unchanged_round(),
        refuses("entry 0 of link 1: its pages do not ascend from 1 to 16"),
    ):
        resolve(opened, PLAYED, links)


def test_resolve_refuses_seventeen_pages(opened: World, staker: str) -> None:
    words = [first_word(staker, pages=17), *(page_word(page, 0) for page in range(1, 18))]

    with refuses("entry 0 of link 0: its pages do not ascend from 1 to 16"):
        resolve(opened, PLAYED, [raw_link(*words)])


@pytest.mark.parametrize("same_link", [True, False])
def test_resolve_refuses_an_account_twice_in_a_round(
    opened: World, staker: str, other_staker: str, same_link: bool
) -> None:
    once, again = Entry(staker, {0: 5}), Entry(staker, {0: 6})
    if same_link:
        links = [link_bytes([Entry(other_staker), once, again])]
        message = "entry 2 of link 0: account is already in this pass"
    else:
        links = [link_bytes([once, Entry(other_staker)]), link_bytes([again])]
        message = "entry 0 of link 1: account is already in this pass"

    with opened.unchanged_round(), refuses(message):
        resolve(opened, PLAYED, links)


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

    with opened.unchanged_round(), refuses("entry 1 of link 1: losses are above its bound"):
        resolve(opened, PLAYED, links)


@pytest.mark.parametrize(
    "payouts", [{0: BOUND + 1}, {0: BOUND, 1: 1}, {5: BOUND + 1}, {64: PAYOUT_BIAS_NANO - 1}]
)
def test_resolve_refuses_earnings_above_the_bound_and_names_the_entry(
    opened: World, staker: str, other_staker: str, payouts: dict[int, int]
) -> None:
    links = [link_bytes([Entry(other_staker, {0: BOUND})]), link_bytes([Entry(staker, payouts)])]

    with opened.unchanged_round(), refuses("entry 0 of link 1: earnings are above its bound"):
        resolve(opened, PLAYED, links)


@pytest.mark.parametrize("loss", [True, False])
def test_resolve_refuses_what_is_above_the_bound_past_the_deadline_too(
    opened: World, staker: str, loss: bool
) -> None:
    set_time(opened.parameters.deadline(PLAYED) + 1)
    side = "losses" if loss else "earnings"

    with refuses(f"entry 0 of link 0: {side} are above its bound"):
        resolve(
            opened, PLAYED, [link_bytes([Entry(staker, {0: -BOUND - 1 if loss else BOUND + 1})])]
        )


def test_resolve_refuses_any_payout_of_an_account_that_the_opening_left_out(
    opened: World, stranger: str
) -> None:
    """An account that a pass leaves out can neither earn nor burn in the round that it opened."""
    opened.stake(stranger, {0: STAKE})

    with refuses("entry 0 of link 0: earnings are above its bound"):
        resolve(opened, PLAYED, [link_bytes([Entry(stranger, {0: 1})])])
    with refuses("entry 0 of link 0: losses are above its bound"):
        resolve(opened, PLAYED, [link_bytes([Entry(stranger, {0: -1})])])


@pytest.mark.parametrize("where", ["stake", "page", "pool"])
def test_resolve_refuses_an_earning_that_does_not_fit(
    opened: World, staker: str, where: str
) -> None:
    full = MAX_AMOUNT_NANO - 4
    slot = words_slot()
    word = opened.words(staker)[0] & ~(2**108 - 1)
    pages = {"stake": full << 54, "page": 0, "pool": full}
    word |= pages[where] | (1 << 249 if where == "page" else 0)
    boa.env.set_storage(opened.escrow.address, word_slot(staker, 0, slot), word)
    if where == "page":
        boa.env.set_storage(opened.escrow.address, word_slot(staker, 1, slot), full << 54)
    model = {"stake": 0, "page": 2, "pool": 7}[where]

    with opened.unchanged_round(), refuses("entry 0 of link 0: an amount does not fit 54 bits"):
        resolve(opened, PLAYED, [link_bytes([Entry(staker, {model: 5})])])

    resolve(opened, PLAYED, [link_bytes([Entry(staker, {model: 4})])])
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

    resolve(world, FIRST_PASS, links)

    assert world.escrow.round_state()[0] == FIRST_PASS


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
    with opened.unchanged(), refuses("entry 0 of link 0: earnings are above its bound"):
        opened.escrow.resolve(PLAYED, links[1:], NO_DIGEST, sender=stranger)

    # first again with an account that was in the part already applied: refused as well
    rest = [link_bytes([burn, Entry(stranger)])]
    opened.announce(PLAYED, rest)
    opened.past_window()
    with opened.unchanged(), refuses("entry 1 of link 0: account is already in this pass"):
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


# --- what a pass does to an account -----------------------------------------------------------


def test_resolve_adds_earnings_to_the_model_and_burns_from_it(
    opened: World, staker: str, other_staker: str
) -> None:
    """S16: the default sends a model's earnings back into its stake; S13: no token moves."""
    with opened.moves():
        resolve(
            opened,
            PLAYED,
            [link_bytes([Entry(staker, {0: BOUND}), Entry(other_staker, {0: -BOUND})])],
        )

    assert opened.stakes_nano(staker) == {0: STAKE + BOUND}
    assert opened.stakes_nano(other_staker) == {0: STAKE - BOUND}
    assert opened.escrow.reserve() == nano(10**15 - BOUND)
    assert opened.escrow.burned() == nano(BOUND)
    assert opened.lens.risks_of(staker)[-1].bound == nano(
        bound_nano(risk_units(STAKE + BOUND, 2_500))
    )


def test_resolve_burns_the_models_stake_then_the_pool_then_other_stakes_ascending(
    world: World, staker: str
) -> None:
    world.stake(staker, {0: 10**10})
    world.run_passes(FIRST_PASS, PLAYED - 1, staker)
    stakes = {0: 20, 1: 30, 6: 40, 64: 10**10 - 100}
    world.escrow.set_stakes(
        [0, 1, 6, 64], [nano(stake) for stake in stakes.values()], sender=staker
    )
    assert world.pool_nano(staker) == 10

    # 40 of its own, 10 of the pool, then 20, 30 and 5 of the others
    world.run_pass(PLAYED, [Entry(staker, {6: -105})])

    assert world.pool_nano(staker) == 0
    assert world.stakes_nano(staker) == {64: 10**10 - 105}
    assert world.escrow.burned() == nano(105)


def test_resolve_takes_losses_of_several_models_ascending(world: World, staker: str) -> None:
    world.stake(staker, {0: 10**10, 1: 100, 2: 200, 5: 300}, pool_nano=0)
    world.run_passes(FIRST_PASS, PLAYED - 1, staker)
    world.escrow.set_stakes([0, 7], [nano(50), nano(10**10 - 50)], sender=staker)

    # model 1 loses its own 100, then 50, 200 and 25 of models 0, 2 and 5; model 5 the rest
    world.run_pass(PLAYED, [Entry(staker, {1: -375, 5: -300})])

    assert world.stakes_nano(staker) == {7: 10**10 - 50 - 25}
    assert world.escrow.burned() == nano(675)


def test_resolve_takes_the_pool_before_other_stakes(world: World, staker: str) -> None:
    world.stake(staker, {0: 10**10, 1: 100})
    world.run_passes(FIRST_PASS, PLAYED - 1, staker)
    world.escrow.set_stakes([0, 3], [nano(7), nano(10**10 - 7 - 40)], sender=staker)
    assert world.pool_nano(staker) == 40

    world.run_pass(PLAYED, [Entry(staker, {1: -145})])

    assert world.pool_nano(staker) == 0
    assert world.stakes_nano(staker) == {0: 2, 3: 10**10 - 47}


def test_resolve_does_not_burn_what_the_equity_cannot_cover(world: World, staker: str) -> None:
    """Later openings may commit the same NMR again, up to 1.75 times; what it cannot cover is not
    burned, and nothing wraps."""
    world.stake(staker, {0: STAKE, 5: STAKE})
    world.run_passes(FIRST_PASS, PLAYED - 1, staker)
    burned = 0
    for round_number in range(PLAYED, PLAYED + 8):
        equity = world.lens.position(staker).staked + world.lens.position(staker).pool
        risks = {risk.round: risk.bound for risk in world.lens.risks_of(staker)}
        loss = risks.get(round_number, 0) // 10**9
        world.run_pass(round_number, [Entry(staker, {3: -loss})])
        burned += min(equity // 10**9, loss)
        assert world.escrow.burned() == nano(burned)

    assert burned == 2 * STAKE
    assert world.lens.position(staker)[:2] == (0, 0)


def test_resolve_charges_losses_before_it_pays_earnings(world: World, staker: str) -> None:
    """An earning of a model whose stake the losses took goes to the pool."""
    world.fund(10**12)
    world.stake(staker, {1: 100, 2: 10**9})
    world.run_passes(FIRST_PASS, PLAYED - 1, staker)

    world.run_pass(PLAYED, [Entry(staker, {1: 30, 0: -90, 2: -20, 9: 8})])

    # model 0 has no stake, the pool is empty: the loss takes model 1's 90 of 100
    assert world.stakes_nano(staker) == {1: 10 + 30, 2: 10**9 - 20}
    assert world.pool_nano(staker) == 8


def test_resolve_pays_the_earning_of_an_emptied_model_to_the_pool(
    world: World, staker: str
) -> None:
    """S16: to the pool if the model has no stake any more; and its neighbours on the page stay."""
    world.fund(10**12)
    world.stake(staker, {5: 10**9, 6: 1, 8: 1})
    world.run_passes(FIRST_PASS, PLAYED - 1, staker)
    world.escrow.set_stakes([5, 7], [0, nano(10**9)], sender=staker)

    world.run_pass(PLAYED, [Entry(staker, {5: 30, 6: 40, 7: 50, 8: 60})])

    assert world.stakes_nano(staker) == {6: 41, 7: 10**9 + 50, 8: 61}
    assert world.pool_nano(staker) == 30


def test_resolve_keeps_earnings_free_however_much_is_at_risk(world: World, staker: str) -> None:
    """S5 S11: an earning sent to the pool is free at once."""
    world.fund(10**12)
    world.stake(staker, {0: STAKE})
    world.run_passes(FIRST_PASS, PLAYED - 1, staker)
    world.escrow.set_stakes([0, 1], [0, nano(STAKE)], sender=staker)

    world.run_pass(PLAYED, [Entry(staker, {0: 12_345})])

    assert world.pool_nano(staker) == 12_345
    assert world.withdrawable_nano(staker) == 12_345


def test_resolve_pays_65_models_everywhere_in_one_entry(world: World, staker: str) -> None:
    """S50: 64 models and more in one account."""
    world.fund(10**12)
    world.stake(staker, {model: 10**9 + model for model in range(65)})
    world.run_passes(FIRST_PASS, PLAYED - 1, staker)
    payouts = {model: (model + 1) * (-1 if model % 3 == 1 else 1) for model in range(65)}

    resolve(world, PLAYED, [link_bytes([Entry(staker, payouts)])])

    assert world.stakes_nano(staker) == {
        model: 10**9 + model + payouts[model] for model in range(65)
    }
    assert world.escrow.burned() == nano(-sum(p for p in payouts.values() if p < 0))
    spent = sum(p for p in payouts.values() if p > 0)
    assert world.escrow.reserve() == nano(10**12 - spent)
    assert len(pack_entry(Entry(staker, payouts))) == 17


def test_resolve_counts_stakes_on_pages_that_the_entry_does_not_name(
    world: World, staker: str
) -> None:
    world.stake(staker, {0: STAKE, 33: STAKE, 64: STAKE})
    world.run_passes(FIRST_PASS, PLAYED - 1, staker)

    world.run_pass(PLAYED, [Entry(staker, {9: -1})])

    assert world.lens.risks_of(staker)[-1].bound == nano(
        bound_nano(risk_units(3 * STAKE - 1, 2_500))
    )


def test_resolve_records_the_saturated_risk_of_a_huge_stake(world: World, staker: str) -> None:
    huge = 5 * 10**6 * 10**9
    world.stake(staker, {0: huge})
    world.run_passes(FIRST_PASS, PLAYED - 1, staker)

    with refuses("entry 0 of link 0: losses are above its bound"):
        resolve(world, PLAYED, [link_bytes([Entry(staker, {0: -bound_nano(MAX_RISK_UNITS) - 1})])])
    resolve(world, PLAYED, [link_bytes([Entry(staker, {0: -bound_nano(MAX_RISK_UNITS)})])])

    assert world.escrow.burned() == nano(bound_nano(MAX_RISK_UNITS))
    assert unpack_account(world.words(staker)[0]).risks_units == (MAX_RISK_UNITS,) * 4


@pytest.mark.parametrize("missed", [1, 2, 3, 4, 5, 9])
def test_resolve_clears_the_risks_of_passes_that_left_the_account_out(
    opened: World, staker: str, other_staker: str, missed: int
) -> None:
    """A round that is done is closed for the accounts that it left out; nothing opens for them."""
    for round_number in range(PLAYED, PLAYED + missed):
        opened.run_pass(round_number, [Entry(other_staker)])
    still_open = [risk.round for risk in opened.lens.risks_of(staker)]
    assert still_open == list(range(PLAYED + missed, PLAYED + 4))

    back = PLAYED + missed
    message = "entry 0 of link 0: losses are above its bound"
    if missed >= 4:
        with refuses(message):
            resolve(opened, back, [link_bytes([Entry(staker, {0: -1})])])
    opened.run_pass(back, [Entry(staker, {0: -BOUND} if missed < 4 else {})])

    expected = [*range(back + 1, PLAYED + 4), back + 4]
    assert [risk.round for risk in opened.lens.risks_of(staker)] == expected
    # the rounds opened without it give it nothing
    for round_number in range(back + 1, back + 5):
        if round_number in expected:
            opened.run_pass(round_number, [Entry(staker, {0: -1})])
            continue
        with refuses(message):
            resolve(opened, round_number, [link_bytes([Entry(staker, {0: -1})])])
        opened.run_pass(round_number, [Entry(staker)])


def test_resolve_opens_nothing_from_the_pass_time_of_the_next_round_on(
    opened: World, staker: str, other_staker: str, stranger: str
) -> None:
    """A late opening would sell hindsight."""
    links = [link_bytes([Entry(staker)]), link_bytes([Entry(other_staker)])]
    chain = opened.announce(PLAYED, links)
    set_time(opened.pass_time(PLAYED + 1) - 1)
    opened.escrow.resolve(PLAYED, links[:1], chain[1], sender=stranger)
    set_time(opened.pass_time(PLAYED + 1))
    opened.escrow.resolve(PLAYED, links[1:], NO_DIGEST, sender=stranger)

    in_time = [risk.round for risk in opened.lens.risks_of(staker)]
    late = [risk.round for risk in opened.lens.risks_of(other_staker)]

    assert in_time == list(range(PLAYED + 1, PLAYED + 5))
    assert late == list(range(PLAYED + 1, PLAYED + 4))
    assert opened.at_risk_nano(other_staker) == 3 * lock_nano(UNITS)


def test_resolve_charges_losses_to_the_last_second_and_not_past_the_deadline(
    opened: World, staker: str, other_staker: str, stranger: str
) -> None:
    """Past the deadline losses are forgiven and earnings still paid; each transaction counts."""
    payouts = {0: -7, 1: 5}
    links = [link_bytes([Entry(staker, payouts)]), link_bytes([Entry(other_staker, payouts)])]
    chain = opened.announce(PLAYED, links)
    set_time(opened.parameters.deadline(PLAYED))
    opened.escrow.resolve(PLAYED, links[:1], chain[1], sender=stranger)
    set_time(opened.parameters.deadline(PLAYED) + 1)
    opened.escrow.resolve(PLAYED, links[1:], NO_DIGEST, sender=stranger)

    assert opened.stakes_nano(staker) == {0: STAKE - 7}
    assert opened.stakes_nano(other_staker) == {0: STAKE}
    assert opened.pool_nano(staker) == opened.pool_nano(other_staker) == 5
    assert opened.escrow.burned() == nano(7)


def test_resolve_forgives_the_loss_of_a_one_model_account_past_the_deadline(
    opened: World, staker: str
) -> None:
    set_time(opened.parameters.deadline(PLAYED) + 1)

    resolve(opened, PLAYED, [link_bytes([Entry(staker, {0: -7})])])

    assert opened.stakes_nano(staker) == {0: STAKE}
    assert opened.escrow.burned() == 0
    assert opened.lens.position(staker).round == PLAYED


def test_resolve_reads_stakes_as_they_are_when_the_entry_is_resolved(
    opened: World, staker: str, stranger: str
) -> None:
    """S42 S43: changes of stake count until the account's entry is resolved."""
    links = [link_bytes([Entry(staker)])]
    opened.announce(PLAYED, links)
    opened.past_window()
    opened.stake(staker, {3: STAKE})

    opened.escrow.resolve(PLAYED, links, NO_DIGEST, sender=stranger)

    assert opened.lens.risks_of(staker)[-1].bound == nano(bound_nano(risk_units(2 * STAKE, 2_500)))


def test_resolve_frees_what_a_round_locked(opened: World, staker: str) -> None:
    """S14 S23 S27: with each resolved round a quarter is no longer at risk."""
    opened.escrow.leave(sender=staker)
    free = opened.withdrawable_nano(staker)

    opened.run_pass(PLAYED, [Entry(staker)])

    assert opened.withdrawable_nano(staker) == free + lock_nano(UNITS)


def test_resolve_chain_is_the_published_one(world: World, stranger: str) -> None:
    """N5: anyone recomputes the digest from the links."""
    links = [link_bytes([Entry(stranger, {0: 0})]), link_bytes([])]
    chain = digest_chain(links)
    world.escrow.announce(FIRST_PASS, NO_DIGEST, chain[0], sender=world.watched["operator"])
    world.past_window()

    world.escrow.resolve(FIRST_PASS, links[:1], chain[1], sender=stranger)

    assert world.escrow.round_state()[1] == chain[1]
