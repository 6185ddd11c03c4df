"""Invite people, and let them in."""

from __future__ import annotations

import datetime as dt
import secrets

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import translation

from accounts.enums import Language, PlatformRole
from accounts.models import User
from audit.services import record
from core import clock
from core.context import current_actor
from core.errors import DomainError
from core.transitions import transition
from notifications.services import notify
from organizations.enums import InvitationStatus, InvitedRole
from organizations.guards import not_addressed_to, rank_refusal, refuse, shape_refusal, unusable
from organizations.models import Invitation, Organization
from organizations.queries import token_digest
from organizations.services.memberships import join, set_platform_role

DAYS = 14


@transaction.atomic
def invite(
    email: str,
    role: str,
    *,
    organization: Organization | None = None,
    sent_for: Organization | None = None,
    language: str = Language.ENGLISH,
    days: int = DAYS,
    send: bool = True,
) -> tuple[Invitation, str]:
    """Promise a role to an e-mail address and mail the link in `language`; returns the invitation and its token.

    There is one open invitation for the same address (in any case), role, organization and sender: a second call
    renews it, and the link sent before stops working. With `send=False` the caller mails the link to that address
    itself. The token is kept as a digest only. DomainError `email_invalid`, the shape errors, `not_your_rank`.
    """
    address = _address(email)
    refuse(shape_refusal(role, organization), rank_refusal(role, organization))
    wanted = Invitation(email=address, role=role, organization=organization, sent_for=sent_for)
    invitation = _open_one(wanted) or _insert(wanted)
    return invitation, _renew(invitation, days=days, language=language, by_mail=True, send=send)


@transaction.atomic
def refresh_invitation(invitation: Invitation, *, days: int = DAYS) -> str:
    """Mail a new link with a new term; the old link stops working. Returns the token. DomainError
    `invitation_closed` once it was accepted or revoked."""
    return _renew(_still_open(invitation), days=days, by_mail=True, send=True)


@transaction.atomic
def copy_link(invitation: Invitation, *, days: int = DAYS) -> str:
    """A fresh link to hand over by hand, shown this once; links sent before stop working. Whoever signs up with it
    must still confirm the e-mail address. DomainError `invitation_closed`."""
    locked = _still_open(invitation)
    token = _renew(locked, days=days, by_mail=False, send=False)
    return invitation_link(token, locked.language)


@transaction.atomic
def revoke_invitation(invitation: Invitation, *, reason: str = "") -> Invitation:
    """Make the link worthless; the row stays and says who did it and when. DomainError `transition_not_allowed`
    once it is closed."""
    actor = current_actor()
    return transition(
        invitation,
        InvitationStatus.REVOKED,
        reason=reason,
        changes={"closed_at": clock.now(), "revoked_by_id": actor.user_id if actor else None},
    )


@transaction.atomic
def accept_invitation(invitation: Invitation, user: User) -> Invitation:
    """Give `user` what was promised and close the invitation, once.

    Staff roles become a membership (a suspended or removed one comes back, a higher role stays), a platform
    administrator gets the platform role, a client nothing here. Where a role changed, sessions opened before end, and
    `user` is brought up to date. DomainError `invitation_unusable`, `invitation_for_other_email` unless the person
    has proved to hold the address.
    """
    locked = Invitation.objects.locked().get(pk=invitation.pk)
    refuse(unusable(locked), not_addressed_to(locked, user))
    accepted = transition(
        locked,
        InvitationStatus.ACCEPTED,
        changes={"closed_at": clock.now(), "accepted_by_id": user.pk},
        payload={"role": locked.role, "user": user.pk},
    )
    if accepted.role == InvitedRole.PLATFORM_ADMIN:
        set_platform_role(user, PlatformRole.ADMIN, reason="invitation")
    elif accepted.organization is not None:
        join(user, accepted.organization, accepted.role, reason="invitation")
    return accepted


def invitation_link(token: str, language: str) -> str:
    """The absolute address behind a token, in the language of the invitation."""
    with translation.override(language):
        return settings.SITE_URL.rstrip("/") + reverse("website:invitation", args=[token])


def _address(email: str) -> str:
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise DomainError("email_invalid") from None
    return address


def _open_one(wanted: Invitation) -> Invitation | None:
    same = {"role": wanted.role, "organization": wanted.organization, "sent_for": wanted.sent_for}
    return Invitation.objects.pending().filter(email__iexact=wanted.email, **same).locked().first()


def _insert(wanted: Invitation) -> Invitation:
    """Save a new row; when another request was faster, take the row it made."""
    wanted.token_hash = token_digest(secrets.token_urlsafe(32))
    wanted.expires_at = clock.now()
    try:
        with transaction.atomic():
            wanted.save(force_insert=True)
    except IntegrityError:
        found = _open_one(wanted)
        if found is None:
            raise
        return found
    return wanted


def _still_open(invitation: Invitation) -> Invitation:
    locked = Invitation.objects.locked().get(pk=invitation.pk)
    if locked.status != InvitationStatus.PENDING:
        raise DomainError("invitation_closed")
    return locked


def _renew(invitation: Invitation, *, days: int, by_mail: bool, send: bool, language: str = "") -> str:
    token, now, actor = secrets.token_urlsafe(32), clock.now(), current_actor()
    invitation.token_hash = token_digest(token)
    invitation.expires_at = now + dt.timedelta(days=days)
    invitation.sent_at = now if by_mail else None
    invitation.language = language or invitation.language
    if actor is not None and actor.user_id is not None:
        invitation.invited_by_id = actor.user_id
    invitation.save(update_fields=["token_hash", "expires_at", "sent_at", "language", "invited_by", "updated_at"])
    record("invitation.sent" if by_mail else "invitation.link_copied", invitation, payload={"role": invitation.role})
    if send:
        _mail(invitation, token)
    return token


def _mail(invitation: Invitation, token: str) -> None:
    home = invitation.organization or invitation.sent_for
    notify(
        f"user.invite.{invitation.role}",
        to=invitation.email,
        language=invitation.language,
        context={
            "organization": home.name if home else "",
            "invited_by": invitation.inviter_name,
            "link": invitation_link(token, invitation.language),
            "expires_at": invitation.expires_at,
        },
        dedupe_key=f"invitation:{invitation.token_hash}",
        organization=home.pk if home else None,
        about=invitation,
    )
