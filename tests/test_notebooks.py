"""Notebooks run, and results show themselves in them."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import carrousel
from carrousel import Forecaster, console, explain, lab
from carrousel.console import Bar
from carrousel.data import load_sample
from carrousel.lab.outcome import About
from carrousel.showing import MOST_ROWS, Shown, html_table

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_light(path):
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    assert path.stat().st_size < 20_000


# All of them: make notebooks.
@pytest.mark.parametrize("name", ["2-see-inside-an-lstm", "3-the-vanishing-gradient"])
def test_a_notebook_runs(name, tmp_path, monkeypatch):
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    from run_notebooks import execute

    done = execute(ROOT / "notebooks" / f"{name}.ipynb", tmp_path)
    shown = [out for cell in done.cells for out in cell.get("outputs", [])]
    pages = [out.get("data", {}) for out in shown]
    assert any("image/png" in page or "<img" in page.get("text/html", "") for page in pages)
    assert not any(out.output_type == "stream" and out.name == "stderr" for out in shown)


@pytest.fixture(scope="module")
def record():
    torch.manual_seed(0)
    model = torch.nn.LSTM(2, 3)
    with carrousel.trace(model) as trace:
        model(torch.randn(4, 1, 2))[0].sum().backward()
    yield trace[0]
    del model  # which the record asks for its weights


def results(record):
    yield "Record", record
    yield "Ledger", explain.ledger(record)
    yield "HalfLife", explain.half_life(record)
    yield "Evaluation", Forecaster(12, effort="instant").evaluate(load_sample("airline"))
    about = About("name", "<title>", "why?", "", "")
    finding = lab.Finding("a < b", False, "5 & 6")
    yield "Outcome", lab.Outcome(about, [{"task": "<b>", "loss": np.nan}], [finding], None)


def test_results_show_themselves(record):
    for name, result in results(record):
        page = result._repr_html_()
        assert page.startswith(f"<div><strong>{name}</strong>"), name
        assert ("<img" in page) == (name not in ("Ledger", "Outcome")), name
        assert len(page) < 200_000, name
    assert "&lt;title&gt;: why?" in page
    assert "not confirmed: a &lt; b: 5 &amp; 6" in page
    assert "<td>&lt;b&gt;</td><td></td>" in page


def test_every_result_that_is_drawn_shows_itself():
    from carrousel.plottable import Plottable

    assert issubclass(Plottable, Shown)


def test_long_tables_end():
    page = html_table([{"a": k} for k in range(MOST_ROWS + 5)])
    assert page.count("<tr>") == MOST_ROWS + 2
    assert "and 5 more" in page


class Place:
    """Where IPython would show something."""

    def __init__(self):
        self.said = []

    def update(self, what):
        self.said.append(what)


def test_a_bar_in_a_notebook_is_one_line_that_goes(monkeypatch):
    place = Place()
    display = type(sys)("IPython.display")
    display.HTML, display.display = str, lambda *_, display_id: place
    monkeypatch.setitem(sys.modules, "IPython", type(sys)("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    with Bar("work <1>") as bar:
        bar.show(4, 4, pace="loss 0.5")
    assert place.said[-1] == ""
    assert (
        '<progress value="4" max="4"></progress> work &lt;1&gt;  100 %  loss 0.5' in place.said[-2]
    )
    with console.hushed("out", "err"), Bar("quiet") as bar:
        bar.show(1, 2)
    assert len(place.said) == len([one for one in place.said if "quiet" not in one])
