"""Announce, announce again, veto, pause, resolve in part, lapse, front-run: in every order

From a state to the next by every step, to some depth, each state once; HYPOTHESIS_PROFILE=long goes
deeper. Wherever it leads, no round is applied twice, ended without its links, or stuck."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import boa
import pytest

from sluice.words import (
    NO_DIGEST,
    AccountWord,
    Entry,
    digest_chain,
    link_bytes,
    unpack_account,
    word_slot,
)
from tests.compiled import slot_of, words_slot
from tests.escrow_world import DAY, PLAYED, STAKE, World, now, role_address, set_time

STAKER, OTHER = role_address("staker"), role_address("other_staker")
OPERATOR, GUARDIAN, OWNER = (role_address(role) for role in ("operator", "guardian", "owner"))
STRANGER = role_address("stranger")
LOSS = STAKE // 4
"""All that one round may burn of an account of the tests: STAKER's loss, and OTHER's earning."""
PAYOUTS = {STAKER: -LOSS, OTHER: LOSS}
DEPTH = 5 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 3

Links = tuple[bytes, ...]
_STORED = [
    ("rounds", "_resolved"),
    ("rounds", "_digest"),
    ("rounds", "_announced_at"),
    ("pausing", "_paused_at"),
    ("treasury", "_reserve"),
    ("treasury", "_burned"),
]


@dataclass
class Story:
    """A world on its way, and what somebody who follows it remembers of it: the links that were
    announced last, and when each account's entry was applied."""

    world: World
    announced: Links = ()
    depths: dict[object, int] = field(default_factory=dict)

    @property
    def left(self) -> list[str]:
        """The accounts whose entries are not applied."""
        word = self.world.parameters.round_word(PLAYED)
        return [account for account in PAYOUTS if self.stored(account).round_word < word]

    @property
    def right(self) -> Links:
        """The links of what is left, as it should be announced."""
        left = tuple(link_bytes([Entry(each, {0: PAYOUTS[each]})]) for each in self.left)
        return left or (link_bytes([]),)

    def key(self) -> object:
        """What tells one state from another."""
        address = self.world.escrow.address
        stored = [boa.env.get_storage(address, slot_of(*each)) for each in _STORED]
        return (now(), self.announced, *stored, *map(self.stored, PAYOUTS))

    def stored(self, account: str) -> AccountWord:
        """An account's word, straight out of the storage: it has one model and no page."""
        slot = word_slot(account, 0, words_slot())
        return unpack_account(boa.env.get_storage(self.world.escrow.address, slot))


def _announce(story: Story, links: Links) -> None:
    stored = story.world.escrow.round_state()[1]
    story.world.escrow.announce(PLAYED, stored, digest_chain(links)[0], sender=OPERATOR)
    story.announced = links


def _resolve(story: Story, count: int | None) -> None:
    links = story.announced[:count]
    next_digest = digest_chain(story.announced)[len(links)] if links else NO_DIGEST
    story.world.escrow.resolve(PLAYED, list(links), next_digest, sender=STRANGER)


def _next_link(story: Story) -> None:
    digest = story.world.escrow.round_state()[1]
    chain = digest_chain(story.announced)
    at = chain.index(digest) if digest in chain[:-1] else 0
    links = list(story.announced[at : at + 1])
    story.world.escrow.resolve(
        PLAYED, links, chain[at + 1] if links else NO_DIGEST, sender=STRANGER
    )


STEPS: dict[str, Callable[[Story], None]] = {
    "announce what is left": lambda story: _announce(story, story.right),
    # both accounts, in one link, whether they are left or not
    "announce everything": lambda story: _announce(
        story, (link_bytes([Entry(each, {0: PAYOUTS[each]}) for each in reversed(PAYOUTS)]),)
    ),
    "announce what cannot be": lambda story: _announce(
        story, (*story.right, link_bytes([Entry(STAKER, {0: -STAKE})]))
    ),
    "veto": lambda story: story.world.escrow.veto(PLAYED, sender=GUARDIAN),
    "pause": lambda story: story.world.escrow.pause(sender=GUARDIAN),
    "unpause": lambda story: story.world.escrow.unpause(sender=OWNER),
    # as a script sends it, whatever others have resolved of it meanwhile
    "resolve all": lambda story: _resolve(story, None),
    "resolve the first link": lambda story: _resolve(story, 1),
    "resolve the next link": _next_link,
    "wait for the window": lambda story: set_time(now() + story.world.parameters.window_s),
    "wait for a round": lambda story: set_time(now() + story.world.parameters.round_length_s),
    "lapse": lambda story: set_time(story.world.parameters.deadline(PLAYED) + 1),
}


@pytest.fixture
def story(opened: World) -> Story:
    """Round PLAYED is to come, its pass time is there."""
    opened.to_pass(PLAYED)
    return Story(opened)


def check(story: Story) -> None:
    """What holds in every state."""
    world = story.world
    resolved, digest, announced_at = world.escrow.round_state()
    assert (digest == NO_DIGEST) == (announced_at == 0)
    assert resolved in (PLAYED - 1, PLAYED)
    # once or not at all, and a burn not after the deadline
    staker, other = (story.stored(each).stake_nano for each in PAYOUTS)
    burned = int(world.escrow.burned()) // 10**9
    assert (staker, burned) in {(STAKE, 0), (STAKE - LOSS, LOSS)}
    assert other == STAKE + (0 if OTHER in story.left else LOSS)
    assert burned == 0 or STAKER not in story.left
    # no round ends without its links
    if resolved == PLAYED:
        assert story.left == []
    held = world.token.balanceOf(world.escrow.address) // 10**9
    assert held == staker + other + burned + int(world.escrow.reserve()) // 10**9


def rescue(story: Story) -> None:
    """From every state the round ends with all of its links: by owner and operator, in a window and
    a pause at the longest, whatever was announced, vetoed or resolved before."""
    world = story.world
    if world.escrow.paused_at():
        set_time(max(now(), world.escrow.paused_at() + world.parameters.round_length_s))
    if world.escrow.round_state()[0] < PLAYED:
        lapsed = now() + DAY > world.parameters.deadline(PLAYED)
        burned = int(world.escrow.burned())
        staker_left = STAKER in story.left
        _announce(story, story.right)
        world.past_window()
        _resolve(story, None)
        charged = LOSS * 10**9 if staker_left and not lapsed else 0
        assert int(world.escrow.burned()) == burned + charged
    assert world.escrow.round_state()[:1] == (PLAYED,)
    assert story.left == []
    check(story)
    # and the next one begins as ever
    world.run_pass(PLAYED + 1, [Entry(STAKER), Entry(OTHER)])


def steps(story: Story) -> Iterator[str]:
    """Takes every step that is not refused, each from the state that there was."""
    for name, step in STEPS.items():
        announced = story.announced
        with boa.env.anchor():
            try:
                step(story)
            except boa.BoaError:
                story.announced = announced
                continue
            yield name
        story.announced = announced


def explore(story: Story, depth: int) -> None:
    """Every state that `depth` steps lead to; each once for a depth that is left, or more."""
    for _ in steps(story):
        key = story.key()
        if story.depths.get(key, 0) >= depth:
            continue
        if key not in story.depths:
            check(story)
            announced = story.announced
            with boa.env.anchor():
                rescue(story)
            story.announced = announced
        story.depths[key] = depth
        if depth > 1:
            explore(story, depth - 1)


STARTS = {
    "nothing announced": [],
    "half applied": ["announce what is left", "wait for the window", "resolve the first link"],
    "half applied and stuck": [
        "announce what cannot be",
        "wait for the window",
        "resolve the first link",
        "resolve the next link",
    ],
    "half applied, vetoed, paused": [
        "announce what is left",
        "wait for the window",
        "resolve the first link",
        "veto",
        "pause",
    ],
    "at the deadline": ["announce what is left", "lapse"],
}


@pytest.mark.parametrize("start", STARTS)
def test_no_order_of_steps_applies_a_round_twice_or_loses_or_stops_it(
    story: Story, start: str
) -> None:
    """N5 N7: from the announcement to the end of its round, whoever does what in between."""
    for name in STARTS[start]:
        STEPS[name](story)

    explore(story, DEPTH)

    assert len(story.depths) > 50


def test_every_step_is_taken_and_every_step_is_refused_somewhere(story: Story) -> None:
    """What is searched is not empty: each step works from one of the starts, and, time aside, is
    refused from another."""
    taken: dict[str, set[bool]] = {name: set() for name in STEPS}
    for start in STARTS.values():
        with boa.env.anchor():
            story.announced = ()
            for name in start:
                STEPS[name](story)
            works = set(steps(story))
        for name in STEPS:
            taken[name].add(name in works)

    always = {"wait for the window", "wait for a round", "lapse"}
    assert {name for name, found in taken.items() if True not in found} == set()
    assert {name for name, found in taken.items() if False not in found} == always
