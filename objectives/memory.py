"""Memory that is asked for again and again is kept by the process instead of being given back each time.

glibc hands blocks above 128 KB back to the system as soon as they are free, and the next one costs a page fault every
4 KB: a matrix of 500 candidates by 60 observations was slower to get than to fill (Matern: 570 microseconds, 120 when
kept). Freeing one large block raises that limit to its size (mallopt(3), M_MMAP_THRESHOLD). Elsewhere nothing happens.
"""

from __future__ import annotations

import numpy as np

__all__ = ["keep_memory"]

#: just under the highest limit that glibc will raise itself to, 32 MB
LARGEST_BYTES = 31_000_000


def keep_memory() -> None:
    """Make the process keep freed blocks of up to 31 MB for its next ones. Safe to call at any time, and again.

    >>> keep_memory()
    """
    block = np.empty(LARGEST_BYTES, dtype=np.uint8)
    del block
