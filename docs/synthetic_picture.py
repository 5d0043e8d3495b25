"""Draws docs/images/made-up-series.png: twelve series of each family, monthly ones and hourly ones.

python docs/synthetic_picture.py
"""

from pathlib import Path

import torch
from matplotlib.figure import Figure

from carrousel.forecast.synthetic import FAMILIES, made_up

EACH = 6  # of short series, and as many of long ones


def main() -> None:
    figure = Figure(figsize=(15, 11), layout="constrained")
    rows = figure.subplots(len(FAMILIES), 2 * EACH)
    generator = torch.Generator().manual_seed(7)
    for name, axes in zip(FAMILIES, rows, strict=True):
        short, _ = made_up(EACH, 120, generator, [name], most=23)
        long, _ = made_up(EACH, 504, generator, [name], least=24, most=48)
        for axis, y in zip(axes, [*short, *long], strict=True):
            axis.plot(y, linewidth=0.7, color="#1f5fa8")
            axis.set_xticks([])
            axis.set_yticks([])
            for side in axis.spines.values():
                side.set_color("#d0d0d0")
        axes[0].set_ylabel(name, fontsize=8)
    figure.savefig(Path(__file__).parent / "images" / "made-up-series.png", dpi=80)


if __name__ == "__main__":
    main()
