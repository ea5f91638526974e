"""Shops: invoices with returns, transactions, orders with their lines, what was added and removed."""

from __future__ import annotations

from tests.corpus.planted import WORLD, Act
from tests.corpus.render import (
    PLAIN,
    Ids,
    at,
    category,
    events,
    items,
    maker,
    no_weight,
    price,
    table,
    users,
    writes,
)
from tests.corpus.shape import Either, Expected, Node, Nodes, Shape
from tests.corpus.simple import with_items

_LIKES = WORLD.likes
_UNSEEN = WORLD.unseen
_AISLES = ("Harbour", "Reef", "Summit", "Valley", "Market", "Station")
_DEPARTMENTS = ("By the sea", "In the hills", "In town")
_SUPPLIERS = tuple(sorted({i.maker for i in WORLD.items}))


_STOCK = Ids(lambda u: str(17_000 + u), lambda i: f"{85_000 + i}A")


def _invoice(number: str, act: Act, quantity: int) -> tuple[object, ...]:
    item, user = WORLD.item(act.item), WORLD.user(act.user)
    when = at(act.time, "%m/%d/%Y %H:%M")
    return (
        number,
        _STOCK.item(act.item),
        item.label.upper(),
        quantity,
        when,
        item.price,
        _STOCK.user(act.user),
        "Portugal" if user.city == "Porto" else "Austria",
    )


RETAIL = Shape(
    "invoices-with-returns",
    "Lines of invoices in one flat file; returns have a negative quantity and a C before the invoice's number.",
    writes(
        lambda: {
            "online_retail.csv": table(
                (
                    "InvoiceNo",
                    "StockCode",
                    "Description",
                    "Quantity",
                    "InvoiceDate",
                    "UnitPrice",
                    "CustomerID",
                    "Country",
                ),
                [_invoice(f"{536_000 + n}", a, a.quantity) for n, a in enumerate(_LIKES)]
                + [_invoice(f"C{540_000 + n}", a, -a.quantity) for n, a in enumerate(WORLD.dislikes)],
            )
        }
    ),
    ("online_retail.csv",),
    Expected(
        events=(
            events(
                "online_retail.csv",
                user="CustomerID",
                item="StockCode",
                time="InvoiceDate",
                weight="Quantity",
                acts=WORLD.clear,
                ids=_STOCK,
                when=lambda t: t - t % 60,
                weigh=lambda a: a.quantity if a.liked else -a.quantity,
                counts=(len(WORLD.clear), len(_LIKES)),
            ),
        ),
        nodes=(
            items(
                "online_retail.csv",
                key="StockCode",
                label="Description",
                name=lambda i: i.label.upper(),
                ids=_STOCK,
            ),
        ),
        either=(
            Either("online_retail.csv", "UnitPrice", ("field", "unread")),
            Either("online_retail.csv", "Country", ("field", "link", "unread")),
            Either("online_retail.csv", "InvoiceNo", ("unread", "id")),
        ),
        taste=_STOCK.taste(),
    ),
    planted=True,
)


_ARTICLE = Ids(lambda u: f"{u * 7_919:016x}{u * 104_729:016x}", lambda i: f"0{108_775_000 + i}")

FASHION = Shape(
    "fashion-transactions",
    "Transactions of a fashion shop: a date, a hashed customer, an article with a leading zero, price, channel.",
    writes(
        lambda: {
            "transactions_train.csv": table(
                ("t_dat", "customer_id", "article_id", "price", "sales_channel_id"),
                (
                    (at(a.time, "%Y-%m-%d"), *_ARTICLE.pair(a.user, a.item), a.minutes / 1_000, a.quantity % 2 + 1)
                    for a in _LIKES
                ),
            ),
            "articles.csv": table(
                ("article_id", "prod_name", "product_type_name", "colour_group_name", "detail_desc"),
                ((_ARTICLE.item(i.number), i.label, i.category, i.tags[0], i.text) for i in WORLD.items),
            ),
            "customers.csv": table(
                ("customer_id", "FN", "club_member_status", "age", "postal_code"),
                (
                    (
                        _ARTICLE.user(u.number),
                        1.0 if u.number % 3 else None,
                        "ACTIVE" if u.number % 5 else "PRE-CREATE",
                        u.age,
                        f"{u.number * 31_337:012x}",
                    )
                    for u in WORLD.users
                ),
            ),
        }
    ),
    ("articles.csv", "customers.csv", "transactions_train.csv"),
    Expected(
        events=(
            events(
                "transactions_train.csv",
                user="customer_id",
                item="article_id",
                time="t_dat",
                acts=_LIKES,
                ids=_ARTICLE,
                when=lambda t: t - t % 86_400,
            ),
        ),
        nodes=(
            items(
                "articles.csv",
                key="article_id",
                label="prod_name",
                text=("detail_desc",),
                facts={"product_type_name": category, "colour_group_name": lambda i: (i.tags[0],)},
                ids=_ARTICLE,
            ),
            users("customers.csv", key="customer_id", fields={"age": lambda u: u.age}, ids=_ARTICLE),
        ),
        unread={"transactions_train.csv": ("sales_channel_id",)},
        either=(
            Either("transactions_train.csv", "price", ("unread", "weight")),
            Either("customers.csv", "postal_code", ("field", "unread")),
            Either("customers.csv", "FN", ("field", "unread")),
        ),
        taste=_ARTICLE.taste(),
    ),
    planted=True,
)


_ORDER_OF = {(a.user, a.item): 1_000 + a.user * 10 + n % 4 for n, a in enumerate(_LIKES)}
_ORDER_TIME = {order: a.time for a in reversed(_LIKES) for order in (_ORDER_OF[a.user, a.item],)}
_ORDERS = sorted({(order, user) for (user, _), order in _ORDER_OF.items()})

GROCERIES = Shape(
    "grocery-orders",
    "Orders and their lines as Instacart has them: day of week and hour but no date; `reordered` 0 is no dislike.",
    writes(
        lambda: {
            "orders.csv": table(
                (
                    "order_id",
                    "user_id",
                    "eval_set",
                    "order_number",
                    "order_dow",
                    "order_hour_of_day",
                    "days_since_prior_order",
                ),
                (
                    (
                        order,
                        user,
                        "prior",
                        order % 10 + 1,
                        order % 7,
                        f"{order % 24:02d}",
                        None if order % 10 == 0 else 7.0,
                    )
                    for order, user in _ORDERS
                ),
            ),
            "order_products__prior.csv": table(
                ("order_id", "product_id", "add_to_cart_order", "reordered"),
                ((_ORDER_OF[a.user, a.item], a.item, a.quantity, a.minutes % 2) for a in _LIKES),
            ),
            "products.csv": table(
                ("product_id", "product_name", "aisle_id", "department_id"),
                ((i.number, i.label, _AISLES.index(i.category) + 1, i.group + 1) for i in WORLD.items),
            ),
            "aisles.csv": table(("aisle_id", "aisle"), enumerate(_AISLES, 1)),
            "departments.csv": table(("department_id", "department"), enumerate(_DEPARTMENTS, 1)),
        }
    ),
    ("aisles.csv", "departments.csv", "order_products__prior.csv", "orders.csv", "products.csv"),
    Expected(
        events=(
            events(
                "order_products__prior.csv",
                user="orders.csv:user_id",
                item="product_id",
                acts=_LIKES,
                weigh=no_weight,
            ),
        ),
        nodes=(
            items(
                "products.csv",
                key="product_id",
                label="product_name",
                facts={"aisle_id": category, "department_id": lambda i: (_DEPARTMENTS[i.group],)},
            ),
            Nodes(role="entity", files=("aisles.csv",), key="aisle_id", label="aisle", counts=(6,)),
            Nodes(
                role="entity",
                files=("departments.csv",),
                key="department_id",
                label="department",
                counts=(3,),
                samples=(Node(key="1", label=_DEPARTMENTS[0]),),
            ),
        ),
        unread={
            "order_products__prior.csv": ("add_to_cart_order", "reordered"),
            "orders.csv": ("eval_set", "order_dow", "order_hour_of_day", "days_since_prior_order"),
        },
        taste=PLAIN.taste(),
    ),
    planted=True,
)

ORDERS_AND_LINES = Shape(
    "orders-and-order-lines",
    "A shop's tables: customers, orders with date and status, order lines with quantity, products, suppliers.",
    writes(
        lambda: {
            "customers.csv": table(
                ("customerID", "companyName", "contactName", "city"),
                ((f"C{u.number:03d}", f"{u.name} Ltd", u.name, u.city) for u in WORLD.users),
            ),
            "orders.csv": table(
                ("orderID", "customerID", "orderDate", "freight"),
                (
                    (order, f"C{user:03d}", at(_ORDER_TIME[order], "%Y-%m-%d %H:%M:%S.000"), order % 40 + 0.5)
                    for order, user in _ORDERS
                ),
            ),
            "order_lines.csv": table(
                ("orderID", "productID", "unitPrice", "quantity", "discount"),
                ((_ORDER_OF[a.user, a.item], f"P{a.item}", WORLD.item(a.item).price, a.quantity, 0.05) for a in _LIKES),
            ),
            "products.csv": table(
                ("productID", "productName", "supplierID", "category", "unitPrice", "discontinued"),
                (
                    (f"P{i.number}", i.label, _SUPPLIERS.index(i.maker) + 1, i.category, i.price, i.number % 6 == 0)
                    for i in WORLD.items
                ),
            ),
            "suppliers.csv": table(
                ("supplierID", "companyName", "country"),
                ((n, name, "Norway" if n % 2 else "Italy") for n, name in enumerate(_SUPPLIERS, 1)),
            ),
        }
    ),
    ("customers.csv", "order_lines.csv", "orders.csv", "products.csv", "suppliers.csv"),
    Expected(
        events=(
            events(
                "order_lines.csv",
                user="orders.csv:customerID",
                item="productID",
                time="orders.csv:orderDate",
                weight="quantity",
                acts=_LIKES,
                ids=Ids(lambda u: f"C{u:03d}", lambda i: f"P{i}"),
                when=lambda t: _ORDER_TIME[_ORDER_OF[_LIKES[0].user, _LIKES[0].item]],
                weigh=lambda a: a.quantity,
            ),
        ),
        nodes=(
            items(
                "products.csv",
                key="productID",
                label="productName",
                fields={"unitPrice": price, "discontinued": lambda i: i.number % 6 == 0},
                facts={"supplierID": maker, "category": category},
                ids=Ids(item=lambda i: f"P{i}"),
            ),
            Nodes(
                role="user",
                files=("customers.csv",),
                key="customerID",
                label="companyName",
                counts=(30,),
                samples=(Node(key="C004", label=f"{WORLD.user(4).name} Ltd"),),
            ),
            Nodes(
                role="entity",
                files=("suppliers.csv",),
                key="supplierID",
                label="companyName",
                counts=(9,),
                samples=(Node(key="1", label=_SUPPLIERS[0]),),
            ),
        ),
        unread={"orders.csv": ("freight",), "order_lines.csv": ("discount",)},
        either=(Either("customers.csv", "companyName", ("label", "unread")),),
        taste=Ids(lambda u: f"C{u:03d}", lambda i: f"P{i}").taste(),
    ),
    planted=True,
)

CART = with_items(
    "carts-and-wishes",
    "What customers did with products, among it removals from cart and wish list, which are no likes.",
    "actions.csv",
    lambda: table(
        ("customer_id", "item_id", "action_type", "created"),
        sorted(
            [
                (a.user, a.item, kind, at(a.time + 60 * n, "%Y-%m-%dT%H:%M:%S"))
                for a in _LIKES
                for n, kind in enumerate(("add_to_wishlist", "add_to_cart", "purchase"))
            ]
            + [
                (u, i, kind, at(t, "%Y-%m-%dT%H:%M:%S"))
                for n, (u, i, t) in enumerate(_UNSEEN)
                for kind in (("remove_from_cart", "remove_from_wishlist", "return")[n % 3],)
            ],
            key=lambda row: str(row[3]),
        ),
    ),
    events(
        "actions.csv",
        user="customer_id",
        item="item_id",
        time="created",
        kind="action_type",
        acts=_LIKES,
        when=lambda t: t + 120,
        weigh=no_weight,
        counts=(3 * len(_LIKES) + len(_UNSEEN), 3 * len(_LIKES)),
        negative=PLAIN.unseen(),
    ),
)

SHAPES = (RETAIL, FASHION, GROCERIES, ORDERS_AND_LINES, CART)
