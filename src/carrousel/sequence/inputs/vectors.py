"""Pretrained vectors of words, in the text format of word2vec and of GloVe."""

import gzip
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Vectors:
    """``table`` (V, width) float32 of the words that were asked for or came first."""

    number: dict[str, int]
    table: NDArray[np.float32]
    first: list[str]  # words at the beginning of the file

    @property
    def width(self) -> int:
        return self.table.shape[1]

    def of(self, word: str) -> NDArray[np.float32] | None:
        """The vector of a word, of its small letters if it has none itself; None: neither has."""
        found = self.number.get(word, self.number.get(word.lower()))
        return None if found is None else self.table[found]


def read_vectors(path: str | Path, words: Set[str], first: int) -> Vectors:
    """Read what is needed of a file: the vectors of ``words`` and the ``first`` lines.

    A line is a word and its numbers, between blanks. word2vec writes how many words and numbers
    there are above them, GloVe does not. Files may be compressed with gzip.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line has other numbers than the first, or none, or nothing is known of any
            of the words.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"vectors: {path}: there is no such file")
    wanted = words | {word.lower() for word in words}
    number: dict[str, int] = {}
    rows: list[NDArray[np.float32]] = []
    beginning: list[str] = []
    width = 0
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="\n") as file:
            for line_number, line in enumerate(file, 1):
                cells = line.rstrip().split(" ")
                if line_number == 1 and len(cells) == 2 and all(cell.isdigit() for cell in cells):
                    width = int(cells[1])
                    continue
                if not line.strip():
                    continue
                width = width or len(cells) - 1
                if len(cells) <= width or width < 1:
                    raise ValueError(
                        f"vectors: {path.name}, line {line_number}: must have a word and "
                        f"{max(width, 1)} numbers, got {len(cells)} fields"
                    )
                word = " ".join(cells[:-width])  # a few hold blanks
                early = len(beginning) < first
                if (early or word in wanted) and word not in number:
                    number[word] = len(rows)
                    rows.append(_numbers(cells[-width:], path, line_number))
                    if early:
                        beginning.append(word)
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise ValueError(f"vectors: {path.name} is no text in UTF-8 ({error})") from None
    if not rows or not wanted & number.keys():
        raise ValueError(f"vectors: {path.name} knows none of the words to learn from")
    return Vectors(number, np.stack(rows), beginning)


def _numbers(cells: list[str], path: Path, line: int) -> NDArray[np.float32]:
    try:
        vector = np.array(cells, np.float32)
    except ValueError as error:
        raise ValueError(f"vectors: {path.name}, line {line}: {error}") from None
    if not np.isfinite(vector).all():
        raise ValueError(f"vectors: {path.name}, line {line}: a number is not finite")
    return vector
