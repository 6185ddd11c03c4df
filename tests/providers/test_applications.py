"""From a stranger's application to a public provider with an administrator."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import AuditEvent
from core.context import ANONYMOUS, acting
from core.errors import DomainError
from jobs.models import Job
from organizations.actors import load_actor
from organizations.enums import ApprovalStatus, InvitationStatus, InvitedRole
from organizations.models import Invitation, Organization, ProviderProfile
from providers.enums import ApplicationStatus
from providers.models import ProviderApplication
from providers.services import applications, standing
from tests.database import as_system
from tests.factories.names import World

pytestmark = pytest.mark.django_db

DATA = {
    "organization_name": "Harbor Light Counseling, Inc.",
    "contact_name": "Maria Ortega",
    "contact_email": "Maria@HarborLight.example",
    "kinds": ["CC", "DE"],
    "court_ids": ["cacb", "caeb"],
    "is_nonprofit": True,
}


def submitted(**changes: Any) -> ProviderApplication:
    with acting(ANONYMOUS):
        applications.submit_application(DATA | changes, ip="198.51.100.7")
    with as_system():
        return ProviderApplication.objects.get(contact_email="maria@harborlight.example")


def as_admin(world: World) -> Any:
    with as_system():
        actor = load_actor(world.platform_admin)
    return acting(actor)


def test_a_stranger_writes_an_application_and_cannot_read_it_back(world: World) -> None:
    """CERT-51."""
    application = submitted()

    assert (application.status, application.kinds, application.source_ip) == (
        ApplicationStatus.SUBMITTED, ["CC", "DE"], "198.51.100.7",
    )  # fmt: skip
    with acting(ANONYMOUS):
        assert list(ProviderApplication.objects.all()) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_nonprofit": False}, "nonprofit_required"),
        ({"kinds": []}, "services_required"),
        ({"court_ids": []}, "services_required"),
        ({"court_ids": ["nowhere"]}, "unknown_court"),
    ],
)
def test_an_application_that_cannot_be_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    with acting(ANONYMOUS), pytest.raises(DomainError) as refused:
        applications.submit_application(DATA | changes, ip="198.51.100.8")

    assert refused.value.code == code


def test_a_debtor_education_provider_need_not_be_a_nonprofit(world: World) -> None:
    assert submitted(kinds=["DE"], is_nonprofit=False).kinds == ["DE"]


def test_the_eleventh_application_in_an_hour_is_too_many(world: World) -> None:
    with acting(ANONYMOUS):
        for number in range(10):
            applications.submit_application(DATA | {"contact_email": f"a{number}@x.example"}, ip="198.51.100.9")
        with pytest.raises(DomainError) as refused:
            applications.submit_application(DATA, ip="198.51.100.9")

    assert refused.value.code == "too_many_requests"


def test_creating_the_provider_twice_makes_one_that_is_not_public(world: World) -> None:
    """CERT-53."""
    application = submitted()

    with as_admin(world):
        first = applications.create_provider(application)
        second = applications.create_provider(application)

    assert first == second
    with as_system():
        profile = ProviderProfile.objects.get(organization=first)
        application.refresh_from_db()
        assert (profile.approval_status, profile.is_active, profile.is_nonprofit) == (
            ApprovalStatus.UNDER_REVIEW, False, True,
        )  # fmt: skip
        assert (application.provider_id, application.status) == (first.pk, ApplicationStatus.UNDER_REVIEW)
        assert Organization.objects.filter(name=DATA["organization_name"]).count() == 1
    with acting(ANONYMOUS):
        assert not Organization.objects.visible_to(ANONYMOUS).filter(pk=first.pk).exists()


def test_approve_and_activate_opens_the_provider_at_once(world: World) -> None:
    """CERT-54."""
    application = submitted()

    with as_admin(world):
        provider = applications.create_provider(application)
        applications.approve_application(application)
        applications.approve_application(application)

    with acting(ANONYMOUS):
        assert Organization.objects.visible_to(ANONYMOUS).open_to_the_public().filter(pk=provider.pk).exists()
    with as_system():
        application.refresh_from_db()
        assert application.status == ApplicationStatus.APPROVED
        acts = list(AuditEvent.objects.filter(organization=provider).order_by("seq").values_list("act", flat=True))
    assert acts == ["provider.created", "providerprofile.approved"]


def test_approval_without_a_provider_is_refused(world: World) -> None:
    with as_admin(world), pytest.raises(DomainError) as refused:
        applications.approve_application(world.application)

    assert refused.value.code == "application_without_provider"


def test_the_contact_is_invited_to_administer_the_provider(world: World) -> None:
    """CERT-55: provider and contact e-mail on the invitation, one open invitation however often it is sent."""
    application = submitted()
    with as_admin(world):
        provider = applications.create_provider(application)
        applications.invite_provider_admin(application)
        applications.invite_provider_admin(application)

    with as_system():
        [invitation] = Invitation.objects.filter(organization=provider)
        assert (invitation.email, invitation.role, invitation.status) == (
            "maria@harborlight.example", InvitedRole.PROVIDER_ADMIN, InvitationStatus.PENDING,
        )  # fmt: skip
        assert Job.objects.filter(organization=provider, kind="notifications.deliver").count() == 2


def test_a_denial_needs_a_reason_and_denies_the_provider_too(world: World) -> None:
    application = submitted()

    with as_admin(world):
        provider = applications.create_provider(application)
        with pytest.raises(DomainError) as refused:
            applications.deny_application(application, reason=" ")
        applications.deny_application(application, reason="No approval letter.")
        with pytest.raises(DomainError) as reopened:
            applications.create_provider(submitted_again(application))

    assert refused.value.code == "reason_required"
    assert reopened.value.code == "application_denied"
    with as_system():
        application.refresh_from_db()
        assert (application.status, application.decision_note) == (ApplicationStatus.DENIED, "No approval letter.")
        assert ProviderProfile.objects.get(organization=provider).approval_status == ApprovalStatus.DENIED


def submitted_again(application: ProviderApplication) -> ProviderApplication:
    """A denied application without a provider."""
    return ProviderApplication.objects.create(
        organization_name=application.organization_name, contact_name="M", contact_email="m@x.example",
        kinds=["DE"], court_ids=["cacb"], status=ApplicationStatus.DENIED,
    )  # fmt: skip


@pytest.mark.parametrize("who", ["platform_support", "provider_admin_a", "counselor_a", "stranger"])
def test_nobody_but_a_platform_administrator_decides(world: World, who: str) -> None:
    with as_system():
        actor, application, provider = load_actor(getattr(world, who)), world.application, world.provider_a
    verbs = (
        lambda: applications.start_review(application),
        lambda: applications.deny_application(application, reason="No."),
        lambda: applications.create_provider(application),
        lambda: applications.approve_application(application),
        lambda: applications.invite_provider_admin(application),
        lambda: standing.approve_and_activate(provider),
        lambda: standing.suspend_provider(provider, reason="No."),
        lambda: standing.reinstate_provider(provider, reason="No."),
    )

    for verb in verbs:
        with acting(actor), pytest.raises(DomainError) as refused:
            verb()
        assert refused.value.code == "permission_denied"


def test_each_change_of_an_application_is_in_history_with_its_actor(world: World) -> None:
    """CERT-52."""
    application = submitted()

    with as_admin(world):
        applications.start_review(application)
        applications.create_provider(application)
        applications.approve_application(application)

    with as_system():
        rows = list(application.history.order_by("history_date").values_list("status", "actor_label"))
    assert rows == [
        ("submitted", "anonymous"),
        ("under_review", "admin@certaos.example"),
        ("under_review", "admin@certaos.example"),
        ("approved", "admin@certaos.example"),
    ]


def test_a_provider_never_gets_an_address_of_the_site(world: World) -> None:
    with as_admin(world):
        slugs = [applications.free_slug(name) for name in ("Console", "ES", "Provider A", "Ñandú y Cía", "!!!")]

    assert slugs == ["console-2", "es-2", "provider-a-2", "nandu-y-cia", "provider"]
