"""An anvil as a process of one's own: started, awaited, ended in good order."""

import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed
from web3 import HTTPProvider, Web3

from sluice.errors import SluiceError

MNEMONIC = "test test test test test test test test test test test junk"
"""The one that ape's test accounts are made from."""

START_S = 60
STOP_S = 20
"""Time enough to write a large state."""


def has_anvil() -> bool:
    """Whether there is an anvil to run."""
    return shutil.which("anvil") is not None


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def url_of(port: int) -> str:
    """The address of an anvil that listens on the port."""
    return f"http://127.0.0.1:{port}"


@contextmanager
def running_anvil(
    arguments: Sequence[str], port: int | None = None, shows_errors: bool = False
) -> Iterator[str]:
    """Runs anvil with ape's test accounts and these further arguments, on a free port if none is
    given; yields its address once it answers. Asked to stop at the end, whatever happens
    meanwhile, and killed if it does not. SluiceError if it ends at once, ConnectionError if it
    does not answer in START_S seconds."""
    port = free_port() if port is None else port
    command = [
        "anvil", "--quiet", "--port", str(port), "--mnemonic", MNEMONIC, "--hardfork", "osaka",
        *arguments,
    ]  # fmt: skip
    # In a session of its own: Ctrl-C is for this process, which then ends anvil in good order.
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=None if shows_errors else subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        url = url_of(port)
        _wait_until_answers(url, process)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@retry(
    retry=retry_if_exception_type(ConnectionError),
    stop=stop_after_delay(START_S),
    wait=wait_fixed(0.05),
    reraise=True,
)
def _wait_until_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        raise SluiceError(f"anvil ended at once with code {process.returncode}: run it by hand")
    if not Web3(HTTPProvider(url)).is_connected():
        raise ConnectionError(f"anvil does not answer at {url}: run it by hand to see why")
