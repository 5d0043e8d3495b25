"""Every fuzzer in this folder for a share of the time: ``make fuzz SECONDS=3600 SEED=1``.

A fuzzer is a module with ``run(seconds, seed)``, which raises, or returns a list of what it found.
"""

import argparse
import importlib
import pkgutil
import random
import sys
import traceback
from typing import Any

import tests.fuzz


def fuzzers() -> dict[str, Any]:
    """The modules by name."""
    found = {}
    for module in pkgutil.iter_modules(tests.fuzz.__path__):
        if module.name != "__main__":
            loaded = importlib.import_module(f"tests.fuzz.{module.name}")
            if hasattr(loaded, "run"):
                found[module.name] = loaded
    return found


def main() -> int:
    every = fuzzers()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for all of them together")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--only", choices=every, action="append", help="one of them, or several")
    given = parser.parse_args()
    names = given.only or list(every)
    failed = 0
    for name in names:
        sys.stdout.write(f"{name}: seed {given.seed}\n")
        sys.stdout.flush()
        try:
            found = every[name].run(given.seconds / len(names), given.seed)
        except Exception:
            found = [traceback.format_exc()]
        if isinstance(found, list) and found:
            failed += 1
            sys.stdout.write("\n".join(map(str, found)) + "\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
