"""Reads of who can sign in with an address."""

from __future__ import annotations

from allauth.account.models import EmailAddress

from accounts.models import User


def person_without_login(email: str) -> User | None:
    """The person with this address who has no way to sign in: no password and no proved or pending address. Signing
    up gives them their login back. The context must reach people: a sign-in page, or the system."""
    user = User.objects.filter(email__iexact=email, is_active=True, is_process=False).first()
    if user is None or user.has_usable_password() or EmailAddress.objects.filter(user=user).exists():
        return None
    return user


def has_login(email: str) -> bool:
    """Whether someone signs in with this address already, or could once they confirm it."""
    taken = (
        User.objects.filter(email__iexact=email).exists() or EmailAddress.objects.filter(email=email.lower()).exists()
    )
    return taken and person_without_login(email) is None
