"""attribute: each method against what it promises, on models whose answer is known."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel
from carrousel.explain import attribute

METHODS = ["occlusion", "gradient_x_input", "integrated_gradients", "ledger"]


class Regression(nn.Module):
    """(B, T, 3) -> (B,), read off the last hidden state."""

    def __init__(self, kind=nn.LSTM, batch_first=True, **options):
        super().__init__()
        torch.manual_seed(1)
        self.rnn = kind(3, 6, batch_first=batch_first, **options)
        self.head = nn.Linear(6 * (2 if options.get("bidirectional") else 1), 1)

    def forward(self, x):
        output, _ = self.rnn(x)
        return self.head(output[:, -1] if self.rnn.batch_first else output[-1])[:, 0]


class Classifier(nn.Module):
    """Token ids (B, T) -> logits (B, 4)."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.embedding = nn.Embedding(10, 5)
        self.rnn = nn.GRU(5, 6, batch_first=True)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, 4)

    def forward(self, ids):
        return self.head(self.drop(self.rnn(self.embedding(ids))[1][-1]))


class Sums(nn.Module):
    """A linear "recurrence" whose answer is the weighted sum of its inputs: the truth is known."""

    def __init__(self, weights):
        super().__init__()
        self.rnn = nn.RNN(1, 1, nonlinearity="relu", batch_first=True)
        self.register_buffer("weights", torch.tensor(weights))
        with torch.no_grad():
            for parameter in self.rnn.parameters():
                parameter.zero_()
            self.rnn.weight_ih_l0.fill_(1.0)

    def forward(self, x):
        return (self.rnn(x)[0][..., 0] * self.weights).sum(1)


def _options(method, tokens=False):
    if not tokens:
        return {}
    return {"occlusion": {"replacements": (0, 1)}}.get(method, {"baseline": 0})


@pytest.mark.parametrize("method", ["occlusion", "gradient_x_input", "integrated_gradients"])
def test_the_terms_of_a_sum_are_found(method):
    weights = [3.0, 0.0, -1.0, 2.0]
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0]])[..., None]
    options = {"replacements": (0.0, "zero")} if method == "occlusion" else {}
    found = attribute(Sums(weights), x, method=method, **options)
    assert torch.allclose(found.scores.float(), x[..., 0] * torch.tensor(weights), atol=1e-5)
    assert torch.allclose(found.prediction, torch.tensor([8.0, 12.0]))
    if found.delta is not None:
        assert found.delta.abs().max() < 1e-4


@pytest.mark.parametrize("method", METHODS)
def test_time_first_is_batch_first_turned(method):
    first, second = Regression(), Regression(batch_first=False)
    x = torch.randn(2, 7, 3)
    one = attribute(first, x, method=method)
    other = attribute(second, x.transpose(0, 1), method=method)
    assert one.scores.shape == other.scores.shape == (2, 7)
    assert torch.allclose(one.scores, other.scores, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_model_is_left_as_it_was(method):
    model = Classifier()
    model.head.eval()
    before = {name: p.clone() for name, p in model.state_dict().items()}
    ids = torch.randint(0, 10, (2, 6))
    once = attribute(model, ids, 2, method=method, **_options(method, tokens=True))
    again = attribute(model, ids, 2, method=method, **_options(method, tokens=True))
    assert torch.equal(once.scores, again.scores), "dropout was on"
    assert type(model.rnn) is nn.GRU
    assert (model.training, model.head.training) == (True, False)
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert not model.embedding._forward_hooks


class TestOcclusion:
    def test_a_score_is_the_difference_of_two_answers(self):
        model, x = Regression(), torch.randn(2, 5, 3)
        found = attribute(model, x)
        without = x.clone()
        without[:, 3] = 0
        with torch.no_grad():
            expected = model(x) - model(without)
        assert torch.allclose(found.parts["replaced by zero"][:, 3], expected, atol=1e-6)
        mean = (found.parts["replaced by zero"] + found.parts["replaced by mean"]) / 2
        assert torch.equal(found.scores, mean)

    def test_windows(self):
        found = attribute(Regression(), torch.randn(2, 5, 3), window=2)
        assert torch.equal(found.scores[:, 0], found.scores[:, 1])
        assert not torch.equal(found.scores[:, 1], found.scores[:, 2])

    def test_a_replacement_may_be_a_tensor(self):
        x = torch.randn(2, 5, 3)
        found = attribute(Regression(), x, replacements=("zero", torch.ones(3)))
        assert set(found.parts) == {"replaced by zero", "replaced by tensor"}

    def test_one_replacement_is_not_enough(self):
        with pytest.raises(ValueError, match="at least two"):
            attribute(Regression(), torch.randn(2, 5, 3), replacements=("zero",))

    def test_tokens_have_no_mean(self):
        with pytest.raises(ValueError, match="no meaning for token ids; give an id"):
            attribute(Classifier(), torch.randint(0, 10, (2, 6)), 2)


class TestSlopes:
    @pytest.mark.parametrize("tokens", [False, True], ids=["series", "tokens"])
    def test_integrated_gradients_are_complete(self, tokens):
        model = Classifier() if tokens else Regression(num_layers=2)
        x = torch.randint(0, 10, (2, 6)) if tokens else torch.randn(2, 6, 3)
        options = _options("integrated_gradients", tokens)
        target = 1 if tokens else None
        found = attribute(model, x, target, method="integrated_gradients", num_steps=200, **options)
        model.eval()
        with torch.no_grad():
            away = model(torch.zeros_like(x))
            difference = model(x) - away
        difference = difference[:, 1] if tokens else difference
        assert torch.allclose(found.scores.sum(1), difference, atol=2e-3)
        assert found.delta.abs().max() < 2e-3

    def test_gradient_x_input_says_what_it_misses(self):
        model, x = Regression(), torch.randn(2, 6, 3)
        found = attribute(model, x, method="gradient_x_input")
        with torch.no_grad():
            difference = model(x) - model(torch.zeros_like(x))
        assert torch.allclose(found.scores.sum(1) + found.delta, difference, atol=1e-6)

    def test_one_embedding_is_needed_for_tokens(self):
        model = Classifier()
        model.other = nn.Embedding(2, 2)
        with pytest.raises(ValueError, match=r"2 torch\.nn\.Embedding; there must be one"):
            attribute(model, torch.ones(1, 4).long(), 0, method="gradient_x_input", baseline=0)

    @pytest.mark.parametrize("method", ["gradient_x_input", "integrated_gradients"])
    def test_tokens_need_a_baseline(self, method):
        with pytest.raises(ValueError, match="token ids need baseline="):
            attribute(Classifier(), torch.ones(1, 4).long(), 0, method=method)


class TestLedger:
    @pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
    @pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"bidirectional": True}])
    def test_scores_and_parts_add_up_to_the_output(self, kind, options):
        model = Regression(kind, **options).double()
        x = torch.randn(3, 8, 3, dtype=torch.float64)
        found = attribute(model, x, method="ledger")
        total = found.scores.sum(1) + found.parts["initial"] + found.parts["remainder"]
        assert torch.allclose(total, found.prediction, atol=1e-12)
        assert found.delta.abs().max() < 1e-12
        assert torch.allclose(found.parts["remainder"], model.head.bias.detach(), atol=1e-12)

    def test_for_a_linear_readout_it_is_the_projected_ledger(self):
        model = Regression().double()
        x = torch.randn(2, 8, 3, dtype=torch.float64)
        found = attribute(model, x, method="ledger")
        with torch.no_grad(), carrousel.trace(model) as trace:
            model(x)
        books = carrousel.explain.ledger(trace["rnn"]).project(model.head.weight, model.head.bias)
        assert torch.allclose(found.scores, books.steps[..., 0].T, atol=1e-12)

    @pytest.mark.parametrize(
        "read",
        [
            lambda out: out[0].sum((1, 2)),
            lambda out: out[1][0].sum((0, 2)),
            lambda out: out[1][1].square().sum((0, 2)),
            lambda out: out[0][:, 2, 0] + out[1][1][0, :, 1],
        ],
        ids=["every step", "h_n", "c_n, squared", "some of both"],
    )
    def test_however_the_layer_is_read(self, read):
        torch.manual_seed(0)
        layer = nn.LSTM(3, 4, batch_first=True, bidirectional=True, num_layers=2).double()
        found = attribute(layer, torch.randn(2, 6, 3).double(), read, method="ledger")
        assert found.delta.abs().max() < 1e-12
        if read(layer(torch.randn(2, 6, 3).double())).shape == (2,):
            assert found.scores.abs().sum() > 0

    def test_packed_inside_the_model(self):
        model = Packed(torch.tensor([3, 6])).double()
        found = attribute(model, torch.randn(2, 6, 3).double(), method="ledger")
        assert found.delta.abs().max() < 1e-12
        assert not found.scores[0, 3:].any()
        assert found.scores[1].all()

    def test_a_layer_by_name(self):
        model = nn.ModuleDict({"a": nn.LSTM(3, 3), "b": nn.GRU(3, 4)}).double()
        model.forward = lambda x: model["b"](model["a"](x)[0])[0][-1].sum(-1)
        x = torch.randn(6, 2, 3).double()
        default = attribute(model, x, method="ledger")
        upper = attribute(model, x, method="ledger", layer="b")
        lower = attribute(model, x, method="ledger", layer="a")
        assert torch.equal(default.scores, upper.scores)
        assert not torch.allclose(upper.scores, lower.scores)

    def test_a_layer_that_is_called_twice_is_refused(self):
        layer = nn.GRU(3, 3, batch_first=True)
        model = nn.Sequential(layer)
        model.forward = lambda x: layer(layer(x)[0])[0][:, -1].sum(-1)
        with pytest.raises(ValueError, match="called once, this one was 2 times"):
            attribute(model, torch.randn(2, 5, 3), method="ledger")

    def test_the_plain_rnn_is_refused(self):
        with pytest.raises(ValueError, match="no additive memory"):
            attribute(Regression(nn.RNN), torch.randn(2, 5, 3), method="ledger")


class Packed(nn.Module):
    """(B, T, 3) -> (B,), blind to what stands behind each sequence's length."""

    def __init__(self, lengths):
        super().__init__()
        torch.manual_seed(1)
        self.lengths = lengths
        self.rnn = nn.LSTM(3, 4, batch_first=True, bidirectional=True)

    def forward(self, x):
        lengths = self.lengths.repeat(len(x) // len(self.lengths))  # captum stacks the batch
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return self.rnn(packed)[1][0].sum((0, 2))


class TestLengths:
    @pytest.mark.parametrize("method", METHODS)
    def test_a_padded_batch_is_its_sequences(self, method):
        lengths = torch.tensor([3, 6])
        x = torch.randn(2, 6, 3)
        together = attribute(Packed(lengths), x, method=method, lengths=lengths)
        for b, n in enumerate(lengths):
            alone = attribute(Packed(n[None]), x[b : b + 1, :n], method=method)
            assert torch.allclose(together.scores[b, :n], alone.scores[0], atol=1e-5)
            assert not together.scores[b, n:].any()

    def test_wrong_lengths(self):
        with pytest.raises(ValueError, match=r"2 whole numbers from 1 to 6, got \[3, 7\]"):
            attribute(Regression(), torch.randn(2, 6, 3), lengths=[3, 7])


class TestWrongArguments:
    def test_an_unknown_method(self):
        with pytest.raises(ValueError, match=r"method must be one of 'occlusion'"):
            attribute(Regression(), torch.randn(2, 5, 3), method="shap")

    def test_an_unknown_option(self):
        with pytest.raises(TypeError, match=r"no option 'widow'; there are"):
            attribute(Regression(), torch.randn(2, 5, 3), widow=3)

    def test_a_target_that_is_not_one_number_per_sequence(self):
        with pytest.raises(ValueError, match=r"one number per sequence, \(2,\), got \(2, 4\)"):
            attribute(Classifier(), torch.randint(0, 10, (2, 6)), replacements=(0, 1))

    def test_an_output_that_is_a_tuple(self):
        with pytest.raises(ValueError, match="got tuple"):
            attribute(nn.GRU(3, 4), torch.randn(5, 2, 3))

    def test_an_input_without_a_batch(self):
        with pytest.raises(ValueError, match="for one sequence add a batch axis"):
            attribute(Classifier(), torch.zeros(6, dtype=torch.long), 1)

    def test_a_model_without_a_recurrent_layer(self):
        with pytest.raises(ValueError, match="give time_dim="):
            attribute(nn.Linear(3, 1), torch.randn(2, 5, 3))
