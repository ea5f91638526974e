"""Headers and values in other languages than English; roles follow from names and from what stands in the columns."""

from __future__ import annotations

from dataclasses import dataclass

from tests.corpus.planted import WORLD, Act
from tests.corpus.render import Ids, at, category, events, items, maker, no_weight, table, users, writes, year
from tests.corpus.shape import Either, Expected, Shape

_ACTS = WORLD.acts
_LIKES = WORLD.likes


@dataclass(frozen=True, slots=True)
class _Words:
    """Names of three files and of their columns."""

    files: tuple[str, str, str]
    """Items, users, events; without the suffix."""
    items: tuple[str, str, str, str, str, str]
    """Key, name, category, maker, year, description."""
    users: tuple[str, str, str]
    """Key, name, city."""
    events: tuple[str, str, str, str]
    """User, item, stars, time."""
    separator: str = ","
    prefix: str = ""
    """Before every item's name."""


def _in(name: str, about: str, words: _Words, ids: Ids) -> Shape:
    item_file, user_file, event_file = (f"{f}.csv" for f in words.files)
    key, label, group, made_by, made_in, text = words.items
    user_key, user_name, city = words.users
    user, item, stars, time = words.events
    return Shape(
        f"language-{name}",
        about,
        writes(
            lambda: {
                item_file: table(
                    words.items,
                    (
                        (ids.item(i.number), f"{words.prefix}{i.label}", i.category, i.maker, i.year, i.text)
                        for i in WORLD.items
                    ),
                    words.separator,
                ),
                user_file: table(
                    words.users, ((ids.user(u.number), u.name, u.city) for u in WORLD.users), words.separator
                ),
                event_file: table(
                    words.events,
                    ((*ids.pair(a.user, a.item), a.rating, at(a.time, "%Y-%m-%d %H:%M:%S")) for a in _ACTS),
                    words.separator,
                ),
            }
        ),
        (item_file, user_file, event_file),
        Expected(
            events=(events(event_file, user=user, item=item, weight=stars, time=time, ids=ids),),
            nodes=(
                items(
                    item_file,
                    key=key,
                    label=label,
                    text=(text,),
                    name=lambda i: f"{words.prefix}{i.label}",
                    fields={made_in: year},
                    facts={group: category, made_by: maker},
                    ids=ids,
                ),
                users(user_file, key=user_key, label=user_name, ids=ids),
            ),
            either=(Either(user_file, city, ("field", "link")),),
            taste=ids.taste(),
        ),
        planted=True,
    )


CHINESE = _in(
    "chinese",
    "Chinese headers.",
    _Words(
        ("电影", "用户", "评分"),
        ("电影编号", "片名", "类型", "导演", "年份", "简介"),
        ("用户编号", "姓名", "城市"),
        ("用户编号", "电影编号", "评分", "时间"),
        prefix="电影：",
    ),
    Ids(lambda u: f"用户{u}", lambda i: f"影{i:03d}"),
)
GERMAN = _in(
    "german",
    "German headers, semicolons.",
    _Words(
        ("Bücher", "Leser", "Bewertungen"),
        ("BuchNr", "Titel", "Gattung", "Verfasser", "Erscheinungsjahr", "Beschreibung"),
        ("LeserNr", "Name", "Ort"),
        ("LeserNr", "BuchNr", "Sterne", "Zeitpunkt"),
        separator=";",
        prefix="Über ",
    ),
    Ids(lambda u: str(4_000 + u), lambda i: str(70_000 + i)),
)
SPANISH = _in(
    "spanish",
    "Spanish headers.",
    _Words(
        ("peliculas", "usuarios", "valoraciones"),
        ("id_pelicula", "título", "género", "director", "año", "descripción"),
        ("id_usuario", "nombre", "ciudad"),
        ("id_usuario", "id_pelicula", "puntuación", "fecha"),
    ),
    Ids(),
)
FRENCH = _in(
    "french",
    "French headers.",
    _Words(
        ("produits", "clients", "avis"),
        ("référence", "nom", "catégorie", "marque", "année", "description"),
        ("client", "prénom_nom", "ville"),
        ("client", "référence", "note", "date_avis"),
        separator=";",
    ),
    Ids(lambda u: f"CL{u:04d}", lambda i: f"REF{i:05d}"),
)
JAPANESE = _in(
    "japanese",
    "Japanese headers.",
    _Words(
        ("商品", "会員", "評価"),
        ("商品ID", "商品名", "カテゴリ", "メーカー", "発売年", "説明"),
        ("会員ID", "氏名", "都道府県"),
        ("会員ID", "商品ID", "評価", "評価日時"),
    ),
    Ids(lambda u: str(u), lambda i: f"S{i:04d}"),
)
RUSSIAN = _in(
    "russian",
    "Russian headers.",
    _Words(
        ("фильмы", "пользователи", "оценки"),
        ("ид_фильма", "название", "жанр", "режиссёр", "год", "описание"),
        ("ид_пользователя", "имя", "город"),
        ("ид_пользователя", "ид_фильма", "оценка", "дата"),
    ),
    Ids(),
)


def _bought(act: Act) -> tuple[object, ...]:
    item = WORLD.item(act.item)
    return (
        f"会员{act.user}",
        f"H{act.item}",
        item.label,
        "购买" if act.liked else "退货",
        act.quantity,
        at(act.time, "%Y/%m/%d"),
    )


ORDERS = Shape(
    "language-chinese-orders",
    "Purchases and returns in Chinese: 购买 is a purchase, 退货 a return; one flat file.",
    writes(lambda: {"订单.csv": table(("会员", "货号", "品名", "操作", "数量", "日期"), map(_bought, WORLD.clear))}),
    ("订单.csv",),
    Expected(
        events=(
            events(
                "订单.csv",
                user="会员",
                item="货号",
                time="日期",
                kind="操作",
                acts=WORLD.clear,
                ids=Ids(lambda u: f"会员{u}", lambda i: f"H{i}"),
                when=lambda t: t - t % 86_400,
                weigh=no_weight,
                counts=(len(WORLD.clear), len(_LIKES)),
            ),
        ),
        nodes=(items("订单.csv", key="货号", label="品名", ids=Ids(item=lambda i: f"H{i}")),),
        either=(Either("订单.csv", "数量", ("weight", "unread")),),
        taste=Ids(lambda u: f"会员{u}", lambda i: f"H{i}").taste(),
    ),
    planted=True,
)

ABBREVIATED = Shape(
    "language-none",
    "Headers that say nothing: c1 to c4 and a to e; roles follow from what joins what.",
    writes(
        lambda: {
            "t1.csv": table(("c1", "c2", "c3", "c4"), ((f"p{a.user}", f"q{a.item}", a.rating, a.time) for a in _ACTS)),
            "t2.csv": table(("a", "b", "c", "d"), ((f"q{i.number}", i.label, i.category, i.text) for i in WORLD.items)),
        }
    ),
    ("t1.csv", "t2.csv"),
    Expected(
        events=(
            events(
                "t1.csv",
                user="c1",
                item="c2",
                weight="c3",
                time="c4",
                ids=Ids(lambda u: f"p{u}", lambda i: f"q{i}"),
            ),
        ),
        nodes=(
            items("t2.csv", key="a", label="b", text=("d",), facts={"c": category}, ids=Ids(item=lambda i: f"q{i}")),
        ),
        taste=Ids(lambda u: f"p{u}", lambda i: f"q{i}").taste(),
    ),
    planted=True,
)

SHAPES = (CHINESE, GERMAN, SPANISH, FRENCH, JAPANESE, RUSSIAN, ORDERS, ABBREVIATED)
