"""How the pretrained network's error falls with its size and its training.

    python -m benchmarks.pretrained_size --data DIR --folder FOLDER

Networks for single observations (seasons below 24) of several sizes learn from the same made-up
series, each with a whole schedule of its own, and forecast the ends of the training parts of nine
sets: by themselves (*alone*), and with everything that stands around the one that ships (*whole*:
checks, the second reading, smoothing). Means are geometric. A training that was stopped goes on
where it was. The numbers of the one that ships, which learned for longer from larger batches, stand
below.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.forecasting import SETS, machine, parts, score

from carrousel.forecast.options import Options
from carrousel.forecast.plan import chosen_seasons
from carrousel.forecast.pretrained.network import Network
from carrousel.forecast.pretrained.storage import shipped
from carrousel.forecast.pretrained.training import STUDIES, Study, train
from carrousel.forecast.pretrained.zero_shot import ZeroShot

SHORT = [
    "m3_yearly", "m3_quarterly", "m3_monthly", "m3_other", "hospital", "airline", "car_sales",
    "sunspots", "temperatures",
]  # fmt: skip


PANELS = 5  # the first; the others are one series each


class Alone(ZeroShot):
    """What the network says by itself."""

    def following(self, window: Tensor, ahead: Tensor, before: int = 0) -> Tensor:
        seasons = torch.tensor(self.seasons).expand(len(window), 2)
        answer = self.network.following(window, seasons, ahead[:, None], before)
        return answer.absolute()[:, 0]


def main() -> None:
    arguments = parse()
    print(machine())
    print(f"{'hidden':>6}{'layers':>7}{'parameters':>11}{'updates':>8}{'cpu s':>7}   ", end="")
    print("MASE: nine sets alone, whole; five panels whole; whole:", *SHORT, flush=True)
    for updates in arguments.updates:
        for hidden in arguments.hidden:
            for layers in arguments.layers if hidden == max(arguments.hidden) else [2]:
                study, began = study_of(hidden, layers, arguments.part), time.process_time()
                name = f"{hidden}-{layers}-{updates}"
                network = train(study, arguments.folder, name, updates, 0, "cpu")
                took = time.process_time() - began
                show(network, hidden, layers, updates, took, arguments.data)
    network = shipped("single")
    show(network, network.shape.hidden, network.shape.layers, 0, 0.0, arguments.data)


def study_of(hidden: int, layers: int, part: float) -> Study:
    """What the network that ships was taught, of these sizes and with a part of its windows."""
    single = STUDIES["single"]
    buckets = tuple(
        replace(b, windows=round(b.windows * part), pool=round(b.pool * part))
        for b in single.buckets
    )
    shape = replace(single.shape, hidden=hidden, layers=layers, decoder=2 * hidden)
    return replace(single, shape=shape, buckets=buckets)


def show(network: Network, hidden: int, layers: int, updates: int, took: float, data: Path) -> None:
    count = sum(p.numel() for p in network.parameters())
    print(f"{hidden:6}{layers:7}{count:11,}{updates:8}{took:7.0f}   ", end="")
    alone, whole = (errors(kind, network, data) for kind in (Alone, ZeroShot))
    means = (np.exp(np.mean(np.log(found))) for found in (alone, whole, whole[:PANELS]))
    print(*(f"{mean:.3f}" for mean in means), "", *(f"{one:.3f}" for one in whole), flush=True)


def errors(kind: type[ZeroShot], network: Network, folder: Path) -> list[float]:
    """MASE on the end of the training part of each set."""
    found = []
    for name in SHORT:
        data = SETS[name]
        panel, known, drops = parts(data, folder, validate=True)
        zero_shot = kind(chosen_seasons(known, Options(data.h))[0], network)
        quantiles = list(zero_shot.window_quantiles(panel, drops, data.h))
        found.append(score(panel, known, drops, quantiles, data.season)["mase"])
    return found


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--folder", type=Path, required=True, help="for checkpoints")
    parser.add_argument("--hidden", type=int, nargs="+", default=[40, 80, 160])
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 2], help="of the widest")
    parser.add_argument("--updates", type=int, nargs="+", default=[75, 150, 300])
    parser.add_argument("--part", type=float, default=0.06, help="of the windows of each batch")
    return parser.parse_args()


if __name__ == "__main__":
    main()
