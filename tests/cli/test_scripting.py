"""What scripts and shells ask of the commands: silence, JSON, logs, completion, versions."""

import io
import json
import logging
import os
import subprocess
import sys

import pytest
import torch
import typer
from typer.main import get_command

import carrousel
from carrousel.cli import app
from carrousel.cli.options import SETTINGS
from carrousel.cli.scripting import write
from carrousel.data import list_samples
from carrousel.data.reading import AGGREGATES, FILLS
from carrousel.forecast.options import CELLS, EFFORTS
from carrousel.ops import cpu

QUICK = ("--effort", "fast", "--steps", 2, "--ensemble", 1)


def commands(group, path=()):
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, (*path, name))
        else:
            yield " ".join((*path, name)), one


COMMANDS = dict(commands(get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_for_scripts_too(name):
    flags = [flag for option in COMMANDS[name].params for flag in option.opts]
    assert {"--quiet", "--json", "--log"} <= set(flags)
    assert len(flags) == len(set(flags))


def test_a_forecast_as_json_is_its_record_and_what_was_written(run, small, tmp_path):
    result = run("forecast", small, "--horizon", 3, *QUICK, "--json", "--log", "info")
    found = json.loads(result.out)
    record = json.loads((tmp_path / "forecast" / "forecast.json").read_text("utf-8"))
    assert {**record, "written": found["written"]} == found
    assert all((tmp_path / path).exists() for path in found["written"])
    assert "carrousel.training.loop: finished after 2 updates" in result.err
    assert "carrousel.storage.model_directory: wrote a forecaster to " in result.err
    assert logging.getLogger("carrousel").handlers == []

    table = run("predict", "forecast/model")
    rows = json.loads(run("predict", "forecast/model", "--json").out)
    lines = table.out.splitlines()
    assert [",".join(map(str, row.values())) for row in rows] == lines[1:]
    assert ",".join(rows[0]) == lines[0]
    assert run("predict", "forecast/model", "--quiet").out == table.out

    assert run("predict", "forcast/model").err.count("\n") == 1
    for line in ("predict forecast/modle", "explore forecast/modle --export page.html"):
        assert "did you mean 'forecast/model'?" in run(*line.split()).err


def test_a_backtest_as_json_has_the_scores(run, small):
    result = run("backtest", small, "--horizon", 3, "--windows", 2, *QUICK, "--json")
    found = json.loads(result.out)
    assert set(found["scores"]) >= {"carrousel", "naive"}
    assert found["windows"] == 2


@pytest.mark.parametrize("line", ["samples", "lab cell --kind gru"])
def test_quiet_is_silent_and_json_is_all_there_is(line, run):
    assert run(*line.split(), "--quiet").out == ""
    assert json.loads(run(*line.split(), "--json").out)


def test_quiet_hides_no_error(run):
    result = run("forecast", "absent.csv", "--horizon", 3, "--quiet", "--json")
    assert (result.code, result.out) == (2, "")
    assert "absent.csv" in result.err


def test_the_version_tells_what_it_runs_on(run):
    assert run("--version").out == f"carrousel {carrousel.__version__}\n"
    found = json.loads(run("--version", "--verbose", "--json").out)
    assert found["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert found["isa"].split()[0] in cpu.available_isas()
    assert set(found) == {"carrousel", "isa", "torch", "threads", "python", "platform"}
    lines = run("--version", "--verbose").out.splitlines()
    assert [line.split()[0] for line in lines] == list(found)


def test_verbose_alone_is_refused(run):
    assert run("--verbose", "samples").code == 2


def test_it_runs_as_a_module():
    told = subprocess.run(
        [sys.executable, "-m", "carrousel", "--version"], capture_output=True, text=True, check=True
    )
    assert told.stdout == f"carrousel {carrousel.__version__}\n"


def completed(line: str) -> str:
    """What bash offers for the last word of ``line``."""
    words = line.split(" ")
    asked = {"_CARROUSEL_COMPLETE": "complete_bash", "COMP_WORDS": line}
    told = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['carrousel']\n"
         "from carrousel.cli import main\nmain()"],
        env={**os.environ, **asked, "COMP_CWORD": str(len(words) - 1)},
        capture_output=True, text=True,
    )  # fmt: skip
    return told.stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("carrousel fore", "forecast"),
        ("carrousel forecast --hori", "--horizon"),
        ("carrousel forecast --sample ", "bikes"),
        ("carrousel backtest --effort in", "instant"),
    ],
)
def test_a_shell_completes(line, offered):
    assert offered in completed(line).split()


def test_a_shell_completes_what_there_is():
    choices = {"cell": CELLS, "effort": EFFORTS, "fill": FILLS, "aggregate": AGGREGATES}
    for name, known in choices.items():
        assert set(SETTINGS[name].choices) == set(known), name
    assert list(list_samples())


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("forecast --sampel airline", "--sample"),
        ("forecast --sample arline", "'airline'"),
        ("forecast --sample airline --effort isntant", "'instant'"),
        ("forecast --sample airline --cell lsmt", "'lstm'"),
        ("forcast", "'forecast'"),
        ("lab vanishin", "'vanishing'"),
        ("lab cell --kind gur", "'gru'"),
        ("text generat", "'generate'"),
    ],
)
def test_the_nearest_name_is_told(line, near, run):
    result = run(*line.split())
    assert result.code == 2
    assert f"id you mean {near}?" in result.err


@pytest.mark.parametrize(
    "line", ["lab vanishing --effort", "text generate m --tokens", "samples -x"]
)
def test_what_is_like_nothing_is_not_taken_for_anything(line, run):
    result = run(*line.split())
    assert (result.code, result.out) == (2, "")
    assert result.err == f"carrousel: No such option: {line.split()[-1]}\n"


@pytest.mark.filterwarnings("default:Glyph")
def test_letters_that_the_font_lacks_are_told_once(run, small):
    table = small.read_text("utf-8").replace("élan [1]", "東京大阪")
    small.write_text(table, "utf-8")
    result = run("forecast", small, "--horizon", 3, "--effort", "instant")
    assert result.err.count("boxes") == 1
    assert "Glyph" not in result.err


def test_the_nearest_column_is_told(run, small):
    result = run("forecast", small, "--horizon", 3, "--id-col", "uniqe_id")
    assert "perhaps --id-col unique_id is meant" in result.err
    result = run("forecast", small, "--horizon", 3, "--hist-exog", "yy", *QUICK)
    assert "did you mean 'y'?" in result.err


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (["forecast", "", "--horizon", 3], "FILE"),
        (["forecast", "--sample", "airline", "--out", ""], "--out"),
        (["forecast", "--sample", "airline", "--out="], "--out"),
        (["forecast", "--sample", "airline", "--future", ""], "--future"),
        (["predict", ""], "MODEL"),
        (["explore", "--export", ""], "--export"),
        (["text", "train", "", "--out", "m"], "FILES"),
        (["classify", "train", "", "--out", "m"], "FILE"),
    ],
)
def test_an_empty_path_is_not_the_current_folder(line, named, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*line)
    assert result.code == 2
    assert f"{named} must be a path, got ''" in result.err
    assert not list(tmp_path.iterdir())


def test_exit_codes_stand_in_the_help(run):
    assert "Exit codes: 0 done, 2 " in run("--help").out


@pytest.mark.parametrize("make", [carrousel.Forecaster, carrousel.LanguageModel])
def test_python_tells_the_nearest_option(make):
    with pytest.raises(TypeError, match=r"did you mean 'seed'\?"):
        make(3, sed=1) if make is carrousel.Forecaster else make(sed=1)


def test_typers_are_wrapped_once():
    from carrousel.cli.scripting import for_scripts

    assert isinstance(app, typer.Typer)
    for_scripts(app)  # again
    assert {n: len(c.params) for n, c in commands(get_command(app))} == {
        n: len(c.params) for n, c in COMMANDS.items()
    }


CLOSED = {
    "output": ((1,), "--help", 0),
    "errors, and there is one": ((2,), "forecast absent.csv", 2),
    "errors, and a table is read": (
        (2,),
        "backtest small.csv --horizon 3 --windows 2 --steps 2",
        0,
    ),
    "all": ((0, 1, 2), "samples --json", 0),
}


@pytest.mark.skipif(os.name == "nt", reason="descriptors are closed before the program starts")
@pytest.mark.parametrize(("closed", "line", "code"), CLOSED.values(), ids=CLOSED.keys())
def test_a_closed_stream_leads_nowhere(closed, line, code, small, tmp_path):
    kept = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    told = subprocess.run(
        [sys.executable, "-m", "carrousel", *line.split()], **kept, cwd=tmp_path,
        preexec_fn=lambda: [os.close(number) for number in closed],
    )  # fmt: skip
    assert told.returncode == code
    assert b"Traceback" not in told.stdout + told.stderr


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there, not bytes")
def test_a_name_that_the_locale_has_no_letters_for(small, tmp_path):
    name = b"donn\xc3\xa9es \xe9.csv"  # UTF-8 and Latin-1, both none of ASCII
    small.rename(tmp_path / os.fsdecode(name))
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    line = [*["forecast", "--effort", "instant", "--horizon", "3", "--out", "f"], name]
    told = subprocess.run(
        [sys.executable, "-m", "carrousel", *line], env={**os.environ, **locale}, cwd=tmp_path
    )
    assert told.returncode == 0
    record = json.loads((tmp_path / "f" / "forecast.json").read_text("utf-8"))
    assert record["source"] == "données \ufffd.csv"
    assert (tmp_path / "f" / "forecast.png").exists()  # with the name as its title


def test_data_in_a_pipe_are_utf_8_whatever_the_locale_is(monkeypatch):
    pipe = io.TextIOWrapper(io.BytesIO(), "ascii", errors="replace")
    monkeypatch.setattr(sys, "stdout", pipe)
    write("élan\n")
    assert pipe.buffer.getvalue() == "élan\n".encode()
