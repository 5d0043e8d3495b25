"""Files that are written whole or not at all: bytes, and JSON and CSV in one format each."""

import csv
import io
import json
import math
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..wording import legible
from .tempfiles import hold, sweep, with_lock


def write_bytes(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` in one step; what killed writers of it left goes too.

    Raises:
        OSError: It cannot be written (a full disk, no permission); ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with with_lock(path.parent):
        sweep(path.parent, f".{escape(path.name)}.{'[0-9a-f]' * 16}")
        temporary.open("xb").close()  # not mkstemp: others may read what the user lets them
        file = hold(temporary)
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):  # of the file that the caller knows
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def write_json(path: Path, data: Any) -> None:
    """Replace ``path`` by the JSON of ``data``."""
    write_bytes(path, as_json(data))


def as_json(data: Any, indent: int | None = 1) -> bytes:
    """JSON in UTF-8 that every reader accepts, with a newline at its end: NaN and infinities
    become null, and numpy's numbers and arrays plain ones.

    >>> as_json({"é": [1.5, float("nan")]}, indent=None).decode()
    '{"é": [1.5, null]}\\n'
    """
    text = json.dumps(_plain(data), indent=indent, ensure_ascii=False, allow_nan=False)
    return f"{legible(text)}\n".encode()


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace ``path`` by a table of ``rows``, whose columns are the keys of the first."""
    write_bytes(path, as_csv(rows))


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """
    >>> as_csv([{"word": "é", "share": 0.5}, {"word": "a, b", "share": None}]).decode()
    'word,share\\né,0.5\\n"a, b",\\n'
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return legible(text.getvalue()).encode()


def frame_bytes(table: pl.DataFrame, suffix: str) -> bytes:
    """The content of a ``.csv`` or ``.parquet`` file."""
    buffer = io.BytesIO()
    if suffix == ".parquet":
        table.write_parquet(buffer)
    else:
        table.write_csv(buffer)
    return buffer.getvalue()


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(k): _plain(v) for k, v in data.items()}
    if isinstance(data, (list, tuple, np.ndarray)):
        return [_plain(v) for v in data]
    if isinstance(data, (np.generic,)):
        data = data.item()
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data if data is None or isinstance(data, (bool, int, float, str)) else str(data)
