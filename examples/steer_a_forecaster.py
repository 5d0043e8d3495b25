"""Where a forecaster keeps "rising": a probe on made-up series, and the forecast steered along it.

Eighty monthly series rise or fall, each with a season of its own. The state after the last step of
each window is what the network knows of its series.
"""

import numpy as np
import polars as pl
import torch

import carrousel
from carrousel import Forecaster
from carrousel.explain import probe, write_dictionary

rng = np.random.default_rng(0)
SERIES, LENGTH, AHEAD = 80, 96, 12
month = np.arange(LENGTH)
slopes = rng.uniform(-0.4, 0.4, SERIES)
tables = []
for number, slope in enumerate(slopes):
    season = 6 * np.sin(2 * np.pi * (month / 12 + rng.uniform()))
    values = 100 + slope * month + season + rng.normal(0, 2, LENGTH)
    tables.append(pl.DataFrame({"unique_id": f"{number:02}", "ds": month, "y": values}))
data = pl.concat(tables)

forecaster = Forecaster(
    AHEAD, freq=1, season_length=12, ensemble=1, max_steps=120, hidden_size=24, pretrained_share=0
).fit(data)
network = forecaster.networks_[0]


def rise() -> np.ndarray:
    """By how much each forecast is higher at its end than at its beginning."""
    table = forecaster.predict().sort("unique_id", "ds")
    return table["carrousel"].to_numpy().reshape(SERIES, AHEAD)[:, [0, -1]] @ [-1, 1]


with carrousel.trace(network) as trace:
    rise()
record = trace[-1]
last = record.hidden.shape[1] - 1
found = probe(record.cell[-1, last], slopes, kind="ridge")
print(f"slope of series not seen, from the state: R² {found.score:.2f}; shuffled "
      f"{max(found.shuffled):.2f} at best")  # fmt: skip
assert found.score > max(found.shuffled)


def steered(direction: torch.Tensor, dose: float) -> float:
    with carrousel.intervene(network) as change:
        push = (dose * found.scale * direction).float()
        change.add("cell", push, steps=last, layer=record.name)
        return float(rise().mean())


random = torch.randn(5, len(found.direction), generator=torch.Generator().manual_seed(0))
print("\ndose   rise of the forecasts   along random directions")
for dose in (-4, -2, 0, 2, 4):
    others = [steered(way.double() / way.norm(), dose) for way in random]
    print(f"{dose:4}   {steered(found.direction, dose):21.2f}   "
          f"{np.mean(others):.2f} ± {np.std(others):.2f}")  # fmt: skip

dictionary = write_dictionary(record, entries=12, active=2)
print(f"\n2 of 12 entries explain {dictionary.explained:.0%} of what is written "
      f"(12 writes at random: {dictionary.random:.0%})")  # fmt: skip
moments = [[[f"month {step % 12}" for step in range(last + 1)] for _ in range(SERIES)]]
for row in dictionary.uses(moments, k=3)[:4]:
    print(f"  entry {row['entry']:2} in {row['share']:.0%} of the writes: {row['used by']}")
