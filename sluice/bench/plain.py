"""The same work in `contracts/test/PlainEscrow.vy`, one field one slot."""

from collections.abc import Sequence

import ape
from ape.contracts import ContractInstance
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from sluice.bench.world import (
    FEW,
    MANY,
    NANO_A_NMR,
    PASSES_BEFORE,
    STAKE_NANO,
    Figures,
    World,
    mixed,
    slope,
)
from sluice.calls import calls
from sluice.units import BASE_UNITS_A_NANO
from sluice.words import MAX_AMOUNT_NANO

PLAIN_PERIOD_S = 14 * 24 * 3600


def measure_plain(world: World) -> Figures:
    """All of it; needs the stakers' NMR, not what they did with the escrow."""
    operator, deployer = ape.accounts.test_accounts[1], ape.accounts.test_accounts[3]
    token = world.deployment.token
    with world.chain.one_by_one():
        plain = deployer.deploy(ape.project.PlainEscrow, token, operator.address)
    few, many = world.stakers[:FEW], world.stakers[FEW : FEW + MANY]
    user = world.stakers[-1]
    approval = calls.token_approve(plain.address, MAX_AMOUNT_NANO)
    everyone = [staker.address.lower() for staker in (*few, *many, user)]
    world.send_all([(each, approval, "approve") for each in everyone], token)
    world.send(world.owner, approval, "approve", token)
    funds = _data(plain, "fund", 100_000 * NANO_A_NMR * BASE_UNITS_A_NANO)
    world.send(world.owner, funds, "plain fund", plain.address)

    units = STAKE_NANO * BASE_UNITS_A_NANO
    deposit = _data(plain, "deposit", 2 * units)
    figures = {
        "plain_deposit_first": world.send(user.address.lower(), deposit, "deposit", plain.address),
        "plain_deposit_repeat": world.send(user.address.lower(), deposit, "deposit", plain.address),
    }
    both = _data(plain, "set_stakes", [0, 1], [units, units])
    world.send(user.address.lower(), both, "set_stakes", plain.address)
    moved = _data(plain, "set_stakes", [0, 1], [units // 2, 3 * (units // 2)])
    figures["plain_set_stakes_two_models"] = world.send(
        user.address.lower(), moved, "set_stakes", plain.address
    )
    withdrawal = _data(plain, "withdraw", NANO_A_NMR * BASE_UNITS_A_NANO)
    figures["plain_withdraw"] = world.send(
        user.address.lower(), withdrawal, "withdraw", plain.address
    )

    others = [staker.address.lower() for staker in (*few, *many)]
    staked = _data(plain, "set_stakes", [0], [units])
    world.send_all([(each, deposit, "deposit") for each in others], plain.address)
    world.send_all([(each, staked, "set_stakes") for each in others], plain.address)
    for number in range(1, 2 + PASSES_BEFORE):
        gas = [
            _plain_resolve(world, plain, number, few),
            _plain_resolve(world, plain, number, many),
        ]
    figures["plain_resolve_one_model_marginal"] = slope(gas[0], gas[1])
    # half as many: 200 would not fit one transaction
    figures["plain_pay_signed_marginal"] = slope(
        _plain_pay(world, plain, few[: FEW // 2]), _plain_pay(world, plain, many[: MANY // 2]), 2
    )
    return figures


def _plain_resolve(
    world: World, plain: ContractInstance, number: int, stakers: Sequence[LocalAccount]
) -> int:
    (entries,) = mixed([[staker.address for staker in stakers]], number)
    accounts = [entry.account for entry in entries]
    payouts = [entry.payouts_nano.get(0, 0) * BASE_UNITS_A_NANO for entry in entries]
    data = _data(plain, "resolve", number, accounts, [0] * len(accounts), payouts)
    return world.send(world.operator, data, "plain resolve", plain.address)


def _plain_pay(world: World, plain: ContractInstance, stakers: Sequence[LocalAccount]) -> int:
    period = world.chain.time() // PLAIN_PERIOD_S
    fields = ["account", "amount", "period", "deadline"]
    types = {
        "Withdrawal": [
            {"name": name, "type": "address" if name == "account" else "uint256"} for name in fields
        ]
    }
    domain = {
        "name": "PlainEscrow",
        "version": "1",
        "chainId": world.deployment.chain_id,
        "verifyingContract": plain.address,
    }
    accounts, amounts, signatures = [], [], []
    deadline = 2**32 - 2
    for place, staker in enumerate(stakers):
        amount = (NANO_A_NMR + place) * BASE_UNITS_A_NANO
        values = dict(zip(fields, (staker.address, amount, period, deadline), strict=True))
        signature = staker.sign_message(encode_typed_data(domain, types, values)).signature
        accounts.append(staker.address)
        amounts.append(amount)
        signatures.append(bytes(signature))
    count = len(stakers)
    data = _data(plain, "pay", accounts, amounts, [period] * count, [deadline] * count, signatures)
    return world.send(world.operator, data, "plain pay", plain.address)


def _data(contract: ContractInstance, function: str, *arguments: object) -> bytes:
    return bytes(getattr(contract, function).encode_input(*arguments))
