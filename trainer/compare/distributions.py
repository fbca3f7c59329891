"""Student's t, the normal and χ², by SciPy, which is loaded when the first of them is asked for: its import takes 0.1 s, and a
list of runs, a help text and a study's first line need none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def student_below(t: float, df: float) -> float:
    """The probability that Student's t is at most `t`."""
    from scipy.special import stdtr

    return float(stdtr(df, t))


def student_quantile(p: float, df: float) -> float:
    """What Student's t is at most with probability `p`."""
    from scipy.special import stdtrit

    return float(stdtrit(df, p))


def normal_below(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability that a standard normal number is at most each of `z`."""
    from scipy.special import ndtr

    below: NDArray[np.float64] = ndtr(z)
    return below


def chi_squared_quantile(p: NDArray[np.float64], df: float) -> NDArray[np.float64]:
    """What χ² is above with each probability `p`."""
    from scipy.special import chdtri

    quantiles: NDArray[np.float64] = chdtri(df, p)
    return quantiles
