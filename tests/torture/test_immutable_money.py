"""What was booked stays booked: with the real logins of the product, past its own code."""

from __future__ import annotations

import psycopg
import pytest

from tests.database import Databases
from tests.factories.names import World
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)
LOGINS = ("app_web", "app_worker")
TOO_MUCH = """
    INSERT INTO payments_refund (id, created_at, updated_at, payment_id, amount_cents, method, cause, reason, reference,
                                 notifies_client, status, idempotency_key, gateway_id, failure)
    SELECT gen_random_uuid(), now(), now(), id, amount_cents + 1, 'card', 'other', 'x', '', true, 'created',
           'too much', '', '' FROM payments_payment LIMIT 1
"""
ATTACKS = (
    "UPDATE payments_payment SET amount_cents = 1",
    "UPDATE payments_payment SET provider_id = (SELECT id FROM organizations_organization ORDER BY id LIMIT 1)",
    "UPDATE payments_payment SET succeeded_at = now() WHERE succeeded_at IS NOT NULL",
    "UPDATE payments_payment SET idempotency_key = 'other'",
    "UPDATE payments_refund SET amount_cents = 1",
    "UPDATE payments_refund SET method = 'manual', reference = 'mine'",
    "UPDATE payments_refund SET approval_id = (SELECT id FROM approvals_approvalrequest LIMIT 1)",
    TOO_MUCH,
    "UPDATE approvals_approvalrequest SET amount_cents = 1",
    "UPDATE approvals_approvalrequest SET params = '{}'",
    "UPDATE approvals_approvalrequest SET digest = 'x'",
    "UPDATE approvals_approvalrequest SET requester_id = decided_by_id",
    "UPDATE payments_bulkrefundline SET code = ''",
    "UPDATE audit_auditevent SET reason = 'x'",
    *(
        f"{verb} {table}"
        for table in (
            "payments_payment", "payments_refund", "payments_dispute", "payments_bulkrefundline",
            "approvals_approvalrequest", "payments_historicalpayment", "payments_historicalrefund", "audit_auditevent",
        )
        for verb in ("DELETE FROM", "TRUNCATE")
    ),
    *(
        f"ALTER TABLE {table} DISABLE TRIGGER ALL"
        for table in ("payments_payment", "payments_refund", "approvals_approvalrequest")
    ),
    "ALTER TABLE payments_refund DROP CONSTRAINT refund_is_positive",
    "SET session_replication_role = replica",
)  # fmt: skip
FINGERPRINT = """
    SELECT md5(string_agg(t::text, '' ORDER BY t.id::text)) FROM {table} t
"""
TABLES = ("payments_payment", "payments_refund", "payments_dispute", "payments_bulkrefundline",
          "approvals_approvalrequest", "audit_auditevent")  # fmt: skip


def fingerprint(dsn: str) -> list[str]:
    """What the tables hold, as the superuser reads them."""
    with psycopg.connect(dsn) as judge:
        return [judge.execute(FINGERPRINT.format(table=table)).fetchone()[0] for table in TABLES]  # type: ignore[index]  # -- always one row


def succeeded(dsn: str, attacks: tuple[str, ...] = ATTACKS) -> list[str]:
    """The attacks that went through and changed something, each in a transaction of its own that sees everything."""
    found = []
    for attack in attacks:
        with psycopg.connect(dsn, autocommit=False) as login:
            login.execute("SELECT set_config('app.scope', 'system', true)")
            login.execute("SELECT set_config('app.scope', 'platform', true)" if "app_web" in dsn else "SELECT 1")
            try:
                done = login.execute(attack)
                if done.rowcount != 0:
                    found.append(attack)
                login.commit()
            except psycopg.Error:
                login.rollback()
    return found


@pytest.mark.torture("M-14")
def test_no_login_of_the_product_changes_what_was_booked(world: World, databases: Databases, trial: Trial) -> None:
    before = fingerprint(databases.cluster.superuser_dsn(databases.name))

    violations = [f"{login}: {attack}" for login in LOGINS for attack in succeeded(databases.dsn(login))]

    after = fingerprint(databases.cluster.superuser_dsn(databases.name))
    violations += [table for table, old, new in zip(TABLES, before, after, strict=True) if old != new]
    trial.report(n=len(LOGINS) * len(ATTACKS), violations=len(violations), what=violations)


@pytest.mark.control("M-14")
def test_control_with_every_grant_and_no_trigger_the_attacks_go_through(world: World, databases: Databases) -> None:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as superuser:
        superuser.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO app_worker")
        for table in TABLES:
            superuser.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")

    assert len(succeeded(databases.dsn("app_worker"), ATTACKS[:7])) >= 4
