"""One recording on one chain, pass by pass, beside the reference ledger."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ape

from sluice import history as recorded
from sluice import manifest, rounds
from sluice.account import bound_nano
from sluice.audit import Auditor, Node
from sluice.calls import calls
from sluice.contract import MAX_TRANSACTION_GAS
from sluice.demo.bill import Bill, Payer
from sluice.demo.checks import Checks, Words, balance_differences, word_differences
from sluice.demo.gasless import Gasless, Senders
from sluice.demo.guests import invite
from sluice.demo.guests import row as guest_row
from sluice.demo.recorded_accounts import RecordedAccounts
from sluice.demo.recording import Recording, round_file, with_guests
from sluice.deploying import Plan, deploy
from sluice.deployment import Deployment, Roles
from sluice.escrow import Escrow
from sluice.files import write_atomically
from sluice.history import Models
from sluice.inputs import RoundTable
from sluice.instructions import Domain
from sluice.ledger import Ledger
from sluice.local_chain import AnvilChain, LocalChain, Transaction
from sluice.parameters import Parameters
from sluice.registry import save_registry
from sluice.storage import WORDS_SLOT
from sluice.stored import Place, gather, stakes_nano
from sluice.words import (
    NO_DIGEST,
    OPEN_ROUNDS,
    digest_chain,
    link_bytes,
    unpack_account,
    word_slot,
)

FIRST_PASS_IN_S = 7 * 24 * 3600
"""From the deployment to the first pass: time to deposit and stake."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What the chain held when a round opened: amounts in nano-NMR, over all recorded accounts."""

    round_number: int
    accounts: int
    models: int
    staked_nano: int
    pools_nano: int
    at_risk_nano: int


@dataclass(frozen=True, slots=True)
class RoundResult:
    """A round: accounts, models and stake as of its opening; the rest of its pass, where gas and
    transactions are those of announcing and resolving, and seconds those of building it too.
    Accounts and NMR are those of the recorded accounts; gas, transactions and seconds are the whole
    pass's, guests in it. `entries` are the accounts in the pass: it also opens a round, for those
    who came since."""

    round_number: int
    accounts: int
    models: int
    at_stake_nano: int
    earned_nano: int
    burned_nano: int
    gas: int
    transactions: int
    seconds: float
    entries: int

    @property
    def gas_per_account(self) -> int:
        """The gas of the pass for each account of the round."""
        return round(self.gas / self.accounts) if self.accounts else 0


class Replay:
    """One recording on one chain: `start` deploys, `run_pass` replays a pass and checks it."""

    def __init__(self, chain: LocalChain, recording: Recording, folder: Path) -> None:
        self.chain = chain
        self.recording = recording
        self.history = recording.history
        self.folder = folder
        self._manifests = folder / "manifests"
        self._rounds = folder / "rounds"
        self.checks = Checks()
        self.guests = invite(self.history)
        self.registry = with_guests(recording, self.guests)
        self.bill = Bill()
        self.openings: dict[int, Opening] = {}
        self.results: list[RoundResult] = []
        self._staked_nano: dict[int, dict[str, Models]] = {}
        self._slots: dict[tuple[str, int], int] = {}
        self._tooling = manifest.tooling_commit()

    def start(self) -> Deployment:
        """Deploys token, burner and escrow, the first pass one round from now; writes the registry
        and clears away the manifests and rounds of an earlier replay."""
        save_registry(self.registry, self.folder / "registry.csv")
        old = [*self._manifests.glob("round_*.json"), *self._rounds.glob("round_*.csv")]
        for path in old:
            path.unlink()
        owner, operator, guardian, relayer = (ape.accounts.test_accounts[i] for i in range(4))
        now = self.chain.time()
        plan = Plan(
            Roles(owner.address, operator.address, guardian.address),
            first_pass=self.history.first_pass,
            first_pass_time=now + FIRST_PASS_IN_S,
        )
        with self.chain.one_by_one():
            self.deployment = deploy(plan, owner)
        self.escrow = Escrow(self.deployment.address, self.chain.provider)
        self.ledger = Ledger(self.deployment.parameters)
        self._owner, self._operator = owner.address, operator.address
        self._recorded = RecordedAccounts(
            self.chain, self.deployment, self._owner, self.ledger, self.bill
        )
        self.chain.send([self._recorded.approval(self._owner)])
        self.gasless = Gasless(
            self.guests,
            Domain(self.deployment.chain_id, self.deployment.address),
            self.ledger,
            Senders(owner.address, operator.address, relayer.address),
            self._send,
            self.bill,
        )
        return self.deployment

    @property
    def parameters(self) -> Parameters:
        """The deployment's."""
        return self.deployment.parameters

    # --- a pass -----------------------------------------------------------------------------

    def run_pass(self, number: int) -> None:
        """What happens before pass `number`, the pass, its checks, and what happens right after."""
        before = recorded.steps_before(self.history, self.ledger, number)
        self.checks.look_for_set_stakes(self.history, number + OPEN_ROUNDS, before)
        self._recorded.take(before)
        self._recorded.take(
            recorded.withdrawals(self.history, self.ledger, number, self.chain.time())
        )
        self.gasless.act(number, self.chain.time() + 1)
        self._pass(number)
        words = self.words()
        self.check(words)
        self._record_opening(number + OPEN_ROUNDS, words)
        self.checks.compare_compounded(self.history, number + OPEN_ROUNDS, words)
        self._recorded.take(recorded.steps_after(self.history, number))
        self.gasless.pay(number, self.chain.time() + 1)

    def _pass(self, number: int) -> None:
        started = time.perf_counter()
        links = self._links(number)
        raw = [link_bytes(link) for link in links]
        digests = digest_chain(raw)
        earned_nano = recorded.earnings_nano(entry for link in links for entry in link)
        seconds = time.perf_counter() - started
        if earned_nano:
            gas = self._send([(self._owner, calls.fund(earned_nano), "fund")])
            self.bill.add(Payer.OWNER, "fund", gas, 1)
            self.ledger.fund(earned_nano)

        started = time.perf_counter()
        opens_at = self.parameters.pass_time(number)
        announcement = calls.announce(number, NO_DIGEST, digests[0])
        gas = self._send([(self._operator, announcement, f"announce of round {number}")], opens_at)
        self.chain.wait_until(opens_at + self.parameters.window_s)
        end = 0
        for batch in rounds.batches(links):
            start, end = end, end + len(batch)
            gas += self._resolve(number, raw, digests, range(start, end))
        seconds += time.perf_counter() - started

        entries = sum(len(link) for link in links)
        self.bill.add(Payer.OPERATOR, "announce", gas[:1], 1)
        self.bill.add(Payer.OPERATOR, "resolve", gas[1:], entries)
        self.ledger.announce(number, NO_DIGEST, digests[0], opens_at)
        equity_nano = self._equity_of_guests()
        passed = self.ledger.resolve(number, raw, NO_DIGEST, self.chain.time())
        self._staked_nano[number + OPEN_ROUNDS] = {
            guest.name: dict(self.ledger.account(guest.account).stakes_nano)
            for guest in self.guests
        }
        opening = self.openings.get(number)
        if opening is None:
            return
        ours = {guest.account for guest in self.guests}
        guests_earned_nano = recorded.earnings_nano(
            entry for link in links for entry in link if entry.account.lower() in ours
        )
        guests_burned_nano = equity_nano + guests_earned_nano - self._equity_of_guests()
        self.results.append(
            RoundResult(
                round_number=number,
                accounts=opening.accounts,
                models=opening.models,
                at_stake_nano=opening.staked_nano,
                earned_nano=passed.earned_nano - guests_earned_nano,
                burned_nano=passed.burned_nano - guests_burned_nano,
                gas=sum(gas),
                transactions=len(gas),
                seconds=seconds,
                entries=entries,
            )
        )

    def _resolve(
        self, number: int, raw: Sequence[bytes], digests: Sequence[bytes], batch: range
    ) -> list[int]:
        """Resolves consecutive links in one transaction, or in several if they turn out dearer
        than expected; a single link always fits."""
        data = calls.resolve(number, raw[batch.start : batch.stop], digests[batch.stop])
        if len(batch) > 1 and not self.escrow.fits(data, self._operator):
            half = len(batch) // 2
            first = self._resolve(number, raw, digests, batch[:half])
            return first + self._resolve(number, raw, digests, batch[half:])
        return self._send([(self._operator, data, f"resolve of round {number}")])

    def _links(self, number: int) -> list[rounds.Link]:
        """The links of a pass from the round's file and the stakes of this block, and its manifest.
        The four first passes resolve rounds that are not in the file: they only open."""
        table, registry = self.recording.table, self.registry
        staked = {address: held.staked_nano for address, held in self.ledger.accounts.items()}
        if number in self.history.stakes_nano:
            table = self._round_table(number)
            links = rounds.links_of_round(table, registry, number, staked, 0)
        else:
            links = rounds.links(rounds.entries({}, staked, 0))
        bounds = {
            address: bound_nano(held.risks_units.get(number, 0))
            for address, held in self.ledger.accounts.items()
        }
        rounds.check_bounds([entry for link in links for entry in link], bounds)
        made = manifest.build(
            manifest.Target(self.deployment.address, self.deployment.chain_id, self.parameters),
            table,
            registry,
            number,
            self.chain.block(),
            links,
            minimum_stake_nano=0,
            tooling=self._tooling,
        )
        manifest.write_manifest(made, self._manifests / f"round_{number}.json")
        return links

    def _round_table(self, number: int) -> RoundTable:
        """The round's rows with those of the guests, and their file."""
        rows = [
            guest_row(guest, model, self.history, number, stake_nano)
            for guest in self.guests
            for model, stake_nano in sorted(self._staked_nano[number][guest.name].items())
        ]
        recorded_rows = self.recording.table.rows(number)
        path = self._rounds / f"round_{number}.csv"
        data = round_file(recorded_rows, rows)
        write_atomically(path, data)
        digest = hashlib.sha256(data).hexdigest()
        return RoundTable(path.name, digest, {number: (*recorded_rows, *rows)})

    def _equity_of_guests(self) -> int:
        return sum(self.ledger.account(guest.account).equity_nano for guest in self.guests)

    def _send(self, sent: Sequence[tuple[str, bytes, str]], at: int | None = None) -> list[int]:
        """Operator's and owner's calls of the escrow."""
        transactions = [
            Transaction(sender, self.escrow.address, data, MAX_TRANSACTION_GAS, name)
            for sender, data, name in sent
        ]
        return self.chain.send(transactions, at)

    # --- checks -----------------------------------------------------------------------------

    def words(self) -> dict[str, Words]:
        """The stored words of every account, guests too, straight from the contract's storage: the
        account word, the stake pages in use, the word that holds due and nonce, and the split words
        in use."""
        accounts = (*self.history.accounts, *(guest.account for guest in self.guests))
        return {
            account: {place: word for place, word in held.items() if word}
            for account, held in gather(accounts, self._read).items()
        }

    def _read(self, places: Sequence[Place]) -> list[int]:
        for account, place in places:
            if (account, place) not in self._slots:
                self._slots[account, place] = word_slot(account, place, WORDS_SLOT)
        return self.chain.storage(self.escrow.address, [self._slots[place] for place in places])

    def check(self, words: Mapping[str, Words]) -> None:
        """`chain_equals_ledger` and `conservation` as the chain stands now."""
        self.checks.word_differences += word_differences(self.ledger, words)
        state = self.escrow.round_state()
        found = (state.resolved, state.digest, state.announced_at)
        wanted = (self.ledger.resolved, self.ledger.digest, self.ledger.announced_at)
        if found != wanted:
            self.checks.word_differences.append(f"round state {found}, in the ledger {wanted}")
        self.checks.balance_differences += balance_differences(
            self.escrow.token.balance_nano(self.escrow.address),
            words,
            self.escrow.reserve_nano(),
            self.escrow.burned_nano(),
            self.ledger,
        )

    def check_guests(self) -> None:
        """Looks for a guest that sent a transaction or could have paid for one: there must be
        none."""
        sent = 0
        for guest in self.guests:
            transactions, ether_wei = self.chain.sent_and_held(guest.signer.address)
            sent += transactions
            if transactions or ether_wei:
                self.checks.gas_differences.append(
                    f"{guest.name} sent {transactions} transactions and holds {ether_wei} wei"
                )
        self.checks.guests = len(self.guests)
        self.checks.signed = self.gasless.signed
        self.bill.add(Payer.GUESTS, "sign", [0] * sent, self.gasless.signed)

    def audit(self) -> None:
        """Rebuilds everything from the events alone, as anybody could, where there is a node to
        read them from."""
        if not isinstance(self.chain, AnvilChain):
            return
        report = Auditor(
            self.deployment, Node(self.chain.provider), manifests_folder=self._manifests
        ).run()
        self.checks.audited = report.rebuilt.counts.total()
        self.checks.audit_findings += map(str, report.findings)
        if report.missing:
            self.checks.audit_findings.append(f"no manifest of rounds {report.missing}")

    def _record_opening(self, opened: int, words: Mapping[str, Words]) -> None:
        accounts = self.history.accounts
        stakes = [stakes_nano(words[account]) for account in accounts]
        now = self.chain.time()
        self.openings[opened] = Opening(
            round_number=opened,
            accounts=sum(1 for models in stakes if models),
            models=sum(len(models) for models in stakes),
            staked_nano=sum(sum(models.values()) for models in stakes),
            pools_nano=sum(unpack_account(words[a].get(0, 0)).pool_nano for a in accounts),
            at_risk_nano=sum(self.ledger.at_risk_nano(a, now) for a in accounts),
        )


def run(replay: Replay, on_pass: Callable[[int], None] = lambda number: None) -> Checks:
    """Deploys and replays every pass; `on_pass` is told before each."""
    replay.start()
    for number in replay.history.passes:
        on_pass(number)
        replay.run_pass(number)
    replay.check(replay.words())
    replay.check_guests()
    replay.audit()
    return replay.checks
