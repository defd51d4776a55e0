"""A node between a script and anvil that does not tell everything, or refuses what providers do."""

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = dict[str, Any]
Twist = Callable[[Request, Any], Any]
"""Given a request and its true result, the result that is told."""
Refuse = Callable[[Request], dict[str, Any] | int | None]
"""Given a request, the JSON-RPC error or the HTTP status that answers it; None: none."""


@contextmanager
def node_between(
    url: str,
    twist: Twist = lambda request, result: result,
    refuse: Refuse = lambda request: None,
) -> Iterator[str]:
    """A node that asks the one at `url`; yields its own address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = body if isinstance(body, list) else [body]
            answers = []
            for request in asked:
                refused = refuse(request)
                if isinstance(refused, int):
                    self.send_error(refused)
                    return
                if refused is not None:
                    answers.append({"jsonrpc": "2.0", "id": request["id"], "error": refused})
                    continue
                answer = _forwarded(url, request)
                if "result" in answer:
                    answer["result"] = twist(request, answer["result"])
                answers.append(answer)
            text = json.dumps(answers if isinstance(body, list) else answers[0]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _forwarded(url: str, request: Request) -> dict[str, Any]:
    sent = urllib.request.Request(
        url, json.dumps(request).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(sent) as response:
        answer: dict[str, Any] = json.loads(response.read())
        return answer
