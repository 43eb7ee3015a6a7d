"""Receivers on real sockets: one that verifies what it gets, and ones that misbehave."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

#: A certificate for `localhost`, with its key.
CERTIFICATE = Path(__file__).with_name("receiver.pem")


@dataclass(frozen=True)
class Received:
    """One request, as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """Return the payload as a receiver's own code reads it: verified by the standardwebhooks library."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"


@dataclass
class Receiver:
    """A web server on loopback. `answer` decides what each request gets."""

    port: int
    answer: Callable[[Received], Answer]
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # five callers at a time are too few for a burst: the sixth would be reset


@contextmanager
def receiver(answer: Callable[[Received], Answer] | None = None) -> Iterator[Receiver]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            got = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            state.received.append(got)
            reply = state.answer(got)
            self.send_response(reply.status)
            for name, value in {"content-length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *args: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    state = Receiver(server.server_address[1], answer or (lambda _: Answer()))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class RawServer:
    """A listener that counts who connects."""

    port: int
    connections: int = 0


@contextmanager
def raw_server(
    talk: Callable[[socket.socket, threading.Event], None], *, host: str = "127.0.0.1", tls: bool = False
) -> Iterator[RawServer]:
    """Have `talk` speak with everyone who connects, until the block ends (the event says so)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    listener.settimeout(0.02)
    state, done, threads = RawServer(listener.getsockname()[1]), threading.Event(), []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def serve(connection: socket.socket) -> None:
        try:
            connection.settimeout(5)
            wrapped = context.wrap_socket(connection, server_side=True) if tls else connection
            with wrapped:
                talk(wrapped, done)
        except OSError:
            pass  # the caller hung up, as it should
        finally:
            connection.close()

    def accept() -> None:
        while not done.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            state.connections += 1
            thread = threading.Thread(target=serve, args=(connection,))
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield state
    finally:
        done.set()
        acceptor.join()
        for thread in threads:
            thread.join()
        listener.close()


def read_request(connection: socket.socket) -> bytes:
    """Read one request to its end: to hang up on unread bytes would take the reply back."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += _receive(connection)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += _receive(connection)
    return head + b"\r\n\r\n" + body


def _receive(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionResetError("the caller hung up")
    return piece


def drip(text: bytes, *, begin: bytes = b"") -> Callable[[socket.socket, threading.Event], None]:
    """Read the request, send `begin` at once, then `text` a byte every 50 ms, over and over."""

    def talk(connection: socket.socket, done: threading.Event) -> None:
        if not begin.startswith(b"\x16"):  # the beginning of a TLS handshake: there is no request yet
            read_request(connection)
        connection.sendall(begin)
        while not done.is_set():
            for byte in text:
                connection.sendall(bytes([byte]))
                if done.wait(0.05):
                    return

    return talk


def say_nothing(_connection: socket.socket, done: threading.Event) -> None:
    """Take the request and never answer."""
    done.wait()
