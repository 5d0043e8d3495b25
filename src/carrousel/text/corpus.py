"""Text in, tokens out, chunk by chunk: no text has to fit into memory."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..tokenizers.pieces import normalized
from ..tokenizers.tokenizer import Tokenizer

Source = str | Path | Sequence[str | Path]  # a text, a file, or several of both
CHUNK = 1 << 20  # characters


@dataclass(frozen=True)
class Corpus:
    """Tokens on disk, mapped into memory: the begin token, then those of the text."""

    tokens: np.ndarray  # (N,) uint16, or uint32 for more than 65,536 kinds
    digest: str  # of all of them
    characters: int

    @classmethod
    def of(cls, source: Source, tokenizer: Tokenizer) -> "Corpus":
        """Encode a text into a temporary file that goes with the last who holds its tokens."""
        dtype = np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32
        digest, characters = hashlib.sha256(), 0
        with tempfile.TemporaryFile() as file:
            file.write(np.array([tokenizer.begin], dtype).tobytes())
            for chunk in chunks(source):
                some = tokenizer.encode(chunk).astype(dtype).tobytes()
                digest.update(some)
                characters += len(chunk)
                file.write(some)
            file.flush()
            tokens = np.memmap(file, dtype, "r")
        return cls(tokens, digest.hexdigest(), characters)

    def split(self, share: float) -> "tuple[Corpus, Corpus]":
        """Its beginning, and its last ``share`` of tokens."""
        at = len(self.tokens) - round(len(self.tokens) * share)
        characters = round(self.characters * (1 - share))
        rest = self.characters - characters
        return (
            Corpus(self.tokens[:at], self.digest, characters),
            Corpus(self.tokens[at - 1 :], self.digest, rest),
        )


def chunks(source: Source) -> Iterator[str]:
    """The text in NFC, cut where neither a character nor a word can be cut.

    Raises:
        ValueError: It is empty, or a file is not UTF-8.
        FileNotFoundError: A file is missing.
    """
    empty, last = True, "\n"
    for part in [source] if isinstance(source, (str, Path)) else source:
        if not last.endswith("\n"):
            yield "\n"  # between two files or texts
        for chunk in _chunks_of(part):
            empty, last = False, chunk
            yield normalized(chunk)
    if empty:
        raise ValueError(f"the text is empty{_name(source)}")


def _chunks_of(part: str | Path) -> Iterator[str]:
    if isinstance(part, Path):
        return _read(part)
    if not isinstance(part, str):
        raise TypeError(f"a text must be str, a file pathlib.Path, got {type(part).__name__}")
    if "\n" not in part and len(part) < 200 and _is_file(part):
        raise ValueError(f"{part!r} names a file: pass Path({part!r}) to read it")
    return iter([part] if part else [])


def _read(path: Path) -> Iterator[str]:
    """Chunks that end with a line, or, in endless lines, before a space."""
    with path.open(encoding="utf-8-sig") as file:
        rest = ""
        try:
            while more := file.read(CHUNK):
                rest += more
                cut = rest.rfind("\n") + 1 or rest.rfind(" ")
                if cut > 0:
                    yield rest[:cut]
                    rest = rest[cut:]
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not UTF-8 text: {error.reason}") from error
    if rest:
        yield rest


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _name(source: Source) -> str:
    parts = [source] if isinstance(source, (str, Path)) else source
    files = [str(part) for part in parts if isinstance(part, Path)]
    return f": {', '.join(files)}" if files else ""
