"""Who a client is, as far as it can be compared without opening what is sealed."""

from __future__ import annotations

from core.crypto import lookup_hash
from enrollments.models import Client


def identity_of(client: Client) -> str:
    """The keyed digest of name, last four digits and birth date; empty while one of them is missing."""
    return identity_from(client.first_name, client.last_name, client.ssn_last4, client.birth_date)


def identity_from(first_name: str, last_name: str, ssn_last4: str, birth_date: str) -> str:
    """The same digest of a client who is no row yet; `birth_date` as 1985-04-30."""
    facts = (first_name, last_name, ssn_last4, birth_date)
    return lookup_hash(*facts) if all(facts) else ""
