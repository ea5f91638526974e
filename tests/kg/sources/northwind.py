"""A small trading company's tables in the form of the Northwind export: foreign keys, `NULL`s, quoted commas."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from pathlib import Path


def write_northwind(
    folder: Path, *, customers: int = 30, products: int = 24, orders: int = 120, seed: int = 5
) -> list[Path]:
    """Write customers, orders, order-details, products, suppliers, categories and employees; returns their paths."""
    rng = random.Random(seed)
    cities = ["Berlin", "London", "Sao Paulo", "México D.F.", "Luleå"]
    countries = ["Germany", "UK", "Brazil", "Mexico", "Sweden"]
    ids = [f"C{n:04d}" for n in range(customers)]
    written = [
        _write(
            folder / "customers.csv",
            ["customerID", "companyName", "contactName", "address", "city", "region", "country", "phone", "fax"],
            [
                [i, f"Firm {n}, Ltd", f"Person {n}", f"{n} Main St, Apt {n}", rng.choice(cities),
                 "NULL" if n % 3 else "BC", rng.choice(countries), f"555-{n:04d}", "NULL"]
                for n, i in enumerate(ids)
            ],
        ),
        _write(
            folder / "suppliers.csv",
            ["supplierID", "companyName", "country", "homePage"],
            [[n, f"Supplier {n}", rng.choice(countries), "NULL"] for n in range(1, 6)],
        ),
        _write(
            folder / "categories.csv",
            ["categoryID", "categoryName", "description"],
            [
                [n, name, f"{name} of all sorts, including the rare ones that nobody else has on the shelf"]
                for n, name in enumerate(["Beverages", "Condiments", "Seafood", "Produce"], 1)
            ],
        ),
        _write(
            folder / "employees.csv",
            ["employeeID", "lastName", "reportsTo"],
            [[n, f"Worker {n}", "NULL" if n == 1 else 1] for n in range(1, 5)],
        ),
        _write(
            folder / "products.csv",
            ["productID", "productName", "supplierID", "categoryID", "unitPrice", "unitsInStock", "discontinued"],
            [
                [n, f"Product {n}", rng.randint(1, 5), "NULL" if n == 7 else rng.randint(1, 4),
                 round(rng.uniform(1, 90), 2), rng.randint(0, 99), int(n % 9 == 0)]
                for n in range(1, products + 1)
            ],
        ),
        _write(
            folder / "orders.csv",
            ["orderID", "customerID", "employeeID", "orderDate", "shipVia", "freight"],
            [
                [10_000 + n, rng.choice(ids), rng.randint(1, 4),
                 f"1997-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d} 00:00:00.000", rng.randint(1, 3), n / 7]
                for n in range(orders)
            ],
        ),
        _write(
            folder / "order-details.csv",
            ["orderID", "productID", "unitPrice", "quantity", "discount"],
            [
                [10_000 + n, product, 9.5, rng.randint(1, 40), 0]
                for n in range(orders)
                for product in rng.sample(range(1, products + 1), rng.randint(1, 4))
            ],
        ),
    ]  # fmt: skip
    return written


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path
