"""Small files to import."""

from __future__ import annotations

import csv
import io
from typing import Any

CLIENT = {
    "first_name": "Maria", "last_name": "Newcomer", "email": "maria@example.org", "phone": "555-0199", "language": "es",
    "birth_date": "1985-04-30", "ssn_last4": "6789", "kind": "CC", "court_id": "cacb",
}  # fmt: skip
DEBTOR = CLIENT | {"email": "jo@example.org", "first_name": "Jo", "kind": "DE", "chapter": "7",
                   "first_set_341_date": "2099-05-20"}  # fmt: skip


def csv_file(*rows: dict[str, Any]) -> bytes:
    """Rows as CSV, with every column any of them has."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
