"""The chain that the bench measures on: participants with keys and NMR, and how weeks pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import ape
from eth_account import Account as KeyedAccount
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from sluice import rounds
from sluice.calls import calls
from sluice.contract import MAX_TRANSACTION_GAS
from sluice.deploying import Plan, deploy
from sluice.deployment import Deployment, Roles
from sluice.errors import SluiceError
from sluice.escrow import Escrow
from sluice.lens import Lens
from sluice.local_chain import AnvilChain, LocalChain, Transaction
from sluice.words import MAX_AMOUNT_NANO, NO_DIGEST, Entry, digest_chain, link_bytes

Figures = dict[str, int]
"""Gas by key; bytes for a key that ends with `_bytes`."""

FEW, MANY = 100, 200
FIRST_ROUND = 1
FIRST_PASS_IN_S = 7 * 24 * 3600
PASSES_BEFORE = 5
NANO_A_NMR = 10**9
STAKE_NANO = 123 * NANO_A_NMR + 456_789_123
WALLET_NANO = 1_000 * NANO_A_NMR
PAYOUT_NANO = NANO_A_NMR + 234_567


class NotMeasured(SluiceError):
    """A call did not do what it was to be measured for."""


@dataclass(frozen=True, slots=True)
class World:
    """A chain with token and escrow, and participants with keys, NMR and approvals. `listed`:
    transactions go with access lists, as the scripts send them."""

    chain: LocalChain
    deployment: Deployment
    owner: str
    operator: str
    stakers: tuple[LocalAccount, ...]
    listed: bool = False

    @property
    def escrow(self) -> Escrow:
        """The deployed escrow."""
        return Escrow(self.deployment.address, self.chain.provider)

    @property
    def lens(self) -> Lens:
        """The lens that was deployed with it."""
        return Lens(self.deployment.lens, self.chain.provider)

    def send(self, sender: str, data: bytes, name: str, to: str | None = None) -> int:
        """Sends one transaction, to the escrow if nothing else is said; returns its gas."""
        transaction = Transaction(
            sender, to or self.deployment.address, data, MAX_TRANSACTION_GAS, name
        )
        (gas,) = self.transact([transaction])
        return gas

    def transact(self, transactions: Sequence[Transaction], time: int | None = None) -> list[int]:
        """Sends transactions, the first at `time` if one is given; returns the gas of each."""
        if self.listed and isinstance(self.chain, AnvilChain):
            return self.chain.send_listed(transactions, time)
        return self.chain.send(transactions, time)

    def send_all(self, sent: Sequence[tuple[str, bytes, str]], to: str | None = None) -> list[int]:
        """Sends many: (sender, calldata, name); returns the gas of each."""
        target = to or self.deployment.address
        return self.chain.send(
            [
                Transaction(sender, target, data, MAX_TRANSACTION_GAS, name)
                for sender, data, name in sent
            ]
        )


def keys() -> dict[str, bytes]:
    """The private keys of the bench's stakers by address: from their names, the same every time."""
    secrets = [keccak(text=f"sluice bench staker {number}") for number in range(FEW + MANY + 12)]
    return {KeyedAccount.from_key(secret).address.lower(): secret for secret in secrets}


def build_world(chain: LocalChain, ordinary_token: bool = False) -> World:
    """Deploys token, burner and escrow, gives every staker NMR and approves the escrow. The token
    is the stand-in for NMR, or an ordinary ERC-20 token in its place."""
    owner, operator, guardian = (ape.accounts.test_accounts[number] for number in range(3))
    with chain.one_by_one():
        token = owner.deploy(ape.project.PlainToken).address if ordinary_token else None
        plan = Plan(
            Roles(owner.address, operator.address, guardian.address),
            first_pass=FIRST_ROUND,
            first_pass_time=chain.time() + FIRST_PASS_IN_S,
            token=token,
        )
        deployment = deploy(plan, owner)
    stakers = tuple(KeyedAccount.from_key(secret) for secret in keys().values())
    world = World(chain, deployment, owner.address.lower(), operator.address.lower(), stakers)
    token = deployment.token
    approval = calls.token_approve(deployment.address, MAX_AMOUNT_NANO)
    world.send(world.owner, approval, "approve", token)
    world.send(world.owner, calls.fund(100_000 * NANO_A_NMR), "fund")
    world.send_all(
        [
            (world.owner, calls.token_transfer(staker.address, WALLET_NANO), "transfer")
            for staker in stakers
        ],
        token,
    )
    world.send_all([(staker.address.lower(), approval, "approve") for staker in stakers], token)
    return world


def mixed(groups: Sequence[Sequence[str]], number: int, model: int = 0) -> list[list[Entry]]:
    """One list of entries for each group, payouts of one model, mixed in sign; rounds that opened
    before the first pass have none."""
    paid = number >= FIRST_ROUND + 4
    return [
        [
            Entry(each, {model: PAYOUT_NANO * (1 if (place + number) % 2 else -1)} if paid else {})
            for place, each in enumerate(sorted(group, key=lambda address: int(address, 16)))
        ]
        for group in groups
    ]


def run_pass(world: World, number: int, groups: Sequence[Sequence[Entry]]) -> list[int]:
    """A whole pass, each group of entries a transaction of its own; returns the gas of the
    announcement and of each group."""
    return run_batches(world, number, [rounds.links(group) for group in groups])


def run_batches(world: World, number: int, batches: Sequence[Sequence[rounds.Link]]) -> list[int]:
    """A pass in batches of links, each a transaction; returns as `run_pass`."""
    parameters = world.deployment.parameters
    contract, operator = world.deployment.address, world.operator
    raw = [[link_bytes(link) for link in batch] for batch in batches]
    digests = digest_chain([link for batch in raw for link in batch])
    opens_at = max(parameters.pass_time(number), world.chain.time() + 1)
    announcement = calls.announce(number, NO_DIGEST, digests[0])
    transaction = Transaction(operator, contract, announcement, MAX_TRANSACTION_GAS, "announce")
    gas = world.chain.send([transaction], opens_at)
    transactions = []
    applied = 0
    for batch in raw:
        applied += len(batch)
        data = calls.resolve(number, batch, digests[applied])
        transactions.append(Transaction(operator, contract, data, MAX_TRANSACTION_GAS, "resolve"))
    return gas + world.transact(transactions, opens_at + parameters.window_s)


def with_lists(world: World, measure: Callable[[World], Figures]) -> Figures:
    """What is measured with access lists, before the same is done without: it is undone. Nothing
    on a chain that makes none."""
    if not isinstance(world.chain, AnvilChain):
        return {}
    with world.chain.undone():
        return measure(replace(world, listed=True))


def slope(few_gas: int, many_gas: int, fraction: int = 1) -> int:
    """The gas of one more item; `fraction` 2: of batches half as large."""
    return round((many_gas - few_gas) * fraction / (MANY - FEW))


def require(done: bool, name: str) -> None:
    """NotMeasured unless it was done: what a batch passes over costs little."""
    if not done:
        raise NotMeasured(f"{name} did not do its work: its figure would be wrong; report it")
