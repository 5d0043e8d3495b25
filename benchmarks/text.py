"""Language models of characters: loss against time beside a transformer, speed beside torch's LSTM.

    python -m benchmarks.text duel --data tinyshakespeare.txt       # 1.88, beside nanoGPT's recipe
    python -m benchmarks.text reach 1.60 --data tinyshakespeare.txt
    python -m benchmarks.text reach 1.50 --data tinyshakespeare.txt --state run.safetensors
    python -m benchmarks.text training --data tinyshakespeare.txt   # seconds a token, both layers
    python -m benchmarks.text generation

The first 90 % of the text are learned, the loss is of the last 10 %, in nats per character. The
seconds are of the training alone, without validation. What a run learns does not depend on how fast
it runs: where a machine is shared, multiply the updates by the time of one on a quiet machine,
which ``reach`` measures first.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from benchmarks._measure import alternating, machine

import carrousel
from benchmarks import _nanogpt
from carrousel.text import LanguageModel, generation, network, training
from carrousel.text.corpus import Corpus
from carrousel.tokenizers.characters import CharacterTokenizer

# What reaches each loss. The numbers in it were found on the validation part itself, as are those
# of every published result on this text: it has no third part.
RECIPES: dict[str, dict[str, Any]] = {
    "1.88": {"hidden": 256, "steps": 200, "learning_rate": 0.02},
    "1.60": {"hidden": 256, "epochs": 3, "learning_rate": 0.01},
    "1.50": {"hidden": 512, "epochs": 5, "learning_rate": 0.006, "dropout": 0.1},
}
SIZES = ((128, 32, 64), (256, 32, 64), (512, 32, 64))  # hidden, batch, steps of a chunk


def split(path: Path) -> tuple[str, str]:
    text = path.read_text(encoding="utf-8")
    cut = round(0.9 * len(text))
    return text[:cut], text[cut:]


def new_model(**options: Any) -> LanguageModel:
    return LanguageModel("char", byte_fallback=False, **options)


def duel(data: Path) -> dict[str, Any]:
    """Ours to 1.88, then the transformer's 2,000 iterations and when it came to 1.88."""
    text, held = split(data)
    began = time.perf_counter()
    model = new_model(**RECIPES["1.88"]).fit(text, valid=0)
    seconds = time.perf_counter() - began
    loss = model.loss(held)
    print(f"ours: {loss:.4f} after {seconds:.1f} s ({RECIPES['1.88']})", flush=True)
    log = transformer(model, text, held)
    reached = next((row["seconds"] for row in log if row["loss"] <= 1.88), None)
    return {"ours": {"seconds": seconds, "loss": loss}, "peer": log, "peer_reached": reached}


def transformer(model: LanguageModel, text: str, held: str) -> list[dict[str, float]]:
    """Its loss on the whole of the held part, every 250 iterations."""
    train, valid = (torch.from_numpy(model.tokenizer.encode(part)) for part in (text, held))
    log: list[dict[str, float]] = []

    def watch(iteration: int, seconds: float, peer: _nanogpt.Transformer) -> None:
        loss = _nanogpt.mean_loss(peer, valid)
        log.append({"iteration": iteration, "seconds": seconds, "loss": loss})
        print(f"transformer: {loss:.4f} after {seconds:.1f} s, {iteration} iterations", flush=True)

    _nanogpt.train(train, len(model.tokenizer), watch, 250)
    return log


def reach(goal: str, data: Path, state: Path | None) -> dict[str, Any]:
    """Train to a loss; with ``state``, go on from where an earlier run was stopped."""
    text, held = split(data)
    options = RECIPES[goal]
    step, steps = seconds_a_step(text, options)
    print(f"{options}: {steps} updates of {step * 1e3:.1f} ms: {step * steps:.0f} s", flush=True)
    began, shown = time.perf_counter(), [0.0]

    def progress(now: Any) -> None:
        seconds = time.perf_counter() - began
        if seconds > shown[0] + 30:
            shown[0] = seconds
            print(f"{now.step} of {now.steps}, {seconds:.0f} s: {now.loss:.4f}", flush=True)

    model = new_model(**options)
    model.fit(text, valid=0, progress=progress, checkpoint=state, resume=True)
    seconds = time.perf_counter() - began
    loss = model.loss(held)
    print(f"{loss:.4f} (goal {goal}); {seconds:.0f} s now, {step * steps:.0f} s on a quiet machine")
    return {
        "goal": float(goal), "loss": loss, "options": options, "updates": steps,
        "seconds": seconds, "seconds_a_step": step, "quiet_seconds": step * steps,
    }  # fmt: skip


def seconds_a_step(text: str, options: dict[str, Any]) -> tuple[float, int]:
    """Median seconds of an update, and how many the recipe makes."""
    step, plan = updates(text[:100_000], carrousel.LSTM, **options), new_model(**options).options
    reader = training.Reader(Corpus.of(text, characters(text)).tokens, plan.batch, plan.bptt)
    return alternating({"ours": step})["ours"], training.plan_of(plan, reader).steps


def characters(text: str) -> CharacterTokenizer:
    return CharacterTokenizer("".join(set(text)), byte_fallback=False)


def updates(text: str, layer: type, **options: Any) -> Callable[[], None]:
    """One update of a model after the other, its layers of the given class."""
    o = new_model(**options).options
    tokenizer = characters(text)
    reader = training.Reader(Corpus.of(text, tokenizer).tokens, o.batch, o.bptt)
    model = training.Learner(with_layers(layer, len(tokenizer), options), reader.streams)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    generator, count = torch.Generator().manual_seed(0), [0]

    def update() -> None:
        batch = training.draw(reader, model.network.shape, o, count[0], generator)
        count[0] += 1
        optimizer.zero_grad()
        model.loss(batch).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return update


def with_layers(layer: type, tokens: int, options: dict[str, Any]) -> network.Network:
    """The same weights, the layers of another class."""
    model = training.new_network(training.shape_of(new_model(**options).options, tokens), 0)
    for k, ours in enumerate(model.layers):
        other = layer(ours.input_size, ours.hidden_size)
        other.load_state_dict(ours.state_dict())
        model.layers[k] = other
    return model


def training_times(data: Path) -> list[dict[str, Any]]:
    text, rows = split(data)[0][:400_000], []
    for hidden, batch, bptt in SIZES:
        options = {"hidden": hidden, "batch": batch, "bptt": bptt}
        layers = {"carrousel": carrousel.LSTM, "torch": torch.nn.LSTM}
        times = alternating({name: updates(text, c, **options) for name, c in layers.items()})
        rows.append(compared(times, 1e9 / (batch * bptt), "ns a token", options))
    return rows


def generation_times(length: int = 500) -> list[dict[str, Any]]:
    """Ours as ``LanguageModel.generate`` runs it; torch's layer in the same loop, T = 1."""
    tokenizer, rows = (
        characters("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,;:!?'-&$3"),
        [],
    )
    for hidden, layers in ((128, 1), (256, 1), (512, 1), (512, 2)):
        options = {"hidden": hidden, "layers": layers}
        ours, torchs = (
            with_layers(c, len(tokenizer), options).eval() for c in (carrousel.LSTM, torch.nn.LSTM)
        )
        times = alternating(
            {
                "carrousel": lambda m=ours: write(m, tokenizer, length, generation.Stepper),
                "torch": lambda m=torchs: write(m, tokenizer, length, Plain),
            }
        )
        rows.append(compared(times, 1e6 / length, "µs a character", options))
    return rows


class Plain:
    """One step of a network as everyone writes it."""

    def __init__(self, network: network.Network, state: Any) -> None:
        self.network, self.state = network, state

    def __call__(self, token: int) -> Any:
        scores, self.state = self.network(torch.tensor([[token]]), self.state)
        return scores[0, 0].numpy()


def write(model: network.Network, tokenizer: CharacterTokenizer, length: int, step: Any) -> None:
    sampler = generation.Sampler(seed=0)
    scores, state, _ = generation.read_prefix(model, tokenizer, "a")
    with torch.inference_mode():
        step = step(model, state)
        for _ in range(length):
            scores = step(sampler(scores))


def compared(times: dict[str, float], scale: float, unit: str, options: dict) -> dict[str, Any]:
    ratio = times["torch"] / times["carrousel"]
    shown = ", ".join(f"{name} {seconds * scale:.1f}" for name, seconds in times.items())
    print(f"{options}: {shown} {unit}; ratio {ratio:.2f}", flush=True)
    return {"options": options, "seconds": times, "ratio": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("duel", "reach", "training", "generation"))
    parser.add_argument("goal", nargs="?", choices=tuple(RECIPES), default="1.60")
    parser.add_argument("--data", type=Path, help="Tiny Shakespeare")
    parser.add_argument("--state", type=Path, help="where reach keeps its training; it resumes")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.what != "generation" and args.data is None:
        parser.error(f"{args.what} needs --data")
    result: Any = {
        "duel": lambda: duel(args.data),
        "reach": lambda: reach(args.goal, args.data, args.state),
        "training": lambda: training_times(args.data),
        "generation": generation_times,
    }[args.what]()
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    if args.json:
        args.json.write_text(json.dumps({"machine": machine(), args.what: result}, indent=1))


if __name__ == "__main__":
    main()
