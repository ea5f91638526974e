"""Planted data: made-up users, items and events in which user u likes items of group u mod 3.

Everything here is invented. The shapes of this package render this one world in many ways; after training, items of a
user's own group must come first.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache

GROUPS = 3
USERS = 30
ITEMS = 36
START = 1_601_510_400
"""First possible time of an event: 2020-10-01, midnight UTC."""

_FIRST = ("Amber", "Silent", "Crooked", "Golden", "Hidden", "Velvet", "Broken", "Northern", "Paper", "Scarlet")
_SECOND = (
    ("Lagoon", "Anchor", "Tide", "Lighthouse"),
    ("Ridge", "Glacier", "Cairn", "Chalet"),
    ("Boulevard", "Tram", "Rooftop", "Arcade"),
)
_CATEGORIES = (("Harbour", "Reef"), ("Summit", "Valley"), ("Market", "Station"))
_MAKERS = (
    ("Berit Aasen", "Odd Fjelltun", "Marte Holm"),
    ("Luca Sarti", "Ines Robel", "Tomas Vrba"),
    ("Dora Quist", "Yusuf Kanat", "Nell Abbot"),
)
_TAGS = (("sea", "boats", "salt", "fish"), ("snow", "rock", "hiking", "sheep"), ("neon", "cafe", "traffic", "bricks"))
_PLACES = ("Lund", "Graz", "Porto", "Turku", "Ghent")
_NAMES = ("Ada", "Bo", "Cleo", "Dag", "Eva", "Finn", "Gry", "Hugo", "Ida", "Jon", "Kaja", "Lars", "Mia", "Nils", "Olga")


@dataclass(frozen=True, slots=True)
class Item:
    """An item; `number` counts from 1, `related` are numbers of items of the same group."""

    number: int
    group: int
    label: str
    category: str
    maker: str
    year: int
    price: float
    tags: tuple[str, ...]
    text: str
    related: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class User:
    """A user; `number` counts from 1, `friends` are numbers of users of the same group."""

    number: int
    group: int
    name: str
    city: str
    age: int
    friends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Act:
    """What a user did with an item: `rating` 1 to 5 (4 and 5 like, 1 and 2 dislike), `time` in seconds (UTC)."""

    user: int
    item: int
    rating: int
    time: int
    quantity: int
    minutes: int

    @property
    def liked(self) -> bool:
        """Whether the user clearly likes the item."""
        return self.rating >= 4

    @property
    def disliked(self) -> bool:
        """Whether the user clearly does not."""
        return self.rating <= 2


@dataclass(frozen=True, slots=True)
class World:
    """Users, items and acts by time. `unseen`: (user, item, time) of what was shown, listed or started and no more;
    items of other groups, none of them in `acts`."""

    users: tuple[User, ...]
    items: tuple[Item, ...]
    acts: tuple[Act, ...]
    unseen: tuple[tuple[int, int, int], ...]

    @property
    def likes(self) -> tuple[Act, ...]:
        """Acts that are likes."""
        return tuple(a for a in self.acts if a.liked)

    @property
    def dislikes(self) -> tuple[Act, ...]:
        """Acts that are dislikes."""
        return tuple(a for a in self.acts if a.disliked)

    @property
    def clear(self) -> tuple[Act, ...]:
        """Acts that are either, without the neutral ones."""
        return tuple(a for a in self.acts if a.rating != 3)

    def item(self, number: int) -> Item:
        """The item of a number."""
        return self.items[number - 1]

    def user(self, number: int) -> User:
        """The user of a number."""
        return self.users[number - 1]


@lru_cache
def plant(seed: int = 1) -> World:
    """The world of a seed: each user likes 8 of the 12 items of the own group, dislikes 4 others, shrugs at one."""
    rng = random.Random(seed)
    items = tuple(_item(number, rng) for number in range(1, ITEMS + 1))
    users = tuple(
        User(
            number,
            number % GROUPS,
            f"{_NAMES[number % len(_NAMES)]} {'Strand' if number <= 15 else 'Moen'}",
            _PLACES[rng.randrange(len(_PLACES))],
            rng.randrange(18, 75),
            tuple(
                sorted(rng.sample([n for n in range(1, USERS + 1) if n % GROUPS == number % GROUPS and n != number], 2))
            ),
        )
        for number in range(1, USERS + 1)
    )
    drawn: list[tuple[int, int, int]] = []
    unseen: list[tuple[int, int]] = []
    for user in users:
        own = [i.number for i in items if i.group == user.group]
        other = [i.number for i in items if i.group != user.group]
        rng.shuffle(own)
        rng.shuffle(other)
        drawn += [(user.number, item, rng.choice((4, 5))) for item in own[:8]]
        drawn += [(user.number, item, rng.choice((1, 2))) for item in other[:4]]
        drawn.append((user.number, other[4], 3))
        unseen += [(user.number, item) for item in other[5:8]]
    rng.shuffle(drawn)
    acts = tuple(
        Act(user, item, rating, START + 61_207 * n + rng.randrange(50_000), rng.randrange(1, 4), rating * 10 + n % 7)
        for n, (user, item, rating) in enumerate(drawn)
    )
    shown = tuple((user, item, START + 200_003 * n + 7_000) for n, (user, item) in enumerate(unseen))
    return World(users, items, acts, shown)


def _item(number: int, rng: random.Random) -> Item:
    group, place = number % GROUPS, number // GROUPS
    label = f"{_FIRST[place % len(_FIRST)]} {_SECOND[group][(place + place // len(_FIRST)) % 4]}"
    tags = tuple(sorted(rng.sample(_TAGS[group], 2 + place % 2)))
    maker = _MAKERS[group][place % 3]
    text = f"A long look at {tags[0]} and {tags[1]}, with an eye for detail. Made for those who know {tags[0]} well."
    related = tuple(sorted({(number + GROUPS - 1) % ITEMS + 1, (number + 4 * GROUPS - 1) % ITEMS + 1}))
    year = 1975 + rng.randrange(45)
    price = rng.randrange(300, 6_000) / 100
    return Item(number, group, label, _CATEGORIES[group][place % 2], maker, year, price, tags, text, related)


WORLD = plant()
"""The world that the shapes render."""
