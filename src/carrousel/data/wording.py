"""Counts and times as people write them."""

from typing import Any


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """
    >>> counted(2, "gap"), counted(1, "series", "series")
    ('2 gaps', '1 series')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def written(time: Any) -> str:
    """A time as people write it: no fractions, and no clock at midnight."""
    return str(time).replace("T", " ").removesuffix(".000000").removesuffix(" 00:00:00")
