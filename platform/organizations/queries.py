"""Reads of who belongs where and who is invited."""

from __future__ import annotations

import hashlib

from accounts.models import User
from organizations.models import Invitation, Membership
from organizations.querysets import MembershipQuerySet


def token_digest(token: str) -> str:
    """What is kept of an invitation's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_invitation(token: str) -> Invitation | None:
    """The invitation behind a token, whatever its state. The context must reach it: a sign-in page, or
    `presenting(token_digest(token))`."""
    found = Invitation.objects.filter(token_hash=token_digest(token))
    return found.select_related("organization", "sent_for", "invited_by").first()


def hats_of(user: User) -> MembershipQuerySet:
    """The active memberships of a person with their organizations."""
    return Membership.objects.active().filter(user=user).select_related("organization")
