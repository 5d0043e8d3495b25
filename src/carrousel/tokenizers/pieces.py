"""Text cut into words, each with the space before it, digits, marks and spaces; nothing is lost.

A word is letters with their combining marks: the vowel signs of Hindi, the vowels of Arabic, the
tones of Thai belong to the letter before them, and so do the joiners inside words of Persian
(Unicode Standard Annex 29). A French elision ends with its apostrophe ("j'|ai"), an English ending
begins with it ("it|'s"). ``static/tokenizer.js`` of the explorer cuts in the same way.
"""

import re
import unicodedata

LONGEST = 100  # letters of a piece: byte pairs cost the square of a piece's length
VOWELS = "aeiouyhàâäæéèêëîïôöœùûüÿ"


def pattern(letter: str, mark: str, digit: str, word: str, other: str) -> str:
    """The pieces as a regular expression, from those of single characters; ``word``: what a word
    may go on with, ``other``: everything but letters, digits and spaces."""
    run = rf"{letter}(?:{letter}|{mark}){{0,{LONGEST - 1}}}"
    return (
        r" ?[Aa]ujourd['’]hui"
        rf"| ?{run}['’](?=[{VOWELS}{VOWELS.upper()}])"
        rf"|['’](?:s|t|re|ve|m|ll|d)(?!{word})"
        rf"| ?{run}"
        rf"| ?{digit}"
        rf"| ?{other}"
        r"|\s"
    )


def _marks() -> str:
    """All combining marks and joiners, as a class of Python's ``re``, which names none."""
    planes = (*range(0x20000), *range(0xE0100, 0xE01F0))  # there are none between, or behind
    codes = [c for c in planes if unicodedata.category(chr(c))[0] == "M" or c in (0x200C, 0x200D)]
    starts = [c for k, c in enumerate(codes) if not k or codes[k - 1] != c - 1]
    ends = [c for k, c in enumerate(codes) if k + 1 == len(codes) or codes[k + 1] != c + 1]
    ranges = (f"{chr(a)}-{chr(b)}" for a, b in zip(starts, ends, strict=True))
    return f"[{''.join(ranges)}]"


MARK = _marks()
PIECES = re.compile(pattern(r"[^\W\d_]", MARK, r"\d", rf"(?:\w|{MARK})", r"(?:[^\w\s]|_)"))
# The same for Oniguruma, where \w holds the marks.
ONIGURUMA = pattern(
    r"[\p{L}\p{Nl}\p{No}]",
    r"[\p{M}\x{200C}\x{200D}]",
    r"\p{Nd}",
    r"[\p{L}\p{N}\p{M}\x{200C}\x{200D}_]",
    r"[^\p{L}\p{N}\s]",
)
_TYPOGRAPHIC = re.compile(rf"(?:(?<=[^\W\d_])|(?<={MARK}))[’ʼ]")


def pieces(text: str) -> list[str]:
    """The words, marks and spaces of a text, one after the other.

    >>> pieces("Hier soir j'ai mangé, it's fine.")
    ['Hier', ' soir', " j'", 'ai', ' mangé', ',', ' it', "'s", ' fine', '.']
    """
    return PIECES.findall(text)


def normalized(text: str) -> str:
    """Unicode normal form C, in which é is one character however it was typed, with ' for the
    typographic apostrophe after a letter: what phones make of "j'ai" is the same word.

    >>> normalized("j’ai"), normalized("‘90")
    ("j'ai", '‘90')
    """
    return _TYPOGRAPHIC.sub("'", unicodedata.normalize("NFC", text))


def split_elision(text: str) -> tuple[str, str]:
    """(what comes before, the last word with its apostrophe) of a text that ends with one.

    Only the vowel that follows tells an elision from an English ending or a quotation mark, so
    that ``pieces`` cuts it off at the end of a text; a vocabulary may know better. The second is
    empty where no word ends with an apostrophe.

    >>> split_elision("Il n'"), split_elision("Il n")
    (('Il', " n'"), ('Il n', ''))
    """
    if not text.endswith("'"):
        return text, ""
    last = pieces(text[-2 * LONGEST :])[-2:]
    if len(last) < 2 or last[1] != "'" or not last[0].strip(" ")[:1].isalpha():
        return text, ""
    word = "".join(last)
    return text[: -len(word)], word
