"""``carrousel --version``, and with ``--verbose`` what a report of an error should tell."""

import platform
from typing import Any

from .. import __version__


def version(verbose: bool, as_json: bool) -> str:
    """The version; if ``verbose`` also what it runs on, a line each."""
    found = {"carrousel": __version__, **(_surroundings() if verbose else {})}
    if as_json:
        from ..storage.files import as_json as in_json

        return in_json(found, indent=None).decode()
    width = max(map(len, found)) if verbose else 0
    return "".join(f"{name:<{width}} {value}\n" for name, value in found.items())


def _surroundings() -> dict[str, Any]:
    """Kernels, torch, threads, Python and platform."""
    import torch

    from ..ops import cpu

    return {
        "isa": f"{cpu.isa()} (of {', '.join(cpu.available_isas())})",
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
    }
