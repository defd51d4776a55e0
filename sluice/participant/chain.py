"""The chain part of the account command: reading an account, what a transaction costs now, sending.

A step of the account is sent directly, for gas, or signed and left to be carried by others, for
none (`sluice.participant.store`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ape.api import AccountAPI, ProviderAPI
from eth_utils.address import to_checksum_address

from sluice.calls import calls
from sluice.deployment import Deployment, load_and_check, record_path
from sluice.errors import InvalidInput, Refused
from sluice.escrow import Escrow
from sluice.events import Log
from sluice.inputs import as_address
from sluice.instructions import Domain
from sluice.lens import Lens
from sluice.participant.now import AccountNow, Price, price
from sluice.sending import chain_time, nmr, signer
from sluice.words import model_page

APPROVE_GAS = 50_000
DEPOSIT_GAS = 75_000
PAGE_GAS = 26_000
"""What a deposit takes at most, and each stake page it writes first (`make bench`): before the
escrow is approved nothing can be tried."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A deployment on the connected chain, checked against its record."""

    deployment: Deployment
    escrow: Escrow
    lens: Lens
    provider: ProviderAPI

    @property
    def domain(self) -> Domain:
        """What signatures for it are good for."""
        return Domain(self.deployment.chain_id, self.deployment.address)


@dataclass(frozen=True, slots=True)
class Step:
    """A transaction to be sent: what it does, its calldata, to the escrow or to `to`, and the gas
    it takes, as far as can be known before."""

    name: str
    calldata: bytes
    gas: int
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that went through: its hash, the gas it used, its logs."""

    name: str
    transaction: str
    gas_used: int
    logs: tuple[Log, ...]


def connect(provider: ProviderAPI, record: Path | None) -> Connected:
    """The recorded deployment on the connected chain; ChainMismatch if it is not there."""
    deployment, escrow = load_and_check(record or record_path(provider), provider)
    return Connected(deployment, escrow, Lens(deployment.lens, provider), provider)


def address_of(name: str) -> str:
    """The address of an account to look at: itself, or of an ape account, for which no key is
    unlocked."""
    return as_address(name) or to_checksum_address(acting(name).address)


def acting(name: str) -> AccountAPI:
    """The ape account that signs, by alias, address or number of a test account; InvalidInput if
    ape has none of the name."""
    return signer(name, "account", name)


def account_now(on: Connected, address: str) -> AccountNow:
    """An account as the chain has it."""
    book = on.escrow.ledger([address])
    return AccountNow(
        address=address,
        account=book.account(address),
        parameters=book.parameters,
        resolved=book.resolved,
        announced_at=book.announced_at,
        now=chain_time(on.provider),
    )


def cost(on: Connected, gas: int, nmr_eth: Fraction | None) -> Price:
    """What so much gas costs at the chain's gas price of this moment."""
    return price(gas, int(on.provider.gas_price), nmr_eth)


def step(on: Connected, name: str, calldata: bytes, sender: str) -> Step:
    """A transaction to the escrow with the gas it would use now; Refused, in the contract's words,
    if it would not go through."""
    on.escrow.dry_run(calldata, sender)
    return Step(name, calldata, on.escrow.estimate_gas(calldata, sender))


def deposit_steps(
    on: Connected, sender: str, amount_nano: int, stakes_nano: dict[int, int]
) -> list[Step]:
    """A deposit, with the approval it needs before: NMR turns no allowance into another, so one
    that is there and too small goes to zero first.
    InvalidInput if the wallet has too little."""
    held_nano = on.escrow.token.balance_nano(sender)
    if held_nano < amount_nano:
        raise InvalidInput(
            f"{sender} holds {nmr(held_nano)} outside the escrow, {nmr(amount_nano)} are to be "
            "deposited: deposit less, or send NMR to this address first"
        )
    calldata = calls.deposit(amount_nano)
    if stakes_nano:
        calldata = calls.deposit_and_stake(amount_nano, stakes_nano)
    if on.escrow.token.allowance_nano(sender, on.escrow.address) >= amount_nano:
        return [step(on, "deposit", calldata, sender)]
    token = on.escrow.terms().token
    approval = calls.token_approve(on.escrow.address, amount_nano)
    steps = [Step("approve the escrow", approval, APPROVE_GAS, token)]
    try:
        on.escrow.dry_run(approval, sender, token)
    except Refused:
        revoked = calls.token_approve(on.escrow.address, 0)
        steps.insert(0, Step("take the old approval back", revoked, APPROVE_GAS, token))
    pages = {model_page(model) for model in stakes_nano} - {0}
    return [*steps, Step("deposit", calldata, DEPOSIT_GAS + PAGE_GAS * len(pages))]


def send(on: Connected, steps: Iterable[Step], sender: AccountAPI) -> list[Sent]:
    """Sends the steps one after the other; Refused at the first that does not go through."""
    sent = []
    for each in steps:
        receipt = on.escrow.send(each.calldata, sender, to=each.to)
        sent.append(Sent(each.name, receipt.txn_hash, receipt.gas_used, tuple(receipt.logs)))
    return sent


def total_gas(steps: Sequence[Step]) -> int:
    """The gas of all steps together."""
    return sum(each.gas for each in steps)
