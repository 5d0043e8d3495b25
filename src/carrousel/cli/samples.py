"""``carrousel samples``."""

from typing import Any


def samples() -> list[dict[str, Any]]:
    """List the data sets that come with the package, with their sources and licenses."""
    from ..console import console
    from ..data import list_samples, to_panel

    screen, found = console(), []
    for sample in list_samples().values():
        panel, _ = to_panel(sample.path)
        count = f"{panel.n_series} series" if panel.n_series > 1 else "one series"
        screen.print(f"{sample.name}: {sample.title}", style="bold")
        screen.print(f"  {count} of {panel.lengths.max():,} steps, {panel.freq}")
        screen.print(f"  source: {sample.source}")
        screen.print(f"  license: {sample.license}\n")
        size: dict[str, Any] = {"series": panel.n_series, "steps": int(panel.lengths.max())}
        about = {"title": sample.title, "source": sample.source, "license": sample.license}
        found.append({"name": sample.name, "freq": panel.freq.alias, **size, **about})
    screen.print("Use one with: carrousel forecast --sample NAME")
    return found
