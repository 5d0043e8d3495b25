"""Texts in old encodings: read where they can be known, else refused with how others read them."""

from pathlib import Path

import pytest

from carrousel.data import to_panel
from carrousel.data.encodings import encoding_of
from carrousel.data.reading import ReadOptions

ROWS = [f"2024-01-{day:02},{day}" for day in range(1, 31)]
WESTERN = [
    "Orléans",
    "été",
    "Œuvres",
    "Öl",
    "São Paulo",
    "m²",
    "10 €",
    "«là»",
    "l’été",
    "n°3",
    "ÉTÉ",
]
FOREIGN = {
    "cp1251": ["Москва", "Казань"], "koi8-r": ["Москва", "Казань"], "cp866": ["Москва", "Казань"],
    "cp1250": ["Łódź", "Wałbrzych"], "cp1253": ["Αθήνα", "Πάτρα"], "cp1255": ["ירושלים", "חיפה"],
    "cp1256": ["القاهرة", "بيروت"], "cp932": ["東京", "ソニー"], "euc_jp": ["東京", "大阪"],
    "gb18030": ["北京", "上海"], "big5": ["台北", "高雄"], "cp949": ["서울", "부산"],
    "cp850": ["Orléans", "Nîmes"], "mac_roman": ["Orléans", "Nîmes"],
}  # fmt: skip


def written(path: Path, words: list[str], encoding: str) -> Path:
    lines = [f"{word},{row}" for word in words for row in ROWS]
    path.write_bytes("\r\n".join(["unique_id,ds,y", *lines]).encode(encoding))
    return path


@pytest.mark.parametrize("word", WESTERN)
def test_words_of_western_languages_are_read_and_it_is_told(word, tmp_path):
    panel, notes = to_panel(written(tmp_path / "a.csv", [word], "cp1252"))
    assert (panel.ids, notes) == ([word], ["not UTF-8: text read as Western European (cp1252)"])


@pytest.mark.parametrize("encoding", FOREIGN)
def test_other_words_are_refused_and_the_encoding_is_named_with_what_it_reads(encoding, tmp_path):
    words = FOREIGN[encoding]
    path = written(tmp_path / "a.csv", words, encoding)
    with pytest.raises(ValueError, match="nor words in cp1252; give encoding") as told:
        to_panel(path)
    assert f"{encoding} ({max(words, key=len)!r})" in str(told.value)
    assert to_panel(path, reading=ReadOptions(encoding=encoding))[0].ids == words


def test_one_odd_word_among_many_is_no_other_encoding(tmp_path):
    words = [f"café {k}é" for k in range(30)] + ["ÃÃÃÃ"]
    assert to_panel(written(tmp_path / "a.csv", words, "cp1252"))[0].ids == words


def test_bytes_that_no_encoding_reads_as_words():
    with pytest.raises(
        ValueError, match=r"neither UTF-8 \(byte 5\) nor words in cp1252; give .*encoding\)$"
    ):
        encoding_of(Path("a.csv"), b"ds,y,\xff\x98\xff\x81\xb0\xc1\xff,\xe9\xe8", None)
