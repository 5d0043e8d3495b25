"""The network that ships learns on from the panel, before it stands beside those that were trained.

What its layers remember of a window stays as it was learned from made-up series; the decoder, which
makes forecasts of it, learns on. Windows are therefore read once, and an update costs a twentieth
of what it would cost through the layers, at the same gain (docs/pretrained.md). Windows are of the
length that is read beside the trained networks, and end anywhere before what is held out; of each,
forecasts are asked from several origins and some of the steps ahead. The held-out windows decide
when to stop, and whether anything was gained at all.
"""

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ...training import Progress, TrainOptions, fit
from ...training.peers import training_among
from ..network.windows import Sampler
from ..pretrained.loss import FARTHER, LARGEST, pinball, units_moved
from ..pretrained.network import Network, Remembered
from ..pretrained.query import Question
from ..pretrained.storage import halves, network_of
from .companion import Companion, ordinary
from .validation import Both, Validation

PAIRS = 64  # of windows and origins in them, in a batch
ORIGINS = 8  # of a window
STEPS = 4  # ahead, that are asked from each
PART = 0.6  # of a window, its last, in which origins lie
KNOWN = 2  # values that an origin knows, at least
JUDGED = 256  # windows that are held out, at most
JUDGED_STEPS = 12  # of each
READ_AT_ONCE = 64  # windows
LEARNING_RATE, AVERAGE = 1e-3, 0.98
EVALUATE = 20  # updates between two looks at what is held out
DECODER = ("state", "question", "blocks", "norm", "head")


@dataclass(frozen=True)
class Asked:
    """What the decoder is asked from R origins about J steps ahead, and what happened."""

    memory: Tensor  # (R, 1, hidden)
    question: Question  # of (R, 1, J)
    truth: Tensor  # (R, 1, J) in units from the origin's value
    weight: Tensor  # (R, 1, J) 0 where nothing is known

    def rows(self, which: Tensor) -> "Asked":
        """Those of some origins."""
        question = Question(*(part[which] for part in self.question))
        return Asked(self.memory[which], question, self.truth[which], self.weight[which])


def tuned(
    companion: Companion,
    sampler: Sampler,
    validation: Validation | Both,
    options: TrainOptions,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    identity: str = "",
) -> Companion:
    """The ``companion`` with a network that has learned on; the same one where that forecasts what
    is held out no better, or where there is nothing to learn from or to judge by.

    Args:
        companion: With the network that ships.
        sampler: Draws windows without what is held out.
        validation: What is held out.
        options: See ``tuning``.
        progress, checkpoint, resume, identity: As in ``carrousel.training.fit``.
    """
    lessons = _lessons(companion, sampler, options)
    held = _held_out(companion, validation.real if isinstance(validation, Both) else validation)
    if lessons is None or held is None:
        return companion
    network = copy.deepcopy(companion.zero_shot.network)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.split(".")[0] in DECODER)
    with training_among(None):  # everybody tunes the same one
        run = fit(
            network, partial(_batch, lessons), _loss, options,
            validate=lambda model: _loss(model, held).item(),
            progress=progress, checkpoint=checkpoint, resume=resume, identity=identity,
        )  # fmt: skip
    if not run.best_step:
        return companion
    # As it is saved.
    network = network_of(asdict(network.shape), halves(network), "the tuned network")
    return companion.with_network(network, run.best_step)


def tuning(updates: int, seed: int) -> TrainOptions:
    """How the network that ships learns on."""
    return TrainOptions(
        steps=updates,
        learning_rate=LEARNING_RATE,
        warmup=0.1,
        weight_decay=0.0,
        average=AVERAGE,
        evaluate_every=EVALUATE,
        seed=seed,
    )


def _lessons(companion: Companion, sampler: Sampler, options: TrainOptions) -> Asked | None:
    """From windows that end anywhere."""
    if not int(sampler.count.sum()):
        return None
    generator = torch.Generator().manual_seed(options.seed)
    windows = options.steps * PAIRS // ORIGINS  # each pair is seen once, about
    both, offset = sampler.draw(windows, generator)
    history, target = both.split([sampler.windows.history, companion.h], 1)
    some = ordinary(history) & history[:, -1].isfinite()
    if not some.any():
        return None
    history, target, offset = history[some], target[some], offset[some]
    origins = torch.rand(len(history), ORIGINS, generator=generator)
    origins[:, 0] = 1.0  # the last step is always one of them
    ahead = torch.rand(len(history), ORIGINS, STEPS, generator=generator)
    ahead = 1 + (ahead * companion.h).long().clamp(max=companion.h - 1)
    return _asked(companion, history, target, offset, origins, ahead)


def _held_out(companion: Companion, validation: Validation) -> Asked | None:
    """From the ends of the windows that are held out."""
    if not validation:
        return None
    history, target = validation.history[:, 0], validation.target[:, 0]
    some = torch.nonzero(ordinary(history) & history[:, -1].isfinite())[:, 0]
    some = some[:: -(-len(some) // JUDGED) or 1]
    if not len(some):
        return None
    steps = torch.linspace(1, companion.h, min(companion.h, JUDGED_STEPS)).long()
    last, ahead = torch.ones(len(some), 1), steps.expand(len(some), 1, -1)
    offset = validation.offset[some]
    return _asked(companion, history[some], target[some], offset, last, ahead)


@torch.no_grad()
def _asked(
    companion: Companion,
    history: Tensor,
    target: Tensor,
    offset: Tensor,
    origins: Tensor,
    ahead: Tensor,
) -> Asked | None:
    """From windows (B, n) less ``offset`` (B, 1), and what follows them (B, h); ``origins`` (B, O)
    are places in the part where they may lie, from 0 to 1, ``ahead`` (B, O, J) steps. None where
    nothing is known of any."""
    split = (part.split(READ_AT_ONCE) for part in (history, target, offset, origins, ahead))
    found = [_read(companion, *parts) for parts in zip(*split, strict=True)]
    questions = zip(*(one.question for one in found), strict=True)
    asked = Asked(
        torch.cat([one.memory for one in found]),
        Question(*(torch.cat(part) for part in questions)),
        torch.cat([one.truth for one in found]),
        torch.cat([one.weight for one in found]),
    )
    known = asked.weight.flatten(1).any(1)
    return asked.rows(torch.nonzero(known)[:, 0]) if known.any() else None


def _read(
    companion: Companion,
    history: Tensor,
    target: Tensor,
    offset: Tensor,
    origins: Tensor,
    ahead: Tensor,
) -> Asked:
    """As ``_asked``, of a few windows."""
    network = companion.zero_shot.network
    window, far, before = companion.shown(history, offset)
    patch, seasons = network.shape.patch, torch.tensor(companion.zero_shot.seasons)
    window = nn.functional.pad(window, (-window.shape[1] % patch, 0), value=torch.nan)
    found = network.remember(window, seasons.expand(len(window), 2), before)
    origin = _origins(found, origins, patch)
    memory, question = network.asked(found, origin, ahead)
    after = torch.cat([window, target.double() + (offset - far)], 1)
    value = after.gather(1, (origin[..., None] + ahead).flatten(1)).view(ahead.shape)
    truth = ((value - found.past.base[..., None] - question.origin) / question.unit).float()
    weight = units_moved(found.past, question) / ahead**FARTHER
    sound = truth.isfinite() & question.numbers.isfinite().all(-1)
    weight = torch.where(sound & question.anchors.isfinite().all(-1), weight, 0.0)
    each = [part.nan_to_num().flatten(0, 1)[:, None] for part in (memory, truth, weight, *question)]
    return Asked(each[0], Question(*each[3:]), *each[1:3])


def _origins(found: Remembered, places: Tensor, patch: int) -> Tensor:
    """(B, O) last steps of patches, at places from 0 to 1 in the last part of what is known."""
    first, length = found.past.first, found.past.value.shape[1]
    low = length - 1 - (PART * (length - 1 - first)).long()
    low = torch.maximum(low, (first + KNOWN - 1).clamp_min(length - patch * found.memory.shape[1]))
    origin = low + ((length - 1 - low).clamp_min(0) * places).long()
    return ((origin // patch + 1) * patch - 1).clamp(max=length - 1)


def _batch(lessons: Asked, step: int, generator: torch.Generator) -> Asked:
    return lessons.rows(torch.randint(len(lessons.truth), (PAIRS,), generator=generator))


def _loss(model: nn.Module, asked: Asked) -> Tensor:
    """Mean over what is known."""
    quantiles = cast(Network, model).decode(asked.memory, asked.question)
    value = (pinball(asked.truth, quantiles) * asked.weight).clamp(max=LARGEST)
    return value.sum() / (asked.weight > 0).sum().clamp_min(1)
