"""One call: what each kind of receiver makes of it, over real sockets."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from service.webhooks.calls import post
from service.webhooks.outcomes import Failed, Outcome, Succeeded
from service.webhooks.signing import new_secret
from tests.conftest import free_port
from tests.service.webhooks.receivers import CERTIFICATE, Answer, drip, raw_server, read_request, receiver, say_nothing

SECRET = new_secret()
AT = datetime.now(UTC)
HOSTS = frozenset({"127.0.0.1", "localhost"})


def call(url: str, *, deadline_s: float = 5, **options: Any) -> Outcome:
    return post(
        url,
        **{
            "body": '{"type":"webhook.ping","data":{"name":"Überprüfung"}}',
            "message_id": "msg_1",
            "secrets": (SECRET,),
            "at": datetime.now(UTC),
            "allowed_private_hosts": HOSTS,
            "deadline_s": deadline_s,
            **options,
        },
    )


def test_a_receiver_verifies_what_it_gets_with_the_standard_library_of_the_scheme() -> None:
    with receiver() as there:
        outcome = call(there.url)
    assert isinstance(outcome, Succeeded)
    (got,) = there.received
    assert got.verified(SECRET) == {"type": "webhook.ping", "data": {"name": "Überprüfung"}}
    assert got.headers["content-type"] == "application/json"
    assert got.path == "/hook"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_success(status: int) -> None:
    with receiver(lambda _: Answer(status, body=b"")) as there:
        outcome = call(there.url)
    assert isinstance(outcome, Succeeded)
    assert outcome.status_code == status


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (304, "answered 304 Not Modified"),
        (400, "answered 400 Bad Request"),
        (410, "answered 410 Gone"),
        (500, "answered 500 Internal Server Error"),
        (599, "answered 599"),
    ],
)
def test_everything_else_is_a_failure_that_says_what_was_answered(status: int, error: str) -> None:
    with receiver(lambda _: Answer(status, body=b"")) as there:
        outcome = call(there.url)
    assert isinstance(outcome, Failed)
    assert (outcome.status_code, outcome.error) == (status, error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(status: int) -> None:
    with receiver() as inside, receiver(lambda _: Answer(status, {"location": inside.url})) as there:
        outcome = call(there.url)
    assert isinstance(outcome, Failed)
    assert outcome.status_code == status
    assert inside.received == []


@pytest.mark.parametrize(
    "begin", [b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
)
def test_no_more_than_64_kib_of_a_reply_are_read_also_of_a_redirect(begin: bytes) -> None:
    sent: list[int] = []

    def talk(connection: socket.socket, done: threading.Event) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
        read_request(connection)
        connection.sendall(begin)
        while not done.is_set():
            sent.append(connection.send(b"x" * 16 * 1024))

    with raw_server(talk) as server:
        outcome = call(f"http://127.0.0.1:{server.port}/")
        assert outcome.status_code in {200, 302}
    assert sum(sent) < 20 * 1024 * 1024  # what the sockets' buffers hold beyond it; endless otherwise


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(say_nothing, id="never answers"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\n"), id="drips its status line"),
        pytest.param(drip(b"X-A: b\r\n", begin=b"HTTP/1.1 200 OK\r\n"), id="drips its headers"),
        pytest.param(drip(b"x", begin=b"HTTP/1.1 200 OK\r\n\r\n"), id="drips its body"),
        pytest.param(drip(b"x", begin=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), id="drips a long body"),
        pytest.param(
            drip(b"1\r\nx\r\n", begin=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), id="drips chunks"
        ),
        pytest.param(drip(b"HTTP/1.1 100 Continue\r\n\r\n"), id="drips interim answers"),
    ],
)
@pytest.mark.parametrize("tls", [False, True])
def test_whatever_a_receiver_drips_the_deadline_ends_the_call(talk: Any, tls: bool) -> None:
    with raw_server(talk, tls=tls) as server:
        url = f"https://localhost:{server.port}/" if tls else f"http://127.0.0.1:{server.port}/"
        outcome = call(url, deadline_s=0.4, ca_file=str(CERTIFICATE))
    assert isinstance(outcome, Failed)
    assert outcome.error == "no complete answer within 0.4 s"


def test_a_dripping_tls_handshake_meets_the_deadline_too() -> None:
    # A record header that announces much and delivers it a byte at a time.
    with raw_server(drip(b"\x02", begin=b"\x16\x03\x03\x40\x00")) as server:
        outcome = call(f"https://localhost:{server.port}/", deadline_s=0.4)
    assert isinstance(outcome, Failed)
    assert outcome.error == "no complete answer within 0.4 s"


def test_over_tls_the_certificate_is_checked_against_the_name() -> None:
    def talk(connection: socket.socket, _done: threading.Event) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with raw_server(talk, tls=True) as server:
        good = call(f"https://localhost:{server.port}/", ca_file=str(CERTIFICATE))
        wrong_name = call(f"https://127.0.0.1:{server.port}/", ca_file=str(CERTIFICATE))
        unknown = call(f"https://localhost:{server.port}/")
    assert isinstance(good, Succeeded)
    assert isinstance(wrong_name, Failed)
    assert "not accepted" in wrong_name.error
    assert "127.0.0.1" in wrong_name.error
    assert isinstance(unknown, Failed)
    assert "self-signed" in unknown.error.replace("self signed", "self-signed")


def test_a_receiver_that_is_not_there_is_a_failure_in_plain_words() -> None:
    outcome = call(f"http://127.0.0.1:{free_port()}/secret-path")
    assert isinstance(outcome, Failed)
    assert outcome.error == "the connection failed: Connection refused"


def test_a_receiver_that_hangs_up_or_talks_nonsense_is_a_failure() -> None:
    def hang_up(connection: socket.socket, _done: threading.Event) -> None:
        read_request(connection)

    def nonsense(connection: socket.socket, _done: threading.Event) -> None:
        read_request(connection)
        connection.sendall(b"\x00\xff" * 100 + b"\r\n\r\n")

    for talk in (hang_up, nonsense):
        with raw_server(talk) as server:
            outcome = call(f"http://127.0.0.1:{server.port}/secret-path")
        assert isinstance(outcome, Failed)
        assert outcome.error.startswith("the connection failed")
        assert "secret-path" not in outcome.error


def test_an_address_that_may_not_be_called_is_a_failure_and_not_called() -> None:
    with receiver() as there:
        no_longer_allowed = call(there.url, allowed_private_hosts=frozenset())
        by_name = call("https://localhost:8443/", allowed_private_hosts=frozenset())
    assert there.received == []
    assert isinstance(no_longer_allowed, Failed)
    assert "https://" in no_longer_allowed.error
    assert isinstance(by_name, Failed)
    assert by_name.error == "the host resolves to an address that webhooks may not call"


def test_a_name_that_does_not_resolve_is_a_failure_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_args: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    outcome = call("https://nowhere.invalid/")
    assert isinstance(outcome, Failed)
    assert outcome.error == "the host name does not resolve"


def test_neither_proxies_nor_passwords_of_the_environment_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("no_proxy", "")
    with receiver() as proxy, receiver() as there:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        outcome = call(there.url)
    assert isinstance(outcome, Succeeded)
    assert proxy.received == []
    assert "authorization" not in there.received[0].headers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", timedelta(seconds=120)),
        ("0", timedelta(0)),
        ("9" * 400, timedelta(seconds=10**9)),
        pytest.param(format_datetime(AT + timedelta(hours=1), usegmt=True), timedelta(hours=1), id="in an hour"),
        pytest.param(format_datetime(AT - timedelta(hours=1), usegmt=True), timedelta(0), id="an hour ago"),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_wish_to_be_left_alone_is_read_as_seconds_or_as_a_date(value: str, expected: timedelta | None) -> None:
    with receiver(lambda _: Answer(503, {"retry-after": value})) as there:
        outcome = call(there.url, at=AT)
    assert isinstance(outcome, Failed)
    if expected is None:
        assert outcome.retry_after is None
    else:
        assert outcome.retry_after is not None
        assert abs(outcome.retry_after - expected) < timedelta(seconds=1)
