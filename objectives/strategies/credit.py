"""What small steps have earned on this experiment with one metric: how `auto` shares the turns with them.

The witness is the out-of-sample fit: how much of each result the model foretells from all the others. Where that is
much, the best region is known and worth walking through in small steps (`trust_region`, whose box grows and shrinks by
the gains that were realised in it); where it is little, the next well may be anywhere, and optimism looks at all of
them. Read from the data alone, so that points of other strategies and of people count too.

Realised gain in place of it, or beside it (gains near the best against gains elsewhere; a wide search, expected
improvement or Thompson sampling at a halt), moved as many decisions and gained nothing: benchmarks/quality/README.md.
"""

from __future__ import annotations

import numpy as np

from objectives.gp import GP
from objectives.strategies.ehvi import Outlook

__all__ = ["foretold", "share_of_small_steps"]

#: leave-one-out r2 up to which the model's picture is not believed, and from which on it is
DOUBTED, BELIEVED = 0.3, 0.8
#: share of the turns that small steps have with a model that is believed
MOST = 0.8


def share_of_small_steps(fit: float) -> float:
    """Share of the turns that small steps have earned where the model foretells `fit` (r2) of what it has not seen.

    >>> share_of_small_steps(0.1), round(share_of_small_steps(0.55), 6), share_of_small_steps(0.95)
    (0.0, 0.4, 0.8)
    """
    return MOST * float(np.clip((fit - DOUBTED) / (BELIEVED - DOUBTED), 0.0, 1.0))


def foretold(outlook: Outlook) -> float:
    """Leave-one-out r2 of the model of the first objective; 0 where that cannot be told. O(n^3), 0.1 ms at n = 60.

    Closed form: Rasmussen & Williams 2006, equations 5.10 to 5.12. What is only believed of open points counts for
    nothing.
    """
    gp = outlook.gps[0]
    if not isinstance(gp, GP):
        return 0.0
    spread = float(np.square(gp.y - gp.y.mean()).sum())
    error = gp.y - gp.leave_one_out()[0]
    return 1.0 - float(error @ error) / spread if spread > 0 else 0.0
