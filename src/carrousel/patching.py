"""What is changed for a whole process while blocks are open: by the first, and back by the last.

A replacement must behave like what it replaces for everybody but the code that opened a block,
which it knows by a context variable: blocks in other threads and tasks come and go in any order.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

Make = Callable[[Callable[..., Any]], Callable[..., Any]]


class Replaced:
    """A method of some classes, replaced while a block is open that asks for it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._open: Counter[type] = Counter()
        self._originals: dict[type, Callable[..., Any]] = {}

    @contextmanager
    def by(self, makers: Mapping[type, Make]) -> Iterator[None]:
        """A block in which the method of each class is what its maker makes of the original."""
        with self._lock:
            for cls, make in makers.items():
                self._open[cls] += 1
                if self._open[cls] == 1:
                    self._originals[cls] = original = getattr(cls, self._name)
                    setattr(cls, self._name, make(original))
        try:
            yield
        finally:
            with self._lock:
                for cls in makers:
                    self._open[cls] -= 1
                    if self._open[cls] == 0:
                        setattr(cls, self._name, self._originals.pop(cls))


class Together:
    """A context manager of the whole process that blocks share: entered once, left once."""

    def __init__(self, make: Callable[[], AbstractContextManager[Any]]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._open = 0
        self._entered: AbstractContextManager[Any] | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._open == 0:
                self._entered = self._make()
                self._entered.__enter__()
            self._open += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._open -= 1
            if self._open == 0 and self._entered is not None:
                self._entered.__exit__(None, None, None)
                self._entered = None
