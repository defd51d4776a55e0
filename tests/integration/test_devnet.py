"""The lasting local chain: started, stopped, started again."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from web3 import HTTPProvider, Web3

from sluice.anvil import free_port
from sluice.deployment import read_record
from tests.integration.conftest import ROOT, WAIT_S, command


def start(port: int, folder: Path) -> "tuple[subprocess.Popen[str], dict[str, Any]]":
    """A devnet as a process of its own, once it is ready, and what it printed."""
    process = subprocess.Popen(
        [
            Path(sys.executable).parent / "ape", "run", "devnet", "--port", str(port),
            "--folder", folder / "chain", "--record", folder / "local.json", "--json",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            return process, json.loads("".join(lines))
    raise AssertionError(process.communicate())


def stop(process: "subprocess.Popen[str]", how: signal.Signals) -> int:
    process.send_signal(how)
    process.communicate(timeout=WAIT_S)
    return process.returncode


@pytest.mark.anvil
def test_devnet_lasts_and_stops_its_chain(tmp_path: Path) -> None:
    port = free_port()
    web3 = Web3(HTTPProvider(f"http://127.0.0.1:{port}"))
    process, first = start(port, tmp_path)
    taken = CliRunner(mix_stderr=False).invoke(command("devnet"), ["--port", str(port)])
    moved = CliRunner(mix_stderr=False).invoke(
        command("devnet"), ["--port", str(port), "--move-days", "7", "--json"]
    )
    assert stop(process, signal.SIGINT) == 0
    assert not web3.is_connected()

    (tmp_path / "local.json").unlink()
    process, again = start(port, tmp_path)
    time = web3.eth.get_block("latest")["timestamp"]
    assert stop(process, signal.SIGTERM) == 0

    assert taken.exit_code == 1
    assert "something answers at" in taken.stderr
    assert not first["found_again"]
    assert again == {**first, "found_again": True}
    assert len(first["stakers"]) == 7
    record = read_record(tmp_path / "local.json")
    assert (record.address, record.lens) == (first["escrow"], first["lens"])
    assert time >= json.loads(moved.stdout)["time"]
    assert not web3.is_connected()


def test_devnet_says_what_to_do_without_anvil(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)

    result = CliRunner(mix_stderr=False).invoke(
        command("devnet"), ["--port", str(free_port()), "--folder", str(tmp_path)]
    )

    assert result.exit_code == 1
    assert "anvil is missing: install Node >= 20 and run `make setup`" in result.stderr
