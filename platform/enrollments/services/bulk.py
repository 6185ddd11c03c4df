"""Open thousands of enrollments as `open_enrollments` opens one: prepared row by row, compared and written in sets.

`Preparation` cleans a row with the service's own validators and asks each question about provider, court and course
once. `matches` finds for many rows in one query what is on record already. `write_new` inserts clients and
enrollments of a run's staged rows with their history and evidence. What comes out equals what the service would have
written; a test compares every column.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from audit.services import record_many
from core import clock
from core.crypto import SealedField, seal
from core.errors import DomainError
from core.history import keep_versions
from enrollments.columns import case_columns, clean_address, client_columns
from enrollments.enums import ENDED, FINISHED, EnrollmentStatus
from enrollments.models import Client, Enrollment
from enrollments.offers import refuse_offer
from enrollments.values import Case, Person
from imports.models import ImportRun
from organizations.models import Organization

_SEALED = ("birth_date", "ssn_last4")
_FIELDS = """client uuid, provider uuid, firm uuid, first_name text, last_name text, email text, phone text,
    language text, birth_date text, ssn_last4 text, identity_hash text, kind text, district_id text,
    delivery_method text, chapter text, case_number text, first_set_341_date date, de_filing_deadline date"""
_STAGED = f"""imports_stagedrow s, LATERAL jsonb_to_record(s.facts) AS f({_FIELDS})
    WHERE s.run_id = %s AND s.line = ANY (%s)"""


@dataclass(frozen=True, slots=True)
class Match:
    """What is on record about one row: the client, the enrollment of this kind that is open, its present columns and
    version; and whether somebody with the same name, digits and birth date has another address."""

    client: uuid.UUID | None
    enrollment: uuid.UUID | None
    seen: dt.datetime | None
    columns: Mapping[str, Any]
    known_elsewhere: bool


class Preparation:
    """Turns told facts into those of a staged row, with ids that follow from `seed`: the same row always makes the
    same record, so that a chunk written twice would collide instead of doubling."""

    def __init__(self, seed: uuid.UUID) -> None:
        self.seed = seed.bytes
        self._offers: dict[tuple[Any, ...], DomainError | None] = {}
        self._deadlines: dict[tuple[Any, ...], dt.date | None] = {}
        self._bindings = {name: _binding(name) for name in _SEALED}

    def facts(
        self, provider: Organization, firm: Organization | None, person: Person, case: Case, language: str
    ) -> dict[str, Any]:
        """The columns of client and enrollment, sealed where the model seals. DomainError as `create_enrollment`."""
        clean_address(person)
        self._check_offer(provider, case)
        deadline = self._deadline(case)
        facts: dict[str, Any] = {"provider": str(provider.pk), "firm": str(firm.pk) if firm else None}
        facts |= client_columns(person, language)
        facts["client"] = client = self._id(
            facts["provider"], facts["firm"] or "", facts["email"], facts["first_name"].upper(),
            facts["last_name"].upper(),
        )  # fmt: skip
        facts |= case_columns(case, deadline)
        for name, binding in self._bindings.items():
            facts[name] = seal(facts[name], bound_to=binding.binding_for(client)) if facts[name] else ""
        return facts

    def record_id(self, facts: Mapping[str, Any]) -> str:
        """The id of the enrollment that a row makes: one for each client and kind."""
        return self._id(facts["client"], facts["kind"])

    def _id(self, *parts: str) -> str:
        digits = hashlib.blake2b("\x00".join(parts).encode(), key=self.seed, digest_size=16).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def _check_offer(self, provider: Organization, case: Case) -> None:
        key = (provider.pk, case.court_id, case.kind)
        if key not in self._offers:
            self._offers[key] = refuse_offer(provider, case.court_id, case.kind)
        refusal = self._offers[key]
        if refusal is not None:
            raise DomainError(refusal.code, **refusal.params)

    def _deadline(self, case: Case) -> dt.date | None:
        key = (case.kind, case.court_id, case.chapter, case.first_set_341_date, case.de_filing_deadline)
        if key not in self._deadlines:
            self._deadlines[key] = case.deadline()
        return self._deadlines[key]


def _binding(name: str) -> SealedField:
    field = Client._meta.get_field(name)
    if not isinstance(field, SealedField):
        raise TypeError(f"{name} is not sealed.")
    return field


_MATCH = """
SELECT f.line, c.id, e.id, e.updated_at, c.phone, e.language, e.chapter, e.case_number, e.first_set_341_date,
    e.de_filing_deadline, e.district_id, coalesce(d.known, false)
FROM {source}
LEFT JOIN LATERAL (
    SELECT c.id, c.phone FROM enrollments_client c
    WHERE c.provider_id = f.provider AND c.email = f.email AND c.firm_id IS NOT DISTINCT FROM f.firm
        AND upper(c.first_name) = upper(f.first_name) AND upper(c.last_name) = upper(f.last_name)
    ORDER BY c.last_name, c.first_name, c.id LIMIT 1
) c ON true
LEFT JOIN LATERAL (
    SELECT e.* FROM enrollments_enrollment e
    WHERE e.client_id = c.id AND e.kind = f.kind AND e.status <> ALL (%s)
    ORDER BY e.created_at DESC, e.id LIMIT 1
) e ON true
LEFT JOIN LATERAL (
    SELECT true AS known FROM enrollments_client d
    WHERE f.identity_hash <> '' AND d.provider_id = f.provider AND d.identity_hash = f.identity_hash
        AND d.email <> f.email LIMIT 1
) d ON true
WHERE (c.id IS NOT NULL AND c.id <> f.client) OR e.id IS NOT NULL OR d.known
"""
_MATCHED = ("client", "provider", "firm", "email", "first_name", "last_name", "kind", "identity_hash")
_TOLD = """(
    SELECT (r ->> 0)::int AS line, (r ->> 1)::uuid AS client, (r ->> 2)::uuid AS provider, (r ->> 3)::uuid AS firm,
        r ->> 4 AS email, r ->> 5 AS first_name, r ->> 6 AS last_name, r ->> 7 AS kind, r ->> 8 AS identity_hash
    FROM jsonb_array_elements(%s::jsonb) AS r
) AS f"""
_COMPARED = ("phone", "language", "chapter", "case_number", "first_set_341_date", "de_filing_deadline", "district_id")
_CLOSED = [str(status) for status in ENDED | FINISHED]


def matches(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> dict[int, Match]:
    """What is on record about (line, facts): only lines about which anything is. One query, rows in sight only."""
    wanted = [[line, *(facts[name] for name in _MATCHED)] for line, facts in rows]
    with connection.cursor() as cursor:
        cursor.execute(_MATCH.format(source=_TOLD), [json.dumps(wanted), _CLOSED])
        return {row[0]: _match(row) for row in cursor.fetchall()}


def staged_matches(run: ImportRun, lines: Sequence[int]) -> dict[int, Match]:
    """The same for staged rows of a run, asked again before they are written; what is on record is locked first."""
    found = _asked_again(run, lines)
    if found:
        clients = {match.client for match in found.values() if match.client}
        enrollments = {match.enrollment for match in found.values() if match.enrollment}
        list(Client.objects.locked().filter(pk__in=clients).values_list("pk"))
        list(Enrollment.objects.locked().filter(pk__in=enrollments).values_list("pk"))
        found = _asked_again(run, list(found))
    return found


def _asked_again(run: ImportRun, lines: Sequence[int]) -> dict[int, Match]:
    source = f"(SELECT s.line, f.* FROM {_STAGED}) AS f"  # noqa: S608 -- names of ours only
    with connection.cursor() as cursor:
        cursor.execute(_MATCH.format(source=source), [run.pk, list(lines), _CLOSED])
        return {row[0]: _match(row) for row in cursor.fetchall()}


def _match(row: tuple[Any, ...]) -> Match:
    return Match(row[1], row[2], row[3], dict(zip(_COMPARED, row[4:11], strict=True)), bool(row[11]))


_INSERT_CLIENTS = f"""
INSERT INTO enrollments_client (id, created_at, updated_at, provider_id, firm_id, first_name, last_name, email, phone,
    language, birth_date, ssn_last4, identity_hash)
SELECT DISTINCT ON (f.client) f.client, %s, %s, f.provider, f.firm, f.first_name, f.last_name, f.email, f.phone,
    f.language, f.birth_date, f.ssn_last4, f.identity_hash
FROM {_STAGED} AND s.known_id IS NULL AND NOT EXISTS (SELECT 1 FROM enrollments_client c WHERE c.id = f.client)
ORDER BY f.client, s.line
RETURNING id
"""  # noqa: S608 -- names of ours only
_INSERT_ENROLLMENTS = f"""
INSERT INTO enrollments_enrollment (id, created_at, updated_at, provider_id, firm_id, client_id, kind, district_id,
    language, delivery_method, status, has_fee_waiver, chapter, case_number, first_set_341_date, current_341_date,
    de_filing_deadline, cc_override_reason)
SELECT s.record_id, %s, %s, f.provider, f.firm, coalesce(s.known_id, f.client), f.kind, f.district_id, f.language,
    f.delivery_method, %s, false, coalesce(f.chapter, ''), coalesce(f.case_number, ''), f.first_set_341_date,
    f.first_set_341_date, f.de_filing_deadline, ''
FROM {_STAGED}
ORDER BY s.line
RETURNING provider_id::text, id::text, jsonb_build_object('kind', kind, 'court', district_id,
    'household', NULL, 'request', NULL, 'deadline', de_filing_deadline)::text
"""  # noqa: S608 -- names of ours only


def write_new(run: ImportRun, lines: Sequence[int]) -> set[uuid.UUID]:
    """Write the clients and enrollments of staged rows that are to be new, in the caller's transaction; returns the
    ids of the clients that were made. IntegrityError when a row was written before."""
    now = clock.now()
    chosen: list[Any] = [run.pk, list(lines)]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_CLIENTS, [now, now, *chosen])
        clients = [row[0] for row in cursor.fetchall()]
        cursor.execute(_INSERT_ENROLLMENTS, [now, now, EnrollmentStatus.INVITED.value, *chosen])
        events = cursor.fetchall()
    keep_versions(Client, clients, "+", reason=run.version)
    keep_versions(Enrollment, [row[1] for row in events], "+", reason=run.version)
    record_many("enrollment.created", Enrollment, events)
    return set(clients)
