"""One network that several processes train together: torchrun, or Ray Train, around ``fit``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...training.peers import Peers, training_among

SAVED = "model"


def fit_together(forecaster: Any, data: Any, **how: Any) -> Any:
    """``forecaster.fit(data, **how)`` in each of several processes, which learn from their rows of
    every batch: the numbers are those of one process, within rounding.

    Called by all of them, under ``torchrun`` or in the ``train_loop_per_worker`` of Ray's
    ``TorchTrainer``. All must see the same data (a folder of Parquet files is mapped, and each
    reads the windows of its own rows); the first one writes checkpoints. With ``checkpoint`` and
    ``resume=True``, processes that were killed and started again go on.

    ```text
    # train.py, started by: torchrun --nproc-per-node 2 train.py
    forecaster = fit_together(Forecaster(28), "/shared/sales/", checkpoint="/shared/state",
                              resume=True)
    if int(os.environ["RANK"]) == 0:
        forecaster.save("/shared/model")
    ```

    Raises:
        TypeError: It is no ``Forecaster``: other models do not share their batches.
        RuntimeError: There are no processes to train with.
    """
    if not hasattr(forecaster, "before_windows"):
        raise TypeError(f"forecaster must be a Forecaster, got {type(forecaster).__name__}")
    with _process_group() as peers, training_among(peers):
        return forecaster.fit(data, **how)


def fit_on_ray(
    forecaster: Any,
    data: Any,
    workers: int,
    folder: str | Path,
    *,
    failures: int = 3,
    **how: Any,
) -> Any:
    """The same by Ray Train, on so many ``workers`` of the cluster that this process is connected
    to.

    Args:
        forecaster: What learns; a copy of it.
        data: A path that all machines see, or a table, which is sent to them.
        workers: Processes.
        folder: One that all machines see, for checkpoints and the model. A training that was begun
            there goes on.
        failures: How often workers that die are started again; they go on from the checkpoint.
        **how: As in ``fit``.

    Returns:
        The fitted copy, as it was saved in ``folder``.
    """
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    folder = Path(folder).absolute()
    how = {**how, "checkpoint": folder / "state", "resume": True}
    TorchTrainer(
        _train_and_save,
        train_loop_config={"forecaster": forecaster, "data": data, "how": how, "folder": folder},
        torch_config=TorchConfig(backend="gloo"),
        scaling_config=ScalingConfig(num_workers=workers),
        run_config=RunConfig(
            name="train",
            storage_path=str(folder / "ray"),
            failure_config=FailureConfig(max_failures=failures),
        ),
    ).fit()
    return type(forecaster).load(folder / SAVED)


def _train_and_save(config: dict[str, Any]) -> None:
    import torch

    forecaster = fit_together(config["forecaster"], config["data"], **config["how"])
    if torch.distributed.get_rank() == 0:
        forecaster.save(config["folder"] / SAVED)


@contextmanager
def _process_group() -> Iterator[Peers]:
    """The processes that were started together; a group is made of them where nobody has."""
    import torch.distributed as group

    made = not group.is_initialized()
    if made and "RANK" not in os.environ:
        raise RuntimeError(
            "there are no processes to train with: start this by torchrun, or by Ray's TorchTrainer"
        )
    if made:
        group.init_process_group("gloo")
    try:
        yield Peers(group.get_rank(), group.get_world_size())
    finally:
        if made:
            group.destroy_process_group()
