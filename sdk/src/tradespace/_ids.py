"""Result ids: made once, before the first try, so that a result sent again still counts once."""

from __future__ import annotations

import secrets
import time
from uuid import UUID

__all__ = ["new_result_id", "uuid7"]


def uuid7(unix_ms: int, dice: int) -> str:
    """Return the UUID of version 7 (RFC 9562, 5.7) for a time in milliseconds and 74 random bits.

    >>> uuid7(0x017F22E279B0, 0xCC3 << 62 | 0x18C4DC0C0C07398F)  # the example of RFC 9562, A.6
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398f'
    """
    high, low = dice >> 62 & 0xFFF, dice & (1 << 62) - 1
    return str(UUID(int=(unix_ms & (1 << 48) - 1) << 80 | 7 << 76 | high << 64 | 2 << 62 | low))


def new_result_id() -> str:
    """Return a fresh id; ids made later sort later, which keeps the server's index small."""
    return uuid7(time.time_ns() // 1_000_000, secrets.randbits(74))
