"""How long an audit takes: makes a history on an anvil of its own and audits it, first from the
deployment on, then from the checkpoint, then after one week more.

    python tools/audit_bench.py --weeks 52 --accounts 10000

Every account is in every pass. Of a hundred accounts ten have three models, ten a split of their
own (half of it to the wallet), two change a stake each week, one withdraws; every fortnight what is
due is paid. Each round has its manifest. Prints the figures and, with --write, keeps them in
bench/audit.json.
"""

import json
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import ape
import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sluice import manifest, rounds
from sluice.audit import Auditor, Checkpoints, Node, Report
from sluice.calls import calls
from sluice.contract import MAX_TRANSACTION_GAS
from sluice.deploying import Plan, deploy
from sluice.deployment import Deployment, Roles
from sluice.inputs import RoundTable
from sluice.local_chain import AnvilChain, Transaction, anvil_chain
from sluice.registry import Registry
from sluice.words import NO_DIGEST, OPEN_ROUNDS, POOL, WALLET, Entry, digest_chain, link_bytes

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "bench" / "audit.json"
SEED = 1
NMR = 10**9
POOL_NANO = 20 * NMR
STEP_GAS = 1_000_000
DUE_A_BATCH = 250
FIRST_PASS = 100
DAY_S = 24 * 3600
SPLIT = ((0, 4_000), (POOL, 1_000), (WALLET, 5_000))


@dataclass(frozen=True, slots=True)
class Member:
    """An account of the history and what it staked at first, in nano-NMR by model."""

    address: str
    stakes_nano: dict[int, int]
    splits: bool


class Year:
    """A history on a local chain, week by week."""

    def __init__(self, chain: AnvilChain, accounts: int, folder: Path) -> None:
        self.chain = chain
        self.folder = folder
        self.members = [_member(number) for number in range(1, accounts + 1)]
        self.next_pass = FIRST_PASS
        self._dice = random.Random(SEED)
        owner, operator, guardian = (ape.accounts.test_accounts[i] for i in range(3))
        self._owner, self._operator = owner.address, operator.address
        plan = Plan(
            Roles(owner.address, operator.address, guardian.address),
            first_pass=FIRST_PASS,
            first_pass_time=chain.time() + 7 * DAY_S,
        )
        with chain.one_by_one():
            self.deployment: Deployment = deploy(plan, owner)

    def start(self) -> None:
        """Everybody deposits, stakes and sets splits; the reserve is filled."""
        total = sum(POOL_NANO + sum(m.stakes_nano.values()) for m in self.members)
        token, escrow = self.deployment.token, self.deployment.address
        approval = calls.token_approve(escrow, 2 * total + 10**15)
        self.chain.send([Transaction(self._owner, token, approval, STEP_GAS, "approve")])
        self._send(
            (self._owner, calls.deposit_for(m.address, POOL_NANO + sum(m.stakes_nano.values())))
            for m in self.members
        )
        self._send((m.address, calls.set_stakes(m.stakes_nano)) for m in self.members)
        self._send((m.address, calls.set_split(0, SPLIT)) for m in self.members if m.splits)
        self._send([(self._owner, calls.fund(total // 10))])

    def week(self) -> None:
        """What accounts do in a week, the pass that ends it, and each fortnight a batch."""
        number, dice = self.next_pass, self._dice
        self.next_pass += 1
        some = dice.sample(self.members, max(1, len(self.members) // 50))
        self._send((m.address, calls.set_stakes({2: dice.randint(1, NMR)})) for m in some)
        some = dice.sample(self.members, max(1, len(self.members) // 100))
        self._send((m.address, calls.withdraw(NMR // 1_000)) for m in some)

        links = rounds.links([self._entry(m, number) for m in self.members])
        raw = [link_bytes(link) for link in links]
        digests = digest_chain(raw)
        parameters = self.deployment.parameters
        self._write_manifest(number, links)
        announcement = [(self._operator, calls.announce(number, NO_DIGEST, digests[0]))]
        self._send(announcement, parameters.pass_time(number))
        self.chain.wait_until(parameters.pass_time(number) + parameters.window_s)
        end = 0
        resolves = []
        for batch in rounds.batches(links):
            start, end = end, end + len(batch)
            resolves.append((self._operator, calls.resolve(number, raw[start:end], digests[end])))
        self._send(resolves)
        if number % 2 and number >= FIRST_PASS + OPEN_ROUNDS:
            due = [m.address for m in self.members if m.splits]
            self._send(
                (self._operator, calls.pay([], due[at : at + DUE_A_BATCH], b""))
                for at in range(0, len(due), DUE_A_BATCH)
            )

    def _entry(self, member: Member, number: int) -> Entry:
        if number < FIRST_PASS + OPEN_ROUNDS:
            return Entry(member.address, {})
        return Entry(
            member.address,
            {
                model: self._dice.randint(-stake_nano // 250, stake_nano // 200)
                for model, stake_nano in member.stakes_nano.items()
            },
        )

    def _write_manifest(self, number: int, links: list[rounds.Link]) -> None:
        made = manifest.build(
            manifest.Target(
                self.deployment.address, self.deployment.chain_id, self.deployment.parameters
            ),
            RoundTable("rounds.csv", "", {}),
            Registry(),
            number,
            self.chain.block(),
            links,
            minimum_stake_nano=0,
            tooling="bench",
        )
        manifest.write_manifest(made, self.folder / f"round-{number}-1.json")

    def _send(self, sent: object, at: int | None = None) -> None:
        escrow = self.deployment.address
        self.chain.send(
            [
                Transaction(sender, escrow, data, MAX_TRANSACTION_GAS, data[:4].hex())
                for sender, data in sent  # type: ignore[attr-defined]
            ],
            at,
        )


def _member(number: int) -> Member:
    stake_nano = (10 + number % 90) * NMR
    models = (0, 5, 9) if number % 10 == 0 else (0,)
    return Member(
        f"0x{number * 0x9E3779B97F4A7C15:040x}", dict.fromkeys(models, stake_nano), number % 10 == 1
    )


@click.command()
@click.option("--weeks", type=click.IntRange(OPEN_ROUNDS + 1), default=52, show_default=True)
@click.option("--accounts", type=click.IntRange(20), default=10_000, show_default=True)
@click.option("--write", is_flag=True, help="Keep the figures in bench/audit.json.")
def main(weeks: int, accounts: int, write: bool) -> None:
    """Makes a history and audits it."""
    console = Console(stderr=True)
    with TemporaryDirectory() as name, anvil_chain() as chain, Progress(console=console) as bar:
        folder = Path(name)
        started = time.monotonic()
        year = Year(chain, accounts, folder / "manifests")
        year.start()
        for _ in bar.track(range(weeks - 1), description="making the history"):
            year.week()
        made_s = time.monotonic() - started
        store = Checkpoints(f"sqlite:///{folder / 'audit.sqlite'}", year.deployment)
        auditor = Auditor(year.deployment, Node(chain.provider), store, year.folder)
        reports = {"first": auditor.run(behind=0), "again": auditor.run(behind=0)}
        year.week()
        reports["a_week_later"] = auditor.run(behind=0)
        reports["all_again"] = auditor.run(behind=0, fresh=True)
        size = (folder / "audit.sqlite").stat().st_size
        store.close()
        shutil.rmtree(year.folder)
    figures = _figures(weeks, accounts, made_s, size, reports)
    _show(figures)
    if write:
        kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        kept[f"{weeks} weeks, {accounts} accounts"] = figures
        RESULT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def _figures(
    weeks: int, accounts: int, made_s: float, size: int, reports: dict[str, Report]
) -> dict[str, int | float]:
    last = reports["all_again"]
    for name, report in reports.items():
        if not report.holds:
            raise click.ClickException(f"{name}: {report.findings[0]}")
    return {
        "weeks": weeks,
        "accounts": accounts,
        "events": last.rebuilt.counts.total(),
        "links": last.rebuilt.counts["LinkApplied"],
        "entries": last.rebuilt.done["entries"],
        "words": last.words,
        "checkpoint_bytes": size,
        "history_s": round(made_s, 1),
        **{f"{name}_s": round(report.seconds, 1) for name, report in reports.items()},
    }


def _show(figures: dict[str, int | float]) -> None:
    table = Table(show_header=False)
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
