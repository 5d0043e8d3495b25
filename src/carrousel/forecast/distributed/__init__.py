"""Many machines: Ray datasets and clusters, and one network that several processes train.

``predict`` and ``backtest`` of a forecaster take a ``ray.data.Dataset``; ``on_ray`` sends networks
of an ensemble and blocks of series to a cluster; see docs/scaling-machines.md.
"""

from .cluster import on_ray
from .together import fit_on_ray, fit_together

__all__ = ["fit_on_ray", "fit_together", "on_ray"]
