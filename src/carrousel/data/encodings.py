"""In which encoding a text is: found where it is certain or plausible, else asked for.

A text that is no UTF-8 is read as Western European only where that gives words as such languages
have them. Otherwise the error says how other encodings read the longest word: a few names are too
little to tell them apart by how often letters follow each other, but a person sees it at once.
"""

import re
import unicodedata
from itertools import islice, pairwise
from pathlib import Path

WESTERN = "cp1252"
_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC", "FULLWIDTH")
_LATIN = ("LATIN",)
_OTHERS = {  # which scripts the letters outside ASCII are from, by Unicode's names
    "cp1251": ("CYRILLIC",), "koi8-r": ("CYRILLIC",), "cp866": ("CYRILLIC",),
    "cp1253": ("GREEK",), "cp1255": ("HEBREW",), "cp1256": ("ARABIC",),
    "cp932": _ASIAN, "euc_jp": _ASIAN, "gb18030": _ASIAN, "big5": _ASIAN, "cp949": ("HANGUL",),
    "cp1250": _LATIN, "cp850": _LATIN, "mac_roman": _LATIN,
}  # fmt: skip
_NAMED, _LINES = 4, 20_000
# Bytes below 64 are themselves in all of these encodings; what separates words is among them.
_BETWEEN = re.compile(rb'[\s",;]+')
_ACCENTS = re.compile(r"[^\W\d_a-zA-Z]{3}|\b[^\W\d_a-zA-Z]{2,}\b")  # no Latin word has so many
_INSIDE = "’‘'´`–—-·°."  # signs that may stand between the letters of one word


def encoding_of(path: Path, raw: bytes, given: str | None) -> tuple[str, list[str]]:
    """The encoding of a text, all of which can be decoded by it, and notes."""
    found, notes = given or _wide(raw[:2000]), []
    if found is None and b"\0" in raw[:2000]:
        raise ValueError(f"{path}: cannot be read as CSV: it is not text")
    try:
        raw.decode(found or "utf-8")
    except LookupError:
        raise ValueError(
            f"encoding must be that of a text, such as 'cp1252' or 'shift_jis', got {found!r}"
        ) from None
    except UnicodeDecodeError as error:
        if found is not None:
            raise ValueError(
                f"{path}: byte {error.start} is not {found}; give encoding (--encoding)"
            ) from None
        _require_western(path, raw, error.start)
        return WESTERN, [f"not UTF-8: text read as Western European ({WESTERN})"]
    if found is not None and found.startswith(("utf-16", "utf-32")):
        notes.append(f"text read as {found[:6].upper()}")
    return found or "utf-8", notes


def _wide(raw: bytes) -> str | None:
    """The encoding, if characters take two or four bytes each: by the mark at the beginning, or
    because letters and digits leave the other bytes of each character zero."""
    if raw[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):  # looked at first: UTF-16's begins alike
        return "utf-32"
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if len(raw) < 8:
        return None
    empty = [raw[k::4].count(0) > 0.7 * (len(raw) // 4) for k in range(4)]
    patterns: dict[tuple[bool, ...], str] = {
        (False, True, True, True): "utf-32-le", (True, True, True, False): "utf-32-be",
        (False, True, False, True): "utf-16-le", (True, False, True, False): "utf-16-be",
    }  # fmt: skip
    return patterns.get(tuple(empty))


def _require_western(path: Path, raw: bytes, broken: int) -> None:
    words = _foreign_words(raw)
    if _is_decoded(raw, WESTERN) and _share(words, WESTERN) >= 0.9:
        return
    others = [one for one in _OTHERS if _is_decoded(raw, one) and _share(words, one) == 1]
    longest = max(words, key=len)
    seen = [f"{one} ({_read(longest, one)!r})" for one in others[:_NAMED]]
    raise ValueError(
        f"{path}: it is neither UTF-8 (byte {broken}) nor words in {WESTERN}; give encoding "
        f"(--encoding){', perhaps ' if seen else ''}{', '.join(seen)}"
    )


def _foreign_words(raw: bytes) -> list[bytes]:
    """Words that have bytes outside ASCII, each once, of the first lines that have any."""
    lines = islice((line for line in raw.splitlines() if not line.isascii()), _LINES)
    words = (word for line in lines for word in _BETWEEN.split(line) if not word.isascii())
    return list(dict.fromkeys(words))


def _is_decoded(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _read(word: bytes, encoding: str) -> str:
    return word.decode(encoding, errors="replace")[:30]


def _share(words: list[bytes], encoding: str) -> float:
    """How many of the words are such as a language may have, read with this encoding."""
    scripts = _OTHERS.get(encoding, _LATIN)
    return sum(_is_word(_read(word, encoding), scripts) for word in words) / len(words)


def _is_word(word: str, scripts: tuple[str, ...]) -> bool:
    """Whether its letters outside ASCII are of these scripts and stand as languages place them."""
    names = [unicodedata.name(c, "NOTHING").split(" ")[0] for c in word if not c.isascii()]
    letters = [c for c in word if not c.isascii() and c.isalpha() and c not in "ªºµ"]
    if {"NOTHING", "BOX"} & set(names) or any(
        unicodedata.name(c).split(" ")[0] not in scripts for c in letters
    ):
        return False
    signs = [not c.isascii() and not c.isalpha() and c not in _INSIDE for c in word]
    if any(a and b for a, b in pairwise(signs)):
        return False
    for before, sign, here, after in zip(word, signs[1:], word[1:], word[2:], strict=False):
        if sign and before.isalpha() and after.isalpha():
            return False
        if scripts != _LATIN and not here.isascii() and _is_ascii_letters(before + after):
            return False
    if any(a.islower() and b.isupper() for a, b in pairwise(word) if not (a + b).isascii()):
        return False
    return scripts != _LATIN or not _ACCENTS.search(word)


def _is_ascii_letters(text: str) -> bool:
    return text.isascii() and text.isalpha()
