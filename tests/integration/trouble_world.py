"""A week of the operator's scripts on a chain that counts as a live one, behind a faulty node."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import ape
import pytest
from ape.api import AccountAPI

from sluice.anvil import running_anvil
from sluice.instructions import Domain, instruction, request, sign, write_messages
from sluice.relay.store import Store
from sluice.words import WALLET
from tests.integration.conftest import NMR, ROUND, Run, World
from tests.integration.faulty_node import FaultyNode, Trouble, faulty_node
from tests.integration.run_script import hasty

CHAIN_ID = 11_155_111
"""Sepolia's: no local chain's, so that the scripts do as on a live one."""

ALL = os.environ.get("SLUICE_KILLS") == "all"
"""Whether every moment and every script is tried, which takes minutes, or a few of them."""

KEEPS_STATES = ("--prune-history", "100000")
"""Anvil keeps the states of so many blocks in memory: of those that it has moved to a file it does
not take a chain back to one."""

STAKERS = slice(3, 6)
RESERVE_NANO = 50 * NMR
TRIES = 8
"""How often a script is run at most until it is done."""


@dataclass(frozen=True)
class Stage:
    """A script of the week, with its arguments; the codes with which it is over."""

    name: str
    script: str
    arguments: Callable[["Week"], Sequence[object]]
    over: tuple[int, ...] = (0,)


class Week:
    """Reserve filled, instructions relayed, round 261 announced and resolved, withdrawals paid; on
    a chain that can be taken back to any of its stages."""

    def __init__(self, world: World, node: FaultyNode) -> None:
        self.world = world
        self.node = node
        self.stakers: list[AccountAPI] = list(ape.accounts.test_accounts[STAKERS])
        self.domain = Domain(CHAIN_ID, world.deployment.address)
        self.files = world.folder / "kept"
        world.manifests = self.files / "manifests"
        self._prepare()
        world.url, world.quietly = node.url, node.quiet

    # --- the week

    def _prepare(self) -> None:
        world = self.world
        world.escrow.approve(60 * NMR, sender=world.owner)
        rows = ["account,address,model,number"]
        for number, staker in enumerate(self.stakers):
            name = f"staker{number}"
            world.names[name] = staker.address
            world.escrow.deposit_for(staker.address, 20 * NMR, sender=world.owner)
            world.escrow.set_stakes({0: 10 * NMR, 1: 5 * NMR}, sender=staker)
            rows += [f"{name},{staker.address},model{model:02},{model}" for model in (0, 1)]
        (world.folder / "registry.csv").write_text("\n".join(rows) + "\n")
        first, second, third = self.stakers
        world.escrow.set_split(0, ((WALLET, 10_000),), sender=first)
        world.open_round()
        self.inputs = world.write_inputs(
            {("staker0", 0): "2", ("staker0", 1): "-1", ("staker1", 0): "1", ("staker2", 1): "-0.5"}
        )
        period = world.deployment.parameters.period(world.escrow.time())
        messages = [
            sign(instruction(first.address, {0: 9 * NMR}, {}, 0), self.domain, first),
            sign(instruction(first.address, {5: NMR}, {}, 1), self.domain, first),
            sign(instruction(second.address, {1: 6 * NMR}, {}, 0), self.domain, second),
            sign(request(third.address, NMR, period), self.domain, third),
        ]
        write_messages(messages, world.folder / "messages.jsonl")
        shutil.rmtree(self.files, ignore_errors=True)
        self.files.mkdir()
        done = world.run(
            "relay", "add", world.folder / "messages.jsonl", "--store", self.store, "--json"
        )
        assert done.code == 0, done.err

    @property
    def store(self) -> str:
        return f"sqlite:///{self.files / 'relay.sqlite'}"

    def stage(self, name: str) -> Stage:
        return next(stage for stage in STAGES if stage.name == name)

    def run(self, stage: Stage, *more: object) -> Run:
        """A stage's script once."""
        return self.world.run(stage.script, *stage.arguments(self), *more, "--json")

    def run_to_end(self, stage: Stage, *more: object) -> list[Run]:
        """A stage's script again and again until it is over; its runs."""
        runs: list[Run] = []
        while not runs or not self.is_over(stage, runs[-1]):
            assert len(runs) < TRIES, [each.err for each in runs]
            self.node.trouble.begin(len(runs))
            runs.append(self.run(stage, *more))
            if self.node.mines:
                self.node.rpc("evm_mine")
        return runs

    def is_over(self, stage: Stage, run: Run) -> bool:
        return (run.code in stage.over and run.document.get("come_back_at", 0) != 0) or (
            run.code == 0
        )  # fmt: skip

    def pass_window(self) -> None:
        """Lets the challenge window pass, as far as something is announced."""
        state = self.world.escrow.round_state(self.world.escrow.last_block().number)
        if state.announced_at:
            ready_at = state.announced_at + self.world.deployment.parameters.window_s
            if ready_at > self.world.escrow.time():
                self.node.rpc("evm_setNextBlockTimestamp", ready_at)
                self.node.rpc("evm_mine")

    def whole(self, *more: object) -> dict[str, list[Run]]:
        """Every script of the week until it is over; their runs."""
        return self.rest(STAGES[0].name, *more)

    def rest(self, first: str, *more: object) -> dict[str, list[Run]]:
        """The same from a stage on."""
        runs = {}
        for stage in STAGES[STAGES.index(self.stage(first)) :]:
            if stage.name == "resolve":
                self.pass_window()
            runs[stage.name] = self.run_to_end(stage, *more)
        return runs

    def up_to(self, name: str) -> None:
        """Every script before a stage until it is over."""
        for stage in STAGES:
            if stage.name == "resolve":
                self.pass_window()
            if stage.name == name:
                return
            self.run_to_end(stage)

    # --- what is the case

    def height(self) -> int:
        return int(self.node.rpc("eth_blockNumber"), 16)

    def chain_state(self) -> dict[str, Any]:
        """Of what the week changes, what is on the chain."""
        return {k: v for k, v in self.state().items() if k not in ("messages", "manifests")}

    def state(self) -> dict[str, Any]:
        """Everything that the week changes: the words of every account, wallets, money at rest, and
        what the relay's store says."""
        world, block = self.world, self.world.escrow.last_block().number
        accounts = [staker.address for staker in self.stakers]
        state = world.escrow.round_state(block)
        return {
            "words": world.escrow.storage.accounts(accounts, block),
            "wallets": [world.escrow.token.balance_nano(each, block) for each in accounts],
            "owner": world.escrow.token.balance_nano(world.owner.address, block),
            "escrow": world.escrow.token.balance_nano(world.escrow.address, block),
            "reserve": world.escrow.reserve_nano(block),
            "burned": world.escrow.burned_nano(block),
            "round": (state.resolved, state.digest),
            "messages": [(each.number, each.state) for each in self.messages()],
            "manifests": len(list(world.manifests.glob("*.json"))),
        }

    def messages(self) -> list[Any]:
        store = Store(self.store, self.domain)
        try:
            return store.messages()
        finally:
            store.close()

    # --- going back

    @contextmanager
    def taken_back(self) -> Iterator[None]:
        """Chain and files are as they were before, in the end."""
        before = Path(mkdtemp(dir=self.world.folder)) / "kept"
        shutil.copytree(self.files, before)
        snapshot = self.node.rpc("evm_snapshot")
        try:
            yield
        finally:
            self.node.trouble, self.node.mines = Trouble(), True
            self.node.rpc("anvil_dropAllTransactions")
            self.node.rpc("evm_setAutomine", True)
            assert self.node.rpc("evm_revert", snapshot)
            shutil.rmtree(self.files)
            shutil.copytree(before, self.files)


STAGES = (
    Stage("fund", "fund", lambda week: [RESERVE_NANO // NMR, "--yes"]),
    Stage("relay", "relay", lambda week: ["send", "--store", week.store, "--yes"]),
    Stage("announce", "route", lambda week: week.world.route_arguments(week.inputs)[:-1], (0, 3)),
    Stage(
        "resolve",
        "route",
        lambda week: [
            *week.world.route_arguments(week.inputs)[:-1], "--batch-links", 1, "--round", ROUND,
        ],
    ),
    Stage("pay", "pay", lambda week: ["--store", week.store, "--yes"]),
)  # fmt: skip


@contextmanager
def new_week(folder: Path) -> Iterator[Week]:
    """A week on an anvil of its own, behind a faulty node."""
    local = ape.networks.ethereum.local
    with (
        hasty(),
        running_anvil(["--chain-id", str(CHAIN_ID), *KEEPS_STATES]) as url,
        local.use_provider("foundry", provider_settings={"host": url}) as provider,
        faulty_node(url) as node,
    ):
        yield Week(World(url, provider, folder), node)


def say_choice(config: pytest.Config, what: str) -> None:
    """Prints how much is tried, and how to try everything."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    with nullcontext() if capture is None else capture.global_and_fixture_disabled():
        print(what if ALL else f"{what}; SLUICE_KILLS=all for every one")
