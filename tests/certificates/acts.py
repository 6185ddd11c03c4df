"""Short ways into the state a test of certificates begins with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from accounts.models import User
from certificates.models import Certificate
from certificates.services.issuing import issue_certificate
from core import clock
from core.context import acting
from core.errors import DomainError
from courses.models import TestAttempt
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from organizations.actors import load_actor
from organizations.models import ProviderProfile
from providers.enums import CourseKind
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World


def refused(code: str) -> Any:
    """Expect the rule with this code to say no."""
    return pytest.raises(DomainError, check=lambda error: error.code == code)


@contextmanager
def acting_as(user: User) -> Iterator[None]:
    """Act as a person, in the web's role."""
    with as_system():
        actor = load_actor(user)
    with acting(actor):
        yield


def completed(world: World, kind: str = CourseKind.DE, **fields: Any) -> Enrollment:
    """One more completed enrollment of the client at provider A."""
    with as_system():
        return cases.make_enrollment(
            world.client_a, kind, **{"status": EnrollmentStatus.COMPLETED, "completed_by": world.counselor_a} | fields
        )


def under_review(world: World, kind: str = CourseKind.CC, *, seconds: int = 7300, passed: bool = True) -> Enrollment:
    """An enrollment with the counselors of provider A, handed in an hour ago, with served time and a test."""
    handed_in = clock.now() - dt.timedelta(hours=1)
    with as_system():
        enrollment = cases.make_enrollment(world.client_a, kind, status=EnrollmentStatus.REVIEW, submitted_at=handed_in)
        session = cases.make_session(enrollment, seconds=seconds)
        TestAttempt.objects.create(
            session=session, number=1, submitted_at=handed_in, score_percent=90 if passed else 40, passed=passed
        )
    return enrollment


def issued(world: World, kind: str = CourseKind.DE, **fields: Any) -> Certificate:
    """A fresh certificate of the client at provider A, made by the product."""
    enrollment = completed(world, kind, **fields)
    with as_system():
        return issue_certificate(enrollment)


def official(world: World) -> None:
    """Provider A records official numbers from now on."""
    with as_system():
        ProviderProfile.objects.filter(organization=world.provider_a).update(simulates_numbers=False)


def fresh(row: Any) -> Any:
    """The row as the database has it now, past both nets."""
    with as_system():
        return type(row)._base_manager.get(pk=row.pk)
