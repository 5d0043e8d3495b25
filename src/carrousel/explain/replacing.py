"""Asking a model with some of its states replaced: many variants side by side in few runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..intervention import Intervention, intervene
from ..record.record import Record
from ..tracing import trace
from ..wording import one_of
from .asking import Question, Target
from .private import check_model, private

ROWS = 1024  # sequences that are run at once


@dataclass(frozen=True)
class Place:
    """Which state: its name, and of which layer, level and direction."""

    state: str = "hidden"
    layer: str | None = None  # the one called last
    level: int = -1
    direction: int = 0


@dataclass(frozen=True)
class Replacing:
    """A question, and what is to be replaced where it is asked."""

    question: Question
    place: Place
    x: Tensor
    record: Record
    answer: Tensor  # (B,) float64 with nothing replaced

    @classmethod
    def of(
        cls, model: nn.Module, x: Tensor, target: Target, place: Place, time_dim: int | None
    ) -> "Replacing":
        check_model(model)
        asked, target = private(model, target)
        question = Question.of(asked, x, target, time_dim)
        with torch.no_grad():
            record, answer = seen(question, x, place)
        known = tuple(name for name in record.arrays() if name in (*record.gates, "cell", "hidden"))
        one_of("state", place.state, known)
        place = Place(place.state, record.name, place.level % record.info.num_layers,
                      place.direction)  # fmt: skip
        return cls(question, place, x, record, answer)

    @property
    def index(self) -> int:
        """The entry of the record's first axis."""
        return self.place.level * self.record.info.num_directions + self.place.direction

    @property
    def shape(self) -> tuple[int, int, int]:
        """Sequences, steps and units of the state."""
        batch, steps, units = self.values().shape
        return batch, steps, units

    def values(self, record: Record | None = None) -> Tensor:
        """The state in a record, this run's by default: (B, T, U)."""
        found = (self.record if record is None else record).arrays()[self.place.state]
        return found[self.index].transpose(0, 1)

    def other(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What another input of the same steps gives: the state (B, T, U), the answers (B,)."""
        record, answer = seen(self.question, x, self.place)
        values = self.values(record)
        if values.shape[1] != self.shape[1] or values.shape[0] not in (1, self.shape[0]):
            raise ValueError(
                f"other must have the {self.shape[1]} steps of x, and its {self.shape[0]} "
                f"sequences or one, got {values.shape[1]} steps and {values.shape[0]} sequences"
            )
        return values.expand(self.shape), answer.expand(self.shape[0])

    def pushed(self, pushes: Tensor, steps: Sequence[int]) -> Tensor:
        """(K, B): the answers with each of pushes (K, U) added to the state at these steps."""

        def push(change: Intervention, part: Tensor) -> None:
            amounts = part.repeat_interleave(self.shape[0], 0)[None]  # (1, K*B, U)
            change.add(self.place.state, amounts, steps=list(steps), **self._where)

        return self._asked(pushes, push)

    def answers(self, masks: Tensor, values: Tensor) -> Tensor:
        """(K, B): the answers with ``values`` (B, T, U) where each mask (K, B, T, U) is True."""

        def put(change: Intervention, part: Tensor) -> None:
            mask = part.flatten(0, 1).transpose(0, 1)  # (T, K*B, U)
            steps = mask.any(-1).any(-1).nonzero().flatten().tolist()
            if steps:
                given = values.repeat(len(part), 1, 1).transpose(0, 1)
                change.set(
                    self.place.state, given[steps], mask=mask[steps], steps=steps, **self._where
                )

        return self._asked(masks, put)

    @property
    def _where(self) -> dict[str, Any]:
        place = self.place
        return {"layer": place.layer, "level": place.level, "direction": place.direction}

    @torch.no_grad()
    def _asked(self, variants: Tensor, by: Callable[[Intervention, Tensor], None]) -> Tensor:
        """(K, B): the answers with the changes that ``by`` makes of each of variants (K, ...)."""
        found = []
        for part in variants.split(max(1, ROWS // self.shape[0])):
            with intervene(self.question.model) as change:
                by(change, part)
                score = self.question.score(self._copies(len(part)))
            found.append(score.double().unflatten(0, (len(part), -1)))
        return torch.cat(found)

    def _copies(self, count: int) -> Tensor:
        """x so often, one after the other along the axis of sequences."""
        times = [1] * self.x.dim()
        times[1 - self.question.time_dim] = count
        return self.x.repeat(times)


def seen(question: Question, x: Tensor, place: Place) -> tuple[Record, Tensor]:
    """The record of the layer's one call, and the answers (B,)."""
    with trace(question.model, layers=None if place.layer is None else [place.layer]) as records:
        answer = question.score(x).double()
    names = {record.name for record in records}
    if not names:
        reasons = "; ".join(f"{left.name!r}: {left.reason}" for left in records.left)
        raise ValueError(f"model: no recurrent layer was seen at work; {reasons}")
    own = [record for record in records if record.name == records[-1].name]
    if len(own) != 1 or own[0].hidden.shape[2] != x.shape[1 - question.time_dim]:
        raise ValueError(
            f"layer {own[0].name!r} must be called once with the sequences of x side by side, it "
            f"was called {len(own)} times with {own[0].hidden.shape[2]} sequences"
        )
    return own[0], answer


def chosen(name: str, given: Sequence[int] | None, count: int) -> tuple[int, ...]:
    """Numbers below ``count``, all by default."""
    found = tuple(range(count)) if given is None else tuple(int(one) for one in given)
    wrong = [one for one in found if not 0 <= one < count]
    if wrong or not found:
        raise ValueError(f"{name} must be some of 0 to {count - 1}, got {list(found)}")
    return found
