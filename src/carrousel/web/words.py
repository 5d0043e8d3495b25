"""Sentences into words and back, the same rule here and in ``static/words.js``."""

import re
import unicodedata

WORD = re.compile(r"[^\W\d_]+'|[^\W\d_]+|\d+|[^\w\s]")


def split_words(text: str) -> list[str]:
    """French elisions are words of their own.

    >>> split_words("Hier soir j’ai mangé un hamburger.")
    ['hier', 'soir', "j'", 'ai', 'mangé', 'un', 'hamburger', '.']
    """
    text = unicodedata.normalize("NFC", text).replace("’", "'")
    return [word.lower() for word in WORD.findall(text)]
