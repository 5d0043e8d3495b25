"""Text into tokens and back, without loss: characters, words or byte pairs.

Every token spells some bytes, and what a list of tokens spells is those bytes one after the
other. What a vocabulary does not hold is spelled by smaller tokens, in the end by the bytes of
its UTF-8 (byte fallback), so that ``decode(encode(text))`` is the text, normalised to NFC.
"""

import codecs
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int64]
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
        text = normalized(text)
        try:
            return self._encode(text)
        except UnicodeEncodeError as error:
            raise ValueError(
                f"text holds half a surrogate pair, {text[error.start]!r}, at character "
                f"{error.start}: it is not Unicode text"
            ) from None

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

    def to_dict(self) -> dict[str, Any]:
        """Plain data from which ``from_dict`` makes the same tokenizer."""
        raise NotImplementedError

    def _encode(self, text: str) -> Tokens:
        raise NotImplementedError


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


def learn_tokenizer(
    level: str, chunks: Iterator[str], size: int | None, byte_fallback: bool
) -> Tokenizer:
    """The tokenizer of a text that is read once, chunk by chunk (see ``corpus.chunks``)."""
    if level == "bpe":
        from .tokenizer_bpe import BytePairTokenizer

        return BytePairTokenizer.learn(chunks, size)
    if level == "word":
        from .tokenizer_words import WordTokenizer

        return WordTokenizer.learn(chunks, size)
    from .tokenizer_characters import CharacterTokenizer

    return CharacterTokenizer.learn(chunks, size, byte_fallback)


def tokenizer_from_dict(data: dict[str, Any]) -> Tokenizer:
    """The tokenizer of which ``to_dict`` made ``data``."""
    if data["level"] == "bpe":
        from .tokenizer_bpe import BytePairTokenizer

        return BytePairTokenizer(data["json"])
    if data["level"] == "word":
        from .tokenizer_words import WordTokenizer

        return WordTokenizer(data["words"], data["characters"])
    from .tokenizer_characters import CharacterTokenizer

    return CharacterTokenizer(data["characters"], data["byte_fallback"])


def normalized(text: str) -> str:
    """Unicode normal form C: é is one character, however it was typed."""
    return unicodedata.normalize("NFC", text)


def _shown(piece: bytes) -> str:
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in piece)
