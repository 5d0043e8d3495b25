"""A language model learns, says what it knows, and is the same saved, resumed or read stepwise."""

import copy
import json
import math
import pickle
import subprocess
import sys
from itertools import pairwise

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

import carrousel
from carrousel import LanguageModel

TEXT = "the cat sat on the mat. l'été, j'ai vu le chat.\n" * 12
SMALL = {"embedding": 8, "hidden": 12, "steps": 12, "batch": 3, "bptt": 7}


def fitted(level="char", cell="lstm", text=TEXT, **options):
    return LanguageModel(level, cell, **{**SMALL, **options}).fit(text)


def same(one, other):
    pairs = zip(one.network.state_dict().items(), other.network.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


@pytest.fixture(scope="module")
def model():
    return fitted()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_repeating_text_is_learned_by_heart(cell):
    text = "abcde " * 100
    model = LanguageModel("char", cell, hidden=24, steps=300, learning_rate=0.02).fit(text)
    assert model.loss(text) < 0.03
    assert "".join(model.generate("abcde", 60, temperature=0)) == " abcde" * 10
    ((token, chance),) = model.next("abc", k=1)
    assert token == "d"
    assert chance > 0.95


def test_a_word_model_learns_too():
    text = "un deux trois quatre\n" * 60
    model = LanguageModel("word", hidden=24, steps=200, learning_rate=0.02).fit(text)
    assert model.next("un deux", k=1)[0][0] == " trois"
    assert "".join(model.generate("un ", 3, temperature=0)) == "deux trois quatre"


@pytest.mark.parametrize("options", [{}, {"layers": 2}, {"tied": True, "layers": 2}])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_loss_in_one_pass_is_that_of_steps_with_carried_state(cell, options, monkeypatch):
    model = fitted(cell=cell, **options)
    tokens = torch.tensor([model.tokenizer.begin, *model.tokenizer.encode(TEXT[:60])])
    total, state = 0.0, None
    with torch.no_grad():
        for now, after in pairwise(tokens):
            scores, state = model.network(now.view(1, 1), state)
            total += F.cross_entropy(scores[0], after.view(1)).item()
    expected = total / (len(tokens) - 1)
    assert model.loss(TEXT[:60]) == pytest.approx(expected, rel=1e-5)
    monkeypatch.setattr("carrousel.text.language_model.READ_AT_ONCE", 7)
    assert model.loss(TEXT[:60]) == pytest.approx(expected, rel=1e-5)


def test_bits_per_character_count_the_same_for_every_tokenizer(model):
    assert model.bits_per_character("chat") == pytest.approx(model.loss("chat") / math.log(2))
    words = fitted("word")
    text = "the cat sat on the mat."
    nats = words.loss(text) * len(words.tokenizer.encode(text))
    assert words.bits_per_character(text) == pytest.approx(nats / len(text) / math.log(2))
    assert words.perplexity(text) == pytest.approx(math.exp(words.loss(text)))


def test_probabilities_of_everything_that_may_follow_are_one(model):
    following = model.next("the c", k=10_000)
    assert len(following) == len(model.tokenizer)
    assert sum(chance for _, chance in following) == pytest.approx(1)
    chances = [chance for _, chance in following]
    assert chances == sorted(chances, reverse=True)


@pytest.mark.parametrize("level", ["char", "word", "bpe"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_saved_and_loaded_it_is_the_same_bit_for_bit(tmp_path, level, cell):
    model = fitted(level, cell, tied=True, vocabulary=300 if level == "bpe" else None)
    model.save(tmp_path / "model")
    loaded = LanguageModel.load(tmp_path / "model")
    assert same(model, loaded)
    assert loaded.options == model.options
    assert loaded.report == json.loads(json.dumps(model.report))
    assert loaded.next("le ch", 5) == model.next("le ch", 5)
    assert loaded.loss(TEXT + "ñ") == model.loss(TEXT + "ñ")
    assert list(loaded.generate("le", 20, seed=3)) == list(model.generate("le", 20, seed=3))
    assert loaded.network.decoder.weight is loaded.network.embedding.weight


@pytest.mark.parametrize("level", ["char", "word", "bpe"])
def test_it_can_be_copied_and_pickled(level):
    model = fitted(level)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert copied.loss("le chat!") == model.loss("le chat!")


EVERYTHING = {"dropout": 0.2, "embedding_dropout": 0.1, "weight_drop": 0.3, "average": 0.9}


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_same_seed_learns_the_same(cell):
    one, two = (fitted(cell=cell, **EVERYTHING) for _ in range(2))
    assert same(one, two)
    assert not same(one, fitted(cell=cell, **EVERYTHING, seed=1))


def test_learning_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    fitted(**EVERYTHING)
    assert torch.equal(before, torch.get_rng_state())


KILLED = """
import sys
from carrousel import LanguageModel
from tests.text.test_language_model import EVERYTHING, SMALL, TEXT
model = LanguageModel(**SMALL, **EVERYTHING)
model.fit(TEXT, checkpoint=sys.argv[1], resume=True, progress=lambda now: print(flush=True))
"""


def test_killed_at_any_time_it_resumes_to_the_same_model(tmp_path):
    path = tmp_path / "state"
    whole = fitted(**EVERYTHING)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        for _ in range(5):
            process.stdout.readline()
        process.kill()
    assert path.exists()
    model = LanguageModel(**SMALL, **EVERYTHING).fit(TEXT, checkpoint=path, resume=True)
    assert same(whole, model)
    assert model.report == whole.report


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "state"
    LanguageModel(**SMALL).fit(TEXT, checkpoint=path)
    with pytest.raises(ValueError, match="belongs to a training on other data"):
        LanguageModel(**SMALL).fit(TEXT + "x", checkpoint=path, resume=True)


def test_the_weights_that_read_the_held_part_best_are_kept():
    model = fitted(steps=40)
    held = [score for _, score in model.report["valid_losses"]]
    assert model.report["valid_loss"] == min(held)
    assert fitted(steps=1).report["valid_losses"]
    assert LanguageModel(**SMALL).fit(TEXT, valid=0).report["valid_loss"] is None


def test_a_text_of_its_own_can_judge(tmp_path):
    path = tmp_path / "valid.txt"
    path.write_text("le chat\n" * 9, "utf-8")
    model = LanguageModel(**SMALL).fit(TEXT, valid=path)
    assert model.report["tokens"] == len(TEXT)
    assert model.report["valid_loss"] > 0


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_trace_sees_the_layers(cell):
    model = fitted(cell=cell, layers=2)
    with carrousel.trace(model.network) as trace:
        list(model.generate("the", 1))
    assert trace["layers.0"].hidden.shape == (1, 4, 1, 12)
    states = model.states([0, 1, 2, 3])
    assert states.shape == (4, 2, 12)


def test_what_the_inspecting_tools_ask_for(model):
    text = "j'ai vu ñ"
    tokens = [token for token, _ in model.pieces(text)]
    assert [end for _, end in model.pieces(text)] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9]
    assert model.text(tokens[1:]) == text
    assert model.logits(torch.tensor([tokens, tokens])).shape == (2, 11, len(model.tokenizer))
    assert not same(model, model.untrained(1))


def test_a_tiny_text_is_enough():
    for text in ("a", "ab", "\n"):
        assert LanguageModel(hidden=4, steps=2).fit(text).loss("a") > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "byte"}, "level must be one of 'char', 'word', 'bpe'"),
        ({"cell": "ann"}, "cell must be one of 'lstm', 'gru', 'rnn'"),
        ({"hidden": 0}, "hidden must be a whole number of at least 1, got 0"),
        ({"layers": 1.5}, "layers must be a whole number"),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\)"),
        ({"epochs": 0}, "epochs must be above 0"),
        ({"level": "word", "byte_fallback": False}, "byte_fallback=False is for level='char'"),
    ],
)
def test_options_that_cannot_be_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        LanguageModel(**options)


def test_unknown_options_are_named():
    with pytest.raises(TypeError, match="has no option 'hiden'; there are level, cell"):
        LanguageModel(hiden=3)


def test_errors_say_what_to_do(model, tmp_path):
    with pytest.raises(RuntimeError, match="learned nothing yet"):
        LanguageModel().next("a")
    with pytest.raises(RuntimeError, match="learned nothing yet"):
        LanguageModel().generate("a")
    with pytest.raises(ValueError, match="the text is empty"):
        LanguageModel().fit("")
    with pytest.raises(ValueError, match="text is empty: it has no perplexity"):
        model.perplexity("")
    with pytest.raises(ValueError, match=r"share in \[0, 1\), got 1"):
        LanguageModel().fit("a", valid=1)
    with pytest.raises(ValueError, match="k must be at least 1"):
        model.next("a", k=0)
    with pytest.raises(FileNotFoundError, match="there is no model in"):
        LanguageModel.load(tmp_path)


def test_another_kind_of_model_is_refused(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(ValueError, match="is no language model"):
        LanguageModel.load(tmp_path)


def test_half_a_file_is_refused(model, tmp_path):
    model.save(tmp_path)
    (weights,) = tmp_path.glob("model-*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ValueError, match="truncated or was changed"):
        LanguageModel.load(tmp_path)


def rounded_model() -> LanguageModel:
    """A model whose matrices are whole multiples of a step for each row."""
    from carrousel.storage import int8_rows

    model = LanguageModel("char", hidden=8, embedding=8, tied=True, steps=2).fit("tiny " * 60)
    with torch.no_grad():
        for parameter in model.network.parameters():
            if parameter.ndim == 2:
                parameter.copy_(torch.from_numpy(int8_rows.rounded(parameter.numpy())))
    return model


def test_a_rounded_model_is_stored_in_a_byte_a_number_and_read_back_bit_for_bit(tmp_path):
    model = rounded_model()
    model.save(tmp_path)
    stored = load_file(next(tmp_path.glob("*.safetensors")))
    assert stored["embedding.weight"].dtype == torch.int8
    assert stored["layers.0.weight_hh_l0"].dtype == torch.int8
    assert stored["layers.0.bias_hh_l0"].dtype == torch.float32
    read = LanguageModel.load(tmp_path).network.state_dict()
    for name, value in model.network.state_dict().items():
        assert torch.equal(read[name], value), name


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("embedding.weight.steps", None, "must be torch.float32, got torch.int8"),
        ("embedding.weight.steps", torch.ones(2), "are the steps of no matrix in int8"),
        ("embedding.weight", None, "are the steps of no matrix in int8"),
        ("embedding.weight.steps", "nan", "is not finite"),
        ("layers.0.bias_hh_l0.steps", torch.ones(32), "are the steps of no matrix in int8"),
    ],
    ids=["steps missing", "steps of another size", "matrix missing", "not a number", "of a row"],
)
def test_steps_that_fit_no_matrix_are_refused(tmp_path, name, value, message):
    from carrousel.storage.model_directory import LANGUAGE_MODEL, read_model, write_model
    from carrousel.text.storage import FORMAT

    rounded_model().save(tmp_path)
    files = read_model(tmp_path, LANGUAGE_MODEL, FORMAT)
    tensors = dict(files.tensors)
    if value is None:
        del tensors[name]
    else:
        tensors[name] = tensors[name] * torch.nan if isinstance(value, str) else value
    write_model(tmp_path, LANGUAGE_MODEL, FORMAT, files.description, tensors)
    with pytest.raises(ValueError, match=message):
        LanguageModel.load(tmp_path)


def test_a_model_of_the_format_without_bytes_is_read(model, tmp_path):
    from carrousel.storage.model_directory import LANGUAGE_MODEL, read_model, write_model
    from carrousel.text.storage import FORMAT

    model.save(tmp_path)
    files = read_model(tmp_path, LANGUAGE_MODEL, FORMAT)
    assert {value.dtype for value in files.tensors.values()} == {torch.float32}
    write_model(tmp_path, LANGUAGE_MODEL, 2, files.description, files.tensors)
    assert LanguageModel.load(tmp_path).loss("tiny") == model.loss("tiny")
