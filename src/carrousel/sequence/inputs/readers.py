"""The kinds of inputs that there are: who recognizes them, and who reads them from a file again."""

from typing import Any

from .numbers import NumberReader
from .sounds import SoundReader
from .texts import TextReader

READERS: tuple[Any, ...] = (
    TextReader,
    SoundReader,
    NumberReader,
)  # the last takes what no other recognizes
BY_KIND: dict[str, Any] = {one.kind: one for one in READERS}


def reader_for(X: Any) -> Any:
    """The class that reads such inputs."""
    return next(one for one in READERS if one is READERS[-1] or one.recognizes(X))
