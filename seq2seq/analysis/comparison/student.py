"""Student's t distribution: how far a mean of few may be from the truth."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_MOST = 10_000.0  # degrees of freedom: above, nothing changes within four digits
_POINTS = 20_001


def two_sided(t: float, degrees: float) -> float:
    """Give the probability that a t of so many degrees of freedom is as far from 0 as this one, or farther.

    Example:
        >>> round(two_sided(1.0, 1), 3), round(two_sided(1.96, 1e9), 3)
        (0.5, 0.05)
    """
    import numpy as np

    angles, inside = _inside(degrees)
    found = np.interp(math.atan(abs(t) / math.sqrt(min(degrees, _MOST))), angles, inside)
    return float(1 - found)


def quantile(share: float, degrees: float) -> float:
    """Give the t that a share of the distribution, 0.5 to 1, lies below.

    Example:
        >>> round(quantile(0.975, 2), 3), round(quantile(0.975, 1e9), 3)
        (4.303, 1.96)
    """
    import numpy as np

    angles, inside = _inside(degrees)
    return float(math.tan(np.interp(2 * share - 1, inside, angles)) * math.sqrt(min(degrees, _MOST)))


@lru_cache(maxsize=64)
def _inside(degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Tabulate the share of the distribution within plus and minus t, over the angle whose tangent is t / √degrees.

    Over that angle the density is a power of its cosine, and the whole of it lies within 0 and π/2.
    """
    import numpy as np

    angles = np.linspace(0, math.pi / 2, _POINTS)
    density = np.cos(angles) ** (min(degrees, _MOST) - 1)
    summed = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return angles, summed / summed[-1]
