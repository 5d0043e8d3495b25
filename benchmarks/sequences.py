"""How good the defaults of ``carrousel.sequence`` are on sets with published figures, and how
fast they learn and answer.

    python benchmarks/sequences.py FOLDER --seeds 10
    python benchmarks/sequences.py FOLDER --only TREC --seeds 3
    python benchmarks/sequences.py --speed
    python benchmarks/sequences.py --made-up --seeds 3
    python benchmarks/sequences.py --made-up 45 --augment auto --seeds 3

FOLDER holds JapaneseVowels, ItalyPowerDemand and ArrowHead as ``NAME_TRAIN.ts`` and
``NAME_TEST.ts`` (https://www.timeseriesclassification.com), TREC.train.tsv and TREC.test.tsv,
stsa.binary.train.tsv, .dev.tsv and .test.tsv (a label, a tab, a text), and JSB_Chorales.mat
(http://www-etud.iro.umontreal.ca/~boulanni/icml2012). Everything is learned from the training part
(of SST-2 and JSB stopped by the validation part) with the defaults; the test part is looked at once
for each seed, and the mean and spread of all seeds are told. Sets that are made up have names that
say how many examples there are to learn from; beside the defaults stand the companion alone and two
simple classifiers of scikit-learn's.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from carrousel.console import console, table
from carrousel.sequence import SequenceClassifier, SequenceTagger, read_ts


def archive(folder: Path, name: str, seed: int) -> float:
    """Accuracy on a set of the UCR/UEA archive."""
    train, test = (read_ts(folder / f"{name}_{part}.ts") for part in ("TRAIN", "TEST"))
    model = SequenceClassifier(random_state=seed, layout="ntc").fit(train.X, train.y)
    return model.score(test.X, test.y)


def texts(path: Path) -> tuple[list[str], list[str]]:
    rows = [line.split("\t", 1) for line in path.read_text(encoding="utf-8").splitlines()]
    return [text for _, text in rows], [label for label, _ in rows]


def trec(folder: Path, name: str, seed: int) -> float:
    model = SequenceClassifier(random_state=seed).fit(*texts(folder / "TREC.train.tsv"))
    return model.score(*texts(folder / "TREC.test.tsv"))


def sst(folder: Path, name: str, seed: int) -> float:
    train, dev, test = (texts(folder / f"stsa.binary.{p}.tsv") for p in ("train", "dev", "test"))
    return SequenceClassifier(random_state=seed).fit(*train, validation=dev).score(*test)


def chorales(folder: Path, name: str, seed: int) -> float:
    """Nats a step of the notes that come next, all that came before being known."""
    from scipy.io import loadmat

    found = loadmat(folder / "JSB_Chorales.mat")
    parts = [
        [roll.astype(float) for roll in found[part][0]]
        for part in ("traindata", "validdata", "testdata")
    ]
    train, valid, test = (
        ([roll[:-1] for roll in part], [roll[1:].astype(int) for roll in part]) for part in parts
    )
    model = SequenceTagger(random_state=seed, bidirectional=False, layout="ntc")
    chances = model.fit(*train, validation=valid).predict_proba(test[0])
    said = np.concatenate(chances).clip(1e-7, 1 - 1e-7)
    truth = np.concatenate(test[1])
    nats = -(truth * np.log(said) + (1 - truth) * np.log1p(-said)).sum(1)
    return float(nats.mean())


SETS: dict[str, tuple[Callable[[Path, str, int], float], str]] = {
    "JapaneseVowels": (archive, "accuracy"),
    "ItalyPowerDemand": (archive, "accuracy"),
    "ArrowHead": (archive, "accuracy"),
    "TREC": (trec, "accuracy"),
    "SST-2": (sst, "accuracy"),
    "JSB Chorales": (chorales, "nats a step"),
}


Made = tuple[list[np.ndarray], np.ndarray]  # sequences and labels


def tones(noise: np.random.Generator, count: int, classes: int, lengths: tuple[int, int]) -> Made:
    """Sine waves of one frequency for each class, from anywhere on, in as much noise."""
    X, y = [], np.arange(count) % classes
    for label in y:
        t = np.arange(noise.integers(*lengths))
        wave = np.sin(t * (0.2 + 0.8 * label / classes) + noise.uniform(0, 6))
        X.append((wave + noise.normal(0, 0.7, len(t)))[:, None])
    return X, y


def bumps(noise: np.random.Generator, count: int) -> Made:
    """One of three shapes anywhere, of any width."""
    X, y = [], np.arange(count) % 3
    for label in y:
        t = np.linspace(0, 1, noise.integers(40, 80))
        at, width = noise.uniform(0.2, 0.8), noise.uniform(0.05, 0.12)
        bump = np.exp(-(((t - at) / width) ** 2))
        after = np.exp(-(((t - at - 2 * width) / width) ** 2))
        shape = (bump, np.where(t < at, 1.5 * bump, 0), bump - after)[label]
        X.append((shape + noise.normal(0, 0.25, len(t)))[:, None])
    return X, y


def channels(noise: np.random.Generator, count: int) -> Made:
    """60 channels, of which a few carry a slow wave; which ones says the class."""
    X, y = [], np.arange(count) % 4
    for label in y:
        x = noise.normal(size=(50, 60))
        wave = np.sin(np.arange(50) / (3 + label) + noise.uniform(0, 6))
        x[:, 3 * label : 3 * label + 3] += wave[:, None]
        X.append(x)
    return X, y


def events(noise: np.random.Generator, count: int, steps: int) -> Made:
    """Two channels of noise; whether a short event in the first comes before one in the second."""
    X, y = [], np.arange(count) % 2
    for label in y:
        x = noise.normal(size=(steps, 2))
        first, second = np.sort(noise.choice(steps // 20, 2, replace=False)) * 20
        for at, channel in ((first, label), (second, 1 - label)):
            x[at : at + 20, channel] += 2.5
        X.append(x)
    return X, y


AUGMENT = {"no": False, "yes": True, "auto": None}
MADE_UP: dict[str, tuple[Callable[[np.random.Generator, int], Made], int, int]] = {
    "28 series of 60 steps, 4 classes": (lambda g, n: tones(g, n, 4, (60, 61)), 28, 400),
    "45 series of 40 to 79 steps, 3 shapes": (bumps, 45, 400),
    "160 series of 50 steps, 60 channels": (channels, 160, 400),
    "300 series of 20 to 99 steps, 10 classes": (lambda g, n: tones(g, n, 10, (20, 100)), 300, 400),
    "200 series of 2,000 steps, 2 channels": (lambda g, n: events(g, n, 2000), 200, 200),
    "10,000 series of 100 steps, 2 channels": (lambda g, n: events(g, n, 100), 10_000, 1000),
}  # fmt: skip


def summaries(X: list[np.ndarray]) -> np.ndarray:
    """(n, features) of each channel and of its changes: mean, spread, ends, quantiles."""
    rows = []
    for x in X:
        parts = [x, np.diff(x, axis=0)]
        found = [np.quantile(part, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1], axis=0) for part in parts]
        found += [np.stack([part.mean(0), part.std(0)]) for part in parts]
        rows.append(np.concatenate([*found, x[:1], x[-1:]]).ravel())
    return np.array(rows)


def stretched(X: list[np.ndarray], steps: int = 100) -> np.ndarray:
    """(n, steps * channels) all as long as each other, to be compared step by step."""
    places = np.linspace(0, 1, steps)
    return np.array([
        np.ravel([np.interp(places, np.linspace(0, 1, len(x)), one) for one in x.T]) for x in X
    ])  # fmt: skip


def made_up(name: str, seed: int, augment: bool | None) -> dict[str, float]:
    """What the defaults and simpler classifiers get right of a set, and how sure they are."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier

    make, count, others = MADE_UP[name]
    noise = np.random.default_rng(seed)
    (X, y), (unseen, truth) = make(noise, count), make(noise, others)
    began = process_time()
    model = SequenceClassifier(random_state=seed, layout="ntc", augment=augment).fit(X, y)
    seconds = process_time() - began
    found = model.evaluate(unseen, truth)
    told = {"accuracy": found.accuracy, "error of probabilities": found.calibration_error}
    told |= {"error of the mean": told["error of probabilities"], "companion's share": 0.0}
    if (companion := model.companion_) is not None:
        told["companion's share"], companion.joint = companion.share, 1.0
        told["error of the mean"] = model.evaluate(unseen, truth).calibration_error
        companion.share = 1.0
        told["companion alone"] = model.evaluate(unseen, truth).accuracy
    forest = RandomForestClassifier(300, random_state=seed).fit(summaries(X), y)
    nearest = KNeighborsClassifier(1).fit(stretched(X), y)
    return told | {
        "forest of summaries": forest.score(summaries(unseen), truth),
        "nearest neighbor": nearest.score(stretched(unseen), truth), "seconds": seconds,
        "MB": getrusage(RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


class Plain(nn.Module):
    """The same network in torch alone, without convolutions."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, 64, bidirectional=True)
        self.head = nn.Linear(3 * 128, classes)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        rows, lengths = pad_packed_sequence(self.lstm(packed)[0])  # (T, B, 128)
        rows = torch.dropout(rows, 0.3, self.training)
        present = torch.arange(len(rows))[:, None] < lengths
        last = torch.cat([rows[lengths - 1, torch.arange(len(lengths)), :64], rows[0, :, 64:]], 1)
        mean = (rows * present[..., None]).sum(0) / lengths[:, None]
        highest = rows.masked_fill(~present[..., None], -torch.inf).amax(0)
        return self.head(torch.cat([last, mean, highest], 1))


def plain_fit(X: list[np.ndarray], y: np.ndarray, epochs: int, batch: int) -> float:
    """Seconds to train the network in torch alone, scaling and padding included."""
    began = perf_counter()
    rows = np.concatenate(X)
    mean, scale = rows.mean(0), rows.std(0)
    sequences = [torch.from_numpy((x - mean) / scale).float() for x in X]
    targets = torch.from_numpy(y)
    model = Plain(X[0].shape[1], len(np.unique(y)))
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(epochs):
        for which in torch.randperm(len(X)).split(batch):
            chosen = [sequences[k] for k in which.tolist()]
            x = nn.utils.rnn.pad_sequence(chosen)
            lengths = torch.tensor([len(one) for one in chosen])
            loss = nn.functional.cross_entropy(model(x, lengths), targets[which])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return perf_counter() - began


def speed() -> list[dict[str, Any]]:
    """Seconds to learn, ours and plain torch's with the same number of updates, and to answer."""
    noise = np.random.default_rng(0)
    found = []
    for label, lengths in (
        ("all of 100 steps", np.full(1024, 100)),
        ("20 to 400 steps", noise.integers(20, 400, 1024)),
    ):
        X = [noise.normal(size=(n, 8)) for n in lengths]
        y = noise.integers(0, 4, len(X))
        options = {"cell": "lstm", "hidden_size": 64, "ensemble": 1, "convolution": False}
        options |= {"epochs": 2, "batch_size": 64, "validation_fraction": 0.0}
        options |= {"num_layers": 1, "bidirectional": True, "pooling": "concat", "dropout": 0.3}
        ours, theirs = [], []
        for _ in range(3):
            began = perf_counter()
            SequenceClassifier(**options, layout="ntc").fit(X, y)
            ours.append(perf_counter() - began)
            theirs.append(plain_fit(X, y, 2, 64))
        found.append({
            "what": f"fit, {label}", "seconds": min(ours), "plain torch": min(theirs),
            "times faster": min(theirs) / min(ours),
        })  # fmt: skip
    X = noise.normal(size=(10_000, 100, 8))
    model = SequenceClassifier(layout="ntc", epochs=1).fit(X[:200], noise.integers(0, 4, 200))
    taken = []
    for _ in range(3):
        began = perf_counter()
        model.predict(X)
        taken.append(perf_counter() - began)
    what = f"predict 10,000 of 100 steps, {len(model.networks_)} networks"
    found.append({"what": what, "seconds": min(taken), "plain torch": None, "times faster": None})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--only", choices=SETS, action="append")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--augment", choices=AUGMENT, default="no", help="of sets that are made up")
    parser.add_argument("--made-up", action="append", nargs="?", const="", metavar="BEGINNING")
    given = parser.parse_args()
    screen = console()
    if given.speed:
        screen.print(table(speed(), ("what",)))
        return
    if given.made_up is not None:
        seeds = range(given.first, given.first + given.seeds)
        for name in MADE_UP:
            if name.startswith(tuple(given.made_up)):
                found = [made_up(name, seed, AUGMENT[given.augment]) for seed in seeds]
                means = {
                    key: np.mean([one[key] for one in found if key in one]) for key in found[0]
                }
                screen.print(f"{name}, {len(found)} seeds")
                screen.print(", ".join(f"{key} {value:.3f}" for key, value in means.items()))
        return
    if given.folder is None:
        parser.error("name the FOLDER of the sets, or give --speed")
    for name in given.only or SETS:
        measure, unit = SETS[name]
        began, scores = perf_counter(), []
        for seed in range(given.first, given.first + given.seeds):
            scores.append(measure(given.folder, name, seed))
            screen.print(f"  {name}, seed {seed}: {scores[-1]:.4f}")
        each = (perf_counter() - began) / len(scores)
        screen.print(
            f"{name}: {np.mean(scores):.4f} ± {np.std(scores):.4f} {unit}, worst "
            f"{(max if unit != 'accuracy' else min)(scores):.4f}, {len(scores)} seeds, "
            f"{each:.0f} s each"
        )


if __name__ == "__main__":
    main()
