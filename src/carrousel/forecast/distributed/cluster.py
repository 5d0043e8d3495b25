"""A Ray cluster around calls: networks of an ensemble and blocks of series go to its workers."""

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..ensemble.training import TRAINER
from ..large.run import RUNNER
from .tasks import blocks_on_ray, members_on_ray

LOCAL, AUTO = "local", "auto"
ANSWERS = 5  # seconds within which a cluster must


@contextmanager
def on_ray(address: str | None = None) -> Iterator[None]:
    """Inside, ``fit`` trains one network of an ensemble a worker, and ``predict(out=...)``
    forecasts blocks of series on all of them: to the last bit what one machine gives.

    Args:
        address: Of a cluster: "host:6379"; "auto": the one that this process is connected to, or
            that was started on this machine; "local": one of this machine's processors, for as long
            as the block is open. None: the one that this process is connected to, else that of
            the variable ``RAY_ADDRESS``, else "local".

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
        if address not in (None, AUTO):
            raise ValueError(
                f"ray: this process is connected to a cluster, got {address!r} beside it"
            )
        _say_if_nobody_works()
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or LOCAL
    _require_an_answer(address)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    started: dict[str, Any] = {"include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address, **quiet, **started)
    except ConnectionError:
        if address != AUTO:
            raise
        raise ConnectionError(
            "ray: no cluster runs on this machine: start one (ray start --head), or give the "
            "address of another"
        ) from None
    try:
        _say_if_nobody_works()
        yield
    finally:
        ray.shutdown()


def _require_an_answer(address: str) -> None:
    """Whether anybody is there: Ray itself asks for minutes.

    Raises:
        ConnectionError: Nobody is.
        ValueError: It is no address.
    """
    if address in (AUTO, LOCAL):
        return
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"ray must be host:port, auto or local, got {address!r}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWERS).close()
    except (OSError, OverflowError) as error:
        raise ConnectionError(f"ray: no cluster answers at {address}: {error}") from None


def _say_if_nobody_works() -> None:
    """Machines may still join, so that work waits for them; whoever waits must know for what."""
    import ray

    if ray.cluster_resources().get("CPU", 0) < 1:
        warnings.warn(
            "the Ray cluster has no processors: blocks wait until machines join (ray status)",
            stacklevel=2,
        )
