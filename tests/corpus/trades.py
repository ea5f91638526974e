"""Exports of many trades: courses, deals of a CRM, recipes, bookings of hotels."""

from __future__ import annotations

from tests.corpus.planted import WORLD
from tests.corpus.render import (
    Ids,
    at,
    category,
    events,
    items,
    maker,
    no_weight,
    table,
    tags,
    writes,
)
from tests.corpus.shape import Either, Expected, Shape

_ACTS = WORLD.acts


_LIKES = WORLD.likes


_UNSEEN = WORLD.unseen


_COURSES = Ids(lambda u: f"student{u:03d}", lambda i: f"CS-{100 + i}")


COURSES = Shape(
    "course-progress",
    "Enrolments with progress in percent, a grade that is often missing and a state; dropped is no like.",
    writes(
        lambda: {
            "courses.csv": table(
                ("course_code", "course_title", "department", "teacher", "ects", "syllabus"),
                ((_COURSES.item(i.number), i.label, i.category, i.maker, i.year % 6 + 1, i.text) for i in WORLD.items),
            ),
            "enrolments.csv": table(
                ("student", "course_code", "enrolled_on", "progress", "final_grade", "state"),
                [
                    (
                        *_COURSES.pair(a.user, a.item),
                        at(a.time, "%Y-%m-%d"),
                        100,
                        "B" if a.minutes % 2 else "",
                        "completed",
                    )
                    for a in _LIKES
                ]
                + [(*_COURSES.pair(u, i), at(t, "%Y-%m-%d"), 3, "", "dropped") for u, i, t in _UNSEEN],
            ),
        }
    ),
    ("courses.csv", "enrolments.csv"),
    Expected(
        events=(
            events(
                "enrolments.csv",
                user="student",
                item="course_code",
                time="enrolled_on",
                acts=_LIKES,
                ids=_COURSES,
                when=lambda t: t - t % 86_400,
                weigh=no_weight,
                counts=(len(_LIKES) + len(_UNSEEN), len(_LIKES)),
                negative=_COURSES.unseen(),
            ),
        ),
        nodes=(
            items(
                "courses.csv",
                key="course_code",
                label="course_title",
                text=("syllabus",),
                fields={"ects": lambda i: i.year % 6 + 1},
                facts={"department": category, "teacher": maker},
                ids=_COURSES,
            ),
        ),
        unread={"enrolments.csv": ("final_grade",)},
        either=(
            Either("enrolments.csv", "progress", ("weight", "unread")),
            Either("enrolments.csv", "state", ("kind", "where", "unread")),
        ),
        taste=_COURSES.taste(),
    ),
    planted=True,
)


_FIRMS = Ids(lambda u: f"001{u:012d}AAA", lambda i: f"01t{i:012d}BBB")


def _deal(number: int, user: int, item: int, stage: str, time: int) -> tuple[object, ...]:
    price = WORLD.item(item).price
    return f"006{number:012d}CCC", *_FIRMS.pair(user, item), stage, price, at(time, "%Y-%m-%d"), "false"


DEALS = Shape(
    "crm-deals",
    "A CRM's accounts, products and opportunities: Closed Won is a purchase, Closed Lost is not.",
    writes(
        lambda: {
            "Account.csv": table(
                ("Id", "Name", "Industry", "BillingCity", "IsDeleted", "CreatedDate"),
                (
                    (_FIRMS.user(u.number), f"{u.name} AG", "Retail", u.city, "false", "2019-01-01T00:00:00.000+0000")
                    for u in WORLD.users
                ),
            ),
            "Opportunity.csv": table(
                ("Id", "AccountId", "Product2Id", "StageName", "Amount", "CloseDate", "IsDeleted"),
                [_deal(n, a.user, a.item, "Closed Won", a.time) for n, a in enumerate(_LIKES)]
                + [_deal(n + 900, u, i, "Closed Lost", t) for n, (u, i, t) in enumerate(_UNSEEN)],
            ),
            "Product2.csv": table(
                ("Id", "Name", "Family", "Description", "IsActive"),
                (
                    (_FIRMS.item(i.number), i.label, i.category, i.text, str(i.number % 8 != 0).lower())
                    for i in WORLD.items
                ),
            ),
        }
    ),
    ("Account.csv", "Opportunity.csv", "Product2.csv"),
    Expected(
        events=(
            events(
                "Opportunity.csv",
                user="AccountId",
                item="Product2Id",
                time="CloseDate",
                kind="StageName",
                acts=_LIKES,
                ids=_FIRMS,
                when=lambda t: t - t % 86_400,
                weigh=no_weight,
                counts=(len(_LIKES) + len(_UNSEEN), len(_LIKES)),
                negative=_FIRMS.unseen(),
            ),
        ),
        nodes=(
            items(
                "Product2.csv",
                key="Id",
                label="Name",
                text=("Description",),
                fields={"IsActive": lambda i: i.number % 8 != 0},
                facts={"Family": category},
                ids=_FIRMS,
            ),
        ),
        unread={"Account.csv": ("IsDeleted", "Industry"), "Opportunity.csv": ("IsDeleted",)},
        either=(
            Either("Opportunity.csv", "Amount", ("unread", "weight")),
            Either("Opportunity.csv", "Id", ("id", "unread")),
        ),
        taste=_FIRMS.taste(),
    ),
    planted=True,
)


_COOKS = tuple(sorted({i.maker for i in WORLD.items}))


RECIPES = Shape(
    "recipes",
    "Recipes with lists as Python texts (tags, steps, nutrition), and reviews with stars, where 0 means none given.",
    writes(
        lambda: {
            "RAW_interactions.csv": table(
                ("user_id", "recipe_id", "date", "rating", "review"),
                [
                    (
                        a.user,
                        40_000 + a.item,
                        at(a.time, "%Y-%m-%d"),
                        a.rating,
                        f'Made it {a.quantity} times, "really".',
                    )
                    for a in _ACTS
                ]
                + [(u, 40_000 + i, at(t, "%Y-%m-%d"), 0, "Could not find the salt.") for u, i, t in _UNSEEN],
            ),
            "RAW_recipes.csv": table(
                ("name", "id", "minutes", "contributor_id", "tags", "nutrition", "n_steps", "steps", "description"),
                (
                    (
                        i.label.lower(),
                        40_000 + i.number,
                        i.year % 60,
                        9_000 + _COOKS.index(i.maker),
                        str([*i.tags, i.category.lower()]),
                        str([i.price, 1.0, 0.0]),
                        2,
                        str([f"wash the {i.tags[0]}", f"cook, then serve with {i.tags[1]}"]),
                        i.text,
                    )
                    for i in WORLD.items
                ),
            ),
        }
    ),
    ("RAW_interactions.csv", "RAW_recipes.csv"),
    Expected(
        events=(
            events(
                "RAW_interactions.csv",
                user="user_id",
                item="recipe_id",
                time="date",
                weight="rating",
                ids=Ids(item=lambda i: str(40_000 + i)),
                when=lambda t: t - t % 86_400,
                counts=(len(_ACTS) + len(_UNSEEN), len(_ACTS)),
                negative=Ids(item=lambda i: str(40_000 + i)).unseen(),
            ),
        ),
        nodes=(
            items(
                "RAW_recipes.csv",
                key="id",
                label="name",
                text=("description",),
                name=lambda i: i.label.lower(),
                fields={"minutes": lambda i: i.year % 60},
                facts={"tags": lambda i: (*i.tags, i.category.lower())},
                ids=Ids(item=lambda i: str(40_000 + i)),
            ),
        ),
        unread={"RAW_interactions.csv": ("review",)},
        either=(
            Either("RAW_recipes.csv", "steps", ("text", "unread")),
            Either("RAW_recipes.csv", "nutrition", ("unread",)),
            Either("RAW_recipes.csv", "n_steps", ("field", "unread")),
            Either("RAW_recipes.csv", "contributor_id", ("link", "unread")),
        ),
        taste=Ids(item=lambda i: str(40_000 + i)).taste(),
    ),
    planted=True,
)


_HOTELS = Ids(lambda u: f"guest-{u}", lambda i: f"H{i:03d}")


def _booking(number: int, user: int, item: int, time: int, status: str) -> tuple[object, ...]:
    nights = number % 3 + 1
    first = time + 20 * 86_400
    dates = (at(time, "%Y-%m-%dT%H:%M:%S"), at(first, "%Y-%m-%d"), at(first + nights * 86_400, "%Y-%m-%d"))
    return f"REF{number:05d}", *_HOTELS.pair(user, item), *dates, nights, status


BOOKINGS = Shape(
    "hotel-bookings",
    "Bookings with nights, status (stayed, cancelled, no-show) and three dates: booked, arrival, departure.",
    writes(
        lambda: {
            "bookings.csv": table(
                ("booking_ref", "guest_id", "hotel_id", "booked_at", "arrival", "departure", "nights", "status"),
                [_booking(n, a.user, a.item, a.time, "stayed") for n, a in enumerate(_LIKES)]
                + [
                    _booking(n + 700, u, i, t, "cancelled" if n % 2 else "no-show")
                    for n, (u, i, t) in enumerate(_UNSEEN)
                ],
            ),
            "hotels.csv": table(
                ("hotel_id", "hotel_name", "city", "chain", "stars", "facilities"),
                (
                    (_HOTELS.item(i.number), i.label, i.category, i.maker, i.year % 5 + 1, ";".join(i.tags))
                    for i in WORLD.items
                ),
            ),
        }
    ),
    ("bookings.csv", "hotels.csv"),
    Expected(
        events=(
            events(
                "bookings.csv",
                user="guest_id",
                item="hotel_id",
                time="booked_at",
                kind="status",
                acts=_LIKES,
                ids=_HOTELS,
                weigh=no_weight,
                counts=(len(_LIKES) + len(_UNSEEN), len(_LIKES)),
                negative=_HOTELS.unseen(),
                tolerance=40 * 86_400.0,
            ),
        ),
        nodes=(
            items(
                "hotels.csv",
                key="hotel_id",
                label="hotel_name",
                fields={"stars": lambda i: i.year % 5 + 1},
                facts={"city": category, "chain": maker, "facilities": tags},
                ids=_HOTELS,
            ),
        ),
        either=(
            Either("bookings.csv", "booked_at", ("time", "unread")),
            Either("bookings.csv", "arrival", ("time", "unread")),
            Either("bookings.csv", "departure", ("time", "unread")),
            Either("bookings.csv", "nights", ("weight", "unread")),
            Either("bookings.csv", "booking_ref", ("id", "unread")),
        ),
        taste=_HOTELS.taste(),
    ),
    planted=True,
)


SHAPES = (
    COURSES,
    DEALS,
    RECIPES,
    BOOKINGS,
)
