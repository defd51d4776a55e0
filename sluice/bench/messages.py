"""Batches of what stakers sign, and of what is due to them, each one transaction; that every item
was done is looked at afterwards, since what a batch passes over costs little."""

from collections.abc import Callable, Sequence

from eth_account.signers.local import LocalAccount

from sluice import instructions
from sluice.account import Split
from sluice.bench.world import NANO_A_NMR, World, require
from sluice.calls import calls
from sluice.words import SPLIT_PLACE, unpack_account, unpack_split

Asked = tuple[dict[int, int], dict[int, Split]]
"""Stakes in nano-NMR and splits, each by model."""


def relay(world: World, stakers: Sequence[LocalAccount], asked: Callable[[int], Asked]) -> int:
    """One batch of instructions, each signed by its staker, sent by nobody in particular; `asked`:
    what the staker at a place of the batch wants. Returns its gas."""
    domain = instructions.Domain(world.deployment.chain_id, world.deployment.address)
    accounts = [staker.address for staker in stakers]
    nonces = _nonces(world, accounts)
    signed = []
    for place, (staker, nonce) in enumerate(zip(stakers, nonces, strict=True)):
        stakes_nano, splits = asked(place)
        message = instructions.instruction(staker.address, stakes_nano, splits, nonce)
        signed.append(instructions.sign(message, domain, staker))
    call = instructions.relay_call(signed)
    gas = world.send(world.owner, calls.relay(call.instructions, call.signatures), "relay")
    require(_nonces(world, accounts) == [nonce + 1 for nonce in nonces], "relay")
    return gas


def pay_signed(world: World, stakers: Sequence[LocalAccount]) -> int:
    """One batch of free withdrawals, each signed by its staker; returns its gas."""
    domain = instructions.Domain(world.deployment.chain_id, world.deployment.address)
    period = world.lens.current_period()
    signed = [
        instructions.sign(
            instructions.request(staker.address, NANO_A_NMR + place, period), domain, staker
        )
        for place, staker in enumerate(stakers)
    ]
    call = instructions.pay_call(signed)
    gas = world.send(world.operator, calls.pay(call.requests, [], call.signatures), "pay")
    _require_paid(world, [staker.address for staker in stakers], period)
    return gas


def pay_due(world: World, accounts: Sequence[str]) -> int:
    """One batch of what is due; returns its gas."""
    period = world.lens.current_period()
    gas = world.send(world.operator, calls.pay([], accounts, b""), "pay")
    _require_paid(world, accounts, period)
    return gas


def _require_paid(world: World, accounts: Sequence[str], period: int) -> None:
    words = world.escrow.storage.words([(account, 0) for account in accounts])
    require({unpack_account(word).period for word in words} == {period}, "pay")


def _nonces(world: World, accounts: Sequence[str]) -> list[int]:
    words = world.escrow.storage.words([(account, SPLIT_PLACE) for account in accounts])
    return [unpack_split(word).nonce for word in words]
