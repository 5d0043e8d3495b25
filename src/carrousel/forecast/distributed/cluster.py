"""A Ray cluster around calls: networks of an ensemble and blocks of series go to its workers."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..ensemble.training import TRAINER
from ..large.run import RUNNER
from .tasks import blocks_on_ray, members_on_ray

LOCAL = "local"


@contextmanager
def on_ray(address: str | None = None) -> Iterator[None]:
    """Inside, ``fit`` trains one network of an ensemble a worker, and ``predict(out=...)``
    forecasts blocks of series on all of them: to the last bit what one machine gives.

    Args:
        address: Of a cluster: "host:6379"; "auto": the one that this process is connected to, or
            that was started on this machine; "local": one of this machine's processors, for as long
            as the block is open. None: the one that this process is connected to, else "local".

    ```text
    with on_ray("auto"):
        forecaster = Forecaster(28).fit("/shared/sales/")
        forecaster.predict("/shared/sales/", out="/shared/forecasts", on_error="skip")
    ```
    """
    with connected(address):
        trainer, runner = TRAINER.set(members_on_ray), RUNNER.set(blocks_on_ray)
        try:
            yield
        finally:
            TRAINER.reset(trainer)
            RUNNER.reset(runner)


@contextmanager
def connected(address: str | None = None) -> Iterator[None]:
    """Connected to a cluster; what was not connected before is not afterwards.

    Raises:
        ImportError: Ray is not installed.
        ConnectionError: There is no cluster at the address.
    """
    try:
        import ray
    except ImportError:
        raise ImportError(
            "many machines need the library ray: pip install carrousel[ray]"
        ) from None
    if ray.is_initialized():
        if address not in (None, "auto"):
            raise ValueError(
                f"ray: this process is connected to a cluster, got {address!r} beside it"
            )
        yield
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING}
    started: dict[str, Any] = {"include_dashboard": False} if address in (None, LOCAL) else {}
    ray.init(address or LOCAL, **quiet, **started)
    try:
        yield
    finally:
        ray.shutdown()
