"""The demo data: everybody where the file says, through the product's own services, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.chain import faults
from certificates.enums import CertificateStatus, FilingStatus
from certificates.models import Certificate, CourtFiling
from core import clock
from courses.ledger import verify_ledger
from courses.models import CourseSession
from enrollments.enums import EnrollmentStatus, RequestStatus
from enrollments.models import Enrollment, EnrollmentRequest
from jobs.models import Job
from tests.database import as_system
from tests.factories.names import World
from website.demo.script import logins, read

EXPECTED = {
    "invited": EnrollmentStatus.INVITED,
    "signed_up": EnrollmentStatus.INVITED,
    "acknowledged": EnrollmentStatus.ENROLLED,
    "details": EnrollmentStatus.INVITED,
    "paid": EnrollmentStatus.ENROLLED,
    "studying": EnrollmentStatus.IN_PROGRESS,
    "review": EnrollmentStatus.REVIEW,
    "completed": EnrollmentStatus.COMPLETED,
    "issued": EnrollmentStatus.CERT_ISSUED,
    "filed": EnrollmentStatus.FILED,
}


def promised() -> dict[str, str]:
    """E-mail to status, as the file says; an enrollment that is cancelled is nothing else."""
    people = [client | client.get("spouse", {}) for client in read("clients") if "spouse" in client] + read("clients")
    return {
        person["email"]: EnrollmentStatus.CANCELLED if "cancelled" in person else EXPECTED[person["reached"]]
        for person in people
        if person["reached"] != "requested"
    }


@pytest.fixture
def seeded(world: World, settings: Any, tmp_path: Path) -> Any:
    settings.MAIL_FILE_DIR = tmp_path / "mail"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "files"},
        }
    }
    with as_system():
        call_command("seed_demo", verbosity=0)
        yield


@pytest.mark.django_db
def test_everybody_stands_where_the_file_says(seeded: None) -> None:
    mine = Enrollment.objects.filter(client__email__endswith="@mail.example")
    assert dict(mine.values_list("client__email", "status")) == promised()
    asked = EnrollmentRequest.objects.filter(email__endswith="@mail.example").exclude(status=RequestStatus.INVITED)
    assert set(asked.values_list("email", "status")) == {
        ("denise.whitfield@mail.example", RequestStatus.SUBMITTED),
        ("luis.ortega@mail.example", RequestStatus.REVIEWING),
    }

    nearly = CourseSession.objects.get(enrollment__client__email="olivia.brandt@mail.example")
    assert nearly.total_seconds == 3580
    closed = Certificate.objects.exclude(status=CertificateStatus.VALID).filter(provider__name__startswith="Clearwater")
    assert {row.status for row in closed} == {CertificateStatus.REPLACED, CertificateStatus.REVOKED}
    filing = CourtFiling.objects.get(enrollment__client__email="walter.nguyen@mail.example")
    assert (filing.status, filing.docket_number, filing.evidence is not None) == (FilingStatus.FILED, "47", True)

    sessions = CourseSession.objects.filter(enrollment__client__email__endswith="@mail.example")
    assert [verify_ledger(session) for session in sessions] == [None] * len(sessions)
    assert faults()[1] == []
    assert not Job.objects.open().filter(organization__in=mine.values("provider")).exists()
    assert not Enrollment.history.filter(history_date__gt=clock.now()).exists()

    before = (Enrollment.objects.count(), Job.objects.count(), Certificate.objects.count())
    call_command("seed_demo", verbosity=0)
    assert (Enrollment.objects.count(), Job.objects.count(), Certificate.objects.count()) == before


def test_the_demo_people_are_refused_in_production(settings: Any) -> None:
    settings.ENVIRONMENT = "production"
    with pytest.raises(CommandError, match="production"):
        call_command("seed_demo")
    assert not connection.in_atomic_block


def test_everybody_with_a_login_is_in_the_table_of_logins() -> None:
    with_login = {login.email for login in logins() if login.password}
    assert {"margaret.osei@certaos.example", "grace.moretti@mail.example", "olivia.brandt@mail.example"} <= with_login
    assert "gregory.tran@mail.example" not in with_login
    assert len({login.email for login in logins()}) == len(logins())
