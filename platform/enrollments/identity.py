"""Who a client is, as far as it can be compared without opening what is sealed."""

from __future__ import annotations

from core.crypto import lookup_hash
from enrollments.models import Client


def identity_of(client: Client) -> str:
    """The keyed digest of name, last four digits and birth date; empty while one of them is missing."""
    facts = (client.first_name, client.last_name, client.ssn_last4, client.birth_date)
    return lookup_hash(*facts) if all(facts) else ""
