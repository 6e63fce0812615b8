"""The one array type of the domain: exact 64-bit integers. Shapes are written where arrays are declared."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def ints(values: object) -> Ints:
    """Anything countable as an array of integers."""
    return np.asarray(values, dtype=np.int64)
