"""What leaves: rows in sight, declared columns, harmless cells, and a record of it."""

from __future__ import annotations

import csv
import io

import pytest

from accounts.models import User
from audit.models import AuditEvent
from core.context import acting
from core.errors import DomainError
from core.privacy import Privacy
from enrollments.models import Client, Enrollment
from organizations.actors import load_actor
from organizations.models import Organization
from resources.base import ConsoleResource
from resources.catalogue import RESOURCES
from resources.enrollments import EnrollmentResource
from resources.exporting import run_export
from resources.formats import SafeCSV
from resources.payments import PaymentResource
from tests.database import as_system
from tests.factories.names import World
from tests.resources.hostile import hostile_cells, is_formula

pytestmark = pytest.mark.django_db


def taken(user: User, resource: type[ConsoleResource], home: Organization | None = None) -> list[dict[str, str]]:
    with as_system():
        actor = load_actor(user)
    with acting(actor):
        content = run_export(resource(actor, home), SafeCSV())
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_a_provider_exports_its_own_enrollments_only(world: World) -> None:
    rows = taken(world.provider_admin_a, EnrollmentResource)
    with as_system():
        own = {str(pk) for pk in Enrollment.objects.filter(provider=world.provider_a).values_list("pk", flat=True)}
    assert {row["id"] for row in rows} == own
    assert {row["provider_slug"] for row in rows} == {"provider-a"}


def test_a_firm_exports_the_clients_it_sent(world: World) -> None:
    rows = taken(world.attorney_a, EnrollmentResource)
    assert [row["id"] for row in rows] == [str(world.invited_a.pk)]


def test_the_platform_may_narrow_to_one_organization(world: World) -> None:
    everything = taken(world.platform_admin, EnrollmentResource)
    rows = taken(world.platform_admin, EnrollmentResource, world.provider_b)
    assert {row["provider_slug"] for row in everything} == {"provider-a", "provider-b"}
    assert {row["provider_slug"] for row in rows} == {"provider-b"}


def test_payments_leave_with_native_amounts(world: World) -> None:
    [row] = taken(world.provider_admin_a, PaymentResource)
    payment = world.payment_a
    assert (row["id"], row["amount_cents"], row["currency"]) == (str(payment.pk), str(payment.amount_cents), "USD")
    assert (row["provider"], row["enrollment_id"]) == ("provider-a", str(payment.enrollment_id))


@pytest.mark.parametrize("person", ["counselor_a", "auditor", "client_user_a", "platform_support"])
def test_who_may_not_export_gets_nothing(world: World, person: str) -> None:
    with pytest.raises(DomainError) as refused:
        taken(getattr(world, person), EnrollmentResource)
    assert refused.value.code == "export_not_yours"


def test_no_resource_exports_a_sensitive_column() -> None:
    assert {name: resource.problems() for name, resource in RESOURCES.items()} == {name: [] for name in RESOURCES}
    sensitive = {name for name, level in Client.privacy.items() if level is Privacy.SENSITIVE}
    assert sensitive.isdisjoint(EnrollmentResource.exports)


def test_a_sensitive_column_in_the_declaration_is_a_problem() -> None:
    class Leaky(EnrollmentResource):
        exports = ("id", "birth_date")
        birth_date = EnrollmentResource.fields["first_name"].__class__("client__birth_date", "birth_date")

    assert Leaky.problems() == ["exports birth_date, which is sensitive"]


def test_hostile_names_leave_as_text(world: World) -> None:
    cells = hostile_cells(40, seed=7)
    with as_system():
        for number, cell in enumerate(cells):
            clean = cell.replace("\x00", "")[:80]
            client = Client.objects.create(
                provider=world.provider_a, first_name=clean, last_name=str(number), email=f"h{number}@example.org"
            )
            Enrollment.objects.create(provider=world.provider_a, client=client, kind="CC", district_id="cacb")
    rows = taken(world.provider_admin_a, EnrollmentResource)
    assert [row["first_name"] for row in rows if is_formula(row["first_name"])] == []


def test_too_many_rows_are_refused_not_cut(world: World) -> None:
    with as_system():
        actor = load_actor(world.provider_admin_a)
    with acting(actor), pytest.raises(DomainError) as refused:
        run_export(EnrollmentResource(actor), SafeCSV(), limit=2)
    assert refused.value.code == "export_too_many_rows"


def test_an_export_is_on_the_record(world: World) -> None:
    rows = taken(world.provider_admin_a, EnrollmentResource, world.provider_a)
    with as_system():
        event = AuditEvent.objects.get(act="enrollments.exported")
    assert (event.organization_id, event.payload["rows"]) == (world.provider_a.pk, len(rows))
    assert event.payload["columns"] == list(EnrollmentResource.exports)
