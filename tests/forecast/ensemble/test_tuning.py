"""The network that ships learns on from the panel, before it stands beside what was trained."""

import json

import numpy as np
import pytest
import torch
from tests.forecast.conftest import make_panel, make_table, seasonal_series

from carrousel import Forecaster
from carrousel.forecast.ensemble import tuning
from carrousel.forecast.ensemble.companion import Companion, mixed
from carrousel.forecast.ensemble.training import Members
from carrousel.forecast.network.distribution import SIDE
from carrousel.forecast.options import Options
from carrousel.forecast.plan import FEW, TUNED, choose
from carrousel.forecast.pretrained.storage import shipped
from carrousel.forecast.pretrained.zero_shot import ZeroShot

H = 6
SHORT = {"max_steps": 20, "ensemble": 1, "hidden_size": 8, "nonnegative": False}


def hours(n, seed):
    """Days whose second half is now and then twice as high, three days in a row."""
    rng = np.random.default_rng(seed)
    high = np.repeat(rng.random(n // 72 + 1) < 0.4, 72)[:n] & (np.arange(n) % 24 >= 12)
    return seasonal_series(n, 24, seed=seed) * (1 + high)


SERIES = [hours(1200, s) for s in range(4)]
PANEL = make_panel(SERIES)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    heard = []
    fitted = Forecaster(H, pretrained_share=0.4, **SHORT).fit(
        PANEL, checkpoint=folder, progress=lambda name, done: heard.append((name, done.step))
    )
    return fitted, folder, heard


@pytest.fixture(scope="module")
def alone():
    return Forecaster(H, pretrained_share=0.0, **SHORT).fit(PANEL)


def planned(panel=PANEL, **options):
    return choose(panel, Options(h=H, **options)).tuned


def test_it_learns_on_from_enough_hours_alone():
    assert planned() == planned(pretrained_share=0.3) == TUNED["default"]
    assert planned(effort="best") == TUNED["best"]
    assert planned(max_steps=7) == 7
    few = make_panel([SERIES[0][: FEW - 1 - 3 * 1200], *SERIES[1:]])
    months = make_panel([seasonal_series(600, 12, seed=s) for s in range(10)], "1mo")
    assert few.known == FEW - 1
    for other in (few, months):
        assert planned(other) == 0
    assert planned(effort="fast") == planned(pretrained_share=0) == 0


def test_the_decoder_alone_has_changed_and_what_ships_is_as_it_was(learned):
    fitted, _, heard = learned
    before = {name: value.clone() for name, value in shipped("fours").state_dict().items()}
    assert fitted._companion.updates == 20
    assert ("the pretrained network", 20) in heard
    assert any("40% of forecasts" in n and "learned on" in n for n in fitted.notes_)
    after = fitted._companion.zero_shot.network.state_dict()
    changed = {name.split(".")[0] for name in after if not before[name].equal(after[name])}
    assert changed == set(tuning.DECODER)
    assert all(parameter.requires_grad for parameter in shipped("fours").parameters())
    assert all(value.equal(value.half().float()) for value in after.values())


def members(panel=PANEL, **options):
    plan = choose(panel, Options(h=H, **SHORT | options))
    return Members.of(panel, plan, None, False, None)


def test_the_questions_are_those_of_a_forecast():
    found = members()
    companion = Companion(ZeroShot((24, 168)), 0.4, H)
    validation, network = found.lessons.validation, companion.zero_shot.network
    asked = tuning._held_out(companion, validation)
    quantiles = network.decode(asked.memory, asked.question)
    window, far, before = companion.shown(validation.history[:, 0], validation.offset)
    ahead = torch.arange(1, H + 1).expand(len(window), 1, -1)
    seasons = torch.tensor([[24, 168]]).expand(len(window), 2)
    answer = network.following(window, seasons, ahead, before)
    torch.testing.assert_close(quantiles, answer.quantiles)
    y = (validation.target[:, 0] + validation.offset)[:, None]
    base = answer.question.origin + answer.past.base[..., None] + far[..., None]
    truth = asked.truth * asked.question.unit + base
    torch.testing.assert_close(truth.double(), y.double(), rtol=1e-5, atol=1e-4)


def test_origins_are_ends_of_patches_and_what_followed_them_is_the_truth():
    y = np.arange(3000.0)
    found = members(make_panel([y, y]))
    companion = Companion(ZeroShot((24, 168)), 0.4, H)
    sampler = found.lessons.sampler(hidden=found.plan.holdout)
    asked = tuning._lessons(companion, sampler, tuning.tuning(8, 0))
    assert len(asked.truth) == 8 * tuning.PAIRS
    # On a line, what follows is as many units away as it is steps ahead.
    ahead = asked.truth * asked.question.unit
    torch.testing.assert_close(ahead, ahead.round().clamp(1, H), rtol=0, atol=1e-3)


def test_windows_that_are_not_ordinary_teach_nothing():
    known = [
        np.where(np.arange(1500) % 3, np.nan, y[:1500]) for y in map(hours, [1500] * 9, range(9))
    ]
    found = members(make_panel(known))
    companion = Companion(ZeroShot((24, 168)), 0.4, H)
    sampler = found.lessons.sampler(hidden=found.plan.holdout)
    assert tuning._lessons(companion, sampler, tuning.tuning(8, 0)) is None
    same = tuning.tuned(companion, sampler, found.lessons.validation, tuning.tuning(8, 0))
    assert same is companion


def test_where_it_gains_nothing_it_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(tuning, "LEARNING_RATE", 3.0)
    fitted = Forecaster(H, pretrained_share=0.4, **SHORT).fit(PANEL)
    assert fitted._companion.updates == 0
    assert fitted._companion.zero_shot.network is shipped("fours")
    assert not any("learned on" in note for note in fitted.notes_)


def test_it_forecasts_what_is_held_out_better(learned):
    fitted, _, _ = learned
    found = members()
    companion = Companion(ZeroShot((24, 168)), 0.4, H)
    held = tuning._held_out(companion, found.lessons.validation)
    ours = tuning._loss(fitted._companion.zero_shot.network, held)
    assert ours < tuning._loss(shipped("fours"), held)


def test_what_is_handed_out_is_the_mixture_also_from_disk_and_as_rows_come(
    learned, alone, tmp_path
):
    both = learned[0]
    both.save(tmp_path)
    again, trained = Forecaster.load(tmp_path), alone
    assert again.predict().equals(both.predict())
    assert again.identity == both.identity

    def expected(rows):
        shape = both.networks_[0].shape
        seen = make_panel([y[-shape.history :] for y in rows])
        ours = both._companion.zero_shot.window_quantiles(seen, [0], H)[0]
        parts = (torch.from_numpy(q) for q in (trained.predict_quantiles(), ours))
        return mixed(*parts, 0.4).numpy()

    np.testing.assert_allclose(both.predict_quantiles(), expected(SERIES), rtol=1e-4)
    assert np.abs(again.predict_quantiles() - alone.predict_quantiles()).max() > 0.1
    longer = [np.append(y, y[-168:-144]) for y in SERIES]
    table = make_table(longer).group_by("unique_id", maintain_order=True).tail(24)
    trained = Forecaster.load(_saved(alone, tmp_path / "alone")).update(table)
    again.update(table)
    np.testing.assert_allclose(again.predict_quantiles(), expected(longer), rtol=1e-3)


def _saved(fitted, folder):
    fitted.save(folder)
    return folder


def test_a_training_that_was_stopped_goes_on(learned):
    fitted, folder, _ = learned
    assert (folder / "tuned.safetensors").exists()
    again = Forecaster(H, pretrained_share=0.4, **SHORT).fit(PANEL, checkpoint=folder, resume=True)
    assert again.predict().equals(fitted.predict())
    assert again.identity == fitted.identity


def test_ctrl_c_keeps_what_was_learned_so_far(learned):
    def stop(name, done):
        if name == "the pretrained network":
            raise KeyboardInterrupt

    fitted = Forecaster(H, pretrained_share=0.4, **SHORT).fit(PANEL, progress=stop)
    assert fitted.pretrained_share_ == 0.4
    assert np.isfinite(fitted.predict_quantiles()).all()


def test_an_explanation_adds_up(learned):
    both = learned[0]
    found = both.explain(unique_id="s1", step=2)
    assert found.forecast == pytest.approx(both.predict_quantiles()[1, 1, SIDE])
    total = found.mean + found.steps["copied"].sum() + found.correction + found.error
    assert total + found.pretrained == pytest.approx(found.forecast)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("shape"), "updates and a shape"),
        (lambda c: c.update(updates=0), "updates and a shape"),
        (lambda c: c["shape"].update(patch=3, read=1023), "patch must be 1 or 4|embed.weight"),
        (lambda c: c["shape"].update(hidden=10**9), "learned on"),
    ],
)
def test_a_model_whose_description_does_not_fit_is_refused(learned, tmp_path, change, message):
    from carrousel.storage import model_directory

    learned[0].save(tmp_path)
    content = json.loads((tmp_path / "model.json").read_text("utf-8"))
    change(content["companion"])
    content["digest"] = model_directory._digest({k: v for k, v in content.items() if k != "digest"})
    (tmp_path / "model.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(ValueError, match=message):
        Forecaster.load(tmp_path)
