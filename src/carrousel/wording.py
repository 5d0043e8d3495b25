"""Times, counts, lists and refusals as this package words them, wherever it does.

A message says what ``must be``, and what it ``got``; where something else is to be given, a second
sentence says what.
"""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Any


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """
    >>> counted(2, "gap"), counted(1, "series", "series")
    ('2 gaps', '1 series')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def legible(text: str) -> str:
    """A text with names of files, in which Python keeps bytes that the locale has no letters for:
    with the letters that UTF-8 has for them.

    >>> legible("\\udcc3\\udca9t\\udcc3\\udca9"), legible("\\udce9t\\udce9.csv"), legible("été")
    ('été', '\ufffdt\ufffd.csv', 'été')
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def written(time: Any) -> str:
    """A time as people write it: no fractions, and no clock at midnight.

    >>> import numpy as np
    >>> written(np.datetime64("2024-01-31T00:00")), written(np.datetime64("2024-01-31T08:30", "us"))
    ('2024-01-31', '2024-01-31 08:30')
    """
    text = str(time).replace("T", " ").removesuffix(".000000")
    text = text if text.count(":") != 1 else f"{text}:00"  # numpy writes what its unit holds
    return text.removesuffix(" 00:00:00").removesuffix(":00")


def written_alike(times: Any) -> list[str]:
    """An array of times, or of numbers of steps, for an axis: all with a clock, or none.

    >>> import numpy as np
    >>> written_alike(np.array(["2024-01-31T00", "2024-01-31T12"], "M8[h]"))
    ['2024-01-31 00:00', '2024-01-31 12:00']
    """
    if times.dtype.kind != "M":
        return [str(time) for time in times]
    texts = [str(time) for time in times.astype("M8[s]")]
    whole = all(text.endswith("T00:00:00") for text in texts)
    return [text[:10] if whole else text[:16].replace("T", " ") for text in texts]


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few of a list, and how many more.

    >>> some(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def quoted(names: Collection[Any]) -> str:
    """All of them, as they are typed.

    >>> quoted(("lstm", None))
    "'lstm', None"
    """
    return ", ".join(map(repr, names))


def columns_are(names: Sequence[str]) -> str:
    """What a table has instead of a column that is missing; not all of hundreds.

    >>> columns_are(["ds", "y"])
    "the columns are 'ds', 'y'"
    """
    return f"the columns are {some([repr(name) for name in names], most=20)}"


def _bare(name: str) -> str:
    return name.casefold().lstrip("-")


def nearest(value: Any, names: Iterable[Any]) -> str | None:
    """The name that is spelled most like ``value``; None if none is near.

    >>> nearest("airlin", ["airline", "bikes"]), nearest("cars", ["airline", "bikes"])
    ('airline', None)
    >>> nearest("--sampel", ["--sample"]), nearest("--effort", ["--out"])  # dashes are no likeness
    ('--sample', None)
    """
    known = {_bare(name): name for name in names if isinstance(name, str)}
    near = get_close_matches(_bare(value), known, n=1) if isinstance(value, str) else []
    return known[near[0]] if near else None


def meant(value: Any, names: Iterable[Any]) -> str:
    """The end of a message about an unknown name.

    >>> meant("airlin", ["airline", "bikes"])
    "; did you mean 'airline'?"
    """
    near = nearest(value, names)
    return "" if near is None else f"; did you mean {near!r}?"


def no_option(owner: str, given: Iterable[str], names: Iterable[str]) -> str | None:
    """The message about keyword arguments that ``owner`` does not have; None if it has them all.

    >>> no_option("LSTM", ["zonout"], ["hidden_size", "zoneout"])
    "LSTM has no option 'zonout'; there are hidden_size, zoneout; did you mean 'zoneout'?"
    """
    known = list(names)
    unknown = sorted(set(given) - set(known))
    if not unknown:
        return None
    there = ", ".join(known)
    return f"{owner} has no option {quoted(unknown)}; there are {there}{meant(unknown[0], known)}"


def one_of(name: str, value: Any, choices: Collection[Any]) -> None:
    """Require one of a few values.

    >>> one_of("cell", "tcn", ("lstm", "gru"))
    Traceback (most recent call last):
    ValueError: cell must be one of 'lstm', 'gru', got 'tcn'
    >>> one_of("effort", "bst", ("fast", "best"))
    Traceback (most recent call last):
    ValueError: effort must be one of 'fast', 'best', got 'bst'; did you mean 'best'?

    Raises:
        ValueError: It is another.
    """
    if value not in tuple(choices):  # also what cannot be hashed
        raise ValueError(
            f"{name} must be one of {quoted(choices)}, got {value!r}{meant(value, choices)}"
        )
