"""What a report shows, as plain arrays: whoever has them can make the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ....data import Panel
from ...explanation.explanation import Explanation
from ...intervals.calibration import Band
from .. import Evaluation


@dataclass(frozen=True)
class Content:
    """A report; without an ``evaluation`` it says that nothing was measured."""

    title: str
    panel: Panel
    future: Band
    evaluation: Evaluation | None = None
    explanations: Sequence[Explanation] = ()
    notes: Sequence[str] = ()
    chosen: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    version: str = ""

    @cached_property
    def trial(self) -> Band | None:
        """The forecast of the last window that was held out."""
        return None if self.evaluation is None else self.evaluation.band(self.panel.ids)
