"""Whatever changes a row that must be explained leaves evidence, by whatever way it comes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from certificates.models import Certificate, CourtFiling
from core.context import acting
from core.transitions import transition
from enrollments.models import Enrollment
from organizations.actors import load_actor
from organizations.models import Membership
from payments.enums import WaiverStatus
from payments.models import FeeWaiver, Payment
from tests.database import ROOT, Databases, as_system
from tests.factories.names import World
from tests.processes import environment
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)


class Ways:
    """Seven ways around the services, each on a row of tenant A; each names the row it changed or removed."""

    def __init__(self, world: World, databases: Databases) -> None:
        self.world, self.databases = world, databases

    def update(self) -> Any:
        with as_system():
            Enrollment.objects.filter(pk=self.world.studying_a.pk).update(status="enrolled")
        return self.world.studying_a.pk

    def bulk_update(self) -> Any:
        row = self.world.waiver_a
        row.status = WaiverStatus.DENIED
        with as_system():
            FeeWaiver.objects.bulk_update([row], ["status"])
        return row.pk

    def sql(self) -> Any:
        with as_system(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE organizations_membership SET role = 'counselor' WHERE id = %s", [self.a_membership()]
            )
        return self.a_membership()

    def a_membership(self) -> Any:
        with as_system():
            return Membership.objects.get(user=self.world.provider_admin_a).pk

    def cascade(self) -> Any:
        """A delete that takes others with it, by the database's own hand."""
        pk = self.world.filing_a.pk
        with psycopg.connect(self.databases.cluster.superuser_dsn(self.databases.name)) as superuser:
            superuser.execute(
                "ALTER TABLE certificates_courtfiling DROP CONSTRAINT filing_certificate_home,"
                " ADD CONSTRAINT filing_certificate_home FOREIGN KEY (certificate_id, provider_id)"
                " REFERENCES certificates_certificate (id, provider_id) ON DELETE CASCADE"
            )
        with as_system(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM certificates_certificate WHERE id = %s", [self.world.certificate_a.pk])
        assert not exists(CourtFiling, pk)
        return pk

    def migration(self) -> Any:
        """A data step as the owner, in the system scope."""
        with psycopg.connect(self.databases.dsn("owner")) as owner:
            owner.execute("SELECT set_config('app.scope', 'system', true)")
            owner.execute(
                "UPDATE certificates_certificate SET number = 'x' WHERE id = %s", [self.world.certificate_b.pk]
            )
        return self.world.certificate_b.pk

    def shell(self) -> Any:
        code = (
            "from core.context import acting, system_actor\nfrom accounts.models import User\n"
            f"with acting(system_actor('shell')): User.objects.filter(pk='{self.world.stranger.pk}')"
            ".update(platform_role='platform_admin')"
        )
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        subprocess.run(command, cwd=ROOT, env=environment(self.databases, "worker"), check=True, capture_output=True)
        return self.world.stranger.pk

    def save(self) -> Any:
        """What an import or a form would do that forgot its service."""
        with acting(load_as_system(self.world.provider_admin_a)):
            row = Enrollment.objects.get(pk=self.world.review_a.pk)
            row.status = "in_progress"
            row.save(update_fields=["status"])
        return self.world.review_a.pk


def load_as_system(user: Any) -> Any:
    with as_system():
        return load_actor(user)


def exists(model: Any, pk: Any) -> bool:
    with as_system():
        return bool(model.objects.filter(pk=pk).exists())


WAYS: dict[str, Callable[[Ways], Any]] = {
    "update()": Ways.update, "bulk_update": Ways.bulk_update, "raw SQL": Ways.sql, "cascade": Ways.cascade,
    "migration": Ways.migration, "shell": Ways.shell, "save()": Ways.save,
}  # fmt: skip


def unseen(world: World, databases: Databases) -> list[str]:
    """Ways that left no event about the row."""
    ways, found = Ways(world, databases), []
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as judge:
        for name, way in WAYS.items():
            [before] = judge.execute("SELECT coalesce(max(id), 0) FROM audit_auditevent").fetchone()
            row = way(ways)
            [told] = judge.execute(
                "SELECT count(*) FROM audit_auditevent WHERE id > %s AND target_id = %s"
                " AND act IN ('row.changed', 'row.deleted')", [before, str(row)],
            ).fetchone()  # fmt: skip
            if told != 1:
                found.append(f"{name}: {told} events")
    return found


@pytest.mark.torture("L-05")
def test_no_way_around_the_services_leaves_no_evidence(world: World, databases: Databases, trial: Trial) -> None:
    found = unseen(world, databases)

    assert found == []
    trial.report(n=len(WAYS), violations=len(found))


@pytest.mark.control("L-05")
def test_without_the_witness_nothing_is_seen(world: World, databases: Databases) -> None:
    """The mistake: evidence comes from the services alone."""
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as superuser:
        superuser.execute("DROP FUNCTION app.witness")
        superuser.execute("CREATE FUNCTION app.witness(text, uuid, uuid, text, text) RETURNS void"
                          " LANGUAGE sql AS 'SELECT'")  # fmt: skip

    assert len(unseen(world, databases)) == len(WAYS)


def test_an_act_that_was_recorded_is_not_told_twice(world: World, databases: Databases) -> None:
    with as_system():
        transition(world.waiver_a, WaiverStatus.DENIED, reason="Asked twice.")

    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as judge:
        rows = judge.execute(
            "SELECT act FROM audit_auditevent WHERE target_id = %s", [str(world.waiver_a.pk)]
        ).fetchall()
    assert [act for (act,) in rows] == ["feewaiver.denied"]


def test_a_change_that_is_undone_leaves_nothing(world: World, databases: Databases) -> None:
    with as_system(), transaction.atomic():
        Payment.objects.filter(pk=world.payment_a.pk).update(status="failed")
        transaction.set_rollback(True)

    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as judge:
        [told] = judge.execute("SELECT count(*) FROM audit_auditevent WHERE act LIKE 'row.%'").fetchone()
    assert told == 0
    assert exists(Certificate, world.certificate_a.pk)
