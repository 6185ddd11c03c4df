"""Bring a client to the door, and let the right one in."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from audit.services import record
from core import clock
from core.context import ANONYMOUS, Kind, acting, current_actor
from core.errors import DomainError
from enrollments.enums import ENDED
from enrollments.models import Client, Enrollment
from notifications.services import notify
from organizations.enums import InvitationStatus, InvitedRole
from organizations.models import Invitation, Organization
from organizations.services.invitations import invitation_link, invite

EVENT = "enrollment.client_invite"


@transaction.atomic
def invite_client(enrollment: Enrollment) -> Invitation | None:
    """Mail the client the way to the course, in the enrollment's language.

    A client without a log-in gets an invitation link; a second call renews it, and the link before stops working. One
    with a log-in gets the address of the course, and None is returned. DomainError `enrollment_closed`.
    """
    if enrollment.status in ENDED:
        raise DomainError("enrollment_closed")
    client = enrollment.client
    if client.user_id is not None:
        _mail(enrollment, course_link(enrollment), key=f"{enrollment.pk}:{clock.now():%Y%m%dT%H%M%S%f}")
        record("enrollment.client_invited", enrollment, payload={"client": client.pk})
        return None
    invitation, token = invite(
        client.email, InvitedRole.CLIENT, sent_for=_sender(enrollment), language=enrollment.language, send=False
    )
    if client.invitation_id != invitation.pk:
        client.invitation = invitation
        client.save(update_fields=["invitation", "updated_at"])
    _mail(enrollment, invitation_link(token, enrollment.language), key=invitation.token_hash, invitation=invitation)
    record("enrollment.client_invited", enrollment, payload={"client": client.pk, "invitation": invitation.pk})
    return invitation


def invite_household(enrollment: Enrollment) -> list[Invitation | None]:
    """Invite everyone of the household in one go; for an individual the one client."""
    if enrollment.household_id is None:
        return [invite_client(enrollment)]
    members = Enrollment.objects.with_people().filter(household_id=enrollment.household_id).exclude(status__in=ENDED)
    return [invite_client(member) for member in members.order_by("created_at", "id")]


def course_link(enrollment: Enrollment) -> str:
    """The absolute address of the enrollment's page, in its language."""
    with translation.override(enrollment.language):
        return settings.SITE_URL.rstrip("/") + reverse("website:course", args=[enrollment.pk])


def _sender(enrollment: Enrollment) -> Organization | None:
    """The provider, or the law firm when it is the firm's people who invite."""
    actor = current_actor() or ANONYMOUS
    if enrollment.firm_id in actor.organization_ids and enrollment.provider_id not in actor.organization_ids:
        return enrollment.firm
    return enrollment.provider


def _mail(enrollment: Enrollment, link: str, *, key: str, invitation: Invitation | None = None) -> None:
    client = enrollment.client
    notify(
        EVENT,
        to=client.email,
        language=enrollment.language,
        context={
            "first_name": client.first_name,
            "provider": enrollment.provider.name,
            "firm": enrollment.firm.name if enrollment.firm is not None else "",
            "kind": enrollment.kind,
            "link": link,
            "needs_account": invitation is not None,
            "expires_at": invitation.expires_at if invitation is not None else None,
            "deadline": enrollment.de_filing_deadline,
        },
        dedupe_key=f"client-invite:{key}",
        organization=enrollment.provider_id,
        person=client.user_id,
        about=enrollment,
    )


@transaction.atomic
def claim_clients(user: User, invitation: Invitation) -> list[Client]:
    """Connect a log-in with the clients it was invited for, once the invitation is accepted by that user.

    These are the clients the invitation was sent for, and those of the same sender with the same e-mail address that
    nobody claimed yet. Runs in the sign-in scope, because until now the person reaches none of these rows. Returns the
    clients claimed by this call. DomainError `invitation_unusable` unless `user` accepted the invitation.
    """
    with acting(replace(current_actor() or ANONYMOUS, kind=Kind.AUTH)):
        fresh = Invitation.objects.get(pk=invitation.pk)
        if fresh.status != InvitationStatus.ACCEPTED or fresh.accepted_by_id != user.pk:
            raise DomainError("invitation_unusable")
        if fresh.role != InvitedRole.CLIENT:
            return []
        same_sender = Q(provider=fresh.sent_for_id) | Q(firm=fresh.sent_for_id)
        waiting = Client.objects.filter(user=None, email__iexact=fresh.email).filter(Q(invitation=fresh) | same_sender)
        claimed = list(waiting.locked())
        for client in claimed:
            client.user = user
            client.save(update_fields=["user", "updated_at"])
            record("client.claimed", client, payload={"user": user.pk, "invitation": fresh.pk})
        return claimed
