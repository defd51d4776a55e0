"""What the escrow costs to deploy, its users' own calls, the weekly pass, the fortnight's batch."""

from sluice.bench.messages import pay_signed
from sluice.bench.world import (
    FEW,
    FIRST_ROUND,
    MANY,
    NANO_A_NMR,
    PASSES_BEFORE,
    STAKE_NANO,
    Figures,
    World,
    mixed,
    run_pass,
    slope,
    with_lists,
)
from sluice.calls import calls

ROUNDS = 2 * PASSES_BEFORE
"""How many rounds are done when all of this has been measured."""


def measure_routes(world: World) -> Figures:
    """All of it; afterwards every staker of the two groups has been through `ROUNDS` passes."""
    return _deployment(world) | _users(world) | _passes_and_batches(world)


def _deployment(world: World) -> Figures:
    """What deploying the escrow took, the table of its refusals included, and how long its code
    is, immutables included (a contract's may have 24,576 bytes, EIP-170)."""
    web3, deployment = world.chain.web3, world.deployment
    # one by one: the in-process chain does not know the receipts of a block
    hashes = web3.eth.get_block(deployment.block)["transactions"]
    receipts = [web3.eth.get_transaction_receipt(each) for each in hashes]  # type: ignore[arg-type]
    (gas,) = (each["gasUsed"] for each in receipts if each["contractAddress"] == deployment.address)
    code = world.chain.provider.get_code(deployment.address)
    return {"deploy_gas": gas, "runtime_bytes": len(bytes(code))}


def _users(world: World) -> Figures:
    """Each user's call as a transaction of its own, intrinsic 21,000 included."""
    staker = world.stakers[-1].address.lower()
    amount = 5 * STAKE_NANO // 2
    figures = {
        "deposit_first": world.send(staker, calls.deposit(amount), "deposit"),
        "deposit_repeat": world.send(staker, calls.deposit(STAKE_NANO), "deposit"),
    }
    world.send(staker, calls.set_stakes({0: STAKE_NANO, 1: STAKE_NANO}), "set_stakes")
    moved = {0: STAKE_NANO - NANO_A_NMR, 1: STAKE_NANO + NANO_A_NMR}
    figures["set_stakes_two_models"] = world.send(staker, calls.set_stakes(moved), "set_stakes")
    return figures


def _passes_and_batches(world: World) -> Figures:
    """The weekly pass and the fortnightly batch, in batches of 100 and of 200 accounts."""
    few = [staker.address for staker in world.stakers[:FEW]]
    many = [staker.address for staker in world.stakers[FEW : FEW + MANY]]
    user = world.stakers[-1].address
    staked = calls.deposit_and_stake(STAKE_NANO, {0: STAKE_NANO})
    world.send_all([(each.lower(), staked, "deposit_and_stake") for each in [*few, *many]])
    for number in range(FIRST_ROUND, FIRST_ROUND + PASSES_BEFORE):
        run_pass(world, number, mixed([few, many, [user]], number))

    def one_model(of: World) -> int:
        _, few_gas, many_gas, _ = run_pass(of, number + 1, mixed([few, many, [user]], number + 1))
        return slope(few_gas, many_gas)

    listed = with_lists(world, lambda of: {"resolve_one_model_listed_marginal": one_model(of)})
    figures = {"resolve_one_model_marginal": one_model(world), **listed}

    free = calls.set_stakes({0: STAKE_NANO // 4})
    world.send_all([(each.lower(), free, "set_stakes") for each in [*few, *many, user]])
    for number in range(FIRST_ROUND + PASSES_BEFORE + 1, FIRST_ROUND + ROUNDS):
        run_pass(world, number, mixed([few, many, [user]], number))
    withdrawal = calls.withdraw(NANO_A_NMR)
    figures["withdraw"] = world.send(user.lower(), withdrawal, "withdraw")

    def paid(of: World) -> int:
        return slope(pay_signed(of, of.stakers[:FEW]), pay_signed(of, of.stakers[FEW : FEW + MANY]))

    listed = with_lists(world, lambda of: {"pay_signed_listed_marginal": paid(of)})
    return {**figures, "pay_signed_marginal": paid(world), **listed}
