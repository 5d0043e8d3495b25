"""What a user may set; everything that is left as None is chosen from the data."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..data.reading import READ_OPTIONS, ReadOptions, Written
from ..limits import real, whole
from ..ops.cells import LSTM, NAMES
from ..wording import no_option, one_of

EFFORTS = ("instant", "fast", "default", "best")
WHOLE = ("context", "hidden_size", "num_layers", "ensemble", "max_steps", "batch_size", "conformal")
CELLS = (*NAMES, "ann")
AHEAD = ("futr_exog", "holidays")  # what counts beside a network that is not trained
TRAINED_ON = ("hist_exog", "static_exog", "calendar", "groups")
BESIDE = (*AHEAD, *TRAINED_ON)


@dataclass(frozen=True)
class Options:
    """Options of a ``Forecaster``.

    Args:
        h: Horizon: how many steps to forecast.
        cell: "lstm", "gru", "rnn" (tanh), or "ann", the same network without the loop.
        freq: Step between two observations ("1h", "MS", "B", 1, ...); None infers it.
        season_length: Observations in a season, or several seasons, shortest first.
        context: Observations read before a forecast.
        hidden_size, num_layers: Width and depth of the recurrent part.
        ensemble: Networks trained from different random numbers; their quantiles are averaged.
        max_steps: Updates of each network at most (early stopping may end before).
        batch_size: Windows in a batch; each teaches at every step of its history.
        learning_rate: Peak of the schedule.
        nonnegative: Cut forecasts at zero: True for all series, False for none; None for those
            that can only be counts (whole numbers, or often zero, and never below).
        conformal: Windows of a backtest, made by ``fit``, on whose errors the intervals are
            calibrated (see ``Forecaster.calibrate``); None leaves them as they are.
        futr_exog: Columns that are known ahead (prices, weather forecasts); ``predict`` wants
            their future values in ``X_df``. Columns of text are categories.
        hist_exog: Columns that are known of the past only.
        static_exog: Columns that are the same at all times of a series.
        calendar: Parts of the calendar to learn from: True for those that fit the frequency, or
            some of "hour", "weekday", "monthday", "month".
        holidays: Country, with a region if wanted, whose public holidays matter: "DE", "AU-VIC"
            (needs the library holidays).
        groups: Series that share a hidden state: True for all of them, or the name of a column
            with one value for each group (see ``carrousel.forecast.network.groups``).
        effort: "fast", "default" or "best": time for accuracy, wherever the above is None; or
            "instant": nothing is learned, a network that ships with the package forecasts (see
            ``carrousel.forecast.Pretrained``). Of covariates, ``futr_exog`` and ``holidays`` have
            a say, by a regression.
        pretrained_share: How much of a forecast comes from the network that ships, beside those
            that are trained, from 0 (nothing) to below 1; None measures it on held-out windows (0
            with covariates, and of more than 5,000 series).
        seed: Of all random numbers; the global generators are not touched.
        verbose: Write to standard error what was chosen, and why.
        id_col, time_col, target_col: Names of the columns; a table without ``id_col`` is one
            series.
        reading: How the table is written, and what gaps and repeated times mean. ``Forecaster``
            takes the fields of ``carrousel.data.ReadOptions`` by their own names: ``date_format``,
            ``day_first``, ``decimal``, ``thousands``, ``encoding``, ``sheet``, ``fill``,
            ``aggregate``, ``header``, ``time_zone``.
    """

    h: int
    cell: str = "lstm"
    freq: str | int | None = None
    season_length: int | tuple[int, ...] | None = None
    context: int | None = None
    hidden_size: int | None = None
    num_layers: int | None = None
    ensemble: int | None = None
    max_steps: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    nonnegative: bool | None = None
    conformal: int | None = None
    futr_exog: tuple[str, ...] = ()
    hist_exog: tuple[str, ...] = ()
    static_exog: tuple[str, ...] = ()
    calendar: bool | tuple[str, ...] = False
    holidays: str | None = None
    groups: bool | str = False
    effort: str = "default"
    pretrained_share: float | None = None
    seed: int = 0
    verbose: bool = False
    id_col: str = "unique_id"
    time_col: str = "ds"
    target_col: str = "y"
    reading: ReadOptions = field(default_factory=ReadOptions)

    def __post_init__(self) -> None:
        whole("h", self.h)
        whole("seed", self.seed, 0)
        if self.nonnegative not in (None, True, False):
            raise TypeError(f"nonnegative must be True, False or None, got {self.nonnegative!r}")
        for name in WHOLE:
            if getattr(self, name) is not None:
                whole(name, getattr(self, name))
        for season in self.seasons:
            whole("season_length", season)
        one_of("cell", self.cell, CELLS)
        one_of("effort", self.effort, EFFORTS)
        for name in ("futr_exog", "hist_exog", "static_exog"):
            _names(name, getattr(self, name))
        if self.effort == "instant":
            self._refuse_to_learn()
        if not isinstance(self.groups, bool | str):
            raise TypeError(f"groups must be True or the name of a column, got {self.groups!r}")
        if not isinstance(self.calendar, bool):
            _names("calendar", self.calendar)
        if self.pretrained_share is not None:
            real("pretrained_share", self.pretrained_share, 0, 1, below=True)
            if self.pretrained_share and any(getattr(self, name) for name in BESIDE):
                raise ValueError(
                    "pretrained_share: the network that ships reads no covariates and no groups; "
                    f"give 0, got {self.pretrained_share!r}"
                )
        if self.learning_rate is not None:
            real("learning_rate", self.learning_rate, -math.inf, 100)
            if not self.learning_rate > 0:
                raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")

    def _refuse_to_learn(self) -> None:
        """Refuse what only a network that is trained can heed."""
        for name in TRAINED_ON:
            if getattr(self, name):
                raise ValueError(
                    f"{name} cannot be used with effort='instant', which learns nothing and heeds "
                    f"only {', '.join(AHEAD)}; give effort='fast', 'default' or 'best'"
                )
        trained = ("context", "hidden_size", "num_layers", "ensemble", "max_steps")
        for name in (*trained, "pretrained_share"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name} cannot be chosen with effort='instant': nothing is trained"
                )
        if self.cell != LSTM.name:
            raise ValueError(f"cell must be 'lstm' with effort='instant', got {self.cell!r}")

    @property
    def seasons(self) -> tuple[int, ...]:
        """``season_length`` as a tuple; empty where it is to be chosen."""
        if self.season_length is None:
            return ()
        if isinstance(self.season_length, int):
            return (self.season_length,)
        return tuple(sorted(self.season_length))

    def by_name(self) -> dict[str, Any]:
        """Every option by the name that ``Forecaster`` takes."""
        own = {one.name: getattr(self, one.name) for one in fields(self)}
        return own | asdict(own.pop("reading"))

    @classmethod
    def of(cls, **options: Any) -> "Options":
        """From options by their names, with lists for tuples; says what there is where a name is
        unknown."""
        names = [name for name in (*cls.__dataclass_fields__, *READ_OPTIONS) if name != "reading"]
        if wrong := no_option("Forecaster", options, names):
            raise TypeError(wrong)
        given: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in options.items()
        }
        reading = {name: given.pop(name) for name in READ_OPTIONS if name in given}
        return cls(**given, reading=ReadOptions(**reading))


class Given(Written, total=False):
    """The options that ``Forecaster`` takes by name, for type checkers and editors."""

    freq: str | int | None
    season_length: int | Sequence[int] | None
    context: int | None
    hidden_size: int | None
    num_layers: int | None
    ensemble: int | None
    max_steps: int | None
    batch_size: int | None
    learning_rate: float | None
    nonnegative: bool | None
    conformal: int | None
    futr_exog: Sequence[str]
    hist_exog: Sequence[str]
    static_exog: Sequence[str]
    calendar: bool | Sequence[str]
    holidays: str | None
    groups: bool | str
    effort: str
    pretrained_share: float | None
    seed: int
    verbose: bool
    id_col: str
    time_col: str
    target_col: str


def _names(name: str, value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(one, str) for one in value):
        raise TypeError(f"{name} must be a list of names, got {value!r}")
