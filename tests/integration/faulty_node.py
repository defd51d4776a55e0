"""An address that stands for nodes and makes trouble: a proxy in front of real ones, for tests.

A trouble sees every question and decides what comes of it. Connections are closed after each
answer, so that a lost one spoils no other.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from requests import Session

from sluice.anvil import url_of


class Dropped(Exception):
    """The connection ends without an answer."""


class Failed(Exception):
    """The answer is an error of HTTP."""


@dataclass(frozen=True)
class Question:
    """One of JSON-RPC, in the `number`-th request; `batched`: with others."""

    number: int
    method: str
    parameters: Any
    body: Any
    batched: bool


Forward = Callable[[], Any]
"""Asks the node as it was asked; the answer as JSON."""


class Trouble:
    """None: what it does not change is as it should be."""

    def begin(self, run: int) -> None:
        """A script begins; for the `run`-th time, from 0."""

    def answer(self, question: Question, forward: Forward) -> Any:
        """The answer to give, as JSON; Dropped or Failed instead of one."""
        return forward()


@dataclass
class FaultyNode:
    """The proxy: `url` is its address, `nodes` those behind it, asked in turn."""

    url: str
    nodes: list[str]
    trouble: Trouble = field(default_factory=Trouble)
    mines: bool = True
    requests: int = 0
    asked: list[str] = field(default_factory=list)
    _lock: Any = field(default_factory=threading.Lock)
    _session: Session = field(default_factory=Session)
    """Used with the lock held only."""

    def rpc(self, method: str, *parameters: object, node: int = 0) -> Any:
        """Asks a node itself."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        answer = requests.post(self.nodes[node], json=body, timeout=10).json()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """No trouble for what a test asks itself."""
        trouble, self.trouble = self.trouble, Trouble()
        try:
            yield
        finally:
            self.trouble = trouble

    def take(self, body: Any) -> Any:
        """What to answer to a request's body."""
        with self._lock:
            number = self.requests
            self.requests += 1
            node = number % len(self.nodes)
            if isinstance(body, list):
                return [self._answer(each, number, node, True) for each in body]
            return self._answer(body, number, node, False)

    def _answer(self, body: Any, number: int, node: int, batched: bool) -> Any:
        method = str(body["method"])
        self.asked.append(method)
        if method == "eth_sendRawTransaction":
            # a node that is behind passes on what it gets
            node = 0
        if method == "eth_blockNumber" and self.mines and node == 0:
            # time goes by, so that transactions are confirmed
            self.rpc("evm_mine")
        question = Question(number, method, body["params"], body, batched)
        return self.trouble.answer(question, lambda: self.forward(body, node))

    def forward(self, body: Any, node: int = 0) -> Any:
        """A node's answer."""
        return self._session.post(self.nodes[node], json=body, timeout=30).json()


@contextmanager
def faulty_node(*nodes: str) -> Iterator[FaultyNode]:
    """Runs the proxy before these nodes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                answer = json.dumps(proxy.take(body)).encode()
            except Dropped:
                # a reset, not an orderly end
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self.connection.close()
                return
            except Failed:
                self.send_error(502)
                return
            # who asked may be gone: killed, or tired of waiting
            with suppress(OSError):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

        def finish(self) -> None:
            with suppress(OSError, ValueError):
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = FaultyNode(url_of(server.server_address[1]), list(nodes))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
