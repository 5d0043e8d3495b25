"""``forecast --report --explain``: the files, and that they say what the tables say."""

import polars as pl


def test_report_and_explanation_are_written(run, small, tmp_path):
    result = run(
        "forecast", small, "-h", 6, "--steps", 2, "--effort", "fast", "--report", "--explain",
        "--out", "results",
    )  # fmt: skip
    assert (result.code, result.err) == (0, "")
    out = tmp_path / "results"
    assert "explanation.csv, explanation.png" in result.out
    assert "report.html" in result.out
    table = pl.read_csv(out / "explanation.csv")
    assert table.columns[:3] == ["unique_id", "ds", "to"]
    assert set(table["unique_id"]) == {"élan [1]", "b"}
    assert (table["account"] - table["copied"] - table["memory"]).abs().max() < 1e-3
    text = (out / "report.html").read_text("utf-8")
    assert "What the forecasts relied on" in text
    assert "élan [1]" in text
    best = table.filter(pl.col("unique_id") == "b").sort(pl.col("removed").abs())[-1, "ds"]
    assert best in text


def test_report_alone_explains_nothing(run, small, tmp_path):
    assert run("forecast", small, "-h", 3, "--steps", 2, "--report", "--out", "r").code == 0
    text = (tmp_path / "r" / "report.html").read_text("utf-8")
    assert "relied on" not in text
    assert not (tmp_path / "r" / "explanation.csv").exists()
