"""The rows of a volume as SQL: a block of five enrollments for three clients of one provider, over and over."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.fields import NOT_PROVIDED

from tests.factories.names import World

MODELS = (
    "organizations.Organization", "organizations.ProviderProfile", "organizations.FirmProfile", "accounts.User",
    "organizations.Membership", "providers.DistrictApproval", "enrollments.Client", "enrollments.Household",
    "enrollments.EnrollmentRequest", "enrollments.Enrollment", "enrollments.DisclosureAcknowledgement",
    "payments.Payment", "certificates.Certificate", "certificates.CourtFiling",
)  # fmt: skip
PROVIDERS, FIRMS, DISTRICTS, YEARS, BLOCK = 20, 32, 10, 4, 5
FIRST, LAST = (line.split() for line in Path(__file__).with_name("names.txt").read_text().splitlines())


def tables(labels: Iterable[str] = MODELS) -> list[str]:
    return [apps.get_model(label)._meta.db_table for label in labels]


def statements(enrollments: int, world: World) -> Iterator[str]:
    """In order: who there is, then what happened to them."""
    blocks = -(-enrollments // BLOCK)
    yield from _organizations(world)
    yield f"CREATE TEMP TABLE v_block ON COMMIT DROP AS {_blocks(blocks)}"
    yield "CREATE UNIQUE INDEX ON v_block (b)"
    yield "ANALYZE v_block"
    yield from _people(world)
    yield f"CREATE TEMP TABLE v_enrollment ON COMMIT DROP AS {_enrollments(enrollments)}"
    yield "ANALYZE v_enrollment"
    yield from _numbers()
    yield from _cases()
    yield from _money()
    yield from _certificates()


def identity(kind: str, number: str) -> str:
    """The id of the n-th row of a kind, as SQL."""
    return f"md5('{kind}:' || ({number}))::uuid"


def insert(label: str, source: str, /, *, beside: dict[str, str] | None = None, **values: str) -> str:
    """INSERT … SELECT with an expression for each named column; the others get the model's default. `beside` are
    columns that triggers fill and no model knows."""
    model = apps.get_model(label)
    columns = dict(beside or {})
    for field in model._meta.concrete_fields:
        column = field.column or ""
        if column in values:
            columns[column] = values.pop(column)
        elif getattr(field, "generated", False):
            continue
        elif column in {"created_at", "updated_at"}:
            columns[column] = "now()"
        elif not field.null:
            columns[column] = _default(field)
    if values:
        raise LookupError(f"{label} has no {', '.join(values)}")
    names = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {model._meta.db_table} ({names}) SELECT {', '.join(columns.values())} FROM {source}"


def _default(field: models.Field) -> str:
    value: Any = "" if field.default is NOT_PROVIDED else field.get_default()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, dt.datetime):
        return "now()"
    if isinstance(value, list) and field.get_internal_type() == "ArrayField":
        return "'{}'"
    if isinstance(value, dict | list):
        return f"'{json.dumps(value)}'"
    return "'" + str(value).replace("'", "''") + "'"


def _pick(words: list[str], number: str) -> str:
    return f"('{{{','.join(words)}}}'::text[])[1 + ({number}) % {len(words)}]"


def _hash(number: str, salt: int) -> str:
    return f"abs(hashint8extended({number}, {salt}) % 1000003)"


def _organizations(world: World) -> Iterator[str]:
    yield insert(
        "organizations.Organization", f"generate_series(3, {PROVIDERS}) n", id=identity("provider", "n"),
        name="'Provider ' || lpad(n::text, 2, '0')", slug="'bulk-provider-' || n", is_provider="true",
    )  # fmt: skip
    yield insert(
        "organizations.ProviderProfile", f"generate_series(3, {PROVIDERS}) n", id=identity("profile", "n"),
        organization_id=identity("provider", "n"), legal_name="'Provider ' || lpad(n::text, 2, '0') || ', Inc.'",
        approval_status="'approved'", is_active="true", simulates_numbers="true", languages="'{English,Spanish}'",
    )  # fmt: skip
    yield insert(
        "organizations.Organization", f"generate_series(3, {FIRMS}) n", id=identity("firm", "n"),
        name="'Firm ' || lpad(n::text, 2, '0')", slug="'bulk-firm-' || n", is_firm="true",
    )  # fmt: skip
    yield insert(
        "organizations.FirmProfile", f"generate_series(3, {FIRMS}) n", id=identity("firmprofile", "n"),
        organization_id=identity("firm", "n"), legal_name="'Firm ' || n || ' LLP'",
    )  # fmt: skip
    yield insert(
        "accounts.User", f"generate_series(3, {PROVIDERS}) n", id=identity("counselor", "n"), password="'!'",
        email="'counselor' || n || '@bulk.example'", username="'counselor' || n || '@bulk.example'",
        first_name="'Counselor'", last_name="'Number ' || n", date_joined="now()",
    )  # fmt: skip
    yield insert(
        "organizations.Membership", f"generate_series(3, {PROVIDERS}) n", id=identity("membership", "n"),
        user_id=identity("counselor", "n"), organization_id=identity("provider", "n"), role="'counselor'",
    )  # fmt: skip
    known = ", ".join(
        f"('{world.pk(f'provider_{t}')}', '{world.pk(f'firm_{t}')}', '{world.pk(f'counselor_{t}')}')" for t in "ab"
    )
    yield (
        "CREATE TEMP TABLE v_organization ON COMMIT DROP AS"
        f" SELECT row_number() OVER () n, p::uuid provider, f::uuid firm, c::uuid counselor"
        f" FROM (VALUES {known}) known(p, f, c) UNION ALL SELECT n, {identity('provider', 'n')},"
        f" {identity('firm', 'n')}, {identity('counselor', 'n')} FROM generate_series(3, {FIRMS}) n"
    )
    yield (
        "CREATE TEMP TABLE v_district ON COMMIT DROP AS SELECT row_number() OVER (ORDER BY court_id) - 1 n, court_id,"
        f" certificate_code, time_zone, name FROM (SELECT * FROM providers_district ORDER BY court_id <> 'cacb',"
        f" court_id LIMIT {DISTRICTS}) d"
    )
    yield insert(
        "providers.DistrictApproval",
        f"v_organization o, v_district d, (VALUES ('CC'), ('DE')) k(kind) WHERE o.n <= {PROVIDERS}"
        " AND NOT (d.court_id = 'cacb' AND o.n <= 2)",
        id=identity("approval", "o.n || d.court_id || k.kind"), provider_id="o.provider", district_id="d.court_id",
        kind="k.kind", status="'approved'", valid_from="current_date - 2000", valid_to="current_date + 800",
    )  # fmt: skip


def _blocks(blocks: int) -> str:
    """A quarter of the blocks for Provider A, a tenth for B; four of ten come from a firm."""
    share = f"WITH b AS (SELECT b, {_hash('b', 1)} h, {_hash('b', 2)} g FROM generate_series(0, {blocks - 1}) b)"
    return (
        f"{share} SELECT b, h, g, p.provider, p.counselor, f.firm, d.court_id, b % 5 = 0 AS is_joint FROM b"
        f" JOIN v_organization p ON p.n = CASE WHEN h % 100 < 25 THEN 1 WHEN h % 100 < 35 THEN 2"
        f" ELSE 3 + h % {PROVIDERS - 2} END LEFT JOIN v_organization f ON f.n = CASE WHEN g % 100 < 10 THEN 1"
        f" WHEN g % 100 < 14 THEN 2 WHEN g % 100 < 40 THEN 3 + g % {FIRMS - 2} END"
        f" JOIN v_district d ON d.n = (h / 100) % {DISTRICTS}"
    )


def _people(world: World) -> Iterator[str]:
    yield insert(
        "accounts.User", "v_block WHERE b % 40 = 0", id=identity("user", "b"), password="'!'", date_joined="now()",
        email="'client' || b || '@bulk.example'", username="'client' || b || '@bulk.example'", first_name="'Client'",
        last_name="'Number ' || b",
    )  # fmt: skip
    yield insert(
        "enrollments.Household", "v_block WHERE is_joint", id=identity("household", "b"), provider_id="provider",
        firm_id="firm",
    )  # fmt: skip
    number = "b * 3 + c"
    first, last = _pick(FIRST, _hash(number, 3)), _pick(LAST, _hash("b", 4))
    rare = f"initcap(translate(substr(md5(({number})::text), 1, 7), '0123456789', 'aeioulnrst'))"
    surname = f"CASE WHEN {_hash(number, 5)} % 10 < 7 THEN {last} WHEN {_hash(number, 5)} % 10 < 9"
    surname += f" THEN {last} || '-' || {_pick(LAST, _hash(number, 6))} ELSE {rare} END"
    yield insert(
        "enrollments.Client", "v_block, generate_series(0, 2) c", id=identity("client", number),
        provider_id="provider", firm_id="firm", first_name=first, last_name=surname,
        email=f"lower({first}) || '.' || ({number}) || '@mail' || b % 7 || '.example'",
        phone="'555-' || lpad((b % 10000)::text, 4, '0')",
        user_id=f"CASE WHEN b % 40 = 0 AND c = 0 THEN {identity('user', 'b')} END",
        joint_filer_id=f"CASE WHEN is_joint AND c < 2 THEN {identity('client', 'b * 3 + 1 - c')} END",
    )  # fmt: skip


def _enrollments(count: int) -> str:
    """Newest last; old ones are mostly finished. The first three of a block are counseling, the others education."""
    begun = f"now() - interval '{YEARS} years' * (1 - n / {count}.0)"
    return (
        "SELECT e.*, CASE"
        " WHEN recent AND s < 25 THEN 'invited' WHEN recent AND s < 40 THEN 'enrolled'"
        " WHEN recent AND s < 68 THEN 'in_progress' WHEN recent AND s < 80 THEN 'review'"
        " WHEN recent AND s < 90 THEN 'completed' WHEN s >= 90 THEN 'cancelled' WHEN s < 4 THEN 'in_progress'"
        " WHEN s < 8 THEN 'completed' WHEN s < 45 OR kind = 'CC' THEN 'cert_issued' ELSE 'filed' END AS status"
        f" FROM (SELECT n, (n - 1) % {BLOCK} r, b.*, {begun} AS at, n > 0.85 * {count} AS recent,"
        f" CASE WHEN (n - 1) % {BLOCK} < 3 THEN 'CC' ELSE 'DE' END AS kind, {_hash('n', 7)} % 100 s,"
        f" {_hash('n', 8)} % 100 < 8 AS waived, b.b * 3 + (n - 1) % {BLOCK} % 3 AS c"
        f" FROM generate_series(1, {count}) n JOIN v_block b ON b.b = (n - 1) / {BLOCK}) e"
    )


def _numbers() -> Iterator[str]:
    yield (
        "CREATE TEMP TABLE v_certificate ON COMMIT DROP AS SELECT e.*, d.certificate_code, d.time_zone,"
        " d.name district, 100 + row_number() OVER (PARTITION BY provider ORDER BY e.n) serial,"
        " 100 + row_number() OVER (PARTITION BY kind, court_id ORDER BY e.n) simulated"
        " FROM v_enrollment e JOIN v_district d USING (court_id) WHERE status IN ('cert_issued', 'filed')"
    )
    number = "'00000-' || certificate_code || '-' || kind || '-' || lpad(simulated::text, 9, '0')"
    yield f"ALTER TABLE v_certificate ADD number text GENERATED ALWAYS AS ({number}) STORED"
    yield "CREATE UNIQUE INDEX ON v_certificate (n)"
    yield "ANALYZE v_certificate"


_DONE = "status IN ('completed', 'cert_issued', 'filed')"


def _cases() -> Iterator[str]:
    yield insert(
        "enrollments.EnrollmentRequest",
        f"v_enrollment e JOIN enrollments_client c ON c.id = {identity('client', 'e.c')} WHERE r = 0 AND b % 7 = 0",
        id=identity("request", "b"), provider_id="e.provider", kind="e.kind", district_id="court_id",
        first_name="c.first_name", last_name="c.last_name", email="c.email", created_at="at", updated_at="at",
        status="CASE WHEN recent AND s < 25 THEN 'submitted' ELSE 'invited' END",
    )  # fmt: skip
    case_number = (
        "CASE WHEN e.kind = 'DE' THEN to_char(e.at, 'YY') || '-' || lpad((e.n % 100000)::text, 5, '0') ELSE '' END"
    )
    yield (
        f"CREATE TEMP TABLE v_case ON COMMIT DROP AS SELECT e.*, {case_number} AS case_number,"
        " coalesce(number, '') AS marks, p.first_name, p.last_name, p.email, p.phone FROM v_enrollment e"
        f" JOIN enrollments_client p ON p.id = {identity('client', 'e.c')} LEFT JOIN v_certificate v ON v.n = e.n"
    )
    yield insert(
        "enrollments.Enrollment", "v_case", id=identity("enrollment", "n"), provider_id="provider",
        firm_id="firm", client_id=identity("client", "c"), kind="kind", district_id="court_id", status="status",
        household_id=f"CASE WHEN is_joint AND r IN (0, 1, 3, 4) THEN {identity('household', 'b')} END",
        request_id=f"CASE WHEN r = 0 AND b % 7 = 0 THEN {identity('request', 'b')} END",
        language="CASE WHEN s % 5 = 0 THEN 'es' ELSE 'en' END", has_fee_waiver="waived",
        chapter="CASE WHEN kind = 'DE' THEN CASE WHEN s % 3 = 0 THEN '13' ELSE '7' END ELSE '' END",
        case_number="case_number",
        first_set_341_date="CASE WHEN kind = 'DE' THEN at::date + 20 END",
        current_341_date="CASE WHEN kind = 'DE' THEN at::date + 20 + 14 * (s % 3)::int END",
        de_filing_deadline="CASE WHEN kind = 'DE' THEN at::date + 80 END",
        enrolled_at="CASE WHEN status <> 'invited' THEN at + interval '1 day' END",
        begun_at="CASE WHEN status NOT IN ('invited', 'enrolled') THEN at + interval '2 days' END",
        submitted_at=f"CASE WHEN {_DONE} OR status = 'review' THEN at + interval '3 days' END",
        completed_at=f"CASE WHEN {_DONE} THEN at + interval '4 days' END",
        completed_by_id=f"CASE WHEN {_DONE} THEN counselor END",
        certificate_due=f"CASE WHEN {_DONE} THEN at::date + 5 END", created_at="at", updated_at="at",
        beside={
            "marks": "marks", "sort_name": "app.fold(last_name || ' ' || first_name)",
            "search": "app.document(ARRAY[provider, firm], first_name::text, last_name::text, email::text, phone::text,"
            " case_number, marks)",
        },
    )  # fmt: skip
    yield insert(
        "enrollments.DisclosureAcknowledgement",
        "v_enrollment e JOIN (SELECT DISTINCT ON (kind) kind, id FROM enrollments_disclosureset"
        " ORDER BY kind, effective_from DESC) d ON d.kind = e.kind WHERE b % 40 = 0 AND e.c % 3 = 0"
        " AND status <> 'invited'",
        id=identity("acknowledgement", "n"), enrollment_id=identity("enrollment", "n"), disclosures_id="d.id",
        user_id=identity("user", "b"), language="'en'", shown_sha256="repeat('0', 64)", acknowledged_at="at",
    )  # fmt: skip


def _money() -> Iterator[str]:
    failed = f"{_hash('n', 9)} % 100 < 4"
    yield insert(
        "payments.Payment",
        "v_enrollment WHERE NOT waived AND status NOT IN ('invited', 'cancelled') AND NOT (is_joint AND r IN (1, 4))",
        id=identity("payment", "n"), provider_id="provider", enrollment_id=identity("enrollment", "n"),
        household_id=f"CASE WHEN is_joint AND r IN (0, 3) THEN {identity('household', 'b')} END", amount_cents="5000",
        source="CASE WHEN s % 9 = 0 THEN 'manual' ELSE 'card' END",
        status=f"CASE WHEN {failed} THEN 'expired' ELSE 'succeeded' END", idempotency_key="'bulk-' || n",
        checkout_session_id="'cs_bulk_' || n", payment_intent_id="'pi_bulk_' || n",
        succeeded_at=f"CASE WHEN NOT {failed} THEN at + interval '1 day' END", created_at="at", updated_at="at",
    )  # fmt: skip


def _certificates() -> Iterator[str]:
    facts = (
        "jsonb_build_object('delivery', 'internet', 'time_zone', time_zone, 'agency_name', 'Provider, Inc.',"
        " 'case_number', '', 'client_name', 'Client ' || n, 'completed_at', to_json(at + interval '4 days'),"
        " 'district_name', district, 'counselor_name', 'Counselor', 'debt_plan_attached', null)"
    )
    code = "translate(upper(substr(md5('code:' || n), 1, 20)), 'ILOU', '1100')"
    yield insert(
        "certificates.Certificate", "v_certificate", id=identity("certificate", "n"), provider_id="provider",
        enrollment_id=identity("enrollment", "n"), kind="kind", serial="serial", is_simulated="true",
        number="number",
        verification_code=code, facts=facts, issued_at="at + interval '5 days'", created_at="at", updated_at="at",
    )  # fmt: skip
    yield insert(
        "certificates.CourtFiling", "v_certificate WHERE kind = 'DE'", id=identity("filing", "n"),
        provider_id="provider", enrollment_id=identity("enrollment", "n"), certificate_id=identity("certificate", "n"),
        status="CASE WHEN status = 'filed' THEN 'filed' ELSE 'queued' END", kind="'DE'",
        filed_on="CASE WHEN status = 'filed' THEN at::date + 9 END", created_at="at", updated_at="at",
    )  # fmt: skip
    for name, value in (("'certificate:' || provider", "serial"),
                        ("'simulated-certificate:' || kind || ':' || court_id", "simulated")):  # fmt: skip
        yield (
            f"INSERT INTO core_counter (name, value) SELECT {name}, max({value}) FROM v_certificate GROUP BY 1"
            " ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value"
        )
