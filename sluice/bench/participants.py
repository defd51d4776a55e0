"""What participants get without gas: splits, earnings that go to the wallet, signed changes.

It goes on where `routes` ends: two groups of accounts with one model, some passes behind them and
one free withdrawal. Half of each group signs instructions (no more than 128 signatures fit one
`relay`); the others set their splits themselves and keep a nonce of zero.
"""

from collections.abc import Callable, Sequence
from itertools import count

from eth_account.signers.local import LocalAccount

from sluice.account import Split
from sluice.bench.messages import Asked, pay_due, relay
from sluice.bench.routes import ROUNDS
from sluice.bench.world import (
    FEW,
    FIRST_ROUND,
    MANY,
    STAKE_NANO,
    Figures,
    World,
    mixed,
    run_pass,
    slope,
    with_lists,
)
from sluice.calls import calls
from sluice.words import POOL, WALLET

STAKED_NANO = STAKE_NANO // 4
THREE_WAYS: Split = ((POOL, 3_333), (WALLET, 3_333), (1, 3_334))
TO_WALLET: Split = ((WALLET, 10_000),)
HALF = 2
"""What batches are divided by that hold half as many."""


def measure_participants(world: World) -> Figures:
    """All of it, on accounts that `measure_routes` has left."""
    few, many = world.stakers[:FEW], world.stakers[FEW : FEW + MANY]
    figures = _own_calls(world) | _signed(world, few[: FEW // HALF], many[: MANY // HALF])
    few_own, many_own = few[FEW // HALF :], many[MANY // HALF :]
    three_ways = calls.set_split(0, THREE_WAYS)
    _send_each(world, [*few_own, *many_own], three_ways, "set_split")

    weeks = count(FIRST_ROUND + ROUNDS)
    passes = [_pass(world, next(weeks), few, many) for _ in range(3)]
    figures["resolve_split_marginal"] = slope(*passes[-1])

    def due(of: World) -> int:
        return slope(pay_due(of, _addresses(few)), pay_due(of, _addresses(many)))

    # the first fortnight fills what the second finds filled
    due(world)
    _pass(world, next(weeks), few, many)
    _pass(world, next(weeks), few, many)
    listed = with_lists(world, lambda of: {"pay_due_listed_marginal": due(of)})
    figures |= {"pay_due_marginal": due(world), **listed}
    _pass(world, next(weeks), few, many)
    _pass(world, next(weeks), few, many)

    # without a split of its model 0 and a nonce, nothing shares the word with what is due: it is
    # filled from zero each time
    own = [*few_own, *many_own]
    _send_each(world, own, calls.set_split(0, ()), "set_split")
    _send_each(world, own, calls.set_split(1, TO_WALLET), "set_split")
    _send_each(world, own, calls.set_stakes({0: 0, 1: STAKED_NANO}), "set_stakes")
    pay_due(world, _addresses(few_own))
    pay_due(world, _addresses(many_own))
    passes = [_pass(world, next(weeks), few_own, many_own, model=1) for _ in range(2)]
    figures["resolve_split_other_model_marginal"] = slope(*passes[-1], HALF)
    paid = pay_due(world, _addresses(few_own)), pay_due(world, _addresses(many_own))
    figures["pay_due_other_model_marginal"] = slope(*paid, HALF)
    return figures


def _pass(
    world: World,
    number: int,
    few: Sequence[LocalAccount],
    many: Sequence[LocalAccount],
    model: int = 0,
) -> tuple[int, int]:
    """A pass with payouts on one model; returns the gas of each group."""
    groups = mixed([_addresses(few), _addresses(many)], number, model)
    _, few_gas, many_gas = run_pass(world, number, groups)
    return few_gas, many_gas


def _own_calls(world: World) -> Figures:
    """A split set by its account's own transaction."""
    staker = world.stakers[-1].address.lower()
    return {
        "set_split": world.send(staker, calls.set_split(0, THREE_WAYS), "set_split"),
        "set_split_again": world.send(staker, calls.set_split(0, TO_WALLET), "set_split"),
    }


def _signed(world: World, few: Sequence[LocalAccount], many: Sequence[LocalAccount]) -> Figures:
    """What is relayed for accounts of two models that have signed before; leaves them with
    `THREE_WAYS`."""

    def rebalance(place: int, onto_second_nano: int) -> Asked:
        moved_nano = onto_second_nano + place
        return {0: STAKED_NANO - moved_nano, 1: moved_nano}, {}

    def first(place: int) -> Asked:
        return rebalance(place, STAKED_NANO // 2)

    def second(place: int) -> Asked:
        return rebalance(place, STAKED_NANO // 3)

    def to_wallet(_: int) -> Asked:
        return {}, {0: TO_WALLET}

    def three_ways(_: int) -> Asked:
        return {}, {0: THREE_WAYS}

    def both(asked: Callable[[int], Asked], of: World = world) -> int:
        return slope(relay(of, few, asked), relay(of, many, asked), HALF)

    both(first)
    listed = with_lists(world, lambda of: {"relay_rebalance_listed_marginal": both(second, of)})
    figures = {"relay_rebalance_marginal": both(second), **listed}
    figures["relay_one"] = relay(world, few[:1], first)
    both(to_wallet)
    return figures | {"relay_split_marginal": both(three_ways)}


def _send_each(world: World, stakers: Sequence[LocalAccount], data: bytes, name: str) -> None:
    world.send_all([(staker.address.lower(), data, name) for staker in stakers])


def _addresses(stakers: Sequence[LocalAccount]) -> list[str]:
    return [staker.address for staker in stakers]
