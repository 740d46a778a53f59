"""A real web server beside a test that receives webhooks, answers as it is told, and remembers what it got."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Receiver:
    """What the server got, and what it answers next.

    Attributes:
        url: its address.
        got: the requests, oldest first.
        answers: status, headers and body of the next answers; 204 when there is none left.
        hangs: while set, it takes a request and does not answer.
    """

    url: str
    got: list[Received] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    hangs: bool = False
    released: Event = field(default_factory=Event)

    def will_answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """Say what the next request gets."""
        self.answers.append((status, headers or {}, body))


@contextmanager
def receiving(
    *, address: str = "127.0.0.1", name: str = "", context: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """Run a receiver until the block ends.

    Args:
        address: on which it listens.
        name: by which its URL calls it; the address when empty.
        context: makes it speak HTTPS.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            receiver.got.append(Received(self.path, {key.lower(): text for key, text in self.headers.items()}, body))
            if receiver.hangs:
                receiver.released.wait(30)
            status, headers, text = receiver.answers.pop(0) if receiver.answers else (204, {}, b"")
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            if status != 204:
                self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_args: None  # type: ignore[method-assign]  # a sender that hangs up is no news
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if context else "http"
    receiver = Receiver(f"{scheme}://{name or address}:{server.server_address[1]}/hook")
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
