"""What an experiment is given and what it hands back: a table, a picture, findings, a JSON."""

import io
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

from ..limits import whole
from ..showing import Shown
from ..storage.files import write_bytes, write_csv, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Progress(Protocol):
    def expect(self, work: float) -> None:
        """So much work is to come, in any unit."""

    def advance(self, work: float, label: str) -> None:
        """So much of it is done; ``label`` says what is at work."""


class Silent:
    """Progress that nobody watches."""

    def expect(self, work: float) -> None: ...
    def advance(self, work: float, label: str) -> None: ...


@dataclass(frozen=True)
class Options:
    """How an experiment is run. ``quick``: small enough for a minute, to see it work, not to cite.

    ``folder`` receives ``NAME.csv``, ``NAME.png``, ``NAME.json`` and, in ``runs/``, one file per
    finished trial: an interrupted experiment goes on from them. With ``jobs`` > 1 trials run in
    processes of their own, which start by importing the calling program: a script then needs
    ``if __name__ == "__main__":``.
    """

    quick: bool = False
    seeds: int | None = None  # None: 10, or 2 when quick
    jobs: int = 1
    folder: Path = Path("lab")
    progress: Progress = field(default_factory=Silent)

    def __post_init__(self) -> None:
        for name, value in (("seeds", self.seeds), ("jobs", self.jobs)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, got {value}")
            if value is not None:
                whole(name, value)

    @property
    def count(self) -> int:
        """How many seeds."""
        return self.seeds if self.seeds is not None else (2 if self.quick else 10)

    @property
    def runs(self) -> Path:
        return self.folder / "runs"


@dataclass(frozen=True)
class Finding:
    """A claim and whether this run confirms it; a claim that fails stays, marked as such."""

    claim: str
    holds: bool
    evidence: str


@dataclass(frozen=True)
class About:
    """What an experiment asks, how it asks, and the theory that it puts to the test."""

    name: str
    title: str
    question: str
    method: str
    theory: str


@dataclass
class Outcome(Shown):
    """Everything an experiment has to say."""

    about: About
    rows: list[dict[str, Any]]
    findings: list[Finding]
    figure: "Figure"
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)  # what the picture shows, for the JSON

    def _sentences(self) -> list[str]:
        marks = {True: "confirmed", False: "not confirmed"}
        said = [f"{marks[one.holds]}: {one.claim}: {one.evidence}" for one in self.findings]
        return [f"{self.about.title}: {self.about.question}", *said]

    def _rows(self) -> list[dict[str, Any]]:
        return self.rows

    def _figure(self) -> "Figure":
        return self.figure


class Experiment(Protocol):
    """A module of this package with these two names."""

    ABOUT: About
    run: Callable[[Options], Outcome]


def save(outcome: Outcome, options: Options) -> list[Path]:
    """Write table, picture and JSON, each whole or not at all."""
    stem = options.folder / outcome.about.name
    paths = [stem.with_suffix(suffix) for suffix in (".csv", ".png", ".json")]
    write_csv(paths[0], outcome.rows)
    write_bytes(paths[1], as_png(outcome.figure))
    write_json(paths[2], _content(outcome, options))
    return paths


def as_png(figure: "Figure") -> bytes:
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=130)
    return image.getvalue()


def _content(outcome: Outcome, options: Options) -> dict[str, Any]:
    return {
        "experiment": outcome.about.name,
        "quick": options.quick,
        "seeds": options.count,
        "seconds": round(outcome.seconds, 1),
        "machine": machine(),
        "rows": outcome.rows,
        "findings": [asdict(finding) for finding in outcome.findings],
        "details": outcome.details,
    }


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    return {
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
