"""What calls cost: receipts' gasUsed on a local chain, beside the same work done plainly.

Marginal figures are slopes: the gas of a transaction with 200 items less that of one with 100,
divided by 100; so whatever a transaction costs once is left out. The accounts measured have been
through at least five passes, hold NMR in their wallets, and win and lose in turn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ape
from ape.contracts import ContractInstance
from eth_account import Account as KeyedAccount
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from sluice import instructions, rounds
from sluice.calls import calls
from sluice.contract import MAX_TRANSACTION_GAS
from sluice.demo import Recording, prepare
from sluice.deployment import Deployment, Plan, Roles, deploy
from sluice.escrow import Escrow
from sluice.inputs import read_rounds
from sluice.lens import Lens
from sluice.local_chain import LocalChain, Transaction
from sluice.units import BASE_UNITS_A_NANO
from sluice.words import MAX_AMOUNT_NANO, NO_DIGEST, Entry, digest_chain, link_bytes, model_page

Figures = dict[str, int]
"""Gas by key."""

PLAIN = "plain_"
"""Begins the key of a figure that another contract needs for the same work."""

FEW, MANY = 100, 200
FIRST_ROUND = 1
FIRST_PASS_IN_S = 7 * 24 * 3600
PASSES_BEFORE = 5
NANO_A_NMR = 10**9
STAKE_NANO = 123 * NANO_A_NMR + 456_789_123
WALLET_NANO = 1_000 * NANO_A_NMR
PAYOUT_NANO = NANO_A_NMR + 234_567
REAL_ROUND = 260
PLAIN_PERIOD_S = 14 * 24 * 3600


@dataclass(frozen=True, slots=True)
class World:
    """A chain with token and escrow, and participants with keys, NMR and approvals."""

    chain: LocalChain
    deployment: Deployment
    owner: str
    operator: str
    stakers: tuple[LocalAccount, ...]

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
        (gas,) = self.chain.send([transaction])
        return gas

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


def build_world(chain: LocalChain) -> World:
    """Deploys token, burner and escrow, gives every staker NMR and approves the escrow."""
    owner, operator, guardian = (ape.accounts.test_accounts[number] for number in range(3))
    plan = Plan(
        Roles(owner.address, operator.address, guardian.address),
        first_pass=FIRST_ROUND,
        first_pass_time=chain.time() + FIRST_PASS_IN_S,
    )
    with chain.one_by_one():
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


def measure(chain: LocalChain) -> Figures:
    """All figures that need no recorded rounds."""
    world = build_world(chain)
    return _users(world) | _passes_and_batches(world) | _plain(world)


# --- the escrow ------------------------------------------------------------------------------


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
        run_pass(world, number, _groups([few, many, [user]], number))
    gas = run_pass(world, number + 1, _groups([few, many, [user]], number + 1))
    figures = {"resolve_one_model_marginal": _slope(gas[1], gas[2])}

    free = calls.set_stakes({0: STAKE_NANO // 4})
    world.send_all([(each.lower(), free, "set_stakes") for each in [*few, *many, user]])
    for number in range(FIRST_ROUND + PASSES_BEFORE + 1, FIRST_ROUND + PASSES_BEFORE + 5):
        run_pass(world, number, _groups([few, many, [user]], number))
    withdrawal = calls.withdraw(NANO_A_NMR)
    figures["withdraw"] = world.send(user.lower(), withdrawal, "withdraw")
    figures["pay_signed_marginal"] = _slope(
        _pay(world, world.stakers[:FEW]), _pay(world, world.stakers[FEW : FEW + MANY])
    )
    return figures


def _groups(groups: Sequence[Sequence[str]], number: int) -> list[list[Entry]]:
    """One list of entries for each group, payouts mixed in sign; rounds that opened before the
    first pass have none."""
    paid = number >= FIRST_ROUND + 4
    return [
        [
            Entry(each, {0: PAYOUT_NANO * (1 if (place + number) % 2 else -1)} if paid else {})
            for place, each in enumerate(sorted(group, key=lambda address: int(address, 16)))
        ]
        for group in groups
    ]


def run_pass(world: World, number: int, groups: Sequence[Sequence[Entry]]) -> list[int]:
    """A whole pass, each group of entries a transaction of its own; returns the gas of the
    announcement and of each group."""
    return _run_batches(world, number, [rounds.links(group) for group in groups])


def _run_batches(world: World, number: int, batches: Sequence[Sequence[rounds.Link]]) -> list[int]:
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
    return gas + world.chain.send(transactions, opens_at + parameters.window_s)


def _pay(world: World, stakers: Sequence[LocalAccount]) -> int:
    """One batch of free withdrawals, each signed by its staker."""
    domain = instructions.Domain(world.deployment.chain_id, world.deployment.address)
    period = world.lens.current_period()
    signed = [
        instructions.sign(
            instructions.request(staker.address, NANO_A_NMR + place, period), domain, staker
        )
        for place, staker in enumerate(stakers)
    ]
    call = instructions.pay_call(signed)
    return world.send(world.operator, calls.pay(call.requests, [], call.signatures), "pay")


# --- the same work done plainly --------------------------------------------------------------


def _plain(world: World) -> Figures:
    """The same work in `contracts/test/PlainEscrow.vy`, one field one slot, and a Disperse-like
    loop of transfers in `PlainLoop.vy`."""
    operator, deployer = ape.accounts.test_accounts[1], ape.accounts.test_accounts[3]
    token = world.deployment.token
    with world.chain.one_by_one():
        plain = deployer.deploy(ape.project.PlainEscrow, token, operator.address)
        loop = deployer.deploy(ape.project.PlainLoop)
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
    figures["plain_resolve_one_model_marginal"] = _slope(gas[0], gas[1])
    # half as many: 200 would not fit one transaction
    figures["plain_pay_signed_marginal"] = _slope(
        _plain_pay(world, plain, few[: FEW // 2]), _plain_pay(world, plain, many[: MANY // 2]), 2
    )

    world.send(world.owner, calls.token_approve(loop.address, MAX_AMOUNT_NANO), "approve", token)
    disperse = [
        world.send(
            world.owner,
            _data(
                loop,
                "disperse",
                token,
                [staker.address for staker in group],
                [(NANO_A_NMR + place) * BASE_UNITS_A_NANO for place in range(len(group))],
            ),
            "disperse",
            loop.address,
        )
        for group in (few, many)
    ]
    figures["plain_disperse_marginal"] = _slope(disperse[0], disperse[1])
    return figures


def _plain_resolve(
    world: World, plain: ContractInstance, number: int, stakers: Sequence[LocalAccount]
) -> int:
    (entries,) = _groups([[staker.address for staker in stakers]], number)
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


# --- a real round ----------------------------------------------------------------------------


def measure_real_round(chain: LocalChain, path: Path) -> Figures:
    """The pass over round 260 of a file of recorded rounds, whole: every account with its recorded
    stakes on the models that the registry numbers, four passes that open it, then its recorded
    payouts, in the batches that `route` would send. InvalidInput if the file has no round 260."""
    recording = prepare(read_rounds(path))
    recording.table.resolved_rows(REAL_ROUND)
    world = build_world(chain)
    accounts = _stake_recorded(world, recording)
    staked_nano = {account: sum(stakes.values()) for account, stakes in accounts.items()}
    for number in range(FIRST_ROUND, FIRST_ROUND + PASSES_BEFORE):
        opening = rounds.links(rounds.entries({}, staked_nano, 0))
        _run_batches(world, number, rounds.batches(opening))

    links = rounds.links_of_round(recording.table, recording.registry, REAL_ROUND, staked_nano, 0)
    _, *gas = _run_batches(world, number + 1, rounds.batches(links))
    return {
        "resolve_round_260_total": sum(gas),
        "resolve_round_260_largest_transaction": max(gas),
    }


def _stake_recorded(world: World, recording: Recording) -> Mapping[str, Mapping[int, int]]:
    """Deposits and stakes what the round records. A model that the account had in an earlier round
    is staked on and left again, so that the pages in use are those of the real history."""
    history = recording.history
    at_opening = history.stakes_nano[REAL_ROUND]
    highest: dict[str, int] = {}
    for stakes in history.stakes_nano.values():
        for account, models in stakes.items():
            highest[account] = max([highest.get(account, 0), *models])
    approval = calls.token_approve(world.deployment.address, MAX_AMOUNT_NANO)
    token, owner = world.deployment.token, world.owner
    deposits, visits, stakings, transfers = [], [], [], []
    for account, models in sorted(at_opening.items()):
        total_nano = sum(models.values())
        transfers.append((owner, calls.token_transfer(account, total_nano), "transfer"))
        deposits.append((account, calls.deposit(total_nano), "deposit"))
        if model_page(highest[account]) > model_page(max(models)):
            visits.append((account, calls.set_stakes({highest[account]: 1}), "set_stakes"))
            visits.append((account, calls.set_stakes({highest[account]: 0}), "set_stakes"))
        stakings.append((account, calls.set_stakes(dict(sorted(models.items()))), "set_stakes"))
    world.send_all(transfers, token)
    world.send_all([(account, approval, "approve") for account in sorted(at_opening)], token)
    world.send_all(deposits)
    world.send_all(visits)
    world.send_all(stakings)
    return at_opening


def _slope(few_gas: int, many_gas: int, fraction: int = 1) -> int:
    """The gas of one more item; `fraction` 2: of batches half as large."""
    return round((many_gas - few_gas) * fraction / (MANY - FEW))
