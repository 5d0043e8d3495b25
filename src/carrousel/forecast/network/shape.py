"""The numbers that fix a network: what it reads, how wide it is, what it answers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """Everything that fixes the network's parameters; saved beside them."""

    h: int
    cell: str  # a name in ops/cells.py, or "ann"
    patch: int  # observations read in one step of the recurrence
    steps: int  # steps of history read before a forecast
    seasons: tuple[int, ...]  # lags of the seasonal anchors, in observations
    hidden: int
    layers: int
    # Covariates: for each column its number of categories, 0 for numbers.
    futr: tuple[int, ...] = ()  # known ahead
    hist: tuple[int, ...] = ()  # of the past only
    static: tuple[int, ...] = ()
    members: int | None = None  # of a group with weights of their own; 0: alike; None: no groups

    @property
    def has_covariates(self) -> bool:
        return bool(self.futr or self.hist or self.static)

    @property
    def history(self) -> int:
        """Observations of history read before a forecast."""
        return self.patch * self.steps
