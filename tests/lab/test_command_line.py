"""``carrousel lab`` as its user meets it."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from carrousel.cli import main


def command(capsys, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["lab", *map(str, arguments)])
    written = capsys.readouterr()
    return end.value.code or 0, written.out, written.err


def test_an_experiment_prints_its_table_and_findings_and_writes_three_files(capsys, tmp_path):
    code, out, _ = command(capsys, "constant-error", "--quick", "--out", tmp_path)
    assert code == 0
    assert "confirmed" in out
    assert {path.name for path in tmp_path.iterdir()} == {
        "constant-error.csv", "constant-error.png", "constant-error.json",
    }  # fmt: skip


@pytest.mark.parametrize("finished", [0, 1])
def test_an_interrupted_run_says_what_is_kept(capsys, tmp_path, monkeypatch, finished):
    def interrupted(name, options):
        for k in range(finished):
            options.runs.mkdir(parents=True)
            (options.runs / f"{k}.json").write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr("carrousel.lab.run", interrupted)
    code, _, err = command(capsys, "constant-error", "--out", tmp_path / "found")
    assert code == 130
    said = f"kept in {tmp_path / 'found' / 'runs'}" if finished else "nothing is kept"
    assert said in "".join(err.splitlines()) or said in " ".join(err.split())
    assert (tmp_path / "found").exists() == bool(finished)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_a_second_run_into_the_same_folder_is_refused(capsys, tmp_path):
    """Another process holds the folder, as a run does."""
    hold = (
        "import sys; from pathlib import Path; from carrousel.storage.tempfiles import with_lock\n"
    )
    hold += "with with_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    command_ = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(
        command_, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        code, _, err = command(capsys, "constant-error", "--quick", "--out", tmp_path)
        other.stdin.close()
    assert code == 2
    assert "Traceback" not in err
    assert f"{tmp_path} is being written by another process" in err
    assert not list(tmp_path.iterdir())


def test_a_cell_shows_every_operation_and_writes_them(capsys, tmp_path):
    code, out, _ = command(capsys, "cell", "-x", "1,-1", "--out", tmp_path)
    assert code == 0
    for name in ("forget gate", "input gate", "candidate", "new cell state", "new hidden state"):
        assert name in out
    assert json.loads((tmp_path / "cell.json").read_text())["values"]["input"] == [1.0, -1.0]
    assert (tmp_path / "cell.png").exists()


def test_the_cell_of_a_saved_model_is_shown(capsys, tmp_path):
    save_file(nn.GRU(1, 2).state_dict(), tmp_path / "model.safetensors")
    code, out, _ = command(capsys, "cell", "--weights", tmp_path / "model.safetensors")
    assert code == 0
    assert "update gate" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["alchemy"], "alchemy"),
        (["recall", "--jobs", "0"], "jobs must be 1 or more, got 0"),
        (["recall", "--seeds", "x"], "seeds"),
        (["cell", "--kind", "ann"], "kind must be one of 'rnn', 'gru', 'lstm', got 'ann'"),
        (["cell", "--layer", "rnn"], "--layer is of a model: give --weights, too"),
        (["cell", "--kind", "gru", "-c", "1,2,3"], "-c is a cell state, which no gru has"),
        (["cell", "-x", "1"], "-x must be 2 numbers for this cell, got 1"),
        (["cell", "-h", "1,b,c"], "must be numbers with commas between"),
        (["cell", "--weights", "absent.safetensors"], "absent.safetensors"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_request_is_one_line_on_standard_error(capsys, arguments, message):
    code, out, err = command(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.strip().count("\n") == 0


def test_help_does_not_wait_for_torch():
    program = (
        "import sys\n"
        "from carrousel.cli import main\n"
        "try: main(['lab', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0
    assert "vanishing" in done.stdout


def test_the_library_leaves_torch_threads_alone(capsys, tmp_path):
    before = torch.get_num_threads()
    command(capsys, "constant-error", "--quick", "--out", tmp_path)
    assert torch.get_num_threads() == before
