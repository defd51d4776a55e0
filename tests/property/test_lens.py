"""The lens against the ledger: the same answers on random histories and on accounts of any kind.

The ledger's words are put into the escrow's storage; that the escrow comes to the same words by its
own calls is what `test_escrow_machine` shows."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boa
import pytest
from hypothesis import assume, event, given, note, settings
from hypothesis import strategies as st

from sluice.account import Account, Split, bound_nano, lock_nano, open_risks
from sluice.errors import Refused
from sluice.ledger import Ledger
from sluice.parameters import BPS
from sluice.words import (
    MAX_AMOUNT_NANO,
    MAX_NONCE,
    MAX_PERIOD,
    MAX_RISK_UNITS,
    NO_DIGEST,
    OPEN_ROUNDS,
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
    NANO,
    START,
    WEEK,
    World,
    deploy_world,
    role_address,
    set_time,
)

ACCOUNTS = [role_address(role) for role in ("staker", "other_staker", "stranger")]
MODELS = (0, 1, 4, 5, 64)

who = st.sampled_from(ACCOUNTS)
models = st.sampled_from(MODELS)
permille = st.integers(0, 1_000)
amounts = st.one_of(st.sampled_from([1, 2**18 * 4, 2**18 * 4 + 1, 10**9]), st.integers(1, 10**14))
payouts = st.dictionaries(models, st.integers(-1_000, 1_000), max_size=3)


@st.composite
def splits(draw: st.DrawFn) -> Split:
    """None, or up to eight destinations that share 10,000 basis points."""
    destinations = draw(
        st.lists(st.sampled_from([*MODELS, 2, 3, POOL, WALLET]), max_size=8, unique=True)
    )
    shares = [draw(st.integers(1, BPS // 8)) for _ in destinations[1:]]
    if not destinations:
        return ()
    return tuple(zip(destinations, [BPS - sum(shares), *shares], strict=True))


@dataclass(frozen=True)
class Pass:
    """One go at the weekly pass: payouts in thousandths of the bound, how many accounts get their
    turn before it is left lying, and how late it is announced."""

    payouts: dict[str, dict[int, int]]
    done: int
    late: int


steps = st.one_of(
    st.tuples(st.just("deposit"), who, amounts),
    st.tuples(st.just("stake"), who, st.dictionaries(models, permille, min_size=1, max_size=3)),
    st.tuples(st.just("split"), who, models, splits()),
    st.tuples(st.just("withdraw"), who, permille),
    st.tuples(st.just("pay_due"), who),
    st.tuples(st.just("leave"), who),
    st.tuples(st.just("wait"), st.sampled_from([1, DAY, WEEK])),
    *[
        st.builds(
            Pass,
            st.dictionaries(who, payouts),
            st.sampled_from([3, 3, 3, 3, 1, 0]),
            st.sampled_from([0, 0, 0, DAY, WEEK]),
        )
    ]
    * 4,
)

_worlds: dict[str, World] = {}


@pytest.fixture(scope="module", autouse=True)
def _world() -> None:
    boa.env.enable_fast_mode()
    _worlds["world"] = deploy_world()


def run(history: list[Any]) -> tuple[Ledger, int]:
    """A ledger after the steps, whatever of them was refused, and the time then."""
    ledger = Ledger(_worlds["world"].parameters)
    ledger.fund(10**15)
    now = START
    for account in ACCOUNTS:
        ledger.deposit_and_stake(account, 8 * 10**9, {0: 10**9, 5: 5 * 10**9})
    for step in history:
        with suppress(Refused):
            now = act(ledger, step, now)
    return ledger, now


def act(ledger: Ledger, step: Any, now: int) -> int:
    """One step on the ledger; returns the time after it."""
    match step:
        case ("deposit", account, amount):
            ledger.deposit(account, amount)
        case ("stake", account, shares):
            equity = ledger.account(account).equity_nano
            ledger.set_stakes(
                account, {m: equity * shares[m] // 1_000 // len(shares) for m in sorted(shares)}
            )
        case ("split", account, model, split):
            ledger.set_split(account, model, split)
        case ("withdraw", account, share):
            free = ledger.withdrawable_nano(account, now)
            ledger.withdraw(account, free * share // 1_000, now)
        case ("pay_due", account):
            ledger.pay_due(account, now)
        case ("leave", account):
            ledger.leave(account)
        case ("wait", seconds):
            return int(now + seconds)
        case Pass(drawn, done, late):
            return go(ledger, drawn, done, now, late)
    return now


def go(
    ledger: Ledger, drawn: Mapping[str, Mapping[int, int]], done: int, now: int, late: int = 0
) -> int:
    """The coming pass, or what is left of it, one account a link; `done` links are resolved."""
    number = ledger.resolved + 1
    waiting = [a for a in drawn if ledger.account(a).round_number != number]
    made = [link_bytes([entry(ledger, a, drawn[a], number)]) for a in waiting] or [b""]
    now = max(now, ledger.parameters.pass_time(number)) + late
    chain = digest_chain(made)
    ledger.announce(number, ledger.digest, chain[0], now)
    now += ledger.parameters.window_s
    count = min(done, len(made))
    if count:
        ledger.resolve(number, made[:count], chain[count], now)
    return now


def entry(ledger: Ledger, account: str, shares: Mapping[int, int], number: int) -> Entry:
    """Payouts within the bound out of thousandths of it."""
    bound = bound_nano(ledger.account(account).risks_units.get(number, 0))
    return Entry(account, {m: bound * share // 1_000 // len(shares) for m, share in shares.items()})


def compare(ledger: Ledger, times: list[int]) -> None:
    """Every view of every account, what changes with time at each time: what the lens says is what
    the ledger says."""
    world = _worlds["world"]
    with boa.env.anchor():
        world.put_round(ledger.resolved, ledger.announced_at)
        for account in ACCOUNTS:
            world.put(account, ledger.words(account))
        for account in ACCOUNTS:
            assert set_by(world, account) == expected_set_by(ledger, account)
        for now in times:
            set_time(now)
            assert world.lens.current_period() == ledger.parameters.period(now)
            for account in ACCOUNTS:
                assert seen(world, account) == expected(ledger, account, now)
    boa.env.sstore_trace.clear()


def set_by(world: World, account: str) -> dict[str, Any]:
    """What the lens shows of what an account itself has set, in base units."""
    lens = world.lens
    return {
        "stakes": {m: stake for m, stake in enumerate(lens.stakes_of(account)) if stake},
        "splits": {
            s.model: tuple(zip(s.destinations, s.shares, strict=True))
            for s in lens.splits_of(account)
        },
        "split of 5": tuple(zip(*lens.split_of(account, 5), strict=True)),
    }


def expected_set_by(ledger: Ledger, account: str) -> dict[str, Any]:
    """What the ledger knows of what an account itself has set, in base units."""
    held = ledger.account(account)
    return {
        "stakes": {m: stake * NANO for m, stake in sorted(held.stakes_nano.items())},
        "splits": dict(sorted(held.splits.items())),
        "split of 5": held.splits.get(5, ()),
    }


def seen(world: World, account: str) -> dict[str, Any]:
    """What the lens shows of an account's standing now, in base units."""
    lens = world.lens
    return {
        "position": tuple(lens.position(account)),
        "risks": [tuple(risk) for risk in lens.risks_of(account)],
        "schedule": [tuple(release) for release in lens.schedule(account)],
    }


def expected(ledger: Ledger, account: str, now: int) -> dict[str, Any]:
    """What the ledger knows of an account's standing at a time, in base units."""
    held = ledger.account(account)
    position = ledger.position(account, now)
    return {
        "position": (
            position.pool_nano * NANO,
            position.staked_nano * NANO,
            position.at_risk_nano * NANO,
            position.withdrawable_nano * NANO,
            position.due_nano * NANO,
            position.nonce,
            position.round_number or 0,
            position.period,
        ),
        "risks": [
            (r, bound_nano(u) * NANO, lock_nano(u) * NANO, ledger.parameters.deadline(r))
            for r, u in sorted(open_risks(held, ledger.parameters, ledger.resolved, now).items())
        ],
        "schedule": [
            (r.amount_nano * NANO, r.earliest, r.latest) for r in ledger.schedule(account, now)
        ],
    }


# a view costs more on the chain than a step of the ledger
on_chain = (
    settings(max_examples=40) if os.environ.get("HYPOTHESIS_PROFILE", "ci") == "ci" else settings()
)


@on_chain
@given(
    history=st.lists(steps, min_size=5, max_size=25),
    waits=st.lists(st.integers(0, 6 * WEEK), max_size=1),
)
def test_lens_equals_ledger_on_random_histories(history: list[Any], waits: list[int]) -> None:
    """N1: what a page shows is the contract's own account of it."""
    ledger, now = run(history)

    compare(ledger, [now, *(now + wait for wait in waits)])


# mostly so much at risk that some of the pool is locked
held = st.one_of(st.sampled_from([0, 0, 1, MAX_AMOUNT_NANO]), *[st.integers(0, 5 * 10**9)] * 3)
risks = st.one_of(st.sampled_from([0, 1, 2, MAX_RISK_UNITS]), *[st.integers(0, 10**4)] * 3)


@st.composite
def accounts(draw: st.DrawFn, resolved: int) -> Account:
    """Any account that could be there when `resolved` is the last round that is done."""
    last_pass = draw(st.integers(max(FIRST_PASS - 1, resolved - 6), resolved + 1))
    rounds = range(last_pass + 1, last_pass + 1 + OPEN_ROUNDS) if last_pass >= FIRST_PASS else ()
    units = {r: draw(risks) for r in rounds}
    stakes = draw(st.dictionaries(st.integers(0, 64), held, max_size=3))
    pool = draw(held)
    shared = draw(st.dictionaries(st.integers(0, 64), splits(), max_size=4))
    return Account(
        pool_nano=pool,
        stakes_nano={m: stake for m, stake in stakes.items() if stake},
        risks_units={r: u for r, u in units.items() if u},
        round_number=last_pass if last_pass >= FIRST_PASS else None,
        period=draw(st.integers(0, MAX_PERIOD)),
        nonce=draw(st.integers(0, MAX_NONCE)),
        pages=max(map(model_page, [*stakes, *shared]), default=0),
        due_nano=draw(st.integers(0, pool)),
        splits={m: split for m, split in shared.items() if split},
    )


@on_chain
@given(data=st.data())
def test_lens_equals_ledger_on_any_account(data: st.DataObject) -> None:
    ledger = Ledger(_worlds["world"].parameters)
    ledger.resolved = data.draw(st.integers(FIRST_PASS - 1, FIRST_PASS + 8))
    for account in ACCOUNTS:
        ledger.accounts[account] = data.draw(accounts(ledger.resolved))
    coming = ledger.parameters.pass_time(ledger.resolved + 1)
    now = max(START, coming + data.draw(st.integers(-WEEK, 8 * WEEK)))
    if data.draw(st.booleans()):
        ledger.announced_at = data.draw(st.integers(min(now, coming), now))
        ledger.digest = b"\1" * 32

    locked = [ledger.schedule(account, now) for account in ACCOUNTS]
    event(f"{sum(map(bool, locked))} accounts wait for something")

    # to both sides of each deadline
    rounds = range(ledger.resolved + 1, ledger.resolved + 1 + 2 * OPEN_ROUNDS)
    deadlines = [ledger.parameters.deadline(round_number) for round_number in rounds]
    edge = data.draw(st.sampled_from(deadlines)) + data.draw(st.integers(0, 1))
    compare(ledger, [now, max(now, edge)])


@given(history=st.lists(steps, min_size=5, max_size=25))
def test_schedule_is_what_coming_passes_without_a_payout_bring(history: list[Any]) -> None:
    """N1 S2 S28: after each coming pass exactly the amount of the schedule has become free, and the
    last entry is the whole pool."""
    ledger, now = run(history)
    number = ledger.resolved + 1
    # a pass that comes later than the next one's time opens nothing: the schedule is then at least
    assume(now + ledger.parameters.window_s < ledger.parameters.pass_time(number + 1))
    promised = {a: ledger.schedule(a, now) for a in ACCOUNTS}
    most = {a: ledger.withdrawable_nano(a, now) for a in ACCOUNTS}
    pools = {a: ledger.account(a).pool_nano for a in ACCOUNTS}
    freed: dict[str, dict[int, int]] = {a: {} for a in ACCOUNTS}

    for _ in range(OPEN_ROUNDS + 1):
        coming = ledger.resolved + 1
        now = go(ledger, {a: {} for a in ACCOUNTS}, len(ACCOUNTS), now)
        for account in ACCOUNTS:
            free = ledger.withdrawable_nano(account, now)
            if free > most[account]:
                most[account] = free
                freed[account][ledger.parameters.deadline(coming)] = free

    for account in ACCOUNTS:
        note(f"{account}: {promised[account]}")
        assert {r.latest: r.amount_nano for r in promised[account]} == freed[account]
        assert most[account] == pools[account]
    assert ledger.digest == NO_DIGEST
