"""A small world for a staging installation: everything once, however often it is asked for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.utils.crypto import salted_hmac

from accounts.enums import PlatformRole
from accounts.models import User
from core import clock
from enrollments.models import Client, Enrollment
from enrollments.services.invitations import invite_client
from enrollments.services.opening import create_enrollment
from enrollments.values import Case, Person
from organizations.enums import ApprovalStatus, InvitedRole, Role
from organizations.models import FirmProfile, Invitation, Organization, ProviderProfile
from organizations.services.invitations import invite
from organizations.services.memberships import join, set_platform_role
from providers.enums import CourseKind, DistrictApprovalStatus
from providers.models import DistrictApproval

DOMAIN = "staging.certaos.example"
COURT = "cacb"


@dataclass(frozen=True, slots=True)
class Login:
    """A test account and its password on this installation."""

    role: str
    email: str
    password: str


def seed_staging() -> list[Login]:
    """Make a provider, a firm, five people, a client's enrollment and open invitations, each unless it is there, in
    the caller's system context. Passwords are the installation's own: they follow from its SECRET_KEY."""
    provider, firm = _provider(), _firm()
    people = {
        InvitedRole.PLATFORM_ADMIN: _person("admin", "Avery", "Admin"),
        InvitedRole.PROVIDER_ADMIN: _person("provider", "Parker", "Provider"),
        InvitedRole.COUNSELOR: _person("counselor", "Casey", "Counselor"),
        InvitedRole.ATTORNEY: _person("attorney", "Alex", "Attorney"),
        InvitedRole.CLIENT: _person("client", "Chris", "Client"),
    }
    set_platform_role(people[InvitedRole.PLATFORM_ADMIN], PlatformRole.ADMIN)
    join(people[InvitedRole.PROVIDER_ADMIN], provider, Role.PROVIDER_ADMIN)
    join(people[InvitedRole.COUNSELOR], provider, Role.COUNSELOR)
    join(people[InvitedRole.ATTORNEY], firm, Role.ATTORNEY)
    _own_enrollment(provider, firm, people[InvitedRole.CLIENT])
    _open_invitations(provider, firm)
    return [Login(role.value, user.email, password_of(user.email)) for role, user in people.items()]


def password_of(email: str) -> str:
    """The password of a test account; it cannot be guessed without the installation's key."""
    return salted_hmac("enrollments.staging", email, algorithm="sha256").hexdigest()[:20]


def _person(name: str, first_name: str, last_name: str) -> User:
    email = f"{name}@{DOMAIN}"
    found = User.objects.filter(email=email).first()
    if found is None:
        found = User.objects.create_user(email, password_of(email), first_name=first_name, last_name=last_name)
        EmailAddress.objects.create(user=found, email=email, verified=True, primary=True)
    return found


def _provider() -> Organization:
    found = Organization.objects.filter(slug="staging-counseling").first()
    if found is not None:
        return found
    provider = Organization.objects.create(
        name="Staging Counseling",
        slug="staging-counseling",
        email=f"office@{DOMAIN}",
        phone="555-0100",
        is_provider=True,
    )
    ProviderProfile.objects.create(
        organization=provider, legal_name="Staging Counseling, Inc.", approval_status=ApprovalStatus.APPROVED,
        is_active=True, is_nonprofit=True, languages=["English", "Spanish"], simulates_numbers=True,
        help_phone="555-0101", help_hours="8 a.m. to 8 p.m.", help_hours_es="de 8 a. m. a 8 p. m.",
        funding="Fees paid by clients.", funding_es="Tarifas que pagan los clientes.",
        counselor_qualifications="Certified counselors with at least two years of practice.",
        counselor_qualifications_es="Consejeros certificados con al menos dos años de práctica.",
        refund_policy="The fee is paid back until the course begins.",
        refund_policy_es="La tarifa se devuelve hasta que empieza el curso.",
    )  # fmt: skip
    today = clock.today()
    for kind in CourseKind.values:
        DistrictApproval.objects.create(
            provider=provider, district_id=COURT, kind=kind, status=DistrictApprovalStatus.APPROVED,
            valid_from=today - dt.timedelta(days=30), valid_to=today + dt.timedelta(days=335), reference="STAGING",
        )  # fmt: skip
    return provider


def _firm() -> Organization:
    found = Organization.objects.filter(slug="staging-law").first()
    if found is not None:
        return found
    firm = Organization.objects.create(name="Staging Law", slug="staging-law", email=f"law@{DOMAIN}", is_firm=True)
    FirmProfile.objects.create(organization=firm, legal_name="Staging Law LLP", bar_state="CA", bar_number="000000")
    return firm


def _own_enrollment(provider: Organization, firm: Organization, user: User) -> None:
    """The client's course, already connected with the log-in."""
    if Client.objects.filter(provider=provider, user=user).exists():
        return
    made = _enroll(provider, firm, Person(user.first_name, user.last_name, user.email))
    client = made.client
    client.user = user
    client.save(update_fields=["user", "updated_at"])


def _open_invitations(provider: Organization, firm: Organization) -> None:
    for name, role, home in (
        ("new.admin", InvitedRole.PLATFORM_ADMIN, None),
        ("new.provider", InvitedRole.PROVIDER_ADMIN, provider),
        ("new.counselor", InvitedRole.COUNSELOR, provider),
        ("new.attorney", InvitedRole.ATTORNEY, firm),
    ):
        if not Invitation.objects.filter(email=f"{name}@{DOMAIN}", role=role).exists():
            invite(f"{name}@{DOMAIN}", role, organization=home)
    email = f"new.client@{DOMAIN}"
    if not Client.objects.filter(provider=provider, email=email).exists():
        invite_client(_enroll(provider, firm, Person("Nico", "Newclient", email)))


def _enroll(provider: Organization, firm: Organization, person: Person) -> Enrollment:
    return create_enrollment(provider, person, Case(CourseKind.CC, COURT), firm=firm)[0]
