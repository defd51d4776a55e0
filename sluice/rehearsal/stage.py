"""Where a rehearsal is played: a chain, the escrow on it, and who leaves.

`made_up` plays some weeks of a small tournament on a new chain, with one account for each kind that
there is; `copied` takes a deployment and its accounts as a running chain has them."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import ape

from sluice import rounds
from sluice.account import bound_nano
from sluice.calls import calls
from sluice.contract import MAX_TRANSACTION_GAS
from sluice.deploying import Plan, deploy
from sluice.deployment import Deployment, Roles, load_and_check
from sluice.errors import InvalidInput
from sluice.escrow import Escrow
from sluice.inputs import as_address
from sluice.lens import Lens
from sluice.local_chain import AnvilChain, Transaction
from sluice.words import MODELS, NO_DIGEST, WALLET, Entry, digest_chain, link_bytes

NANO_A_NMR = 10**9
WALLET_NANO = 1_000 * NANO_A_NMR
RESERVE_NANO = 1_000 * NANO_A_NMR
FIRST_PASS = 1
FIRST_PASS_IN_S = 3_600
OF_THE_BOUND = 400
"""The most that a made-up payout is, in thousandths of what the round can burn or pay."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A chain that takes transactions from any sender, the escrow on it with its lens, and the
    accounts that leave by what they are called."""

    chain: AnvilChain
    deployment: Deployment
    escrow: Escrow
    lens: Lens
    accounts: Mapping[str, str]

    def send(self, sender: str, calldata: bytes, name: str, to: str | None = None) -> int:
        """One transaction, to the escrow if nothing else is said, mined; returns its gas.
        ChainFailure if it is refused."""
        (gas,) = self.chain.send(
            [
                Transaction(
                    sender, to or self.deployment.address, calldata, MAX_TRANSACTION_GAS, name
                )
            ]
        )
        return gas

    def announce(self, entries: Sequence[Entry], sender: str) -> list[list[bytes]]:
        """Announces what is left of the next round in place of whatever is stored, not before its
        time; returns its links in batches."""
        state = self.escrow.round_state()
        number = state.resolved + 1
        self.wait_until(self.deployment.parameters.pass_time(number))
        batches = [
            [link_bytes(link) for link in batch]
            for batch in rounds.batches(rounds.links(list(entries)))
        ]
        digest = digest_chain([link for batch in batches for link in batch])[0]
        self.send(sender, calls.announce(number, state.digest, digest), "announce")
        return batches

    def resolve(self, batches: Sequence[Sequence[bytes]], count: int | None = None) -> None:
        """Applies the first `count` batches of those that are left, all if it is None; the window
        is waited for."""
        state = self.escrow.round_state()
        self.wait_until(state.announced_at + self.deployment.parameters.window_s)
        for done in range(len(batches) if count is None else count):
            rest = [link for batch in batches[done + 1 :] for link in batch]
            next_digest = digest_chain(rest)[0] if rest else NO_DIGEST
            calldata = calls.resolve(state.resolved + 1, batches[done], next_digest)
            self.send(self.deployment.roles.operator, calldata, "resolve")

    def wait_until(self, time: int) -> None:
        """Moves the chain's time there, unless it is past."""
        if self.chain.time() < time:
            self.chain.wait_until(time)


def copied(chain: AnvilChain, record: Path, names: Sequence[str]) -> Stage:
    """The recorded deployment on a chain that goes on from a running one, with these addresses, or
    with every account that holds anything. ChainMismatch if it is not there, InvalidInput for what
    is no address or holds nothing."""
    deployment, escrow = load_and_check(record, chain.provider)
    asked = [as_address(name) or "" for name in names]
    if not all(asked):
        wrong = names[asked.index("")]
        raise InvalidInput(f"{wrong} is no address: write 0x and 40 digits")
    found = set(asked)
    if not names:
        for _, accounts in escrow.accounts(deployment.block, escrow.last_block().number):
            found |= accounts
    book = escrow.ledger(found)
    holding = [account for account in sorted(found) if book.account(account).equity_nano]
    if empty := sorted(set(asked) - set(holding)):
        raise InvalidInput(f"{empty[0]} holds nothing in this escrow: check the address")
    if not holding:
        raise InvalidInput("no account holds anything in this escrow: there is nobody to leave")
    return _stage(chain, deployment, {account: account for account in holding})


def _stage(chain: AnvilChain, deployment: Deployment, accounts: Mapping[str, str]) -> Stage:
    escrow = Escrow(deployment.address, chain.provider)
    return Stage(chain, deployment, escrow, Lens(deployment.lens, chain.provider), accounts)


# --- a tournament that is made up -------------------------------------------------------------


def made_up(chain: AnvilChain, weeks: int, seed: int = 0, leaving: Sequence[str] = ()) -> Stage:
    """A new escrow, one account for each kind that there is, `weeks` passes with earnings and
    burns, and one more of which the first half is applied. Who leaves is named in `leaving`, all if
    nobody is; InvalidInput for a name that nobody has."""
    if wrong := sorted(set(leaving) - _KINDS.keys()):
        raise InvalidInput(f"{wrong[0]} is none of those made up: name one of {', '.join(_KINDS)}")
    owner, operator, guardian, *stakers = ape.accounts.test_accounts[: 3 + len(_KINDS)]
    roles = Roles(owner.address, operator.address, guardian.address)
    with chain.one_by_one():
        plan = Plan(roles, FIRST_PASS, chain.time() + FIRST_PASS_IN_S)
        deployment = deploy(plan, owner)
    accounts = {name: each.address for name, each in zip(_KINDS, stakers, strict=True)}
    stage = _stage(chain, deployment, accounts)
    approval = calls.token_approve(deployment.address, WALLET_NANO)
    stage.send(owner.address, approval, "approve", deployment.token)
    stage.send(owner.address, calls.fund(RESERVE_NANO), "fund")
    for account in accounts.values():
        transfer = calls.token_transfer(account, WALLET_NANO)
        stage.send(owner.address, transfer, "transfer", deployment.token)
        stage.send(account, approval, "approve", deployment.token)

    draw = random.Random(seed)
    for week in range(weeks + 1):
        for name, steps in _KINDS.items():
            for calldata in steps(weeks - week):
                stage.send(accounts[name], calldata, name)
        entries = _entries(stage, draw, weeks - week)
        half = len(entries) // 2
        if week < weeks:
            stage.resolve(stage.announce(entries, operator.address))
            continue
        links = [link_bytes(entries[:half]), link_bytes(entries[half:])]
        number = stage.escrow.round_state().resolved + 1
        stage.wait_until(deployment.parameters.pass_time(number))
        digest = digest_chain(links)[0]
        stage.send(operator.address, calls.announce(number, NO_DIGEST, digest), "announce")
        stage.resolve([[link] for link in links], count=1)
    left = {name: accounts[name] for name in _KINDS if name in leaving or not leaving}
    return replace(stage, accounts=left)


Steps = Callable[[int], Iterable[bytes]]
"""What an account sends when so many whole passes are still to come."""


def _one_model(ahead: int) -> Iterable[bytes]:
    if ahead == 6:
        yield calls.deposit_and_stake(100 * NANO_A_NMR, {0: 100 * NANO_A_NMR})


def _every_model(ahead: int) -> Iterable[bytes]:
    if ahead == 6:
        stakes = dict.fromkeys(range(MODELS), 2 * NANO_A_NMR)
        yield calls.deposit_and_stake(MODELS * 2 * NANO_A_NMR, stakes)


def _to_the_wallet(ahead: int) -> Iterable[bytes]:
    if ahead == 6:
        yield calls.deposit_and_stake(50 * NANO_A_NMR, {0: 50 * NANO_A_NMR})
        yield calls.set_split(0, ((WALLET, 10_000),))


def _between_models(ahead: int) -> Iterable[bytes]:
    if ahead == 6:
        stakes = {1: 30 * NANO_A_NMR, 33: 20 * NANO_A_NMR}
        yield calls.deposit_and_stake(50 * NANO_A_NMR, stakes)
        yield calls.set_split(1, ((33, 5_000), (64, 5_000)))


def _taking_out(ahead: int) -> Iterable[bytes]:
    if ahead == 6:
        yield calls.deposit_and_stake(80 * NANO_A_NMR, {0: 80 * NANO_A_NMR})
    if ahead == 2:
        yield calls.set_stakes({0: 20 * NANO_A_NMR})


def _last_week(ahead: int) -> Iterable[bytes]:
    if ahead == 0:
        yield calls.deposit_and_stake(40 * NANO_A_NMR, {2: 40 * NANO_A_NMR})


def _left_out(ahead: int) -> Iterable[bytes]:
    if ahead == 6:
        yield calls.deposit_and_stake(60 * NANO_A_NMR, {5: 45 * NANO_A_NMR})


LEFT_OUT = "left out of the last passes"
_KINDS: Mapping[str, Steps] = {
    "one model": _one_model,
    "every model": _every_model,
    "earnings to the wallet": _to_the_wallet,
    "earnings to other models": _between_models,
    "taking three quarters out": _taking_out,
    "joined last week": _last_week,
    LEFT_OUT: _left_out,
}


def _entries(stage: Stage, draw: random.Random, ahead: int) -> list[Entry]:
    """Everybody with a stake or a risk, with payouts on two of the models, some up, some down."""
    book = stage.escrow.ledger(stage.accounts.values())
    number = book.resolved + 1
    entries = []
    for name, account in stage.accounts.items():
        held = book.account(account)
        if held.equity_nano == 0 or (name == LEFT_OUT and ahead < 3):
            continue
        bound = bound_nano(held.risks_units.get(number, 0))
        paid = sorted(held.stakes_nano)[:2]
        payouts = {
            model: bound // len(paid) * draw.randint(-OF_THE_BOUND, OF_THE_BOUND) // 1_000
            for model in paid
        }
        entries.append(Entry(account, {m: amount for m, amount in payouts.items() if amount}))
    return sorted(entries, key=lambda entry: int(entry.account, 16))
