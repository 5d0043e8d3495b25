"""What must hold of a model that was read from files, whoever wrote them.

Kernels index by these numbers and arrays are made in their sizes: an offset that points outside
its array reads foreign memory, a window of a billion steps is asked for in vain. The weights'
shapes follow from ``Shape`` and are checked where they are loaded.
"""

import zoneinfo

import numpy as np
import torch
from torch import Tensor

from ...data.covariates import Spec, group_codes
from ...data.panel import Panel
from ...ops.cells import CELLS
from ...storage.model_directory import check_tensor
from ..network.shape import Shape
from ..options import Options

LONGEST = 1 << 24  # observations of a window, and of a season
UNITS = ("us", "business", "month", "int")
FIRST, LAST = (int(np.datetime64(f"{year:04d}-01-01", "us").astype(int)) for year in (1, 9999))
STATES = {"ann": 0} | {
    name: cell.states for name, cell in CELLS.items()
}  # tensors that a layer carries on


def check_shape(shape: Shape, options: Options, networks: int, tensors: int) -> None:
    """The sizes are possible, and those that the options speak of.

    Raises:
        ValueError: They are not. So for the functions below.
    """
    for name in ("h", "patch", "steps", "hidden", "layers"):
        if getattr(shape, name) < 1:
            raise ValueError(f"shape.{name} must be at least 1, got {getattr(shape, name)}")
    seasons = shape.seasons
    if not seasons or min(seasons) < 1 or list(seasons) != sorted(seasons):
        raise ValueError(f"shape.seasons must be lags of 1 or more, shortest first, got {seasons}")
    if max(shape.history, shape.h, *seasons) > LONGEST or len(seasons) > 64:
        raise ValueError(f"shape has windows or seasons of more than {LONGEST:,} observations")
    if min((*shape.futr, *shape.hist, *shape.static, shape.members or 0, 0)) < 0:
        raise ValueError("shape has covariates with fewer than 0 categories")
    if (shape.h, shape.cell) != (options.h, options.cell):
        raise ValueError("shape and options are not of one horizon and cell")
    counts = {"networks": networks, "layers": shape.layers, "members": shape.members or 1}
    for name, value in counts.items():
        if not 1 <= value <= tensors:
            raise ValueError(f"{name} must be 1 to {tensors}, the number of tensors, got {value}")


def check_panel(panel: Panel, shape: Shape) -> None:
    """Series lie one after the other inside ``y``; names, times and covariates are one a series."""
    for name in ("offsets", "start", "day"):
        array = getattr(panel, name)
        if array is not None and (array.ndim != 1 or array.dtype.kind not in "iM"):
            raise ValueError(f"panel.{name} must be whole numbers in a row, got {array.dtype}")
    if panel.y.ndim != 1 or panel.y.dtype.kind != "f" or panel.y.dtype.itemsize < 4:
        raise ValueError(f"panel.y must be numbers in a row, got {panel.y.dtype}")
    if not len(panel.ids) and not len(panel.y):  # it learned from more series than it holds
        _check_no_series(panel)
        return
    if not np.isfinite(panel.y).any():
        raise ValueError("panel.y holds no value")
    count, offsets = len(panel.ids), panel.offsets
    if not count or len(set(panel.ids)) < count or (panel.id_col is None and count > 1):
        raise ValueError("panel.ids must be names of at least one series, none of them twice")
    if len(offsets) != count + 1 or offsets[0] != 0 or offsets[-1] != len(panel.y):
        raise ValueError(f"panel.offsets do not cut {len(panel.y)} values into {count} series")
    if (offsets[1:] < offsets[:-1]).any():
        raise ValueError("panel.offsets must not decrease")
    for name in ("start", "day"):
        array = getattr(panel, name)
        if array is not None and len(array) != count:
            raise ValueError(f"panel.{name} has {len(array)} entries for {count} series")
    _check_times(panel, shape)
    _check_covariates(panel, shape)


def _check_no_series(panel: Panel) -> None:
    """Nothing but how a series would be."""
    if len(panel.offsets) != 1 or panel.offsets[0] != 0 or len(panel.start):
        raise ValueError("panel.offsets and panel.start speak of series that are not there")
    if panel.covariates or panel.exog is not None or panel.static is not None:
        raise ValueError("panel.covariates are of series that are not there")
    if panel.freq.unit not in UNITS or (panel.start.dtype.kind == "M") != (
        panel.freq.unit != "int"
    ):
        raise ValueError(f"panel.freq.unit {panel.freq.unit!r} does not fit the times")


def _check_times(panel: Panel, shape: Shape) -> None:
    """All times of the series, and of forecasts after them, are times that can be written."""
    freq, dated = panel.freq, panel.start.dtype.kind == "M"
    if freq.unit not in UNITS or dated != (freq.unit != "int"):
        raise ValueError(f"panel.freq.unit {freq.unit!r} does not fit the times")
    if panel.day is not None and ((panel.day < 1) | (panel.day > 31)).any():
        raise ValueError("panel.day must be days of a month, 1 to 31")
    if panel.time_zone is not None:
        try:
            zoneinfo.ZoneInfo(panel.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"panel.time_zone {panel.time_zone!r} is unknown") from error
    size = {"us": 1, "int": 1, "business": 86_400_000_000, "month": 31 * 86_400_000_000}[freq.unit]
    longest = (int(panel.lengths.max()) + shape.h) * freq.step * size
    starts = panel.start.astype(np.int64)
    low, high = (FIRST, LAST) if dated else (-(2**62), 2**62)
    if int(starts.min()) < low or int(starts.max()) + longest > high:
        raise ValueError("panel.start and panel.freq give times that cannot be")


def _check_covariates(panel: Panel, shape: Shape) -> None:
    spec, found = panel.covariates or Spec(), (panel.exog, panel.static)
    moving = len(spec.ahead) + len(spec.hist)
    if not spec and found == (None, None) and not shape.has_covariates and shape.members is None:
        return
    wanted = ((len(panel.y), moving), (panel.n_series, len(spec.static)))
    for name, array, size in zip(("exog", "static"), found, wanted, strict=True):
        if array is None or array.shape != size or array.dtype != np.float32:
            raise ValueError(f"panel.{name} must be float32 of the shape {size}")
    kinds = (spec.sizes(spec.ahead), spec.sizes(spec.hist), spec.sizes(spec.static))
    if kinds != (shape.futr, shape.hist, shape.static):
        raise ValueError("panel.covariates are not those of shape")
    if bool(spec.groups) != (shape.members is not None):
        raise ValueError("panel.covariates.groups are not those of shape")
    if spec.groups is True:
        if shape.members and shape.members != len(spec.members):
            raise ValueError(f"shape.members is {shape.members}, but there are {spec.members}")
        if strange := {str(name) for name in panel.ids} - set(spec.members):
            raise ValueError(f"series {min(strange)!r} is of no group")
    elif spec.groups and spec.groups not in spec.static:
        raise ValueError(f"panel.covariates.groups {spec.groups!r} is no static column")


def check_stream(stream: dict[str, Tensor], panel: Panel, shape: Shape, networks: int) -> None:
    """The states of ``update``: as many, and as large, as the networks carry on."""
    count, floats = panel.n_series, (torch.float32,)
    layers = shape.layers + (shape.members is not None)  # the layer that groups share
    parts = STATES[shape.cell] * layers
    wanted: dict[str, tuple[int, ...]] = {"count": (count,)}
    for k in range(networks):
        wanted[f"top{k}"] = (count, shape.hidden)
        wanted |= {f"state{k}.{i}": (shape.patch, count, shape.hidden) for i in range(parts)}
    if names := wanted.keys() ^ stream.keys():
        name = min(names)
        raise ValueError(f"stream.{name} is {'missing' if name in wanted else 'too many'}")
    for name, size in wanted.items():
        kinds = (torch.int64,) if name == "count" else floats
        check_tensor(stream[name], size, kinds, f"stream.{name}")
    if int(stream["count"].min()) < 0 or int(stream["count"].max()) > 2**62:
        raise ValueError("stream.count must be how many observations were taken in")
    if (codes := group_codes(panel)) is not None:
        first = {int(code): n for code, n in zip(codes[0], stream["count"].tolist(), strict=True)}
        if [first[int(code)] for code in codes[0]] != stream["count"].tolist():
            raise ValueError("stream.count must be the same for the series of a group")
