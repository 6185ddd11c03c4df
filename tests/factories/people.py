from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from allauth.account.models import EmailAddress

from accounts.models import User
from core import clock
from organizations.enums import ApprovalStatus, InvitedRole, Role
from organizations.models import FirmProfile, Invitation, Membership, Organization, ProviderProfile

PASSWORD = "a long enough password"


def make_user(email: str, *, name: str = "", **fields: Any) -> User:
    """A person who can sign in with PASSWORD; the e-mail is verified."""
    first, _, last = (name or email.partition("@")[0].replace(".", " ").title()).partition(" ")
    user = User.objects.create_user(email, PASSWORD, first_name=first, last_name=last, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_provider(name: str, slug: str, **profile: Any) -> Organization:
    """An approved, active provider that issues simulated numbers."""
    organization = Organization.objects.create(
        name=name, slug=slug, email=f"office@{slug}.example", phone="555-0100", is_provider=True
    )
    defaults: dict[str, Any] = {
        "legal_name": f"{name}, Inc.",
        "approval_status": ApprovalStatus.APPROVED,
        "is_active": True,
        "languages": ["English", "Spanish"],
        "simulates_numbers": True,
        "help_phone": "555-0101",
        "help_hours": "8 a.m. to 8 p.m.",
        "is_nonprofit": True,
        "funding": "client fees and grants from foundations",
        "counselor_qualifications": "national certification and yearly classes",
        "refund_policy": "You get the whole fee back until you begin the course.",
    }
    ProviderProfile.objects.create(organization=organization, **defaults | profile)
    return organization


def make_firm(name: str, slug: str) -> Organization:
    organization = Organization.objects.create(name=name, slug=slug, email=f"office@{slug}.example", is_firm=True)
    FirmProfile.objects.create(organization=organization, legal_name=f"{name} LLP", bar_state="CA", bar_number="12345")
    return organization


def make_membership(user: User, organization: Organization, role: Role) -> Membership:
    return Membership.objects.create(user=user, organization=organization, role=role)


def make_invitation(email: str, role: InvitedRole, **fields: Any) -> Invitation:
    token = fields.pop("token", email)
    return Invitation.objects.create(
        email=email,
        role=role,
        token_hash=hashlib.sha256(token.encode()).hexdigest(),
        expires_at=fields.pop("expires_at", clock.now() + dt.timedelta(days=14)),
        **fields,
    )
