"""fidelity: a true attribution scores well, a false one does not, by every figure."""

import pytest
import torch
from torch import nn

from carrousel.explain import Attribution, attribute, fidelity
from carrousel.explain.faithfulness import BASELINES, Removal, rank_correlation


class Sums(nn.Module):
    """The weighted sum of the steps, whichever way the weights point."""

    def __init__(self, weights):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weights))

    def forward(self, x):
        return (x[..., 0] * self.weight).sum(1)


WEIGHTS = [8.0, 0.0, 4.0, 0.0, 2.0, 0.0, 1.0, 0.0]
X = torch.ones(3, 8, 1) + torch.arange(3.0)[:, None, None]
REMOVAL = Removal(fractions=(0.25, 0.5), replacement="zero", grid_points=9)


def _attribution(scores) -> Attribution:
    return Attribution("occlusion", torch.as_tensor(scores).expand(3, 8), torch.zeros(3), None)


@pytest.fixture
def result():
    attributions = {
        "true": _attribution(WEIGHTS),
        "false": _attribution(WEIGHTS[::-1]),
        "flat": _attribution([0.0] * 8),
    }
    return fidelity(Sums(WEIGHTS), X, attributions, time_dim=1, randomize=False, removal=REMOVAL)


def test_figures_of_a_known_sum(result):
    mean = 2.0  # of x over sequences
    assert result.scores["true"].comprehensiveness == pytest.approx(mean * (12 + 15) / 2)
    assert result.scores["true"].sufficiency == pytest.approx(mean * (3 + 0) / 2)
    assert result.scores["false"].comprehensiveness == 0
    assert result.scores["false"].sufficiency == pytest.approx(mean * 15)
    curve = mean * torch.tensor([0, 8, 12, 14, 15, 15, 15, 15, 15], dtype=torch.float64)
    assert torch.allclose(result.scores["true"].most_first, curve)


def test_a_true_attribution_is_told_from_the_baselines(result):
    true = result.scores["true"]
    for name in ("random", "recency"):
        assert true.comprehensiveness > result.scores[name].comprehensiveness
        assert true.sufficiency < result.scores[name].sufficiency
    assert result.scores["leave-one-out"].comprehensiveness == true.comprehensiveness
    assert result.scores["random"].spread[0] > 0
    assert true.separation > 0 > result.scores["false"].separation


def test_recency_takes_the_latest_steps_first():
    weights = [0.0] * 7 + [1.0]
    found = fidelity(Sums(weights), X, {}, time_dim=1, removal=REMOVAL)
    assert set(found.scores) == set(BASELINES)
    assert found.scores["recency"].comprehensiveness == pytest.approx(2.0)
    assert found.scores["recency"].sufficiency == pytest.approx(0)


def test_signs_count_when_asked_to():
    weights = [-9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    removal = Removal(fractions=(0.125,), replacement="zero", signed=True)
    named = {"true": _attribution(weights)}
    found = fidelity(Sums(weights), X, named, time_dim=1, randomize=False, removal=removal)
    assert found.scores["true"].comprehensiveness == pytest.approx(2.0)
    found = fidelity(
        Sums(weights), X, named, time_dim=1, randomize=False,
        removal=Removal(fractions=(0.125,), replacement="zero"),
    )  # fmt: skip
    assert found.scores["true"].comprehensiveness == pytest.approx(18.0)


def test_a_padded_batch_is_its_sequences():
    lengths, x = (
        torch.tensor([4, 8]),
        torch.rand(2, 8, 1, generator=torch.Generator().manual_seed(0)),
    )
    x[0, 4:] = 0
    scores = torch.rand(2, 8, generator=torch.Generator().manual_seed(1))
    removal = Removal(fractions=(0.25, 0.5), seeds=())

    def result(which, steps, lengths=None):
        attribution = Attribution("occlusion", scores[which, :steps], torch.zeros(1), None)
        return fidelity(
            Sums(WEIGHTS[:steps]), x[which, :steps], attribution, time_dim=1, lengths=lengths,
            randomize=False, removal=removal,
        ).scores  # fmt: skip

    both, alone = result([0, 1], 8, lengths), [result([0], 4), result([1], 8)]
    for name in ("occlusion", "recency", "leave-one-out"):
        for figure in ("comprehensiveness", "sufficiency"):
            mean = sum(getattr(each[name], figure) for each in alone) / 2
            assert getattr(both[name], figure) == pytest.approx(mean, abs=1e-6)


class TestRandomization:
    def _result(self, method):
        torch.manual_seed(0)
        model = nn.Sequential(nn.LSTM(2, 8, batch_first=True))

        def target(output):
            return output[0][:, -1].sum(1)

        x = torch.randn(4, 12, 2)
        attribution = attribute(model, x, target, method=method)
        removal = Removal(seeds=(0, 1, 2))
        return fidelity(model, x, attribution, target, removal=removal), model

    @pytest.mark.parametrize("method", ["occlusion", "gradient_x_input", "ledger"])
    def test_one_correlation_per_seed(self, method):
        found, _ = self._result(method)
        values = found.randomization[method]
        assert len(values) == 3
        assert all(-1 <= v < 0.99 for v in values)

    def test_the_model_itself_stays(self):
        _, model = self._result("occlusion")
        torch.manual_seed(0)
        again = nn.Sequential(nn.LSTM(2, 8, batch_first=True))
        pairs = zip(model.parameters(), again.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)

    def test_the_same_again(self):
        first, second = self._result("ledger")[0], self._result("ledger")[0]
        assert first.randomization == second.randomization
        assert torch.equal(first.scores["random"].most_first, second.scores["random"].most_first)


def test_rank_correlation():
    values = torch.tensor([[3.0, 1.0, 2.0, -4.0]])
    assert rank_correlation(values, 2 * values) == pytest.approx(1)
    assert rank_correlation(values, 1 / values) == pytest.approx(-1)
    assert rank_correlation(values, torch.zeros(1, 4)) == 0
    ties = torch.tensor([[1.0, 1.0, 2.0, 3.0]])
    assert rank_correlation(ties, torch.tensor([[1.0, 2.0, 3.0, 4.0]])) == pytest.approx(0.9486833)


def test_a_table_and_a_printed_one(result):
    frame = result.to_dataframe()
    assert frame["ranking"].to_list() == ["true", "false", "flat", *BASELINES]
    lines = str(result).splitlines()
    assert len(lines) == 7
    assert lines[1].split()[:2] == ["true", "27.0000"]


class TestWrongArguments:
    def test_scores_of_another_input(self):
        wrong = Attribution("occlusion", torch.zeros(3, 7), torch.zeros(3), None)
        with pytest.raises(ValueError, match=r"scores \(3, 7\), x needs \(3, 8\)"):
            fidelity(Sums(WEIGHTS), X, wrong, time_dim=1)

    def test_a_baselines_name(self):
        with pytest.raises(ValueError, match="'random' is a baseline's"):
            fidelity(Sums(WEIGHTS), X, {"random": _attribution(WEIGHTS)}, time_dim=1)

    def test_fractions_beyond_one(self):
        with pytest.raises(ValueError, match=r"must lie in \(0, 1\]"):
            fidelity(Sums(WEIGHTS), X, {}, time_dim=1, removal=Removal(fractions=(10,)))
