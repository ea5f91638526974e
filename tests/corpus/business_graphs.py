"""Graphs in Neo4j of shops, orders, people of two roles and jobs."""

from __future__ import annotations

from tests.corpus.cypher import FILE, joined, moment, node
from tests.corpus.planted import WORLD, Act
from tests.corpus.render import Ids, at, events, items, maker, price, users, writes, year
from tests.corpus.shape import Edges, Either, Events, Expected, Nodes, Shape

_ACTS = WORLD.acts


_LIKES = WORLD.likes


_INPUTS = ("--from", FILE)


_KINDS = ("VIEWED", "BOUGHT")


_SHOP = Ids(lambda u: f"u{u}@example.org", lambda i: f"S{i}")


def _shopped(user: int, item: int, kind: str, time: int) -> str:
    return joined("Customer", "email", _SHOP.user(user), kind, "Product", "sku", _SHOP.item(item), at=moment(time))


VIEWED_BOUGHT = Shape(
    "graph-viewed-and-bought",
    "A shop: VIEWED and BOUGHT lead to products, REMOVED_FROM_CART too; products have a brand and a list of tags.",
    writes(
        lambda: {
            FILE: "".join(
                [
                    *(
                        node("Product", sku=f"S{i.number}", name=i.label, price=i.price, tags=i.tags, brand=i.maker)
                        for i in WORLD.items
                    ),
                    *(node("Customer", email=f"u{u.number}@example.org", city=u.city) for u in WORLD.users),
                    *(_shopped(a.user, a.item, kind, a.time + n) for a in _LIKES for n, kind in enumerate(_KINDS)),
                    *(_shopped(u, i, "REMOVED_FROM_CART", t) for u, i, t in WORLD.unseen),
                ]
            )
        }
    ),
    _INPUTS,
    Expected(
        events=(
            events(
                FILE,
                user="Customer",
                item="Product",
                kind="BOUGHT",
                time="at",
                acts=_LIKES,
                ids=_SHOP,
                when=lambda t: t + 1,
            ),
            # That somebody looked is an event that says little, or none.
            Events(
                files=(FILE,),
                user="Customer",
                item="Product",
                kind="VIEWED",
                time="at",
                counts=(len(_LIKES), 0),
                # They bought it as well.
                positive=frozenset(_SHOP.pair(a.user, a.item) for a in _LIKES),
            ),
            Events(
                files=(FILE,),
                user="Customer",
                item="Product",
                kind="REMOVED_FROM_CART",
                time="at",
                counts=(len(WORLD.unseen), 0),
                negative=_SHOP.unseen(),
            ),
        ),
        nodes=(
            items(
                FILE,
                key="sku",
                label="name",
                fields={"price": price},
                facts={"tags": lambda i: i.tags, "brand": maker},
                ids=_SHOP,
            ),
            users(FILE, key="email", ids=_SHOP),
        ),
        either=(Either(FILE, "city", ("field", "link")),),
        taste=_SHOP.taste(),
    ),
    planted=True,
)


_ORDERED = Ids(lambda u: f"ALF{u:02d}", lambda i: str(500 + i))


def _order(number: int, act: Act) -> str:
    key = 9_000 + number
    return (
        node("Order", orderID=key, orderDate=moment(act.time), shipCity=WORLD.user(act.user).city)
        + joined("Customer", "customerID", _ORDERED.user(act.user), "PURCHASED", "Order", "orderID", key)
        + joined("Order", "orderID", key, "ORDERS", "Product", "productID", 500 + act.item, quantity=act.quantity)
    )


_CATEGORIES = tuple(sorted({i.category for i in WORLD.items}))


ORDERS = Shape(
    "graph-orders-between",
    "(:Customer)-[:PURCHASED]->(:Order)-[:ORDERS {quantity}]->(:Product), as in Northwind; categories and suppliers.",
    writes(
        lambda: {
            FILE: "".join(
                [
                    *(node("Product", productID=500 + i.number, productName=i.label) for i in WORLD.items),
                    *(node("Category", categoryID=n, categoryName=c) for n, c in enumerate(_CATEGORIES)),
                    *(
                        joined(
                            "Product",
                            "productID",
                            500 + i.number,
                            "PART_OF",
                            "Category",
                            "categoryID",
                            _CATEGORIES.index(i.category),
                        )
                        for i in WORLD.items
                    ),
                    *(node("Customer", customerID=_ORDERED.user(u.number), companyName=u.name) for u in WORLD.users),
                    *(_order(n, a) for n, a in enumerate(_LIKES)),
                ]
            )
        }
    ),
    _INPUTS,
    Expected(
        events=(
            events(
                FILE,
                user="Customer",
                item="Product",
                kind="PURCHASED",
                time="node.orderDate",
                weight="last.quantity",
                acts=_LIKES,
                ids=_ORDERED,
                weigh=lambda a: a.quantity,
            ),
        ),
        nodes=(
            items(FILE, key="productID", label="productName", ids=_ORDERED),
            users(FILE, key="customerID", label="companyName", ids=_ORDERED),
            Nodes(role="entity", files=(FILE,), key="categoryID", label="categoryName", counts=(6,)),
        ),
        edges=(Edges(files=(FILE,), head="Product", tail="Category", relation="PART_OF", counts=(36,)),),
        taste=_ORDERED.taste(),
    ),
    planted=True,
)


_NAMES = Ids(lambda u: f"{WORLD.user(u).name} {u}", lambda i: f"{WORLD.item(i).label} {i}")


PEOPLE = Shape(
    "graph-people-of-two-roles",
    "Neo4j's example of films: the one label Person for who directed and who reviewed; rating from 0 to 100.",
    writes(
        lambda: {
            FILE: "".join(
                [
                    *(
                        node("Movie", title=f"{i.label} {i.number}", released=i.year, tagline=i.text)
                        for i in WORLD.items
                    ),
                    *(node("Person", name=name, born=1_960) for name in sorted({i.maker for i in WORLD.items})),
                    *(node("Person", name=f"{u.name} {u.number}") for u in WORLD.users),
                    *(
                        joined("Person", "name", i.maker, "DIRECTED", "Movie", "title", f"{i.label} {i.number}")
                        for i in WORLD.items
                    ),
                    *(
                        joined(
                            "Person",
                            "name",
                            _NAMES.user(a.user),
                            "REVIEWED",
                            "Movie",
                            "title",
                            _NAMES.item(a.item),
                            rating=a.rating * 20,
                            summary="Seen",
                        )
                        for a in _ACTS
                    ),
                ]
            )
        }
    ),
    _INPUTS,
    Expected(
        events=(
            events(
                FILE,
                user="Person",
                item="Movie",
                kind="REVIEWED",
                weight="rating",
                ids=_NAMES,
                weigh=lambda a: a.rating * 20,
            ),
        ),
        nodes=(
            items(FILE, key="title", text=("tagline",), fields={"released": year}, ids=_NAMES),
            Nodes(role="user", files=(FILE,), key="name", counts=(39, 30)),
        ),
        taste=_NAMES.taste(),
    ),
    planted=True,
)


JOBS = Shape(
    "graph-candidates-and-jobs",
    "Candidates apply for jobs and jobs need skills, which candidates have, too; two labels on a node.",
    writes(
        lambda: {
            FILE: "".join(
                [
                    *(node("Job:Posting", jobId=f"j{i.number}", title=i.label, level=i.year % 3) for i in WORLD.items),
                    *(node("Candidate", candidateId=f"c{u.number}") for u in WORLD.users),
                    *(node("Skill", name=tag) for tag in sorted({t for i in WORLD.items for t in i.tags})),
                    *(
                        joined("Job", "jobId", f"j{i.number}", "NEEDS", "Skill", "name", tag)
                        for i in WORLD.items
                        for tag in i.tags
                    ),
                    *(
                        joined("Candidate", "candidateId", f"c{u.number}", "HAS", "Skill", "name", "sea")
                        for u in WORLD.users[::3]
                    ),
                    *(
                        joined(
                            "Candidate",
                            "candidateId",
                            f"c{a.user}",
                            "APPLIED",
                            "Job",
                            "jobId",
                            f"j{a.item}",
                            appliedOn=f"date('{at(a.time, '%Y-%m-%d')}')",
                        )
                        for a in _LIKES
                    ),
                ]
            )
        }
    ),
    _INPUTS,
    Expected(
        events=(
            events(
                FILE,
                user="Candidate",
                item="Job",
                kind="APPLIED",
                time="appliedOn",
                acts=_LIKES,
                ids=Ids(lambda u: f"c{u}", lambda i: f"j{i}"),
                when=lambda t: t - t % 86_400,
            ),
        ),
        nodes=(
            items(FILE, key="jobId", label="title", ids=Ids(item=lambda i: f"j{i}")),
            users(FILE, key="candidateId", ids=Ids(lambda u: f"c{u}")),
        ),
        edges=(
            Edges(
                files=(FILE,),
                head="Job",
                tail="Skill",
                relation="NEEDS",
                counts=(sum(len(i.tags) for i in WORLD.items),),
            ),
            Edges(files=(FILE,), head="Candidate", tail="Skill", relation="HAS", counts=(10,)),
        ),
        either=(Either(FILE, "level", ("field", "unread")),),
        taste=Ids(lambda u: f"c{u}", lambda i: f"j{i}").taste(),
    ),
    planted=True,
)


_PLAIN_LABELS = Ids(lambda u: f"a{u}", lambda i: f"b{i}")

PLAIN_LABELS = Shape(
    "graph-labels-that-say-nothing",
    "(:Alpha)-[:R1 {t}]->(:Beta)-[:R2]->(:Gamma): which kind acts follows from times and numbers alone.",
    writes(
        lambda: {
            FILE: "".join(
                [
                    *(node("Beta", k=f"b{i.number}", v=i.label) for i in WORLD.items),
                    *(node("Gamma", k=f"g{n}", v=c) for n, c in enumerate(_CATEGORIES)),
                    *(node("Alpha", k=f"a{u.number}") for u in WORLD.users),
                    *(
                        joined("Beta", "k", f"b{i.number}", "R2", "Gamma", "k", f"g{_CATEGORIES.index(i.category)}")
                        for i in WORLD.items
                    ),
                    *(joined("Alpha", "k", f"a{a.user}", "R1", "Beta", "k", f"b{a.item}", t=a.time) for a in _LIKES),
                ]
            )
        }
    ),
    _INPUTS,
    Expected(
        events=(events(FILE, user="Alpha", item="Beta", kind="R1", time="t", acts=_LIKES, ids=_PLAIN_LABELS),),
        nodes=(
            items(FILE, key="k", label="v", ids=_PLAIN_LABELS),
            Nodes(role="entity", files=(FILE,), key="k", label="v", counts=(6,)),
        ),
        edges=(Edges(files=(FILE,), head="Beta", tail="Gamma", relation="R2", counts=(36,)),),
        taste=_PLAIN_LABELS.taste(),
    ),
    planted=True,
)

_FOLLOWED = Ids(lambda u: f"m{u}@example.org", lambda i: f"c{i}@example.org")

CREATORS = Shape(
    "graph-followed-creators",
    "Items are people: members FOLLOW and BLOCK creators, who have a mail address and a genre, too.",
    writes(
        lambda: {
            FILE: "".join(
                [
                    *(node("Creator", email=_FOLLOWED.item(i.number), name=i.label) for i in WORLD.items),
                    *(node("Genre", name=c) for c in _CATEGORIES),
                    *(node("Member", email=_FOLLOWED.user(u.number), name=u.name) for u in WORLD.users),
                    *(
                        joined("Creator", "email", _FOLLOWED.item(i.number), "MAKES", "Genre", "name", i.category)
                        for i in WORLD.items
                    ),
                    *(
                        joined(
                            "Member",
                            "email",
                            _FOLLOWED.user(a.user),
                            "FOLLOWS" if a.liked else "BLOCKED",
                            "Creator",
                            "email",
                            _FOLLOWED.item(a.item),
                            since=moment(a.time),
                        )
                        for a in WORLD.clear
                    ),
                ]
            )
        }
    ),
    _INPUTS,
    Expected(
        events=(
            events(FILE, user="Member", item="Creator", kind="FOLLOWS", time="since", acts=_LIKES, ids=_FOLLOWED),
            events(
                FILE,
                user="Member",
                item="Creator",
                kind="BLOCKED",
                time="since",
                acts=WORLD.dislikes,
                ids=_FOLLOWED,
                counts=(len(WORLD.dislikes), 0),
            ),
        ),
        nodes=(
            items(FILE, key="email", label="name", ids=_FOLLOWED),
            users(FILE, key="email", label="name", ids=_FOLLOWED),
        ),
        edges=(Edges(files=(FILE,), head="Creator", tail="Genre", relation="MAKES", counts=(36,)),),
        taste=_FOLLOWED.taste(),
    ),
    planted=True,
)

SHAPES = (
    PLAIN_LABELS,
    CREATORS,
    VIEWED_BOUGHT,
    ORDERS,
    PEOPLE,
    JOBS,
)
