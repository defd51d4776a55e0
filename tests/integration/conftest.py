"""A local chain of its own for each test, with an escrow on it and a round to be routed."""

import importlib.util
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ape
import click
import pytest
from ape.api import AccountAPI, ProviderAPI
from ape_ethereum.provider import Web3Provider
from click.testing import CliRunner
from eth_utils.address import to_checksum_address

from sluice.anvil import free_port
from sluice.calls import calls
from sluice.deploying import Plan, deploy
from sluice.deployment import Deployment, Roles, write_record
from sluice.devnet import anvil
from sluice.escrow import Escrow
from sluice.lens import Lens
from sluice.node import watch
from sluice.rounds import entries, links
from sluice.sending import chain_time, move_time
from sluice.words import NO_DIGEST, digest_chain, link_bytes

ROOT = Path(__file__).resolve().parents[2]
NMR = 10**9
FIRST_PASS = 257
ROUND = 261
"""The first round that can pay: pass 257 opens it."""
STAKE_NANO = 10 * NMR
SPREAD = (0, *range(1, 65, 4))
"""A model on every stake page: an entry of 17 words, so that few accounts make many links."""
WAIT_S = 60


@dataclass(frozen=True)
class Run:
    """How a script ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)


class World:
    """One anvil, one escrow, stakers, and files for the scripts in a folder."""

    def __init__(self, url: str, provider: ProviderAPI, folder: Path) -> None:
        self.url = url
        self.provider = provider
        self.folder = folder
        self.owner, self.operator, self.guardian = ape.accounts.test_accounts[:3]
        self.record = folder / "local.json"
        self.manifests = folder / "manifests"
        roles = Roles(self.owner.address, self.operator.address, self.guardian.address)
        plan = Plan(roles, FIRST_PASS, chain_time(provider) + 60)
        self.deployment: Deployment = deploy(plan, self.owner)
        write_record(self.deployment, self.record)
        self.escrow = Escrow(self.deployment.address, provider)
        self.lens = Lens(self.deployment.lens, provider)
        self.names: dict[str, str] = {}
        self.quietly: Callable[[], AbstractContextManager[None]] = nullcontext

    # --- the chain

    def rpc(self, method: str, *parameters: object) -> Any:
        return self.provider.make_request(method, list(parameters))

    def send_as(self, account: str, calldata: bytes) -> None:
        """A transaction of an account whose key nobody has."""
        fields = {"from": account, "to": self.escrow.address, "data": "0x" + calldata.hex()}
        self.rpc("anvil_setBalance", account, hex(10**20))
        self.rpc("anvil_impersonateAccount", account)
        hash_ = self.rpc("eth_sendTransaction", fields)
        receipt = self.provider.web3.eth.wait_for_transaction_receipt(hash_, poll_latency=0.02)
        assert receipt["status"] == 1

    def fund(self, nano: int) -> None:
        self.escrow.approve(nano, sender=self.owner)
        self.escrow.fund(nano, sender=self.owner)

    def stake(self, count: int, models: Sequence[int]) -> None:
        """Accounts of strangers' addresses, each with the same stake on each model."""
        total = count * len(models) * STAKE_NANO
        self.escrow.approve(total, sender=self.owner)
        for number in range(1, count + 1):
            account = to_checksum_address(f"0x{number:02x}" + "ab" * 19)
            self.names[f"staker{number:02}"] = account
            self.escrow.deposit_for(account, len(models) * STAKE_NANO, sender=self.owner)
            self.send_as(account, calls.set_stakes(dict.fromkeys(models, STAKE_NANO)))
        rows = ["account,address,model,number"]
        for name, account in self.names.items():
            rows += [f"{name},{account},model{model:02},{model}" for model in models]
        (self.folder / "registry.csv").write_text("\n".join(rows) + "\n")

    def open_round(self) -> None:
        """Passes 257 to 260: the first one opens ROUND for everybody, the others are empty."""
        staked = {
            h.account: h.staked_nano for h in self.escrow.storage.holdings(self.names.values())
        }
        first = [link_bytes(link) for link in links(entries({}, staked, 0))]
        for round_number in range(FIRST_PASS, ROUND):
            made = first if round_number == FIRST_PASS else [b""]
            self.announce(round_number, made)
            self.pass_window()
            self.escrow.resolve(round_number, made, NO_DIGEST, sender=self.operator)
        move_time(self.provider, self.deployment.parameters.pass_time(ROUND))

    def announce(self, round_number: int, made: Sequence[bytes]) -> None:
        move_time(self.provider, self.deployment.parameters.pass_time(round_number))
        digest = digest_chain(made)[0]
        self.escrow.announce(round_number, NO_DIGEST, digest, sender=self.operator)

    def pass_window(self) -> None:
        ready_at = self.escrow.round_state().announced_at + self.deployment.parameters.window_s
        move_time(self.provider, ready_at)

    def mined_digest(self) -> bytes:
        """What is stored as of the last block, whatever waits for the next one."""
        return self.escrow.round_state(self.escrow.last_block().number).digest

    def hold_blocks(self, hold: bool) -> None:
        self.rpc("evm_setAutomine", not hold)

    def mine(self) -> None:
        self.rpc("evm_mine")

    # --- the scripts

    def write_inputs(self, payouts: Mapping[tuple[str, int], str], name: str = "round.csv") -> Path:
        """A file of payouts in NMR by (account name, model number)."""
        rows = ["round,account,model,payout"]
        rows += [f"{ROUND},{a},model{m:02},{payout}" for (a, m), payout in payouts.items()]
        path = self.folder / name
        path.write_text("\n".join(rows) + "\n")
        return path

    def start(self, script: str, *arguments: object) -> "subprocess.Popen[str]":
        """A script as a process of its own, as a person starts it."""
        command = [str(Path(sys.executable).parent / "ape"), "run", script]
        fixed = ["--network", self.url, "--record", self.record]
        return subprocess.Popen(
            [*command, *map(str, arguments), *map(str, fixed)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str, *arguments: object) -> Run:
        """A script in this process, several times faster, for runs that nobody kills."""
        given = [*arguments, "--network", self.url, "--record", self.record]
        unwrap_connects()
        # as for a process of its own: what the node said to runs before is not held against it
        with self.quietly(), ape.networks.parse_network_choice(self.url) as provider:
            watch(provider)
        result = CliRunner(mix_stderr=False).invoke(command(script), [str(each) for each in given])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Run(result.exit_code, result.stdout, result.stderr)

    def route(self, *arguments: object) -> Run:
        return self.run("route", *self.route_arguments(*arguments))

    def route_arguments(self, *arguments: object) -> list[object]:
        return [
            *arguments, "--registry", self.folder / "registry.csv",
            "--manifests", self.manifests, "--yes", "--json",
        ]  # fmt: skip

    def kill_when_pending(self, process: "subprocess.Popen[str]") -> None:
        """Kills a script, with no chance to tidy up, once its transaction waits for a block."""
        self.wait_for_pending(process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()

    def wait_for_pending(self, process: "subprocess.Popen[str]") -> None:
        end = time.monotonic() + WAIT_S
        while int(self.rpc("txpool_status")["pending"], 16) == 0:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "no transaction came"
            time.sleep(0.02)


def command(script: str) -> click.Command:
    """The command of a script, as `ape run` finds it."""
    spec = importlib.util.spec_from_file_location(script, ROOT / "scripts" / f"{script}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: click.Command = module.cli
    return found


def unwrap_connects() -> None:
    """ape wraps `connect` once more for each provider that is made: to connect would take seconds
    after the hundreds that these tests make in one process."""
    kinds: list[type] = [Web3Provider]
    for kind in kinds:
        kinds += kind.__subclasses__()
        if "connect" in vars(kind):
            kind.connect = inspect.unwrap(kind.connect)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def connects() -> None:
    """See `unwrap_connects`."""
    unwrap_connects()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An escrow on an anvil of its own."""
    with (
        anvil(free_port(), tmp_path / "chain") as url,
        ape.networks.ethereum.local.use_provider("foundry", provider_settings={"host": url}) as on,
    ):
        yield World(url, on, tmp_path)


@pytest.fixture
def two_stakers(world: World) -> World:
    """Two accounts with stakes on models 0 and 1, round 261 about to be routed, reserve full."""
    world.stake(2, (0, 1))
    world.fund(100 * NMR)
    world.open_round()
    return world


@pytest.fixture
def deployer() -> AccountAPI:
    return ape.accounts.test_accounts[0]
