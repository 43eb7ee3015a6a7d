"""The array types every file here speaks in. Shapes are given in the docstrings: n observations, d parameters, m
objectives.

`Floats` is float64, `Ints` an index array, `Bools` a mask. `Assignments` maps a parameter's name to its natural value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Assignments", "Bools", "Floats", "Ints"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
Assignments = Mapping[str, Any]
