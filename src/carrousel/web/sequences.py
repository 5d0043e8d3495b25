"""What a user sends, as what a network reads: words or observations to a tensor."""

from collections.abc import Sequence as Listed
from typing import Any, Protocol

from torch import Tensor

from .network import PageNetwork


class Sequence(Protocol):
    """One sequence, ready for a page's network."""

    @property
    def steps(self) -> list[str]:
        """A name for each."""

    @property
    def inputs(self) -> Tensor:
        """(T,) tokens or (T, I) vectors."""

    def answer(self, output: Tensor) -> dict[str, Any]:
        """What the head's last output (O,) says, for people: next words or quantiles."""
        ...

    def reader(
        self, network: PageNetwork, output: Tensor, at: int, target: str | None
    ) -> tuple[Tensor, str]:
        """(H,) how the output that is asked about reads the state at step ``at``, and its name;
        ``output`` (O,) is what the head says there."""
        ...


def sequence_of(
    page: dict[str, Any], text: str | None, series: Listed[float | None] | None
) -> Sequence:
    """The sequence for this model; raises ``ValueError`` where it cannot read what was sent."""
    if page["meta"]["task"] == "language":
        from .sentence import Sentence

        if text is None or series is not None:
            raise ValueError(f"{page['name']} reads sentences: send text, and no series")
        return Sentence.of(page, text)
    if page["meta"]["task"] == "speech":
        raise ValueError(f"{page['name']} hears sound, in the page alone: name a model that reads")
    from .observations import Observations

    if series is None or text is not None:
        raise ValueError(f"{page['name']} reads series: send series, and no text")
    return Observations.of(page, series)
