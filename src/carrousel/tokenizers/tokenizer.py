"""Text into tokens and back, without loss: characters, words or byte pairs.

Every token spells some bytes, and what a list of tokens spells is those bytes one after the
other. What a vocabulary does not hold is spelled by smaller tokens, in the end by the bytes of
its UTF-8 (byte fallback), so that ``decode(encode(text))`` is the text, as ``normalized`` has it.
"""

import codecs
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .pieces import normalized, split_elision

Tokens = NDArray[np.int64]
Result = TypeVar("Result")
LEVELS = ("char", "word", "bpe")


class Tokenizer:
    """What the three kinds share.

    Attributes:
        level: "char", "word" or "bpe".
        spelled: The bytes of each token.
        begin: The token that stands before a text: the end of a line.
    """

    level: str

    def __init__(self, spelled: Sequence[bytes]) -> None:
        self.spelled = list(spelled)
        self.begin = self.spelled.index(b"\n")

    def __len__(self) -> int:
        return len(self.spelled)

    @property
    def tokens(self) -> list[str]:
        """Each token as a reader may see it; half a character is shown as its bytes."""
        return [_shown(piece) for piece in self.spelled]

    def encode(self, text: str) -> Tokens:
        """(N,) int64.

        Raises:
            ValueError: It holds what cannot be spelled: a character outside a vocabulary that
                has no byte fallback, or half of a surrogate pair.
        """
        return self._spellable(self._encode, text)

    def read(self, text: str) -> tuple[Tokens, list[int]]:
        """(tokens (N,), where each ends in the normal form of the text), for a network that goes
        on reading. As ``encode``, but a word may be read as one that is written a little otherwise
        (see ``WordTokenizer``).

        Raises ``ValueError`` as ``encode`` does.
        """
        return self._spellable(self._read, text)

    def decode(self, tokens: Iterable[int]) -> str:
        """What the tokens spell; bytes that are no UTF-8 become U+FFFD."""
        return b"".join([self.spelled[token] for token in tokens]).decode("utf-8", "replace")

    def decoder(self) -> "Decoder":
        """For tokens that come one by one."""
        return Decoder(self)

    def ends(self, tokens: Sequence[int]) -> list[int]:
        """How many whole characters have been spelled after each token."""
        pieces = [self.spelled[token] for token in tokens]
        spelled = np.frombuffer(b"".join(pieces), np.uint8)
        begins = np.append((spelled[1:] & 0xC0) != 0x80, True)  # of the next byte: a character
        return begins.cumsum()[np.cumsum([len(piece) for piece in pieces], dtype=int) - 1].tolist()

    def split_end(self, text: str) -> tuple[str, str]:
        """(what is read of the beginning of a text, what the next token has to begin with).

        A beginning may end inside a token: words hold the space before them, and the apostrophe of
        "don'" is half of "'t". Such an end is not read, it is left to be written.
        """
        return normalized(text), ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data from which ``from_dict`` makes the same tokenizer."""
        raise NotImplementedError

    def _encode(self, text: str) -> Tokens:
        raise NotImplementedError

    def _read(self, text: str) -> tuple[Tokens, list[int]]:
        tokens = self._encode(text)
        return tokens, self.ends(tokens.tolist())

    def _spellable(self, act: Callable[[str], Result], text: str) -> Result:
        text = normalized(text)
        try:
            return act(text)
        except UnicodeEncodeError as error:
            raise ValueError(
                f"text holds half a surrogate pair, {text[error.start]!r}, at character "
                f"{error.start}: it is not Unicode text"
            ) from None


class WholeWords(Tokenizer):
    """Tokens that are cut inside pieces (see ``pieces``), so that the end of a text matters."""

    def split_end(self, text: str) -> tuple[str, str]:
        text = normalized(text)
        if text.endswith(" "):
            return text[:-1], " "
        before, elision = split_elision(text)
        if not elision or self._knows(elision):
            return text, ""
        if self._starts(elision):  # "aujourd'"
            return before, elision
        return (text[:-1], "'") if self._starts("'") else (text, "")

    def _knows(self, elision: str) -> bool:
        """Whether a word with an apostrophe at its end was learned as a piece."""
        raise NotImplementedError

    def _starts(self, beginning: str) -> bool:
        start = beginning.encode()
        return any(piece.startswith(start) and piece != start for piece in self.spelled)


class Decoder:
    """Spells tokens one by one: a character appears with the last of its bytes."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._spelled = tokenizer.spelled
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def __call__(self, token: int) -> str:
        return self._utf8.decode(self._spelled[token])

    def rest(self) -> str:
        """What half a character leaves at the end."""
        return self._utf8.decode(b"", final=True)


def _shown(piece: bytes) -> str:
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in piece)
