"""Normalise film titles for comparison: spelling, inverted articles, alternative titles, long names.

MovieLens writes "Usual Suspects, The" and "Return of Martin Guerre, The (Retour de Martin Guerre, Le)", Wikidata "The
Usual Suspects" and "Star Wars: Episode IV – A New Hope". This file turns one title into the names that it may have;
`linking` decides which film a name belongs to.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# Articles that MovieLens puts at the end of a title. "L'" stands before its word without a space, so it is separate.
_ARTICLES = (
    "the a an le la les un une il lo gli i el los las una uno der die das ein eine det den en ett o os as de het"
)
_INVERTED = re.compile(rf"^(?P<rest>.+), (?P<article>{'|'.join(_ARTICLES.split())}|l')$", re.IGNORECASE)
# The articles that are dropped at the start of a title. The others are also ordinary words in English titles ("I Shot
# Andy Warhol", "Die Hard", "O Brother"), so they are moved to the front but kept.
_LEADING_ARTICLE = re.compile(r"^(?:the|a|an|le|la|les|il|el|los|las|der|das|det) (?=\S)|^l'(?=\S)")
_BRACKETED = re.compile(r"\s*\(([^()]*)\)")
# "Léon: The Professional", "Halloween 4 - The Return", "Dr. Strangelove or: How I Learned to Stop Worrying".
_SUBTITLE = re.compile(r",?\s+or:\s+|\s*[:;]\s+|\s+[–—-]\s+")
# "William Shakespeare's Romeo and Juliet": two or more words that name an owner, never one ("Rosemary's Baby").
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
# Words that differ between spellings of one title: "Part", "and" in four languages, inner articles.
_FILLERS = frozenset(["part", "episode", "chapter", "volume", "vol", "and", "et", "und", "y", "the", "a", "an"])


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a title may be compared under. `exact_key` for `main` and `alternatives`, `loose_key` for the
    rest."""

    main: str
    """The title itself without the parts in brackets."""
    alternatives: tuple[str, ...]
    """Every title in brackets."""
    loose: tuple[str, ...]
    """The title and its alternatives, for loose comparison."""
    unowned: str
    """The title without its leading owner ("Stephen King's …"), "" where it has none."""
    lead: str
    """The part before the first subtitle mark, "" where there is none."""
    subtitle: str
    """The part after the last subtitle mark, "" where there is none."""

    @property
    def exact(self) -> frozenset[str]:
        """The exact keys of the whole title: two titles of MovieLens that share one name the same film."""
        return frozenset((self.main, *self.alternatives))


def names(title: str) -> Names:
    """All names of a title."""
    main = uninverted(_BRACKETED.sub("", title))
    alternatives = [uninverted(other) for other in _BRACKETED.findall(title) if other.strip()]
    parts = _SUBTITLE.split(main)
    whole = len(parts) == 1
    unowned = _OWNER.sub("", main)
    return Names(
        main=exact_key(main),
        alternatives=tuple(exact_key(other) for other in alternatives),
        loose=tuple(loose_key(name) for name in (main, *alternatives)),
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
    """Letters and digits of the name in lower case without accents: equal keys are an "exact normalised match"."""
    return "".join(char for char in _folded(name) if char.isalnum())


def loose_key(name: str) -> str:
    """As `exact_key`, with numbers as digits, without a leading article and optional words."""
    text = _LEADING_ARTICLE.sub("", " ".join(_folded(name).split()))
    words: list[str] = re.findall(r"[^\W_]+", text.replace("'", ""))
    same = [_SAME_WORD.get(word) or (_ROMAN.get(word, word) if at else word) for at, word in enumerate(words)]
    return "".join(word for word in same if word not in _FILLERS) or "".join(same)


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
