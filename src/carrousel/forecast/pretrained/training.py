"""Training on series that are made up as it goes.

    python -m carrousel.forecast.pretrained.training FOLDER

Two networks of one form are trained, one that reads single observations and one that reads four
at a time (for seasons of 24 and more). Nothing real is learned from. A run that is stopped goes on
where it was (``--resume``), bit for bit.
"""

import argparse
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ... import nn as layers
from ...training import Progress, TrainOptions, fit
from ..network.distribution import QUANTILES, SIDE
from ..synthetic.augmentations import holed
from ..synthetic.draw import Draw
from ..synthetic.mixture import FAMILIES, made_up
from .network import LONG, Network, Shape

LARGEST = 30.0  # errors beyond this many units teach nothing more
MEDIAN = 0.5  # weight of the median's absolute error beside the mean over all quantiles
FARTHER = 0.25  # errors count less by this power of the steps ahead: they are larger by nature
AHEAD = 12  # steps ahead that are asked from each origin
PARTS = 4  # of a pool, one of which is drawn anew at a time
REFRESH = 48  # updates between two such draws
# Families and how often each is drawn, for series without and with a day of observations.
SHORT_MIXTURE = (
    *["exponential smoothing"] * 3, *["autoregression"] * 2, *["random walk"] * 2,
    *["counts"] * 2, *["trend, season, event"] * 2, "Ornstein-Uhlenbeck", "Gaussian process",
)  # fmt: skip
LONG_MIXTURE = tuple(FAMILIES)
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bucket:
    """Windows of one length."""

    steps: int  # of history
    horizon: int
    windows: int  # in a batch
    origins: int  # in a window
    weight: float  # how often
    pool: int  # series that are kept to draw from


SINGLE = (
    Bucket(48, 24, 2048, 6, 0.32, 262_144),
    Bucket(128, 48, 1024, 10, 0.35, 131_072),
    Bucket(320, 120, 768, 12, 0.23, 65_536),
    Bucket(800, 240, 640, 12, 0.10, 32_768),
)
FOURS = (Bucket(256, 96, 1024, 10, 0.35, 65_536), Bucket(960, 336, 1024, 14, 0.65, 32_768))


@dataclass(frozen=True)
class Study:
    """One of the two networks and what it is taught."""

    shape: Shape
    buckets: tuple[Bucket, ...]
    families: tuple[str, ...]
    seasons: dict[str, int]  # limits of the first season


STUDIES = {
    "single": Study(Shape(1, 192), SINGLE, SHORT_MIXTURE, {"most": LONG - 1}),
    "fours": Study(Shape(4, 1024), FOURS, LONG_MIXTURE, {"least": LONG}),
}


class Pool:
    """Series of one bucket, replaced part by part; what it holds follows from the turn alone."""

    def __init__(self, bucket: Bucket, study: Study, seed: int, device: str) -> None:
        self.bucket, self.study, self.seed, self.device = bucket, study, seed, device
        self.parts: dict[int, tuple[Tensor, Tensor]] = {}

    def at(self, turn: int) -> tuple[Tensor, Tensor]:
        """(N, T + horizon) values and (N, 2) seasons after ``turn`` parts were replaced."""
        wanted = range(turn, turn + PARTS)
        parts = {k: self.parts.get(k) or self._draw(k) for k in wanted}
        self.parts = parts
        values, seasons = zip(*parts.values(), strict=True)
        return torch.cat(values), torch.cat(seasons)

    def _draw(self, number: int) -> tuple[Tensor, Tensor]:
        b, families = self.bucket, self.study.families
        seed = (self.seed * 1_000_003 + b.steps) * 1_000_003 + number
        generator = torch.Generator(self.device).manual_seed(seed % 2**31)
        count = max(b.pool // PARTS // len(families), 1) * len(families)
        y, seasons = made_up(count, b.steps + b.horizon, generator, families, **self.study.seasons)
        return y, torch.stack([seasons.first, seasons.second], 1)


@dataclass(frozen=True)
class Batch:
    """Windows of one bucket."""

    shown: Tensor  # (B, T) values, NaN where there is a hole
    seasons: Tensor  # (B, 2)
    origin: Tensor  # (B, O)
    ahead: Tensor  # (B, O, J) steps ahead
    target: Tensor  # (B, O, J)


class Batches:
    """``carrousel.training.fit``'s source of batches: all that is random follows from its generator
    and the number of the update."""

    def __init__(self, study: Study, seed: int, device: str) -> None:
        self.pools = [Pool(b, study, seed, device) for b in study.buckets]
        self.often = torch.tensor([b.weight for b in study.buckets])
        self.patch, self.read, self.device = study.shape.patch, study.shape.read, device
        self.turns = [-1] * len(self.pools)
        self.held: list[Any] = [None] * len(self.pools)

    def __call__(self, step: int, generator: torch.Generator) -> Batch:
        which = int(torch.multinomial(self.often, 1, generator=generator))
        seed = int(torch.randint(2**31, (1,), generator=generator))
        turn = (step // REFRESH + len(self.pools) - 1 - which) // len(self.pools)
        if turn != self.turns[which]:
            self.turns[which], self.held[which] = turn, self.pools[which].at(turn)
        draw = Draw(torch.Generator(self.device).manual_seed(seed))
        y, seasons = self.held[which]
        return self._batch(y, seasons, self.pools[which].bucket, draw)

    def _batch(self, y: Tensor, seasons: Tensor, b: Bucket, draw: Draw) -> Batch:
        pick = draw.integers(0, len(y), b.windows)
        y, true = y[pick], seasons[pick]
        told = true.clone()
        y = torch.where(draw.share(0.15, len(y), 1), y.flip(1), y)
        if self.patch == 1:  # sometimes no season is told
            told[draw.share(0.04, len(y))] = 1
        told[:, 1] = torch.where(draw.share(0.1, len(y)), 1, told[:, 1])
        shown = holed(y[:, : b.steps], draw)
        # Where a series begins: anywhere, as often near the end as far from it.
        known = draw.log_uniform(len(y), 1, low=4, high=b.steps).long()
        start = (b.steps - known) * draw.share(0.5, len(y), 1)
        shown = torch.where(torch.arange(b.steps, device=y.device) < start, torch.nan, shown)
        low = (start + 2).clamp_min(b.steps - self.read).float()
        origin = low + (b.steps - 1 - low).clamp_min(0) * draw.uniform(len(y), b.origins).sqrt()
        origin = (origin.long() // self.patch + 1) * self.patch - 1
        origin = origin.clamp(max=b.steps - 1)
        origin[:, 0] = b.steps - 1
        ahead = _ahead(true[:, :1, None], b, draw)
        target = y.gather(1, (origin[..., None] + ahead).flatten(1)).view(ahead.shape)
        return Batch(shown, told, origin, ahead, target)


def _ahead(season: Tensor, b: Bucket, draw: Draw) -> Tensor:
    """(B, O, AHEAD) steps ahead: anywhere, mostly near, or within two seasons."""
    reach = draw.uniform(len(season), b.origins, AHEAD)
    kind = draw.uniform(len(season), b.origins, 1)
    near = (reach * math.log(b.horizon)).exp()
    seasons = 1 + reach * (2 * season).clamp(6, b.horizon)
    ahead = torch.where(kind < 0.3, 1 + reach * b.horizon, torch.where(kind < 0.5, near, seasons))
    return ahead.long().clamp(1, b.horizon)


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Mean pinball loss of all quantiles, and more of the median, in units of how much a window
    moves, so that no window weighs more than another."""
    answer = network(batch.shown, batch.seasons, batch.origin, batch.ahead)
    past, question = answer.past, answer.question
    truth = batch.target - past.base[..., None] - question.origin
    error = (truth / question.unit)[..., None] - answer.quantiles
    probability = error.new_tensor(QUANTILES)
    pinball = torch.maximum(probability * error, (probability - 1) * error).mean(-1)
    pinball = pinball + MEDIAN * error[..., SIDE].abs()
    moves = past.value.diff(dim=1).abs().mean(1)[:, None, None]
    scale = question.unit / (0.5 * question.unit + 0.5 * moves + 1e-12)
    value = (pinball * scale / batch.ahead**FARTHER).clamp(max=LARGEST)
    return (value * (batch.origin >= past.first)[..., None]).mean()


def train(study: Study, folder: Path, name: str, steps: int, seed: int, device: str) -> Network:
    """One network, with a checkpoint in ``folder``, from which it goes on."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(study.shape, torch.nn.LSTM if device != "cpu" else layers.LSTM)
    options = TrainOptions(
        steps=steps, learning_rate=2.5e-3, weight_decay=0.02, average=0.999, warmup=0.03, seed=seed
    )

    def report(progress: Progress) -> None:
        if progress.step % 50 == 0:
            LOG.info("%s: update %d of %d, loss %.4f", name, progress.step, steps, progress.loss)

    fit(
        network.to(device), Batches(study, seed, device), loss, options,
        progress=report, checkpoint=folder / f"{name}.checkpoint.safetensors", resume=True,
        identity=f"{study}",
    )  # fmt: skip
    return network.cpu()


def main() -> None:
    from .storage import save

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="for checkpoints, and the weights at the end")
    parser.add_argument("--steps", type=int, default=4000, help="updates of each network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    networks = {
        name: train(
            study, arguments.folder, name, arguments.steps, arguments.seed, arguments.device
        )
        for name, study in STUDIES.items()
    }
    save(arguments.folder, networks)


if __name__ == "__main__":
    main()
