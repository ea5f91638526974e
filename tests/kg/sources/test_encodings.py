"""Encodings are told by their bytes; what is decoded so is the text again."""

from __future__ import annotations

import pytest

from kg.sources.guess.encodings import encoding_of

TEXTS = {
    "gb18030": "商品,名称,类别\n1,快乐的河流,喜剧\n2,黑暗的森林,恐怖\n3,荒野大镖客,西部\n4,红色的房子与少年,动作\n",
    "euc_kr": "번호,제목,장르\n1,행복한 강,코미디\n2,어두운 숲,공포\n3,먼지 나는 길,서부극\n4,붉은 집과 소년,액션\n",
    "shift_jis": "番号,題名,ジャンル\n1,しあわせの川,コメディ\n2,くらい森,ホラー\n3,ほこりの道,西部劇\n",
    "euc_jp": "番号,題名,ジャンル\n1,しあわせの川,コメディ\n2,くらい森,ホラー\n3,ほこりの道,西部劇\n",
    "cp1251": "номер,название,жанр\n1,Счастливая река,Комедия\n2,Тёмный лес,Ужасы\n3,Пыльная дорога,Вестерн\n",
    "cp1252": "nr,titel,genre\n1,Die fröhliche Öde – „Müller“,Komödie\n2,Großes Kino,Tragödie\n",
    "latin-1": "id,título,género\n1,El niño feliz,Comedia\n2,Mañana será otro día,Drama\n3,Corazón,Acción\n",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_encodings_are_told_apart(encoding: str) -> None:
    written = TEXTS[encoding].encode(encoding)
    found = encoding_of(written, whole=True)
    assert found is not None
    assert written.decode(found) == TEXTS[encoding]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "ascii"])
def test_utf8_is_not_told(encoding: str) -> None:
    assert encoding_of("id,name\n1,plain\n".encode(encoding), whole=True) is None


def test_utf16_has_a_mark() -> None:
    assert encoding_of(TEXTS["gb18030"].encode("utf-16"), whole=True) == "utf-16"


def test_a_character_cut_at_the_end_is_no_error() -> None:
    cut = TEXTS["gb18030"].encode()[:-3]
    while encoding_of(cut, whole=True) is None:
        cut = cut[:-1]
    assert encoding_of(cut, whole=False) is None


def test_a_few_bad_lines_do_not_make_another_encoding() -> None:
    assert encoding_of(b"id,name\n" + b"1,plain\n" * 500 + b"2,\xff\xfe\n", whole=True) is None
