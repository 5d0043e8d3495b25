"""Quick runs say what the theory says, and write a table, a picture and data."""

import csv
import json

import pytest

from carrousel import lab
from carrousel.lab.experiments.vanishing import DISTANCES


class Watch:
    """Counts the progress that a user would see."""

    def __init__(self):
        self.expected = self.done = 0.0

    def expect(self, work):
        self.expected += work

    def advance(self, work, label):
        assert label
        self.done += work


@pytest.fixture(scope="module", params=lab.MODULES)
def ran(request, tmp_path_factory):
    """(name, outcome, folder, progress) of a quick run with one seed."""
    folder, progress = tmp_path_factory.mktemp("lab"), Watch()
    options = lab.Options(quick=True, seeds=1, folder=folder, progress=progress)
    return request.param, lab.run(request.param, options), folder, progress


def test_a_quick_run_confirms_the_theory_and_writes_what_it_found(ran):
    name, outcome, folder, progress = ran
    CLAIMS[name](outcome)
    assert progress.done == pytest.approx(progress.expected)
    with (folder / f"{name}.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(outcome.rows)
    assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    data = json.loads((folder / f"{name}.json").read_text())
    assert data["quick"]
    assert len(data["findings"]) == len(outcome.findings)


def solved(outcome, network: str) -> int:
    return sum(row["solved"] for row in outcome.rows if row["network"] == network)


def loss(outcome, network: str) -> float:
    return max(row["final loss (median)"] for row in outcome.rows if row["network"] == network)


def vanishing(outcome):
    assert all(finding.holds for finding in outcome.findings)
    (rnn,), (chrono,) = (outcome.details["before"][label] for label in ("rnn", "lstm, chrono"))
    (sigma,) = outcome.details["sigma"]
    assert all(norm <= sigma**k * (1 + 1e-9) for k, norm in enumerate(rnn))
    assert rnn[DISTANCES] < 1e-12 < 1e-4 < chrono[DISTANCES]


def constant_error(outcome):
    assert all(finding.holds for finding in outcome.findings)


def recall(outcome):
    assert solved(outcome, "ann") == 0
    assert solved(outcome, "lstm, chrono") == 2  # T = 10 and T = 50


def held_gate(outcome):
    slopes, right = outcome.details["slopes"], outcome.details["right"]
    assert slopes["lstm, held at 1"][40] > 1e3 * slopes["lstm"][40]
    assert all(0 <= share <= 1 for share in right["lstm"]["held at 1"].values())
    assert outcome.details["cells"]["lstm, held at 1"][40] > 1  # it adds up


def adding(outcome):
    assert solved(outcome, "ann") == 0
    assert loss(outcome, "ann") > 0.9 / 6
    assert loss(outcome, "lstm, chrono") < 0.01 / 6


def copy(outcome):
    assert solved(outcome, "ann") == 0
    assert loss(outcome, "lstm, chrono") < 0.8 * loss(outcome, "ann")


def temporal_order(outcome):
    assert solved(outcome, "ann") == 0
    assert solved(outcome, "lstm, chrono") == 1


def reber(outcome):
    assert solved(outcome, "ann") == solved(outcome, "elman") == 0
    assert loss(outcome, "lstm") < 0.97 * loss(outcome, "elman") < 0.5 * loss(outcome, "ann")


CLAIMS = {
    "vanishing": vanishing,
    "constant-error": constant_error,
    "recall": recall,
    "held-gate": held_gate,
    "adding": adding,
    "copy": copy,
    "temporal-order": temporal_order,
    "reber": reber,
}


def test_an_unknown_experiment_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="name must be one of 'vanishing', 'constant"):
        lab.run("alchemy")


@pytest.mark.parametrize("settings", [{"seeds": 0}, {"jobs": 0}])
def test_impossible_options_are_refused(settings):
    with pytest.raises(ValueError, match="must be 1 or more, got 0"):
        lab.Options(**settings)
