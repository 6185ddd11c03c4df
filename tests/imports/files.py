"""Many rows to import, and the same rows through the service."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from collections.abc import Iterator
from typing import Any

FIRST = ("Ana", "José", "Mary-Ann", "O’Neil", "Li", "Zoë", "Bob", "María José")
LAST = ("García", "Smith", "de la Cruz", "Nguyễn", "O'Brien", "Müller", "Lee", "Van Dyke")


def many_clients(count: int, *, chooser: random.Random, tag: str = "n") -> Iterator[dict[str, Any]]:
    """Rows of clients that are all different, of both kinds, most with what is sealed; every ninth client comes twice,
    for both courses."""
    for number in range(count):
        who = number - 1 if number % 9 == 8 else number
        seeded = random.Random(f"{tag}{who}")
        row = {
            "first_name": seeded.choice(FIRST), "last_name": seeded.choice(LAST), "phone": f"555-{who % 10_000:04d}",
            "email": f"{tag}{who}@import.example", "language": seeded.choice(("en", "es")),
            "birth_date": (dt.date(1950, 1, 1) + dt.timedelta(days=seeded.randrange(15_000))).isoformat(),
            "ssn_last4": f"{seeded.randrange(1, 10_000):04d}", "court_id": "cacb",
            "kind": "DE" if number % 3 == 2 else "CC",
        }  # fmt: skip
        if row["kind"] == "DE":
            row |= {"chapter": "7", "case_number": f"26-{who % 100_000:05d}", "first_set_341_date": "2099-05-20"}
        if chooser.random() < 0.1:
            row |= {"birth_date": "", "ssn_last4": ""}
        yield row


COLUMNS = (
    "first_name", "last_name", "email", "phone", "language", "birth_date", "ssn_last4", "kind", "court_id", "chapter",
    "case_number", "first_set_341_date",
)  # fmt: skip


def as_csv(rows: Any) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
