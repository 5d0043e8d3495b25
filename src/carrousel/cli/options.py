"""Options that several commands share, and what they are called in Python.

``SETTINGS`` has one entry for each field of ``carrousel.forecast.options.Options``, which a test
pins: what Python can do, the command line can.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..forecast import Forecaster

COLUMNS, READING = "Columns", "How the file is written (found in it, if not given)"
BESIDE, NETWORK, RESULT = "Covariates", "The network and its training", "Forecasts and intervals"
MANY = "Many files"

File = Annotated[
    Path | None,
    typer.Argument(
        help="CSV, Parquet or spreadsheet file; a directory of Parquet files, or a glob in quotes.",
        show_default=False,
    ),
]
SampleName = Annotated[
    str | None,
    typer.Option("--sample", help="A sample instead of a file (see: samples).",
                 autocompletion=lambda: _samples()),
]  # fmt: skip
Horizon = Annotated[
    int | None, typer.Option("--horizon", "-h", help="Steps to forecast.", show_default=False)
]
Level = Annotated[
    list[float], typer.Option(help="Central interval in percent; may be repeated.")
]  # fmt: skip
Future = Annotated[
    Path | None,
    typer.Option(
        "--future", "--X-df", show_default=False, rich_help_panel=BESIDE,
        help="File with the values of --futr-exog at the steps to forecast.",
    ),
]  # fmt: skip

Static = Annotated[
    Path | None,
    typer.Option(
        "--static", show_default=False, rich_help_panel=BESIDE,
        help="File with the columns of --static-exog, one row for each series.",
    ),
]  # fmt: skip
Init = Annotated[
    Path | None,
    typer.Option("--init", show_default=False, rich_help_panel=NETWORK,
                 help="Folder of a saved model whose networks learn on (fine-tuning)."),
]  # fmt: skip
Checkpoint = Annotated[
    Path | None,
    typer.Option("--checkpoint", show_default=False,
                 rich_help_panel=NETWORK,
                 help="Folder for the state of the training, written now and then."),
]  # fmt: skip
Resume = Annotated[
    bool,
    typer.Option("--resume", rich_help_panel=NETWORK,
                 help="Go on from the --checkpoint; of many files, from what --out holds."),
]  # fmt: skip

OnError = Annotated[
    str,
    typer.Option("--on-error", rich_help_panel=MANY,
                 autocompletion=lambda: ["stop", "skip"],
                 help="At a broken file, series or block: stop, or skip it by name (exit code 3)."),
]  # fmt: skip
Cache = Annotated[
    Path | None,
    typer.Option("--cache", show_default=False, rich_help_panel=MANY,
                 help="Folder for what is made of many files once and used again."),
]  # fmt: skip
By = Annotated[
    str | None,
    typer.Option("--by", metavar="COLUMN", show_default=False, rich_help_panel=MANY,
                 help="Column of the data, or a Hive partition: the scores of each group, too."),
]  # fmt: skip


def _samples() -> list[str]:
    from ..data import list_samples

    return list(list_samples())


@dataclass(frozen=True)
class Setting:
    """One option of ``Forecaster``: ``flags`` on the command line, the first in messages."""

    flags: tuple[str, ...]
    kind: Any
    panel: str
    help: str
    default: Any = None
    convert: Callable[[Any], Any] = lambda value: value
    choices: tuple[str, ...] = ()  # which a shell completes

    @property
    def flag(self) -> str:
        return self.flags[0].split("/")[0]

    @property
    def parameter(self) -> str:
        return self.flag.lstrip("-").replace("-", "_")

    def annotation(self) -> Any:
        option = typer.Option(
            *self.flags, help=self.help, rich_help_panel=self.panel,
            show_default=self.default not in (None, False),
            autocompletion=(lambda: list(self.choices)) if self.choices else None,
        )  # fmt: skip
        return Annotated[self.kind, option]


def _tuple(values: list[Any] | None) -> tuple[Any, ...]:
    return tuple(values or ())


def _seasons(values: list[int] | None) -> int | tuple[int, ...] | None:
    if not values:
        return None
    return values[0] if len(values) == 1 else tuple(values)


def _calendar(values: list[str] | None) -> bool | tuple[str, ...]:
    return True if values == ["auto"] else tuple(values or ()) or False


def _groups(value: str | None) -> bool | str:
    return True if value == "all" else value or False


def _sheet(value: str | None) -> str | int | None:
    return int(value) if value is not None and value.isdecimal() else value


_INT, _FLOAT, _TEXT, _FLAG, _NAMES = int | None, float | None, str | None, bool | None, list[str]

SETTINGS: dict[str, Setting] = {
    "id_col": Setting(("--id-col",), str, COLUMNS, "Names the series; may be absent.",
                      "unique_id"),
    "time_col": Setting(("--time-col",), str, COLUMNS, "The times.", "ds"),
    "target_col": Setting(("--target-col",), str, COLUMNS, "What is forecast.", "y"),
    "freq": Setting(("--freq",), _TEXT, READING,
                    "Step between observations: 1h, 30m, 1d, B, 1w, 1mo, ME, 1q, 1y or 1 (whole "
                    "numbers)."),
    "date_format": Setting(("--date-format",), _TEXT, READING,
                           "Of times, as strptime has it: %d/%m/%y; or s, ms, us, ns."),
    "day_first": Setting(("--day-first/--month-first",), _FLAG, READING,
                         "Whether 03/04/2024 is in April or in March."),
    "decimal": Setting(("--decimal",), _TEXT, READING, "Before decimals: . or ,"),
    "thousands": Setting(("--thousands",), _TEXT, READING, "Between thousands, such as . or ,"),
    "encoding": Setting(("--encoding",), _TEXT, READING, "Of text: utf-8, utf-16, cp1252, ..."),
    "sheet": Setting(("--sheet",), _TEXT, READING, "Of a spreadsheet: name or number.",
                     None, _sheet),
    "header": Setting(("--header/--no-header",), _FLAG, READING,
                      "Whether the first line names the columns."),
    "time_zone": Setting(("--time-zone",), _TEXT, READING,
                         "Whose clocks count, for times with offsets: Europe/Berlin, ..."),
    "fill": Setting(("--fill",), str, READING, "What a step without a row is: missing or zero.",
                    "missing", choices=("missing", "zero")),
    "aggregate": Setting(("--aggregate",), _TEXT, READING,
                         "Several rows of one time: sum, mean, median, min, max, first, last, "
                         "count.",
                         choices=("sum", "mean", "median", "min", "max", "first", "last", "count")),
    "futr_exog": Setting(("--futr-exog",), _NAMES, BESIDE,
                         "Column that is known ahead; may be repeated. See --future.", (), _tuple),
    "hist_exog": Setting(("--hist-exog",), _NAMES, BESIDE,
                         "Column that is known of the past only; may be repeated.", (), _tuple),
    "static_exog": Setting(("--static-exog",), _NAMES, BESIDE,
                           "Column that is the same at all times of a series; may be repeated.",
                           (), _tuple),
    "calendar": Setting(("--calendar",), _NAMES, BESIDE,
                        "Learn from the calendar: auto, or hour, weekday, monthday, month; may be "
                        "repeated.", (), _calendar),
    "holidays": Setting(("--holidays",), _TEXT, BESIDE, "Public holidays of DE, AU-VIC, ..."),
    "groups": Setting(("--groups",), _TEXT, BESIDE,
                      "Series that share a hidden state: all, or the column that names groups.",
                      None, _groups),
    "nonnegative": Setting(("--nonnegative/--allow-negative",), _FLAG, RESULT,
                           "Forecasts at or above zero. If neither is given: those of counts."),
    "conformal": Setting(("--conformal",), _INT, RESULT,
                         "Calibrate intervals on so many windows of a backtest."),
    "cell": Setting(("--cell",), str, NETWORK, "lstm, gru, rnn, or ann (no recurrence).", "lstm",
                    choices=("lstm", "gru", "rnn", "ann")),
    "effort": Setting(("--effort",), str, NETWORK, "fast, default or best: time for accuracy; "
                      "instant: nothing is learned, a network that ships forecasts.", "default",
                      choices=("instant", "fast", "default", "best")),
    "season_length": Setting(("--season", "--season-length"), list[int], NETWORK,
                             "Observations in a season; may be repeated. From the frequency if "
                             "not given.", (), _seasons),
    "context": Setting(("--context",), _INT, NETWORK, "Observations read before a forecast."),
    "hidden_size": Setting(("--hidden-size",), _INT, NETWORK, "Width of the recurrent layers."),
    "num_layers": Setting(("--num-layers",), _INT, NETWORK, "Recurrent layers."),
    "ensemble": Setting(("--ensemble",), _INT, NETWORK, "Networks whose forecasts are averaged."),
    "max_steps": Setting(("--steps", "--max-steps"), _INT, NETWORK,
                         "Updates of each network at most. From the data if not given."),
    "batch_size": Setting(("--batch-size",), _INT, NETWORK, "Windows in a batch."),
    "learning_rate": Setting(("--learning-rate",), _FLOAT, NETWORK, "Peak of the schedule."),
    "pretrained_share": Setting(("--pretrained-share",), _FLOAT, NETWORK,
                                "Of the network that ships in forecasts, from 0 to below 1. "
                                "Measured if not given."),
    "seed": Setting(("--seed",), int, NETWORK, "Of all random numbers.", 0),
    "verbose": Setting(("--verbose",), bool, NETWORK, "Say what was chosen, and why.", False),
}  # fmt: skip
HOW_WRITTEN = ("date_format", "day_first", "decimal", "thousands", "encoding", "sheet", "header",
               "fill", "aggregate", "time_zone")  # fmt: skip
# Arguments of methods, and what they are called on the command line.
FLAGS = {name: setting.flag for name, setting in SETTINGS.items()} | {
    "X_df": "--future", "static_df": "--static", "windows": "--windows", "n": "--samples",
    "level": "--level", "init": "--init", "add": "--add", "h": "--horizon",
    "checkpoint": "--checkpoint", "resume": "--resume",
    "speakers": "--speakers", "speaker": "--speaker", "speed": "--speed", "gap": "--gap",
    "copies": "--copies", "rate": "--rate", "steps": "--steps", "longest": "--longest",
    "on_error": "--on-error", "by": "--by", "cache": "--cache", "ray": "--ray", "out": "--out",
    "label_col": "--label-col", "text_col": "--text-col", "path_col": "--path-col",
    "speaker_col": "--speaker-col", "channels": "--channel", "features": "--feature",
    "kind": "--kind", "sample": "--sample",
}  # fmt: skip


def with_settings(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the flags of these options (all but ``h``, if none are named); it finds in
    ``settings`` what they were set to, as ``Forecaster`` takes it."""
    chosen = {name: SETTINGS[name] for name in names or SETTINGS}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def run(**given: Any) -> Any:
            settings = {
                name: setting.convert(given.pop(setting.parameter))
                for name, setting in chosen.items()
            }
            return command(settings=settings, **given)

        own = [p for p in inspect.signature(command).parameters.values() if p.name != "settings"]
        own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        more = [
            inspect.Parameter(
                s.parameter, inspect.Parameter.KEYWORD_ONLY,
                default=list(s.default) if isinstance(s.default, tuple) else s.default,
                annotation=s.annotation(),
            )
            for s in chosen.values()
        ]  # fmt: skip
        run.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in (*own, *more)}
        return run

    return decorate


def override(forecaster: "Forecaster", settings: dict[str, Any]) -> None:
    """Change what a saved model was made with, where something else was typed."""
    given = {name: value for name, value in settings.items() if value != SETTINGS[name].default}
    forecaster.set_params(**given)


def levels(given: list[float]) -> list[float]:
    """Levels, those that are whole as whole numbers: columns are named by them."""
    return [int(level) if level == int(level) else level for level in given]


def chosen_source(file: Path | None, sample: str | None) -> Path:
    """The path to read: the file, or that of the sample."""
    from ..data import find_sample

    if (file is None) == (sample is None):
        raise ValueError("name either a FILE or a --sample (see: carrousel samples)")
    return find_sample(sample).path if sample is not None else file  # type: ignore[return-value]


def chosen_horizon(horizon: int | None, sample: str | None) -> int:
    """The horizon: as given, else the one that suits the sample."""
    from ..data import find_sample

    if horizon is None:
        if sample is None:
            raise ValueError("--horizon is missing: how many steps shall be forecast?")
        return find_sample(sample).horizon
    if horizon < 1:
        raise ValueError(f"--horizon must be at least 1, got {horizon}")
    return horizon


def title_of(source: Path, sample: str | None) -> str:
    """What stands above the plot."""
    from ..data import find_sample
    from ..wording import legible

    return legible(source.name) if sample is None else find_sample(sample).title
