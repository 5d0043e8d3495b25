"""A torch model trained ten steps and its carrousel twin have the same ten losses."""

import pytest
import torch
from tests.nn.twins import every_cell, noise, states, twins
from torch import Tensor, nn

import carrousel


def ten_losses(layer: nn.RNNBase, optimizer: type[torch.optim.Optimizer]) -> list[float]:
    """Fit a running mean with a fixed readout."""
    readout = noise(layer.hidden_size, 1, seed=3, dtype=torch.float64)
    x = noise(20, 16, layer.input_size, dtype=torch.float64)
    target = x.cumsum(0).mean(-1, keepdim=True) / 4
    steps = optimizer(layer.parameters(), lr=0.01)
    losses = []
    for _ in range(10):
        loss = (layer(x)[0] @ readout - target).square().mean()
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.item())
    return losses


@every_cell
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_ten_losses_equal_torchs(cell: str, optimizer: type[torch.optim.Optimizer]) -> None:
    """float64: Adam divides tiny gradients by themselves, which blows float32 rounding up."""
    theirs, ours = (ten_losses(t, optimizer) for t in twins(cell, 3, 12, 2, dtype=torch.float64))
    assert theirs[-1] < theirs[0]
    assert ours == pytest.approx(theirs, rel=1e-9)


class Tagger(nn.Module):
    """A whole model: embedding, two bidirectional layers, linear readout."""

    def __init__(self, home: object) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 6)
        self.layer = home.LSTM(6, 10, 2, bidirectional=True, batch_first=True)  # type: ignore[attr-defined]
        self.linear = nn.Linear(20, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.linear(self.layer(self.embed(tokens))[0])


def test_ten_losses_of_a_float32_model_equal_torchs() -> None:
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(11, (8, 15), generator=generator)
    labels = tokens.roll(1, 1) % 3
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        theirs, ours = Tagger(nn), Tagger(carrousel)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    curves = []
    for model in (theirs, ours):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
        curve = []
        for _ in range(10):
            loss = nn.functional.cross_entropy(model(tokens).transpose(1, 2), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            curve.append(loss.item())
        curves.append(curve)
    assert curves[0][-1] < curves[0][0]
    assert curves[1] == pytest.approx(curves[0], rel=1e-4)


@every_cell
def test_state_carried_over_chunks_equals_one_long_run(cell: str) -> None:
    _, ours = twins(cell, 3, 12, 2, dtype=torch.float64)
    x, state = noise(24, 4, 3, dtype=torch.float64), states(ours, 4)
    whole, _ = ours(x, state)
    pieces = []
    for chunk in x.split((1, 7, 16)):
        output, state = ours(chunk, state)
        pieces.append(output)
    torch.testing.assert_close(torch.cat(pieces), whole)
