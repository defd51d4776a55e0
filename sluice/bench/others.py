"""Other ways to pay many receivers, on the same chain and in the same token, and what a user's own
calls of the token cost: what free withdrawals have to be compared with.

None of these keeps accounts: somebody else has to know who is owed what."""

from collections.abc import Callable, Sequence

import ape

from sluice.bench.names import PLAIN
from sluice.bench.world import FEW, MANY, NANO_A_NMR, Figures, World, slope
from sluice.calls import calls, encode_call
from sluice.units import to_units
from sluice.words import MAX_AMOUNT_NANO

DISPERSE = "disperse(address,address[],uint256[])"
DISTRIBUTE = "distribute_token(address,((address,uint256)[]))"

Payments = Sequence[tuple[str, int]]
"""Who gets how much, in token base units."""


def measure_others(world: World) -> Figures:
    """Batches of 100 and 200 transfers to stakers, who all hold the token, by the plain loop and by
    snekmate's distributor; then one transfer and one approval as transactions of their own."""
    return _batches(world) | _own(world)


def _batches(world: World) -> Figures:
    deployer = ape.accounts.test_accounts[3]
    with world.chain.one_by_one():
        loop = deployer.deploy(ape.project.PlainLoop).address
        distributor = deployer.deploy(ape.project.Distributor).address
    token = world.deployment.token

    def disperse(payments: Payments) -> bytes:
        receivers, amounts = zip(*payments, strict=True)
        return encode_call(DISPERSE, token, receivers, amounts)

    def distribute(payments: Payments) -> bytes:
        return encode_call(DISTRIBUTE, token, (list(payments),))

    return {
        PLAIN + "disperse_marginal": _marginal(world, loop, disperse),
        "distributor_marginal": _marginal(world, distributor, distribute),
    }


def _marginal(world: World, contract: str, call: Callable[[Payments], bytes]) -> int:
    approval = calls.token_approve(contract, MAX_AMOUNT_NANO)
    world.send(world.owner, approval, "approve", world.deployment.token)
    few, many = (
        world.send(world.owner, call(_payments(world, first, count)), "pay many", contract)
        for first, count in ((0, FEW), (FEW, MANY))
    )
    return slope(few, many)


def _payments(world: World, first: int, count: int) -> Payments:
    receivers = world.stakers[first : first + count]
    return [
        (staker.address, to_units(NANO_A_NMR + place)) for place, staker in enumerate(receivers)
    ]


def _own(world: World) -> Figures:
    """The token's own calls: to a holder, to a new holder, and an approval from nothing."""
    token = world.deployment.token
    sender = world.stakers[-1].address.lower()
    holder = calls.token_transfer(world.stakers[-2].address, NANO_A_NMR)
    new_holder = calls.token_transfer(_nobody(), NANO_A_NMR)
    approval = calls.token_approve(_nobody(), NANO_A_NMR)
    return {
        "token_transfer": world.send(sender, holder, "transfer", token),
        "token_transfer_to_new_holder": world.send(sender, new_holder, "transfer", token),
        "token_approve": world.send(sender, approval, "approve", token),
    }


def _nobody() -> str:
    """An address that nothing else of the bench uses."""
    return ape.accounts.test_accounts[9].address  # type: ignore[no-any-return]
