"""Words of several languages in the names of signal columns: ratings, votes, quantities, and columns that are none."""

from __future__ import annotations

import re

from kg.sources.guess.words import plain

RATING_WORDS = frozenset((
    "rating", "ratings", "score", "star", "stars", "overall", "grade", "mark", "rate", "rated", "userrating",
    "reviewscore", "starrating", "bookrating", "userscore", "satisfaction", "评分", "评级", "星级", "打分", "分数",
    "得分", "bewertung", "sterne", "note", "punkte", "notiz", "puntuacion", "puntuación", "calificacion",
    "calificación", "valoracion", "valoración", "estrellas", "nota", "avaliacao", "avaliação", "voto", "valutazione",
    "evaluation", "évaluation", "etoiles", "étoiles", "оценка", "рейтинг", "балл", "評価", "点数", "星", "평점",
    "별점",
))  # fmt: skip

VOTE_WORDS = frozenset((
    "vote", "votes", "thumb", "thumbs", "thumbsup", "feedback", "reaction", "like", "liked", "likes", "islike",
    "isliked", "favorite", "favourite", "isfavorite", "isfavourite", "preference", "sentiment", "opinion", "label",
    "target", "click", "clicked", "isclick", "isclicked", "ispositive", "positive", "interested", "response",
    "converted", "conversion", "purchased", "bought", "recommended", "isrecommended", "voted", "upvote", "implicit",
    "y", "喜欢", "点赞", "投票", "标签", "是否喜欢", "点击", "gefallt", "gefällt", "stimme", "megusta", "gusta",
    "aime", "лайк", "нравится", "голос", "いいね", "好き", "좋아요",
))  # fmt: skip

QUANTITY_WORDS = frozenset((
    "quantity", "qty", "count", "units", "pieces", "plays", "playcount", "listens", "listencount", "views",
    "viewcount", "clicks", "clickcount", "hours", "minutes", "seconds", "duration", "watchtime", "listentime",
    "playtime", "dwell", "dwelltime", "weight", "amount", "visits", "checkins", "times", "frequency", "progress",
    "percent", "completion", "hoursplayed", "watchminutes", "nights", "days", "persons", "numplays", "nplays",
    "value", "数量", "次数", "时长", "购买数量", "menge", "anzahl", "stück", "stuck", "dauer", "minuten", "stunden",
    "cantidad", "minutos", "horas", "unidades", "quantite", "quantité", "nombre", "minutesvues", "количество",
    "минуты", "回数", "数", "個数", "수량",
))  # fmt: skip

CONTEXT_WORDS = frozenset((
    "price", "unitprice", "cost", "reordered", "modelscore", "predictedscore", "bannerpos", "total", "revenue",
    "discount", "tax", "year", "month", "day", "hour", "weekday", "week", "age", "position", "rank", "index", "order",
    "ordernumber", "addtocartorder", "line", "linenumber", "page", "pos", "trackno", "tracknumber", "session",
    "sessionid", "lat", "lon", "lng", "latitude", "longitude", "zip", "zipcode", "postcode", "store", "storeid",
    "device", "deviceid", "version", "split", "fold", "helpful", "unhelpful", "helpfulvotes", "unnamed", "rownumber",
    "seq", "sequence", "daysincepriororder", "level", "currency", "currencyid", "verified", "verifiedpurchase",
    "channel", "channelid", "bought_count", "价格", "金额", "preis", "betrag", "precio", "prix", "цена", "価格",
    "가격",
))  # fmt: skip
"""Names of numbers beside events that do not tell what users like."""

YES_WORDS = frozenset((
    "true", "t", "yes", "y", "like", "liked", "likes", "love", "loved", "up", "upvote", "upvoted", "thumbsup",
    "thumbup", "positive", "pos", "good", "great", "favorite", "favourite", "recommended", "recommend", "interested",
    "click", "clicked", "👍", "❤", "❤️", "😀", "😍", "+", "是", "喜欢", "赞", "好评", "推荐", "力荐", "五星", "四星",
    "5星", "4星", "很好", "非常好", "ja", "gut", "gefällt", "gefallt", "si", "sí", "bueno", "megusta", "oui", "bien",
    "bon", "aime", "да", "нравится", "хорошо", "はい", "好き", "良い", "네", "좋아요",
))  # fmt: skip

DISLIKE_WORDS = frozenset((
    "dislike", "disliked", "dislikes", "hate", "hated", "down", "downvote", "downvoted", "thumbsdown", "thumbdown",
    "negative", "neg", "bad", "poor", "terrible", "notrecommended", "notinterested", "👎", "💔", "😡", "不喜欢", "踩",
    "差评", "不推荐", "很差", "不好", "schlecht", "gefälltnicht", "gefalltnicht", "malo", "nomegusta", "mauvais",
    "naimepas", "ненравится", "плохо", "嫌い", "悪い", "싫어요",
))  # fmt: skip
"""Words that say that a user does not want the item."""

NO_WORDS = DISLIKE_WORDS | frozenset((
    "false", "f", "no", "n", "not", "skip", "skipped", "ignored", "notclicked", "impression", "shown",
    "-", "否", "一星", "二星", "三星", "1星", "2星", "3星", "较差", "还行", "nein", "non", "нет", "いいえ",
    "아니요", "neutral", "meh", "ok", "average", "中评", "一般", "none", "unknown", "mixed",
))  # fmt: skip
"""Words for dislike, or for no opinion."""

YES_STEMS = (
    "upvot", "upmod", "lov", "lik", "recommend", "favo", "great", "excellent", "awesome", "amazing", "good", "gefäll",
    "gefall", "toll", "super", "lieb", "empfehl", "gust", "encant", "recomend", "excel", "aim", "ador", "recommand",
    "нрав", "люб", "отлич", "рекоменд", "хорош", "best", "won", "agree", "enjoy", "muy", "buen", "perfect", "right",
    "match", "satisf",
)  # fmt: skip
NO_STEMS = (
    "downvot", "downmod", "hat", "dislik", "bad", "terribl", "poor", "awful", "worst", "boring", "schlecht",
    "furchtbar", "mittel", "odi", "mal", "horrib", "détest", "detest", "mauvais", "плох", "ужас", "ненав", "neutral",
    "average", "mixed", "unlik", "dissatisf", "unsatisf", "left", "skip", "ignor", "nope", "pass", "lost", "disagree",
    "regular", "peor",
)  # fmt: skip
NOT_WORDS = frozenset((
    "not", "no", "dont", "don", "didnt", "didn", "never", "nicht", "kein", "keine", "nie", "pas", "ne", "jamais",
    "nunca", "не", "нет", "nao", "não", "non", "ok", "okay", "meh",
))  # fmt: skip
YES_SIGNS = "👍❤💚💙💜🧡💛😻⭐🌟🔥🎉💯🥰🤩😋😍😀😃😄😁😊🙂😆😎👏🙌♥"
NO_SIGNS = "👎💔😡😠😞😒🤮😐😑🙁☹😢😭😤😖😕🤢😩💩😴"

UNCLEAR_WORDS = frozenset({"value", "weight", "amount", "count", "points", "times"})
"""Names of both quantities and ratings."""

_KIND_NAME = re.compile(
    r"(event|action|behaviou?r|activity|interaction|vote|rating|reaction|feedback|verdict|opinion|direction|status|"
    r"state|stage|type|kind|verb|mood|行为|类型|действие)",
    re.IGNORECASE,
)


def is_kind_name(name: str) -> bool:
    """Whether a column of this name tells kinds of events apart: `behavior_type`, `VoteTypeId`, `action`."""
    return _KIND_NAME.search(name) is not None and plain(name) not in CONTEXT_WORDS


HAD_WORDS = (
    "purchase", "purchased", "buy", "bought", "order", "ordered", "transaction", "checkout", "paid", "sale", "pay",
    "stayed", "completed", "attended", "conversion", "convert", "converted", "install", "installed", "signup",
    "delivered", "shipped", "won", "购买", "下单", "支付", "kauf", "gekauft", "compra", "comprado", "achat", "acheté",
    "покупка", "купил", "購入", "구매",
)  # fmt: skip
"""Kinds of events that mean most, where there are several."""

WANTED_WORDS = (
    "cart", "carts", "addtocart", "basket", "addtobasket", "favorite", "favourite", "fav", "wishlist", "collect",
    "save", "saved", "bookmark", "like", "liked", "follow", "share", "subscribe", "enroll", "complete", "completed",
    "finish", "finished", "play", "played", "watch", "watched", "listen", "read", "download", "加购", "收藏",
    "warenkorb", "carrito", "panier", "корзина", "カート", "장바구니",
)  # fmt: skip

SEEN_WORDS = (
    "view", "views", "viewed", "pageview", "click", "clicks", "clicked", "pv", "impression", "show", "shown", "visit",
    "browse", "open", "preview", "search", "detail", "hover", "浏览", "点击", "曝光", "ansicht", "angesehen", "vista",
    "visto", "vue", "просмотр", "閲覧", "조회",
)  # fmt: skip

LEFT_WORDS = (
    "remove", "removed", "removefromcart", "return", "returned", "refund", "refunded", "cancel", "cancelled",
    "canceled", "dislike", "disliked", "hide", "hidden", "block", "blocked", "report", "unfollow", "unlike", "skip",
    "skipped", "drop", "dropped", "downvote", "hate", "uninstall", "uninstalled", "unsubscribe", "unsubscribed",
    "unfollowed", "unsave", "unfavorite", "unstar", "refunds", "cancellation", "cancellations", "hides", "skips",
    "unfollows", "uninstalls", "notinterested", "noshow", "rejected", "declined", "expired", "lost", "returns", "退货",
    "取消", "不喜欢", "storno", "retoure", "devolución", "devolucion", "retour", "возврат", "返品", "반품",
)  # fmt: skip
"""Kinds of events that mean taking back or dislike."""

_AGAINST = (
    "dislike", "thumbsdown", "thumbdown", "downvote", "notinterested", "negative", "hate", "skip", "return", "refund",
    "block", "hidden", "hide", "cancel", "unfollow", "unsubscrib", "uninstall", "abandon", "不喜欢", "踩",
)  # fmt: skip
_SURELY_AGAINST = (
    "dislike", "thumbsdown", "thumbdown", "downvote", "notinterested", "negative", "hate", "不喜欢", "踩",
)  # fmt: skip


def says_against(name: str) -> bool | None:
    """Whether a yes in a column of this name says that the user does not want the item: None if it does not, False if
    that is only likely (`returned`, `skipped`), True for dislike.
    """
    words = [plain(name), plain(re.sub(r"^(is|has|was|user)(?=[A-Z_ ])", "", name))]
    if any(word.startswith(_SURELY_AGAINST) for word in words):
        return True
    return False if any(word.startswith(_AGAINST) for word in words) else None


DISLIKE_STEMS = (
    "dislike", "downvote", "thumbsdown", "thumbdown", "notinterested", "hate", "unlike", "blocked", "不喜欢", "踩",
)  # fmt: skip


def is_signal_name(name: str) -> bool:
    """Whether a column of this name holds ratings, votes, quantities or other numbers of an event, and not ids."""
    return plain(name) in RATING_WORDS | VOTE_WORDS | QUANTITY_WORDS | CONTEXT_WORDS and not name.lower().endswith("id")
