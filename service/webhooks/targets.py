"""Which addresses a webhook may call: none inside anybody's network, since callers choose them (SSRF).

Stops "create" and "deliver" of the webhook journey. An address is checked twice: its text when it is stored and again
when it is called; and, at each call, every address its host name resolves to, whereupon the connection goes to the
very address that was checked (microsoft-antissrf), so that a name that changes its answer gains nothing. Hosts of
`Settings.webhook_allow_hosts` are let through on purpose: tests and demos receive on loopback.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Set
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from AntiSSRF import AntiSSRFPolicy, PolicyConfigOptions  # type: ignore[import-untyped]
from AntiSSRF._antissrf_agent import _AntiSSRFAdapter  # type: ignore[import-untyped]
from requests import PreparedRequest
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from service.errors import InvalidInputError
from service.webhooks.deadline import Deadline

__all__ = ["MAX_URL_LENGTH", "Target", "Transport", "check"]

#: Characters of an address.
MAX_URL_LENGTH: Final = 2048
_PORTS: Final = frozenset({443, 8443})
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")
_NUMBER: Final = re.compile(r"(?:\d+|0x[0-9a-f]*)\Z")
#: Ways to write an IPv4 address as IPv6 that the library's list leaves out: IPv4-compatible, and IPv4-translated.
_IPV4_IN_IPV6: Final = ("::/96", "::ffff:0:0:0/96")


def _policy(option: PolicyConfigOptions, *, plain_http: bool) -> AntiSSRFPolicy:
    policy = AntiSSRFPolicy(option)
    policy.add_xff_header = False  # its value, "true", is no address: receivers that parse the header refuse the call
    policy.allow_plain_text_http = plain_http
    return policy


_PUBLIC_ONLY: Final = _policy(PolicyConfigOptions.EXTERNAL_ONLY_LATEST, plain_http=False)
_PUBLIC_ONLY.add_denied_addresses(_IPV4_IN_IPV6)
_ANY: Final = _policy(PolicyConfigOptions.NONE, plain_http=True)


@dataclass(frozen=True)
class Target:
    """An address whose text is in order; `is_exempt` if its host is one of the allowed private hosts."""

    url: str
    is_exempt: bool


def check(url: str, *, allowed_private_hosts: Set[str]) -> Target:
    """Return `url` as a target; raise `InvalidInputError` that says what is wrong with it. No name is looked up here.

    >>> check("https://example.com/hook", allowed_private_hosts=frozenset())
    Target(url='https://example.com/hook', is_exempt=False)
    """
    parts, port = _parsed(url)
    host = parts.hostname or ""
    if parts.username is not None or parts.password is not None:
        raise _refusal("the url holds a user name or password", "an address without user:password@")
    if host in allowed_private_hosts:
        return _exempt(url, parts)
    if parts.scheme != "https":
        raise _refusal(f"the url's scheme is {parts.scheme!r}", "an address that begins with https://")
    if port not in _PORTS:
        raise _refusal(f"the url's port is {port}", "port 443 or 8443")
    if not _may_be_public(host):
        raise _refusal(f"webhooks may not call {host!r}", "a host name, or an address of the public internet")
    return Target(url, is_exempt=False)


def _parsed(url: str) -> tuple[SplitResult, int]:
    if len(url) > MAX_URL_LENGTH:
        raise _refusal(f"the url has {len(url)} characters", f"at most {MAX_URL_LENGTH} characters")
    # What two parsers could read differently is refused before either reads it.
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise _refusal(
            "the url holds characters that an address cannot have",
            "an address in ASCII: other characters as %XX, international host names in their xn-- form",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refusal(f"the url cannot be read: {error}", "an address such as https://example.com/hook") from error
    if parts.fragment:
        raise _refusal("the url has a #fragment, which is never sent", "an address without it")
    if not parts.hostname:
        raise _refusal("the url names no host", "an address such as https://example.com/hook")
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    return parts, port


def _exempt(url: str, parts: SplitResult) -> Target:
    if parts.scheme not in {"http", "https"}:
        raise _refusal(f"the url's scheme is {parts.scheme!r}", "an address that begins with http:// or https://")
    return Target(url, is_exempt=True)


def _may_be_public(host: str) -> bool:
    """Whether `host` is a name (what it resolves to is looked at when it is called) or a public address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # A name that ends in a number would be read as an address by some (127.1, 0x7f000001, 2130706433, 0177.0.0.1).
        last = host.rpartition(".")[2]
        return _HOST_NAME.match(host) is not None and _NUMBER.match(last) is None
    return bool(_PUBLIC_ONLY._is_network_connection_allowed([host]))


def _refusal(message: str, expected: str) -> InvalidInputError:
    return InvalidInputError(f"{message}; expected {expected}", field=".url", expected=expected)


class _PlainConnection(HTTPConnection):
    """A connection that ends with its deadline."""

    def __init__(self, *args: Any, deadline: Deadline, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        self.timeout = self._deadline.remaining()
        connection = super()._new_conn()
        self._deadline.watch(connection)
        return connection


class _TlsConnection(HTTPSConnection):
    """A TLS connection that ends with its deadline."""

    def __init__(self, *args: Any, deadline: Deadline, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        self.timeout = self._deadline.remaining()
        connection = super()._new_conn()
        self._deadline.watch(connection)
        return connection


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Transport(_AntiSSRFAdapter):  # type: ignore[misc]
    """The adapter of `requests` for one call of one target: only to checked addresses, only until the deadline.

    It is called without a `requests.Session`: a session would look for proxies and passwords in the environment, and
    would read all of a redirect's body, however long, even when it is told not to follow it.
    """

    def __init__(self, target: Target, deadline: Deadline) -> None:
        super().__init__(_ANY if target.is_exempt else _PUBLIC_ONLY)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_PlainPool, deadline=deadline),
            "https": partial(_TlsPool, deadline=deadline),
        }

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Check the address, as the library does, and give the Host header its port back, which the library drops."""
        checked: tuple[dict[str, Any], dict[str, Any]]
        checked = super().build_connection_pool_key_attributes(request, verify, cert)
        request.headers["Host"] = urlsplit(str(request.url)).netloc
        return checked
