"""The usual meaning of names of files and columns. Other modules check the values."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path

USER_WORDS = frozenset((
    "user", "customer", "member", "account", "client", "visitor", "viewer", "reviewer", "reader", "listener",
    "player", "patient", "student", "shopper", "buyer", "subscriber", "profile", "uid", "learner", "guest",
    "household", "borrower", "patron", "lender", "login", "nickname", "passenger", "traveler", "traveller", "tourist",
    "donor", "voter", "rater", "critic", "cust", "usr", "email", "mail", "emailaddress", "schueler", "schüler",
    "leser", "benutzername", "bewerter", "用户", "用户id", "会员", "买家", "顾客", "kunde", "benutzer", "nutzer",
    "kunden", "usuario", "cliente", "utilisateur", "пользователь", "покупатель", "клиент", "ユーザー", "ユーザ",
    "会員", "顧客", "사용자", "회원",
))  # fmt: skip
SESSION_WORDS = frozenset((
    "session", "sessions", "usersession", "sessionkey", "basket", "cart", "playlist", "order", "invoice",
    "transaction", "bestellung", "bestell", "auftrag", "rechnung", "pedido", "commande", "заказ", "订单", "visit",
    "会话", "sitzung", "sesion", "sesión", "seance", "séance", "сессия", "セッション",
))  # fmt: skip
ITEM_WORDS = frozenset((
    "item", "product", "movie", "film", "book", "song", "track", "artist", "album", "game", "article", "course",
    "recipe", "business", "restaurant", "sku", "asin", "isbn", "listing", "job", "video", "document", "news", "show",
    "series", "hotel", "place", "poi", "iid", "anime", "manga", "parentasin", "goods", "paper", "stock", "titleno",
    "货号", "référence", "reference", "ref", "repo", "venue", "prod", "lineitem", "podcast", "advert", "app", "good",
    "商品", "商品id", "电影", "影片", "书", "图书", "产品", "物品", "歌曲", "artikel", "produkt", "buch", "lied",
    "producto", "articulo", "artículo", "pelicula", "película", "libro", "cancion", "canción", "produit", "livre",
    "morceau", "товар", "фильм", "книга", "песня", "作品", "映画", "本", "アイテム", "상품", "영화", "책",
))  # fmt: skip
WEAK_ITEM_WORDS = frozenset((
    "ad", "channel", "brand", "topic", "station", "page", "url", "link", "episode", "post", "tweet", "beer", "wine",
    "dish",
))  # fmt: skip
"""Names that are items only where nothing else is: more often they are properties of items."""

_WHOLE_WORDS = frozenset(("artist", "album", "band", "performer"))
"""Items that consist of other items: where a track is named as well, that is the item."""

TIME_WORDS = (
    "timestamp", "time", "datetime", "date", "createdat", "created", "orderdate", "when", "ts", "day", "时间", "日期",
    "zeit", "datum", "zeitpunkt", "fecha", "hora", "heure", "horodatage", "data", "дата", "время", "日時", "日付",
    "시간", "날짜",
)  # fmt: skip
LABEL_WORDS = (
    "title", "name", "label", "displayname", "fullname", "caption", "headline", "username", "名称", "商品名称",
    "标题", "姓名", "片名", "书名", "品名", "昵称", "prénomnom", "prenomnom", "nomcomplet", "nombrecompleto",
    "vollername", "titel", "bezeichnung", "titulo", "título", "nombre", "titre", "nom", "libelle", "libellé",
    "название", "имя", "наименование", "名前", "題名", "タイトル", "商品名", "氏名", "제목", "이름",
)  # fmt: skip
TEXT_WORDS = (
    "description", "overview", "summary", "plot", "abstract", "text", "synopsis", "body", "content", "notes", "bio",
    "tagline", "storyline", "story", "blurb", "desc", "detaildesc", "syllabus", "details", "简介", "描述", "内容",
    "介绍", "摘要", "beschreibung", "inhalt", "descripcion", "descripción", "resumen", "sinopsis", "resume", "résumé",
    "описание", "сюжет", "аннотация", "説明", "あらすじ", "概要", "설명",
)  # fmt: skip
SENSITIVE_WORDS = (
    "age", "gender", "sex", "race", "ethnic", "religion", "email", "phone", "fax", "address", "birth", "zip",
    "postal", "income", "salary", "marital", "nationality", "ssn", "password", "latitude", "longitude", "card",
    "iban", "passport", "年龄", "性别", "电话", "邮箱", "alter", "geschlecht", "telefon", "edad", "sexo", "correo",
    "teléfono", "âge", "sexe", "возраст", "пол", "телефон", "почта", "年齢", "性別", "電話", "나이", "성별",
)  # fmt: skip
SOCIAL_NAME = re.compile(
    r"friend|follow|trust|contact|social|network|edge|knows|connection|amigo|freund|ami|关注|好友", re.IGNORECASE
)
"""Names of tables and columns that pair users with users."""

ENTITY_WORDS = ("entity", "entityid", "freebase", "freebaseid", "uri", "iri", "dbpedia", "wikidata", "node", "remapid")


KEY_NAMES = frozenset((
    "asin", "parentasin", "isbn", "isbn13", "sku", "ean", "upc", "gtin", "uid", "iid", "uuid", "slug", "编号", "序号",
))  # fmt: skip
"""Names of keys without a usual ending."""


_KEY_ENDINGS = (
    "id", "key", "code", "no", "number", "ref", "nr", "num", "nummer", "md5", "uri", "hash", "uuid", "guid", "编号",
    "番号",
)  # fmt: skip
_NAME_ENDINGS = (
    "emailaddress", "email", "mail", "fullname", "name", "sku", "asin", "isbn", "ean", "title", "titel", "nom",
    "nombre",
)  # fmt: skip


def plain(name: str) -> str:
    """A name without case and separators: `Order_ID` -> "orderid"."""
    return re.sub(r"[\W_]+", "", name.lower())


def stem_of(column: str) -> str:
    """The kind that a key column is the key of: `customerID`, `customer_id`,
    `CustomerKey` -> "customer"; "" for a bare `id`."""
    parts = plain(column)
    for ending in _KEY_ENDINGS:
        if parts.endswith(ending) and len(parts) - len(ending) != 1:
            return parts.removesuffix(ending)
    return parts


def is_user_name(name: str) -> bool:
    """Whether a column or table of this name is about users."""
    return _means(name, USER_WORDS)


def is_item_name(name: str) -> bool:
    """Whether a column or table of this name is about items."""
    return _means(name, ITEM_WORDS)


def names_user(name: str) -> bool:
    """Whether a column holds the names or addresses of users: `Reviewer_Name`, `customer email`."""
    return _means(_without_name(name), USER_WORDS)


def names_item(name: str) -> bool:
    """Whether a column holds the names of items (`ProductName`), or a possible item where nothing else is one."""
    return _means(_without_name(name), ITEM_WORDS) or stem_of(name) in WEAK_ITEM_WORDS


def is_whole(name: str) -> bool:
    """Whether a column names artists or albums, which are not items where their tracks are named too."""
    return stem_of(_without_name(name)) in _WHOLE_WORDS


def _without_name(name: str) -> str:
    plain_name = plain(name)
    for ending in _NAME_ENDINGS:
        if plain_name.endswith(ending) and plain_name != ending:
            return plain_name.removesuffix(ending)
    return plain_name


def is_session_name(name: str) -> bool:
    """Whether a column of this name is about one visit of a user: a session, a basket, a playlist."""
    return _means(name, SESSION_WORDS)


def _means(name: str, words: frozenset[str]) -> bool:
    stem = stem_of(name)
    return stem in words or singular(stem) in words or plain(name) in words


def named_like(name: str, words: tuple[str, ...]) -> bool:
    """Whether a name is one of the words, or a word with something in front (`companyName`)."""
    plain_name = plain(name)
    return any(plain_name == w or (len(w) > 3 and plain_name.endswith(w)) for w in words)


def is_sensitive(name: str) -> bool:
    """Whether a user's field of this name should not be shown."""
    parts = set(re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name)) | {plain(name)}
    lowered = {p.lower() for p in parts if p}
    return any(word in lowered or (len(word) > 3 and any(word in p for p in lowered)) for word in SENSITIVE_WORDS)


PERSON_NAMES = (
    "name", "姓名", "昵称", "nombre", "nom", "имя", "名前", "氏名", "이름", "prénomnom", "prenomnom", "nomcomplet",
    "nombrecompleto",
)  # fmt: skip

SELF_WORDS = (
    "similar", "related", "also", "sequel", "prequel", "parent", "next", "previous", "recommend", "variant",
    "substitut", "replace", "linked", "cites", "cited", "references", "together", "others",
)  # fmt: skip
"""Words in the names of columns that lead to other rows of the same table."""


def leads_to_own(name: str) -> bool:
    """Whether a column of this name may lead to other rows of its table: `similar_items`, `parent_id`."""
    return any(word in plain(name) for word in SELF_WORDS)


def singular(name: str) -> str:
    """The singular of an English plural, good enough for names of tables: categories -> category, movies -> movie."""
    lower = name.lower()
    if lower in ("series", "news", "movies", "cookies"):
        return {"movies": name[:-1], "cookies": name[:-1]}.get(lower, name)
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if lower.endswith(ending) and len(name) > len(ending) + 1:
            return name[: -len(ending)] + instead
    if lower.endswith("s") and not lower.endswith(("ss", "us", "is")) and len(name) > 2:
        return name[:-1]
    return name


def kind_name(text: str) -> str:
    """A name for a node kind out of a file's or column's: letters, digits and _, starts with a letter."""
    name = re.sub(r"\W+", "_", singular(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).strip())).strip("_").lower()
    return name if name and not name[0].isdigit() and name[0] != "_" else f"kind_{name}".rstrip("_")


def untaken(name: str, taken: Container[str]) -> str:
    """The name, with `_` behind it where it is taken."""
    while name in taken:
        name += "_"
    return name


def table_name(path: Path) -> str:
    """A file's name without its endings: `data/order_details.csv.gz` -> "order_details"."""
    name = path.name
    for _ in range(2):
        name = name.rsplit(".", 1)[0] if "." in name.lstrip(".") else name
    return name
