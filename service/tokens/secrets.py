"""What a token looks like, and what is kept of it: a digest, so that a copy of the database opens nothing."""

from __future__ import annotations

import hmac
import secrets
import string
import zlib
from hashlib import sha256
from typing import Final

__all__ = ["PREFIX_LENGTH", "digest", "is_mistyped", "new_secret", "prefix_of"]

_MARK: Final = "ts_"
_ALPHABET: Final = string.digits + string.ascii_letters
_RANDOM: Final = 32
_CHECK: Final = 6
#: So much of a token is shown again, to tell tokens apart.
PREFIX_LENGTH: Final = 8


def new_secret() -> str:
    """Make a token: `ts_`, 32 random characters (190 bits), and a checksum, so that a mistyped one is known as such."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"{_MARK}{body}{_checksum(body)}"


def _checksum(body: str) -> str:
    number, out = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        out = _ALPHABET[digit] + out
    return out


def is_mistyped(secret: str) -> bool:
    """Whether it looks like one of ours and its checksum is wrong: refused without asking the database."""
    if not secret.startswith(_MARK) or len(secret) != len(_MARK) + _RANDOM + _CHECK:
        return False
    body = secret[len(_MARK) : -_CHECK]
    return not hmac.compare_digest(secret[-_CHECK:].encode(), _checksum(body).encode())


def prefix_of(secret: str) -> str:
    """Return what may be shown again: of one that somebody made up less, since it may be short.

    >>> prefix_of("ts_0123456789"), prefix_of("correct horse battery")
    ('ts_01234', 'corr')
    """
    return secret[: PREFIX_LENGTH if secret.startswith(_MARK) else PREFIX_LENGTH // 2]


def digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
