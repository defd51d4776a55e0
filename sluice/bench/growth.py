"""What calls cost at sizes from one to the most that fits: accounts in a batch, models in an
account, destinations of a split.

One world of many accounts; every group of them is a transaction of its own in each pass. For models
and destinations the gas is that of one more account in a batch, the slope between two batches.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from sluice import rounds
from sluice.account import Split
from sluice.bench.fits import Series
from sluice.bench.messages import Asked, pay_due, pay_signed, relay
from sluice.bench.world import (
    FIRST_ROUND,
    NANO_A_NMR,
    PASSES_BEFORE,
    WALLET_NANO,
    World,
    build_world,
    run_batches,
)
from sluice.calls import calls
from sluice.contract import MAX_TRANSACTION_GAS
from sluice.instructions import MAX_ITEMS, MAX_RELAY_BYTES
from sluice.instructions.changes import STAKE_BYTES
from sluice.instructions.signing import PACKED_KEY_BYTES
from sluice.local_chain import AnvilChain
from sluice.parameters import BPS
from sluice.words import (
    DESTINATIONS,
    MAX_AMOUNT_NANO,
    MAX_LINK_WORDS,
    MAX_LINKS_A_CALL,
    MODELS_A_PAGE,
    OPEN_ROUNDS,
    POOL,
    WALLET,
    WORD_BYTES,
    Entry,
)

Growth = dict[str, dict[int, int]]
"""Series by name."""

ACCOUNTS = (1, 10, 100, 1_000)
ITEMS = (1, 10, 100)
MODELS_HELD = (1, 4, 5, 15, 65)
WAYS = tuple(range(1, DESTINATIONS + 1))
FEW, MANY = 4, 12
"""Accounts in the two batches that a slope is taken between."""

REST = "the rest"
"""The group that nothing is measured of: it is sent in as many transactions as it takes."""
MAX_ACCOUNTS = MAX_LINKS_A_CALL * MAX_LINK_WORDS
"""More accounts with one model than any call takes."""
MAX_RELAYED = min(
    MAX_RELAY_BYTES // (WORD_BYTES + 2 * STAKE_BYTES),
    MAX_RELAY_BYTES // PACKED_KEY_BYTES,
)
"""What one call of `relay` takes of instructions for two stakes each."""

STAKE_NANO = 10 * NANO_A_NMR
DEPOSIT_NANO = 300 * NANO_A_NMR
MODEL_STAKE_NANO = 2 * NANO_A_NMR
PAYOUT_NANO = NANO_A_NMR // 8 + 1_234


@dataclass(slots=True)
class _Groups:
    """The groups of a pass by name, each with what its accounts win and lose: by place in the group
    and round."""

    members: dict[str, Sequence[str]] = field(default_factory=dict)
    payouts: dict[str, Callable[[int], dict[int, int]]] = field(default_factory=dict)

    def add(
        self, name: str, members: Sequence[str], payouts: Callable[[int], dict[int, int]]
    ) -> None:
        self.members[name], self.payouts[name] = members, payouts

    def run_pass(self, world: World, number: int) -> dict[str, int]:
        """The gas of each group; rounds that opened before the first pass have no payouts."""
        paid = number >= FIRST_ROUND + OPEN_ROUNDS
        batches: list[list[rounds.Link]] = []
        names: list[str] = []
        for name, members in self.members.items():
            entries = [
                Entry(account, self.payouts[name](place + number) if paid else {})
                for place, account in enumerate(sorted(members, key=_number))
            ]
            links = rounds.links(entries)
            cut = rounds.batches(links) if name == REST else [links]
            batches += cut
            names += [name] * len(cut)
        _, *gas = run_batches(world, number, batches)
        return dict(zip(names, gas, strict=True))


def measure_growth(chain: AnvilChain) -> Growth:
    """All series. On anvil only: thousands of accounts that need no key."""
    world = build_world(chain)
    keyed = [staker.address for staker in world.stakers]
    names = _addresses()
    ordinary = [*keyed, *islice(names, MAX_ACCOUNTS - len(keyed))]
    due = list(islice(names, sum(ITEMS) + MAX_ITEMS))
    held = {(models, n): list(islice(names, n)) for models in MODELS_HELD for n in (FEW, MANY)}
    split = {
        (kind, ways, n): list(islice(names, n))
        for kind in ("far", "near")
        for ways in WAYS
        for n in (FEW, MANY)
    }
    grouped = [account for group in (*held.values(), *split.values()) for account in group]
    _enlist(world, [*ordinary, *due, *grouped], known=keyed)
    _stake(world, [*ordinary, *due], {0: STAKE_NANO})
    for (models, _), accounts in held.items():
        _stake(world, accounts, dict.fromkeys(range(models), MODEL_STAKE_NANO))
    for (kind, ways, _), accounts in split.items():
        _stake(world, accounts, {0: STAKE_NANO})
        _set_split(world, accounts, _split(kind, ways))
    _set_split(world, due, ((WALLET, BPS),))

    groups = _Groups()
    for (models, n), accounts in held.items():
        groups.add(f"models {models} {n}", accounts, _on_all_models(models))
    for (kind, ways, n), accounts in split.items():
        groups.add(f"{kind} {ways} {n}", accounts, _win)
    alike = iter(ordinary)
    for size in ACCOUNTS:
        groups.add(f"accounts {size}", list(islice(alike, size)), _win_or_lose)
    groups.add(REST, [*alike, *due], _win_or_lose)
    for number in range(FIRST_ROUND, FIRST_ROUND + PASSES_BEFORE):
        groups.run_pass(world, number)
    gas = groups.run_pass(world, number + 1)
    growth: Growth = {
        "resolve_accounts": {size: gas[f"accounts {size}"] for size in ACCOUNTS},
        "resolve_models": {m: _slope(gas, f"models {m}") for m in MODELS_HELD},
        "resolve_far_destinations": {ways: _slope(gas, f"far {ways}") for ways in WAYS},
        "resolve_near_destinations": {ways: _slope(gas, f"near {ways}") for ways in WAYS},
    }
    growth["pay_signed_items"] = _pay_signed(world, ITEMS)
    growth["pay_due_items"] = _pay_due(world, due)
    growth["set_stakes_models"] = _set_stakes(world, held)

    most = _most_accounts(ordinary, growth["resolve_accounts"])
    groups = _Groups()
    groups.add("most", ordinary[:most], _win_or_lose)
    groups.add(REST, ordinary[most:], _win_or_lose)
    growth["resolve_accounts"][most] = groups.run_pass(world, number + 2)["most"]
    groups.run_pass(world, number + 3)
    growth["pay_signed_items"] |= _pay_signed(world, (MAX_ITEMS,))
    # these get a second model: nothing of one model can be measured of them any more
    growth["relay_items"] = _relay(world)
    return growth


def _pay_signed(world: World, sizes: Sequence[int]) -> dict[int, int]:
    stakers = iter(world.stakers)
    return {size: pay_signed(world, list(islice(stakers, size))) for size in sizes}


def _pay_due(world: World, accounts: Sequence[str]) -> dict[int, int]:
    rest = iter(accounts)
    return {size: pay_due(world, list(islice(rest, size))) for size in (*ITEMS, MAX_ITEMS)}


def _relay(world: World) -> dict[int, int]:
    """Instructions for two stakes; each account has signed before."""

    def moved(nano: int) -> Callable[[int], Asked]:
        return lambda place: ({0: STAKE_NANO - nano - place, 1: nano + place}, {})

    def batches(nano: int) -> dict[int, int]:
        stakers = iter(world.stakers)
        return {
            size: relay(world, list(islice(stakers, size)), moved(nano))
            for size in (*ITEMS, MAX_RELAYED)
        }

    batches(NANO_A_NMR)
    return batches(2 * NANO_A_NMR)


def _set_stakes(world: World, held: Mapping[tuple[int, int], Sequence[str]]) -> dict[int, int]:
    """All stakes of an account changed at once, by its own transaction."""
    gas = {}
    for models in MODELS_HELD:
        account = held[models, FEW][0].lower()
        stakes_nano = dict.fromkeys(range(models), MODEL_STAKE_NANO + NANO_A_NMR)
        gas[models] = world.send(account, calls.set_stakes(stakes_nano), "set_stakes")
    return gas


def _most_accounts(accounts: Sequence[str], measured: Series) -> int:
    """How many accounts of one model fit a transaction: those that its links hold, or fewer if they
    would take too much gas, going by what smaller batches took; then a hundredth less."""
    links = rounds.links([Entry(account, _win(0)) for account in accounts])
    held = sum(len(link) for link in links[:MAX_LINKS_A_CALL])
    *_, smaller, larger = sorted(measured)
    each = (measured[larger] - measured[smaller]) / (larger - smaller)
    return min(held, larger + int((MAX_TRANSACTION_GAS - measured[larger]) / each * 0.99))


def _slope(gas: Mapping[str, int], name: str) -> int:
    return round((gas[f"{name} {MANY}"] - gas[f"{name} {FEW}"]) / (MANY - FEW))


def _win_or_lose(turn: int) -> dict[int, int]:
    return {0: PAYOUT_NANO * (1 if turn % 2 else -1)}


def _win(_: int) -> dict[int, int]:
    return {0: PAYOUT_NANO}


def _on_all_models(models: int) -> Callable[[int], dict[int, int]]:
    def payouts(turn: int) -> dict[int, int]:
        return {m: PAYOUT_NANO * (1 if (turn + m) % 2 else -1) for m in range(models)}

    return payouts


def _split(kind: str, ways: int) -> Split:
    """`far`: every destination a model on a page of its own; `near`: the pool, the wallet, then
    the first models."""
    far = [1 + MODELS_A_PAGE * place for place in range(ways)]
    near = [POOL, WALLET, *range(1, DESTINATIONS - 1)][:ways]
    destinations = far if kind == "far" else near
    shares = [BPS // ways + (BPS % ways if place == 0 else 0) for place in range(ways)]
    return tuple(zip(destinations, shares, strict=True))


def _enlist(world: World, accounts: Sequence[str], known: Sequence[str]) -> None:
    """Gives accounts that are not known yet NMR, and has them approve the escrow."""
    token, new = world.deployment.token, sorted(set(accounts) - set(known))
    transfers = [(world.owner, calls.token_transfer(each, WALLET_NANO), "transfer") for each in new]
    approval = calls.token_approve(world.deployment.address, MAX_AMOUNT_NANO)
    world.send_all(transfers, token)
    world.send_all([(each.lower(), approval, "approve") for each in new], token)


def _stake(world: World, accounts: Sequence[str], stakes_nano: Mapping[int, int]) -> None:
    staked = calls.deposit_and_stake(DEPOSIT_NANO, stakes_nano)
    world.send_all([(account.lower(), staked, "deposit_and_stake") for account in accounts])


def _set_split(world: World, accounts: Sequence[str], split: Split) -> None:
    data = calls.set_split(0, split)
    world.send_all([(account.lower(), data, "set_split") for account in accounts])


def _addresses() -> Iterator[str]:
    number = 0
    while True:
        yield to_checksum_address(keccak(text=f"sluice bench account {number}")[-20:])
        number += 1


def _number(address: str) -> int:
    return int(address, 16)
