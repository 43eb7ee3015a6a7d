"""Which addresses may be called: nothing inside anybody's network, however it is written and whoever resolves it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
import urllib3.util.connection
from AntiSSRF import AntiSSRFError

from service.errors import InvalidInputError
from service.webhooks.deadline import Deadline
from service.webhooks.targets import MAX_URL_LENGTH, Target, Transport, check
from tests.service.webhooks.receivers import RawServer, raw_server, read_request

NOBODY: frozenset[str] = frozenset()
DEMO = frozenset({"127.0.0.1", "localhost", "::1"})

#: Ways to write loopback, a neighbour or a cloud's metadata service.
INSIDE = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "198.18.0.1",
    "198.19.255.255",
    "192.0.0.8",
    "168.63.129.16",
    "224.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
]


@pytest.fixture
def canary() -> Iterator[list[RawServer]]:
    """Listeners on loopback that nobody may reach: the address that all of these would lead to."""

    def talk(connection: socket.socket, _done: threading.Event) -> None:
        connection.recv(1)

    with ExitStack() as stack:
        yield [stack.enter_context(raw_server(talk, host=host)) for host in ("127.0.0.1", "::1")]


def call(url: str, *, is_exempt: bool = False) -> requests.Response:
    with Deadline(2) as deadline:
        transport = Transport(Target(url, is_exempt), deadline)
        try:
            return transport.send(requests.Request("POST", url, data=b"{}").prepare(), timeout=2, proxies={})
        finally:
            transport.close()


@pytest.mark.parametrize("host", INSIDE)
def test_an_address_inside_is_refused_when_it_is_given(host: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        check(f"https://{host}/hook", allowed_private_hosts=NOBODY)
    assert refusal.value.facts["field"] == ".url"
    assert refusal.value.facts["expected"]


@pytest.mark.parametrize("host", INSIDE)
def test_an_address_inside_is_not_reached_even_if_its_text_was_let_through(host: str, canary: list[RawServer]) -> None:
    for listener in canary:
        with pytest.raises((AntiSSRFError, requests.RequestException, OSError)):
            call(f"https://{host}:{listener.port}/hook")
    assert [listener.connections for listener in canary] == [0, 0]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1.nip.example"])
def test_a_name_that_resolves_to_loopback_is_not_reached(
    host: str, canary: list[RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolver({"127.0.0.1.nip.example": [["127.0.0.1"]]}))
    for listener in canary:
        with pytest.raises(AntiSSRFError, match="denied"):
            call(f"https://{host}:{listener.port}/")
    assert [listener.connections for listener in canary] == [0, 0]


def test_a_name_with_one_public_and_one_private_address_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolver({"mixed.example": [["93.184.215.14", "10.0.0.1"]]}))
    with pytest.raises(AntiSSRFError, match="denied"):
        call("https://mixed.example/")


def test_a_name_that_changes_its_answer_is_called_at_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called: list[Any] = []

    def connect(address: tuple[str, int], *_args: object, **_options: object) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(
        socket, "getaddrinfo", _resolver({"rebinding.example": [["93.184.215.14"], ["127.0.0.1"], ["127.0.0.1"]]})
    )
    monkeypatch.setattr(urllib3.util.connection, "create_connection", connect)
    with pytest.raises(requests.ConnectionError):
        call("https://rebinding.example/")
    assert called == [("93.184.215.14", 443)]


def _resolver(answers: dict[str, list[list[str]]]) -> Any:
    """A DNS stub: each look-up of a name takes its next answer. All else is asked of the system."""
    system = socket.getaddrinfo

    def getaddrinfo(host: str, port: Any, *args: Any, **options: Any) -> Any:
        if host not in answers:
            return system(host, port, *args, **options)
        addresses = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0)) for address in addresses]

    return getaddrinfo


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.com/", "https://"),
        ("ftp://example.com/", "https://"),
        ("example.com/hook", "such as https://"),
        ("https:///hook", "such as https://"),
        ("https://example.com:22/", "port 443 or 8443"),
        ("https://example.com:80/", "port 443 or 8443"),
        ("https://example.com:99999/", "such as https://"),
        ("https://example.com:x/", "such as https://"),
        ("https://user@example.com/", "without user:password@"),
        ("https://user:pass@example.com/", "without user:password@"),
        ("https://@example.com/", "without user:password@"),
        ("https://example.com/#part", "without it"),
        ("https://example.com\\@127.0.0.1/", "ASCII"),
        ("https://example.com/ x", "ASCII"),
        ("https://exämple.com/", "ASCII"),
        ("https://\uff11\uff12\uff17.0.0.1/", "ASCII"),
        ("https://example.com/\r\nHost: x", "ASCII"),
        ("https://%31%32%37.0.0.1/", "a host name"),
        ("https://-example.com/", "a host name"),
        ("https://[::1/", "such as https://"),
        ("https://[fe80::1%25lo]/", "a host name"),
        ("", "such as https://"),
        ("https://example.com/" + "a" * MAX_URL_LENGTH, f"at most {MAX_URL_LENGTH}"),
    ],
)
def test_an_address_that_is_not_in_order_is_refused_with_what_was_expected(url: str, expected: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        check(url, allowed_private_hosts=NOBODY)
    assert refusal.value.facts["field"] == ".url"
    assert expected in refusal.value.facts["expected"]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://hooks.example.com:8443/a/b?token=x%20y",
        "https://xn--exmple-cua.com/",
        "https://93.184.215.14/",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:443/",
        "HTTPS://EXAMPLE.COM/Hook",
        "https://1password.com/x",
    ],
)
def test_an_address_of_the_public_internet_is_taken_as_it_is(url: str) -> None:
    assert check(url, allowed_private_hosts=NOBODY) == Target(url, is_exempt=False)


def test_an_allowed_private_host_may_use_plain_http_on_any_port() -> None:
    assert check("http://127.0.0.1:9000/x", allowed_private_hosts=DEMO).is_exempt
    assert check("https://localhost:9000/x", allowed_private_hosts=DEMO).is_exempt
    assert check("http://[::1]:9000/x", allowed_private_hosts=DEMO).is_exempt


@pytest.mark.parametrize(
    "url", ["http://127.0.0.2/", "http://u@localhost/", "ftp://localhost/", "https://localhost.x:9/"]
)
def test_the_exception_is_for_that_host_alone_and_for_http_alone(url: str) -> None:
    with pytest.raises(InvalidInputError):
        check(url, allowed_private_hosts=DEMO)


def test_the_receiver_is_told_the_host_it_was_called_by_with_its_port() -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket, _done: threading.Event) -> None:
        heard.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    with raw_server(talk) as server:
        assert call(f"http://localhost:{server.port}/x", is_exempt=True).status_code == 204
    assert f"\r\nHost: localhost:{server.port}\r\n".encode() in heard[0]
    assert b"forwarded" not in heard[0].lower()
