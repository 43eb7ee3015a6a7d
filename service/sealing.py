"""Secrets that have to be read again, encrypted at rest: sealed by a key that does not stand in the database.

Tokens are kept as hashes; the secrets of webhooks cannot be, since they sign. What is sealed says by which key, so that
a key is changed without a stop: the first of several keys seals, all of them open.
"""

from __future__ import annotations

import base64
import binascii
import secrets as random_source
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.errors import UnavailableError
from service.settings import PREFIX, Settings

__all__ = ["KEY_FILE", "Seal", "key_file", "keys_of", "read_keys"]

#: The key that `tradespace up` makes, in its data folder.
KEY_FILE: Final = "secret.key"
_MARK: Final = "aesgcm1"
_NONCE_BYTES: Final = 12
_SETTING: Final = f"{PREFIX}SECRET_KEYS"


class Seal:
    """Keys that encrypt: the first one seals, all of them open. Without any, texts stay as they are.

    AES-256-GCM; the key of 32 bytes is derived from a text by HKDF-SHA256, so any text of enough randomness will do.

    >>> old, new = Seal(["old key " * 4]), Seal(["new key " * 4, "old key " * 4])
    >>> sealed = old.sealed("whsec_AAAA")
    >>> new.opened(sealed), new.is_current(sealed), new.is_current(new.sealed("whsec_AAAA"))
    ('whsec_AAAA', False, True)
    >>> Seal([]).sealed("whsec_AAAA"), old.opened("whsec_AAAA")
    ('whsec_AAAA', 'whsec_AAAA')
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._ciphers = {_name_of(key): AESGCM(_derived(key)) for key in keys}
        self._first = _name_of(keys[0]) if keys else None

    @classmethod
    def of(cls, settings: Settings) -> Seal:
        """Return the seal of the keys in the settings, or of the key file beside a SQLite database.

        Raise `UnavailableError` if there is such a file and it cannot be read.
        """
        return cls(keys_of(settings))

    @property
    def has_key(self) -> bool:
        """Whether what is sealed from now on is encrypted."""
        return self._first is not None

    def sealed(self, text: str) -> str:
        """Return `text` encrypted by the first key; as it is where there is none."""
        if self._first is None:
            return text
        nonce = random_source.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._ciphers[self._first].encrypt(nonce, text.encode(), _MARK.encode())
        return f"{_MARK}.{self._first}.{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()}"

    def opened(self, text: str) -> str:
        """Return what was sealed; a text that never was comes back as it is.

        Raise `UnavailableError`, which names the setting, if no key fits or the text was changed.
        """
        if not _is_sealed(text):
            return text
        _, name, body = text.split(".", 2)
        cipher = self._ciphers.get(name)
        if cipher is None:
            message = f"a secret is encrypted by key {name}, which {_SETTING} lacks: add that key behind the others"
            raise UnavailableError(message, key=name)
        try:
            sealed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _MARK.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            message = f"a secret that key {name} encrypted was changed since: rotate it"
            raise UnavailableError(message, key=name) from error

    def is_current(self, text: str) -> bool:
        """Whether `text` is as `sealed` would leave it: by the first key, or plain where there is none."""
        if self._first is None:
            return not _is_sealed(text)
        return text.startswith(f"{_MARK}.{self._first}.")

    def renewed(self, text: str) -> str:
        """Return `text` sealed by the first key, whatever sealed it before."""
        return text if self.is_current(text) else self.sealed(self.opened(text))

    def can_open(self, text: str) -> bool:
        """Whether `opened` would return a text."""
        try:
            self.opened(text)
        except UnavailableError:
            return False
        return True


def keys_of(settings: Settings) -> list[str]:
    """Return the keys that `Seal.of` has; none if there are none. It raises the same."""
    if settings.secret_keys:
        return settings.each_secret_key
    beside = key_file(settings.database_url)
    return [] if beside is None or not beside.exists() else read_keys(beside)


def read_keys(file: Path) -> list[str]:
    """Return the keys in a file. Raise `InvalidInputError` if they are none, `UnavailableError` if it can't be read."""
    try:
        return Settings.from_env({f"{_SETTING}_FILE": str(file)}).each_secret_key
    except OSError as error:
        message = f"the key of secrets, {file}, cannot be read: {error.strerror}. Or set {_SETTING}"
        raise UnavailableError(message) from error


def key_file(database_url: str) -> Path | None:
    """Return where the key of a SQLite database's secrets may lie: beside it."""
    url = sa.make_url(database_url)
    is_file = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    return Path(str(url.database)).parent / KEY_FILE if is_file else None


def _is_sealed(text: str) -> bool:
    return text.startswith(f"{_MARK}.")


def _name_of(key: str) -> str:
    """Return what a sealed text calls its key: nothing that would help to guess it."""
    return sha256(b"tradespace key " + _derived(key)).hexdigest()[:8]


def _derived(key: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"tradespace secrets").derive(key.encode())
