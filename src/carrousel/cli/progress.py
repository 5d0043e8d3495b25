"""How a training is shown while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..console import Bar


@contextmanager
def training_bar(title: str) -> Iterator[Callable[[str, Any], None]]:
    """Yield a callback for ``Forecaster.fit(progress=...)``; the bar goes when training ends."""
    with Bar(f"{title}, starting") as bar:

        def report(name: str, now: Any) -> None:
            pace = f"{now.step:,}/{now.steps:,}  loss {now.loss:.4f}  {now.rate:.0f} steps/s"
            bar.show(now.step, now.steps, f"{title}, {name}", pace)

        yield report
