"""A driver with a weekly clock of its own, on the ledger or on the contract, for laws and stories.

`law` makes a test of a statement about a tournament: hypothesis draws, both books are led."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.account import Split, bound_nano
from sluice.book import Position
from sluice.parameters import Parameters
from sluice.words import (
    NO_DIGEST,
    OPEN_ROUNDS,
    PAGES,
    Entry,
    digest_chain,
    link_bytes,
    page_models,
    unpack_account,
    unpack_page,
)
from tests.drivers import Driver, EscrowDriver, LedgerDriver
from tests.escrow_world import FIRST_PASS, NMR, START, World, deploy_world, role_address

STAKER, OTHER = role_address("staker"), role_address("other_staker")
HELD = 10**6
"""What each account has outside at first, in whole NMR."""
RESERVE_NANO = 10**15

if os.environ.get("HYPOTHESIS_PROFILE", "ci") == "ci":
    EXAMPLES = {"ledger": 100, "contract": 12}
else:
    EXAMPLES = {"ledger": 2_000, "contract": 200}


@dataclass(frozen=True, slots=True)
class State:
    """An account without what is due: everything that steps ending in the same stakes agree on."""

    pool_nano: int
    stakes_nano: dict[int, int]
    risks_units: tuple[int, int, int, int]
    round_number: int | None
    period: int
    at_risk_nano: int
    uncommitted_nano: int


class Tournament:
    """Accounts, weekly passes, and what can be seen of them. Amounts in nano-NMR."""

    def __init__(self, driver: Driver, parameters: Parameters) -> None:
        self.driver = driver
        self.parameters = parameters
        self.resolved = FIRST_PASS - 1
        driver.now = START
        driver.fund(RESERVE_NANO)

    # --- steps -----------------------------------------------------------------------------------

    def stake(self, account: str, stakes_nano: Mapping[int, int], pool_nano: int = 0) -> None:
        """Deposits and stakes; what is in `pool_nano` stays in the pool."""
        ordered = dict(sorted(stakes_nano.items()))
        amount_nano = sum(ordered.values()) + pool_nano
        self.driver.deposit_and_stake(account, amount_nano, ordered)

    def set_stakes(self, account: str, stakes_nano: Mapping[int, int]) -> None:
        """Exactly these stakes and no others; nothing to do if there is none and was none."""
        targets = dict.fromkeys(self.stakes(account), 0) | dict(stakes_nano)
        if targets:
            self.driver.set_stakes(account, dict(sorted(targets.items())))

    def pass_over(self, payouts_nano: Mapping[str, Mapping[int, int]], late_s: int = 0) -> None:
        """The next round: announced, waited for, resolved in one link with these accounts in it."""
        round_number = self.resolved + 1
        driver = self.driver
        driver.now = max(driver.now, self.parameters.pass_time(round_number) + late_s)
        links = [link_bytes(Entry(account, payouts) for account, payouts in payouts_nano.items())]
        driver.announce(round_number, NO_DIGEST, digest_chain(links)[0])
        driver.now += self.parameters.window_s
        driver.resolve(round_number, links, NO_DIGEST)
        self.resolved = round_number

    def passes(self, count: int, *accounts: str) -> None:
        """So many passes without a payout."""
        for _ in range(count):
            self.pass_over({account: {} for account in accounts})

    # --- what can be seen ------------------------------------------------------------------------

    def seen(self, account: str) -> Position:
        """The position now."""
        return self.driver.position(account)

    def free(self, account: str) -> int:
        """What can be withdrawn now."""
        return self.seen(account).withdrawable_nano

    def equity(self, account: str) -> int:
        """Pool and stakes."""
        position = self.seen(account)
        return position.pool_nano + position.staked_nano

    def stakes(self, account: str) -> dict[int, int]:
        """The stakes by model, no zeros."""
        words = self.driver.words(account)
        stakes = {0: unpack_account(words.get(0, 0)).stake_nano}
        for page in range(1, PAGES + 1):
            held = unpack_page(words.get(page, 0)).stakes_nano
            stakes |= dict(zip(page_models(page), held, strict=True))
        return {model: stake for model, stake in stakes.items() if stake}

    def bound(self, account: str) -> int:
        """The most that the next round can burn or pay of an account that was in every pass."""
        word = unpack_account(self.driver.words(account).get(0, 0))
        place = self.parameters.round_word(self.resolved + 1) % OPEN_ROUNDS
        return bound_nano(word.risks_units[place])

    def state(self, account: str) -> State:
        """The account without what is due."""
        word = unpack_account(self.driver.words(account).get(0, 0))
        position = self.seen(account)
        uncommitted_nano = position.pool_nano + position.staked_nano - position.at_risk_nano
        return State(
            position.pool_nano,
            self.stakes(account),
            word.risks_units,
            position.round_number,
            position.period,
            position.at_risk_nano,
            uncommitted_nano,
        )


def shared(limit_nano: int, permille: Mapping[int, int]) -> dict[int, int]:
    """Payouts in thousandths of a limit, together within it on either side."""
    count = max(1, len(permille))
    return {
        model: (abs(share) * limit_nano // 1_000 // count) * (1 if share > 0 else -1)
        for model, share in sorted(permille.items())
        if share
    }


def portions(total_nano: int, shares: Mapping[int, int]) -> dict[int, int]:
    """A total in proportion over models, rounded down."""
    whole = max(1, sum(shares.values()))
    return {model: total_nano * share // whole for model, share in sorted(shares.items())}


def parts(amount_nano: int, split: Split) -> dict[int, int]:
    """What each destination of a split gets of an earning, in exact fractions first: the floor of
    its share, and the first what is missing."""
    found = {destination: amount_nano * share // 10_000 for destination, share in split}
    found[split[0][0]] += amount_nano - sum(found.values())
    return found


# --- on both books ----------------------------------------------------------------------------

_worlds: dict[str, World] = {}


def deploy() -> None:
    """One escrow for all tests of a module, from a fixture of the module: what a test deploys
    itself, boa takes back after it."""
    boa.env.enable_fast_mode()
    _worlds["world"] = world = deploy_world()
    for account in (STAKER, OTHER, role_address("owner")):
        world.give(account, HELD * NMR)


@contextmanager
def tournament(book: str) -> Iterator[Tournament]:
    """A funded tournament before its first pass, on the ledger or on the contract."""
    if book == "ledger":
        parameters = Parameters(FIRST_PASS, START, START)
        yield Tournament(LedgerDriver(parameters), parameters)
        return
    world = _worlds["world"]
    try:
        with boa.env.anchor():
            yield Tournament(EscrowDriver(world), world.parameters)
    finally:
        # boa remembers writes beyond the anchor and would search through them all
        boa.env.sstore_trace.clear()


BOOKS = ("ledger", "contract")


def law(
    **drawn: st.SearchStrategy[Any],
) -> Callable[[Callable[..., None]], Callable[[str], None]]:
    """A test that the function holds for every tournament and all that is drawn, on both books."""

    def make(check: Callable[..., None]) -> Callable[[str], None]:
        @pytest.mark.parametrize("book", BOOKS)
        def test(book: str) -> None:
            @settings(max_examples=EXAMPLES[book])
            @given(**drawn)
            def holds(**values: Any) -> None:
                with tournament(book) as played:
                    check(played, **values)

            holds()

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        test.__module__ = check.__module__
        return test

    return make
