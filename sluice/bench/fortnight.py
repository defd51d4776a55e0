"""A participant's fortnight, all of it without gas of their own: two weekly passes over an account
of two models that wins on one and loses on the other, one signed rebalance between them, one signed
free withdrawal."""

from collections.abc import Callable, Sequence

from eth_account.signers.local import LocalAccount

from sluice.bench.messages import Asked, pay_signed, relay
from sluice.bench.world import (
    FEW,
    FIRST_ROUND,
    MANY,
    NANO_A_NMR,
    PASSES_BEFORE,
    PAYOUT_NANO,
    Figures,
    NotMeasured,
    World,
    run_pass,
    slope,
    with_lists,
)
from sluice.calls import calls
from sluice.words import OPEN_ROUNDS, Entry

HALF = 2
"""What batches are divided by that hold half as many: 128 signatures fit one `relay`."""
DEPOSIT_NANO = 600 * NANO_A_NMR
STAKED_NANO = 60 * NANO_A_NMR
"""On both models together: a small part of the deposit, so that there is NMR to withdraw."""


def measure_fortnight(world: World) -> Figures:
    """`fortnight`: the sum of what one more such account adds to the batches of two passes, of a
    relay and of a payment, `fortnight_listed` with access lists; `fortnight_user`: the gas of what
    the accounts sent themselves meanwhile. In a world where nothing has happened yet."""
    few, many = world.stakers[: FEW // HALF], world.stakers[FEW : FEW + MANY // HALF]
    everyone = [*few, *many]
    staked = calls.deposit_and_stake(DEPOSIT_NANO, _halves(STAKED_NANO // 2))
    world.send_all([(each.address.lower(), staked, "deposit_and_stake") for each in everyone])
    for number in range(FIRST_ROUND, FIRST_ROUND + PASSES_BEFORE):
        _pass(world, number, few, many)

    # the first fortnight fills what later ones find filled
    _both_halves(world, number + 1, few, many)
    sent = _sent(world, everyone)
    listed = with_lists(
        world, lambda of: {"fortnight_listed": sum(_both_halves(of, number + 3, few, many))}
    )
    one_pass, rest = _both_halves(world, number + 3, few, many)
    if _sent(world, everyone) != sent:
        raise NotMeasured("an account sent a transaction of its own in its free fortnight")
    return {
        "resolve_two_models_marginal": one_pass,
        "fortnight": one_pass + rest,
        **listed,
        "fortnight_user": 0,
    }


def _both_halves(
    world: World, number: int, few: Sequence[LocalAccount], many: Sequence[LocalAccount]
) -> tuple[int, int]:
    """A fortnight: what the first pass takes for one more account, and all the rest."""
    first = slope(*_pass(world, number, few, many), HALF)
    # from one half to the other and back: the pass's number makes it a change each time
    moved_nano = STAKED_NANO // 3 + number * NANO_A_NMR
    asked = _rebalance(moved_nano)
    rebalanced = slope(relay(world, few, asked), relay(world, many, asked), HALF)
    second = slope(*_pass(world, number + 1, few, many), HALF)
    paid = slope(pay_signed(world, few), pay_signed(world, many), HALF)
    return first, rebalanced + second + paid


def _pass(
    world: World, number: int, few: Sequence[LocalAccount], many: Sequence[LocalAccount]
) -> tuple[int, int]:
    """A pass; rounds that opened before the first one have no payouts."""
    paid = number >= FIRST_ROUND + OPEN_ROUNDS
    groups = [
        [Entry(each, _payouts(place + number) if paid else {}) for place, each in enumerate(group)]
        for group in (_ascending(few), _ascending(many))
    ]
    _, few_gas, many_gas = run_pass(world, number, groups)
    return few_gas, many_gas


def _payouts(turn: int) -> dict[int, int]:
    sign = 1 if turn % 2 else -1
    return {0: sign * PAYOUT_NANO, 1: -sign * (PAYOUT_NANO // 2)}


def _halves(stake_nano: int) -> dict[int, int]:
    return {0: stake_nano, 1: stake_nano}


def _rebalance(onto_second_nano: int) -> Callable[[int], Asked]:
    def asked(place: int) -> Asked:
        second_nano = onto_second_nano + place
        return {0: STAKED_NANO - second_nano, 1: second_nano}, {}

    return asked


def _ascending(stakers: Sequence[LocalAccount]) -> list[str]:
    return sorted((staker.address for staker in stakers), key=lambda address: int(address, 16))


def _sent(world: World, stakers: Sequence[LocalAccount]) -> int:
    """How many transactions they have sent."""
    return sum(world.chain.sent_and_held(staker.address)[0] for staker in stakers)
