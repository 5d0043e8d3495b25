"""What Python can do, the commands can, in the words of the command line."""

import inspect
import json

import numpy as np
import polars as pl
import pytest

from carrousel import Forecaster
from carrousel.cli import inputs, options
from carrousel.cli.backtest import backtest
from carrousel.cli.flags import in_flags
from carrousel.cli.forecast import forecast
from carrousel.cli.predict import predict
from carrousel.cli.update import update
from carrousel.data.reading import READ_OPTIONS
from carrousel.forecast.options import Options

QUICK = ("--effort", "fast", "--steps", 2, "--ensemble", 1)
# What is typed for each option, and what Forecaster is given.
TYPED = {
    "cell": ("--cell gru", "gru"),
    "freq": ("--freq 1mo", "1mo"),
    "season_length": ("--season 4 --season 12", (4, 12)),
    "context": ("--context 24", 24),
    "hidden_size": ("--hidden-size 8", 8),
    "num_layers": ("--num-layers 1", 1),
    "ensemble": ("--ensemble 1", 1),
    "max_steps": ("--max-steps 2", 2),
    "batch_size": ("--batch-size 9", 9),
    "learning_rate": ("--learning-rate 0.01", 0.01),
    "pretrained_share": ("--pretrained-share 0.5", 0.5),
    "nonnegative": ("--allow-negative", False),
    "conformal": ("--conformal 2", 2),
    "futr_exog": ("--futr-exog price --futr-exog rain", ("price", "rain")),
    "hist_exog": ("--hist-exog visits", ("visits",)),
    "static_exog": ("--static-exog size", ("size",)),
    "calendar": ("--calendar auto", True),
    "holidays": ("--holidays DE-BY", "DE-BY"),
    "groups": ("--groups all", True),
    "effort": ("--effort fast", "fast"),
    "seed": ("--seed 3", 3),
    "verbose": ("--verbose", True),
    "id_col": ("--id-col shop", "shop"),
    "time_col": ("--time-col day", "day"),
    "target_col": ("--target-col sold", "sold"),
    "date_format": ("--date-format %d/%m/%y", "%d/%m/%y"),
    "day_first": ("--month-first", False),
    "decimal": ("--decimal ,", ","),
    "thousands": ("--thousands .", "."),
    "encoding": ("--encoding cp1252", "cp1252"),
    "sheet": ("--sheet 2", 2),
    "fill": ("--fill zero", "zero"),
    "aggregate": ("--aggregate sum", "sum"),
    "header": ("--no-header", False),
    "time_zone": ("--time-zone Asia/Tokyo", "Asia/Tokyo"),
}


def test_every_option_has_a_flag():
    default = Options(1).by_name()
    assert set(options.SETTINGS) == set(default) - {"h"} == set(TYPED)  # h is --horizon
    for name, setting in options.SETTINGS.items():
        assert setting.convert(setting.default) == default[name], name
    every = {setting.parameter for setting in options.SETTINGS.values()}
    for command in (forecast, backtest):
        assert every <= set(inspect.signature(command).parameters)
    assert set(options.HOW_WRITTEN) == set(READ_OPTIONS)
    written = {options.SETTINGS[name].parameter for name in options.HOW_WRITTEN}
    for command in (predict, update):
        assert written <= set(inspect.signature(command).parameters)


def test_every_argument_of_the_methods_has_a_flag():
    for method, known in [
        (Forecaster.fit, {"data", "progress"}),
        (Forecaster.predict, {"data", "progress"}),
        (Forecaster.sample, {"data", "distribution", "seed"}),
        (Forecaster.update, {"data"}),
        (Forecaster.evaluate, {"data", "progress", "step", "refit", "methods"}),
    ]:
        arguments = set(inspect.signature(method).parameters) - {"self"}
        assert arguments - known <= set(options.FLAGS), method


@pytest.mark.parametrize("name", TYPED)
@pytest.mark.parametrize("command", ["forecast", "backtest"])
def test_what_is_typed_is_what_forecaster_is_given(run, monkeypatch, tmp_path, command, name):
    class Encoded(Exception):
        pass

    def seen(h, **given):
        raise Encoded(h, given)

    typed, expected = TYPED[name]
    assert inputs.Forecaster is Forecaster  # imported before it is replaced here
    monkeypatch.setattr("carrousel.forecast.Forecaster", seen)
    with pytest.raises(Encoded) as found:
        run(command, "a.csv", "-h", 6, *typed.split())
    h, given = found.value.args
    assert (h, given[name]) == (6, expected)
    plain = Options(1).by_name()
    del plain["h"]
    assert given == plain | {name: expected}


def shops(path, rows=60, names=("a", "b"), drop=()):
    """Sales of some shops that a price moves, with a size for each."""
    rng = np.random.default_rng(0)
    days = np.datetime64("2024-01-01") + np.arange(rows)
    tables = [
        pl.DataFrame({"shop": name, "day": days, "sold": rng.poisson(9, rows).astype(float),
                      "price": rng.random(rows), "visits": rng.random(rows), "size": k})
        for k, name in enumerate(names)
    ]  # fmt: skip
    table = pl.concat(tables).drop(drop)
    table.write_csv(path)
    return table


COLUMNS = ("--id-col", "shop", "--time-col", "day", "--target-col", "sold")
BESIDE = ("--futr-exog", "price", "--hist-exog", "visits", "--static-exog", "size")


def test_covariates_from_the_file_to_the_forecast(run, tmp_path):
    table = shops(tmp_path / "all.csv")
    start = table["day"].min()
    early = pl.col("day") < start + np.timedelta64(50, "D").astype("m8[us]")
    known, later = table.filter(early), table.filter(~early)
    known.write_csv(tmp_path / "known.csv")
    later.drop("sold").write_csv(tmp_path / "later.csv")
    given = ("known.csv", "-h", 5, *COLUMNS, *BESIDE, *QUICK)
    assert "--future is missing: a file with 'price'" in run("forecast", *given).err
    extra = ("--calendar", "weekday", "--future", "later.csv", "--report", "--explain")
    result = run("forecast", *given, *extra)
    assert (result.code, result.err) == (0, "")
    python = Forecaster(
        5, effort="fast", max_steps=2, ensemble=1, id_col="shop", time_col="day",
        target_col="sold", futr_exog=["price"], hist_exog=["visits"], static_exog=["size"],
        calendar=["weekday"],
    ).fit(str(tmp_path / "known.csv"))  # fmt: skip
    expected = python.predict(X_df=str(tmp_path / "later.csv"))
    found = pl.read_csv(tmp_path / "forecast" / "forecast.csv")
    np.testing.assert_allclose(found["carrousel"], expected["carrousel"], rtol=1e-6)
    told = run("predict", "forecast/model", "--future", "later.csv")
    assert (told.code, told.err) == (0, "")
    assert told.out == (tmp_path / "forecast" / "forecast.csv").read_text()
    short = run("predict", "forecast/model")
    assert short.code == 2
    assert short.err.startswith("carrousel: --future:")
    assert run("backtest", *given, "--windows", 2).code == 0
    later.filter(pl.col("day") == later["day"].min()).write_csv(tmp_path / "new.csv")
    assert run("update", "forecast/model", "new.csv").err == ""
    assert run("predict", "forecast/model", "known.csv", "--future", "later.csv").code == 0


def test_how_what_is_ahead_was_read_is_told_and_its_faults_come_before_any_training(
    run, tmp_path, monkeypatch
):
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 2, 9), "1d", eager=True)
    price = 2 + np.sin(np.arange(40)).round(2)
    table = pl.DataFrame({"ds": days, "y": 10 * price, "price": price})
    table[:36].write_csv(tmp_path / "a.csv", datetime_format="%Y-%m-%d")
    rows = [
        f"{day:%d/%m/%Y};{one:.2f}".replace(".", ",") for day, one in zip(days, price, strict=True)
    ]
    (tmp_path / "later.csv").write_text("\n".join(["ds;price", *rows[30:]]))
    (tmp_path / "short.csv").write_text("\n".join(["ds;price", *rows[30:38]]))
    given = ("a.csv", "-h", 4, "--futr-exog", "price", "--no-holdout", *QUICK)
    with monkeypatch.context() as patched:
        patched.setattr(Forecaster, "fit", lambda *_, **__: pytest.fail("trained"))
        refused = run("forecast", *given, "--future", "short.csv")
    assert refused.err.startswith("carrousel: --future: 'price' has no known value")
    told = ("later.csv: 'ds' read as day/month/year", "later.csv: 'price' read with ',' before")
    made = run("forecast", *given, "--future", "later.csv")
    assert made.code == 0
    assert all(note in made.out for note in told)
    again = run("predict", "forecast/model", "--future", "later.csv")
    assert all(note in again.err for note in told)
    assert again.out == (tmp_path / "forecast" / "forecast.csv").read_text()


def test_groups_and_a_model_that_learns_on(run, tmp_path):
    shops(tmp_path / "a.csv", drop=["price", "visits"])
    options = ("a.csv", "-h", 4, *COLUMNS, "--groups", "size", *QUICK)
    result = run("forecast", *options)
    assert (result.code, result.err) == (0, "")
    shops(tmp_path / "new.csv", 62, drop=["price", "visits"])
    assert run("update", "forecast/model", "new.csv").err == ""
    assert (
        run("predict", "forecast/model").err,
        run("update", "forecast/model", "new.csv").code,
    ) == ("", 0)
    again = run("forecast", *options, "--init", "forecast/model", "--out", "tuned", "--verbose")
    assert again.code == 0
    assert "learn on: 2 updates at most" in again.err
    assert run("backtest", *options, "--init", "forecast/model", "--windows", 1).code == 0
    first = ("--checkpoint", "state", "--out", "c", "--no-holdout")
    assert run("forecast", *options, *first).code == 0
    assert run("forecast", *options, *first, "--resume").code == 0


@pytest.mark.parametrize("rows", [60, 200])
def test_forecasts_without_a_comparison(run, tmp_path, rows):
    shops(tmp_path / "a.csv", rows, drop=["price", "visits", "size"])
    asked = ("--no-holdout",) if rows == 200 else ()
    result = run("forecast", "a.csv", "-h", 40, *COLUMNS, *QUICK, *asked, "--report")
    assert (result.code, result.err) == (0, "")
    assert "not compared with simple methods: " in result.out
    assert ("as asked" in result.out) == (rows == 200)
    assert "Held out" not in result.out
    names = {item.name for item in (tmp_path / "forecast").iterdir()}
    assert names == {"forecast.csv", "forecast.png", "forecast.json", "model", "report.html"}
    record = json.loads((tmp_path / "forecast" / "forecast.json").read_text())
    assert record["scores"] is None
    assert "Nothing was held out" in (tmp_path / "forecast" / "report.html").read_text()
    assert len(pl.read_csv(tmp_path / "forecast" / "forecast.csv")) == 80


def test_levels_samples_and_distributions(run, tmp_path):
    shops(tmp_path / "a.csv", drop=["price", "visits", "size"])
    options = ("-h", 4, *COLUMNS, *QUICK, "--level", 99.5, "--level", 50, "--conformal", 2)
    assert run("forecast", "a.csv", *options, "--nonnegative").err == ""
    table = pl.read_csv(tmp_path / "forecast" / "forecast.csv")
    assert table.columns[-4:] == [
        f"carrousel-{s}-{k}" for k in ("99.5", "50") for s in ("lo", "hi")
    ]
    paths = run("predict", "forecast/model", "--samples", 3, "--seed", 1).out
    assert paths.splitlines()[0] == "shop,day,sample,carrousel"
    assert len(paths.splitlines()) == 1 + 2 * 3 * 4
    fitted = run("predict", "forecast/model", "--distribution", "negative_binomial").out
    assert fitted.startswith("shop,day,carrousel-mean,carrousel-shape")
    assert run("predict", "forecast/model", "--samples", 0).err.startswith("carrousel: --samples")


@pytest.mark.parametrize(
    ("python", "typed"),
    [
        ("learning_rate must be positive, got -1", "--learning-rate must be positive, got -1"),
        ("seed: column 'seed' is a column", "seed: column 'seed' is a column"),
        ("cell must be one of lstm, gru, got 'x'", "--cell must be one of lstm, gru, got 'x'"),
        ("ds: which? day_first=True settles it", "ds: which? --day-first settles it"),
        ("perhaps time_col='when' is meant", "perhaps --time-col when is meant"),
        ("X_df: 'price' has no known value", "--future: 'price' has no known value"),
        ("take them in with add=True, or", "take them in with --add, or"),
        ("there is no column 'time_col'", "there is no column 'time_col'"),
    ],
)
def test_errors_name_what_was_typed(python, typed):
    assert in_flags(python) == typed


def test_static_covariates_from_a_file_of_their_own(run, tmp_path):
    table = shops(tmp_path / "joined.csv")
    table.drop("size").write_csv(tmp_path / "sales.csv")
    table.select("shop", "size").unique(maintain_order=True).write_csv(tmp_path / "shops.csv")
    how = ("-h", 4, *COLUMNS, "--static-exog", "size", *QUICK)
    own = ("--static", "shops.csv")
    assert run("forecast", "joined.csv", *how, "--out", "one").code == 0
    result = run("forecast", "sales.csv", *how, *own, "--out", "two")
    assert result.code == 0, result.err
    for name in ("forecast.csv", "backtest.csv"):
        assert (tmp_path / "one" / name).read_text() == (tmp_path / "two" / name).read_text()
    assert run("backtest", "sales.csv", *how, *own).code == 0
    again = run("predict", "two/model", "sales.csv", *own)
    assert (again.code, again.out) == (0, run("predict", "one/model", "joined.csv").out)
    assert run("update", "two/model", "sales.csv", *own).code == 0
    for args in (
        ("predict", "two/model", *own),
        ("forecast", "sales.csv", "-h", 4, *COLUMNS, *own),
    ):
        refused = run(*args)
        assert (refused.code and refused.err.startswith("--static: ")) or "--static" in refused.err
        assert "static_df" not in refused.err
