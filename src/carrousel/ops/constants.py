"""The numbers that several texts of one formula share.

What a forecaster sees of a window is written three times: in torch (``ops/reference``), to be
derived and to be read; in C++ (``csrc``), to be fast; and in JavaScript (the explorer), to be
there without a server. These numbers are written here alone: C++ is given them with every call, the
page finds them in the model's JSON.
"""

from typing import NamedTuple


class WindowConstants(NamedTuple):
    """How windows are scaled and shown, and which simple forecasts follow them."""

    floor: float = 1e-4  # scale of a series that never moved, relative to the size of its values
    still: float = 1e-15  # movement relative to the size that is only rounding
    zero: float = 1e-6  # size, relative to that of the values, of a value that is nothing
    few: float = 8.0  # comparisons, below which the usual scale has its say
    far: float = 5.0  # scales, beyond which a value is cut
    ever: float = 0.1  # of the mean change so far: the recent one counts no less
    least: float = 1e-30  # of what something is divided by
    widest: float = 10.0  # scale relative to the size, beyond which a network is shown no more
    recent: int = 8  # measured steps over which the scale is a mean
    seen: int = 24  # compared values, before which nothing is cut
    seasons: int = 4  # of which a seasonal mean is made, and over which a trend is measured


WINDOW = WindowConstants()

NORM_EPSILON = 1e-5  # added to the variance in layer normalization, as torch.nn.LayerNorm does

# What a network's doubt is measured at (``forecast/intervals/doubt.py``): missing values before
# the end ...
GAPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
# ... and values that are known, or missing inside a season.
COUNTS = (*range(1, 11), 12, 14, 16, 20, 24, 32, 48, 64, 96, 128)
