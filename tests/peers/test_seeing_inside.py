"""trace and adopting on models that other libraries build and train (the "peers" extra)."""

import logging

import numpy as np
import pytest

import carrousel

pytestmark = pytest.mark.filterwarnings("ignore")
TRAINER = {
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "enable_checkpointing": False,
    "logger": False,
}


@pytest.fixture(autouse=True)
def silence():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_neuralforecast(name):
    models = pytest.importorskip("neuralforecast.models")
    core = pytest.importorskip("neuralforecast")
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "unique_id": np.repeat(["a", "b"], 60),
            "ds": np.tile(pandas.date_range("2020", periods=60, freq="D"), 2),
            "y": np.random.default_rng(0).normal(size=120),
        }
    )
    with carrousel.adopting() as made:
        model = getattr(models, name)(
            h=5, input_size=20, max_steps=3, encoder_hidden_size=8, **TRAINER
        )
        forecaster = core.NeuralForecast([model], freq="D")
    assert len(made) == 1
    with carrousel.trace(forecaster.models[0]) as trace:
        forecaster.fit(frame)
    record = trace["hist_encoder"]
    assert len(trace) >= 3
    assert record.kind == name.lower()
    assert trace[0].grad_hidden.abs().sum() > 0
    assert trace[0].hidden.shape[1:] == (20, *record.hidden.shape[2:])

    ours = forecaster.predict()[name]
    carrousel.release(forecaster.models[0])
    theirs = forecaster.predict()[name]
    assert np.allclose(ours, theirs, atol=1e-5)
    with carrousel.trace(forecaster.models[0]) as trace:
        assert np.allclose(forecaster.predict()[name], theirs, atol=1e-5)
    assert carrousel.explain.ledger(trace[-1]).error < 1e-6


@pytest.mark.parametrize("name", ["LSTM", "RNN"])
def test_darts(name):
    darts = pytest.importorskip("darts")
    models = pytest.importorskip("darts.models")
    series = darts.TimeSeries.from_values(np.sin(np.arange(60) / 5).astype(np.float32))
    with carrousel.adopting() as made:
        model = models.RNNModel(
            12, model=name, hidden_dim=8, training_length=20, n_epochs=1,
            pl_trainer_kwargs=TRAINER,
        )  # fmt: skip
        model.fit(series)
    assert len(made) == 1
    ours = model.predict(4).values()
    carrousel.release(model.model)
    theirs = model.predict(4).values()
    assert np.allclose(ours, theirs, atol=1e-5)
    with carrousel.trace(model.model) as trace:
        assert np.allclose(model.predict(4).values(), theirs, atol=1e-5)
    assert [record.hidden.shape[1] for record in trace.calls("rnn")] == [12, 1, 1, 1]
    states = [record.initial_hidden for record in trace][1:]
    before = [record.hidden[:, -1] for record in trace][:-1]
    assert all((a == b).all() for a, b in zip(states, before, strict=True))
