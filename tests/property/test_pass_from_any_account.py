"""One entry of a pass, from any account that the words can hold: ledger and contract agree on every
word, on what is earned and burned, and on why an entry is refused.

Accounts are put into storage as they are, so that amounts come up to their 54 bits and risks to
their 30, which no history of a test would reach."""

from collections.abc import Mapping
from typing import Any

import boa
import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from sluice.account import Account, Split, bound_nano
from sluice.errors import Refused
from sluice.ledger import Ledger
from sluice.parameters import BPS
from sluice.stored import stored_words
from sluice.words import (
    MAX_AMOUNT_NANO,
    MAX_RISK_UNITS,
    MODELS,
    NO_DIGEST,
    OPEN_ROUNDS,
    PAGES,
    PAYOUT_BIAS_NANO,
    POOL,
    WALLET,
    Entry,
    digest_chain,
    link_bytes,
    model_page,
)
from tests.escrow_world import (
    DAY,
    FIRST_PASS,
    WEEK,
    World,
    deploy_world,
    now,
    revert_reason,
    role_address,
    set_time,
)

ROUND = FIRST_PASS + 9
STAKER = role_address("staker").lower()
RESERVE_NANO = 10**15
_worlds: dict[str, World] = {}

amounts = st.one_of(
    st.integers(1, 50),
    st.integers(1, MAX_AMOUNT_NANO),
    st.sampled_from([1, PAYOUT_BIAS_NANO - 1, PAYOUT_BIAS_NANO, MAX_AMOUNT_NANO]),
)
# close together, so that pages fill and models meet
models = st.one_of(st.integers(0, 8), st.sampled_from([0, 61, 64]), st.integers(0, MODELS - 1))


@st.composite
def splits(draw: Any) -> Split:
    """Any split: shares of at least one that come to the whole."""
    to = draw(
        st.lists(
            st.one_of(st.sampled_from([POOL, WALLET]), models), min_size=1, max_size=8, unique=True
        )
    )
    cuts = draw(
        st.lists(st.integers(1, BPS - 1), min_size=len(to) - 1, max_size=len(to) - 1, unique=True)
    )
    edges = [0, *sorted(cuts), BPS]
    return tuple((each, high - low) for each, low, high in zip(to, edges, edges[1:], strict=False))


@st.composite
def accounts(draw: Any) -> Account:
    """An account between two passes, mostly in the last one."""
    stakes = draw(st.dictionaries(models, amounts, max_size=7))
    shared = draw(st.dictionaries(models, splits(), max_size=3))
    pool = draw(st.one_of(st.just(0), amounts))
    last = draw(st.sampled_from([ROUND - 1] * 5 + [ROUND, ROUND - 2, ROUND - 4, ROUND - 7, None]))
    risks = st.one_of(st.integers(0, 50), st.sampled_from([MAX_RISK_UNITS - 1, MAX_RISK_UNITS]))
    rounds = range(last + 1, last + 1 + OPEN_ROUNDS) if last else ()
    highest = max(map(model_page, [0, *stakes, *shared]))
    return Account(
        pool_nano=pool,
        stakes_nano=stakes,
        risks_units={number: units for number in rounds if (units := draw(risks))},
        round_number=last,
        period=draw(st.integers(0, 3)),
        nonce=draw(st.integers(0, 3)),
        pages=draw(st.integers(highest, PAGES)) if draw(st.booleans()) else highest,
        due_nano=min(pool, draw(st.one_of(st.just(0), amounts))),
        splits=shared,
    )


@st.composite
def entries(draw: Any) -> tuple[Account, dict[int, int]]:
    """An account and payouts for it, mostly within its bound."""
    account = draw(accounts())
    bound = bound_nano(account.risks_units.get(ROUND, 0))
    held = sorted(account.stakes_nano)
    named = st.one_of(st.sampled_from(held), models) if held else models
    size = st.one_of(st.integers(1, 60), st.integers(0, max(1, bound)), st.just(bound + 1))
    payouts = draw(
        st.dictionaries(
            named, st.tuples(size, st.sampled_from([-1, 1])).map(lambda pair: pair[0] * pair[1])
        )
    )
    for sign in (-1, 1):
        # shared out anew if together they are above the bound, but for one example in some
        same = [model for model, payout in payouts.items() if payout * sign > 0]
        if sum(abs(payouts[model]) for model in same) > bound and draw(st.integers(0, 9)):
            payouts |= {model: sign * (bound // len(same)) for model in same}
    return account, payouts


@pytest.fixture(scope="module", autouse=True)
def _deployed() -> None:
    """Deployed before the examples: boa takes back what is deployed inside one."""
    boa.env.enable_fast_mode()
    world = deploy_world()
    world.fund(RESERVE_NANO)
    _worlds["here"] = world


@settings(max_examples=400)
@given(entries(), st.sampled_from([DAY, DAY, DAY, WEEK + DAY, 3 * WEEK, 3 * WEEK + 1]))
@example((Account(stakes_nano={1: MAX_AMOUNT_NANO}, round_number=ROUND - 1, pages=1), {}), DAY)
def test_an_entry_does_the_same_in_ledger_and_contract(
    drawn: tuple[Account, dict[int, int]], delay: int
) -> None:
    """S6 N6 N7: `delay` is from the pass time to the call: in time, too late to open the next
    round, at the deadline of losses, past it."""
    account, payouts = drawn
    world = _worlds["here"]
    with boa.env.anchor():
        outcome = _both(world, account, payouts, delay)
    event(outcome)


def _both(world: World, account: Account, payouts: Mapping[int, int], delay: int) -> str:
    """Runs both and compares; returns what came of it."""
    parameters = world.parameters
    world.put(STAKER, stored_words(account, parameters))
    world.put_round(ROUND - 1)
    ledger = Ledger(parameters)
    ledger.accounts[STAKER] = account
    ledger.reserve_nano = RESERVE_NANO
    ledger.resolved = ROUND - 1

    links = [link_bytes([Entry(STAKER, payouts)])]
    (digest, _) = digest_chain(links)
    set_time(parameters.pass_time(ROUND) + delay - DAY)
    world.escrow.announce(ROUND, NO_DIGEST, digest, sender=role_address("operator"))
    ledger.announce(ROUND, NO_DIGEST, digest, now())
    set_time(now() + DAY)
    refused = None
    try:
        ledger.resolve(ROUND, links, NO_DIGEST, now())
    except Refused as error:
        refused = str(error)
    if refused:
        with pytest.raises(boa.BoaError) as failure:
            world.escrow.resolve(ROUND, links, NO_DIGEST)
        assert revert_reason(failure.value) == refused
        return refused
    world.escrow.resolve(ROUND, links, NO_DIGEST)
    assert world.words(STAKER) == ledger.words(STAKER)
    assert world.escrow.reserve() == ledger.reserve_nano * 10**9
    assert world.escrow.burned() == ledger.burned_nano * 10**9
    return "passed"
