"""Normalise film titles for comparison: spelling, inverted articles, alternative titles, long names.

MovieLens writes "Usual Suspects, The" and "Return of Martin Guerre, The (Retour de Martin Guerre, Le)", Wikidata writes
"The Usual Suspects" and "Star Wars: Episode IV – A New Hope". `names` lists the names that a title may have; `linking`
decides which film a name belongs to.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# Articles that MovieLens puts at the end of a title. "L'" is separate because no space follows it.
_ARTICLES = (
    "the a an le la les un une il lo gli i el los las una uno der die das ein eine det den en ett o os as de het"
)
_INVERTED = re.compile(rf"^(?P<rest>.+), (?P<article>{'|'.join(_ARTICLES.split())}|l')$", re.IGNORECASE)
# Articles that are removed at the start of a title. The others are also ordinary words in English titles ("I Shot Andy
# Warhol", "Die Hard", "O Brother"), so they are moved to the front and kept.
_LEADING_ARTICLE = re.compile(r"^(?:the|a|an|le|la|les|il|el|los|las|der|das|det) (?=\S)|^l'(?=\S)")
_BRACKETED = re.compile(r"\s*\(([^()]*)\)")
# "Léon: The Professional", "Halloween 4 - The Return", "Dr. Strangelove or: How I Learned to Stop Worrying".
_SUBTITLE = re.compile(r",?\s+or:\s+|\s*[:;]\s+|\s+[–—-]\s+")
# "William Shakespeare's Romeo and Juliet": an owner has two or more words, never one ("Rosemary's Baby").
_OWNER = re.compile(r"^(?:[A-Z][\w.]*\s+)+[A-Z][\w.]*['’]s\s+(?=\S)")
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})

_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
_ORDINAL_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
# Roman numerals count only after the first word: "V for Vendetta" and "X" are not numbers, "I" is never one.
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_SAME_WORD = (
    {word: str(n) for n, word in enumerate(_NUMBERS, 1)}
    | {word: f"{n}{_ORDINAL_ENDINGS.get(n, 'th')}" for n, word in enumerate(_ORDINALS, 1)}
    | {"blvd": "boulevard", "mister": "mr", "monsieur": "mr", "doctor": "dr", "saint": "st"}
)
# Optional words, which only some spellings of a title have: "Part", "and" in four languages, inner articles.
_FILLERS = frozenset(["part", "episode", "chapter", "volume", "vol", "and", "et", "und", "y", "the", "a", "an"])


@dataclass(frozen=True, slots=True)
class Names:
    """The names under which a title is compared: `main` and `alternatives` by `exact_key`, the rest by `loose_key`."""

    main: str
    """The title itself without the parts in brackets."""
    alternatives: tuple[str, ...]
    """Every title in brackets."""
    loose: tuple[str, ...]
    """The title and its alternatives, for loose comparison."""
    beginnings: tuple[str, ...]
    """The title without its last words, down to two of them. No number is cut off: it distinguishes a sequel."""
    unowned: str
    """The title without its leading owner ("Stephen King's …"), "" where it has none."""
    lead: str
    """The part before the first subtitle mark, "" where there is none."""
    subtitle: str
    """The part after the last subtitle mark, "" where there is none."""

    @property
    def exact(self) -> frozenset[str]:
        """The exact keys of the whole title. Two titles of MovieLens from one year that share one are the same film."""
        return frozenset((self.main, *self.alternatives))


def names(title: str) -> Names:
    """All names of a title."""
    main = uninverted(_BRACKETED.sub("", title))
    alternatives = [uninverted(other) for other in _BRACKETED.findall(title) if other.strip()]
    parts = _SUBTITLE.split(main)
    whole = len(parts) == 1
    words = _loose_words(main)
    unowned = _OWNER.sub("", main)
    return Names(
        main=exact_key(main),
        alternatives=tuple(exact_key(other) for other in alternatives),
        loose=tuple(loose_key(name) for name in (main, *alternatives)),
        beginnings=tuple("".join(words[:end]) for end in range(2, len(words)) if not words[end].isdigit()),
        unowned=loose_key(unowned) if unowned != main else "",
        lead="" if whole else loose_key(parts[0]),
        subtitle="" if whole else loose_key(parts[-1]),
    )


def uninverted(title: str) -> str:
    """The title with an article at its end put in front: "Usual Suspects, The" becomes "The Usual Suspects"."""
    title = " ".join(title.split())
    match = _INVERTED.match(title)
    if match is None:
        return title
    article, rest = match["article"], match["rest"]
    return article + rest if article.endswith("'") else f"{article} {rest}"


def readable(title: str) -> str:
    """The title for display: articles in front, also in the alternatives in brackets."""
    main = uninverted(_BRACKETED.sub("", title))
    others = [f"({uninverted(other)})" for other in _BRACKETED.findall(title) if other.strip()]
    return " ".join((main, *others))


def exact_key(name: str) -> str:
    """Letters and digits of the name, in lower case and without accents."""
    return "".join(char for char in _folded(name) if char.isalnum())


def loose_key(name: str) -> str:
    """As `exact_key`, with numbers as digits, without a leading article and optional words."""
    return "".join(_loose_words(name))


def _loose_words(name: str) -> list[str]:
    text = _LEADING_ARTICLE.sub("", " ".join(_folded(name).split()))
    words: list[str] = re.findall(r"[^\W_]+", text.replace("'", ""))
    same = [_SAME_WORD.get(word) or (_ROMAN.get(word, word) if at else word) for at, word in enumerate(words)]
    return [word for word in same if word not in _FILLERS] or same


def one_slip_apart(a: str, b: str) -> bool:
    """Whether two keys differ by one letter: added (seven letters or more) or replaced (twelve letters or more).

    A replaced letter needs a longer name because short titles one letter apart are often two films: Twister and Twisted
    came out in the same year. Digits never count as typos: they distinguish sequels.
    """
    if len(a) > len(b):
        a, b = b, a
    if a == b or len(b) - len(a) > 1 or len(a) < (12 if len(a) == len(b) else 7):
        return False
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    rest = a[at + 1 :] if len(a) == len(b) else a[at:]
    return rest == b[at + 1 :] and not b[at].isdigit() and not (len(a) == len(b) and a[at].isdigit())


def _folded(text: str) -> str:
    """Lower case without accents and typographic variants, "&" and "+" as "and"."""
    # Decomposed before and after: compatibility forms contain capitals (𝐀), and case folding leaves letters with
    # accents.
    text = unicodedata.normalize("NFKD", text.replace("½", " 1/2")).casefold()
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    plain = plain.translate(_LETTERS)
    return plain.replace("’", "'").replace("&", " and ").replace("+", " and ")
