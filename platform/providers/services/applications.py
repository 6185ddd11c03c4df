"""From a stranger's application to a provider with an administrator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from audit.services import record
from core import limits
from core.errors import DomainError
from core.transitions import transition
from organizations.enums import ApprovalStatus, InvitedRole
from organizations.models import Invitation, Organization, ProviderProfile
from organizations.services.invitations import invite
from providers.enums import ApplicationStatus, CourseKind
from providers.models import District, ProviderApplication
from providers.permissions import DECIDE, require_platform
from providers.services.standing import approve_and_activate

# First words of addresses that are the site's own: no provider may stand there.
RESERVED_SLUGS = frozenset(
    {
        "account", "accounts", "admin", "api", "become-a-provider", "careers", "console", "course", "dashboard", "docs",
        "en", "es", "explore", "files", "form", "healthz", "invitations", "my", "officials", "organizations",
        "providers", "scim", "sign-up", "static", "status", "styleguide", "verify",
    }
)  # fmt: skip


def submit_application(data: Mapping[str, Any], *, ip: str | None) -> ProviderApplication:
    """Keep the application of a stranger; open to everyone, ten an hour from one address.

    `data` holds the columns that applicants fill in. The stranger cannot read the row back. DomainError
    `too_many_requests`, `services_required`, `unknown_court`, `nonprofit_required`.
    """
    limits.hit("provider_application", ip or "unknown", limit=10, seconds=3600)
    kinds, court_ids = list(data["kinds"]), list(data["court_ids"])
    if not kinds or not court_ids:
        raise DomainError("services_required")
    if District.objects.filter(court_id__in=court_ids).count() != len(set(court_ids)):
        raise DomainError("unknown_court")
    if CourseKind.CC in kinds and not data.get("is_nonprofit"):
        raise DomainError("nonprofit_required")
    application = ProviderApplication.objects.create(
        organization_name=data["organization_name"].strip(),
        contact_name=data["contact_name"].strip(),
        contact_email=data["contact_email"].strip().lower(),
        contact_phone=data.get("contact_phone", ""),
        website=data.get("website", ""),
        is_nonprofit=bool(data.get("is_nonprofit")),
        kinds=kinds,
        court_ids=court_ids,
        message=data.get("message", ""),
        source_ip=ip,
    )
    record("providerapplication.submitted", application, payload={"kinds": kinds, "courts": court_ids})
    return application


def start_review(application: ProviderApplication) -> ProviderApplication:
    """DomainError `permission_denied`, `transition_not_allowed`."""
    require_platform(DECIDE)
    return transition(application, ApplicationStatus.UNDER_REVIEW)


@transaction.atomic
def deny_application(application: ProviderApplication, *, reason: str) -> ProviderApplication:
    """Deny an application with the reason kept on it; its provider, if one was made and not approved, is denied too.

    DomainError `permission_denied`, `reason_required`, `transition_not_allowed`.
    """
    require_platform(DECIDE)
    if not reason.strip():
        raise DomainError("reason_required")
    denied = transition(application, ApplicationStatus.DENIED, reason=reason, changes={"decision_note": reason.strip()})
    if denied.provider is not None and denied.provider.provider_profile.approval_status == ApprovalStatus.UNDER_REVIEW:
        transition(denied.provider.provider_profile, ApprovalStatus.DENIED, field="approval_status", reason=reason)
    return denied


@transaction.atomic
def create_provider(application: ProviderApplication) -> Organization:
    """Make the provider an application asks for, under review and not public; returns the one made before, if any.

    An application that was only submitted comes under review with it. DomainError `permission_denied`,
    `application_denied`.
    """
    require_platform(DECIDE)
    locked = ProviderApplication.objects.locked().get(pk=application.pk)
    if locked.provider is not None:
        return locked.provider
    if locked.status == ApplicationStatus.DENIED:
        raise DomainError("application_denied")
    if locked.status == ApplicationStatus.SUBMITTED:
        locked = transition(locked, ApplicationStatus.UNDER_REVIEW)
    provider = _organization_for(locked)
    locked.provider = provider
    locked.save(update_fields=["provider", "updated_at"])
    record("provider.created", provider, payload={"application": locked.pk})
    return provider


def _organization_for(application: ProviderApplication) -> Organization:
    name = application.organization_name
    provider = Organization.objects.create(
        name=name,
        slug=free_slug(name),
        email=application.contact_email,
        phone=application.contact_phone,
        is_provider=True,
    )
    ProviderProfile.objects.create(
        organization=provider,
        legal_name=name,
        help_phone=application.contact_phone,
        is_nonprofit=application.is_nonprofit,
        languages=["English"],
    )
    return provider


def free_slug(name: str) -> str:
    """An address name made from `name` that no organization has and that is no address of the site's own."""
    base = slugify(name)[:70] or "provider"
    taken = set(Organization.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | RESERVED_SLUGS
    if base not in taken:
        return base
    return next(slug for slug in (f"{base}-{number}" for number in range(2, len(taken) + 3)) if slug not in taken)


@transaction.atomic
def approve_application(application: ProviderApplication, *, reason: str = "") -> ProviderProfile:
    """Approve and activate the provider of an application, and with it the application.

    DomainError `permission_denied`, `application_without_provider`, `transition_not_allowed`.
    """
    require_platform(DECIDE)
    return approve_and_activate(_provider_of(application), reason=reason)


def invite_provider_admin(application: ProviderApplication) -> Invitation:
    """Invite the contact of an application to administer its provider; a second call refreshes the open invitation.

    DomainError `permission_denied`, `application_without_provider`.
    """
    require_platform(DECIDE)
    invitation, _token = invite(
        application.contact_email, InvitedRole.PROVIDER_ADMIN, organization=_provider_of(application)
    )
    return invitation


def _provider_of(application: ProviderApplication) -> Organization:
    provider = ProviderApplication.objects.select_related("provider").get(pk=application.pk).provider
    if provider is None:
        raise DomainError("application_without_provider")
    return provider
